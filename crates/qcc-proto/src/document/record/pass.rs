//! The pass over one record: its fields, in any order and spelling.

use super::super::{
    RecordFault, RecordField, scan,
    skip::{Skipper, Step, Stuck},
};
use super::{Draft, Place, Slot, Stop, fault};
use crate::spelling::is_spelling_of;

pub(super) struct Pass<'a> {
    pub(super) text: &'a str,
    /// The bytes of `text` that may be looked at.
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) draft: &'a mut Draft,
    pub(super) skipper: &'a mut Skipper,
    pub(super) depth_limit: usize,
    /// The fields that are taken from a key in another spelling, one bit each.
    pub(super) respelled: u8,
}

impl Pass<'_> {
    pub(super) fn record(&mut self) -> Result<(), Stop> {
        if self.peek()? != b'{' {
            return Err(Stop::Fault(RecordFault::NotAnObject));
        }
        self.at += 1;
        self.skip_spaces();
        if self.peek()? == b'}' {
            self.at += 1;
        } else {
            self.fields()?;
        }
        Ok(())
    }

    /// The fields that did not come, but a key in another spelling of theirs did.
    ///
    /// A field in the manual's spelling takes precedence; then a key in another
    /// spelling is an unknown field.
    pub(super) fn respelled(&self) -> u8 {
        if self.draft.seen == u8::MAX || self.draft.unknown_keys.is_empty() {
            return 0;
        }
        let keys = || self.draft.unknown_keys.iter().filter_map(|k| self.draft.text(k, self.text));
        let is_absent = |field: &RecordField| self.draft.seen & bit(*field) == 0;
        let has_spelling = |field: &RecordField| keys().any(|k| is_spelling_of(k, field.as_str()));
        let fields = RecordField::ALL.into_iter().filter(is_absent).filter(has_spelling);
        fields.fold(0, |fields, field| fields | bit(field))
    }

    /// Settles which fields did not come: they are `null`, but for `id`.
    ///
    /// Where a key in another spelling came for one, the record, which begins at
    /// `start`, is read once more.
    #[cold]
    pub(super) fn settle_absent(&mut self, start: usize) -> Result<(), Stop> {
        self.respelled = self.respelled();
        if self.respelled != 0 {
            self.at = start;
            self.draft.clear();
            self.record()?;
        }
        if self.draft.seen & bit(RecordField::Id) == 0 {
            return fault(RecordFault::Missing(RecordField::Id));
        }
        self.draft.settle_absent();
        Ok(())
    }

    pub(super) fn fields(&mut self) -> Result<(), Stop> {
        self.usual_fields()?;
        let mut expected = RecordField::ALL.get(self.draft.seen.trailing_ones() as usize).copied();
        loop {
            let known = match expected {
                Some(field) if self.take_key(field) => Some(field),
                _ => self.key()?,
            };
            self.skip_spaces();
            if let Some(field) = known {
                expected = RecordField::ALL.get(field as usize + 1).copied();
                if self.draft.seen & bit(field) != 0 {
                    return fault(RecordFault::DuplicateKey);
                }
                self.draft.seen |= bit(field);
                self.value(field)?;
                self.skip_spaces();
            }
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Stop::Syntax),
            }
            self.skip_spaces();
        }
    }

    /// Takes the first fields as long as they come in the manual's order, compact
    /// and without escapes, which is the usual form.
    pub(super) fn usual_fields(&mut self) -> Result<(), Stop> {
        let _all = self.usual_text(RecordField::Id, b"\"id\":\"")?
            && self.usual_text(RecordField::CorpKeyNo, b"\"corpKeyNo\":\"")?
            && self.usual_text(RecordField::CorpName, b"\"corpName\":\"")?
            && self.usual_text(RecordField::MonitorContent, b"\"monitorContent\":\"")?
            && self.usual_text(RecordField::MonitorLevel, b"\"monitorLevel\":\"")?
            && self.usual_text(RecordField::MonitorType, b"\"monitorType\":\"")?;
        self.skip_spaces();
        Ok(())
    }

    /// Takes `before`, which is a field's key up to its value's first quote, the
    /// value, and the comma after it; or nothing, if it is anything else.
    #[inline(always)]
    pub(super) fn usual_text<const N: usize>(
        &mut self,
        field: RecordField,
        before: &[u8; N],
    ) -> Result<bool, Stop> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.first_chunk() != Some(before) {
            return Ok(false);
        }
        let start = self.at + N;
        let end = scan::plain(self.bytes, start);
        if self.bytes.get(end..end + 2) != Some(b"\",") {
            return Ok(false);
        }
        self.keep(field, Slot { place: Place::Text, start, end })?;
        self.draft.seen |= bit(field);
        self.at = end + 2;
        Ok(true)
    }

    /// Takes `"key":` if it comes next, in exactly this spelling.
    #[inline]
    pub(super) fn take_key(&mut self, field: RecordField) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        macro_rules! take {
            ($key:literal) => {{
                let found = rest.starts_with($key);
                self.at += if found { $key.len() } else { 0 };
                found
            }};
        }
        match field {
            RecordField::Id => take!(b"\"id\":"),
            RecordField::CorpKeyNo => take!(b"\"corpKeyNo\":"),
            RecordField::CorpName => take!(b"\"corpName\":"),
            RecordField::MonitorContent => take!(b"\"monitorContent\":"),
            RecordField::MonitorLevel => take!(b"\"monitorLevel\":"),
            RecordField::MonitorType => take!(b"\"monitorType\":"),
            RecordField::Score => take!(b"\"score\":"),
            RecordField::ChangeDate => take!(b"\"changeDate\":"),
        }
    }

    /// Takes any key and its colon; the value of an unknown one, too.
    pub(super) fn key(&mut self) -> Result<Option<RecordField>, Stop> {
        if self.peek()? != b'"' {
            return Err(Stop::Syntax);
        }
        let start = self.at;
        self.at += 1;
        let slot = self.string()?;
        let end = self.at;
        self.skip_spaces();
        if self.peek()? != b':' {
            return Err(Stop::Syntax);
        }
        self.at += 1;
        let name = self.draft.text(&slot, self.text);
        let known = RecordField::ALL.into_iter().find(|field| {
            name == Some(field.as_str())
                || self.respelled & bit(*field) != 0
                    && name.is_some_and(|name| is_spelling_of(name, field.as_str()))
        });
        if known.is_none() {
            self.skip_spaces();
            self.unknown(slot, start..end)?;
        }
        Ok(known)
    }

    pub(super) fn unknown(
        &mut self,
        key: Slot,
        spelled: std::ops::Range<usize>,
    ) -> Result<(), Stop> {
        self.skipper.restart(self.depth_limit);
        let start = self.at;
        match self.skipper.feed(self.bytes.get(start..).unwrap_or_default()) {
            Ok(Step::Done(len)) => self.at += len,
            Ok(Step::Short(_)) => return Err(Stop::Short),
            Err(Stuck::Syntax(..) | Stuck::Control(_)) => return Err(Stop::Syntax),
            Err(Stuck::TooDeep(_)) => return fault(RecordFault::TooDeep),
        }
        if self.skipper.has_nul() {
            return fault(RecordFault::NulInText);
        }
        if self.skipper.has_half() {
            return fault(RecordFault::HalfSurrogate);
        }
        let extra = &mut self.draft.extra;
        extra.push(if extra.is_empty() { '{' } else { ',' });
        // Both ranges begin and end at tokens, hence on character borders.
        extra.push_str(&self.text[spelled]);
        extra.push(':');
        extra.push_str(&self.text[start..self.at]);
        self.draft.unknown_keys.push(key);
        self.skip_spaces();
        Ok(())
    }

    #[inline]
    pub(super) fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::Short)
    }

    #[inline]
    pub(super) fn skip_spaces(&mut self) {
        while self.bytes.get(self.at).is_some_and(|&b| scan::is_space(b)) {
            self.at += 1;
        }
    }
}

pub(super) fn bit(field: RecordField) -> u8 {
    1 << field as u8
}
