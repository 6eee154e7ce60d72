//! The values of the fields that the manual names.

use super::super::{
    RecordFault, RecordField,
    scan::{self, Escape},
};
use super::{
    Place, Slot, Stop,
    check::{check_id, check_word, score},
    fault,
    pass::Pass,
};

impl Pass<'_> {
    #[inline]
    pub(super) fn value(&mut self, field: RecordField) -> Result<(), Stop> {
        let slot = match self.peek()? {
            b'"' => {
                self.at += 1;
                self.string()?
            }
            b'n' if !matches!(field, RecordField::Id) => self.null(field)?,
            _ if matches!(field, RecordField::Score) => return self.number(),
            b'0'..=b'9' if is_opaque(field) => self.digits(field)?,
            _ => return fault(RecordFault::WrongType(field)),
        };
        self.keep(field, slot)
    }

    /// Checks a value that is a text or `null`, and keeps it.
    #[inline(always)]
    pub(super) fn keep(&mut self, field: RecordField, slot: Slot) -> Result<(), Stop> {
        let text = self.draft.text(&slot, self.text);
        match field {
            RecordField::Id => check_id(text.unwrap_or_default())?,
            RecordField::MonitorLevel | RecordField::MonitorType => check_word(field, text)?,
            RecordField::Score => self.draft.score = score(text)?,
            _ => {}
        }
        if let Some(place) = self.draft.slots.get_mut(field as usize) {
            *place = slot;
        }
        Ok(())
    }

    pub(super) fn null(&mut self, field: RecordField) -> Result<Slot, Stop> {
        let word = self.bytes.get(self.at..self.at + 4).ok_or(Stop::Short)?;
        self.at += 4;
        if word == b"null" { Ok(Slot::default()) } else { fault(RecordFault::WrongType(field)) }
    }

    #[inline]
    pub(super) fn number(&mut self) -> Result<(), Stop> {
        let (start, len) = (self.at, self.number_len()?);
        if len == 0 {
            return fault(RecordFault::WrongType(RecordField::Score));
        }
        self.at += len;
        self.draft.score = score(self.text.get(start..self.at))?;
        Ok(())
    }

    /// Takes a whole number as the text of its digits.
    #[cold]
    pub(super) fn digits(&mut self, field: RecordField) -> Result<Slot, Stop> {
        let (start, len) = (self.at, self.number_len()?);
        self.at += len;
        match self.bytes.get(start..self.at).unwrap_or_default() {
            [b'0'] => {}
            [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {}
            _ => return fault(RecordFault::WrongType(field)),
        }
        Ok(Slot { place: Place::Text, start, end: self.at })
    }

    /// How many of the next bytes may belong to a number.
    #[inline]
    pub(super) fn number_len(&self) -> Result<usize, Stop> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let ends = |b: &u8| !matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        rest.iter().position(ends).ok_or(Stop::Short)
    }

    /// Takes a string whose first quote has been taken.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Slot, Stop> {
        let start = self.at;
        self.at = scan::plain(self.bytes, start);
        match self.bytes.get(self.at) {
            Some(b'"') => {
                self.at += 1;
                Ok(Slot { place: Place::Text, start, end: self.at - 1 })
            }
            Some(b'\\') => self.escaped_string(start),
            Some(_) => Err(Stop::Syntax),
            None => Err(Stop::Short),
        }
    }

    #[cold]
    pub(super) fn escaped_string(&mut self, mut plain_from: usize) -> Result<Slot, Stop> {
        let start = self.draft.scratch.len();
        loop {
            let next = *self.bytes.get(self.at).ok_or(Stop::Short)?;
            if next < b' ' {
                return Err(Stop::Syntax);
            }
            // From after a quote or an escape to a quote or a backslash.
            self.draft.scratch.push_str(&self.text[plain_from..self.at]);
            if next == b'"' {
                break;
            }
            match scan::escape(self.bytes.get(self.at..).unwrap_or_default()) {
                Escape::Char('\0', _) => return fault(RecordFault::NulInText),
                Escape::Char(c, spelled) => {
                    self.draft.scratch.push(c);
                    self.at += spelled;
                }
                Escape::Half(_) => return fault(RecordFault::HalfSurrogate),
                Escape::Short => return Err(Stop::Short),
                Escape::Bad => return Err(Stop::Syntax),
            }
            plain_from = self.at;
            if self.bytes.get(self.at) != Some(&b'\\') {
                self.at = scan::plain(self.bytes, self.at);
            }
        }
        self.at += 1;
        Ok(Slot { place: Place::Scratch, start, end: self.draft.scratch.len() })
    }
}

/// The fields whose text is not interpreted: a whole number in place of the text
/// is unambiguous.
fn is_opaque(field: RecordField) -> bool {
    matches!(field, RecordField::Id | RecordField::CorpKeyNo | RecordField::ChangeDate)
}
