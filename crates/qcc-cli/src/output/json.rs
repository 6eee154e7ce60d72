//! JSON as `docs/cli.md` documents it: names in snake case, instants as
//! RFC 3339 in UTC, the vendor's own times as the vendor writes them.

use std::io::{self, Write};

use jiff::Timestamp;
use qcc_proto::{MonitorLevel, MonitorType, RecordRef, RiskRecord};
use qcc_sync::Reason;
use serde_json::{Value, json};

use super::streams::Out;

/// An instant.
pub(crate) fn instant(at: Timestamp) -> Value {
    Value::from(at.to_string())
}

/// A reason: its code, and the sentence.
pub(crate) fn reason(reason: &Reason) -> Value {
    json!({ "code": reason.code.as_str(), "detail": reason.detail })
}

/// The columns of a record, wherever its texts lie.
pub(crate) struct Columns<'a> {
    id: &'a str,
    /// Those that are texts, in the table's order.
    texts: [Option<&'a str>; 5],
    score: Option<i32>,
    change_date: Option<&'a str>,
    extra: Option<&'a str>,
}

impl<'a> From<&'a RiskRecord> for Columns<'a> {
    fn from(record: &'a RiskRecord) -> Self {
        Self {
            id: &record.id,
            texts: [
                record.corp_key_no.as_deref(),
                record.corp_name.as_deref(),
                record.monitor_content.as_deref(),
                record.monitor_level.as_ref().map(MonitorLevel::as_str),
                record.monitor_type.as_ref().map(MonitorType::as_str),
            ],
            score: record.score,
            change_date: record.change_date.as_deref(),
            extra: record.extra.as_deref(),
        }
    }
}

impl<'a> From<RecordRef<'a>> for Columns<'a> {
    fn from(record: RecordRef<'a>) -> Self {
        Self {
            id: record.id,
            texts: [
                record.corp_key_no,
                record.corp_name,
                record.monitor_content,
                record.monitor_level,
                record.monitor_type,
            ],
            score: record.score,
            change_date: record.change_date,
            extra: record.extra,
        }
    }
}

/// Prints one record as one line.
pub(crate) fn record<'a>(
    out: &mut Out,
    record: impl Into<Columns<'a>>,
    more: &[(&str, &str)],
) -> io::Result<()> {
    if !out.terminal {
        return line(out, record, more);
    }
    let mut written = Vec::new();
    line(&mut written, record, more)?;
    out.record(&String::from_utf8_lossy(&written))
}

/// One record as one line, its columns named as in the table; `more` are
/// further columns as JSON texts.
pub(crate) fn line<'a>(
    out: &mut impl Write,
    record: impl Into<Columns<'a>>,
    more: &[(&str, &str)],
) -> io::Result<()> {
    const NAMES: [&str; 5] = [
        ",\"corp_key_no\":",
        ",\"corp_name\":",
        ",\"monitor_content\":",
        ",\"monitor_level\":",
        ",\"monitor_type\":",
    ];
    let columns = record.into();
    out.write_all(b"{\"id\":")?;
    text(out, Some(columns.id))?;
    for (name, value) in NAMES.iter().zip(columns.texts) {
        out.write_all(name.as_bytes())?;
        text(out, value)?;
    }
    match columns.score {
        Some(score) => write!(out, ",\"score\":{score}")?,
        None => out.write_all(b",\"score\":null")?,
    }
    out.write_all(b",\"change_date\":")?;
    text(out, columns.change_date)?;
    out.write_all(b",\"extra\":")?;
    nested(out, columns.extra)?;
    for (name, value) in more {
        write!(out, ",\"{name}\":{value}")?;
    }
    out.write_all(b"}\n")
}

fn text(out: &mut impl Write, value: Option<&str>) -> io::Result<()> {
    match value {
        Some(value) => serde_json::to_writer(out, value).map_err(io::Error::from),
        None => out.write_all(b"null"),
    }
}

/// An object that is JSON already. Its line ends, if any, are white space
/// between values, since no JSON text may hold a bare one.
fn nested(out: &mut impl Write, object: Option<&str>) -> io::Result<()> {
    match object {
        None => out.write_all(b"null"),
        Some(object) if object.contains(['\n', '\r']) => {
            out.write_all(object.replace(['\n', '\r'], " ").as_bytes())
        }
        Some(object) => out.write_all(object.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line_with_its_unknown_fields_nested() {
        let mut record = RiskRecord::new("a\"b");
        record.corp_name = Some("四川".into());
        record.monitor_content = Some("x\ny".into());
        record.monitor_level = Some("高风险信息".into());
        record.score = Some(-3);
        record.change_date = Some("2022-06-01".into());
        record.extra = Some("{\n \"n\": 1.50\n}".into());
        let mut written = Vec::new();
        line(&mut written, &record, &[("position", "7")]).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written.matches('\n').count(), 1);
        assert!(written.contains("\"n\": 1.50"), "{written}");
        let value: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(value["id"], "a\"b");
        assert_eq!(value["corp_key_no"], Value::Null);
        assert_eq!(value["score"], -3);
        assert_eq!(value["extra"]["n"], 1.5);
        assert_eq!(value["position"], 7);
    }
}
