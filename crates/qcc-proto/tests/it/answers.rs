//! Every recorded answer, read by each endpoint it may come from.

use qcc_proto::{
    Activate, Call, EchoMatch, Envelope, EnvelopeError, EnvelopeErrorKind as Kind, ListOrders,
    Locate, Location, OrderList, SetPush, Status, StatusClass,
};

use crate::fixtures;

const OLDER: &str = "DDMON2022060710145913059094";
const NEWER: &str = "DDMON2022060710291160581293";
const SENT: &str = "http://test.domain.com/pro/radar/callback";

fn body(file: &str) -> Vec<u8> {
    fixtures::read("answers", file)
}

fn list(file: &str) -> Result<Envelope<OrderList>, EnvelopeError> {
    ListOrders::read_answer(&body(file))
}

fn locate(file: &str) -> Result<Envelope<Location>, EnvelopeError> {
    Locate::read_answer(&body(file))
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
        let answer = SetPush::read_answer(&body(file)).unwrap();
        assert_eq!(answer.status, Status::OK, "{file}");
        let echo = answer.into_payload().unwrap();
        assert_eq!(echo.compare(&SENT.parse().unwrap()), *expected, "{file}");
    }
}

const ACTIVATIONS: &[&str] = &["activate.json", "activate-result-text.json"];

