//! Which records are taken, what of them is kept, and why others are set aside.

use qcc_proto::{Item, MonitorLevel, MonitorType, ReaderLimits, RiskRecord};

use crate::reader::{GOOD, document, good_and, good_but, read, read_all};

/// The fields' names, `id` aside.
const ALL_BUT_ID: [&str; 7] = [
    "corpKeyNo",
    "corpName",
    "monitorContent",
    "monitorLevel",
    "monitorType",
    "score",
    "changeDate",
];

/// The record as it is taken, between two usual ones that must be taken too.
#[track_caller]
fn take(record: &str) -> RiskRecord {
    let reading = read_all(document(&[GOOD, record, GOOD]).as_bytes());
    assert_eq!(reading.verdict(), "3 good, 0 aside", "{record}: {:?}", reading.items);
    let Item::Record { position: 1, record } = reading.items[1].clone() else { panic!() };
    record
}

/// Expects the record to be set aside, and its neighbours not to be.
#[track_caller]
fn check_aside(record: &str, code: &str, reason: &str) {
    let reading = read_all(document(&[GOOD, record, GOOD]).as_bytes());
    assert_eq!(reading.verdict(), "2 good, 1 aside", "{record}");
    let Item::Quarantined(aside) = &reading.items[1] else { panic!("{record}") };
    assert_eq!(aside.position, 1);
    assert_eq!((aside.reason.as_str(), aside.reason.to_string().as_str()), (code, reason));
    assert_eq!(String::from_utf8_lossy(&aside.raw), record.trim());
    assert!(!aside.truncated);
}

#[test]
fn the_usual_record_is_taken_as_it_is() {
    let expected = RiskRecord {
        id: "ffedc4cf".into(),
        corp_key_no: Some("00a0e21a".into()),
        corp_name: Some("四川中津建设集团有限公司".into()),
        monitor_content: Some("该企业由原“较高风险”上升至“高风险”".into()),
        monitor_level: Some(MonitorLevel::HIGH),
        monitor_type: Some(MonitorType::HIGH),
        score: Some(82),
        change_date: Some("2022-06-01".into()),
        extra: None,
    };
    assert_eq!(take(GOOD), expected);
    let spaced = GOOD.replace(',', " , ").replace("\":", "\" : ");
    assert_eq!(take(&spaced), expected);
    for (token, spaced) in [(",", " ,"), (",", ", "), ("\":", "\" :"), ("\":", "\": "), ("}", " }")]
    {
        assert_eq!(take(&GOOD.replace(token, spaced)), expected, "{token:?} as {spaced:?}");
    }
    let mut fields: Vec<&str> = GOOD.trim_matches(['{', '}']).split(',').collect();
    for _ in 0..fields.len() {
        fields.rotate_left(1);
        assert_eq!(take(&format!("{{{}}}", fields.join(","))), expected);
    }
    fields.reverse();
    assert_eq!(take(&format!("{{ {} }}", fields.join(" ,\n"))), expected);
}

#[test]
fn null_is_kept_as_such_in_every_field_but_the_id() {
    for field in ALL_BUT_ID {
        let record = take(&good_but(field, "null"));
        let fields = [
            record.corp_key_no.is_none(),
            record.corp_name.is_none(),
            record.monitor_content.is_none(),
            record.monitor_level.is_none(),
            record.monitor_type.is_none(),
            record.score.is_none(),
            record.change_date.is_none(),
        ];
        for (other, is_none) in ALL_BUT_ID.into_iter().zip(fields) {
            assert_eq!(is_none, other == field, "{other} of {field}: null");
        }
    }
    check_aside(&good_but("id", "null"), "wrong-type", "id is of the wrong type");
}

