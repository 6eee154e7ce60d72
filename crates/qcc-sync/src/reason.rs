//! Why an order waits or is quarantined.

use std::{fmt, str::FromStr};

/// A reason: a code that machines count, and a sentence that a person reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What kind of reason it is.
    pub code: ReasonCode,
    /// What happened and what to do. Never holds a secret.
    pub detail: String,
}

impl Reason {
    /// A reason with its sentence.
    pub fn new(code: ReasonCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The kinds of reason, as they stand in the ledger and in metrics.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ReasonCode { $($(#[$doc])* $name,)* }

        impl ReasonCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as it is stored: lower case with underscores.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }

        impl FromStr for ReasonCode {
            type Err = UnknownReasonCode;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($text => Ok(Self::$name),)* _ => Err(UnknownReasonCode(())) }
            }
        }
    };
}

codes! {
    /// The vendor is still preparing the order (205).
    NotReady = "not_ready",
    /// Network or vendor trouble that passes (199, 203, 500, HTTP 5xx, resets).
    Transient = "transient",
    /// The link ran out or was refused by the file host.
    LinkExpired = "link_expired",
    /// The vendor asked us to slow down (106, 108).
    CoolOff = "cool_off",
    /// The day's quota is used up (109, 116).
    DailyLimit = "daily_limit",
    /// Signature, clock or address refused (107, 115).
    Signature = "signature",
    /// Key, permission or billing (101 to 119, 214).
    Account = "account",
    /// The vendor refuses our request, and would refuse it again.
    Refused = "refused",
    /// The vendor does not know the order (201), or does not know it yet.
    UnknownToVendor = "unknown_to_vendor",
    /// The vendor answered a code that is not in the manual.
    UnknownStatus = "unknown_status",
    /// The link points where downloads are not allowed.
    LinkRefused = "link_refused",
    /// What was downloaded is damaged, cut short or no archive at all.
    ArchiveDamaged = "archive_damaged",
    /// The password does not open the archive.
    WrongPassword = "wrong_password",
    /// The archive breaks a rule or a limit.
    ArchiveRefused = "archive_refused",
    /// The file in the archive is not the document the manual describes.
    DocumentRefused = "document_refused",
    /// `totalSize` is not the number of records.
    CountMismatch = "count_mismatch",
    /// Not one record of the document could be used.
    NoUsableRecords = "no_usable_records",
    /// The archive is, or seems to be, that of another order.
    ForeignArchive = "foreign_archive",
    /// The kept archive is gone or cannot be read.
    ArchiveMissing = "archive_missing",
    /// The store or the disk failed.
    Storage = "storage",
    /// Tried for as long as the policy allows.
    GaveUp = "gave_up",
}

impl ReasonCode {
    /// Whether it concerns all calls to the vendor, and not one order.
    pub const fn is_hold(self) -> bool {
        matches!(self, Self::CoolOff | Self::DailyLimit | Self::Signature | Self::Account)
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no reason code of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a reason code of this version")]
pub struct UnknownReasonCode(());
