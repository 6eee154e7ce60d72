//! Follows the structure of a document to its next record or its end.

use std::io::BufRead;

use super::{
    DocumentError, DocumentField, DocumentSummary, RecordFault, RecordReader, SetAsideRecord,
    frame::Framed,
    record::{self, Stop},
};
use crate::{ShanghaiTime, encoding, spelling::is_spelling_of};

#[derive(Debug, Clone, Copy)]
pub(super) enum State {
    Start,
    FieldOrEnd,
    Field,
    AfterField,
    /// At the bracket that opens `result`.
    Result,
    ItemOrEnd,
    AfterItem,
    Trailer,
    Done(DocumentSummary),
    Failed,
}

pub(super) enum Found {
    Record,
    SetAside(SetAsideRecord),
}

impl<R: BufRead> RecordReader<R> {
    /// Walks the document to its next record or its end.
    pub(super) fn walk(&mut self) -> Result<Option<Found>, DocumentError> {
        loop {
            self.state = match self.state {
                State::Start | State::FieldOrEnd | State::Field | State::AfterField => {
                    self.between_records()?
                }
                State::Result => self.take(State::ItemOrEnd),
                State::ItemOrEnd => match self.feed.peek()? {
                    b']' => self.take(State::AfterField),
                    _ => return self.item().map(Some),
                },
                State::AfterItem => match self.feed.peek()? {
                    b',' => {
                        self.feed.advance(1);
                        self.feed.peek()?;
                        return self.item().map(Some);
                    }
                    b']' => self.take(State::AfterField),
                    _ => return Err(self.syntax("',' or ']' was expected")),
                },
                State::Trailer => match self.feed.peek_or_end()? {
                    None => State::Done(self.whole()?),
                    Some(_) => return Err(self.syntax("nothing may follow the document")),
                },
                State::Done(_) => return Ok(None),
                State::Failed => return Err(DocumentError::AlreadyFailed),
            };
        }
    }

    /// Takes one step outside `result`: to a field, through one, or to the end.
    pub(super) fn between_records(&mut self) -> Result<State, DocumentError> {
        match self.state {
            State::Start => self.start(),
            State::FieldOrEnd => match self.feed.peek()? {
                b'}' => Ok(self.take(State::Trailer)),
                _ => Ok(State::Field),
            },
            State::Field => self.field(),
            State::AfterField => match self.feed.peek()? {
                b',' => Ok(self.take(State::Field)),
                b'}' => Ok(self.take(State::Trailer)),
                _ => Err(self.syntax("',' or '}' was expected")),
            },
            elsewhere => Ok(elsewhere),
        }
    }

    fn take(&mut self, next: State) -> State {
        self.feed.advance(1);
        next
    }

