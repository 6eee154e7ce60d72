//! A reading compared with what `serde_json` makes of the same bytes.
//!
//! The laws use it, and so does the fuzz target of the record reader.

use qcc_proto::{DocumentError, Item, RiskRecord};
use serde_json::{Map, Value};

use crate::reader::Reading;

/// What the record must be according to the second opinion.
#[track_caller]
pub(crate) fn assert_is(record: &RiskRecord, object: &Map<String, Value>) {
    let mut object = object.clone();
    let mut text = |field: &str| match object.remove(field) {
        Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(Value::Number(number)) => Some(number.to_string()),
        other => panic!("{field}: {other:?}"),
    };
    assert_eq!(Some(record.id.as_str()), text("id").as_deref());
    assert_eq!(record.corp_key_no, text("corpKeyNo"));
    assert_eq!(record.corp_name, text("corpName"));
    assert_eq!(record.monitor_content, text("monitorContent"));
    assert_eq!(record.monitor_level.clone().map(String::from), text("monitorLevel"));
    assert_eq!(record.monitor_type.clone().map(String::from), text("monitorType"));
    assert_eq!(record.score.map(|score| score.to_string()), text("score"));
    assert_eq!(record.change_date, text("changeDate"));
    match &record.extra {
        None => assert!(object.is_empty()),
        Some(extra) => {
            assert!(!object.is_empty());
            assert_eq!(serde_json::from_str::<Value>(extra).unwrap(), Value::Object(object));
        }
    }
}

/// Compares a reading with what `serde_json` makes of the same bytes.
pub(crate) fn check_against_serde(bytes: &[u8], reading: &Reading) {
    let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    let opinion = serde_json::from_slice::<Value>(bytes);
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
    let result = value["result"].as_array().unwrap();
    assert_eq!(result.len(), reading.items.len());
    for (n, (item, value)) in reading.items.iter().zip(result).enumerate() {
        match item {
            Item::Record { position, record } => {
                assert_eq!(*position, n as u64);
                assert_is(record, value.as_object().unwrap());
            }
            Item::Quarantined(aside) => {
                assert_eq!(aside.position, n as u64);
                assert!(!aside.truncated);
                assert_eq!(&serde_json::from_slice::<Value>(&aside.raw).unwrap(), value);
            }
        }
    }
}
