//! Finds the end record and, through it, the central directory.
//!
//! Readers that pick different end records see different entries. So exactly one
//! end record must fit: its comment ends at the last byte, and the directory
//! it points to ends where the record begins.

use std::ops::Range;

use crate::{Error, ErrorKind, FileFormat, ReadAt, container::fields::Fields, sniff};

const RECORD: [u8; 4] = *b"PK\x05\x06";
const RECORD_LEN: usize = 22;
const ZIP64_RECORD: [u8; 4] = *b"PK\x06\x06";
const ZIP64_RECORD_LEN: usize = 56;
const ZIP64_LOCATOR: [u8; 4] = *b"PK\x06\x07";
const ZIP64_LOCATOR_LEN: usize = 20;
const MAX_COMMENT: usize = 0xffff;
/// Enough to recognise a source that is not an archive.
const HEAD_LEN: usize = 4096;

/// The place of the central directory and the number of entries in it.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) directory: Range<u64>,
    pub(crate) entries: u64,
}

impl End {
    pub(crate) fn find<S: ReadAt>(source: &S, len: u64) -> Result<Self, Error> {
        let head = read(source, 0, within(len, HEAD_LEN))?;
        begins_like_a_zip(&head)?;

        let tail_len = within(len, RECORD_LEN + MAX_COMMENT);
        let tail_start = len - tail_len as u64;
        let tail = read(source, tail_start, tail_len)?;

        let mut found = None;
        let mut refused = None;
        let mut nearly = None;
        for (at, window) in tail.windows(RECORD_LEN).enumerate().rev() {
            let Some(record) = Record::parse(window) else { continue };
            let comment_end = at + RECORD_LEN + usize::from(record.comment_len);
            match comment_end.cmp(&tail.len()) {
                std::cmp::Ordering::Less => {
                    nearly.get_or_insert(ErrorKind::Malformed("bytes follow the end record"));
                }
                std::cmp::Ordering::Greater => {
                    nearly.get_or_insert(ErrorKind::Truncated);
                }
                std::cmp::Ordering::Equal => match record.resolve(source, tail_start + at as u64) {
                    Ok(_) if found.is_some() => {
                        return Err(ErrorKind::Malformed("more than one end record fits").into());
                    }
                    Ok(end) => found = Some(end),
                    Err(error) if matches!(error.kind(), ErrorKind::Io | ErrorKind::Changed) => {
                        return Err(error);
                    }
                    Err(error) => {
                        refused.get_or_insert(error);
                    }
                },
            }
        }
        match (found, refused) {
            (Some(end), _) => Ok(end),
            (None, Some(error)) => Err(error),
            (None, None) => Err(nearly.unwrap_or(ErrorKind::Truncated).into()),
        }
    }
}

/// An archive begins with an entry, or with its end record if it has none.
fn begins_like_a_zip(head: &[u8]) -> Result<(), Error> {
    if head.starts_with(b"PK\x07\x08") || head.starts_with(b"PK00PK") {
        return Err(ErrorKind::MultiDisk.into());
    }
    match sniff(head) {
        FileFormat::Zip => Ok(()),
        other => Err(ErrorKind::NotAnArchive(other).into()),
    }
}

/// The smaller of `len` and `limit`.
fn within(len: u64, limit: usize) -> usize {
    usize::try_from(len).map_or(limit, |len| len.min(limit))
}

fn read<S: ReadAt>(source: &S, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; len];
    source.read_exact_at(&mut bytes, offset).map_err(Error::io)?;
    Ok(bytes)
}

struct Record {
    disk: u16,
    directory_disk: u16,
    disk_entries: u16,
    entries: u16,
    size: u32,
    offset: u32,
    comment_len: u16,
}

