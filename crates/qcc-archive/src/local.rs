//! The entry's own header must say what the central directory says.
//!
//! The MAC covers neither of them, and readers differ in which they believe;
//! where both agree there is nothing to differ about.

use std::ops::Range;

use crate::{
    Entry, Error, ErrorKind, ReadAt,
    directory::LOCAL_HEADER_LEN,
    entry::flag,
    extra::{Extra, IN_ZIP64},
    fields::Fields,
};

const SIGNATURE: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR_SIGNATURE: [u8; 4] = *b"PK\x07\x08";
const LONGEST_DESCRIPTOR: u64 = 24;

/// Checks the header of `entry` and says where its bytes lie.
///
/// `limit` is where the next entry, or the directory, begins.
pub(crate) fn locate<S: ReadAt>(
    source: &S,
    entry: &Entry,
    limit: u64,
) -> Result<Range<u64>, Error> {
    let variable_at = entry.header_offset + LOCAL_HEADER_LEN;
    if variable_at > limit {
        return Err(ErrorKind::Overlap.into());
    }
    let mut fixed = [0; LOCAL_HEADER_LEN as usize];
    source.read_exact_at(&mut fixed, entry.header_offset).map_err(Error::io)?;
    let header = Header::parse(&fixed).ok_or(ErrorKind::Malformed("the entry's header"))?;

    let (name_len, extra_len) = (usize::from(header.name_len), usize::from(header.extra_len));
    let start = variable_at + (name_len + extra_len) as u64;
    let end = start.checked_add(entry.compressed_size).filter(|end| *end <= limit);
    let end = end.ok_or(ErrorKind::Overlap)?;
    let mut variable = vec![0; name_len + extra_len];
    source.read_exact_at(&mut variable, variable_at).map_err(Error::io)?;
    let (name, extra) = variable.split_at_checked(name_len).unwrap_or_default();

    header.compare(entry, name, &Extra::parse(extra))?;
    if entry.flags & flag::DATA_DESCRIPTOR != 0 {
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
            return Err(ErrorKind::Malformed("the entry's extra fields").into());
        }
        let [size, compressed_size] = extra
            .widen([self.size, self.compressed_size])
            .ok_or(ErrorKind::Malformed("the entry's zip64 field"))?;
        // With a descriptor behind the data, a header may leave them open.
        let open = self.flags & flag::DATA_DESCRIPTOR != 0;
        let left_open = |value: u64| open && (value == 0 || value == u64::from(IN_ZIP64));
        if compressed_size != entry.compressed_size && !left_open(compressed_size) {
            return differs("the compressed size");
        }
        if size != entry.size && !left_open(size) {
            return differs("the size");
        }
        if self.crc32 != entry.crc32 && !(open && self.crc32 == 0) {
            return differs("the CRC");
        }
        Ok(())
    }
}

/// Behind the data stand CRC and sizes once more: with or without a
/// signature, the sizes in 32 or 64 bits. One of the four forms must fit.
fn check_descriptor<S: ReadAt>(source: &S, entry: &Entry, room: Range<u64>) -> Result<(), Error> {
    let len = (room.end - room.start).min(LONGEST_DESCRIPTOR);
    let mut bytes = [0; LONGEST_DESCRIPTOR as usize];
    let bytes = bytes.get_mut(..len as usize).unwrap_or_default();
    source.read_exact_at(bytes, room.start).map_err(Error::io)?;

    let unsigned = Fields(bytes);
    let mut signed = unsigned;
    let signed = signed.signature(DESCRIPTOR_SIGNATURE).map(|()| signed);
    let wanted = (entry.crc32, entry.compressed_size, entry.size);
    let fits = [signed, Some(unsigned)].into_iter().flatten().any(|fields| {
        narrow_descriptor(fields) == Some(wanted) || wide_descriptor(fields) == Some(wanted)
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
