//! The recorded documents, each with what the reader must make of it.

use qcc_proto::{Item, MonitorLevel, MonitorType};

use crate::{
    fixtures,
    reader::{Reading, read_all},
};

/// Each file, and all of it in a few words.
const CASES: [(&str, &str); 26] = [
    ("absent-fields.json", "3 good, 0 aside"),
    ("any-order.json", "2 good, 0 aside"),
    ("broken-character.json", "2 good, 1 aside"),
    ("compact.json", "2 good, 0 aside"),
    ("cut.json", "truncated at 617"),
    ("escaped.json", "2 good, 0 aside"),
    ("faults.json", "4 good, 16 aside"),
    ("gbk.json", "the document is not UTF-8 at byte 58; it seems to be GBK or GB18030"),
    ("lone-surrogate.json", "0 good, 1 aside"),
    ("manual.json", "the document says it has 4 records and has 1"),
    ("nan.json", "syntax at 340"),
    ("nested-envelope.json", "the document's result is not what the manual says"),
    ("none.json", "0 good, 0 aside"),
    ("null-result.json", "0 good, 0 aside"),
    ("nulls.json", "1 good, 0 aside"),
    ("numbers-as-text.json", "2 good, 0 aside"),
    ("pretty-bom-crlf.json", "2 good, 0 aside"),
    ("trailing.json", "syntax at 372"),
    ("twice-total.json", "the document has totalSize twice"),
    ("two-boms.json", "syntax at 3"),
    ("unknown-fields.json", "1 good, 0 aside"),
    ("timestamp.json", "2 good, 0 aside"),
    ("unknown-spelling.json", "2 good, 0 aside"),
    ("unknown-words.json", "1 good, 0 aside"),
    ("utf16.json", "the document is not UTF-8 at byte 0; it seems to be UTF-16"),
    ("wrong-count.json", "the document says it has 3 records and has 2"),
];

fn fixture(file: &str) -> Reading {
    read_all(&fixtures::read("records", file))
}

#[test]
fn each_recorded_document_is_read_as_its_table_says() {
    fixtures::check_all_used("records", CASES.map(|(file, _)| file));
    for (file, expected) in CASES {
        assert_eq!(fixture(file).verdict(), expected, "{file}");
    }
}

#[test]
fn each_fault_has_its_code() {
    let codes: Vec<&str> = fixture("faults.json")
        .items
        .iter()
        .map(|item| match item {
            Item::Record { .. } => "good",
            Item::SetAside(aside) => aside.reason.as_str(),
        })
        .collect();
    let expected = [
        "good",
        "not-an-object",
        "not-an-object",
        "not-an-object",
        "missing-field",
        "good",
        "wrong-type",
        "good",
        "duplicate-key",
        "empty-id",
        "long-id",
        "control-in-id",
        "score-range",
        "score-range",
        "score-range",
        "empty-word",
        "foreign-word",
        "nul-in-text",
        "too-deep",
        "good",
    ];
    assert_eq!(codes, expected);
}

#[test]
fn every_way_to_write_a_record_gives_the_same_record() {
    let first = |file: &str| match fixture(file).items.swap_remove(0) {
        Item::Record { record, .. } => record,
        Item::SetAside(aside) => panic!("{file}: {aside:?}"),
    };
    let compact = first("compact.json");
    assert_eq!(compact.monitor_level, Some(MonitorLevel::HIGH));
    assert_eq!(compact.monitor_type, Some(MonitorType::HIGH));
    for file in ["any-order.json", "escaped.json", "numbers-as-text.json", "pretty-bom-crlf.json"] {
        assert_eq!(first(file), compact, "{file}");
    }
    let mut manual = first("manual.json");
    manual.id.clone_from(&compact.id);
    assert_eq!(manual, compact);
    let mut unknown = first("unknown-fields.json");
    assert_eq!(unknown.extra.take().as_deref(), Some(r#"{"riskId":"a","tags":["甲",{"b":1.5}]}"#));
    assert_eq!(unknown, compact);
}
