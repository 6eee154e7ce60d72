#![doc = include_str!("../README.md")]

mod ahead;
mod archive;
mod blocks;
mod content;
mod crypto;
mod directory;
mod end;
mod entry;
mod error;
mod extra;
mod fields;
mod fingerprint;
mod inflate;
mod local;
mod options;
mod sniff;
mod source;
mod verified;

pub use ahead::Ahead;
pub use archive::Archive;
pub use content::Content;
pub use entry::{AesVersion, Encryption, Entry, KeyStrength};
pub use error::{Error, ErrorKind, LimitKind, Retry};
pub use options::Options;
pub use sniff::{Looks, sniff};
pub use source::ReadAt;
pub use verified::Verified;