impl Record {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        fields.signature(RECORD)?;
        Some(Self {
            disk: fields.u16()?,
            directory_disk: fields.u16()?,
            disk_entries: fields.u16()?,
            entries: fields.u16()?,
            size: fields.u32()?,
            offset: fields.u32()?,
            comment_len: fields.u16()?,
        })
    }

    /// Checks this record, which is at `at`, and the zip64 record before it.
    fn resolve<S: ReadAt>(&self, source: &S, at: u64) -> Result<End, Error> {
        if self.disk != self.directory_disk
            || self.disk_entries != self.entries
            || !matches!(self.disk, 0 | u16::MAX)
        {
            return Err(ErrorKind::MultiDisk.into());
        }
        let (directory, entries) = match zip64(source, at)? {
            Some(wide) => {
                self.agrees_with(&wide)?;
                (wide.directory()?, wide.entries)
            }
            None if self.disk != 0 => return Err(ErrorKind::MultiDisk.into()),
            None => (span(self.offset.into(), self.size.into(), at)?, self.entries.into()),
        };
        Ok(End { directory, entries })
    }

    /// Each field repeats the value of the zip64 record or defers to it.
    fn agrees_with(&self, wide: &Zip64Record) -> Result<(), Error> {
        let entries = self.entries == u16::MAX || u64::from(self.entries) == wide.entries;
        let size = self.size == u32::MAX || u64::from(self.size) == wide.size;
        let offset = self.offset == u32::MAX || u64::from(self.offset) == wide.offset;
        if entries && size && offset {
            return Ok(());
        }
        Err(ErrorKind::Malformed("the two end records disagree").into())
    }
}

/// The directory ends exactly where the record that describes it begins.
fn span(offset: u64, size: u64, record_at: u64) -> Result<Range<u64>, Error> {
    match offset.checked_add(size) {
        Some(end) if end == record_at => Ok(offset..end),
        _ => {
            Err(ErrorKind::Malformed("the central directory does not end at the end record").into())
        }
    }
}

struct Zip64Record {
    at: u64,
    entries: u64,
    size: u64,
    offset: u64,
}

impl Zip64Record {
    fn directory(&self) -> Result<Range<u64>, Error> {
        span(self.offset, self.size, self.at)
    }
}

/// The zip64 end record, if its locator precedes the end record at `end`.
fn zip64<S: ReadAt>(source: &S, end: u64) -> Result<Option<Zip64Record>, Error> {
    let Some(locator_at) = end.checked_sub(ZIP64_LOCATOR_LEN as u64) else {
        return Ok(None);
    };
    let locator = read(source, locator_at, ZIP64_LOCATOR_LEN)?;
    let mut fields = Fields(&locator);
    if fields.signature(ZIP64_LOCATOR).is_none() {
        return Ok(None);
    }
    let malformed = || Error::new(ErrorKind::Malformed("invalid zip64 end record"));
    let disk = fields.u32().ok_or_else(malformed)?;
    let at = fields.u64().ok_or_else(malformed)?;
    let disks = fields.u32().ok_or_else(malformed)?;
    if disk != 0 || disks > 1 {
        return Err(ErrorKind::MultiDisk.into());
    }
    if at.checked_add(ZIP64_RECORD_LEN as u64).is_none_or(|record_end| record_end > locator_at) {
        return Err(malformed());
    }
    let bytes = read(source, at, ZIP64_RECORD_LEN)?;
    let record = zip64_record(&bytes, at, locator_at).ok_or_else(malformed)?;
    record.map(Some)
}

fn zip64_record(bytes: &[u8], at: u64, end: u64) -> Option<Result<Zip64Record, Error>> {
    let mut fields = Fields(bytes);
    fields.signature(ZIP64_RECORD)?;
    let remaining = fields.u64()?;
    if at.checked_add(12)?.checked_add(remaining)? != end {
        return None;
    }
    let _made_by_and_needed = fields.u32()?;
    let (disk, directory_disk) = (fields.u32()?, fields.u32()?);
    let (disk_entries, entries) = (fields.u64()?, fields.u64()?);
    let (size, offset) = (fields.u64()?, fields.u64()?);
    if disk != 0 || directory_disk != 0 || disk_entries != entries {
        return Some(Err(ErrorKind::MultiDisk.into()));
    }
    Some(Ok(Zip64Record { at, entries, size, offset }))
}
