//! An opened archive: its entries, and the authentication of one of them.

use std::fmt;

use crate::{
    Entry, Error, ErrorKind, LimitKind, Options, ReadAt, Retry, Verified,
    aes::{
        blocks::Authentic,
        crypto::{CHECK_LEN, Keys, MAC_LEN},
    },
    container::{directory, end::End, local},
    entry::{Aes, AesField, METHOD_AES, METHOD_DEFLATE, METHOD_STORED, flag},
    verified::Proof,
};

/// A zip archive whose directory is read and checked.
///
/// Nothing in it is authenticated yet; [`authenticate`](Self::authenticate)
/// does that for one entry and is the only way to its content.
pub struct Archive<S> {
    source: S,
    /// The size of the source in bytes when it was opened.
    len: u64,
    entries: Vec<Entry>,
    directory_at: u64,
    options: Options,
}

impl<S: ReadAt> Archive<S> {
    /// Finds and reads the directory of an archive.
    ///
    /// The archive must fill the source: it starts with the local header of the
    /// first entry and ends with the end record and its comment.
    ///
    /// # Errors
    /// `NotAnArchive`, `Truncated`, `Malformed`, `MultiDisk`, `Overlap`,
    /// `Limit`, `Changed` and `Io` of [`ErrorKind`].
    pub fn open(source: S, options: Options) -> Result<Self, Error> {
        let len = source.size().map_err(Error::io)?;
        let read = || {
            let end = End::find(&source, len)?;
            let entries = directory::read(&source, &end, &options)?;
            Ok((entries, end.directory.start))
        };
        match read() {
            Ok((entries, directory_at)) => Ok(Self { source, len, entries, directory_at, options }),
            Err(error) => Err(unless_changed(&source, len, error)),
        }
    }

    /// The entries of the directory, in its order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Checks everything about one entry that can be checked without
    /// decompressing it: that no other entry has its name, its headers, the
    /// password, and the MAC over its whole ciphertext.
    ///
    /// Names are compared byte by byte. A name that is not UTF-8 is given as
    /// bytes, as [`Entry::name_bytes`] returns it.
    ///
    /// # Errors
    /// Any [`ErrorKind`] except `NotAnArchive`, `Truncated`, and those that
    /// are found while decompressing: `Checksum`, `Inflate`, `TrailingData`,
    /// `DisguisedDeflate`.
    pub fn authenticate(
        &self,
        name: impl AsRef<[u8]>,
        password: &[u8],
    ) -> Result<Verified<&S>, Error> {
        let proof = self.prove(name.as_ref(), password)?;
        Ok(Verified { source: &self.source, proof })
    }

    /// Like [`authenticate`](Self::authenticate), but moves the source into the
    /// result, for content that outlives the archive.
    ///
    /// # Errors
    /// The same.
    pub fn into_authenticated(
        self,
        name: impl AsRef<[u8]>,
        password: &[u8],
    ) -> Result<Verified<S>, Error> {
        let proof = self.prove(name.as_ref(), password)?;
        Ok(Verified { source: self.source, proof })
    }

    /// The source.
    pub fn get_ref(&self) -> &S {
        &self.source
    }

    /// The source, without the archive around it.
    pub fn into_inner(self) -> S {
        self.source
    }

    fn prove(&self, name: &[u8], password: &[u8]) -> Result<Proof, Error> {
        self.try_prove(name, password)
            .map_err(|error| unless_changed(&self.source, self.len, error))
    }

    fn try_prove(&self, name: &[u8], password: &[u8]) -> Result<Proof, Error> {
        let entry = self.find(name)?;
        if !entry.is_regular {
            return Err(ErrorKind::NotAFile.into());
        }
        // The headers are compared first: what only one of them says may be damage,
        // what both say is how the archive was created.
        let place = local::locate(&self.source, entry, self.next_after(entry))?;
        let aes = self.options.accept(entry)?;

        // Salt ‖ check value ‖ ciphertext ‖ MAC.
        let salt_len = aes.strength.salt_len();
        let ciphertext_at = place.start + (salt_len + CHECK_LEN) as u64;
        let mac_at = place.end.saturating_sub(MAC_LEN as u64);
        if mac_at < ciphertext_at {
            return Err(ErrorKind::Malformed("the entry is too short to be encrypted").into());
        }
        self.options.accept_size(entry, aes, mac_at - ciphertext_at)?;

        let mut salt = vec![0; salt_len];
        let mut check = [0; CHECK_LEN];
        let mut mac = [0; MAC_LEN];
        self.read(&mut salt, place.start)?;
        self.read(&mut check, place.start + salt_len as u64)?;
        self.read(&mut mac, mac_at)?;

        let keys = Keys::derive(password, &salt, aes.strength);
        if !keys.fits(check) {
            return Err(ErrorKind::WrongPassword.into());
        }
        let in_memory = self.options.in_memory_bytes;
        let ciphertext =
            Authentic::check(&self.source, ciphertext_at..mac_at, &keys, &mac, in_memory)?;
        Ok(Proof { entry: entry.clone(), aes, keys, ciphertext, options: self.options.clone() })
    }

