//! Laws over random documents, with `serde_json` as the second opinion.

use std::collections::BTreeMap;

use proptest::{collection, prelude::*, sample};
use qcc_proto::{Item, ReaderLimits};
use serde_json::{Map, Value};

use crate::{
    reader::{GOOD, Pieces, document, good_and, good_but, read, read_all, spaced},
    second_opinion::{assert_is, check_against_serde},
};

const TEXTS: [&str; 4] = ["corpKeyNo", "corpName", "monitorContent", "changeDate"];

/// A valid record as an object.
fn record() -> impl Strategy<Value = Map<String, Value>> {
    let text = || prop_oneof![3 => "[^\0]{0,40}", 1 => "[ -~]{0,40}", 1 => "[一-龥“”]{0,40}"];
    let maybe = || prop_oneof![9 => text().prop_map(Value::from), 1 => Just(Value::Null)];
    let word = || {
        prop_oneof![
            4 => sample::select(vec!["新级别", "高", "🚨"]).prop_map(Value::from),
            1 => Just(Value::Null),
        ]
    };
    let score = prop_oneof![
        any::<i32>().prop_map(Value::from),
        any::<i32>().prop_map(|n| Value::from(n.to_string())),
        Just(Value::Null),
    ];
    let id = "[!-~一-龥]{1,40}";
    let extra = collection::btree_map("x[^\0]{0,8}", value(), 0..3);
    (id, collection::vec(maybe(), TEXTS.len()), word(), word(), score, extra).prop_map(
        |(id, texts, level, kind, score, extra): (_, _, _, _, _, BTreeMap<String, Value>)| {
            let mut record: Map<String, Value> = extra.into_iter().collect();
            record.insert("id".into(), id.into());
            record.extend(TEXTS.map(String::from).into_iter().zip(texts));
            record.insert("monitorLevel".into(), level);
            record.insert("monitorType".into(), kind);
            record.insert("score".into(), score);
            record
        },
    )
}

/// Any JSON value without U+0000 and not deep.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 8.0)),
        "[^\0]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            collection::btree_map("[^\0]{0,6}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Every character above ASCII as an escape.
fn ascii(json: &str) -> String {
    let mut out = String::new();
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let units = c.encode_utf16(&mut [0; 2]).to_vec();
            out.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

/// Spells a record in a certain order of fields.
fn spell(record: &Map<String, Value>, first: usize) -> String {
    let mut fields: Vec<String> = record
        .iter()
        .map(|(key, value)| format!("{}:{value}", Value::from(key.as_str())))
        .collect();
    let len = fields.len();
    fields.rotate_left(first % len);
    format!("{{{}}}", fields.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn valid_records_come_out_as_they_went_in(
        records in collection::vec((record(), 0usize..12), 0..6),
        style in 0..4,
        lengths in collection::vec(1usize..200, 1..5),
    ) {
        let spelled: Vec<String> = records.iter().map(|(r, first)| spell(r, *first)).collect();
        let spelled: Vec<&str> = spelled.iter().map(String::as_str).collect();
        let text = match style {
            0 => document(&spelled),
            1 => spaced(&document(&spelled), " "),
            2 => spaced(&document(&spelled), "\r\n\t"),
            _ => ascii(&document(&spelled)),
        };
        let reading = read(Pieces::new(text.as_bytes(), lengths), ReaderLimits::default());
        prop_assert!(reading.end.is_ok(), "{:?}", reading.end);
        prop_assert_eq!(reading.items.len(), records.len());
        for (item, (object, _)) in reading.items.iter().zip(&records) {
            let Item::Record { record, .. } = item else { panic!("{item:?} of {object:?}") };
            assert_is(record, object);
        }
    }

    #[test]
    fn what_was_damaged_is_read_as_serde_json_reads_it_or_not_at_all(
        base in sample::select(bases()),
        damages in collection::vec(damage(), 1..4),
    ) {
        let mut bytes = base;
        for (at, damage) in damages {
            let at = at.index(bytes.len() + 1);
            damage.apply(&mut bytes, at);
        }
        let reading = read_all(&bytes);
        check_against_serde(&bytes, &reading);
        let pieces = read(Pieces::new(&bytes, vec![3, 1, 50]), ReaderLimits::default());
        prop_assert_eq!(format!("{reading:?}"), format!("{pieces:?}"));
    }

    #[test]
    fn noise_is_refused_without_a_panic(bytes in collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read_all(&bytes).end.is_err());
    }

    #[test]
    fn json_like_noise_is_read_as_serde_json_reads_it(
        tokens in collection::vec(sample::select(TOKENS.to_vec()), 0..40),
    ) {
        let text = document(&[&tokens.concat()]);
        check_against_serde(text.as_bytes(), &read_all(text.as_bytes()));
        let text = format!("{{{}}}", tokens.concat());
        check_against_serde(text.as_bytes(), &read_all(text.as_bytes()));
    }
}

const TOKENS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0041",
    "\\ud842",
    "\\udfb7",
    "\"a\"",
    "\"id\"",
    "\"score\":1",
    "null",
    "true",
    "0",
    "1",
    "-",
    ".",
    "e",
    " ",
    "\n",
    GOOD,
];

fn bases() -> Vec<Vec<u8>> {
    let odd = [
        GOOD.to_owned(),
        good_but("corpName", r#""\u56db\ud842\udfb7\n""#),
        good_and(r#""note":{"a":[1.5e3,"\u0031"]}"#),
        good_but("score", "\"-12\""),
        good_but("id", "\"\""),
    ];
    let odd: Vec<&str> = odd.iter().map(String::as_str).collect();
    let wanted = document(&odd);
    vec![
        document(&[GOOD]).into_bytes(),
        wanted.clone().into_bytes(),
        format!("\u{FEFF}{}", spaced(&wanted, " \n")).into_bytes(),
    ]
}

#[derive(Debug, Clone)]
enum Damage {
    Delete(usize),
    Insert(Vec<u8>),
    Replace(u8),
    Flip(u8),
    Repeat(usize),
    Cut,
}

fn damage() -> impl Strategy<Value = (sample::Index, Damage)> {
    let telling: Vec<u8> = b"{}[]:,\"\\ \n\t0159-+.eEutfn\x00\x1f\x7f\x80\xe4\xf0\xff".to_vec();
    let kind = prop_oneof![
        3 => (1usize..20).prop_map(Damage::Delete),
        3 => collection::vec(sample::select(telling.clone()), 1..4).prop_map(Damage::Insert),
        3 => sample::select(telling).prop_map(Damage::Replace),
        2 => (0u8..8).prop_map(Damage::Flip),
        2 => (1usize..300).prop_map(Damage::Repeat),
        1 => Just(Damage::Cut),
    ];
    (any::<sample::Index>(), kind)
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>, at: usize) {
        let until = |len: usize| (at + len).min(bytes.len());
        match self {
            Self::Delete(len) => drop(bytes.drain(at..until(*len))),
            Self::Insert(more) => drop(bytes.splice(at..at, more.clone())),
            Self::Replace(byte) => drop(bytes.splice(at..until(1), [*byte])),
            Self::Flip(bit) => bytes.iter_mut().skip(at).take(1).for_each(|b| *b ^= 1 << bit),
            Self::Repeat(len) => {
                let again = bytes[at..until(*len)].to_vec();
                bytes.splice(at..at, again);
            }
            Self::Cut => bytes.truncate(at),
        }
    }
}
