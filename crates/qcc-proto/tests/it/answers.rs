//! Every recorded answer, read by each endpoint it may come from.

use qcc_proto::{
    Answer, EchoMatch, EnvelopeError, EnvelopeErrorKind as Kind, Location, OrderList, PushEcho,
    Status, StatusClass,
};

use crate::fixtures;

const OLDER: &str = "DDMON2022060710145913059094";
const NEWER: &str = "DDMON2022060710291160581293";
const SENT: &str = "http://test.domain.com/pro/radar/callback";

fn body(file: &str) -> Vec<u8> {
    fixtures::read("answers", file)
}

fn list(file: &str) -> Result<Answer<OrderList>, EnvelopeError> {
    Answer::<OrderList>::parse(&body(file))
}

fn locate(file: &str) -> Result<Answer<Location>, EnvelopeError> {
    Answer::<Location>::parse(&body(file))
}

/// Answers of 6.2.1 and how their echo compares with [`SENT`].
const ECHOES: &[(&str, EchoMatch)] = &[
    ("set-push.json", EchoMatch::Same),
    ("set-push-top-level.json", EchoMatch::Same),
    ("set-push-other-url.json", EchoMatch::Different),
    ("set-push-no-echo.json", EchoMatch::Absent),
];

#[test]
fn the_echo_of_the_setting_is_compared() {
    for (file, expected) in ECHOES {
        let answer = Answer::<PushEcho>::parse(&body(file)).unwrap();
        assert_eq!(answer.status, Status::OK, "{file}");
        let echo = answer.into_payload().unwrap();
        assert_eq!(echo.compare(&SENT.parse().unwrap()), *expected, "{file}");
    }
}

const ACTIVATIONS: &[&str] = &["activate.json", "activate-result-text.json"];

#[test]
fn activation_needs_no_payload() {
    for file in ACTIVATIONS {
        let answer = Answer::<()>::parse(&body(file)).unwrap();
        assert_eq!(answer.message, "激活成功", "{file}");
        answer.into_payload().unwrap();
    }
}

/// Answers of 6.2.4 that list the two orders of the manual's sample.
const TWO_ORDERS: &[&str] = &[
    "list.json",
    "list-int-status.json",
    "list-upper-case.json",
    "list-under-result.json",
    "list-bom.json",
    "list-crlf.json",
    "list-extra-fields.json",
];

#[test]
fn each_spelling_of_the_sample_lists_the_same_orders() {
    for file in TWO_ORDERS {
        let answer = list(file).unwrap();
        assert_eq!(answer.message, "【有效请求】查询成功", "{file}");
        let list = answer.into_payload().unwrap();
        assert!(list.unreadable.is_empty(), "{file}");
        let seen: Vec<_> = list
            .orders
            .iter()
            .map(|order| (order.order_no.as_str(), order.created_at.unwrap().to_string()))
            .collect();
        let expected =
            [(NEWER, "2022-06-07 10:29:11".to_owned()), (OLDER, "2022-06-07 10:14:59".to_owned())];
        assert_eq!(seen, expected, "{file}");
    }
}

/// Answers of 6.2.4 that list the older order alone, and whether with its time.
const ONE_ORDER: &[(&str, bool)] = &[
    ("list-top-level.json", true),
    ("list-nested-twice.json", true),
    ("list-duplicate-keys.json", false),
];

#[test]
fn odd_nestings_still_list_the_order() {
    for (file, dated) in ONE_ORDER {
        let list = list(file).unwrap().into_payload().unwrap();
        assert_eq!(list.orders.len(), 1, "{file}");
        assert_eq!(list.orders[0].order_no.as_str(), OLDER, "{file}");
        assert_eq!(list.orders[0].created_at.is_some(), *dated, "{file}");
    }
}

#[test]
fn of_duplicate_keys_the_last_stands() {
    assert_eq!(list("list-duplicate-keys.json").unwrap().message, "last");
}

const EMPTY_LISTS: &[&str] = &["list-null.json", "no-result-201.json"];

#[test]
fn no_result_and_null_are_empty_lists() {
    for file in EMPTY_LISTS {
        assert_eq!(list(file).unwrap().into_payload().unwrap(), OrderList::default(), "{file}");
    }
    let refusal = locate("no-result-201.json").unwrap().into_payload().unwrap_err();
    assert_eq!(refusal.class(), StatusClass::Empty);
}

#[test]
fn a_bad_line_costs_no_other() {
    let list = list("list-bad-lines.json").unwrap().into_payload().unwrap();
    let good: Vec<_> = list.orders.iter().map(|order| order.order_no.as_str()).collect();
    assert_eq!(good, [NEWER, OLDER]);
    assert_eq!(list.orders[1].created_at, None);
    let none = "(no orderNo)";
    let expected =
        ["../../etc/passwd", "", none, none, none, none, none, "line\\nfeed"].map(str::to_owned);
    assert_eq!(list.unreadable, expected);
}

