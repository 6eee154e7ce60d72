//! A JSON object of the vendor's, asked by name: any casing, either nesting.
//!
//! A name counts in the manual's spelling, in other casing and with underscores.
//! Where it comes more than once, all must say the same.

use super::body;
use crate::{
    EnvelopeError, EnvelopeErrorKind, Status,
    json::{Json, Pairs},
    spelling::is_spelling_of,
};

/// What is kept of a message, in characters. It is shown to people.
const MESSAGE_LIMIT: usize = 1000;

/// Splits a body into status, message and the rest.
pub(super) fn open(body: &[u8]) -> Result<(Status, String, Fields), EnvelopeError> {
    let (json, mended) = body::read(body)?;
    let Json::Object(mut top) = json else {
        return Err(EnvelopeError::of(EnvelopeErrorKind::NotAnObject));
    };
    let status = take(&mut top, "status")?
        .and_then(|value| status(&value))
        .ok_or_else(|| EnvelopeError::of(EnvelopeErrorKind::NoStatus))?;
    let said = |name: &str| {
        top.iter().rev().find(|(key, value)| is_spelling_of(key, name) && !value.is_null())
    };
    let message = said("msg").or_else(|| said("message"));
    let message = message.and_then(|(_, value)| value.plain()).unwrap_or_default();
    let message = message.chars().take(MESSAGE_LIMIT).collect();
    Ok((status, message, Fields { top, mended }))
}

fn status(value: &Json) -> Option<Status> {
    let code = match value {
        Json::Number(number) => number.as_i64(),
        Json::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    code.map(Status::new)
}

/// The field of this name; `null` counts as absent.
fn take(fields: &mut Pairs, name: &'static str) -> Result<Option<Json>, EnvelopeError> {
    let mut found: Option<Json> = None;
    let mut agree = true;
    for (key, value) in fields.iter_mut() {
        if !value.is_null() && is_spelling_of(key, name) {
            let value = std::mem::replace(value, Json::Null);
            // Where two differ, nothing more is compared: the first may be long.
            agree = agree && found.as_ref().is_none_or(|first| first.agrees_with(&value));
            found.get_or_insert(value);
        }
    }
    if agree { Ok(found) } else { Err(EnvelopeError::doubtful(name)) }
}

fn has(fields: &Pairs, name: &str) -> bool {
    fields.iter().any(|(key, _)| is_spelling_of(key, name))
}

/// The fields of an answer besides status and message.
pub(crate) struct Fields {
    top: Pairs,
    /// Whether a broken character was replaced.
    mended: bool,
}

impl Fields {
    /// The text of a field: nested in `result` first, then at the top level.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, EnvelopeError> {
        let Some(value) = self.field(name)? else { return Ok(None) };
        let text = value.plain().ok_or_else(|| EnvelopeError::bad_payload(name))?;
        Ok(Some(text))
    }

    /// The same for a field without which the payload is worth nothing.
    pub(super) fn required(&mut self, name: &'static str) -> Result<String, EnvelopeError> {
        let mended = self.mended;
        let is_broken = |text: &str| mended && text.contains(char::REPLACEMENT_CHARACTER);
        let text = self.text(name)?.filter(|text| !text.is_empty() && !is_broken(text));
        text.ok_or_else(|| EnvelopeError::bad_payload(name))
    }

    /// The value of a field: nested in `result` first, then at the top level.
    pub(super) fn field(&mut self, name: &'static str) -> Result<Option<Json>, EnvelopeError> {
        for nest in ["result", "resultList"] {
            if let Some(Json::Object(mut inner)) = take(&mut self.top, nest)? {
                let found = take(&mut inner, name)?;
                self.top.push((nest.to_owned(), Json::Object(inner)));
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        take(&mut self.top, name)
    }

    /// The lines of a list: under its own name or `result`, as an array or as
    /// a single line in its place, or at the top level if `mark` is there.
    pub(super) fn list(
        mut self,
        name: &'static str,
        mark: &'static str,
    ) -> Result<Vec<Line>, EnvelopeError> {
        let says_null = [name, "result"].iter().any(|nest| has(&self.top, nest));
        for nest in [name, "result"] {
            match take(&mut self.top, nest)? {
                Some(Json::Array(lines)) => return Ok(lines.into_iter().map(Line).collect()),
                Some(Json::Object(line)) if has(&line, mark) => {
                    return Ok(vec![Line(Json::Object(line))]);
                }
                Some(Json::Object(inner)) if nest == "result" => {
                    let deeper = Self { top: inner, mended: self.mended };
                    return deeper.list(name, mark);
                }
                Some(_) => return Err(EnvelopeError::bad_payload(name)),
                None => {}
            }
        }
        if has(&self.top, mark) {
            return Ok(vec![Line(Json::Object(self.top))]);
        }
        // A list under a name that nobody knows must not pass for an empty one.
        let is_list = |value: &Json| matches!(value, Json::Array(lines) if !lines.is_empty());
        let is_elsewhere = self.top.iter().any(|(_, value)| is_list(value));
        match says_null && !is_elsewhere {
            true => Ok(Vec::new()),
            false => Err(EnvelopeError::bad_payload(name)),
        }
    }
}

/// One line of a list, of any shape.
pub(super) struct Line(Json);

impl Line {
    /// The two fields of a line; the first is also what a bare text or number is.
    ///
    /// # Errors
    /// What is there instead of the first.
    pub(super) fn into_parts(
        self,
        first: &'static str,
        second: &'static str,
    ) -> Result<(String, Option<Json>), String> {
        let mut line = match self.0 {
            Json::Object(line) => line,
            bare => return bare.plain().map(|text| (text, None)).ok_or_else(|| lacks(first)),
        };
        match take(&mut line, first) {
            Err(_) => Err(format!("({first} comes twice and differs)")),
            Ok(Some(value)) => match value.plain() {
                Some(text) => Ok((text, take(&mut line, second).ok().flatten())),
                None => Err(format!("({first} is not a text)")),
            },
            Ok(None) if line.is_empty() => Err(lacks(first)),
            Ok(None) => {
                let names: Vec<&str> = line.iter().map(|(key, _)| key.as_str()).take(8).collect();
                Err(format!("{} but {}", lacks(first), names.join(", ")))
            }
        }
    }
}

fn lacks(name: &str) -> String {
    format!("(no {name})")
}
