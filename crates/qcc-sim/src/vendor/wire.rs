//! Envelopes, in any of their dialects.

use bytes::Bytes;
use qcc_proto::{Status, StatusForm};
use serde_json::Value;

use crate::{Casing, Nesting, WireDialect};

/// The content type of every envelope.
pub(super) const JSON: &str = "application/json;charset=UTF-8";

/// Names and values of one object.
pub(super) type Fields = Vec<(&'static str, String)>;

/// What an envelope carries beside status and message.
pub(super) enum Payload {
    /// `"result": null`.
    Null,
    /// One object.
    Object(Fields),
    /// A list of objects.
    List(Vec<Fields>),
}

/// An answer that refuses.
pub(super) fn refusal(dialect: &WireDialect, status: i64) -> Bytes {
    let message = Status::new(status).manual_text().unwrap_or("【无效请求】其他错误");
    envelope(dialect, status, message, &Payload::Null)
}

/// An answer, as JSON in the order of the manual's samples.
pub(super) fn envelope(
    dialect: &WireDialect,
    status: i64,
    message: &str,
    payload: &Payload,
) -> Bytes {
    let code = match dialect.status {
        StatusForm::Integer => status.to_string(),
        _ => format!("\"{status}\""),
    };
    let long = dialect.long_message || dialect.casing == Casing::Upper;
    let mut members = vec![
        (name(dialect, "status"), code),
        (name(dialect, if long { "message" } else { "msg" }), quoted(message)),
    ];
    match (payload, dialect.nesting) {
        (Payload::Null, _) => members.push((name(dialect, "result"), "null".to_owned())),
        (Payload::Object(fields), Nesting::TopLevel) => members.extend(named(dialect, fields)),
        (Payload::Object(fields), _) => {
            members.push((name(dialect, "result"), object(named(dialect, fields))));
        }
        (Payload::List(lines), nesting) => {
            let lines: Vec<_> = lines.iter().map(|line| object(named(dialect, line))).collect();
            let list = if nesting == Nesting::Result { "result" } else { "resultList" };
            members.push((name(dialect, list), format!("[{}]", lines.join(","))));
        }
    }
    if dialect.unknown_fields {
        members.push((name(dialect, "orderNumber"), quoted("SIM")));
        members.push((name(dialect, "paging"), "{\"total\":1}".to_owned()));
    }
    let mark = if dialect.byte_order_mark { "\u{feff}" } else { "" };
    format!("{mark}{}", object(members)).into()
}

fn named(dialect: &WireDialect, fields: &Fields) -> Vec<(String, String)> {
    let value = |field: &str, value: &str| match field {
        "createDate" | "CreateDate" | "create_date" | "downloadUrlExpiredTime" => {
            value.parse().map_or_else(|_| quoted(value), |time| dialect.dates.json(time))
        }
        _ => quoted(value),
    };
    fields.iter().map(|(field, text)| (name(dialect, field), value(field, text))).collect()
}

fn name(dialect: &WireDialect, field: &str) -> String {
    let mut letters = field.chars();
    match (dialect.casing, letters.next()) {
        (Casing::Upper, Some(first)) => first.to_ascii_uppercase().to_string() + letters.as_str(),
        _ => field.to_owned(),
    }
}

fn object(members: Vec<(String, String)>) -> String {
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