#[test]
fn a_full_window_keeps_its_order() {
    let list = list("list-full-window.json").unwrap().into_payload().unwrap();
    assert_eq!(list.orders.len(), 30);
    assert!(list.orders.iter().all(|order| order.order_no.created_hint() == order.created_at));
    assert!(list.orders.is_sorted_by(|a, b| a.created_at > b.created_at));
}

/// Answers of 6.2.5 that say the same as the manual's sample.
const LOCATIONS: &[&str] = &[
    "locate.json",
    "locate-int-status.json",
    "locate-upper-case.json",
    "locate-top-level.json",
    "locate-nested-wins.json",
    "locate-escaped.json",
];

#[test]
fn each_spelling_of_the_sample_locates_the_same_archive() {
    for file in LOCATIONS {
        let location = locate(file).unwrap().into_payload().unwrap();
        assert_eq!(location.order_no.as_ref().unwrap().as_str(), OLDER, "{file}");
        assert_eq!(
            location.link.reveal(),
            "http://pro-files.qichacha.com/DdMonitor/20220607484ed739c6ff4f74907c040d445a01fd.zip\
             ?Expires=1654573158&OSSAccessKeyId=LTAIvmt6mWz2ZQqu\
             &Signature=zynZsgtxZsW4bGiJAkY94iyJJYc%3D",
            "{file}"
        );
        assert_eq!(location.expires_at.unwrap().to_string(), "2022-06-07 11:39:18", "{file}");
        assert_eq!(location.password.reveal(), "9TkwzCSilJpsLZyXImLK", "{file}");
    }
}

#[test]
fn an_unreadable_expiry_leaves_the_links_own() {
    let location = locate("locate-bad-expiry.json").unwrap().into_payload().unwrap();
    assert_eq!(location.expires_at, None);
    assert_eq!(location.ends_at().unwrap().as_second(), 1_654_573_158);
}

#[test]
fn a_number_is_read_as_a_password() {
    let location = locate("locate-numeric-password.json").unwrap().into_payload().unwrap();
    assert_eq!(location.password.reveal(), "12345678");
}

/// Refusals: code, class, and what the message begins with.
const REFUSALS: &[(&str, i64, StatusClass, &str)] = &[
    ("not-ready-205.json", 205, StatusClass::NotYet, "【有效请求】等待处理中"),
    ("refused-107.json", 107, StatusClass::ClockOrSignature, "【无效请求】被禁止的IP"),
    ("refused-107-message.json", 107, StatusClass::ClockOrSignature, "被禁止的IP"),
    ("refused-199.json", 199, StatusClass::Transient, "系统未知错误"),
    ("refused-101.json", 101, StatusClass::Account, "【无效请求】当前的KEY"),
    ("unknown-299.json", 299, StatusClass::Unknown, "新的状态"),
];

#[test]
fn a_refusal_reads_the_same_from_each_endpoint() {
    for (file, code, class, message) in REFUSALS {
        let bytes = body(file);
        let refusals = [
            Answer::<PushEcho>::parse(&bytes).unwrap().into_payload().unwrap_err(),
            Answer::<()>::parse(&bytes).unwrap().into_payload().unwrap_err(),
            list(file).unwrap().into_payload().unwrap_err(),
            locate(file).unwrap().into_payload().unwrap_err(),
        ];
        for refusal in refusals {
            assert_eq!((refusal.status.code(), refusal.class()), (*code, *class), "{file}");
            assert!(refusal.message.starts_with(message), "{file}");
            let shown = refusal.to_string();
            assert!(shown.contains(&code.to_string()) && shown.contains(message), "{shown}");
        }
    }
}

/// Bodies that are no answer at all, from whichever endpoint.
const NO_ANSWERS: &[(&str, Kind)] = &[
    ("list-two-boms.json", Kind::NotJson),
    ("status-missing.json", Kind::NoStatus),
    ("status-word.json", Kind::NoStatus),
    ("array.json", Kind::NotAnObject),
    ("proxy-502.html", Kind::NotJson),
    ("oss-403.xml", Kind::NotJson),
    ("empty.txt", Kind::NotJson),
    ("truncated.json", Kind::NotJson),
    ("two-values.json", Kind::NotJson),
    ("not-utf8.json", Kind::NotJson),
    ("deep.json", Kind::TooDeep),
];

