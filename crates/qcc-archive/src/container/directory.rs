//! Reads the central directory in pieces and within limits.

use crate::{
    Entry, Error, ErrorKind, LimitKind, Options, ReadAt,
    container::{end::End, extra::Extra, fields::Fields},
};

const SIGNATURE: [u8; 4] = *b"PK\x01\x02";
const HEADER_LEN: usize = 46;
pub(crate) const LOCAL_HEADER_LEN: u64 = 30;

/// The least number of bytes read at once, where there are as many.
const READ_LEN: usize = 64 * 1024;

/// Reads all entries and checks that they do not overlap and start at byte 0.
///
/// Memory grows with the bytes read, never with a declared count.
pub(crate) fn read<S: ReadAt>(
    source: &S,
    end: &End,
    options: &Options,
) -> Result<Vec<Entry>, Error> {
    let over = |which, limit| Error::new(ErrorKind::Limit { which, limit });
    if end.directory.end - end.directory.start > options.max_directory_bytes {
        return Err(over(LimitKind::DirectoryBytes, options.max_directory_bytes));
    }
    let mut window = Window::new(source, end);
    let mut entries = Vec::new();
    while !window.is_empty() {
        if entries.len() as u64 >= options.max_entries {
            return Err(over(LimitKind::Entries, options.max_entries));
        }
        entries.push(window.entry(options)?);
    }
    if entries.len() as u64 != end.entries {
        return Err(ErrorKind::Malformed("the entry count differs from the declared one").into());
    }
    check_layout(&entries, end.directory.start)?;
    Ok(entries)
}

/// Checks that the entries lie one after the other, from byte 0, before the
/// directory. Local headers may be longer than the directory shows, so this uses
/// each entry's minimum; the requested entry is measured exactly later.
fn check_layout(entries: &[Entry], directory: u64) -> Result<(), Error> {
    let mut spans = entries.iter().map(least_span).collect::<Option<Vec<_>>>();
    let spans = spans.as_mut().ok_or(ErrorKind::Overlap)?;
    spans.sort_unstable();
    match spans.first() {
        Some((0, _)) => {}
        None if directory == 0 => {}
        _ => return Err(ErrorKind::Malformed("bytes before the first entry").into()),
    }
    let next_starts = spans.iter().skip(1).map(|(start, _)| *start).chain([directory]);
    if spans.iter().zip(next_starts).any(|((_, end), next)| *end > next) {
        return Err(ErrorKind::Overlap.into());
    }
    Ok(())
}

fn least_span(entry: &Entry) -> Option<(u64, u64)> {
    let end = entry
        .header_offset
        .checked_add(LOCAL_HEADER_LEN + entry.name.len() as u64)?
        .checked_add(entry.compressed_size)?;
    Some((entry.header_offset, end))
}

/// A buffer that slides over the directory.
struct Window<'a, S> {
    source: &'a S,
    next_read: u64,
    end: u64,
    bytes: Vec<u8>,
    at: usize,
}

impl<'a, S: ReadAt> Window<'a, S> {
    fn new(source: &'a S, end: &End) -> Self {
        let next_read = end.directory.start;
        Self { source, next_read, end: end.directory.end, bytes: Vec::new(), at: 0 }
    }

    fn is_empty(&self) -> bool {
        self.at == self.bytes.len() && self.next_read == self.end
    }

    fn take(&mut self, len: usize) -> Result<&[u8], Error> {
        if self.bytes.len() - self.at < len {
            self.refill(len)?;
        }
        let start = self.at;
        self.at += len;
        self.bytes.get(start..self.at).ok_or_else(|| malformed().into())
    }

    /// Reads on until `len` bytes are buffered.
    #[expect(clippy::indexing_slicing, reason = "`kept` is the length before the buffer grew")]
    fn refill(&mut self, len: usize) -> Result<(), Error> {
        self.bytes.drain(..self.at);
        self.at = 0;
        let missing = len - self.bytes.len();
        let unread = usize::try_from(self.end - self.next_read).unwrap_or(usize::MAX);
        if missing > unread {
            return Err(malformed().into());
        }
        let kept = self.bytes.len();
        let more = missing.max(READ_LEN).min(unread);
        self.bytes.resize(kept + more, 0);
        let fresh = &mut self.bytes[kept..];
        self.source.read_exact_at(fresh, self.next_read).map_err(Error::io)?;
        self.next_read += more as u64;
        Ok(())
    }

