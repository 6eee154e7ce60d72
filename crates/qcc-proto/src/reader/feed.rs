//! The reader's window on its source: checked UTF-8, refilled on demand.
//!
//! A byte that is not UTF-8 is replaced by a control character, which no JSON
//! text may hold, and remembered: so offsets stay what they are, the reader of
//! records needs to know nothing, and one broken character costs one record.

use std::{
    collections::VecDeque,
    io::{self, BufRead},
};

use super::{DocumentError, scan};

/// How much is read ahead: small enough for a core's cache, large enough that
/// the records cut by its end do not matter.
const CHUNK: usize = 128 * 1024;

/// What stands in the text for a byte that is not UTF-8.
const MARK: char = '\u{1a}';

/// Documents with more bytes that are not UTF-8 are in another encoding.
const MOST_BROKEN: usize = 1 << 16;

/// Text that was read and not yet used, and where it stands in the document.
///
/// Whatever the source delivers at a time, the same document gives the same
/// answers: a failure is kept until everything before it has been used.
pub(super) struct Feed<R> {
    source: R,
    text: String,
    at: usize,
    /// The document's offset of the start of `text`.
    base: u64,
    cut: CutChar,
    broken: Broken,
    tail: Tail,
}

/// The bytes of the text that are not UTF-8, and where they stand in the document.
#[derive(Debug, Default)]
struct Broken {
    bytes: VecDeque<(u64, u8)>,
    total: usize,
}

impl Broken {
    /// Whether there is room for one more.
    fn push(&mut self, offset: u64, byte: u8) -> bool {
        self.total += 1;
        self.bytes.push_back((offset, byte));
        self.total <= MOST_BROKEN
    }
}

/// What follows the text at hand.
#[derive(Debug)]
enum Tail {
    More,
    End,
    EndInCharacter,
    NotUtf8,
    Failed(Option<io::Error>),
}

