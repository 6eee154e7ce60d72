//! Archives as the input describes them, with a correct authentication code.
//!
//! An input is [`KNOBS`] bytes and then the packed bytes. A knob of 0 changes
//! nothing, so zeros in front of any Deflate stream make a good archive. The `zip`
//! crate encrypts; the headers are written here, where they can be false.

use std::{
    io::{Cursor, Write},
    ops::Range,
};

use zip::{AesMode, AesSalt, CompressionMethod, ZipWriter, write::SimpleFileOptions};

pub(crate) const NAME: &str = "dd_risk_corp.json";
pub(crate) const PASSWORD: &[u8] = b"fuzz-password";
pub(crate) const KNOBS: usize = 16;

const SALT: &[u8; 16] = b"salt of a fuzzer";
const MAC_LEN: usize = 10;

/// The description of an archive that an input contains.
pub(crate) struct Recipe<'a> {
    knobs: [u8; KNOBS],
    pub(crate) packed: &'a [u8],
}

/// An archive, and the places of its parts.
pub(crate) struct Made {
    pub(crate) bytes: Vec<u8>,
    /// The encrypted entry.
    pub(crate) body: Range<usize>,
    /// The fields that both headers have: flags, method, name, AES field. A change
    /// in one header makes them disagree.
    pub(crate) repeated: Vec<Range<usize>>,
}

impl<'a> Recipe<'a> {
    /// Parses an input; `None` if it is too short.
    pub(crate) fn new(input: &'a [u8]) -> Option<Self> {
        let (knobs, packed) = input.split_first_chunk()?;
        Some(Self { knobs: *knobs, packed })
    }

    fn knob(&self, at: usize) -> u8 {
        self.knobs[at]
    }

    fn wide_knob(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.knobs[at], self.knobs[at + 1]])
    }

    fn bit(&self, at: usize, bit: u8) -> bool {
        self.knobs[at] >> bit & 1 == 1
    }

    /// The compression method that the headers name.
    pub(crate) fn method(&self) -> u16 {
        match self.knob(0) {
            0 => 8,
            1 => 0,
            other => other.into(),
        }
    }

    /// 1 to 3, for keys of 128, 192 and 256 bits.
    pub(crate) fn strength(&self) -> u8 {
        3 - self.knob(1) % 3
    }

    /// AE-1, AE-2 or an undefined version.
    pub(crate) fn version(&self) -> u16 {
        match self.knob(2) {
            0 => 2,
            other => other.into(),
        }
    }

    /// 0 for no data descriptor; 1 to 4: with or without a signature, in 32 or 64 bits.
    pub(crate) fn descriptor(&self) -> u8 {
        self.knob(3) % 5
    }

    /// The flag bit that is flipped.
    pub(crate) fn wrong_flag(&self) -> Option<u16> {
        self.knob(4).checked_sub(1).map(|bit| 1 << (bit % 16))
    }

    /// The difference between the declared size and the real one.
    pub(crate) fn size_error(&self) -> i64 {
        i64::from(self.wide_knob(5) as i16)
    }

    /// The bits in which the declared checksum differs from the real one.
    pub(crate) fn crc_error(&self) -> u32 {
        self.wide_knob(7).into()
    }

    pub(crate) fn zip64_entry(&self) -> bool {
        self.bit(9, 0)
    }

    pub(crate) fn zip64_end(&self) -> bool {
        self.bit(9, 1)
    }

    pub(crate) fn has_neighbours(&self) -> bool {
        self.bit(9, 2)
    }

    pub(crate) fn has_comment(&self) -> bool {
        self.bit(9, 3)
    }

    pub(crate) fn in_folder(&self) -> bool {
        self.bit(9, 4)
    }

    pub(crate) fn twice(&self) -> bool {
        self.bit(9, 5)
    }

    pub(crate) fn bytes_after(&self) -> bool {
        self.bit(9, 6)
    }

    /// Read the ciphertext twice instead of keeping it.
    pub(crate) fn read_twice(&self) -> bool {
        self.bit(10, 0)
    }

    /// Release content before the last check.
    pub(crate) fn streaming(&self) -> bool {
        self.bit(10, 1)
    }

    pub(crate) fn without_stored(&self) -> bool {
        self.bit(10, 2)
    }

    pub(crate) fn weak_keys_allowed(&self) -> bool {
        self.bit(10, 3)
    }

    pub(crate) fn folders_allowed(&self) -> bool {
        self.bit(10, 4)
    }

    /// Read once more with a thread that decompresses ahead.
    pub(crate) fn ahead(&self) -> bool {
        self.bit(10, 5)
    }

    /// The number of bytes of content taken at once.
    pub(crate) fn step(&self) -> usize {
        match self.knob(11) {
            0 => usize::MAX,
            some => some.into(),
        }
    }

    /// A change of one byte in the finished archive: its place and the flipped bits.
    pub(crate) fn tampering(&self, len: usize) -> Option<(usize, u8)> {
        let mask = self.knob(12);
        (mask != 0).then(|| (usize::from(self.wide_knob(13)) % len, mask))
    }

    /// Builds the archive from the declared size and the real checksum.
    pub(crate) fn archive(&self, size: u64, crc32: u32) -> Made {
        let ae1 = self.version() == 1;
        let body = seal(self.packed, self.strength());
        let entry = Entry {
            name: self.path(),
            flags: self.flags(),
            crc32: if ae1 { crc32 ^ self.crc_error() } else { self.crc_error() },
            size,
            zip64: self.zip64_entry(),
            descriptor: self.descriptor(),
            aes: [&self.version().to_le_bytes(), b"AE".as_slice(), &[self.strength()]].concat(),
            method: self.method(),
            body,
        };
        let mut archive = Archive::default();
        if self.has_neighbours() {
            archive.add_plain("before");
        }
        let body = archive.add(&entry);
        if self.twice() {
            archive.add(&entry);
        }
        if self.has_neighbours() {
            archive.add_plain("after");
        }
        let comment: &[u8] = if self.has_comment() { b"PK\x05\x06 is no end record" } else { b"" };
        let repeated = archive.repeated();
        let mut bytes = archive.end(self.zip64_end(), comment);
        if self.bytes_after() {
            bytes.push(0);
        }
        Made { bytes, body, repeated }
    }

    /// The entry's name with its folders.
    pub(crate) fn path(&self) -> String {
        format!("{}{NAME}", if self.in_folder() { "a/文件/" } else { "" })
    }

    fn flags(&self) -> u16 {
        let described = if self.descriptor() > 0 { 8 } else { 0 };
        (1 | described) ^ self.wrong_flag().unwrap_or(0)
    }
}

