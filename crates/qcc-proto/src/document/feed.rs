//! A buffer over the source: checked UTF-8, refilled on demand.
//!
//! A byte that is not UTF-8 is replaced by a control character, which JSON text
//! must not contain, and remembered. So offsets stay the same, the reader of records
//! needs no special case, and one broken character costs one record.

use std::{
    collections::VecDeque,
    io::{self, BufRead},
};

use super::{
    DocumentError, scan,
    utf8::{CutChar, End},
};

/// How much is read ahead: small enough for a core's cache, large enough that
/// the records cut by its end do not matter.
const CHUNK: usize = 128 * 1024;

/// Documents with more bytes that are not UTF-8 are in another encoding.
const MOST_BROKEN: usize = 1 << 16;

/// Text that was read and not yet used, with its offset in the document.
///
/// The result does not depend on how much the source delivers at a time: a failure
/// is kept until everything before it has been used.
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

/// The bytes that are not UTF-8, with their offsets in the document.
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

    /// The byte at this offset of the document, if it is not UTF-8.
    pub(super) fn broken_at(&self, offset: u64) -> Option<u8> {
        let at = self.broken.bytes.binary_search_by_key(&offset, |(offset, _)| *offset).ok()?;
        self.broken.bytes.get(at).map(|(_, byte)| *byte)
    }

    /// The next four bytes as received, or fewer at the end.
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

    /// The next byte that is not white space; it stays unused.
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

    /// Like [`peek`](Self::peek), but the end of the source is not an error.
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
        self.text.reserve_exact(wanted - before + CutChar::MOST_HELD);
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
                self.tail = match self.cut.at_end(text, &mut broken) {
                    End::Whole => Tail::End,
                    End::InCharacter => Tail::EndInCharacter,
                    End::NotUtf8 => Tail::NotUtf8,
                };
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
