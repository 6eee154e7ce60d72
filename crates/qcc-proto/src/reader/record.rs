//! Reads one record straight from the text at hand, in one pass.
//!
//! The pass only has to be right about records it accepts. Whatever it does not
//! like is read once more by the [`Skipper`], which tells a record that is
//! invalid from a document that is no JSON.

use super::{
    RecordFault, RecordField, RecordRef,
    scan::{self, Escape},
    skip::{Skipper, Step, Stuck},
};
use crate::{MonitorLevel, MonitorType, spelling::is_spelling_of};

/// The longest id, in bytes.
const MAX_ID: usize = 128;

/// Why the pass stopped before the record's end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The text ended first.
    Short,
    /// It is no JSON.
    Syntax,
    /// It cannot be taken.
    Fault(RecordFault),
}

/// What was read of a record: where its texts lie. Reused from record to record.
#[derive(Debug, Default)]
pub(super) struct Draft {
    slots: [Slot; RecordField::ALL.len()],
    seen: u8,
    score: Option<i32>,
    /// Texts that had escapes, without them.
    scratch: String,
    /// Unknown fields as a JSON object that lacks its last bracket.
    extra: String,
    unknown_keys: Vec<Slot>,
}

/// Where a text lies.
#[derive(Debug, Default, Clone, Copy)]
struct Slot {
    place: Place,
    start: usize,
    end: usize,
}

#[derive(Debug, Default, Clone, Copy)]
enum Place {
    #[default]
    Null,
    Text,
    Scratch,
}

impl Draft {
    /// The record that was read from `text`.
    pub(super) fn record<'a>(&'a self, text: &'a str) -> RecordRef<'a> {
        let [id, corp_key_no, corp_name, monitor_content, monitor_level, monitor_type, _, change] =
            &self.slots;
        RecordRef {
            id: self.text(id, text).unwrap_or_default(),
            corp_key_no: self.text(corp_key_no, text),
            corp_name: self.text(corp_name, text),
            monitor_content: self.text(monitor_content, text),
            monitor_level: self.text(monitor_level, text),
            monitor_type: self.text(monitor_type, text),
            score: self.score,
            change_date: self.text(change, text),
            extra: (!self.extra.is_empty()).then_some(self.extra.as_str()),
        }
    }

    #[inline]
    fn text<'a>(&'a self, slot: &Slot, text: &'a str) -> Option<&'a str> {
        let from = match slot.place {
            Place::Null => return None,
            Place::Text => text,
            Place::Scratch => &self.scratch,
        };
        // Slots begin and end at quotes, or at what was appended whole to the
        // scratch text: always on character borders, and within.
        Some(&from[slot.start..slot.end])
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let keys = self.unknown_keys.capacity() * size_of::<Slot>();
        self.scratch.capacity() + self.extra.capacity() + keys
    }

    /// Empties the slots of the fields that did not come: they are `null`.
    fn settle_absent(&mut self) {
        for (field, slot) in RecordField::ALL.into_iter().zip(&mut self.slots) {
            if self.seen & bit(field) == 0 {
                *slot = Slot::default();
            }
        }
    }

    fn clear(&mut self) {
        self.seen = 0;
        self.score = None;
        self.scratch.clear();
        self.extra.clear();
        self.unknown_keys.clear();
    }

    /// Whether two unknown keys are equal.
    fn has_duplicate(&mut self, text: &str) -> bool {
        let mut keys = std::mem::take(&mut self.unknown_keys);
        keys.sort_unstable_by(|a, b| self.text(a, text).cmp(&self.text(b, text)));
        let mut pairs = keys.iter().zip(keys.iter().skip(1));
        let found = pairs.any(|(a, b)| self.text(a, text) == self.text(b, text));
        self.unknown_keys = keys;
        found
    }
}

/// Reads the record that begins at `at` of `text` and ends before `end`;
/// answers with where it ended.
pub(super) fn read(
    text: &str,
    at: usize,
    end: usize,
    draft: &mut Draft,
    skipper: &mut Skipper,
    depth_limit: usize,
) -> Result<usize, Stop> {
    draft.clear();
    let bytes = text.as_bytes().get(..end).unwrap_or_default();
    let mut pass = Pass { text, bytes, at, draft, skipper, depth_limit, respelled: 0 };
    pass.record()?;
    if pass.draft.seen != u8::MAX {
        pass.settle_absent(at)?;
    }
    if !pass.draft.extra.is_empty() {
        pass.draft.extra.push('}');
        if pass.draft.has_duplicate(text) {
            return fault(RecordFault::DuplicateKey);
        }
    }
    Ok(pass.at)
}

/// Decodes a lone JSON string, quotes included; `None` where it is none.
pub(super) fn lone_string(raw: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(raw).ok()?;
    let (mut draft, mut skipper) = (Draft::default(), Skipper::new());
    let mut pass = Pass {
        text,
        bytes: raw,
        at: 1,
        draft: &mut draft,
        skipper: &mut skipper,
        depth_limit: 0,
        respelled: 0,
    };
    let slot = raw.starts_with(b"\"").then(|| pass.string().ok())??;
    (pass.at == raw.len()).then_some(())?;
    draft.text(&slot, text).map(str::to_owned)
}

