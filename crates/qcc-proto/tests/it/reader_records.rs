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
    let Item::SetAside(aside) = &reading.items[1] else { panic!("{record}") };
    assert_eq!(aside.position, 1);
    assert_eq!((aside.reason.as_str(), aside.reason.to_string().as_str()), (code, reason));
    assert_eq!(String::from_utf8_lossy(&aside.raw), record.trim());
    assert!(!aside.truncated);
}

#[test]
fn the_usual_record_is_taken_as_it_is() {
    let expected = {
        let mut record = RiskRecord::new("ffedc4cf");
        record.corp_key_no = Some("00a0e21a".into());
        record.corp_name = Some("四川中津建设集团有限公司".into());
        record.monitor_content = Some("该企业由原“较高风险”上升至“高风险”".into());
        record.monitor_level = Some(MonitorLevel::HIGH);
        record.monitor_type = Some(MonitorType::HIGH);
        record.score = Some(82);
        record.change_date = Some("2022-06-01".into());
        record
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
fn an_absent_field_is_null_but_for_the_id() {
    for field in ALL_BUT_ID {
        let null = take(&good_but(field, "null"));
        let mut fields: Vec<&str> = GOOD.trim_matches(['{', '}']).split(",\"").collect();
        fields.retain(|text| !text.trim_start_matches('"').starts_with(field));
        assert_eq!(fields.len(), 7);
        assert_eq!(take(&format!("{{{}}}", fields.join(",\""))), null, "{field} absent");
        let other = take(&GOOD.replacen(&format!("\"{field}\":"), "\"other\":", 1));
        assert!(other.extra.is_some());
        assert_eq!(
            {
                let mut record = other;
                record.extra = None;
                record
            },
            null,
            "{field} under another name"
        );
    }
    let bare = take(r#"{"id":"a"}"#);
    assert_eq!((bare.id.as_str(), bare.score, bare.corp_name), ("a", None, None));
    check_aside("{}", "missing-field", "id is missing");
    let renamed = GOOD.replacen("\"id\"", "\"ident\"", 1);
    check_aside(&renamed, "missing-field", "id is missing");
}

#[test]
fn nothing_of_a_record_is_left_for_one_that_lacks_it() {
    let records = [GOOD, r#"{"id":"a"}"#, r#"{"score":1,"id":"b"}"#];
    let reading = read_all(document(&records).as_bytes());
    let scores: Vec<_> = reading
        .items
        .iter()
        .map(|item| match item {
            Item::Record { record, .. } => (record.id.as_str(), record.score, &record.change_date),
            Item::SetAside(aside) => panic!("{aside:?}"),
        })
        .collect();
    let date = Some("2022-06-01".to_owned());
    assert_eq!(scores, [("ffedc4cf", Some(82), &date), ("a", None, &None), ("b", Some(1), &None)]);
}

#[test]
fn a_field_counts_in_another_spelling_where_the_manuals_is_absent() {
    let expected = take(GOOD);
    let snake = |name: &str| -> String {
        name.chars()
            .flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain(c.to_lowercase()))
            .collect()
    };
    for field in ["id"].into_iter().chain(ALL_BUT_ID) {
        let capital = field[..1].to_uppercase() + &field[1..];
        for other in [field.to_uppercase(), field.to_lowercase(), capital, snake(field)] {
            let record = GOOD.replacen(&format!("\"{field}\":"), &format!("\"{other}\":"), 1);
            assert_eq!(take(&record), expected, "{other}");
        }
    }
    let mut shouted = GOOD.to_owned();
    for field in ["id"].into_iter().chain(ALL_BUT_ID) {
        shouted = shouted.replacen(
            &format!("\"{field}\":"),
            &format!("\"{}\" :", field.to_uppercase()),
            1,
        );
    }
    assert_eq!(take(&shouted), expected);
    let with_note = take(&shouted.replacen('{', r#"{"note":1,"#, 1));
    assert_eq!(with_note.extra.as_deref(), Some(r#"{"note":1}"#));
    // Beside the manual's spelling it is a field like any other that is not known.
    let both = take(&good_and(r#""CorpName":"other""#));
    assert_eq!(both.corp_name, expected.corp_name);
    assert_eq!(both.extra.as_deref(), Some(r#"{"CorpName":"other"}"#));
    // Two other spellings leave doubt, and so does a value of the wrong type.
    let twice = GOOD.replacen("\"corpName\":", r#""CORPNAME":"a","corp_name":"#, 1);
    check_aside(&twice, "duplicate-key", "a key comes twice");
    let wrong = GOOD.replacen("\"corpName\":\"四川中津建设集团有限公司\"", r#""CORPNAME":7"#, 1);
    check_aside(&wrong, "wrong-type", "corpName is of the wrong type");
}

#[test]
fn a_whole_number_stands_for_the_text_of_an_id_or_a_date() {
    let long = "9".repeat(128);
    for number in ["0", "7", "12345678901234567890123456789012", "20220601", &long] {
        assert_eq!(take(&good_but("id", number)).id, number);
        let key = take(&good_but("corpKeyNo", number)).corp_key_no;
        assert_eq!(key.as_deref(), Some(number));
        let date = take(&good_but("changeDate", number)).change_date;
        assert_eq!(date.as_deref(), Some(number), "kept as sent");
    }
    check_aside(&good_but("id", &"9".repeat(129)), "long-id", "id is longer than 128 bytes");
    for field in ["id", "corpKeyNo", "changeDate"] {
        for odd in ["-1", "1.0", "1e3", "1.5", "-0"] {
            let reason = format!("{field} is of the wrong type");
            check_aside(&good_but(field, odd), "wrong-type", &reason);
        }
    }
    for bad in ["01", "1.", "12abc"] {
        let text = document(&[&good_but("id", bad)]);
        assert!(read_all(text.as_bytes()).verdict().starts_with("syntax"), "{bad}");
    }
}

#[test]
fn half_a_surrogate_pair_sets_its_record_aside_and_no_other() {
    let reason = "a text contains half a surrogate pair";
    for half in
        [r"\ud83d", r"\ude00", r"四\ud83d川", r"\ud83d\n", r"\ud83d\ud83d\ude00", r"\ud83dA"]
    {
        for field in ["id", "corpName", "monitorLevel", "score", "changeDate"] {
            check_aside(&good_but(field, &format!("\"{half}\"")), "half-surrogate", reason);
        }
        check_aside(&good_and(&format!("\"note\":[\"{half}\"]")), "half-surrogate", reason);
        check_aside(&good_and(&format!("\"note\":{{\"{half}\":1}}")), "half-surrogate", reason);
        check_aside(&good_and(&format!("\"{half}\":1")), "half-surrogate", reason);
    }
    let mut records = vec![GOOD; 1000];
    let half = good_but("monitorContent", r#""被列为失信\ud83d""#);
    records[400] = &half;
    assert_eq!(read_all(document(&records).as_bytes()).verdict(), "999 good, 1 aside");
    assert_eq!(take(&good_but("corpName", r#""\ud83d\ude00""#)).corp_name.as_deref(), Some("😀"));
}

/// A document of 1,000 records of which one has these bytes in place of `四川`.
fn broken(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut records = vec![GOOD; 1000];
    let odd = GOOD.replacen("四川", "@", 1);
    records[400] = &odd;
    let put = |text: &str| {
        let (before, after) = text.split_once('@').unwrap();
        [before.as_bytes(), bytes, after.as_bytes()].concat()
    };
    (put(&document(&records)), put(&odd))
}

#[test]
fn a_broken_character_sets_its_record_aside_and_no_other() {
    for bad in [
        &b"\xF0\x9F\x98"[..],
        b"\xE5\x9B",
        b"\xE9",
        b"\xFF",
        b"\x80",
        b"\xED\xA0\x80",
        b"\xC0\xAF",
        b"\xCB\xC4\xB4\xA8",
        b"\xE5\x9B \\n",
    ] {
        let (bytes, record) = broken(bad);
        let reading = read_all(&bytes);
        assert_eq!(reading.verdict(), "999 good, 1 aside", "{bad:x?}");
        let Item::SetAside(aside) = &reading.items[400] else { panic!() };
        assert_eq!((aside.reason.as_str(), &aside.raw), ("not-utf-8", &record));
        assert_eq!(aside.reason.to_string(), "a text is not UTF-8");
    }
    // A bare control character is none of these, although the reader marks them so.
    for bare in [&b"\x1a"[..], b"\xFF\x1a", b"\x00"] {
        assert!(read_all(&broken(bare).0).verdict().starts_with("syntax at"), "{bare:x?}");
    }
}

#[test]
fn a_broken_byte_before_a_backslash_refuses_the_document() {
    // 誠 in GBK is D5 5C, and 5C is the backslash.
    for bad in [&b"\xD5\x5C"[..], b"\xD5\x5C\x5C", b"\xFF\\n"] {
        let verdict = read_all(&broken(bad).0).verdict();
        assert!(verdict.starts_with("the document is not UTF-8 at byte"), "{verdict}");
    }
}

#[test]
fn a_record_in_another_encoding_refuses_the_document_and_names_it() {
    let name = b"\xcb\xc4\xb4\xa8\xd6\xd0\xbd\xf2\xbd\xa8\xc9\xe8\xbc\xaf\xcd\xc5";
    let text = document(&[GOOD, r#"{"id":"a","corpName":"@"}"#, GOOD]);
    let (before, after) = text.split_once('@').unwrap();
    let bytes = [before.as_bytes(), name, after.as_bytes()].concat();
    let verdict = read_all(&bytes).verdict();
    assert!(verdict.ends_with("it seems to be GBK or GB18030"), "{verdict}");
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
        let is_read = ["id", "corpKeyNo", "score", "changeDate"].contains(&field);
        for value in ["true", "false", "[]", "{}", r#"["a"]"#, "12"] {
            if !(is_read && value == "12") {
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
        check_aside(&record, "control-in-id", "id contains a control character");
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
    for whole in ["82.0", "82.000", "\"82.0\"", "\"82.00\""] {
        assert_eq!(take(&good_but("score", whole)).score, Some(82), "{whole}");
    }
    assert_eq!(take(&good_but("score", "-5.0")).score, Some(-5));
    for bad in [
        "2147483648",
        "-2147483649",
        "-0",
        "82.5",
        "82.01",
        "2147483648.0",
        "8.2e1",
        "1e30",
        "1E2",
        "-0.0",
    ] {
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
    let Item::SetAside(aside) = &reading.items[0] else { panic!() };
    assert_eq!((aside.reason.as_str(), aside.raw.len()), ("score-range", 64 * 1024));
    assert!(aside.truncated);
}

#[test]
fn words_are_kept_known_or_not_unless_they_are_the_other_fields() {
    let level = |word: &str| good_but("monitorLevel", &format!("\"{word}\""));
    let kind = |word: &str| good_but("monitorType", &format!("\"{word}\""));
    for word in MonitorLevel::known() {
        assert_eq!(take(&level(word.as_str())).monitor_level, Some(word.clone()));
        let reason = "monitorType contains a word of another field";
        check_aside(&kind(word.as_str()), "foreign-word", reason);
    }
    for word in MonitorType::known() {
        assert_eq!(take(&kind(word.as_str())).monitor_type, Some(word.clone()));
        let reason = "monitorLevel contains a word of another field";
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
        check_aside(&record, "nul-in-text", "a text contains U+0000");
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
        check_aside(&record, "duplicate-key", "a key comes twice");
    }
    let many: Vec<String> = (0..20_000).map(|n| format!("\"{n}\":{n}")).collect();
    assert!(take(&good_and(&many.join(","))).extra.is_some());
    let twice = good_and(&format!("{},\"7\":0", many.join(",")));
    let reading = read_all(document(&[&twice]).as_bytes());
    let Item::SetAside(aside) = &reading.items[0] else { panic!() };
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
        let Item::SetAside(aside) = &reading.items[1] else { panic!() };
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
            Item::SetAside(aside) => {
                assert_eq!(aside.raw, records[n].as_bytes());
                (aside.position, false)
            }
        };
        assert_eq!((position, is_good), (n as u64, records[n] == GOOD));
    }
}