#[test]
fn activation_needs_no_payload() {
    for file in ACTIVATIONS {
        let answer = Activate::read_answer(&body(file)).unwrap();
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
fn a_message_that_comes_twice_is_the_last_one() {
    assert_eq!(list("list-duplicate-keys.json").unwrap().message, "last");
}

/// Lists in which a field comes twice with different values.
const DOUBTFUL: &[(&str, &str)] = &[
    ("list-status-twice.json", "status"),
    ("list-status-two-spellings.json", "status"),
    ("list-twice.json", "resultList"),
];

const EMPTY_LISTS: &[&str] = &["list-null.json", "no-result-201.json"];

#[test]
fn a_field_that_decides_and_comes_twice_must_say_the_same() {
    let doubt = |field| Kind::Doubtful { field };
    for (file, field) in DOUBTFUL {
        let error = list(file).unwrap_err();
        assert_eq!(error.kind(), doubt(field), "{file}");
        assert!(error.to_string().contains(field), "{error}");
    }
    let locate = |fields: &str| {
        let body = format!(r#"{{"status":200,"result":{{{fields}}}}}"#);
        Locate::read_answer(body.as_bytes()).map_err(|error| error.kind())
    };
    let good = r#""downloadUrl":"https://h/x","unzipPassword":"p","#;
    assert_eq!(locate(&format!(r#"{good}"unzip_password":"q""#)), Err(doubt("unzipPassword")));
    assert_eq!(locate(&format!(r#"{good}"DownloadUrl":"https://h/y""#)), Err(doubt("downloadUrl")));
    assert_eq!(locate(&format!(r#"{good}"orderNo":"A","ORDERNO":"B""#)), Err(doubt("orderNo")));
    assert!(locate(&format!(r#"{good}"UnzipPassword":"p","OrderNo":null,"orderNo":"A""#)).is_ok());
}

#[test]
fn a_field_that_comes_a_hundred_thousand_times_is_not_compared_as_often() {
    let body =
        format!(r#"{{"status":"{}"{}}}"#, "2".repeat(1 << 20), r#","status":1"#.repeat(100_000));
    let error = Activate::read_answer(body.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), Kind::Doubtful { field: "status" });
}

#[test]
fn an_order_number_padded_or_under_another_spelling_is_read() {
    let list = list("list-sloppy.json").unwrap().into_payload().unwrap();
    let seen: Vec<&str> = list.orders.iter().map(|order| order.order_no.as_str()).collect();
    assert_eq!(seen, [NEWER, OLDER, "A1", "B2", "C3", "D4", "20260001", "E5", "F6", "G7", "H8"]);
    let made = list.orders.iter().map(|order| order.created_at.map(|at| at.to_string()));
    let expected: Vec<_> = vec!["2022-06-07 10:29:11".to_owned(); 10];
    assert_eq!(made.flatten().collect::<Vec<_>>(), expected);
    assert_eq!(list.orders.last().unwrap().created_at, None, "no time is no reason to drop it");
    assert_eq!((list.unreadable_count, list.unreadable.len()), (0, 0));
}

#[test]
fn a_list_that_cannot_be_found_is_never_an_empty_one() {
    for fields in [
        "",
        r#","resultList":{}"#,
        r#","resultList":{"orders":[]}"#,
        r#","resultList":"[]""#,
        r#","resultList":0"#,
        r#","resultList":false"#,
        r#","result":{}"#,
        r#","result":{"list":[{"orderNo":"A1"}]}"#,
        r#","result":"none""#,
        r#","orders":[{"orderNo":"A1"}]"#,
        r#","orders":[]"#,
        r#","resultList":null,"orders":[{"orderNo":"A1"}]"#,
        r#","result":null,"data":["A1"]"#,
    ] {
        let body = format!(r#"{{"status":"200","msg":"x"{fields}}}"#);
        let error = ListOrders::read_answer(body.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), Kind::BadPayload { field: "resultList" }, "{fields}");
        assert!(error.to_string().contains("resultList"));
    }
    for body in [
        r#"{"status":200,"resultList":[]}"#,
        r#"{"status":200,"resultList":null}"#,
        r#"{"status":200,"result":null,"paging":{"total":0},"errors":[]}"#,
        r#"{"status":201}"#,
        r#"{"status":201,"resultList":{}}"#,
        r#"{"status":201,"resultList":[]}"#,
    ] {
        let list = ListOrders::read_answer(body.as_bytes()).unwrap().into_payload().unwrap();
        assert_eq!(list, OrderList::default(), "{body}");
    }
    let told = br#"{"status":201,"resultList":[{"orderNo":"A1"}]}"#;
    let list = ListOrders::read_answer(told).unwrap().into_payload().unwrap();
    assert_eq!(list.orders.len(), 1, "an order that is named is not dropped over a code");
}

#[test]
fn of_unreadable_lines_the_count_is_exact_and_a_few_are_kept() {
    let lines = vec![r#"{"orderId":"A/1","createDate":"x"}"#; 300].join(",");
    let body = format!(r#"{{"status":200,"resultList":[{lines},{{"orderNo":"A1"}}]}}"#);
    let list = ListOrders::read_answer(body.as_bytes()).unwrap().into_payload().unwrap();
    assert_eq!((list.orders.len(), list.unreadable_count, list.unreadable.len()), (1, 300, 20));
    assert_eq!(list.unreadable[19], "line 20: (no orderNo) but orderId, createDate");
}

#[test]
fn of_a_list_without_end_the_first_thousand_lines_are_read_and_the_rest_is_told() {
    let lines: Vec<String> = (0..55_000).map(|n| format!(r#"{{"orderNo":"N{n}"}}"#)).collect();
    let body = format!(r#"{{"status":200,"resultList":[{}]}}"#, lines.join(","));
    let list = ListOrders::read_answer(body.as_bytes()).unwrap().into_payload().unwrap();
    assert_eq!(list.orders.len(), OrderList::MAX_LINES);
    assert_eq!(list.orders[999].order_no.as_str(), "N999");
    assert_eq!(list.unreadable_count, 54_000);
    assert_eq!(list.unreadable, ["line 1001: (54000 more lines, which are not read)"]);
}

#[test]
fn half_a_surrogate_or_a_broken_byte_in_the_message_costs_no_answer() {
    for file in ["list-half-surrogate.json", "list-broken-message.json"] {
        let answer = list(file).unwrap();
        assert_eq!(answer.message, "查询\u{fffd}成功", "{file}");
        assert_eq!(answer.into_payload().unwrap().orders.len(), 2, "{file}");
    }
    let refusal = list("not-utf8.json").unwrap().into_payload().unwrap_err();
    assert_eq!(refusal.class(), StatusClass::ClockOrSignature, "its text is GBK, its code is not");
}

#[test]
fn what_was_broken_is_not_used_as_a_link_a_password_or_a_number() {
    let locate = |no: &str, link: &str, password: &str| {
        let body = [
            br#"{"status":200,"result":{"orderNo":""#,
            no.as_bytes(),
            br#"","downloadUrl":""#,
            link.as_bytes(),
            br#"","unzipPassword":""#,
            password.as_bytes(),
            br#""}}"#,
        ]
        .concat();
        Locate::read_answer(&body).map_err(|error| error.kind())
    };
    let bad = |field| Err(Kind::BadPayload { field });
    assert!(locate("A1", "https://h/x", "p").is_ok());
    assert_eq!(locate("A1", "https://h/x", r"p\ud83d"), bad("unzipPassword"));
    assert_eq!(locate("A1", r"https://h/\ude00x", "p"), bad("downloadUrl"));
    assert_eq!(locate(r"A\ud83d1", "https://h/x", "p"), bad("orderNo"));
    let whole = locate("A1", "https://h/x", "p\u{fffd}");
    assert_eq!(whole.unwrap().payload.unwrap().password.reveal(), "p\u{fffd}", "the vendor's own");
}

#[test]
fn an_answer_in_another_encoding_is_refused_by_its_name() {
    let text = r#"{"status":"107","msg":"签名错误"}"#;
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for body in [[b"\xFF\xFE", &little[..]].concat(), little, big] {
        let error = Activate::read_answer(&body).unwrap_err();
        assert_eq!(error.kind(), Kind::Encoding { name: "UTF-16" });
        assert!(error.to_string().contains("UTF-16"));
    }
    // In GBK the last byte of this text is a backslash.
    let gbk = b"{\"msg\":\"\xd5\x5c\",\"status\":200}";
    let error = Activate::read_answer(gbk).unwrap_err();
    assert!(matches!(error.kind(), Kind::Encoding { .. }), "{error}");
}

#[test]
fn a_link_is_trimmed_and_must_be_a_url() {
    let locate = |link: &str| {
        let body = format!(
            r#"{{"status":200,"downloadUrl":{},"unzipPassword":"p"}}"#,
            serde_json::Value::from(link)
        );
        let answer = Locate::read_answer(body.as_bytes()).map_err(|error| error.kind());
        answer.map(|answer| answer.into_payload().unwrap().link.reveal().to_owned())
    };
    let link = "http://h.example/x.zip?Signature=a%2Bb%3D";
    for sent in
        [link.to_owned(), format!(" {link}"), format!("\t{link}\r\n"), format!("{link}\u{3000}")]
    {
        assert_eq!(locate(&sent).as_deref(), Ok(link), "{sent:?}");
    }
    for none in [
        "x.zip",
        "//h.example/x.zip",
        "h.example/x.zip",
        "http:",
        "http://",
        "ftp://h.example/x.zip",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "null",
        "http://h.example/a b.zip",
        "http://h.example/a\nb.zip",
        "http://h.example:99999/x",
        " ",
    ] {
        assert_eq!(locate(none), Err(Kind::NotAUrl { field: "downloadUrl" }), "{none:?}");
    }
    let body = br#"{"status":200,"downloadUrl":"x.zip?Signature=abc","unzipPassword":"p"}"#;
    let error = Locate::read_answer(body).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("downloadUrl") && !shown.contains("Signature"), "{shown}");
}

#[test]
fn an_expiry_is_read_as_other_serialisers_write_it() {
    let locate = |expiry: &str| {
        let body = format!(
            r#"{{"status":200,"downloadUrl":"http://h/x","unzipPassword":"p","downloadUrlExpiredTime":{expiry}}}"#
        );
        let location = Locate::read_answer(body.as_bytes()).unwrap().into_payload().unwrap();
        location.stated_expiry.map(|at| at.to_string())
    };
    for expiry in [
        r#""2022-06-07 11:39:18.0""#,
        r#""2022-06-07T03:39:18Z""#,
        "1654573158",
        "1654573158000",
        "1654573158.0",
        "[2022,6,7,11,39,18]",
        r#""\/Date(1654573158000)\/""#,
    ] {
        assert_eq!(locate(expiry).as_deref(), Some("2022-06-07 11:39:18"), "{expiry}");
    }
    for expiry in ["null", "true", "{}", "[]", "7", r#""soon""#, r#""2022-06-07""#] {
        assert_eq!(locate(expiry), None, "{expiry}");
    }
}

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
    let expected = [
        "line 2: ../../etc/passwd",
        "line 3: ",
        "line 4: (no orderNo) but createDate",
        "line 5: (no orderNo)",
        "line 6: (no orderNo)",
        "line 7: (no orderNo)",
        "line 8: (orderNo is not a text)",
        "line 9: line\\nfeed",
    ];
    assert_eq!((list.unreadable_count, list.unreadable), (8, expected.map(str::to_owned).into()));
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
        assert_eq!(location.stated_expiry.unwrap().to_string(), "2022-06-07 11:39:18", "{file}");
        assert_eq!(location.password.reveal(), "9TkwzCSilJpsLZyXImLK", "{file}");
    }
}

#[test]
fn an_unreadable_expiry_leaves_the_links_own() {
    let location = locate("locate-bad-expiry.json").unwrap().into_payload().unwrap();
    assert_eq!(location.stated_expiry, None);
    assert_eq!(location.expires_at().unwrap().as_second(), 1_654_573_158);
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
            SetPush::read_answer(&bytes).unwrap().into_payload().unwrap_err(),
            Activate::read_answer(&bytes).unwrap().into_payload().unwrap_err(),
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
    ("deep.json", Kind::TooDeep),
];

#[test]
fn what_is_no_answer_is_told_apart() {
    for (file, kind) in NO_ANSWERS {
        let bytes = body(file);
        assert_eq!(list(file).unwrap_err().kind(), *kind, "{file}");
        assert_eq!(locate(file).unwrap_err().kind(), *kind, "{file}");
        assert_eq!(Activate::read_answer(&bytes).unwrap_err().kind(), *kind, "{file}");
        assert_eq!(SetPush::read_answer(&bytes).unwrap_err().kind(), *kind, "{file}");
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
        Activate::read_answer(body.as_bytes()).map(|answer| answer.status.code())
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
        let error = Locate::read_answer(&whole[..length]).unwrap_err();
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
        let cut = Locate::read_answer(&whole[..length]).map(|_| ());
        shown += &format!("{cut:?}");
    }
    for secret in ["9TkwzCSilJpsLZyXImLK", "zynZsgtxZsW4bGiJAkY94iyJJYc", "OSSAccessKeyId"] {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
}

#[test]
fn a_refusal_prints_on_one_line_and_ends() {
    let odd = r"a\r\n\u0000\u001b[31m\u2028\u202e";
    let body = format!(r#"{{"status":202,"msg":"{odd}{}"}}"#, "错".repeat(1 << 20));
    let refusal =
        Activate::read_answer(body.as_bytes()).unwrap().into_payload().unwrap_err().to_string();
    assert!(!refusal.contains(char::is_control), "{refusal}");
    assert!(!refusal.contains(['\u{2028}', '\u{202e}']), "{refusal}");
    assert!(refusal.chars().count() < 400 && refusal.ends_with("错…"), "{refusal}");
    let kept = Activate::read_answer(body.as_bytes()).unwrap().message;
    assert_eq!(kept.chars().count(), 1000);
    let bare = Activate::read_answer(br#"{"status":202}"#).unwrap().into_payload().unwrap_err();
    assert_eq!(bare.to_string(), "the vendor answered 202: 【有效请求】查询参数错误，请检查");
}

#[test]
fn every_fixture_is_listed_and_read() {
    let others = [
        "list-bad-lines.json",
        "list-broken-message.json",
        "list-half-surrogate.json",
        "list-sloppy.json",
        "list-full-window.json",
        "list-missing.json",
        "locate-bad-expiry.json",
        "locate-numeric-password.json",
        "not-utf8.json",
    ];
    let used = (ECHOES.iter().map(|case| case.0))
        .chain(ACTIVATIONS.iter().copied())
        .chain(TWO_ORDERS.iter().copied())
        .chain(ONE_ORDER.iter().map(|case| case.0))
        .chain(DOUBTFUL.iter().map(|case| case.0))
        .chain(EMPTY_LISTS.iter().copied())
        .chain(LOCATIONS.iter().copied())
        .chain(REFUSALS.iter().map(|case| case.0))
        .chain(NO_ANSWERS.iter().map(|case| case.0))
        .chain(LOCATIONS_LACKING.iter().map(|case| case.0))
        .chain(others);
    fixtures::check_all_used("answers", used);
}

#[test]
fn an_error_is_one_line_and_its_advice_is_apart() {
    for body in [&b"<html>"[..], b"[]", b"{}", br#"{"status":200}"#] {
        let error = ListOrders::read_answer(body).unwrap_err();
        assert!(!error.to_string().contains('\n'), "{error}");
        assert!(error.advice().ends_with('.') && !error.to_string().contains(error.advice()));
    }
    let refusal = Envelope::<()>::new(Status::NOT_READY, "等待", None).into_payload().unwrap_err();
    assert_eq!(refusal.advice(), Status::NOT_READY.advice());
    assert_eq!(refusal.to_string(), "the vendor answered 205: 等待");
}
