//! Which documents are read, and why the others are refused.

use qcc_proto::{DocumentError, DocumentHeader, ReaderLimits, RecordReader};

use crate::reader::{GOOD, document, read_all, spaced};

#[track_caller]
fn check(bytes: impl AsRef<[u8]>, expected: &str) {
    assert_eq!(read_all(bytes.as_ref()).verdict(), expected);
}

const DATE: &str = r#""pushDate":"2022-06-07 10:13:42""#;
const SIZE: &str = r#""totalSize":1"#;

fn result() -> String {
    format!(r#""result":[{GOOD}]"#)
}

/// A document of these fields.
fn of(fields: &[&str]) -> String {
    format!("{{{}}}", fields.join(","))
}

#[test]
fn the_usual_document_is_read() {
    let text = document(&[GOOD, GOOD]);
    let summary = read_all(text.as_bytes()).end.unwrap();
    assert_eq!(summary.push_date.to_string(), "2022-06-07 10:13:42");
    assert_eq!((summary.total_size, summary.records, summary.set_aside), (2, 2, 0));
    assert!(summary.count_matches());
    check(document(&[]), "0 good, 0 aside");
}

#[test]
fn fields_of_the_document_stand_in_any_order() {
    let result = result();
    let fields = [DATE, SIZE, result.as_str()];
    for [a, b, c] in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let text = of(&[fields[a], fields[b], fields[c]]);
        check(&text, "1 good, 0 aside");
        let header = DocumentHeader::read(text.as_bytes(), ReaderLimits::default()).unwrap();
        assert_eq!(header.push_date.to_string(), "2022-06-07 10:13:42");
        assert_eq!(header.total_size, 1);
    }
}

