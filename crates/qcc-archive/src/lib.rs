#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod aes;
mod archive;
mod container;
mod content;
mod entry;
mod error;
mod format;
mod options;
mod source;
mod verified;

pub use archive::Archive;
pub use content::{Content, ahead::Ahead};
pub use entry::{AesVersion, Encryption, Entry, KeyStrength};
pub use error::{Error, ErrorKind, LimitKind, Retry};
pub use format::{FileFormat, sniff};
pub use options::Options;
pub use source::ReadAt;
pub use verified::Verified;