#[test]
fn what_is_no_answer_is_told_apart() {
    for (file, kind) in NO_ANSWERS {
        let bytes = body(file);
        assert_eq!(list(file).unwrap_err().kind(), *kind, "{file}");
        assert_eq!(locate(file).unwrap_err().kind(), *kind, "{file}");
        assert_eq!(Answer::<()>::parse(&bytes).unwrap_err().kind(), *kind, "{file}");
        assert_eq!(Answer::<PushEcho>::parse(&bytes).unwrap_err().kind(), *kind, "{file}");
    }
}

/// Answers of 6.2.5 that say success and lack this field.
const LOCATIONS_LACKING: &[(&str, &str)] = &[
    ("locate-bad-order.json", "orderNo"),
    ("locate-null-result.json", "downloadUrl"),
    ("locate-empty-password.json", "unzipPassword"),
];

#[test]
fn a_status_is_a_whole_number_in_either_type() {
    let read = |status: &str| {
        let body = format!(r#"{{"status":{status},"Status":{status}}}"#);
        Answer::<()>::parse(body.as_bytes()).map(|answer| answer.status.code())
    };
    for (status, code) in [("200", 200), (r#""200""#, 200), (r#"" 205 ""#, 205), ("-1", -1)] {
        assert_eq!(read(status).unwrap(), code, "{status}");
    }
    for status in [
        "null",
        "true",
        "200.5",
        r#""""#,
        r#""2 00""#,
        "[200]",
        "{}",
        "1e3",
        "99999999999999999999",
    ] {
        assert_eq!(read(status).unwrap_err().kind(), Kind::NoStatus, "{status}");
    }
}

#[test]
fn success_without_its_payload_names_the_field() {
    for (file, field) in LOCATIONS_LACKING {
        let error = locate(file).unwrap_err();
        assert_eq!(error.kind(), Kind::BadPayload { field }, "{file}");
        assert!(error.to_string().contains(field), "{file}");
    }
    let error = list("list-missing.json").unwrap_err();
    assert_eq!(error.kind(), Kind::BadPayload { field: "resultList" });
}

#[test]
fn every_prefix_of_an_answer_is_refused() {
    let whole = body("locate.json");
    let end = whole.iter().rposition(|byte| *byte == b'}').unwrap();
    for length in 0..=end {
        let error = Answer::<Location>::parse(&whole[..length]).unwrap_err();
        assert_eq!(error.kind(), Kind::NotJson, "{length}");
    }
}

#[test]
fn errors_and_debug_show_no_password_and_no_signature() {
    use std::error::Error;

    let mut shown = String::new();
    for file in LOCATIONS {
        shown += &format!("{:?}", locate(file).unwrap());
    }
    let broken = LOCATIONS_LACKING.iter().map(|(file, _)| *file).chain(["truncated.json"]);
    for error in broken.map(|file| locate(file).unwrap_err()) {
        let source = error.source().map(ToString::to_string).unwrap_or_default();
        shown += &format!("{error} {error:?} {source}");
    }
    let whole = body("locate.json");
    for length in 0..whole.len() {
        let cut = Answer::<Location>::parse(&whole[..length]).map(|_| ());
        shown += &format!("{cut:?}");
    }
    for secret in ["9TkwzCSilJpsLZyXImLK", "zynZsgtxZsW4bGiJAkY94iyJJYc", "OSSAccessKeyId"] {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
}

#[test]
fn a_refusal_prints_on_one_line_and_ends() {
    let body = format!(r#"{{"status":202,"msg":"a\r\n\u0000\u001b[31m{}"}}"#, "错".repeat(500));
    let refusal =
        Answer::<()>::parse(body.as_bytes()).unwrap().into_payload().unwrap_err().to_string();
    assert!(!refusal.contains(char::is_control), "{refusal}");
    assert!(refusal.chars().count() < 300, "{refusal}");
    let bare = Answer::<()>::parse(br#"{"status":202}"#).unwrap().into_payload().unwrap_err();
    assert_eq!(bare.to_string(), "the vendor answered 202: 【有效请求】查询参数错误，请检查");
}

#[test]
fn every_fixture_is_listed_and_read() {
    let others = [
        "list-bad-lines.json",
        "list-full-window.json",
        "list-missing.json",
        "locate-bad-expiry.json",
        "locate-numeric-password.json",
    ];
    let used = (ECHOES.iter().map(|case| case.0))
        .chain(ACTIVATIONS.iter().copied())
        .chain(TWO_ORDERS.iter().copied())
        .chain(ONE_ORDER.iter().map(|case| case.0))
        .chain(EMPTY_LISTS.iter().copied())
        .chain(LOCATIONS.iter().copied())
        .chain(REFUSALS.iter().map(|case| case.0))
        .chain(NO_ANSWERS.iter().map(|case| case.0))
        .chain(LOCATIONS_LACKING.iter().map(|case| case.0))
        .chain(others);
    fixtures::check_all_used("answers", used);
}