#[test]
fn unknown_fields_of_the_document_are_skipped() {
    let result = result();
    for unknown in [
        r#""status":"200""#,
        r#""":1"#,
        r#""a":null"#,
        r#""a":true"#,
        r#""a":-0.5e-7"#,
        r#""a":[{"result":[1,2]},[[]],{}]"#,
        r#""pushDates":1"#,
        r#""a\ud83d":"\ude00""#,
        r#""a":1,"a":1"#,
        r#""a":"\u0000\"]}\ud842\udfb7""#,
        &format!(r#""{}":1"#, "k".repeat(300_000)),
        &format!(r#""a":"{}""#, "v".repeat(300_000)),
        &format!(r#""a":{}1{}"#, "[".repeat(100_000), "]".repeat(100_000)),
    ] {
        for fields in [[unknown, DATE, SIZE, &result], [DATE, SIZE, &result, unknown]] {
            check(of(&fields), "1 good, 0 aside");
        }
    }
}

#[test]
fn keys_compare_without_their_escapes() {
    let escape =
        |text: &str| text.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<String>();
    let mut text = document(&[GOOD]);
    for key in ["pushDate", "totalSize", "result"] {
        text = text.replacen(key, &escape(key), 1);
    }
    check(text, "1 good, 0 aside");
}

#[test]
fn white_space_stands_between_all_tokens() {
    let spaced = spaced(&document(&[GOOD, GOOD]), " \t\r\n");
    check(format!(" \n{spaced}\r\n \t"), "2 good, 0 aside");
}

#[test]
fn one_byte_order_mark_is_skipped() {
    let text = document(&[GOOD]);
    check(format!("\u{FEFF}{text}"), "1 good, 0 aside");
    check(format!("\u{FEFF}\u{FEFF}{text}"), "syntax at 3");
    check(format!(" \u{FEFF}{text}"), "syntax at 1");
    check(format!("{text}\u{FEFF}"), &format!("syntax at {}", text.len()));
    check(text.replacen(':', ":\u{FEFF}", 1), "syntax at 12");
    check(document(&["\u{FEFF}{}"]), "syntax at 58");
    check("\u{FEFF}", "truncated at 3");
}

#[test]
fn only_utf8_is_read() {
    let text = document(&[GOOD]);
    let utf16 = "the document is not UTF-8 at byte 0; it seems to be UTF-16";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    check([b"\xFF\xFE".as_slice(), &little].concat(), utf16);
    check([b"\xFE\xFF".as_slice(), &big].concat(), utf16);
    check(little, utf16);
    check(big, utf16);
    let utf32: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    check(utf32, "the document is not UTF-8 at byte 0; it seems to be UTF-32");
    let mark = [b"\x84\x31\x95\x33", text.as_bytes()].concat();
    check(mark, "the document is not UTF-8 at byte 0; it seems to be GB18030");
    for (from, to) in [(r#","totalSize"#, &b"\xFF"[..]), ("{", b"\xE9"), ("]}", b"\x80")] {
        let at = text.find(from).unwrap();
        let bytes = [&text.as_bytes()[..at], to, &text.as_bytes()[at..]].concat();
        check(bytes, &format!("syntax at {at}"));
    }
    check([text.as_bytes(), b"\xE4\xB8"].concat(), &format!("truncated at {}", text.len()));
}

#[test]
fn a_broken_character_outside_of_the_records_is_passed_over_where_nothing_depends_on_it() {
    let with = |before: &str, bad: &[u8], after: &str| {
        let rest = [DATE, SIZE, &result()].join(",");
        [b"{", before.as_bytes(), bad, after.as_bytes(), rest.as_bytes(), b"}"].concat()
    };
    check(with(r#""note":""#, b"\xF0\x9F\x98", r#"","#), "1 good, 0 aside");
    check(with(r#""note"#, b"\xFF", r#"":1,"#), "1 good, 0 aside");
    check(with(r#""note":["#, b"\xFF", r#"],"#), "syntax at 9");
    let broken = "the document's pushDate is not what the manual says";
    let date = [br#"{"pushDate":"2022-06-07 10:13:4"#, &b"\xFF"[..], br#"","totalSize":0}"#];
    check(date.concat(), broken);
}

#[test]
fn a_document_with_broken_bytes_throughout_is_in_another_encoding() {
    let text = document(&[&GOOD.replace("四川", "@")]);
    let (before, after) = text.split_once('@').unwrap();
    let bytes = [before.as_bytes(), &b"\xFF".repeat(200_000), after.as_bytes()].concat();
    let name = "it seems to be an unknown encoding";
    let verdict = read_all(&bytes).verdict();
    assert!(verdict.starts_with("the document is not UTF-8 at byte") && verdict.ends_with(name));
}

#[test]
fn what_is_no_object_is_refused() {
    for text in ["[]", "null", "true", "false", "\"\"", "0", "-1", &format!("[{GOOD}]")] {
        check(text, "the document is not an object");
    }
    for text in ["", " ", "\n\n"] {
        check(text, &format!("truncated at {}", text.len()));
    }
    for text in ["<html>", "/**/{}", "'", "}", "PK\u{3}\u{4}", "NaN"] {
        check(text, "syntax at 0");
    }
}

#[test]
fn every_field_of_the_document_must_be_there_once() {
    let result = result();
    check("{}", "the document has no pushDate");
    check(of(&[SIZE, &result]), "the document has no pushDate");
    check(of(&[DATE, &result]), "the document has no totalSize");
    check(of(&[DATE, SIZE]), "the document has no result");
    check(of(&[DATE, SIZE, &result, DATE]), "the document has pushDate twice");
    check(of(&[DATE, SIZE, SIZE, &result]), "the document has totalSize twice");
    check(of(&[DATE, SIZE, &result, &result]), "the document has result twice");
    check(of(&[DATE, SIZE, &result, r#""r\u0065sult":[]"#]), "the document has result twice");
    check(of(&[DATE, SIZE, &result, r#""Result":[]"#]), "the document has result twice");
    check(
        of(&[SIZE, r#""push_date":1"#, &result]),
        "the document's pushDate is not what the manual says",
    );
}

#[test]
fn the_documents_fields_are_known_in_other_spellings() {
    let result = result();
    for [date, size, list] in [
        ["PushDate", "TotalSize", "Result"],
        ["push_date", "total_size", "result"],
        ["PUSHDATE", "TOTALSIZE", "RESULT"],
    ] {
        let text = of(&[DATE, SIZE, &result])
            .replace("pushDate", date)
            .replace("totalSize", size)
            .replace("result", list);
        check(text, "1 good, 0 aside");
    }
}

#[test]
fn a_list_of_nothing_may_be_null_or_absent_where_the_total_says_so_too() {
    let none = r#""totalSize":0"#;
    for result in [r#""result":null"#, r#""result": null "#, r#""note":1"#] {
        check(of(&[DATE, none, result]), "0 good, 0 aside");
        check(of(&[result, none, DATE]), "0 good, 0 aside");
    }
    check(of(&[DATE, none]), "0 good, 0 aside");
    let refused = "the document's result is not what the manual says";
    check(of(&[DATE, SIZE, r#""result":null"#]), refused);
    check(of(&[DATE, none, r#""result":{}"#]), refused);
    check(of(&[DATE, none, r#""result":"""#]), refused);
    check(of(&[DATE, none, r#""result":nul"#]), "syntax at 60");
    check(of(&[DATE, none, r#""result":null"#, r#""result":[]"#]), "the document has result twice");
    check(of(&[DATE, r#""result":null"#]), "the document has no totalSize");
}

#[test]
fn the_push_date_is_a_time_and_nothing_else() {
    for value in [
        "null",
        "[]",
        r#"{"a":"2022-06-07 10:13:42"}"#,
        r#""""#,
        r#""2022-06-07""#,
        r#""Tue Jun 07 10:13:42 CST 2022""#,
        r#""0001-01-01 00:00:00""#,
        "0",
        "2022",
        "[2022,6,7]",
        "{\"time\":1654568022000}",
        r#""2022-13-07 10:13:42""#,
        &format!("\"2022-06-07 10:13:42{}\"", " ".repeat(1000)),
    ] {
        let text = of(&[&format!(r#""pushDate":{value}"#), SIZE, &result()]);
        check(text, "the document's pushDate is not what the manual says");
    }
    check(of(&[&DATE.replace(' ', "\\u0020"), SIZE, &result()]), "1 good, 0 aside");
}

#[test]
fn the_push_date_is_read_as_other_serialisers_write_it() {
    for value in [
        r#""2022-06-07 10:13:42.0""#,
        r#"" 2022-06-07 10:13:42\n""#,
        r#""2022-06-07T10:13:42""#,
        r#""2022-06-07T10:13:42.123+08:00""#,
        r#""2022-06-07T02:13:42Z""#,
        r#""2022/6/7 10:13:42""#,
        r#""1654568022""#,
        "1654568022",
        "1654568022000",
        "1654568022.123000000",
        "1.654568022E9",
        "20220607101342",
        "[2022,6,7,10,13,42]",
        r#""\/Date(1654568022000)\/""#,
    ] {
        let text = of(&[&format!(r#""pushDate":{value}"#), SIZE, &result()]);
        let reading = read_all(text.as_bytes());
        let date = reading.end.unwrap().push_date;
        assert_eq!(date.to_string(), "2022-06-07 10:13:42", "{value}");
        let header = DocumentHeader::read(text.as_bytes(), ReaderLimits::default()).unwrap();
        assert_eq!(header.push_date, date);
    }
}

#[test]
fn the_total_is_a_whole_number_or_its_digits() {
    let with = |value: &str| of(&[DATE, &format!(r#""totalSize":{value}"#), &result()]);
    for value in ["1", "\"1\"", "1 ", r#""\u0031""#, "1.0", r#""1.00""#] {
        check(with(value), "1 good, 0 aside");
    }
    for value in [
        "null",
        "true",
        "[1]",
        "-1",
        "-0",
        "1.5",
        "1e0",
        "18446744073709551616",
        &"9".repeat(1000),
        r#""""#,
        r#"" 1""#,
        r#""+1""#,
        r#""01""#,
        r#""1.""#,
        r#"".0""#,
        r#""-0.0""#,
    ] {
        check(with(value), "the document's totalSize is not what the manual says");
    }
    for value in ["18446744073709551615", "2147483648", "0"] {
        check(with(value), &format!("the document says it has {value} records and has 1"));
    }
    for (value, offset) in [("+1", 46), ("01", 47), ("1.", 48), ("0x1", 47)] {
        check(with(value), &format!("syntax at {offset}"));
    }
}

#[test]
fn the_result_is_an_array() {
    for value in ["null", "{}", GOOD, "\"\"", "1"] {
        let text = of(&[DATE, SIZE, &format!(r#""result":{value}"#)]);
        check(text, "the document's result is not what the manual says");
    }
}

#[test]
fn a_wrong_count_is_told_with_both_numbers() {
    let text = document(&[GOOD, "{}", GOOD]).replace(":3,", ":4,");
    let mut reader = RecordReader::new(text.as_bytes(), ReaderLimits::default());
    while reader.next_ref().unwrap().is_some() {}
    let summary = reader.summary().unwrap();
    assert!(!summary.count_matches());
    assert_eq!((summary.total_size, summary.records, summary.set_aside), (4, 2, 1));
    let error = reader.finish().unwrap_err();
    assert!(matches!(error, DocumentError::CountMismatch { declared: 4, found: 3 }));
}

#[test]
fn what_is_no_json_is_refused_where_it_begins() {
    let text = document(&[GOOD, GOOD]);
    let cases: &[(&str, &str, usize)] = &[
        // What is replaced, by what, and how far into that the fault stands.
        (",\"totalSize", ",,\"totalSize", 1),
        (",\"totalSize", " \"totalSize", 1),
        (",\"totalSize", ",totalSize", 1),
        (":[", ";[", 0),
        (":[", ":[,", 2),
        ("},{", "}{", 1),
        ("},{", "},,{", 2),
        ("}]", "},]", 2),
        ("]}", "],}", 2),
        ("]}", "}}", 0),
        ("]}", "]]", 1),
        ("]}", "]}}", 2),
        ("]}", "]}\0", 2),
        ("]}", "]}{}", 2),
        ("82,\"changeDate\":\"2022-06-01\"},{", "82,},{", 3),
        (":82,", ":082,", 2),
        (":82,", ":+82,", 1),
        (":82,", ":82.,", 4),
        (":82,", ":.82,", 1),
        (":82,", ":8e,", 3),
        (":82,", ":-,", 2),
        (":82,", ":0x52,", 2),
        (":82,", ":NaN,", 1),
        (":82,", ":Infinity,", 1),
        (":82,", ":-Infinity,", 2),
        (":82,", ":nul,", 4),
        (":82,", ":tru ,", 4),
        (":82,", ":,", 1),
        (":82,", ":82 83,", 4),
        (":82,", ":82}}", 4),
        (":82,", ":82]", 3),
        (":82,", ":82,//\n", 4),
        (":82,", ":82,/**/", 4),
        (":82,", "82,", 0),
        ("四川", "四\n川", 3),
        ("四川", "四\u{1f}川", 3),
        ("四川", "四\0川", 3),
        ("四川", "四\\x川", 3),
        ("四川", "四\\u12g4川", 3),
        ("四川", "四\\ud842\\u12g4川", 9),
        ("四川", "四\\'川", 3),
        ("四川", "\\n\u{1}n川", 2),
        ("四川", "\\n\"n川", 3),
        ("cf\",", "cf\".", 3),
        ("cf\",", "cf\"}", 4),
        ("cf\",", "cf\"", 3),
        ("\"id\"", "'id'", 0),
        ("\"id\"", "id", 0),
    ];
    for (from, to, within) in cases {
        let at = text.find(from).unwrap();
        let broken = text.replacen(from, to, 1);
        let verdict = read_all(broken.as_bytes()).verdict();
        assert_eq!(verdict, format!("syntax at {}", at + within), "{from} → {to}");
        assert!(serde_json::from_str::<serde_json::Value>(&broken).is_err(), "{from} → {to}");
    }
}

#[test]
fn a_header_needs_both_fields_and_nothing_behind_them() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = DocumentHeader::read(text.as_bytes(), ReaderLimits::default());
        let shown = read.map_or_else(|e| e.to_string(), |h| format!("{h:?}"));
        assert!(shown.starts_with(expected), "{text}: {shown}");
    }
    check(&of(&[DATE, SIZE]), "DocumentHeader");
    check(&format!("{{{DATE},{SIZE}, and so on"), "DocumentHeader");
    check(&format!(r#"{{"result":[{{}},1,[]], {DATE} ,{SIZE}, and so on"#), "DocumentHeader");
    check("{}", "the document has no pushDate");
    check(&of(&[DATE, r#""result":[]"#]), "the document has no totalSize");
    check(&of(&[SIZE]), "the document has no pushDate");
    check(&of(&[r#""result":[}"#, DATE, SIZE]), "not JSON at byte 11");
    check(&of(&[r#""result":{}"#, DATE, SIZE]), "the document's result");
    check(&format!("{{{DATE};"), "not JSON");
    check(&format!("{{{DATE},"), "the document ends early");
    check("[]", "the document is not an object");
}

#[test]
fn errors_show_nothing_of_the_content() {
    let secret = "9TkwzCSilJpsLZyXImLK";
    for text in [
        format!(r#"{{"pushDate":"{secret}"}}"#),
        format!(r#"{{"totalSize":"{secret}"}}"#),
        format!(r#"{{"{secret}":{secret}}}"#),
        document(&[&format!("{{{secret}")]),
        document(&[&format!(r#"{{"id":{{"{secret}":1}}}}"#)]),
    ] {
        let reading = read_all(text.as_bytes());
        let shown = format!("{:?} {:?}", reading.end, reading.items);
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn each_refusal_of_a_document_has_an_advice_of_its_own_kind() {
    let advice = |text: &str| {
        let header = DocumentHeader::read(text.as_bytes(), ReaderLimits::default());
        header.unwrap_err().advice()
    };
    assert!(advice("{").starts_with("Fetch the archive again"));
    assert!(advice("[]").starts_with("The document was sent like this"));
    let counts = DocumentError::CountMismatch { declared: 4, found: 1 };
    assert!(counts.advice().starts_with("Ask the vendor which number is right"));
}