#[test]
fn every_field_of_the_manual_must_be_there() {
    for field in ["id"].into_iter().chain(ALL_BUT_ID) {
        let record = GOOD.replacen(&format!("\"{field}\""), "\"other\"", 1);
        check_aside(&record, "missing-field", &format!("{field} is missing"));
        let shouted = GOOD.replacen(field, &field.to_uppercase(), 1);
        check_aside(&shouted, "missing-field", &format!("{field} is missing"));
    }
    check_aside("{}", "missing-field", "id is missing");
    check_aside(r#"{"id":"a"}"#, "missing-field", "corpKeyNo is missing");
}

#[test]
fn what_is_no_object_is_no_record() {
    let array = r#"["ffedc4cf","00a0e21a","四川","内容","高风险信息","高风险",82,"2022-06-01"]"#;
    for text in [array, "[]", "null", "true", "false", "0", "-1.5e3", "\"\"", "\"{}\"", "[{}]"] {
        check_aside(text, "not-an-object", "the record is not an object");
    }
}

#[test]
fn a_value_of_another_type_is_not_coerced() {
    for field in ["id"].into_iter().chain(ALL_BUT_ID) {
        for value in ["true", "false", "[]", "{}", r#"["a"]"#, "12"] {
            if (field, value) != ("score", "12") {
                let reason = format!("{field} is of the wrong type");
                check_aside(&good_but(field, value), "wrong-type", &reason);
            }
        }
    }
}

#[test]
fn an_id_is_one_to_128_bytes_without_controls() {
    for id in ["0", "a b", " ", "A-Z_9", "编号", "é", &"i".repeat(128), "\u{202e}x", "' OR 1=1"]
    {
        assert_eq!(take(&good_but("id", &format!("\"{id}\""))).id, id);
    }
    assert_eq!(take(&good_but("id", r#""\u0069\/""#)).id, "i/");
    check_aside(&good_but("id", r#""""#), "empty-id", "id is empty");
    for long in ["i".repeat(129), "编".repeat(43)] {
        let record = good_but("id", &format!("\"{long}\""));
        check_aside(&record, "long-id", "id is longer than 128 bytes");
    }
    for control in [r"\n", r"a\u001f", r"\u007f", "\u{7f}", "\u{85}", r"a\u009fb"] {
        let record = good_but("id", &format!("\"{control}\""));
        check_aside(&record, "control-in-id", "id has a control character");
    }
}

#[test]
fn a_score_is_a_32_bit_whole_number_or_its_digits() {
    let long = "1".repeat(100_000);
    for score in [0, 1, -1, 82, i32::MAX, i32::MIN] {
        assert_eq!(take(&good_but("score", &score.to_string())).score, Some(score));
        assert_eq!(take(&good_but("score", &format!("\"{score}\""))).score, Some(score));
    }
    assert_eq!(take(&good_but("score", r#""\u0038""#)).score, Some(8));
    for bad in ["2147483648", "-2147483649", "-0", "82.0", "8.2e1", "1e30", "1E2", "-0.0"] {
        for value in [bad.to_owned(), format!("\"{bad}\"")] {
            let reason = "score is not a 32-bit whole number";
            check_aside(&good_but("score", &value), "score-range", reason);
        }
    }
    for bad in
        ["", " 82", "82 ", "+82", "082", "00", "-", "0x52", "NaN", "八", "８２", "1_0", "--1"]
    {
        let record = good_but("score", &format!("\"{bad}\""));
        check_aside(&record, "score-range", "score is not a 32-bit whole number");
    }
    let reading = read_all(document(&[&good_but("score", &long)]).as_bytes());
    let Item::Quarantined(aside) = &reading.items[0] else { panic!() };
    assert_eq!((aside.reason.as_str(), aside.raw.len()), ("score-range", 64 * 1024));
    assert!(aside.truncated);
}

#[test]
fn words_are_kept_known_or_not_unless_they_are_the_other_fields() {
    let level = |word: &str| good_but("monitorLevel", &format!("\"{word}\""));
    let kind = |word: &str| good_but("monitorType", &format!("\"{word}\""));
    for word in MonitorLevel::known() {
        assert_eq!(take(&level(word.as_str())).monitor_level, Some(word.clone()));
        let reason = "monitorType holds a word of another field";
        check_aside(&kind(word.as_str()), "foreign-word", reason);
    }
    for word in MonitorType::known() {
        assert_eq!(take(&kind(word.as_str())).monitor_type, Some(word.clone()));
        let reason = "monitorLevel holds a word of another field";
        check_aside(&level(word.as_str()), "foreign-word", reason);
    }
    for word in ["新级别", "high", " ", "高风险 "] {
        assert_eq!(take(&level(word)).monitor_level, Some(word.into()));
        assert_eq!(take(&kind(word)).monitor_type, Some(word.into()));
    }
    check_aside(&level(""), "empty-word", "monitorLevel is empty");
    check_aside(&kind(""), "empty-word", "monitorType is empty");
}

#[test]
fn texts_are_kept_to_the_letter() {
    let long = "长".repeat(100_000);
    for text in [
        "",
        " ",
        "O'Neil \"; DROP TABLE risk_records; --",
        "=HYPERLINK(\"http://x\")",
        "C:\\数据\\\"原件\".pdf </script> & <b>",
        "\u{202e}gpj.exe",
        "a\u{200b}\u{200d}\u{feff}b",
        "𠮷😀",
        "a\n\r\t\u{8}\u{c}\u{1}\u{7f}",
        "2022/06/01",
        "null",
        &long,
    ] {
        let escaped = serde_json::to_string(text).unwrap();
        let spelled: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        for value in [escaped, format!("\"{spelled}\"")] {
            for field in ["corpKeyNo", "corpName", "monitorContent", "changeDate"] {
                let record = take(&good_but(field, &value));
                let kept = match field {
                    "corpKeyNo" => record.corp_key_no,
                    "corpName" => record.corp_name,
                    "monitorContent" => record.monitor_content,
                    _ => record.change_date,
                };
                assert_eq!(kept.as_deref(), Some(text), "{field}");
            }
        }
    }
}

#[test]
fn no_text_of_a_record_may_hold_nul() {
    for record in [
        good_but("id", r#""a\u0000""#),
        good_but("corpName", r#""\u0000""#),
        good_but("monitorContent", r#""中\n\u0000文""#),
        good_but("score", r#""8\u00002""#),
        good_and(r#""note":"\u0000""#),
        good_and(r#""note":[{"a":["\u0000"]}]"#),
        good_and(r#""note":{"\u0000":1}"#),
        good_and(r#""\u0000":1"#),
    ] {
        check_aside(&record, "nul-in-text", "a text holds U+0000");
    }
    assert_eq!(take(&good_but("corpName", r#""\\u0000""#)).corp_name.as_deref(), Some(r"\u0000"));
}

#[test]
fn nul_in_one_record_is_not_held_against_the_next() {
    let (bad, good) = (good_and(r#""note":"\u0000""#), good_and(r#""note":"fine""#));
    let reading = read_all(document(&[&bad, &good, &bad, GOOD]).as_bytes());
    assert_eq!(reading.verdict(), "2 good, 2 aside");
}

#[test]
fn a_key_may_stand_only_once() {
    for record in [
        good_and(r#""id":"ffedc4cf""#),
        good_and(r#""changeDate":null"#),
        good_and(r#""i\u0064":"other""#),
        good_and(r#""note":1,"note":1"#),
        good_and(r#""note":1,"other":1,"n\u006fte":2"#),
        good_and(r#""":1,"":2"#),
    ] {
        check_aside(&record, "duplicate-key", "a key stands twice");
    }
    let many: Vec<String> = (0..20_000).map(|n| format!("\"{n}\":{n}")).collect();
    assert!(take(&good_and(&many.join(","))).extra.is_some());
    let twice = good_and(&format!("{},\"7\":0", many.join(",")));
    let reading = read_all(document(&[&twice]).as_bytes());
    let Item::Quarantined(aside) = &reading.items[0] else { panic!() };
    assert_eq!(aside.reason.as_str(), "duplicate-key");
}

#[test]
fn unknown_fields_are_kept_in_their_spelling_and_order() {
    #[track_caller]
    fn check(fields: &str, extra: &str) {
        let record = take(&good_and(fields));
        assert_eq!(record.extra.as_deref(), Some(extra));
        assert_eq!(record.corp_key_no.as_deref(), Some("00a0e21a"));
        let last = format!("{},{fields}}}", GOOD.trim_end_matches('}'));
        assert_eq!(take(&last).extra.as_deref(), Some(extra));
    }
    check(r#""z":1,"a":2"#, r#"{"z":1,"a":2}"#);
    check(r#""n\u006fte" : "\u56db\n" "#, r#"{"n\u006fte":"\u56db\n"}"#);
    check(r#""a": [1, {"b" : -1.50e+3}] "#, r#"{"a":[1, {"b" : -1.50e+3}]}"#);
    check(r#""":null,"Id":true,"ID":false"#, r#"{"":null,"Id":true,"ID":false}"#);
    check(r#""n":12345678901234567890.10"#, r#"{"n":12345678901234567890.10}"#);
    let deep = format!(r#""d":{}{}"#, "[".repeat(64), "]".repeat(64));
    check(&deep, &format!("{{{deep}}}"));
}

#[test]
fn too_deep_a_field_sets_the_record_aside() {
    for depth in [65, 1000, 100_000] {
        let record = good_and(&format!(r#""d":{}{}"#, "[".repeat(depth), "]".repeat(depth)));
        let reading = read_all(document(&[GOOD, &record, GOOD]).as_bytes());
        let Item::Quarantined(aside) = &reading.items[1] else { panic!() };
        assert_eq!(reading.verdict(), "2 good, 1 aside");
        assert_eq!(aside.reason.as_str(), "too-deep");
        assert_eq!(aside.raw, record.as_bytes()[..record.len().min(64 * 1024)]);
    }
}

#[test]
fn a_record_in_a_bad_place_does_not_sink_the_rest() {
    let bad = good_but("score", "\"\"");
    let records = [bad.as_str(), GOOD, "null", "[]", GOOD, "{}"];
    let reading = read(document(&records).as_bytes(), ReaderLimits::default());
    assert_eq!(reading.verdict(), "2 good, 4 aside");
    for (n, item) in reading.items.iter().enumerate() {
        let (position, is_good) = match item {
            Item::Record { position, .. } => (*position, true),
            Item::Quarantined(aside) => {
                assert_eq!(aside.raw, records[n].as_bytes());
                (aside.position, false)
            }
        };
        assert_eq!((position, is_good), (n as u64, records[n] == GOOD));
    }
}
