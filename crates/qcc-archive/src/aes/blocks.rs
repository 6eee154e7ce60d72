//! The ciphertext, block by block: authenticated once, then decrypted.

use std::{ops::Range, sync::Arc};

use crate::{
    Error, ErrorKind, ReadAt,
    aes::{
        crypto::{Decryptor, Keys, MAC_LEN},
        fingerprint::{Fingerprinter, SEGMENT_LEN},
    },
};

/// How many bytes are read at once: small enough for a CPU cache beside Deflate's window.
const BLOCK_LEN: usize = 4 * SEGMENT_LEN;

/// A ciphertext whose MAC was right; [`check`](Self::check) is the only constructor.
///
/// It keeps either the bytes or the fingerprints to recognise them by.
#[derive(Clone)]
pub(crate) struct Authentic {
    place: Range<u64>,
    memory: Memory,
}

#[derive(Clone)]
enum Memory {
    Bytes(Arc<Vec<u8>>),
    Fingerprints(Arc<(Fingerprinter, Vec<u128>)>),
}

impl Authentic {
    /// Reads the ciphertext at `place` and compares its MAC.
    ///
    /// A ciphertext of up to `in_memory` bytes is kept.
    pub(crate) fn check<S: ReadAt>(
        source: &S,
        place: Range<u64>,
        keys: &Keys,
        mac: &[u8; MAC_LEN],
        in_memory: u64,
    ) -> Result<Self, Error> {
        let len = place.end - place.start;
        let mut running = keys.mac();
        let kept_len = usize::try_from(len).ok().filter(|_| len <= in_memory);
        let memory = if let Some(len) = kept_len {
            let mut bytes = vec![0; len];
            source.read_exact_at(&mut bytes, place.start).map_err(Error::io)?;
            running.update(&bytes);
            Memory::Bytes(Arc::new(bytes))
        } else {
            let printer = Fingerprinter::new(keys);
            let mut prints = Vec::new();
            let mut block = vec![0; BLOCK_LEN];
            let mut at = place.start;
            while let Some(block) = read_block(source, &mut at, place.end, &mut block)? {
                running.update(block);
                prints.extend(printer.all(block));
            }
            Memory::Fingerprints(Arc::new((printer, prints)))
        };
        if !running.matches(mac) {
            return Err(ErrorKind::Tampered.into());
        }
        Ok(Self { place, memory })
    }

    pub(crate) fn len(&self) -> u64 {
        self.place.end - self.place.start
    }
}

/// Reads the next block; `None` at the end.
fn read_block<'b, S: ReadAt>(
    source: &S,
    at: &mut u64,
    end: u64,
    buffer: &'b mut [u8],
) -> Result<Option<&'b mut [u8]>, Error> {
    let left = usize::try_from(end - *at).unwrap_or(usize::MAX);
    let len = left.min(buffer.len());
    if len == 0 {
        return Ok(None);
    }
    let (block, _) = buffer.split_at_mut(len);
    source.read_exact_at(block, *at).map_err(Error::io)?;
    *at += len as u64;
    Ok(Some(block))
}

/// The decrypted, still compressed bytes of an authenticated ciphertext.
pub(crate) struct Decrypted<S> {
    source: S,
    ciphertext: Authentic,
    decryptor: Decryptor,
    /// The number of ciphertext bytes read so far.
    done: u64,
    block: Vec<u8>,
    unread: Range<usize>,
}

impl<S: ReadAt> Decrypted<S> {
    pub(crate) fn new(source: S, ciphertext: Authentic, decryptor: Decryptor) -> Self {
        let len = usize::try_from(ciphertext.len()).unwrap_or(usize::MAX);
        let block = vec![0; len.min(BLOCK_LEN)];
        Self { source, ciphertext, decryptor, done: 0, block, unread: 0..0 }
    }

    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    pub(crate) fn into_source(self) -> S {
        self.source
    }

    /// The bytes not yet consumed; empty at the end.
    #[expect(
        clippy::indexing_slicing,
        reason = "`unread` is within the block; an empty default would look like the end"
    )]
    pub(crate) fn fill(&mut self) -> Result<&[u8], Error> {
        if self.unread.is_empty() {
            let len = self.next_block()?;
            self.unread = 0..len;
        }
        Ok(&self.block[self.unread.clone()])
    }

    pub(crate) fn consume(&mut self, n: usize) {
        self.unread.start = self.unread.end.min(self.unread.start + n);
    }

    /// Reads a block, checks that it is the authenticated one, and decrypts it.
    fn next_block(&mut self) -> Result<usize, Error> {
        let Range { start, end } = self.ciphertext.place;
        let block = match &self.ciphertext.memory {
            Memory::Bytes(bytes) => {
                read_block(&**bytes, &mut self.done, end - start, &mut self.block)?
            }
            Memory::Fingerprints(known) => {
                let (printer, prints) = &**known;
                let skipped = (self.done / SEGMENT_LEN as u64) as usize;
                let mut at = start + self.done;
                let block = read_block(&self.source, &mut at, end, &mut self.block)?;
                self.done = at - start;
                if let Some(block) = &block {
                    let expected = prints.iter().skip(skipped).copied();
                    if !printer.all(block).eq(expected.take(block.len().div_ceil(SEGMENT_LEN))) {
                        return Err(ErrorKind::Changed.into());
                    }
                }
                block
            }
        };
        let Some(block) = block else { return Ok(0) };
        self.decryptor.apply(block);
        Ok(block.len())
    }
}
