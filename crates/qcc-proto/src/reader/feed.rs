//! The reader's window on its source: checked UTF-8, refilled on demand.

use std::io::{self, BufRead};

use super::{DocumentError, scan};

/// How much is read ahead: small enough for a core's cache, large enough that
/// the records cut by its end do not matter.
const CHUNK: usize = 128 * 1024;

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
    tail: Tail,
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
            tail: Tail::More,
        }
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
            if piece.is_empty() {
                self.tail = self.cut.at_end();
                break;
            }
            let taken = piece.len().min(wanted - self.text.len());
            let valid = self.cut.decode(piece.get(..taken).unwrap_or_default(), &mut self.text);
            self.source.consume(taken);
            if !valid {
                self.tail = Tail::NotUtf8;
            }
        }
        if self.text.len() > before { Ok(()) } else { Err(self.tail_error()) }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.text.capacity()
    }

    fn tail_error(&mut self) -> DocumentError {
        let offset = self.base + self.text.len() as u64;
        match &mut self.tail {
            Tail::More | Tail::End | Tail::EndInCharacter => DocumentError::Truncated { offset },
            Tail::NotUtf8 => DocumentError::Syntax { offset, what: "not UTF-8" },
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
    /// Appends `piece` to `text`; `false` where it is not UTF-8, after
    /// appending what is.
    fn decode(&mut self, mut piece: &[u8], text: &mut String) -> bool {
        while self.len > 0
            && let Some((&byte, rest)) = piece.split_first()
        {
            piece = rest;
            self.push(byte);
            match std::str::from_utf8(self.held()) {
                Ok(c) => {
                    text.push_str(c);
                    self.len = 0;
                }
                Err(e) if e.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        let (whole, cut) = piece.split_at(piece.len() - cut_len(piece));
        let Ok(valid) = simdutf8::basic::from_utf8(whole) else {
            text.extend(whole.utf8_chunks().next().map(|chunk| chunk.valid()));
            return false;
        };
        text.push_str(valid);
        cut.iter().for_each(|&byte| self.push(byte));
        true
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

    fn at_end(&self) -> Tail {
        match std::str::from_utf8(self.held()) {
            Ok(_) => Tail::End,
            Err(e) if e.error_len().is_none() => Tail::EndInCharacter,
            Err(_) => Tail::NotUtf8,
        }
    }
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

    fn decode(pieces: &[&[u8]]) -> (String, Tail) {
        let (mut cut, mut text) = (CutChar::default(), String::new());
        for piece in pieces {
            if !cut.decode(piece, &mut text) {
                return (text, Tail::NotUtf8);
            }
        }
        let tail = cut.at_end();
        (text, tail)
    }

    #[test]
    fn characters_cut_anywhere_are_joined() {
        let text = "aé四𠮷z".repeat(3);
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let (a, rest) = text.as_bytes().split_at(first);
                let (b, c) = rest.split_at(second - first);
                let (joined, tail) = decode(&[a, b, c]);
                assert_eq!(joined, text);
                assert!(matches!(tail, Tail::End));
            }
        }
    }

    #[test]
    fn what_is_not_utf8_is_found_however_it_is_cut() {
        #[track_caller]
        fn check(bytes: &[u8], valid: &str, wanted: fn(&Tail) -> bool) {
            for at in 0..=bytes.len() {
                let (a, b) = bytes.split_at(at);
                let (text, tail) = decode(&[a, b]);
                assert!(wanted(&tail), "{bytes:x?} cut at {at}: {tail:?}");
                assert_eq!(text, valid, "{bytes:x?} cut at {at}");
            }
        }
        check(b"ok \xD6\xD0\xB9\xFA", "ok ", |t| matches!(t, Tail::NotUtf8));
        check(b"ok \xED\xA0\x80.", "ok ", |t| matches!(t, Tail::NotUtf8));
        check(b"ok \xC0\xAF.", "ok ", |t| matches!(t, Tail::NotUtf8));
        check(b"ok \xFF", "ok ", |t| matches!(t, Tail::NotUtf8));
        check(b"ok \xE4\xB8", "ok ", |t| matches!(t, Tail::EndInCharacter));
        check(b"ok \xF0\xA0\xAE", "ok ", |t| matches!(t, Tail::EndInCharacter));
    }
}
