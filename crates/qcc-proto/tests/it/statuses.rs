//! The table of statuses against the manual's list.

use std::collections::BTreeMap;

use qcc_proto::{Status, StatusClass};

/// Chapters 7.1 and 7.2 of the manual: code, tab, text.
const MANUAL: &str = include_str!("manual-statuses.tsv");

fn manual() -> Vec<(i64, &'static str)> {
    MANUAL
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .map(|(code, text)| (code.parse().unwrap(), text))
        .collect()
}

#[test]
fn exactly_the_manuals_codes_are_known() {
    let ours: Vec<_> =
        Status::known().map(|status| (status.code(), status.manual_text().unwrap())).collect();
    assert_eq!(ours, manual());
    assert_eq!(ours.len(), 33);
}

#[test]
fn each_code_is_in_its_class() {
    use StatusClass::*;
    let classes: BTreeMap<i64, StatusClass> = [
        (Done, &[200][..]),
        (Empty, &[201]),
        (NotYet, &[205]),
        (Transient, &[199, 203, 500, 120]),
        (CoolOff, &[106, 108]),
        (DailyLimit, &[109, 116]),
        (ClockOrSignature, &[107, 115]),
        (Account, &[101, 102, 103, 104, 111, 112, 113, 114, 117, 118, 119, 214]),
        (OurFault, &[202, 207, 208, 209, 213, 215, 218, 219, 223]),
    ]
    .into_iter()
    .flat_map(|(class, codes)| codes.iter().map(move |code| (*code, class)))
    .collect();
    assert_eq!(classes.len(), 34);
    for code in -1..1000 {
        let expected = classes.get(&code).copied().unwrap_or(Unknown);
        assert_eq!(Status::new(code).class(), expected, "{code}");
    }
}

#[test]
fn advice_is_a_sentence_for_each_code() {
    for status in Status::known().chain([120, 299, -1].map(Status::new)) {
        let advice = status.advice();
        assert!(advice.len() > 10 && advice.ends_with('.'), "{status}: {advice}");
        assert!(!advice.contains("  "), "{status}: {advice}");
    }
}

#[test]
fn advice_for_107_names_both_causes() {
    let advice = Status::ADDRESS_OR_SIGNATURE.advice();
    for cause in ["allowlist", "signature", "clock", "SecretKey"] {
        assert!(advice.contains(cause), "{cause}");
    }
}

#[test]
fn a_code_outside_the_manual_has_no_text() {
    assert_eq!(Status::new(120).manual_text(), None);
    assert_eq!(Status::new(299).manual_text(), None);
    assert_eq!(format!("{} {:?}", Status::new(299), Status::new(-1)), "299 -1");
}