    /// The only entry with that name.
    fn find(&self, name: &[u8]) -> Result<&Entry, Error> {
        let fits = |candidate: &[u8]| {
            candidate == name
                || self.options.directory_prefix && lies_in_a_plain_folder(candidate, name)
        };
        // Readers that use the Unicode Path field would see that name.
        let mut fitting = self
            .entries
            .iter()
            .filter(|entry| fits(&entry.name) || entry.other_name.as_deref().is_some_and(fits));
        match (fitting.next(), fitting.next()) {
            (Some(_), Some(_)) => Err(ErrorKind::DuplicateEntry.into()),
            (Some(entry), None) if entry.other_name.is_some() => {
                Err(ErrorKind::HeaderMismatch { field: "the Unicode name" }.into())
            }
            (Some(entry), None) => Ok(entry),
            (None, _) => {
                let found = self.entries.iter().take(5).map(printable_name).collect();
                Err(ErrorKind::NoSuchEntry {
                    wanted: String::from_utf8_lossy(name).into_owned(),
                    found,
                }
                .into())
            }
        }
    }

    /// Where the next entry, or the directory, begins.
    fn next_after(&self, entry: &Entry) -> u64 {
        let later = |other: &&Entry| other.header_offset > entry.header_offset;
        let starts = self.entries.iter().filter(later).map(|other| other.header_offset);
        starts.min().unwrap_or(self.directory_at)
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> Result<(), Error> {
        self.source.read_exact_at(bytes, at).map_err(Error::io)
    }
}

impl Options {
    /// Checks what the directory says about an entry against the policy.
    fn accept(&self, entry: &Entry) -> Result<Aes, Error> {
        let unsupported = |what| Err(Error::new(ErrorKind::UnsupportedFeature(what)));
        let flags = entry.flags;
        if flags & flag::ENCRYPTED == 0 {
            return Err(ErrorKind::NotEncrypted.into());
        }
        if flags & flag::MASKED_HEADERS != 0 {
            return unsupported("masked headers");
        }
        if flags & flag::STRONG_ENCRYPTION != 0 {
            return unsupported("PKWARE strong encryption");
        }
        if flags & flag::PATCHED != 0 {
            return unsupported("patched data");
        }
        if flags & !flag::HARMLESS != 0 {
            return unsupported("flags with an unknown meaning");
        }
        if entry.method != METHOD_AES {
            return Err(ErrorKind::WeakEncryption(entry.encryption()).into());
        }
        let AesField::Sound(aes) = entry.aes else {
            return Err(ErrorKind::Malformed("invalid AES parameters").into());
        };
        if !entry.extra_is_sound {
            return Err(ErrorKind::Malformed("invalid extra fields").into());
        }
        if aes.strength < self.min_strength {
            return Err(ErrorKind::WeakEncryption(entry.encryption()).into());
        }
        match aes.method {
            METHOD_DEFLATE => Ok(aes),
            METHOD_STORED if self.stored => Ok(aes),
            method => Err(ErrorKind::UnsupportedMethod(method).into()),
        }
    }

    /// Checks the declared size, which is the limit for the content later.
    fn accept_size(&self, entry: &Entry, aes: Aes, packed_len: u64) -> Result<(), Error> {
        let size = entry.size;
        if aes.method == METHOD_STORED && size != packed_len {
            return Err(ErrorKind::Size { declared: size }.into());
        }
        let over = |which, limit| Err(ErrorKind::Limit { which, limit }.into());
        if size > self.max_content_bytes {
            return over(LimitKind::ContentBytes, self.max_content_bytes);
        }
        if size > self.largest_content(packed_len) {
            return over(LimitKind::ExpansionRatio, self.max_ratio);
        }
        Ok(())
    }

    /// The largest content allowed for a ciphertext of this length, in bytes.
    pub(crate) fn largest_content(&self, packed_len: u64) -> u64 {
        packed_len
            .saturating_mul(self.max_ratio)
            .max(self.ratio_floor_bytes)
            .min(self.max_content_bytes)
    }
}

/// Turns apparent damage into `Changed` where the size of the source is no longer
/// what it was at first: something is writing to it.
fn unless_changed<S: ReadAt>(source: &S, len: u64, error: Error) -> Error {
    match source.size() {
        Ok(now) if now != len && error.retry() == Retry::FetchAgain => ErrorKind::Changed.into(),
        _ => error,
    }
}

/// Whether `path` is `name` in folders below the current one.
///
/// The folders end in slashes or, with old writers on Windows, in backslashes. A
/// path with both means different things to different readers.
fn lies_in_a_plain_folder(path: &[u8], name: &[u8]) -> bool {
    let before = path.strip_suffix(name).and_then(<[u8]>::split_last);
    let Some((separator @ (b'/' | b'\\'), folder)) = before else { return false };
    let plain = |part: &[u8]| {
        !matches!(part, b"" | b"." | b"..")
            && !part.iter().any(|byte| matches!(byte, b'/' | b'\\' | b':' | ..0x20 | 0x7f))
    };
    folder.split(|byte| byte == separator).all(plain)
}

/// A name, truncated and escaped for one line of text.
fn printable_name(entry: &Entry) -> String {
    entry.name().chars().take(60).flat_map(char::escape_debug).collect()
}

impl<S> fmt::Debug for Archive<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("entries", &self.entries).finish_non_exhaustive()
    }
}
