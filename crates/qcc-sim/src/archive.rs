//! The encrypted zip around the document.

use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use qcc_proto::ShanghaiTime;
use rand::Rng as _;
use zip::{
    AesMode, AesSalt, CompressionMethod, DateTime, ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

use crate::{
    ArchiveDialect, Container, SimRecord,
    document::Document,
    record::Item,
    seed::{self, Rng},
};

/// The document's name in the archive.
pub(crate) const DOCUMENT: &str = "dd_risk_corp.json";

/// Describes an archive to write, for benchmarks and tests that need one without a
/// simulated vendor.
///
/// ```
/// use std::io::Cursor;
///
/// use qcc_sim::{ArchiveSpec, sample_records, write_archive};
///
/// let spec = ArchiveSpec::new("2022-06-07 10:13:42".parse()?, 1000, "9TkwzCSilJpsLZyXImLK");
/// let archive = write_archive(&spec, sample_records(1).take(1000), Cursor::new(Vec::new()))?;
/// assert!(archive.into_inner().starts_with(b"PK\x03\x04"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct ArchiveSpec {
    /// The document's `pushDate`.
    pub push_date: ShanghaiTime,
    /// The document's `totalSize`: the number of records.
    pub total_size: u64,
    /// The password.
    pub password: String,
    /// The form of archive and document.
    pub dialect: ArchiveDialect,
    /// Determines the salt and the order of shuffled fields.
    pub seed: u64,
    pub(crate) protection: Protection,
    pub(crate) broken_off: bool,
}

/// How the document is protected; all but the first are faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protection {
    Aes256,
    Aes128,
    None,
}

impl ArchiveSpec {
    /// An archive in the plainest dialect.
    pub fn new(push_date: ShanghaiTime, total_size: u64, password: impl Into<String>) -> Self {
        Self {
            push_date,
            total_size,
            password: password.into(),
            dialect: ArchiveDialect::default(),
            seed: 0,
            protection: Protection::Aes256,
            broken_off: false,
        }
    }

    /// The same in another dialect.
    #[must_use]
    pub fn in_dialect(mut self, dialect: ArchiveDialect) -> Self {
        self.dialect = dialect;
        self
    }
}

impl std::fmt::Debug for ArchiveSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArchiveSpec")
            .field("push_date", &self.push_date)
            .field("total_size", &self.total_size)
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

/// Writes an archive with at most one record in memory.
///
/// The target must be empty and, for AE-2, readable: a file opened for reading and
/// writing, or a `Cursor`. It is returned at an unspecified position. The same input
/// writes the same bytes.
///
/// # Errors
/// Whatever the target reports.
pub fn write_archive<W: Read + Write + Seek>(
    spec: &ArchiveSpec,
    records: impl IntoIterator<Item = SimRecord>,
    target: W,
) -> io::Result<W> {
    write_items(spec, records.into_iter().map(Item::Good), target)
}

/// The same for records good and bad.
pub(crate) fn write_items<W: Read + Write + Seek>(
    spec: &ArchiveSpec,
    items: impl Iterator<Item = Item>,
    mut target: W,
) -> io::Result<W> {
    match spec.dialect.container {
        Container::Ae2Streamed => {
            fill(spec, items, ZipWriter::<StreamWriter<_>>::new_stream(&mut target))?.flush()?;
        }
        Container::Ae1 => {
            fill(spec, items, ZipWriter::new(&mut target))?;
        }
        Container::Ae2 => {
            fill(spec, items, ZipWriter::new(&mut target))?;
            drop_checksums(&mut target)?;
        }
    }
    target.flush()?;
    Ok(target)
}

fn fill<W: Write + Seek>(
    spec: &ArchiveSpec,
    items: impl Iterator<Item = Item>,
    mut zip: ZipWriter<W>,
) -> io::Result<W> {
    let mut salts = seed::derive(spec.seed, "salt", 0);
    if spec.dialect.other_entries {
        zip.start_file("readme.txt", options(spec, &mut salts)?)?;
        zip.write_all("客户风险监测数据，详见 dd_risk_corp.json。\n".as_bytes())?;
    }
    let folder = if spec.dialect.folder { "data/" } else { "" };
    zip.start_file(format!("{folder}{DOCUMENT}"), options(spec, &mut salts)?)?;
    let document = Document {
        push_date: spec.push_date,
        total_size: spec.total_size,
        dialect: &spec.dialect,
        seed: spec.seed,
        broken_off: spec.broken_off,
    };
    let mut buffered = BufWriter::with_capacity(64 * 1024, &mut zip);
    document.write(items, &mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    if spec.dialect.other_entries {
        zip.start_file("fields/readme.txt", options(spec, &mut salts)?)?;
        zip.write_all(b"id: unique\n")?;
    }
    if spec.dialect.comment {
        zip.set_comment("dd_risk_mnr")?;
    }
    Ok(zip.finish()?)
}

fn options<'a>(
    spec: &'a ArchiveSpec,
    salts: &mut Rng,
) -> io::Result<zip::write::FileOptions<'a, 'static, ()>> {
    let method = match spec.dialect.stored {
        true => CompressionMethod::Stored,
        false => CompressionMethod::Deflated,
    };
    let plain = SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(dos_time(spec.push_date))
        .large_file(spec.total_size > 5_000_000);
    let mut salt = [0; 16];
    salts.fill_bytes(&mut salt);
    let password = spec.password.as_bytes();
    Ok(match spec.protection {
        Protection::Aes256 => plain.with_aes_encryption_and_salt(password, AesSalt::Aes256(salt)),
        Protection::Aes128 => {
            let (short, _) = salt.split_at(AesMode::Aes128.salt_length());
            plain.with_aes_encryption_and_salt(password, AesSalt::try_new(AesMode::Aes128, short)?)
        }
        Protection::None => plain,
    })
}

