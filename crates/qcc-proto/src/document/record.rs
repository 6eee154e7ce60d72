//! Reads one record straight from the text at hand, in one pass.
//!
//! The pass only has to be right about records it accepts. Whatever it does not
//! accept is read once more by the [`Skipper`], which tells an invalid record from
//! a document that is not JSON.

mod check;
mod pass;
mod value;

pub(super) use self::check::whole;
use self::pass::{Pass, bit};
use super::{RecordFault, RecordField, RecordRef, skip::Skipper};

/// Why the pass stopped before the record's end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The text ended first.
    Short,
    /// It is not JSON.
    Syntax,
    /// The record is invalid.
    Fault(RecordFault),
}

/// What was read of a record: where its texts are. Reused from record to record.
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

/// Where a text is.
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
/// returns where it ended.
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

/// Decodes a single JSON string, quotes included; `None` if it is not one.
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

fn fault<T>(fault: RecordFault) -> Result<T, Stop> {
    Err(Stop::Fault(fault))
}
