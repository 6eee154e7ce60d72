//! The content of an authenticated entry, as a reader.

use std::{
    fmt,
    io::{self, BufRead, Read, Write},
};

use crate::{
    Error, ErrorKind, ReadAt,
    aes::blocks::Decrypted,
    content::inflate::{Step, Unpacker},
};

pub(crate) mod ahead;
pub(crate) mod inflate;

/// How many bytes of content are decompressed at once.
const CHUNK_LEN: usize = 256 * 1024;

/// The most memory reserved before there is content to fill it.
const MAX_RESERVED: u64 = 8 * 1024 * 1024;

/// Reads the content of an authenticated entry.
///
/// As a [`BufRead`] it lends chunks of up to 256 KiB without copying them:
/// `fill_buf`, parse, `consume`. The first chunk is the held-back beginning
/// and may be larger; see
/// [`with_hold_back_bytes`](crate::Options::with_hold_back_bytes).
///
/// The end of the content is reached only if every check passed: the exact
/// size, the CRC of AE-1, and one Deflate stream that ends with the ciphertext.
/// A parser that stops at the end of its document must call
/// [`finish`](Self::finish) before it treats the document as complete.
///
/// # Errors
/// A failed read gives an [`io::Error`] with an [`Error`] inside
/// ([`Error::from_io`]), and every later read fails the same way.
pub struct Content<S> {
    packed: Decrypted<S>,
    unpacker: Unpacker,
    checks: Checks,
    hold_back: u64,
    chunk: Vec<u8>,
    consumed: usize,
    state: State,
}

enum State {
    /// Nothing is decompressed yet.
    Fresh,
    Streaming,
    /// All content is decompressed and passed its checks.
    Complete,
    Failed(Error),
}

/// What the headers declare about the content, and the running totals.
pub(crate) struct Checks {
    pub(crate) size: u64,
    /// The expected CRC, if the format uses it.
    pub(crate) crc32: Option<u32>,
    pub(crate) running: crc32fast::Hasher,
    pub(crate) unpacked: u64,
}

impl<S: ReadAt> Content<S> {
    pub(crate) fn new(
        packed: Decrypted<S>,
        unpacker: Unpacker,
        checks: Checks,
        hold_back: u64,
    ) -> Self {
        Self {
            packed,
            unpacker,
            checks,
            hold_back,
            chunk: Vec::new(),
            consumed: 0,
            state: State::Fresh,
        }
    }

    /// Reads and checks the rest, and returns the size of the whole content in bytes.
    ///
    /// # Errors
    /// See [`ErrorKind`]: `Size`, `Checksum`, `Inflate`, `TrailingData`,
    /// `DisguisedDeflate`, `Changed` and `Io` are possible.
    pub fn finish(mut self) -> Result<u64, Error> {
        loop {
            self.consumed = self.chunk.len();
            if self.chunk()?.is_empty() {
                return Ok(self.checks.unpacked);
            }
        }
    }