impl<R: BufRead> Feed<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            text: String::new(),
            at: 0,
            base: 0,
            cut: CutChar::default(),
            broken: Broken::default(),
            tail: Tail::More,
        }
    }

    /// The byte that is not UTF-8 and stands at this offset of the document.
    pub(super) fn broken_at(&self, offset: u64) -> Option<u8> {
        let at = self.broken.bytes.binary_search_by_key(&offset, |(offset, _)| *offset).ok()?;
        self.broken.bytes.get(at).map(|(_, byte)| *byte)
    }

    /// The next four bytes as they came, or what there is of them.
    pub(super) fn first_bytes(&self) -> Vec<u8> {
        let bytes = self.unused().iter().take(4).enumerate();
        bytes.map(|(n, b)| self.broken_at(self.offset() + n as u64).unwrap_or(*b)).collect()
    }

    /// All text in memory; what is before [`at`](Self::at) has been used.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn unused(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The document's offset of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    pub(super) fn advance(&mut self, by: usize) {
        self.at = (self.at + by).min(self.text.len());
    }

    /// The next byte that is no white space; it stays unused.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<u8, DocumentError> {
        loop {
            match self.unused().iter().position(|&b| !scan::is_space(b)) {
                Some(spaces) => {
                    self.at += spaces;
                    if let Some(&byte) = self.unused().first() {
                        return Ok(byte);
                    }
                }
                None => self.at = self.text.len(),
            }
            self.more()?;
        }
    }

    /// Like [`peek`](Self::peek), but the end of the source is no error.
    pub(super) fn peek_or_end(&mut self) -> Result<Option<u8>, DocumentError> {
        match self.peek() {
            Err(DocumentError::Truncated { .. }) if matches!(self.tail, Tail::End) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Reads on, so that at least one more byte than before is unused.
    ///
    /// What is unused at least doubles if the source has it, so that asking
    /// again and again for one long record costs linear time.
    pub(super) fn more(&mut self) -> Result<(), DocumentError> {
        self.text.drain(..self.at);
        self.base += self.at as u64;
        self.at = 0;
        while self.broken.bytes.front().is_some_and(|(offset, _)| *offset < self.base) {
            self.broken.bytes.pop_front();
        }
        let before = self.text.len();
        let wanted = before.saturating_mul(2).max(CHUNK);
        self.text.reserve_exact(wanted - before + self.cut.bytes.len());
        while self.text.len() < wanted && matches!(self.tail, Tail::More) {
            let piece = match self.source.fill_buf() {
                Ok(piece) => piece,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => {
                    self.tail = Tail::Failed(Some(e));
                    break;
                }
            };
            let (text, base) = (&mut self.text, self.base);
            let mut broken = |at: usize, byte| self.broken.push(base + at as u64, byte);
            if piece.is_empty() {
                self.tail = self.cut.at_end(text, &mut broken);
                break;
            }
            let taken = piece.len().min(wanted - text.len());
            let valid = self.cut.decode(piece.get(..taken).unwrap_or_default(), text, &mut broken);
            self.source.consume(taken);
            if !valid {
                self.tail = Tail::NotUtf8;
            }
        }
        if self.text.len() > before { Ok(()) } else { Err(self.tail_error()) }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.text.capacity() + self.broken.bytes.capacity() * size_of::<(u64, u8)>()
    }

    fn tail_error(&mut self) -> DocumentError {
        let offset = self.base + self.text.len() as u64;
        match &mut self.tail {
            Tail::More | Tail::End | Tail::EndInCharacter => DocumentError::Truncated { offset },
            Tail::NotUtf8 => DocumentError::Encoding { offset, name: "an unknown encoding" },
            Tail::Failed(error) => match error.take() {
                Some(error) => DocumentError::Source(error),
                None => DocumentError::AlreadyFailed,
            },
        }
    }
}

impl<R> std::fmt::Debug for Feed<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed")
            .field("base", &self.base)
            .field("at", &self.at)
            .field("held", &self.text.len())
            .field("tail", &self.tail)
            .finish_non_exhaustive()
    }
}

/// The first bytes of a character whose rest is in the next piece.
#[derive(Debug, Default)]
struct CutChar {
    bytes: [u8; 4],
    len: usize,
}

impl CutChar {
    /// Appends `piece` to `text`, with a mark for each byte that is not UTF-8, of
    /// which `broken` is told; `false` where that wants to hear no more.
    fn decode(&mut self, mut piece: &[u8], text: &mut String, broken: &mut Told<'_>) -> bool {
        while self.len > 0
            && let Some((&byte, rest)) = piece.split_first()
        {
            piece = rest;
            self.push(byte);
            if !self.settle(text, broken) {
                return false;
            }
        }
        let (whole, cut) = piece.split_at(piece.len() - cut_len(piece));
        match simdutf8::basic::from_utf8(whole) {
            Ok(valid) => text.push_str(valid),
            Err(_) => {
                for chunk in whole.utf8_chunks() {
                    text.push_str(chunk.valid());
                    if !mark(chunk.invalid(), text, broken) {
                        return false;
                    }
                }
            }
        }
        cut.iter().for_each(|&byte| self.push(byte));
        true
    }

    /// Takes out of what is held the bytes that no further byte can complete, and
    /// the character where it is whole.
    fn settle(&mut self, text: &mut String, broken: &mut Told<'_>) -> bool {
        loop {
            let held = self.held();
            let bad = match str::from_utf8(held) {
                Ok(whole) => {
                    text.push_str(whole);
                    self.len = 0;
                    return true;
                }
                Err(e) => match e.error_len() {
                    None => return true,
                    Some(len) => len,
                },
            };
            if !mark(held.get(..bad).unwrap_or_default(), text, broken) {
                return false;
            }
            self.bytes.rotate_left(bad);
            self.len -= bad;
        }
    }

    fn held(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }

