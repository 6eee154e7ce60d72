//! What goes wrong with a store.

use std::{error::Error as StdError, fmt};

/// The database refused or failed.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    detail: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong with the database, by what a caller does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Locked or overloaded. Repeat soon.
    Busy,
    /// Not reachable. Repeat later.
    Unavailable,
    /// No room. Repeat once a person made some.
    Full,
    /// No permission to write.
    ReadOnly,
    /// Made by a newer version of this program.
    NewerSchema,
    /// Not a database of ours, or a damaged one.
    Corrupt,
    /// Another worker holds the order now: drop it, it is in good hands.
    LeaseLost,
    /// Anything else.
    Other,
}

impl StoreError {
    /// An error with a sentence that says what to do.
    pub fn new(kind: StoreErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), source: None }
    }

    /// The same with what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