struct Entry {
    name: String,
    flags: u16,
    crc32: u32,
    size: u64,
    zip64: bool,
    descriptor: u8,
    aes: Vec<u8>,
    method: u16,
    body: Vec<u8>,
}

impl Entry {
    /// The part that both headers share: version needed to extra field length.
    fn header(&self, sizes: [u64; 2], crc32: u32, extra_len: usize) -> Vec<u8> {
        let mut header = Vec::new();
        for field in [51, self.flags, 99, 0, 0] {
            push16(&mut header, field);
        }
        push32(&mut header, crc32);
        for size in sizes {
            push32(&mut header, if self.zip64 { u32::MAX } else { size as u32 });
        }
        push16(&mut header, self.name.len() as u16);
        push16(&mut header, extra_len as u16);
        header
    }

    fn extra(&self, [packed, size]: [u64; 2]) -> Vec<u8> {
        let mut extra = vec![0x01, 0x99, 7, 0];
        extra.extend_from_slice(&self.aes);
        push16(&mut extra, self.method);
        if self.zip64 {
            extra.extend_from_slice(&[1, 0, 16, 0]);
            push64(&mut extra, size);
            push64(&mut extra, packed);
        }
        extra
    }

    fn descriptor(&self) -> Vec<u8> {
        let mut bytes = match self.descriptor {
            0 => return Vec::new(),
            1 | 3 => b"PK\x07\x08".to_vec(),
            _ => Vec::new(),
        };
        push32(&mut bytes, self.crc32);
        for size in [self.body.len() as u64, self.size] {
            match self.descriptor {
                1 | 2 => push32(&mut bytes, size as u32),
                _ => push64(&mut bytes, size),
            }
        }
        bytes
    }
}

#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
    local_places: Vec<Range<usize>>,
    central_places: Vec<Range<usize>>,
}

