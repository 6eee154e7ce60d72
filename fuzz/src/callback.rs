//! Queries of any bytes.
//!
//! A query is taken where a decoder written from the manual and the crate's
//! documentation takes it, with the same values: decoded once, `+` a plus. What
//! was taken is written and read again as the same. Neither an error nor
//! `Debug` shows a value.

use std::collections::BTreeMap;

use qcc_proto::{CallbackQuery, DownloadLink, OrderNo, ShanghaiTime, UnzipPassword};

use crate::leaks::assert_shows_nothing;

const REQUIRED: [&str; 4] = ["key", "orderNo", "downloadUrl", "unzipPassword"];
const EXPIRY: &str = "downloadUrlExpiredTime";

/// Checks one input.
pub fn check(raw: &[u8]) {
    let expected = by_the_book(raw);
    match CallbackQuery::parse(raw) {
        Err(error) => {
            assert!(expected.is_none(), "refused: {error}");
            assert_shows_nothing(&error, raw);
        }
        Ok(query) => {
            let expected = expected.expect("accepted what the book refuses");
            assert_eq!(values(&query), REQUIRED.map(|name| expected[name].as_str()));
            let expiry = expected.get(EXPIRY).and_then(|text| ShanghaiTime::from_wire(text).ok());
            assert_eq!(query.location.stated_expiry, expiry);
            assert_eq!(query.location.order_no.as_ref(), Some(&query.order_no));
            assert_reads_again(&query);
            assert_debug_hides(&query);
        }
    }
}

fn values(query: &CallbackQuery) -> [&str; 4] {
    let location = &query.location;
    [
        query.key.reveal(),
        query.order_no.as_str(),
        location.link.reveal(),
        location.password.reveal(),
    ]
}

fn assert_reads_again(query: &CallbackQuery) {
    let written = query.to_query();
    if written.len() > CallbackQuery::MAX_LEN {
        return;
    }
    let read = CallbackQuery::parse(&written).expect("what is written is read");
    assert_eq!(values(&read), values(query));
    assert_eq!(read.location, query.location);
    assert_eq!(read.to_query(), written);
}

/// With other secrets `Debug` is the same, so it shows none of them.
fn assert_debug_hides(query: &CallbackQuery) {
    let mut location = query.location.clone();
    location.link = DownloadLink::new(format!("{}?other", query.location.link.without_query()));
    location.password = UnzipPassword::new("other");
    let other = CallbackQuery::new("other", query.order_no.clone(), location);
    assert_eq!(format!("{query:?}"), format!("{other:?}"));
}

/// The values of a query that is to be taken.
fn by_the_book(raw: &[u8]) -> Option<BTreeMap<String, String>> {
    if raw.len() > 8192 {
        return None;
    }
    let mut values = BTreeMap::new();
    for pair in raw.split(|byte| *byte == b'&') {
        let cut = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = (&pair[..cut], pair.get(cut + 1..).unwrap_or_default());
        // A broken escape in a name is left as it is, and so the name is unknown.
        let Some(name) = decoded(name).and_then(|name| String::from_utf8(name).ok()) else {
            continue;
        };
        if !REQUIRED.contains(&name.as_str()) && name != EXPIRY {
            continue;
        }
        let value = String::from_utf8(decoded(value)?).ok()?;
        if value.chars().any(char::is_control) || values.insert(name, value).is_some() {
            return None;
        }
    }
    let is_given = |name: &&str| values.get(*name).is_some_and(|value| !value.is_empty());
    let is_complete = REQUIRED.iter().all(is_given);
    if let Some(no) = values.get_mut("orderNo") {
        *no = no.trim().to_owned();
    }
    (is_complete && values["orderNo"].parse::<OrderNo>().is_ok()).then_some(values)
}

/// Each `%` and its two digits as the byte they stand for.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let digits = str::from_utf8(after.get(..2)?).ok()?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    Some(bytes)
}
