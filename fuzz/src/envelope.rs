//! Answers of any bytes, read as each endpoint reads them.
//!
//! All endpoints agree on whether it is an answer, on status and message;
//! `serde_json` agrees on whether it is JSON; a payload is there exactly where
//! the documentation says; what an answer says, written in the manual's form,
//! reads the same again; and no error shows anything of the body.

use qcc_proto::{
    Activate, Call, DownloadLink, Envelope, EnvelopeError, EnvelopeErrorKind as Kind, ListOrders,
    Locate, Location, SetPush, Status, UnzipPassword,
};
use serde_json::{Value, json};

use crate::{leaks::assert_shows_nothing, second_opinion::mended};

/// The status of an empty list.
const EMPTY: i64 = 201;

/// Checks one input.
pub fn check(body: &[u8]) {
    let head = Activate::read_answer(body).map(|answer| {
        assert_eq!(answer.payload.is_some(), answer.status == Status::OK);
        (answer.status, answer.message)
    });
    let json = is_json(body);
    match &head {
        Err(error) => {
            let is_answer = matches!(error.kind(), Kind::BadPayload { .. } | Kind::NotAUrl { .. });
            assert!(!is_answer, "no payload was asked for");
            if let Kind::Doubtful { field } = error.kind() {
                assert_eq!(field, "status");
            }
            assert!(json != Some(true) || error.kind() != Kind::NotJson, "it is JSON");
            assert_shows_nothing(error, body);
        }
        Ok(_) => assert_ne!(json, Some(false), "it is no JSON"),
    }

    let echo = SetPush::read_answer(body);
    if let Some(echo) = agrees(body, &head, echo, &[]) {
        let fields = json!({ "callbackUrl": echo.callback_url });
        reads_again(&head, "result", fields, SetPush::read_answer, &echo);
    }

    let list = ListOrders::read_answer(body);
    if let Some(mut list) = agrees(body, &head, list, &[EMPTY]) {
        assert!(list.unreadable.iter().all(|line| line.chars().count() <= 100));
        assert_eq!(list.unreadable.len(), list.unreadable_count.min(20));
        assert!(list.unreadable.iter().all(|line| !line.contains(char::is_control)));
        list.unreadable.clear();
        list.unreadable_count = 0;
        let time = |time: Option<_>| time.map(|time: qcc_proto::ShanghaiTime| time.to_string());
        let lines: Vec<_> = (list.orders.iter())
            .map(|o| json!({ "orderNo": o.order_no.as_str(), "createDate": time(o.created_at) }))
            .collect();
        reads_again(&head, "resultList", lines.into(), ListOrders::read_answer, &list);
    }

    let location = Locate::read_answer(body);
    if let Some(location) = agrees(body, &head, location, &[]) {
        let fields = json!({
            "orderNo": location.order_no.as_ref().map(|no| no.as_str()),
            "downloadUrl": location.link.reveal(),
            "downloadUrlExpiredTime": location.stated_expiry.map(|time| time.to_string()),
            "unzipPassword": location.password.reveal(),
        });
        reads_again(&head, "result", fields, Locate::read_answer, &location);
        assert_debug_hides(&location);
    }
}

type Head = Result<(Status, String), EnvelopeError>;

/// Compares one endpoint's reading with what all have in common, and hands on
/// the payload.
#[track_caller]
fn agrees<T>(
    body: &[u8],
    head: &Head,
    answer: Result<Envelope<T>, EnvelopeError>,
    also_payload: &[i64],
) -> Option<T> {
    match (head, answer) {
        (Ok((status, message)), Ok(answer)) => {
            assert_eq!((answer.status, &answer.message), (*status, message));
            let expected = *status == Status::OK || also_payload.contains(&status.code());
            assert_eq!(answer.payload.is_some(), expected);
            if answer.payload.is_none() {
                let refusal = Envelope::<()>::new(*status, message.clone(), None);
                let refusal = refusal.into_payload().expect_err("no payload");
                assert!(!refusal.to_string().contains(char::is_control));
            }
            answer.payload
        }
        (Ok((status, _)), Err(error)) => {
            let lacks_payload = matches!(
                error.kind(),
                Kind::BadPayload { .. } | Kind::NotAUrl { .. } | Kind::Doubtful { .. }
            );
            assert!(lacks_payload && *status == Status::OK, "{error}");
            assert_shows_nothing(&error, body);
            None
        }
        (Err(head), Err(error)) => {
            assert_eq!(error.kind(), head.kind());
            None
        }
        (Err(error), Ok(_)) => panic!("read as one endpoint's, but {error}"),
    }
}

/// Writes a payload as the manual's samples have it, and reads it again.
#[track_caller]
fn reads_again<T: PartialEq + std::fmt::Debug>(
    head: &Head,
    nest: &str,
    payload: Value,
    parse: impl Fn(&[u8]) -> Result<Envelope<T>, EnvelopeError>,
    expected: &T,
) {
    let Ok((status, message)) = head else { return };
    let body = json!({ "status": status.code().to_string(), "msg": message, nest: payload });
    let answer = parse(body.to_string().as_bytes()).expect("the manual's form is read");
    assert_eq!((answer.status, &answer.message), (*status, message));
    assert!(answer.payload.as_ref() == Some(expected), "another payload");
}

/// With other secrets `Debug` is the same, so it shows none of them.
fn assert_debug_hides(location: &Location) {
    let mut other = location.clone();
    other.link = DownloadLink::new(format!("{}?other", location.link.without_query()));
    other.password = UnzipPassword::new("other");
    assert_eq!(format!("{location:?}"), format!("{other:?}"));
}

/// Whether `serde_json` calls it JSON; `None` where that is a matter of size.
fn is_json(body: &[u8]) -> Option<bool> {
    let text = mended(body.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(body));
    match serde_json::from_str::<Value>(&text) {
        Ok(_) => Some(true),
        Err(error) if error.to_string().starts_with("recursion limit") => None,
        Err(_) => Some(false),
    }
}
