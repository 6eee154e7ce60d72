//! A JSON object of the vendor's, asked by name: either casing, either nesting.

use serde_json::{Map, Value};

use crate::{EnvelopeError, EnvelopeErrorKind, Status};

type Object = Map<String, Value>;

/// Deeper than any answer needs, and shallow enough for any stack.
const MAX_DEPTH: usize = 64;

/// Splits a body into status, message and the rest.
pub(super) fn open(body: &[u8]) -> Result<(Status, String, Fields), EnvelopeError> {
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    if depth(text) > MAX_DEPTH {
        return Err(EnvelopeError::of(EnvelopeErrorKind::TooDeep));
    }
    let Value::Object(mut top) = serde_json::from_slice(text).map_err(EnvelopeError::not_json)?
    else {
        return Err(EnvelopeError::of(EnvelopeErrorKind::NotAnObject));
    };
    let status = take(&mut top, "status")
        .and_then(|value| status(&value))
        .ok_or_else(|| EnvelopeError::of(EnvelopeErrorKind::NoStatus))?;
    let message = ["msg", "message"]
        .into_iter()
        .find_map(|name| take(&mut top, name).and_then(|v| plain(v).ok()))
        .unwrap_or_default();
    Ok((status, message, Fields { top }))
}

/// How deep brackets nest, counted without building anything.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn status(value: &Value) -> Option<Status> {
    let code = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    code.map(Status::new)
}

/// The field of this name, in either casing; `null` counts as absent.
fn take(object: &mut Object, name: &str) -> Option<Value> {
    let present = |value: &Value| !value.is_null();
    object
        .remove(name)
        .filter(present)
        .or_else(|| object.remove(&capitalised(name)).filter(present))
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// A text, or a whole number sent in place of one; else what it was.
fn plain(value: Value) -> Result<String, Value> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) if !number.is_f64() => Ok(number.to_string()),
        other => Err(other),
    }
}

/// What an answer holds beside status and message.
pub(super) struct Fields {
    top: Object,
}

impl Fields {
    /// The text of a field: nested in `result` first, then at the top level.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, EnvelopeError> {
        self.field(name)
            .map(|value| plain(value).map_err(|_| EnvelopeError::bad_payload(name)))
            .transpose()
    }

    /// The same for a field without which the payload is worth nothing.
    pub(super) fn required(&mut self, name: &'static str) -> Result<String, EnvelopeError> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| EnvelopeError::bad_payload(name))
    }

    fn field(&mut self, name: &str) -> Option<Value> {
        ["result", "Result", "resultList", "ResultList"]
            .into_iter()
            .find_map(|nest| take(self.top.get_mut(nest)?.as_object_mut()?, name))
            .or_else(|| take(&mut self.top, name))
    }

    /// The lines of a list: under its own name or `result`, as an array or as
    /// the one line that stands in its place, or at the top level by `mark`.
    pub(super) fn list(
        mut self,
        name: &'static str,
        mark: &'static str,
    ) -> Result<Vec<Line>, EnvelopeError> {
        let names = [name.to_owned(), capitalised(name), "result".to_owned(), "Result".to_owned()];
        let mut said_null = false;
        for nest in &names {
            match self.top.remove(nest) {
                Some(Value::Array(lines)) => return Ok(lines.into_iter().map(Line).collect()),
                Some(Value::Object(inner)) if nest.eq_ignore_ascii_case("result") => {
                    let deeper = Self { top: inner };
                    return deeper.list(name, mark);
                }
                Some(line @ Value::Object(_)) => return Ok(vec![Line(line)]),
                Some(Value::Null) => said_null = true,
                Some(_) => return Err(EnvelopeError::bad_payload(name)),
                None => {}
            }
        }
        if self.top.contains_key(mark) || self.top.contains_key(&capitalised(mark)) {
            return Ok(vec![Line(Value::Object(self.top))]);
        }
        if said_null { Ok(Vec::new()) } else { Err(EnvelopeError::bad_payload(name)) }
    }
}

/// One line of a list, of any shape.
pub(super) struct Line(Value);

impl Line {
    /// The texts of two fields, where the line is an object that has them.
    pub(super) fn into_parts(self, first: &str, second: &str) -> (Option<String>, Option<String>) {
        match self.0 {
            Value::Object(mut line) => {
                let mut text = |name| take(&mut line, name).and_then(|v| plain(v).ok());
                (text(first), text(second))
            }
            bare => (plain(bare).ok(), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings_only() {
        for (text, expected) in [
            ("", 0),
            ("{}", 1),
            (r#"{"a":[[]]}"#, 3),
            (r#"{"a":"[[[["}"#, 1),
            (r#"{"a":"\"[[["}"#, 1),
            (r#"{"a":"\\","b":[]}"#, 2),
            ("]]]{", 1),
        ] {
            assert_eq!(depth(text.as_bytes()), expected, "{text}");
        }
    }
}
