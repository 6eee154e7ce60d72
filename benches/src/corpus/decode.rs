//! Reads one archive, and describes the outcome.

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, BufRead},
    path::Path,
};

use qcc_archive::{Archive, Error, ErrorKind, KeyStrength, Options, ReadAt, Verified};
use qcc_proto::{ItemRef, ReaderLimits, RecordReader, RecordRef};
use sha2::{Digest, Sha256};

use super::manifest::Row;

/// The vendor's document; entries of other names are content and nothing more.
const DOCUMENT: &str = "dd_risk_corp.json";

/// What our readers made of an archive.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The archive was refused; `released` bytes of plaintext had been returned by then.
    Refused { error: Error, released: u64 },
    /// The archive was right, the document in it was not.
    DocumentRefused { error: String },
    /// All was right.
    Accepted(Accepted),
    /// The file could not be opened at all.
    Unreadable(io::Error),
}

/// What an accepted archive held.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    pub(super) size: u64,
    pub(super) sha256: String,
    /// It was taken only by options wider than the defaults.
    pub(super) relaxed: bool,
    pub(super) document: Option<Document>,
}

/// What the document in it held.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) records: u64,
    pub(super) set_aside: u64,
    /// SHA-256 over the records that stand, by `id`: their fields joined by
    /// U+001F, each record ended by a line feed.
    pub(super) digest: String,
}

impl Outcome {
    /// Whether a reader that streams would have acted on a refused archive.
    pub(super) fn released_then_refused(&self) -> bool {
        matches!(self, Self::Refused { released, .. } if *released > 0)
    }
}

/// Reads one archive: as it is by default, and where only the policy stands
/// against it, once more with a wider one.
pub(super) fn decode(folder: &Path, row: &Row) -> Outcome {
    let file = match File::open(folder.join(&row.path)) {
        Ok(file) => file,
        Err(error) => return Outcome::Unreadable(error),
    };
    let strict = decode_with(&file, row, Options::default());
    let Outcome::Refused { error, .. } = &strict else { return strict };
    let by_policy = matches!(error.kind(), ErrorKind::WeakEncryption(_))
        || matches!(error.kind(), ErrorKind::NoSuchEntry { .. });
    if !by_policy {
        return strict;
    }
    let wider =
        Options::default().with_min_strength(KeyStrength::Aes128).with_directory_prefix(true);
    match decode_with(&file, row, wider) {
        Outcome::Accepted(accepted) => Outcome::Accepted(Accepted { relaxed: true, ..accepted }),
        _ => strict,
    }
}

fn decode_with(file: &File, row: &Row, options: Options) -> Outcome {
    let verified = Archive::open(file, options)
        .and_then(|archive| archive.into_authenticated(wanted(row), row.password.as_bytes()));
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => return Outcome::Refused { error, released: 0 },
    };
    let mut accepted = match content(&verified) {
        Ok(accepted) => accepted,
        Err((error, released)) => return Outcome::Refused { error, released },
    };
    if wanted(row) == DOCUMENT {
        match document(&verified) {
            Ok(document) => accepted.document = Some(document),
            Err(error) => return Outcome::DocumentRefused { error },
        }
    }
    Outcome::Accepted(accepted)
}

/// The name to ask for. A row that expects no such entry names the entry that
/// is there instead of the document.
fn wanted(row: &Row) -> &str {
    if row.expected.contains("no-entry") { DOCUMENT } else { &row.entry }
}

/// Hashes the content; an error comes with what had been released by then.
fn content<S: ReadAt>(verified: &Verified<S>) -> Result<Accepted, (Error, u64)> {
    let mut reader = verified.reader();
    let mut hasher = Sha256::new();
    let mut size = 0;
    loop {
        let piece = match reader.fill_buf() {
            Ok(piece) => piece,
            Err(error) => {
                let error = Error::from_io(&error).cloned();
                // Reading fails with an error of the archive and nothing else.
                return Err((error.unwrap_or_else(unexplained), size));
            }
        };
        if piece.is_empty() {
            let sha256 = hex(&hasher.finalize());
            return Ok(Accepted { size, sha256, ..Accepted::default() });
        }
        let len = piece.len();
        hasher.update(piece);
        size += len as u64;
        reader.consume(len);
    }
}

#[expect(clippy::panic, reason = "a reader that breaks its contract must stop the run")]
fn unexplained() -> Error {
    panic!("the reader failed without one of its own errors")
}

/// Reads the records; the error is the reader's text.
fn document<S: ReadAt>(verified: &Verified<S>) -> Result<Document, String> {
    let mut reader = RecordReader::new(verified.reader(), ReaderLimits::default());
    let mut standing = BTreeMap::new();
    while let Some(item) = reader.next_ref().map_err(|error| error.to_string())? {
        if let ItemRef::Record { record, .. } = item {
            standing.insert(record.id.to_owned(), line(&record));
        }
    }
    let summary = reader.finish().map_err(|error| error.to_string())?;
    let mut hasher = Sha256::new();
    standing.values().for_each(|line| hasher.update(line));
    Ok(Document {
        records: summary.records,
        set_aside: summary.set_aside,
        digest: hex(&hasher.finalize()),
    })
}

fn line(record: &RecordRef<'_>) -> String {
    let text = |field: Option<&str>| field.unwrap_or_default().to_owned();
    let fields = [
        record.id.to_owned(),
        text(record.corp_key_no),
        text(record.corp_name),
        text(record.monitor_content),
        text(record.monitor_level),
        text(record.monitor_type),
        record.score.map(|score| score.to_string()).unwrap_or_default(),
        text(record.change_date),
    ];
    fields.join("\u{1f}") + "\n"
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { error, released: 0 } => write!(f, "refused: {error}"),
            Self::Refused { error, released } => {
                write!(f, "refused after {released} bytes: {error}")
            }
            Self::DocumentRefused { error } => write!(f, "document refused: {error}"),
            Self::Unreadable(error) => write!(f, "not read: {error}"),
            Self::Accepted(accepted) => {
                write!(f, "accepted, {} bytes, {}", accepted.size, accepted.sha256)?;
                if let Some(Document { records, set_aside, .. }) = &accepted.document {
                    write!(f, ", {records} records, {set_aside} set aside")?;
                }
                if accepted.relaxed {
                    f.write_str(", by wider options")?;
                }
                Ok(())
            }
        }
    }
}
