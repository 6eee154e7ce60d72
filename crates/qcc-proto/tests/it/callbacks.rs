//! Every recorded callback, and the round trip of those we write.

use std::error::Error;

use proptest::prelude::*;
use qcc_proto::{
    Acknowledgement, CallbackError, CallbackQuery, DownloadLink, Location, OrderNo, ShanghaiTime,
    Status, StatusForm, UnzipPassword,
};

use crate::fixtures;

const LINK: &str = "http://pro-files.qichacha.com/DdMonitor/xxxxxx.zip?Expires=1615884598\
                    &OSSAccessKeyId=LTAIvmt6mWz2ZQqu&Signature=D0lw17m2HGfWuSgB%2BSECs%2F4ubXU%3D";
const EXPIRY: &str = "2021-03-16 20:19:00";

fn parse(file: &str) -> Result<CallbackQuery, CallbackError> {
    CallbackQuery::parse(fixtures::read("callbacks", file))
}

/// Callbacks that read: link, expiry, password.
const GOOD: &[(&str, &str, Option<&str>, &str)] = &[
    ("sample.txt", LINK, Some(EXPIRY), "XXXXXXXXXX"),
    ("reordered.txt", LINK, Some(EXPIRY), "XXXXXXXXXX"),
    ("plus-stays.txt", LINK, Some(EXPIRY), "a+b+c"),
    ("unknown-parameters.txt", LINK, Some(EXPIRY), "XXXXXXXXXX"),
    ("no-expiry.txt", LINK, None, "XXXXXXXXXX"),
    ("odd-expiry.txt", LINK, None, "XXXXXXXXXX"),
    ("lower-case-escapes.txt", LINK, Some(EXPIRY), "XXXXXXXXXX"),
    ("padded-order.txt", LINK, Some(EXPIRY), "XXXXXXXXXX"),
    ("timestamp-expiry.txt", LINK, Some(EXPIRY), "XXXXXXXXXX"),
    ("zulu-expiry.txt", LINK, Some(EXPIRY), "XXXXXXXXXX"),
    ("encoded-name.txt", LINK, Some(EXPIRY), "XXXXXXXXXX"),
    ("at-the-limit.txt", LINK, Some(EXPIRY), "XXXXXXXXXX"),
    (
        "other-host.txt",
        "http://169.254.169.254/DdMonitor/xxxxxx.zip?Expires=1615884598\
         &OSSAccessKeyId=LTAIvmt6mWz2ZQqu&Signature=D0lw17m2HGfWuSgB%2BSECs%2F4ubXU%3D",
        Some(EXPIRY),
        "XXXXXXXXXX",
    ),
];

#[test]
fn a_callback_is_decoded_exactly_once() {
    for (file, link, expiry, password) in GOOD {
        let query = parse(file).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(query.key.reveal(), "AppKey", "{file}");
        assert_eq!(query.order_no.as_str(), "DDMON2021031616145803273367", "{file}");
        assert_eq!(query.location.order_no.as_ref(), Some(&query.order_no), "{file}");
        assert_eq!(query.location.link.reveal(), *link, "{file}");
        let seen = query.location.stated_expiry.map(|time| time.to_string());
        assert_eq!(seen.as_deref(), *expiry, "{file}");
        assert_eq!(query.location.password.reveal(), *password, "{file}");
    }
}

/// Callbacks that are refused, and what is said of them.
const BAD: &[(&str, &str)] = &[
    ("repeated-key.txt", "the callback repeats key"),
    ("repeated-hidden.txt", "the callback repeats orderNo"),
    ("traversal.txt", "the callback's orderNo is not an order number"),
    ("crlf.txt", "the callback's key contains a control character"),
    ("nul.txt", "the callback's unzipPassword contains a control character"),
    ("bad-escape.txt", "the callback's downloadUrl is not percent-encoded UTF-8"),
    ("cut-escape.txt", "the callback's unzipPassword is not percent-encoded UTF-8"),
    ("not-utf8.txt", "the callback's unzipPassword is not percent-encoded UTF-8"),
    ("raw-not-utf8.txt", "the callback's unzipPassword is not percent-encoded UTF-8"),
    ("missing-three.txt", "the callback lacks orderNo, downloadUrl, unzipPassword"),
    ("empty.txt", "the callback lacks key, orderNo, downloadUrl, unzipPassword"),
    ("oversize.txt", "the callback query is longer than 8192 bytes"),
];

