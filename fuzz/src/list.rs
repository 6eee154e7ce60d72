//! Lines of an order list of any shape.
//!
//! What stands for the list is put where 6.2.4 has it. A list that is JSON gives
//! the orders that a reader written from the documentation finds in it, in their
//! order, and counts every other line; what is no list is an error, never a list
//! of nothing. The same lines in other surroundings are the same list.

use qcc_proto::{
    Call, EnvelopeErrorKind as Kind, ListOrders, ListedOrder, OrderList, ShanghaiTime,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{record_rules::Pairs, second_opinion::mended};

/// Checks one input: the value of `resultList`.
pub fn check(bytes: &[u8]) {
    let body = |before: &str, after: &str| [before.as_bytes(), bytes, after.as_bytes()].concat();
    let usual = body(r#"{"status":"200","resultList":"#, "}");
    let read = ListOrders::read_answer(&usual);
    let text = mended(bytes);
    // A value that ends early would leave the rest to the object around it.
    let Ok(value) = serde_json::from_str::<Value>(&text) else { return };
    match (value, read) {
        (Value::Array(_), Ok(answer)) => {
            let list = answer.payload.expect("the status is 200");
            check_lines(&text, &list);
            for (before, after) in [
                (r#"{"Status":200,"Message":"x","Result":"#, r#","more":[1]}"#),
                (r#"{"result":{"result_list":"#, r#"},"STATUS":200}"#),
                (r#"{"status":201,"resultList":"#, "}"),
            ] {
                let again = ListOrders::read_answer(&body(before, after)).expect("a list");
                assert_eq!(again.payload.as_ref(), Some(&list), "{before}");
            }
        }
        (Value::Null, Ok(answer)) => {
            assert_eq!(answer.payload, Some(OrderList::default()));
        }
        (Value::Object(_), Ok(answer)) => {
            let list = answer.payload.expect("the status is 200");
            assert_eq!(list.orders.len() + list.unreadable_count, 1, "one line in a list's place");
            check_lines(&format!("[{text}]"), &list);
        }
        (value, Ok(_)) => panic!("{value} was read as a list"),
        (value, Err(error)) => {
            let is_told = match error.kind() {
                Kind::BadPayload { field } => {
                    assert_eq!(field, "resultList");
                    !matches!(value, Value::Array(_) | Value::Null)
                }
                Kind::TooDeep => true,
                Kind::Encoding { .. } => str::from_utf8(bytes).is_err(),
                _ => false,
            };
            assert!(is_told, "{error}: {value}");
        }
    }
}

fn check_lines(text: &str, list: &OrderList) {
    let lines: Vec<&RawValue> = serde_json::from_str(text).expect("it is a list");
    let (read, beyond) = lines.split_at(lines.len().min(OrderList::MAX_LINES));
    let expected: Vec<_> = read.iter().filter_map(|line| order(line)).collect();
    let bad = read.len() - expected.len();
    assert_eq!(list.orders.len(), expected.len(), "{text}");
    for (order, (no, created)) in list.orders.iter().zip(&expected) {
        assert_eq!(order.order_no.as_str(), no);
        if let Some(created) = created {
            assert_eq!(order.created_at, *created, "{text}");
        }
    }
    assert_eq!(list.unreadable_count, bad + beyond.len());
    assert_eq!(list.unreadable.len(), (bad + usize::from(!beyond.is_empty())).min(20));
    for line in &list.unreadable {
        assert!(line.starts_with("line ") && line.chars().count() <= 100, "{line}");
        assert!(!line.contains(char::is_control), "{line}");
    }
    let made = |order: &ListedOrder| order.created_at.or_else(|| order.order_no.created_hint());
    assert!(list.orders.iter().all(|order| order.made_at() == made(order)));
}

/// The number and time of a line; the time is judged only where it is a text.
type Expected = (String, Option<Option<ShanghaiTime>>);

fn order(line: &RawValue) -> Option<Expected> {
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_u64() || number.is_i64() => Some(number.to_string()),
        _ => None,
    };
    let (no, created) = match Pairs::deserialize(line) {
        Ok(Pairs(pairs)) => {
            let no = agreed(&pairs, "orderno", plain)??;
            let created = agreed(&pairs, "createdate", |value| Some(value.clone()));
            let created = match created {
                Some(None) => Some(None),
                Some(Some(Value::String(text))) => Some(ShanghaiTime::from_wire(&text).ok()),
                _ => None,
            };
            (no, created)
        }
        Err(_) => (plain(&serde_json::from_str(line.get()).ok()?)?, Some(None)),
    };
    let no = no.trim();
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    ((1..=64).contains(&no.len()) && no.bytes().all(is_safe)).then(|| (no.to_owned(), created))
}

/// The value of a field, whatever its spelling: `None` where two differ or where
/// it is of no use, and inside of that `None` where there is none.
fn agreed<T: PartialEq>(
    pairs: &[(String, Value)],
    name: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Option<Option<T>> {
    let plain = |key: &str| key.replace(['_', '-'], "").to_ascii_lowercase();
    let mut values =
        pairs.iter().filter(|(key, value)| plain(key) == name && !value.is_null()).map(|(_, v)| v);
    let Some(first) = values.next() else { return Some(None) };
    let says = |value: &Value| match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    if values.any(|other| says(other) != says(first)) {
        return None;
    }
    read(first).map(Some)
}