    fn at_end(&mut self, text: &mut String, broken: &mut Told<'_>) -> Tail {
        match self.settle(text, broken) {
            false => Tail::NotUtf8,
            true if self.len == 0 => Tail::End,
            true => Tail::EndInCharacter,
        }
    }
}

/// Hears where in the text a byte stands that is not UTF-8, and which one it was.
type Told<'a> = dyn FnMut(usize, u8) -> bool + 'a;

/// Appends a mark for each byte that is not UTF-8.
fn mark(invalid: &[u8], text: &mut String, broken: &mut Told<'_>) -> bool {
    invalid.iter().all(|&byte| {
        let at = text.len();
        text.push(MARK);
        broken(at, byte)
    })
}

/// How many of the last bytes begin a character that they do not end.
fn cut_len(piece: &[u8]) -> usize {
    for (n, &byte) in piece.iter().rev().take(3).enumerate() {
        let whole = match byte {
            0x80..=0xBF => continue,
            0x00..=0x7F => 1,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
        };
        return if whole > n + 1 { n + 1 } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text, the bytes of it that are not UTF-8, and what follows.
    fn decode(pieces: &[&[u8]]) -> (String, Vec<(usize, u8)>, Tail) {
        let (mut cut, mut text, mut bad) = (CutChar::default(), String::new(), Vec::new());
        let mut broken = |at, byte| {
            bad.push((at, byte));
            true
        };
        for piece in pieces {
            assert!(cut.decode(piece, &mut text, &mut broken));
        }
        let tail = cut.at_end(&mut text, &mut broken);
        (text, bad, tail)
    }

    #[test]
    fn characters_cut_anywhere_are_joined() {
        let text = "aé四𠮷z".repeat(3);
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let (a, rest) = text.as_bytes().split_at(first);
                let (b, c) = rest.split_at(second - first);
                let (joined, bad, tail) = decode(&[a, b, c]);
                assert_eq!((joined, bad), (text.clone(), vec![]));
                assert!(matches!(tail, Tail::End));
            }
        }
    }

    #[test]
    fn what_is_not_utf8_is_marked_in_its_place_however_it_is_cut() {
        #[track_caller]
        fn check(bytes: &[u8], marked: &str, wanted: fn(&Tail) -> bool) {
            for first in 0..=bytes.len() {
                for second in first..=bytes.len() {
                    let (a, rest) = bytes.split_at(first);
                    let (b, c) = rest.split_at(second - first);
                    let (text, bad, tail) = decode(&[a, b, c]);
                    assert!(wanted(&tail), "{bytes:x?} cut at {first}, {second}: {tail:?}");
                    assert_eq!(text, marked.replace('.', "\u{1a}"), "{bytes:x?} at {first}");
                    let places: Vec<_> = marked.match_indices('.').map(|(at, _)| at).collect();
                    assert_eq!(bad, places.iter().map(|at| (*at, bytes[*at])).collect::<Vec<_>>());
                }
            }
        }
        let end: fn(&Tail) -> bool = |t| matches!(t, Tail::End);
        let cut: fn(&Tail) -> bool = |t| matches!(t, Tail::EndInCharacter);
        check(b"ok \xD6\xD0\xB9\xFA!", "ok .й.!", end);
        check(b"ok \xED\xA0\x80!", "ok ...!", end);
        check(b"ok \xC0\xAF!", "ok ..!", end);
        check(b"ok \xFF", "ok .", end);
        check(b"ok \x80", "ok .", end);
        check(b"ok \xF0\x9F\x98\"\xE5\x9B\x9B", "ok ...\"四", end);
        check(b"\xE5\x9B\xE5\x9B\x9B", "..四", end);
        check(b"ok \xE4\xB8", "ok ", cut);
        check(b"ok \xF0\xA0\xAE", "ok ", cut);
        check(b"ok \xFF\xF0\xA0", "ok .", cut);
    }
}
