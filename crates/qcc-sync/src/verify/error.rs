//! Why nothing can be said of a store.

use std::{error::Error as StdError, fmt, io};

use crate::{ArchivesError, StoreError};

/// A proof could not be carried out: nothing is said of the store.
#[derive(Debug)]
#[non_exhaustive]
pub enum VerifyError {
    /// The database failed.
    Store(StoreError),
    /// The disk that keeps the archives failed.
    Archives(ArchivesError),
    /// The scratch files failed: there may be no room.
    Scratch(io::Error),
}

impl VerifyError {
    pub(super) fn scratch(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Scratch(io::Error::other(error))
    }
}

impl From<StoreError> for VerifyError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ArchivesError> for VerifyError {
    fn from(error: ArchivesError) -> Self {
        Self::Archives(error)
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Store(_) => "the database failed",
            Self::Archives(_) => "the archive folder failed",
            Self::Scratch(_) => "the scratch files of the proof failed; make room and try again",
        })
    }
}

impl StdError for VerifyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(match self {
            Self::Store(error) => error,
            Self::Archives(error) => error,
            Self::Scratch(error) => error,
        })
    }
}
