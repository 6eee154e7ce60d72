//! When a record is taken, from the documentation of `qcc-proto` and not from
//! its code.

use std::fmt;

use qcc_proto::{MonitorLevel, MonitorType};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use crate::second_opinion::mended;

const FIELDS: [&str; 8] = [
    "id",
    "corpKeyNo",
    "corpName",
    "monitorContent",
    "monitorLevel",
    "monitorType",
    "score",
    "changeDate",
];

const DEEPEST: usize = 64;

/// Whether a record, which is JSON, is to be taken; `None` where `serde_json`
/// cannot hold it: a number out of its range, or too many levels.
pub(crate) fn is_good(raw: &str) -> Option<bool> {
    if !raw.starts_with('{') {
        return Some(false);
    }
    if mended(raw.as_bytes()) != raw {
        return Some(false);
    }
    let Pairs(mut pairs) = serde_json::from_str(raw).ok()?;
    // A field counts in another spelling where the manual's is absent.
    let plain = |key: &str| key.replace(['_', '-'], "").to_ascii_lowercase();
    for field in FIELDS {
        if !pairs.iter().any(|(key, _)| key == field) {
            let others = pairs.iter_mut().filter(|(key, _)| plain(key) == plain(field));
            others.for_each(|(key, _)| *key = field.to_owned());
        }
    }
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let is_twice = |(n, (key, _)): (usize, &(String, Value))| {
        pairs.iter().skip(n + 1).any(|(other, _)| other == key)
    };
    // How a float was spelled is lost: 82.0 is a score, 8.2e1 is none.
    let is_float = |field: &&str| matches!(value(field), Some(Value::Number(n)) if n.is_f64());
    let is_spelling = ["id", "corpKeyNo", "changeDate", "score"].iter().any(is_float);
    let is_fault = pairs.iter().enumerate().any(is_twice)
        || pairs.iter().any(|(key, value)| key.contains('\0') || has_nul(value))
        || value("id").is_none()
        || FIELDS.iter().any(|field| value(field).is_some_and(|value| !fits(field, value)))
        || pairs
            .iter()
            .any(|(key, value)| !FIELDS.contains(&key.as_str()) && depth(value) > DEEPEST);
    if is_fault { Some(false) } else { (!is_spelling).then_some(true) }
}

fn fits(field: &str, value: &Value) -> bool {
    match (field, value) {
        ("id" | "corpKeyNo" | "changeDate", Value::Number(number)) => {
            number.is_u64() || number.is_f64()
        }
        ("id", Value::String(id)) => {
            (1..=128).contains(&id.len()) && !id.contains(char::is_control)
        }
        ("id", _) => false,
        (_, Value::Null) => true,
        ("score", Value::Number(number)) => {
            let float = number.as_f64().filter(|_| number.is_f64());
            let is_small = |number| i32::try_from(number).is_ok();
            float.map_or(number.as_i64().is_some_and(is_small), |float| float.fract() == 0.0)
        }
        ("score", Value::String(text)) => {
            let text = match text.split_once('.') {
                Some((whole, zeros)) if !zeros.is_empty() && zeros.trim_matches('0').is_empty() => {
                    whole
                }
                _ => text,
            };
            text.parse::<i32>().is_ok_and(|number| number.to_string() == text)
        }
        ("score", _) => false,
        ("monitorLevel", Value::String(word)) => {
            !word.is_empty() && !MonitorType::from(word.as_str()).is_known()
        }
        ("monitorType", Value::String(word)) => {
            !word.is_empty() && !MonitorLevel::from(word.as_str()).is_known()
        }
        (_, value) => value.is_string(),
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => {
            fields.iter().any(|(key, value)| key.contains('\0') || has_nul(value))
        }
        _ => false,
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// An object's fields in order, repeated keys included.
pub(crate) struct Pairs(pub(crate) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}