    /// Writes the rest, chunk by chunk, and returns its size in bytes.
    ///
    /// # Errors
    /// Those of [`finish`](Self::finish), inside an [`io::Error`], and those of
    /// `writer`; [`Error::from_io`] tells them apart.
    pub fn write_to(&mut self, writer: &mut (impl Write + ?Sized)) -> io::Result<u64> {
        let mut written = 0;
        loop {
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                return Ok(written);
            }
            writer.write_all(chunk)?;
            written += chunk.len() as u64;
            self.consumed = self.chunk.len();
        }
    }

    /// The source, for example to read another entry.
    ///
    /// Checks that have not run yet never will: to know that the content is
    /// complete, call [`finish`](Self::finish) instead, or read to the end first.
    pub fn into_inner(self) -> S {
        self.packed.into_source()
    }

    /// The source.
    pub fn get_ref(&self) -> &S {
        self.packed.source()
    }

    /// Hands out the chunk not yet consumed, empty only at the end, and continues
    /// in `spare`.
    pub(crate) fn take_chunk(&mut self, spare: Vec<u8>) -> Result<Vec<u8>, Error> {
        if self.consumed == self.chunk.len() {
            self.chunk = spare;
            self.consumed = self.chunk.len();
        }
        self.chunk()?;
        let mut chunk = std::mem::take(&mut self.chunk);
        // This moves bytes only where a part of the chunk was already consumed.
        chunk.drain(..std::mem::take(&mut self.consumed));
        Ok(chunk)
    }

    /// The bytes decompressed so far.
    pub(crate) fn unpacked(&self) -> u64 {
        self.checks.unpacked
    }

    /// The decompressed bytes not yet consumed; empty only at the end.
    #[expect(
        clippy::indexing_slicing,
        reason = "`consumed` never exceeds the chunk; an empty default would look like the end"
    )]
    fn chunk(&mut self) -> Result<&[u8], Error> {
        if self.consumed == self.chunk.len()
            && let Err(error) = self.advance()
        {
            self.chunk = Vec::new();
            self.consumed = 0;
            self.state = State::Failed(error.clone());
            return Err(error);
        }
        Ok(&self.chunk[self.consumed..])
    }

    fn advance(&mut self) -> Result<(), Error> {
        match &self.state {
            State::Fresh => self.unpack_beginning(),
            State::Streaming => self.unpack_chunk(),
            State::Complete => Ok(()),
            State::Failed(error) => Err(error.clone()),
        }
    }

    /// Decompresses until there is more than the held-back size, or everything.
    #[expect(clippy::indexing_slicing, reason = "`start` is the length before the buffer grew")]
    fn unpack_beginning(&mut self) -> Result<(), Error> {
        self.state = State::Streaming;
        // A buffer that grows by doubling would briefly take twice the memory.
        let likely = self.checks.size.min(self.hold_back).min(MAX_RESERVED);
        let mut held = Vec::with_capacity(likely as usize + CHUNK_LEN);
        while matches!(self.state, State::Streaming) && held.len() as u64 <= self.hold_back {
            let start = held.len();
            // A small document must not cost a large buffer.
            let wanted = self.checks.size.saturating_sub(start as u64).saturating_add(1);
            let room = usize::try_from(wanted).map_or(CHUNK_LEN, |wanted| wanted.min(CHUNK_LEN));
            held.resize(start + room, 0);
            let len = self.unpack(&mut held[start..])?;
            held.truncate(start + len);
        }
        self.chunk = held;
        self.consumed = 0;
        Ok(())
    }

    fn unpack_chunk(&mut self) -> Result<(), Error> {
        let mut chunk = std::mem::take(&mut self.chunk);
        if chunk.capacity() > CHUNK_LEN {
            chunk = Vec::new();
        }
        chunk.resize(CHUNK_LEN, 0);
        let len = self.unpack(&mut chunk)?;
        chunk.truncate(len);
        self.chunk = chunk;
        self.consumed = 0;
        Ok(())
    }

    /// Fills `out` as far as there is content, and checks that content.
    #[expect(
        clippy::indexing_slicing,
        reason = "a step produces at most what fits; all of it must be checked"
    )]
    fn unpack(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        let mut filled = 0;
        while filled < out.len() {
            let packed = self.packed.fill()?;
            let room = &mut out[filled..];
            let Step { consumed, produced, ended } = self.unpacker.step(packed, room)?;
            self.packed.consume(consumed);
            filled += produced;
            self.checks.count(produced)?;
            if ended {
                if !self.packed.fill()?.is_empty() {
                    return Err(ErrorKind::TrailingData.into());
                }
                self.state = State::Complete;
                break;
            }
        }
        self.checks.add(&out[..filled]);
        if matches!(self.state, State::Complete) {
            self.checks.conclude()?;
        }
        Ok(filled)
    }
}

impl Checks {
    /// More than the declared size, which is within the limits, is an error.
    fn count(&mut self, produced: usize) -> Result<(), Error> {
        self.unpacked += produced as u64;
        if self.unpacked > self.size { Err(self.wrong_size()) } else { Ok(()) }
    }

    fn add(&mut self, content: &[u8]) {
        if self.crc32.is_some() {
            self.running.update(content);
        }
    }

    fn conclude(&self) -> Result<(), Error> {
        if self.unpacked != self.size {
            return Err(self.wrong_size());
        }
        match self.crc32 {
            Some(crc32) if crc32 != self.running.clone().finalize() => {
                Err(ErrorKind::Checksum.into())
            }
            _ => Ok(()),
        }
    }

    fn wrong_size(&self) -> Error {
        ErrorKind::Size { declared: self.size }.into()
    }
}

impl<S: ReadAt> BufRead for Content<S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.chunk()?)
    }

    fn consume(&mut self, amount: usize) {
        self.consumed = self.chunk.len().min(self.consumed.saturating_add(amount));
    }
}

impl<S: ReadAt> Read for Content<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut chunk = self.chunk()?;
        let read = chunk.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

impl<S> fmt::Debug for Content<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Fresh => "fresh",
            State::Streaming => "streaming",
            State::Complete => "complete",
            State::Failed(_) => "failed",
        };
        f.debug_struct("Content")
            .field("state", &state)
            .field("unpacked", &self.checks.unpacked)
            .field("size", &self.checks.size)
            .finish_non_exhaustive()
    }
}
