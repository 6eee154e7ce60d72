//! An entry whose MAC was right: the only way to its content.

use std::fmt;

use crate::{
    AesVersion, Content, Entry, Options, ReadAt,
    blocks::{Authentic, Decrypted},
    content::Checks,
    crypto::Keys,
    entry::Aes,
    inflate::Unpacker,
};

/// An authenticated entry.
///
/// To have one is to have proof that the ciphertext was written by somebody
/// who knows the password, and was not changed since. It is not read again
/// on trust: up to
/// [`with_in_memory`](Options::with_in_memory) bytes it was kept, beyond that
/// each block is compared with a fingerprint from the first reading before a
/// byte of it is decrypted, and a difference ends the reading with
/// [`Changed`](crate::ErrorKind::Changed).
///
/// What no MAC covers is the entry's name, method and size; see the
/// [crate's documentation](crate#what-is-checked).
pub struct Verified<S> {
    pub(crate) source: S,
    pub(crate) proof: Proof,
}

/// What authentication found out, apart from the source.
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

    /// The content from its beginning, as often as wanted.
    pub fn reader(&self) -> Content<&S> {
        self.proof.content(&self.source)
    }

    /// The content, together with the source: for another thread.
    pub fn into_reader(self) -> Content<S> {
        self.proof.content(self.source)
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
        Content::new(packed, unpacker, checks, self.options.hold_back)
    }
}

impl<S> fmt::Debug for Verified<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").field("entry", &self.proof.entry).finish_non_exhaustive()
    }
}
