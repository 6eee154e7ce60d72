//! Why there is no payload: the body is not an answer, or the vendor refused.

use std::{error::Error as StdError, fmt};

use crate::{Status, StatusClass};

/// The body is not an answer of the vendor.
///
/// The vendor or something on the way is at fault; the call may be repeated later.
/// Contains nothing of the body, which may hold a password.
#[derive(Debug)]
pub struct EnvelopeError {
    kind: EnvelopeErrorKind,
    source: Option<serde_json::Error>,
}

/// What is wrong with the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvelopeErrorKind {
    /// Not JSON, or JSON that ends early: a proxy's page, an empty body.
    NotJson,
    /// JSON, but not an object.
    NotAnObject,
    /// An object without a `status` that is a whole number.
    NoStatus,
    /// The status is 200, and this field is missing or not a text.
    BadPayload {
        /// The field, as the manual spells it.
        field: &'static str,
    },
    /// The status is 200 and `downloadUrl` is not an `http` or `https` URL.
    NotAUrl {
        /// The field, as the manual spells it.
        field: &'static str,
    },
    /// A field that is used comes more than once, perhaps in another casing, with
    /// different values.
    Doubtful {
        /// The field, as the manual spells it.
        field: &'static str,
    },
    /// An encoding other than UTF-8.
    Encoding {
        /// The probable encoding, for people.
        name: &'static str,
    },
    /// Nested more than 64 levels deep.
    TooDeep,
}

impl EnvelopeError {
    /// What is wrong with the body.
    pub fn kind(&self) -> EnvelopeErrorKind {
        self.kind
    }

    /// What to do about it: never send the same call at once, and look at the way
    /// to the vendor if it stays.
    pub fn advice(&self) -> &'static str {
        match self.kind {
            EnvelopeErrorKind::NotJson
            | EnvelopeErrorKind::NotAnObject
            | EnvelopeErrorKind::NoStatus
            | EnvelopeErrorKind::TooDeep => {
                "Something else than the vendor may have answered: ask again later, and check the \
                 base URL and the proxy if it stays."
            }
            EnvelopeErrorKind::BadPayload { .. }
            | EnvelopeErrorKind::NotAUrl { .. }
            | EnvelopeErrorKind::Doubtful { .. }
            | EnvelopeErrorKind::Encoding { .. } => {
                "The vendor answered otherwise than its manual says: ask again later, and tell the \
                 vendor if it stays."
            }
        }
    }

    pub(super) fn bad_payload(field: &'static str) -> Self {
        Self::of(EnvelopeErrorKind::BadPayload { field })
    }

    pub(super) fn doubtful(field: &'static str) -> Self {
        Self::of(EnvelopeErrorKind::Doubtful { field })
    }

    pub(super) fn of(kind: EnvelopeErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// A syntax error names a line and a column, never what stands there.
    pub(super) fn not_json(source: serde_json::Error) -> Self {
        Self { kind: EnvelopeErrorKind::NotJson, source: Some(source) }
    }
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            EnvelopeErrorKind::NotJson => f.write_str("the answer is not JSON"),
            EnvelopeErrorKind::NotAnObject => f.write_str("the answer is not a JSON object"),
            EnvelopeErrorKind::NoStatus => f.write_str("the answer has no readable status"),
            EnvelopeErrorKind::BadPayload { field } => {
                write!(f, "the answer says success, but its {field} is missing or unreadable")
            }
            EnvelopeErrorKind::NotAUrl { field } => {
                write!(f, "the answer says success, but its {field} is not an http or https URL")
            }
            EnvelopeErrorKind::Doubtful { field } => {
                write!(f, "the answer has {field} more than once, with different values")
            }
            EnvelopeErrorKind::Encoding { name } => {
                write!(f, "the answer is not UTF-8; it seems to be {name}")
            }
            EnvelopeErrorKind::TooDeep => f.write_str("the answer is nested too deeply"),
        }
    }
}

impl StdError for EnvelopeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// The vendor answered and refused.
///
/// [`class`](Self::class) says whether to repeat, [`advice`](Self::advice) what a
/// person should do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The status code.
    pub status: Status,
    /// The first 1,000 characters of the vendor's message, or an empty text.
    pub message: String,
}

/// What is shown of a message, in characters.
const SHOWN: usize = 300;

impl Refusal {
    /// A refusal with this status and message.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// What to do about it, as a code; each class is handled in one way.
    pub fn class(&self) -> StatusClass {
        self.status.class()
    }

    /// What a person should do, in English.
    pub fn advice(&self) -> &'static str {
        self.status.advice()
    }
}

impl fmt::Display for Refusal {
    /// One line: the vendor's message with controls escaped, at most 300
    /// characters of it, or the manual's text where the answer has none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the vendor answered {}", self.status)?;
        let message = match self.message.trim() {
            "" => self.status.manual_text().unwrap_or_default(),
            sent => sent,
        };
        if message.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", one_line(message, SHOWN))
    }
}

impl StdError for Refusal {}

/// A text of unknown origin on one line: what breaks or turns a line is escaped,
/// and of more than `limit` characters the rest is left out.
fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let mut letters = text.chars();
    for letter in letters.by_ref().take(limit) {
        if letter.is_control() || turns_or_ends_a_line(letter) {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    if letters.next().is_some() {
        line.push('…');
    }
    line
}

/// Line and paragraph separators, and what changes the direction of writing.
fn turns_or_ends_a_line(letter: char) -> bool {
    matches!(letter, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}')
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