/// Reads an integer that is all of `digits` and written as JSON would have it:
/// no plus, no leading zero, no fraction, no exponent, and no `-0`.
pub(super) fn integer<T: std::str::FromStr>(digits: &str) -> Option<T> {
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    let shaped = match unsigned.as_bytes() {
        [b'0'] => unsigned.len() == digits.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    shaped.then(|| digits.parse().ok())?
}

/// The same where a fraction of nothing but zeros may follow: `82.0` is 82.
pub(super) fn whole<T: std::str::FromStr>(digits: &str) -> Option<T> {
    integer(digits).or_else(|| {
        let (before, zeros) = digits.split_once('.')?;
        let is_zeros = !zeros.is_empty() && zeros.bytes().all(|b| b == b'0');
        is_zeros.then(|| integer(before))?
    })
}

struct Pass<'a> {
    text: &'a str,
    /// The bytes of `text` that may be looked at.
    bytes: &'a [u8],
    at: usize,
    draft: &'a mut Draft,
    skipper: &'a mut Skipper,
    depth_limit: usize,
    /// The fields that are taken from a key in another spelling, one bit each.
    respelled: u8,
}

impl Pass<'_> {
    fn record(&mut self) -> Result<(), Stop> {
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
    /// A field in the manual's spelling comes first; then a key in another one is
    /// an unknown field like any other.
    fn respelled(&self) -> u8 {
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
    fn settle_absent(&mut self, start: usize) -> Result<(), Stop> {
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

    fn fields(&mut self) -> Result<(), Stop> {
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

    /// Takes the first fields for as long as they stand in the manual's order,
    /// compact and without escapes, as they are most likely to.
    fn usual_fields(&mut self) -> Result<(), Stop> {
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
    /// value, and the comma behind it; or nothing, if it is anything else.
    #[inline(always)]
    fn usual_text<const N: usize>(
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

    /// Takes `"key":` if it stands here, spelled just so.
    #[inline]
    fn take_key(&mut self, field: RecordField) -> bool {
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
    fn key(&mut self) -> Result<Option<RecordField>, Stop> {
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

    fn unknown(&mut self, key: Slot, spelled: std::ops::Range<usize>) -> Result<(), Stop> {
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
    fn value(&mut self, field: RecordField) -> Result<(), Stop> {
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
    fn keep(&mut self, field: RecordField, slot: Slot) -> Result<(), Stop> {
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

    fn null(&mut self, field: RecordField) -> Result<Slot, Stop> {
        let word = self.bytes.get(self.at..self.at + 4).ok_or(Stop::Short)?;
        self.at += 4;
        if word == b"null" { Ok(Slot::default()) } else { fault(RecordFault::WrongType(field)) }
    }

    #[inline]
    fn number(&mut self) -> Result<(), Stop> {
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
    fn digits(&mut self, field: RecordField) -> Result<Slot, Stop> {
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
    fn number_len(&self) -> Result<usize, Stop> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let ends = |b: &u8| !matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        rest.iter().position(ends).ok_or(Stop::Short)
    }

    /// Takes a string whose first quote has been taken.
    #[inline]
    fn string(&mut self) -> Result<Slot, Stop> {
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
    fn escaped_string(&mut self, mut plain_from: usize) -> Result<Slot, Stop> {
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

    #[inline]
    fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::Short)
    }

    #[inline]
    fn skip_spaces(&mut self) {
        while self.bytes.get(self.at).is_some_and(|&b| scan::is_space(b)) {
            self.at += 1;
        }
    }
}

fn fault<T>(fault: RecordFault) -> Result<T, Stop> {
    Err(Stop::Fault(fault))
}

fn bit(field: RecordField) -> u8 {
    1 << field as u8
}

/// The fields whose text is kept and never looked into: a whole number in place
/// of one is its digits, which no reader could mistake.
fn is_opaque(field: RecordField) -> bool {
    matches!(field, RecordField::Id | RecordField::CorpKeyNo | RecordField::ChangeDate)
}

fn check_id(id: &str) -> Result<(), Stop> {
    if id.is_empty() {
        fault(RecordFault::EmptyId)
    } else if id.len() > MAX_ID {
        fault(RecordFault::LongId)
    } else if id.bytes().fold(false, |odd, b| odd | !(b' '..=b'~').contains(&b))
        && id.chars().any(char::is_control)
    {
        fault(RecordFault::ControlInId)
    } else {
        Ok(())
    }
}

/// Fields that were shifted by one betray themselves by their words.
fn check_word(field: RecordField, word: Option<&str>) -> Result<(), Stop> {
    let Some(word) = word else { return Ok(()) };
    let is_level = || MonitorLevel::known().any(|known| known.as_str() == word);
    let is_type = || MonitorType::known().any(|known| known.as_str() == word);
    let foreign = match field {
        RecordField::MonitorLevel => !is_level() && is_type(),
        _ => !is_type() && is_level(),
    };
    if word.is_empty() {
        fault(RecordFault::EmptyWord(field))
    } else if foreign {
        fault(RecordFault::ForeignWord(field))
    } else {
        Ok(())
    }
}

fn score(text: Option<&str>) -> Result<Option<i32>, Stop> {
    match text {
        None => Ok(None),
        Some(digits) => whole(digits).map(Some).ok_or(Stop::Fault(RecordFault::ScoreRange)),
    }
}
