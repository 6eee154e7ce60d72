//! Takes a value as bytes, whatever it is.

use std::io::BufRead;

use super::{
    DocumentError, RecordReader,
    skip::{Step, Stuck},
};
use crate::encoding;

/// A value that was skipped.
pub(super) struct Framed {
    /// Its first bytes.
    pub(super) raw: Vec<u8>,
    /// Whether there were more.
    pub(super) truncated: bool,
    /// Whether bytes in it were not UTF-8.
    pub(super) not_utf8: bool,
}

impl Framed {
    fn keep(&mut self, bytes: &[u8], cap: usize) {
        let kept = bytes.len().min(cap - self.raw.len());
        self.raw.extend_from_slice(bytes.get(..kept).unwrap_or_default());
        self.truncated |= kept < bytes.len();
    }
}

impl<R: BufRead> RecordReader<R> {
    /// Takes the value that begins here, whatever and however long it is: its
    /// first `cap` bytes, and whether there were more.
    pub(super) fn frame(&mut self, cap: usize) -> Result<Framed, DocumentError> {
        let mut framed = Framed { raw: Vec::new(), truncated: false, not_utf8: false };
        self.skipper.restart(self.limits.document_levels);
        loop {
            let at = |at: usize| self.feed.offset() + at as u64;
            let (used, is_done) = match self.skipper.feed(self.feed.unused()) {
                Ok(Step::Done(used)) => (used, true),
                Ok(Step::Short(used)) => (used, false),
                Err(Stuck::Syntax(n, what)) => {
                    return Err(DocumentError::Syntax { offset: at(n), what });
                }
                Err(Stuck::TooDeep(n)) => return Err(DocumentError::TooDeep { offset: at(n) }),
                Err(Stuck::Control(used)) => {
                    framed.keep(self.feed.unused().get(..used).unwrap_or_default(), cap);
                    self.feed.advance(used);
                    self.pass_broken(&mut framed, cap)?;
                    continue;
                }
            };
            framed.keep(self.feed.unused().get(..used).unwrap_or_default(), cap);
            self.feed.advance(used);
            if is_done {
                return Ok(framed);
            }
            self.feed.more()?;
        }
    }

    /// Passes over a byte of a string that is not UTF-8.
    ///
    /// In GBK a backslash may be the second half of a character, and then the
    /// string would end elsewhere: a document is not read by guessing.
    fn pass_broken(&mut self, framed: &mut Framed, cap: usize) -> Result<(), DocumentError> {
        let offset = self.feed.offset();
        let Some(byte) = self.feed.broken_at(offset) else {
            return Err(self.syntax("a bare control character in a string"));
        };
        framed.keep(&[byte], cap);
        framed.not_utf8 = true;
        self.feed.advance(1);
        if self.feed.unused().is_empty() {
            self.feed.more()?;
        }
        if self.feed.unused().first() == Some(&b'\\') {
            let name = encoding::of_text(&framed.raw).unwrap_or("an unknown encoding");
            return Err(DocumentError::Encoding { offset, name });
        }
        Ok(())
    }
}