fn dos_time(time: ShanghaiTime) -> DateTime {
    let text = time.to_string();
    let part = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse().ok());
    let small = |from, to| part(from, to).and_then(|number| u8::try_from(number).ok());
    let fields = (part(0, 4), small(5, 7), small(8, 10), small(11, 13), small(14, 16));
    match fields {
        (Some(year), Some(month), Some(day), Some(hour), Some(minute)) => {
            DateTime::from_date_and_time(year, month, day, hour, minute, 0).unwrap_or_default()
        }
        _ => DateTime::default(),
    }
}

/// Turns AE-1 into AE-2, which the `zip` crate writes only to a stream.
///
/// It walks the central directory and, in both headers of each encrypted entry, sets
/// the version to 2 and the CRC to 0.
fn drop_checksums(target: &mut (impl Read + Write + Seek)) -> io::Result<()> {
    let end = target.seek(SeekFrom::End(0))?;
    let tail_at = end.saturating_sub(22 + 64);
    let tail_len = usize::try_from(end - tail_at).map_err(|_| malformed())?;
    let tail = read_at(target, tail_at, tail_len)?;
    let eocd = tail.windows(4).rposition(|w| w == b"PK\x05\x06").ok_or_else(malformed)?;
    let (entries, mut at) =
        (u64::from(read_u16(&tail, eocd + 10)?), u64::from(read_u32(&tail, eocd + 16)?));
    for _ in 0..entries {
        let header = read_at(target, at, 46)?;
        let (name, extra) = (read_u16(&header, 28)?, read_u16(&header, 30)?);
        let local_at = u64::from(read_u32(&header, 42)?);
        mark_ae2(target, at, 16, 46 + u64::from(name), extra)?;
        let local = read_at(target, local_at, 30)?;
        let after_name = 30 + u64::from(read_u16(&local, 26)?);
        mark_ae2(target, local_at, 14, after_name, read_u16(&local, 28)?)?;
        at += 46 + u64::from(name) + u64::from(extra) + u64::from(read_u16(&header, 32)?);
    }
    Ok(())
}

/// Changes the header at `header`, whose extra fields start `extra_at` bytes into it.
fn mark_ae2(
    target: &mut (impl Read + Write + Seek),
    header: u64,
    crc_at: u64,
    extra_at: u64,
    extra_len: u16,
) -> io::Result<()> {
    let extra = read_at(target, header + extra_at, usize::from(extra_len))?;
    let mut at = 0;
    while at + 4 <= extra.len() {
        if read_u16(&extra, at)? == 0x9901 {
            let version_at = u64::try_from(at + 4).map_err(|_| malformed())?;
            write_at(target, header + extra_at + version_at, &[2, 0])?;
            write_at(target, header + crc_at, &[0; 4])?;
        }
        at += 4 + usize::from(read_u16(&extra, at + 2)?);
    }
    Ok(())
}

fn read_at(source: &mut (impl Read + Seek), at: u64, len: usize) -> io::Result<Vec<u8>> {
    source.seek(SeekFrom::Start(at))?;
    let mut bytes = vec![0; len];
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn write_at(target: &mut (impl Write + Seek), at: u64, bytes: &[u8]) -> io::Result<()> {
    target.seek(SeekFrom::Start(at))?;
    target.write_all(bytes)
}

fn read_u16(bytes: &[u8], at: usize) -> io::Result<u16> {
    let field = bytes.get(at..).and_then(|rest| rest.first_chunk()).ok_or_else(malformed)?;
    Ok(u16::from_le_bytes(*field))
}

fn read_u32(bytes: &[u8], at: usize) -> io::Result<u32> {
    let field = bytes.get(at..).and_then(|rest| rest.first_chunk()).ok_or_else(malformed)?;
    Ok(u32::from_le_bytes(*field))
}

fn malformed() -> io::Error {
    io::Error::other("the archive just written has no directory where it should be")
}