    fn start(&mut self) -> Result<State, DocumentError> {
        self.feed.more()?;
        if let Some(name) = encoding::of_start(&self.feed.first_bytes()) {
            return Err(DocumentError::Encoding { offset: 0, name });
        }
        if self.feed.text().starts_with('\u{FEFF}') {
            self.feed.advance('\u{FEFF}'.len_utf8());
        }
        match self.feed.peek()? {
            b'{' => Ok(self.take(State::FieldOrEnd)),
            b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                Err(DocumentError::NotAnObject)
            }
            _ => Err(self.syntax("an object was expected")),
        }
    }

    /// Takes one field of the document: the key, and a value unless it is `result`.
    fn field(&mut self) -> Result<State, DocumentError> {
        // A key of ours has at most nine letters; escaped, each takes six bytes.
        const LONGEST_KEY: usize = 64;
        const LONGEST_VALUE: usize = 256;
        if self.feed.peek()? != b'"' {
            return Err(self.syntax("a key was expected"));
        }
        let key = record::lone_string(&self.frame(LONGEST_KEY)?.raw);
        if self.feed.peek()? != b':' {
            return Err(self.syntax("':' was expected"));
        }
        self.feed.advance(1);
        let first = self.feed.peek()?;
        let is = |field: &DocumentField| {
            key.as_deref().is_some_and(|key| is_spelling_of(key, field.as_str()))
        };
        let field = DocumentField::ALL.into_iter().find(is);
        let is_again = match field {
            None => false,
            Some(DocumentField::PushDate) => self.push_date.is_some(),
            Some(DocumentField::TotalSize) => self.total_size.is_some(),
            Some(DocumentField::Result) => self.has_result,
        };
        match field {
            Some(field) if is_again => return Err(DocumentError::Duplicate(field)),
            Some(DocumentField::Result) if first == b'[' => {
                self.has_result = true;
                return Ok(State::Result);
            }
            Some(field @ DocumentField::Result) => {
                if self.frame(LONGEST_VALUE)?.raw != b"null" {
                    return Err(DocumentError::Invalid(field));
                }
                (self.has_result, self.no_result) = (true, true);
            }
            None => drop(self.frame(0)?),
            Some(field) => {
                let value = self.frame(LONGEST_VALUE)?.raw;
                let invalid = || DocumentError::Invalid(field);
                if matches!(field, DocumentField::PushDate) {
                    let json = serde_json::from_slice(&value).map_err(|_| invalid())?;
                    self.push_date = Some(ShanghaiTime::from_json(&json).ok_or_else(invalid)?);
                } else {
                    let digits = record::lone_string(&value)
                        .or_else(|| String::from_utf8(value).ok())
                        .ok_or_else(invalid)?;
                    self.total_size = Some(record::whole(&digits).ok_or_else(invalid)?);
                }
            }
        }
        Ok(State::AfterField)
    }

    /// Takes the element of `result` that begins here.
    fn item(&mut self) -> Result<Found, DocumentError> {
        let reason = loop {
            let (at, held) = (self.feed.at(), self.feed.text().len());
            let end = held.min(at.saturating_add(self.limits.record_bytes));
            match record::read(
                self.feed.text(),
                at,
                end,
                &mut self.draft,
                &mut self.skipper,
                self.limits.field_levels,
            ) {
                Ok(end) => {
                    self.feed.advance(end - at);
                    self.state = State::AfterItem;
                    return Ok(Found::Record);
                }
                Err(Stop::Fault(reason)) => break Some(reason),
                Err(Stop::Syntax) => break None,
                Err(Stop::Short) if end - at >= self.limits.record_bytes => {
                    break Some(RecordFault::TooLong);
                }
                Err(Stop::Short) => self.feed.more()?,
            }
        };
        let start = self.feed.offset();
        let Framed { raw, truncated, not_utf8 } = self.frame(self.limits.raw_bytes)?;
        let encoding = not_utf8.then(|| encoding::of_text(&raw)).flatten();
        if let Some(name) = encoding {
            return Err(DocumentError::Encoding { offset: start, name });
        }
        // The framing above has found the fault of syntax, if there was one.
        let reason = match reason {
            Some(reason) => reason,
            None if not_utf8 => RecordFault::NotUtf8,
            None => return Err(DocumentError::Syntax { offset: start, what: "not a record" }),
        };
        if self.set_aside >= self.limits.set_aside_records {
            return Err(DocumentError::TooManySetAside { limit: self.limits.set_aside_records });
        }
        self.state = State::AfterItem;
        let position = self.records + self.set_aside;
        Ok(Found::SetAside(SetAsideRecord { position, reason, raw, truncated }))
    }

    fn whole(&self) -> Result<DocumentSummary, DocumentError> {
        let missing = DocumentError::Missing;
        let push_date = self.push_date.ok_or(missing(DocumentField::PushDate))?;
        let total_size = self.total_size.ok_or(missing(DocumentField::TotalSize))?;
        // What a writer that leaves nulls out makes of a list of nothing.
        if !self.has_result && total_size != 0 {
            return Err(missing(DocumentField::Result));
        }
        if self.no_result && total_size != 0 {
            return Err(DocumentError::Invalid(DocumentField::Result));
        }
        let (records, set_aside) = (self.records, self.set_aside);
        Ok(DocumentSummary { push_date, total_size, records, set_aside })
    }

    pub(super) fn syntax(&self, what: &'static str) -> DocumentError {
        DocumentError::Syntax { offset: self.feed.offset(), what }
    }
}
