//! Compares an entry's local header with the central directory.
//!
//! The MAC covers neither, and readers differ in which one they believe. Where
//! both agree, every reader sees the same entry.
//!
//! A streaming writer does not know the sizes when it writes the local header. It
//! sets a flag and puts them in a data descriptor after the data. Writers differ
//! in what they leave in the header: 0 or all ones, in 32 bits, in the zip64 field,
//! or in both. No reader could take one of these for a size, so each counts as left
//! open. Any other number is a statement and must be correct.

use std::ops::Range;

use crate::{
    Entry, Error, ErrorKind, ReadAt,
    container::{
        directory::LOCAL_HEADER_LEN,
        extra::{Extra, IN_ZIP64},
        fields::Fields,
    },
    entry::flag,
};

const SIGNATURE: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR_SIGNATURE: [u8; 4] = *b"PK\x07\x08";
const LONGEST_DESCRIPTOR: u64 = 24;

/// Checks the local header of `entry` and returns the place of its data.
///
/// `limit` is where the next entry or the directory begins.
pub(crate) fn locate<S: ReadAt>(
    source: &S,
    entry: &Entry,
    limit: u64,
) -> Result<Range<u64>, Error> {
    // This cannot overflow: the directory was refused unless each header fits before it.
    let variable_at = entry.header_offset + LOCAL_HEADER_LEN;
    let mut fixed = [0; LOCAL_HEADER_LEN as usize];
    source.read_exact_at(&mut fixed, entry.header_offset).map_err(Error::io)?;
    let header = Header::parse(&fixed).ok_or(ErrorKind::Malformed("invalid local header"))?;

    let (name_len, extra_len) = (usize::from(header.name_len), usize::from(header.extra_len));
    let start = variable_at + (name_len + extra_len) as u64;
    let end = start.checked_add(entry.compressed_size).filter(|end| *end <= limit);
    let end = end.ok_or(ErrorKind::Overlap)?;
    let mut name = vec![0; name_len];
    let mut extra = vec![0; extra_len];
    source.read_exact_at(&mut name, variable_at).map_err(Error::io)?;
    source.read_exact_at(&mut extra, variable_at + name_len as u64).map_err(Error::io)?;

    header.compare(entry, &name, &Extra::parse(&extra))?;
    if header.is_described() {
        check_descriptor(source, entry, end..limit)?;
    }
    Ok(start..end)
}

struct Header {
    flags: u16,
    method: u16,
    crc32: u32,
    compressed_size: u32,
    size: u32,
    name_len: u16,
    extra_len: u16,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        fields.signature(SIGNATURE)?;
        let _needed = fields.u16()?;
        let (flags, method) = (fields.u16()?, fields.u16()?);
        let _time_and_date = fields.u32()?;
        let (crc32, compressed_size, size) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (name_len, extra_len) = (fields.u16()?, fields.u16()?);
        Some(Self { flags, method, crc32, compressed_size, size, name_len, extra_len })
    }

    fn compare(&self, entry: &Entry, name: &[u8], extra: &Extra<'_>) -> Result<(), Error> {
        let differs = |field| Err(Error::new(ErrorKind::HeaderMismatch { field }));
        if name != &*entry.name {
            return differs("the name");
        }
        if extra.unicode_path.is_some_and(|path| path != name) {
            return differs("the Unicode name");
        }
        if self.flags != entry.flags {
            return differs("the flags");
        }
        if self.method != entry.method {
            return differs("the method");
        }
        if extra.aes != entry.aes {
            return differs("the encryption");
        }
        if !extra.is_sound {
            return Err(ErrorKind::Malformed("invalid extra fields").into());
        }
        let [size, compressed_size] = self.sizes(entry, extra);
        if !self.agrees(compressed_size, entry.compressed_size) {
            return differs("the compressed size");
        }
        if !self.agrees(size, entry.size) {
            return differs("the size");
        }
        if !(entry.agrees_with_crc(self.crc32) || self.is_described() && self.crc32 == 0) {
            return differs("the CRC");
        }
        Ok(())
    }

    /// Whether a data descriptor with CRC and sizes follows the data.
    fn is_described(&self) -> bool {
        self.flags & flag::DATA_DESCRIPTOR != 0
    }

    /// Size and compressed size; `None` where the header defers to a zip64 field
    /// that does not hold the value.
    fn sizes(&self, entry: &Entry, extra: &Extra<'_>) -> [Option<u64>; 2] {
        let (size, compressed_size) = (self.size.into(), self.compressed_size.into());
        let Some(zip64) = extra.zip64 else {
            return [Some(size), Some(compressed_size)];
        };
        let mut zip64 = Fields(zip64);
        let (first, second) = (zip64.u64(), zip64.u64());
        match (self.size == IN_ZIP64, self.compressed_size == IN_ZIP64) {
            (true, true) => [first, second],
            (true, false) => [first, Some(compressed_size)],
            // A local zip64 field holds both sizes or, as in the directory, only the
            // one that does not fit.
            (false, true) if second.is_some() && self.agrees(first, entry.size) => {
                [Some(size), second]
            }
            (false, true) => [Some(size), first],
            (false, false) => [Some(size), Some(compressed_size)],
        }
    }

    /// Whether a size is correct, or left open where that is allowed.
    fn agrees(&self, stated: Option<u64>, truth: u64) -> bool {
        const OPEN: [u64; 3] = [0, IN_ZIP64 as u64, u64::MAX];
        let open = stated.is_none_or(|stated| OPEN.contains(&stated));
        stated == Some(truth) || self.is_described() && open
    }
}

/// Checks the data descriptor: CRC and sizes once more, with or without a
/// signature, the sizes in 32 or 64 bits. One of these four forms must fit.
fn check_descriptor<S: ReadAt>(source: &S, entry: &Entry, room: Range<u64>) -> Result<(), Error> {
    let len = (room.end - room.start).min(LONGEST_DESCRIPTOR);
    let mut bytes = vec![0; len as usize];
    source.read_exact_at(&mut bytes, room.start).map_err(Error::io)?;

    let unsigned = Fields(&bytes);
    let mut signed = unsigned;
    let signed = signed.signature(DESCRIPTOR_SIGNATURE).map(|()| signed);
    let is_right = |(crc32, compressed_size, size)| {
        entry.agrees_with_crc(crc32)
            && compressed_size == entry.compressed_size
            && size == entry.size
    };
    let fits = [signed, Some(unsigned)].into_iter().flatten().any(|fields| {
        narrow_descriptor(fields).is_some_and(is_right)
            || wide_descriptor(fields).is_some_and(is_right)
    });
    if fits {
        Ok(())
    } else {
        Err(ErrorKind::HeaderMismatch { field: "the data descriptor" }.into())
    }
}

fn narrow_descriptor(mut fields: Fields<'_>) -> Option<(u32, u64, u64)> {
    Some((fields.u32()?, fields.u32()?.into(), fields.u32()?.into()))
}

fn wide_descriptor(mut fields: Fields<'_>) -> Option<(u32, u64, u64)> {
    Some((fields.u32()?, fields.u64()?, fields.u64()?))
}
