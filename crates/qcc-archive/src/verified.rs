//! An authenticated entry: the only way to its content.

use std::fmt;

use crate::{
    AesVersion, Content, Entry, Options, ReadAt,
    aes::{
        blocks::{Authentic, Decrypted},
        crypto::Keys,
    },
    content::{Checks, inflate::Unpacker},
    entry::Aes,
};

/// An authenticated entry.
///
/// It proves that someone who knows the password wrote the ciphertext, and that
/// it has not changed since. A ciphertext of up to
/// [`with_in_memory_bytes`](Options::with_in_memory_bytes) is kept in memory. A
/// larger one is read again, and each block is compared with a fingerprint from the
/// first reading before a byte of it is decrypted; a difference ends the reading
/// with [`Changed`](crate::ErrorKind::Changed).
///
/// No MAC covers the entry's name, method and size; see the
/// [crate documentation](crate#what-is-checked).
pub struct Verified<S> {
    pub(crate) source: S,
    pub(crate) proof: Proof,
}

/// The result of authentication, apart from the source.
pub(crate) struct Proof {
    pub(crate) entry: Entry,
    pub(crate) aes: Aes,
    pub(crate) keys: Keys,
    pub(crate) ciphertext: Authentic,
    pub(crate) options: Options,
}

impl<S: ReadAt> Verified<S> {
    /// What the directory says about the entry.
    pub fn entry(&self) -> &Entry {
        &self.proof.entry
    }

    /// The content from its beginning; it can be read any number of times.
    pub fn reader(&self) -> Content<&S> {
        self.proof.content(&self.source)
    }

    /// The content together with the source, for example for another thread.
    pub fn into_reader(self) -> Content<S> {
        self.proof.content(self.source)
    }

    /// The source.
    pub fn get_ref(&self) -> &S {
        &self.source
    }

    /// The source, without the proof.
    pub fn into_inner(self) -> S {
        self.source
    }
}

impl Proof {
    fn content<S: ReadAt>(&self, source: S) -> Content<S> {
        let ciphertext = self.ciphertext.clone();
        let unpacker = Unpacker::new(self.aes.method, ciphertext.len(), &self.options);
        let packed = Decrypted::new(source, ciphertext, self.keys.decryptor());
        let checks = Checks {
            size: self.entry.size,
            crc32: (self.aes.version == AesVersion::Ae1).then_some(self.entry.crc32),
            running: crc32fast::Hasher::new(),
            unpacked: 0,
        };
        Content::new(packed, unpacker, checks, self.options.hold_back_bytes)
    }
}

impl<S> fmt::Debug for Verified<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").field("entry", &self.proof.entry).finish_non_exhaustive()
    }
}