    fn entry(&mut self, options: &Options) -> Result<Entry, Error> {
        let header = Header::parse(self.take(HEADER_LEN)?).ok_or_else(malformed)?;
        if u64::from(header.name_len) > options.max_name_bytes {
            let limit = options.max_name_bytes;
            return Err(ErrorKind::Limit { which: LimitKind::NameBytes, limit }.into());
        }
        let (name_len, extra_len) = (usize::from(header.name_len), usize::from(header.extra_len));
        let variable = self.take(name_len + extra_len + usize::from(header.comment_len))?;
        let (name, rest) = variable.split_at_checked(name_len).ok_or_else(malformed)?;
        let extra = rest.get(..extra_len).ok_or_else(malformed)?;
        header.entry(name, &Extra::parse(extra))
    }
}

fn malformed() -> ErrorKind {
    ErrorKind::Malformed("invalid central directory header")
}

/// The fixed part of a directory header.
struct Header {
    made_on: u8,
    flags: u16,
    method: u16,
    crc32: u32,
    compressed_size: u32,
    size: u32,
    name_len: u16,
    extra_len: u16,
    comment_len: u16,
    disk: u16,
    attributes: u32,
    offset: u32,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        fields.signature(SIGNATURE)?;
        let _version = fields.u8()?;
        let made_on = fields.u8()?;
        let _needed = fields.u16()?;
        let (flags, method) = (fields.u16()?, fields.u16()?);
        let _time_and_date = fields.u32()?;
        let (crc32, compressed_size, size) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (name_len, extra_len, comment_len) = (fields.u16()?, fields.u16()?, fields.u16()?);
        let disk = fields.u16()?;
        let _internal_attributes = fields.u16()?;
        let (attributes, offset) = (fields.u32()?, fields.u32()?);
        Some(Self {
            made_on,
            flags,
            method,
            crc32,
            compressed_size,
            size,
            name_len,
            extra_len,
            comment_len,
            disk,
            attributes,
            offset,
        })
    }

    fn entry(&self, name: &[u8], extra: &Extra<'_>) -> Result<Entry, Error> {
        let [size, compressed_size, header_offset] = extra
            .widen([self.size, self.compressed_size, self.offset])
            .ok_or(ErrorKind::Malformed("invalid zip64 field"))?;
        // 0xffff means that the disk number is in the zip64 field, as its last value.
        let zip64_is_disk_0 = |zip64: &[u8]| zip64.len() % 8 == 4 && zip64.ends_with(&[0; 4]);
        let in_zip64 = self.disk == u16::MAX && extra.zip64.is_some_and(zip64_is_disk_0);
        if self.disk != 0 && !in_zip64 {
            return Err(ErrorKind::MultiDisk.into());
        }
        Ok(Entry {
            name: name.into(),
            other_name: extra.unicode_path.filter(|path| *path != name).map(Into::into),
            flags: self.flags,
            method: self.method,
            crc32: self.crc32,
            compressed_size,
            size,
            header_offset,
            aes: extra.aes,
            extra_is_sound: extra.is_sound,
            is_regular: self.is_regular(),
        })
    }

    /// Not a folder, link, device or volume label.
    fn is_regular(&self) -> bool {
        const UNIX: u8 = 3;
        const MACOS: u8 = 19;
        const DOS_FOLDER_OR_LABEL: u32 = 0x18;
        // 7-Zip marks an entry that it read from standard input as a pipe.
        const UNSET_PIPE_OR_FILE: [u32; 3] = [0, 1, 8];
        let of_unix = matches!(self.made_on, UNIX | MACOS);
        self.attributes & DOS_FOLDER_OR_LABEL == 0
            && (!of_unix || UNSET_PIPE_OR_FILE.contains(&(self.attributes >> 28)))
    }
}
