//! What the central directory says about an entry.

use std::{borrow::Cow, fmt};

/// One entry as the central directory describes it.
///
/// Nothing in it is authenticated: names, sizes and methods are claims of the
/// archive.
#[derive(Clone)]
pub struct Entry {
    pub(crate) name: Box<[u8]>,
    /// The name in a Unicode Path field, if it differs.
    pub(crate) other_name: Option<Box<[u8]>>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc32: u32,
    pub(crate) compressed_size: u64,
    pub(crate) size: u64,
    pub(crate) header_offset: u64,
    pub(crate) aes: AesField,
    pub(crate) extra_is_sound: bool,
    pub(crate) is_regular: bool,
}

impl Entry {
    /// The name as it is in the archive, in any encoding.
    pub fn name_bytes(&self) -> &[u8] {
        &self.name
    }

    /// The name as text; bytes that are not UTF-8 are replaced.
    pub fn name(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.name)
    }

    /// How the entry is encrypted.
    pub fn encryption(&self) -> Encryption {
        if self.flags & flag::ENCRYPTED == 0 {
            return Encryption::None;
        }
        match (self.method, self.aes) {
            (METHOD_AES, AesField::Sound(aes)) => {
                Encryption::Aes { version: aes.version, strength: aes.strength }
            }
            (METHOD_AES, _) => Encryption::Unknown,
            _ if self.flags & flag::STRONG_ENCRYPTION != 0 => Encryption::Unknown,
            _ => Encryption::ZipCrypto,
        }
    }

    /// The number of the compression method: 0 is stored, 8 is Deflate.
    pub fn method(&self) -> u16 {
        match self.aes {
            AesField::Sound(aes) if self.method == METHOD_AES => aes.method,
            _ => self.method,
        }
    }

    /// The size of the encrypted entry in bytes, with salt and MAC.
    pub fn compressed_size(&self) -> u64 {
        self.compressed_size
    }

    /// The declared size of the content in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether a CRC in another header is compatible with this one.
    ///
    /// AE-2 does not use it. Some writers of AE-2 fill it in anyway, and not in
    /// every place; where two are given they must be the same.
    pub(crate) fn agrees_with_crc(&self, crc32: u32) -> bool {
        let counts = !matches!(self.aes, AesField::Sound(Aes { version: AesVersion::Ae2, .. }));
        crc32 == self.crc32 || !counts && (crc32 == 0 || self.crc32 == 0)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("name", &self.name())
            .field("encryption", &self.encryption())
            .field("method", &self.method())
            .field("compressed_size", &self.compressed_size)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// How an entry is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encryption {
    /// Not at all.
    None,
    /// The original stream cipher of PKWARE, broken since 1994.
    ZipCrypto,
    /// WinZip AES.
    Aes {
        /// Which of its two versions.
        version: AesVersion,
        /// The length of its key.
        strength: KeyStrength,
    },
    /// Another cipher, or AES with invalid parameters.
    Unknown,
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no encryption"),
            Self::ZipCrypto => f.write_str("ZipCrypto"),
            Self::Aes { strength, .. } => strength.fmt(f),
            Self::Unknown => f.write_str("an unknown encryption"),
        }
    }
}

/// The length of an AES key; a longer key compares as greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyStrength {
    /// 128 bits.
    Aes128,
    /// 192 bits.
    Aes192,
    /// 256 bits.
    Aes256,
}

impl KeyStrength {
    pub(crate) const fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    pub(crate) const fn salt_len(self) -> usize {
        self.key_len() / 2
    }
}

impl fmt::Display for KeyStrength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AES-{}", self.key_len() * 8)
    }
}

/// The version of WinZip AES; they differ in the use of the CRC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AesVersion {
    /// AE-1: both the MAC and the CRC-32 of the content must match.
    Ae1,
    /// AE-2: the CRC field is ignored, only the MAC must match.
    Ae2,
}

/// The WinZip AES field of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AesField {
    Absent,
    Malformed,
    Sound(Aes),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Aes {
    pub(crate) version: AesVersion,
    pub(crate) strength: KeyStrength,
    pub(crate) method: u16,
}

pub(crate) const METHOD_STORED: u16 = 0;
pub(crate) const METHOD_DEFLATE: u16 = 8;
pub(crate) const METHOD_AES: u16 = 99;

/// The general purpose bits.
pub(crate) mod flag {
    pub(crate) const ENCRYPTED: u16 = 1;
    pub(crate) const DATA_DESCRIPTOR: u16 = 1 << 3;
    pub(crate) const PATCHED: u16 = 1 << 5;
    pub(crate) const STRONG_ENCRYPTION: u16 = 1 << 6;
    pub(crate) const MASKED_HEADERS: u16 = 1 << 13;
    /// Bits 1 and 2 are the compression level, bit 11 means that the name is UTF-8.
    pub(crate) const HARMLESS: u16 = ENCRYPTED | 0b110 | DATA_DESCRIPTOR | 1 << 11;
}
