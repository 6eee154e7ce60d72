//! A reading compared with what `serde_json` makes of the same bytes.

use qcc_proto::{DocumentError, Item, RiskRecord};
use serde_json::{Map, Value};

use crate::reading::Reading;

/// What the record must be according to the second opinion.
#[track_caller]
fn assert_is(record: &RiskRecord, object: &Map<String, Value>) {
    let mut object = object.clone();
    let mut text = |field: &str| match object.remove(&spelled(&object, field)?) {
        Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        // It keeps no more digits than a float has; nobody can compare the rest.
        Some(Value::Number(number)) if number.is_f64() && field == "id" => Some(record.id.clone()),
        Some(Value::Number(number)) if number.is_f64() && field == "corpKeyNo" => {
            record.corp_key_no.clone()
        }
        Some(Value::Number(number)) if number.is_f64() && field == "changeDate" => {
            record.change_date.clone()
        }
        Some(Value::Number(number)) => Some(number.to_string()),
        other => panic!("{field}: {other:?}"),
    };
    assert_eq!(Some(record.id.as_str()), text("id").as_deref());
    assert_eq!(record.corp_key_no, text("corpKeyNo"));
    assert_eq!(record.corp_name, text("corpName"));
    assert_eq!(record.monitor_content, text("monitorContent"));
    assert_eq!(record.monitor_level.clone().map(String::from), text("monitorLevel"));
    assert_eq!(record.monitor_type.clone().map(String::from), text("monitorType"));
    let score = text("score").map(|text| match text.split_once('.') {
        Some((whole, zeros)) if zeros.trim_matches('0').is_empty() => whole.to_owned(),
        _ => text,
    });
    assert_eq!(record.score.map(|score| score.to_string()), score);
    assert_eq!(record.change_date, text("changeDate"));
    match &record.extra {
        None => assert!(object.is_empty()),
        Some(extra) => {
            assert!(!object.is_empty());
            assert_eq!(serde_json::from_str::<Value>(extra).unwrap(), Value::Object(object));
        }
    }
}

/// The key of a field: the manual's, or one that differs in casing, underscores
/// and hyphens alone.
fn spelled(object: &Map<String, Value>, field: &str) -> Option<String> {
    let plain = |key: &str| key.replace(['_', '-'], "").to_ascii_lowercase();
    let is_other = |key: &&String| plain(key) == plain(field);
    let exact = object.get_key_value(field).map(|(key, _)| key);
    exact.or_else(|| object.keys().find(is_other)).cloned()
}

/// The same bytes with U+FFFD for each half of a surrogate pair and for what is
/// not UTF-8, so that `serde_json` reads what is JSON but for its characters.
pub(crate) fn mended(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let (mut whole, mut rest) = (String::new(), &*text);
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at..];
        whole.push_str(&rest[..at]);
        let unit = |from: usize| {
            let digits = escape.get(from..from + 6)?.strip_prefix("\\u")?;
            let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
            is_hex.then(|| u16::from_str_radix(digits, 16).ok())?
        };
        let len = match (unit(0), unit(6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                whole.push('\u{fffd}');
                rest = &escape[6..];
                continue;
            }
            _ => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        whole.push_str(&escape[..len]);
        rest = &escape[len..];
    }
    whole + rest
}

/// Compares a reading with what `serde_json` makes of the same bytes.
pub(crate) fn check_against_serde(bytes: &[u8], reading: &Reading) {
    let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    let opinion = serde_json::from_str::<Value>(&mended(bytes));
    let value = match (&reading.end, opinion) {
        // It refuses numbers too large for it, which are JSON nevertheless.
        (_, Err(e)) if e.to_string().contains("out of range") => return,
        (Err(DocumentError::Syntax { .. } | DocumentError::Truncated { .. }), Ok(value)) => {
            panic!("{:?}, but it is {value}", reading.end)
        }
        (Err(_), _) => return,
        (Ok(_), Err(error)) => panic!("accepted, but {error}"),
        (Ok(_), Ok(value)) => value,
    };
    let key = spelled(value.as_object().unwrap(), "result").unwrap_or_default();
    let none = Vec::new();
    let result = match &value[key] {
        Value::Null => &none,
        result => result.as_array().unwrap(),
    };
    assert_eq!(result.len(), reading.items.len());
    for (n, (item, value)) in reading.items.iter().zip(result).enumerate() {
        match item {
            Item::Record { position, record } => {
                assert_eq!(*position, n as u64);
                assert_is(record, value.as_object().unwrap());
            }
            Item::SetAside(aside) => {
                assert_eq!(aside.position, n as u64);
                assert!(!aside.truncated);
                let raw = mended(&aside.raw);
                assert_eq!(&serde_json::from_str::<Value>(&raw).unwrap(), value);
            }
        }
    }
}
