//! The edges of records: spellings, keys that stand twice, numbers in place of texts.

use qcc_proto::{Item, RecordFault, RecordField, RiskRecord, SetAsideRecord};

use crate::reader::{GOOD, document, read_all};

/// What becomes of a record between two usual ones.
fn item(record: &str) -> Item {
    let reading = read_all(document(&[GOOD, record, GOOD]).as_bytes());
    assert_eq!(reading.items.len(), 3, "{record}: {}", reading.verdict());
    reading.items[1].clone()
}

#[track_caller]
fn take(record: &str) -> RiskRecord {
    match item(record) {
        Item::Record { record, .. } => record,
        Item::SetAside(aside) => panic!("{record}: {:?}", aside.reason),
    }
}

#[track_caller]
fn aside(record: &str) -> SetAsideRecord {
    match item(record) {
        Item::SetAside(aside) => aside,
        Item::Record { record, .. } => panic!("{record:?}"),
    }
}

#[test]
fn another_spelling_counts_where_the_manuals_did_not_come() {
    let record = take(r#"{"ID":"a","corp_name":"N","SCORE":5,"x":1}"#);
    assert_eq!((record.id.as_str(), record.corp_name.as_deref()), ("a", Some("N")));
    assert_eq!((record.score, record.extra.as_deref()), (Some(5), Some(r#"{"x":1}"#)));
    assert_eq!((record.corp_key_no, record.change_date), (None, None), "not its neighbour's");
    let record = take(r#"{"corp_name":"N","id":"a","corpName":"M"}"#);
    assert_eq!(record.corp_name.as_deref(), Some("M"));
    assert_eq!(record.extra.as_deref(), Some(r#"{"corp_name":"N"}"#));
    let record =
        take(r#"{"id":"a","corp_name":"N","change-date":"2022-06-01","monitor_content":"c"}"#);
    assert_eq!(record.corp_name.as_deref(), Some("N"));
    assert_eq!(record.change_date.as_deref(), Some("2022-06-01"));
    assert_eq!((record.monitor_content.as_deref(), record.extra), (Some("c"), None));
    let missing = aside(r#"{"x":"a","corp_name":"N"}"#);
    assert_eq!(missing.reason, RecordFault::Missing(RecordField::Id));
}

#[test]
fn a_key_known_or_not_stands_once() {
    for record in [
        r#"{"id":"a","x":1,"x":1}"#,
        r#"{"x":1,"id":"a","y":2,"x":3}"#,
        r#"{"id":"a","score":1,"score":1}"#,
        r#"{"id":"a","corpName":"N","corpKeyNo":"k","corpName":"N"}"#,
        r#"{"id":"a","id":"a"}"#,
    ] {
        assert_eq!(aside(record).reason, RecordFault::DuplicateKey, "{record}");
    }
    let extra = take(r#"{"id":"a","x":1,"y":1,"z":1}"#).extra;
    assert_eq!(extra.as_deref(), Some(r#"{"x":1,"y":1,"z":1}"#));
}

#[test]
fn a_whole_number_is_read_where_a_text_names_something_and_nowhere_else() {
    for digits in ["0", "7", "120", "1203456789012345678"] {
        let key = |field: &str| item(&format!(r#"{{"id":"a","{field}":{digits}}}"#));
        let Item::Record { record, .. } = key("corpKeyNo") else { panic!("{digits}") };
        assert_eq!(record.corp_key_no.as_deref(), Some(digits));
        for field in ["corpName", "monitorContent", "monitorLevel", "monitorType"] {
            assert!(matches!(key(field), Item::SetAside(_)), "{field}");
        }
    }
    for bad in ["01", "1.0", "1.5", "1e5", "1-2", "-1", "1+1"] {
        let reading =
            read_all(document(&[&format!(r#"{{"id":"a","corpKeyNo":{bad}}}"#)]).as_bytes());
        assert!(!reading.items.iter().any(|item| matches!(item, Item::Record { .. })), "{bad}");
    }
}

#[test]
fn a_record_set_aside_shows_its_length_and_not_its_bytes() {
    let aside = aside(r#"{"id":"","corpName":"somebody"}"#);
    let shown = format!("{aside:?}");
    assert!(shown.starts_with("SetAsideRecord {") && shown.contains("31 bytes"), "{shown}");
    assert!(shown.contains("EmptyId") && !shown.contains("somebody"), "{shown}");
}

#[test]
fn a_fault_names_the_field_where_it_is_one() {
    use RecordFault as Fault;
    let field = RecordField::CorpName;
    for (fault, expected) in [
        (Fault::Missing(field), Some(field)),
        (Fault::WrongType(field), Some(field)),
        (Fault::EmptyWord(field), Some(field)),
        (Fault::ForeignWord(field), Some(field)),
        (Fault::EmptyId, Some(RecordField::Id)),
        (Fault::LongId, Some(RecordField::Id)),
        (Fault::ControlInId, Some(RecordField::Id)),
        (Fault::ScoreRange, Some(RecordField::Score)),
        (Fault::NotAnObject, None),
        (Fault::DuplicateKey, None),
        (Fault::TooLong, None),
    ] {
        assert_eq!(fault.field(), expected, "{fault:?}");
    }
}

#[test]
fn an_unknown_field_must_be_json_to_the_last_key() {
    for value in [r#"{"a":[{"b":{}}]}"#, "{}", "[]", r#"[{"a":1},{"b":2}]"#] {
        let record = take(&format!(r#"{{"id":"a","x":{value}}}"#));
        assert_eq!(record.extra, Some(format!(r#"{{"x":{value}}}"#)));
    }
    for value in ["{1:2}", "{,}", r#"{"a":1,}"#, r#"{"a":1,2}"#, "{]", "[}", r#"{"a",1}"#] {
        let text = document(&[GOOD, &format!(r#"{{"id":"a","x":{value}}}"#), GOOD]);
        let reading = read_all(text.as_bytes());
        assert!(reading.verdict().starts_with("syntax at"), "{value}: {}", reading.verdict());
    }
}
