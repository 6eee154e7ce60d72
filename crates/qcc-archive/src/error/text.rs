//! The one-line message of each error, and the advice that goes with it.

use std::fmt;

use super::{Error, ErrorKind, LimitKind};
use crate::FileFormat;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnArchive(format) => not_an_archive(format, f),
            Self::Truncated => f.write_str("the archive is truncated"),
            Self::Malformed(what) => write!(f, "malformed archive: {what}"),
            Self::MultiDisk => f.write_str("the archive is one part of a multi-volume archive"),
            Self::NoSuchEntry { wanted, found } => no_such_entry(wanted, found, f),
            Self::DuplicateEntry => f.write_str("more than one entry has the requested name"),
            Self::NotAFile => f.write_str("the requested entry is not a regular file"),
            Self::Overlap => f.write_str("entries overlap each other or the central directory"),
            Self::HeaderMismatch { field } => {
                write!(f, "the local header and the central directory disagree about {field}")
            }
            Self::NotEncrypted => f.write_str("the entry is not encrypted"),
            Self::WeakEncryption(found) => {
                write!(f, "the entry is protected by {found}, which is weaker than required")
            }
            Self::UnsupportedMethod(method) => {
                write!(f, "the entry uses compression method {method}, which is not accepted")
            }
            Self::UnsupportedFeature(what) => {
                write!(f, "the entry uses {what}, which is not supported")
            }
            Self::WrongPassword => {
                f.write_str("wrong password, or the entry's salt or check value is damaged")
            }
            Self::Tampered => f.write_str("the authentication code does not match"),
            Self::Checksum => f.write_str("the checksum does not match"),
            Self::Size { declared } => {
                write!(f, "the content does not have the declared size of {declared} bytes")
            }
            Self::Inflate => f.write_str("the content is not a complete Deflate stream"),
            Self::TrailingData => f.write_str("bytes follow the end of the compressed content"),
            Self::DisguisedDeflate => {
                f.write_str("the entry is marked as stored but holds a Deflate stream")
            }
            Self::Limit { which, limit } => over_limit(*which, *limit, f),
            Self::Changed => f.write_str("the archive changed while it was read"),
            Self::Io => f.write_str("reading the archive failed"),
        }
    }
}

impl ErrorKind {
    /// What a person can do about it, in one or two sentences.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NotAnArchive(format) => about_format(format),
            Self::Truncated | Self::Malformed(_) | Self::Inflate | Self::TrailingData => {
                "Download the archive again. If it arrives the same, its writer is at fault."
            }
            Self::MultiDisk => "Ask for a single-volume archive.",
            Self::NoSuchEntry { .. } => {
                "Check the requested name; allow folders if the entry is in one."
            }
            Self::DuplicateEntry => {
                "Ask the sender which entry is meant; the archive may have been altered."
            }
            Self::NotAFile => "Check the requested name, or download the archive again.",
            Self::Overlap | Self::HeaderMismatch { .. } | Self::Checksum | Self::Size { .. } => {
                "Download the archive again. If it arrives the same, it was altered or its \
                 writer is at fault."
            }
            Self::DisguisedDeflate => {
                "Download the archive again; its headers may have been altered. Allow this if \
                 the sender stores Deflate streams on purpose."
            }
            Self::NotEncrypted => {
                "Do not use the content: without encryption nothing proves who wrote it."
            }
            Self::WeakEncryption(_) => {
                "Ask for stronger encryption, or lower the minimum key strength if the sender \
                 uses it on purpose."
            }
            Self::UnsupportedMethod(_) | Self::UnsupportedFeature(_) => {
                "Ask for an archive with Deflate and WinZip AES and no other features."
            }
            Self::WrongPassword => {
                "Use the password that came with this archive, or download it again."
            }
            Self::Tampered => {
                "Download the archive again: it was damaged or altered, or (1 in 65,536) the \
                 password is wrong."
            }
            Self::Limit { .. } => "Raise the limit if an archive of this size is expected.",
            Self::Changed => "Read the archive again once nothing writes to it.",
            Self::Io => "Check the disk and the file's permissions, then read the archive again.",
        }
    }
}

fn not_an_archive(format: &FileFormat, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("not a zip archive: ")?;
    match format {
        FileFormat::Html => f.write_str("a web page"),
        FileFormat::Xml { code: Some(code) } => write!(f, "an XML error with the code {code}"),
        FileFormat::Xml { code: None } => f.write_str("XML"),
        FileFormat::Json => f.write_str("JSON"),
        FileFormat::Gzip => f.write_str("a gzip stream"),
        FileFormat::OtherArchive => f.write_str("an archive of another format"),
        FileFormat::Empty => f.write_str("empty"),
        FileFormat::Zip | FileFormat::Unknown => f.write_str("an unknown format"),
    }
}

fn about_format(format: &FileFormat) -> &'static str {
    match format {
        FileFormat::Html => {
            "Find out which proxy or login page answered, then download the archive again."
        }
        FileFormat::Xml { .. } => {
            "The server returned an error: resolve it, then download the archive again."
        }
        FileFormat::Gzip => "Download the archive again without content decoding.",
        FileFormat::OtherArchive => "Ask for a zip archive with WinZip AES.",
        FileFormat::Json | FileFormat::Empty | FileFormat::Zip | FileFormat::Unknown => {
            "Look at what the server returned, then download the archive again."
        }
    }
}

fn no_such_entry(wanted: &str, found: &[String], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "no entry is named {wanted:?}; ")?;
    match found {
        [] => f.write_str("the archive is empty"),
        _ => write!(f, "the archive contains {}", found.join(", ")),
    }
}

fn over_limit(which: LimitKind, limit: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match which {
        LimitKind::ContentBytes => write!(f, "the content is larger than {limit} bytes"),
        LimitKind::ExpansionRatio => {
            write!(f, "the content is more than {limit} times as large as its ciphertext")
        }
        LimitKind::Entries => write!(f, "the archive lists more than {limit} entries"),
        LimitKind::DirectoryBytes => {
            write!(f, "the central directory is larger than {limit} bytes")
        }
        LimitKind::NameBytes => write!(f, "an entry's name is longer than {limit} bytes"),
    }
}