impl Archive {
    /// Adds an entry and returns the place of its body.
    fn add(&mut self, entry: &Entry) -> Range<usize> {
        let offset = self.bytes.len();
        let sizes = [entry.body.len() as u64, entry.size];
        let (local_sizes, local_crc) =
            if entry.descriptor > 0 { ([0, 0], 0) } else { (sizes, entry.crc32) };
        let extra = entry.extra(local_sizes);
        self.bytes.extend_from_slice(b"PK\x03\x04");
        self.bytes.extend_from_slice(&entry.header(local_sizes, local_crc, extra.len()));
        self.bytes.extend_from_slice(entry.name.as_bytes());
        self.bytes.extend_from_slice(&extra);
        let start = self.bytes.len();
        self.local_places.extend([offset + 6..offset + 10, offset + 30..start - zip64_len(entry)]);
        self.bytes.extend_from_slice(&entry.body);
        let body = start..self.bytes.len();
        self.bytes.extend_from_slice(&entry.descriptor());

        let extra = entry.extra(sizes);
        let line = self.directory.len();
        self.directory.extend_from_slice(b"PK\x01\x02\x33\x00");
        self.directory.extend_from_slice(&entry.header(sizes, entry.crc32, extra.len()));
        self.directory.extend_from_slice(&[0; 10]);
        push32(&mut self.directory, offset as u32);
        self.directory.extend_from_slice(entry.name.as_bytes());
        self.directory.extend_from_slice(&extra);
        let end = self.directory.len() - zip64_len(entry);
        self.central_places.extend([line + 8..line + 12, line + 46..end]);
        self.entries += 1;
        body
    }

    /// An empty entry, stored and not encrypted.
    fn add_plain(&mut self, name: &str) {
        let offset = self.bytes.len();
        let mut header = vec![0; 22];
        push16(&mut header, name.len() as u16);
        push16(&mut header, 0);
        self.bytes.extend_from_slice(b"PK\x03\x04");
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(name.as_bytes());
        self.directory.extend_from_slice(b"PK\x01\x02\x00\x00");
        self.directory.extend_from_slice(&header);
        self.directory.extend_from_slice(&[0; 10]);
        push32(&mut self.directory, offset as u32);
        self.directory.extend_from_slice(name.as_bytes());
        self.entries += 1;
    }

    fn repeated(&self) -> Vec<Range<usize>> {
        let at = self.bytes.len();
        let central = self.central_places.iter().map(|range| at + range.start..at + range.end);
        self.local_places.iter().cloned().chain(central).collect()
    }

    fn end(self, zip64: bool, comment: &[u8]) -> Vec<u8> {
        let Self { mut bytes, directory, entries, .. } = self;
        let (offset, size) = (bytes.len(), directory.len());
        bytes.extend_from_slice(&directory);
        let record_at = bytes.len();
        if zip64 {
            bytes.extend_from_slice(b"PK\x06\x06");
            push64(&mut bytes, 44);
            bytes.extend_from_slice(&[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            for field in [entries.into(), entries.into(), size as u64, offset as u64] {
                push64(&mut bytes, field);
            }
            bytes.extend_from_slice(b"PK\x06\x07\0\0\0\0");
            push64(&mut bytes, record_at as u64);
            push32(&mut bytes, 1);
        }
        bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        push16(&mut bytes, entries);
        push16(&mut bytes, entries);
        push32(&mut bytes, size as u32);
        push32(&mut bytes, if zip64 { u32::MAX } else { offset as u32 });
        push16(&mut bytes, comment.len() as u16);
        bytes.extend_from_slice(comment);
        bytes
    }
}

/// The length of the zip64 field, which may differ between the headers and comes last.
fn zip64_len(entry: &Entry) -> usize {
    if entry.zip64 { 20 } else { 0 }
}

/// Salt, check value, ciphertext, authentication code: what the `zip` crate writes
/// for a stored entry of these bytes.
fn seal(packed: &[u8], strength: u8) -> Vec<u8> {
    const NAME: &str = "-";
    let mode = match strength {
        1 => AesMode::Aes128,
        2 => AesMode::Aes192,
        _ => AesMode::Aes256,
    };
    let salt = AesSalt::try_new(mode, &SALT[..mode.salt_length()]).expect("a salt of that length");
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .with_aes_encryption_and_salt(PASSWORD, salt);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(NAME, options).expect("nothing is wrong with the options");
    zip.write_all(packed).expect("memory takes all");
    let archive = zip.finish().expect("memory takes all").into_inner();
    let body_at = 30 + NAME.len() + 11;
    let directory_at = body_at + 2 + mode.salt_length() + packed.len() + MAC_LEN;
    assert!(archive[directory_at..].starts_with(b"PK\x01\x02"), "the AES field is the only one");
    archive[body_at..directory_at].to_vec()
}

fn push16(bytes: &mut Vec<u8>, value: u16) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

fn push32(bytes: &mut Vec<u8>, value: u32) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

fn push64(bytes: &mut Vec<u8>, value: u64) {
    bytes.extend_from_slice(&value.to_le_bytes());
}
