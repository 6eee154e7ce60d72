//! When a record is taken, from the documentation of `qcc-proto` and not from
//! its code.

use std::fmt;

use qcc_proto::{MonitorLevel, MonitorType};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

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
    let Pairs(pairs) = serde_json::from_str(raw).ok()?;
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let is_twice = |(n, (key, _)): (usize, &(String, Value))| {
        pairs.iter().skip(n + 1).any(|(other, _)| other == key)
    };
    let is_fault = pairs.iter().enumerate().any(is_twice)
        || pairs.iter().any(|(key, value)| key.contains('\0') || has_nul(value))
        || FIELDS.iter().any(|field| value(field).is_none_or(|value| !fits(field, value)))
        || pairs
            .iter()
            .any(|(key, value)| !FIELDS.contains(&key.as_str()) && depth(value) > DEEPEST);
    Some(!is_fault)
}

fn fits(field: &str, value: &Value) -> bool {
    match (field, value) {
        ("id", Value::String(id)) => {
            (1..=128).contains(&id.len()) && !id.contains(char::is_control)
        }
        ("id", _) => false,
        (_, Value::Null) => true,
        ("score", Value::Number(number)) => {
            number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
        }
        ("score", Value::String(text)) => {
            text.parse::<i32>().is_ok_and(|number| number.to_string() == *text)
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
struct Pairs(Vec<(String, Value)>);

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