#[test]
fn a_refusal_names_the_parameter_and_shows_no_value() {
    for (file, expected) in BAD {
        let error = parse(file).unwrap_err();
        assert_eq!(error.to_string(), *expected, "{file}");
        let source = error.source().map(ToString::to_string).unwrap_or_default();
        let shown = format!("{error:?} {source}");
        for value in ["AppKey", "passwd", "Signature", "XXX", "Cookie"] {
            assert!(!shown.contains(value), "{file}: {shown}");
        }
    }
}

#[test]
fn what_a_stranger_says_of_an_order_is_not_judged() {
    let stranger = |file| {
        CallbackQuery::parse_where(fixtures::read("callbacks", file), |key| key.reveal() == "ours")
            .unwrap_err()
    };
    assert_eq!(stranger("sample.txt"), CallbackError::Key);
    assert_eq!(stranger("traversal.txt"), CallbackError::Key, "the key comes first");
    assert_eq!(
        stranger("repeated-hidden.txt"),
        CallbackError::Repeated { parameter: "orderNo" },
        "what cannot be read has no key"
    );
}

#[test]
fn an_empty_value_still_counts_as_the_first() {
    let error = CallbackQuery::parse("key=&key=AppKey").unwrap_err();
    assert_eq!(error, CallbackError::Repeated { parameter: "key" });
}

#[test]
fn the_manuals_sample_is_written_byte_for_byte() {
    let written = parse("sample.txt").unwrap().to_query();
    assert_eq!(written.as_bytes(), fixtures::read("callbacks", "sample.txt"));
}

#[test]
fn debug_shows_neither_key_nor_password_nor_signature() {
    let shown = format!("{:?} {:#?}", parse("sample.txt").unwrap(), parse("sample.txt").unwrap());
    for secret in ["AppKey", "XXX", "Signature=", "D0lw17m2"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("DDMON2021031616145803273367"));
}

#[test]
fn the_acknowledgement_is_the_manuals_to_the_byte() {
    let accepted = Acknowledgement::accepted();
    assert_eq!(accepted.body(), "{\"status\":\"200\",\"msg\":\"成功\"}");
    let integer = accepted.with_form(StatusForm::Integer);
    assert_eq!(integer.body(), "{\"status\":200,\"msg\":\"成功\"}");
}

#[test]
fn a_refusing_acknowledgement_stays_json_whatever_it_says() {
    let refused = Acknowledgement::refused(Status::UNKNOWN_ERROR, "\"}\n\u{0}坏");
    assert_eq!(refused.body(), r#"{"status":"199","msg":"\"}\n\u0000坏"}"#);
    assert_eq!(refused.status(), Status::UNKNOWN_ERROR);
}

#[test]
fn every_fixture_is_listed_and_read() {
    let used = GOOD.iter().map(|case| case.0).chain(BAD.iter().map(|case| case.0));
    fixtures::check_all_used("callbacks", used);
}

/// Text of any kind a parameter may hold.
const TEXT: &str = r"\PC{1,60}";

proptest! {
    #[test]
    fn what_is_written_reads_the_same(
        key in TEXT,
        order_no in "[A-Za-z0-9_-]{1,64}",
        link in TEXT,
        at in proptest::option::of(950_000_000_i64..4_000_000_000),
        password in TEXT,
    ) {
        let order_no: OrderNo = order_no.parse().unwrap();
        let location = { let mut location = Location::new(DownloadLink::new(&*link), UnzipPassword::new(&*password)); location.stated_expiry = at.map(|second| {
                ShanghaiTime::from_timestamp(jiff::Timestamp::from_second(second).unwrap())
            }); location };
        let query = CallbackQuery::new(&*key, order_no.clone(), location.clone());
        let written = query.to_query();
        prop_assert!(written.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%&=".contains(&b)));
        let read = CallbackQuery::parse(&written).unwrap();
        prop_assert_eq!(read.key.reveal(), key);
        prop_assert_eq!(&read.order_no, &order_no);
        prop_assert_eq!(read.location, { let mut location = location; location.order_no = Some(order_no); location });
    }

    #[test]
    fn no_bytes_make_it_panic(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = CallbackQuery::parse(&raw);
    }

    #[test]
    fn garbled_samples_read_as_the_order_or_not_at_all(at in 0_usize..307, byte: u8) {
        let mut raw = fixtures::read("callbacks", "sample.txt");
        raw[at] = byte;
        if let Ok(query) = CallbackQuery::parse(&raw) {
            prop_assert!(!query.key.reveal().contains(char::is_control));
            prop_assert!(!query.location.link.reveal().contains(char::is_control));
        }
    }
}
