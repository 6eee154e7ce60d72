//! The ways in which answers and archives may be written.
//!
//! The manual contradicts itself and the wire; each side of each contradiction
//! is a switch here.

use qcc_proto::{ShanghaiTime, StatusForm};
use rand::RngExt;

use crate::{
    Fault,
    seed::{self, Rng},
};

/// How the signed calls are answered. The default is the manual's samples.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WireDialect {
    /// `"status":"200"` as in the samples, or `200` as in the tables.
    pub status: StatusForm,
    /// `status` as in the manual, or `Status` as sibling endpoints have it.
    pub casing: Casing,
    /// Where the fields of the payload stand.
    pub nesting: Nesting,
    /// `message` in place of `msg`.
    pub long_message: bool,
    /// A byte order mark before the JSON.
    pub byte_order_mark: bool,
    /// Fields nobody has documented.
    pub unknown_fields: bool,
    /// How times are written.
    pub dates: DateForm,
}

/// How a time is written: as the manual does, or as other serialisers do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DateForm {
    /// `2022-06-07 10:13:42`.
    #[default]
    Manual,
    /// `2022-06-07 10:13:42.0`, as a `java.sql.Timestamp` prints itself.
    Fraction,
    /// `2022-06-07T10:13:42`.
    Iso,
    /// Milliseconds since 1970, as a number.
    EpochMillis,
    /// `2022-06-07T10:13:42+08:00`.
    Offset,
}

impl DateForm {
    /// The time as a JSON value.
    pub(crate) fn json(self, time: ShanghaiTime) -> String {
        let iso = || time.to_string().replacen(' ', "T", 1);
        match self {
            Self::Manual => format!("\"{time}\""),
            Self::Fraction => format!("\"{time}.0\""),
            Self::Iso => format!("\"{}\"", iso()),
            Self::EpochMillis => time.timestamp().as_millisecond().to_string(),
            Self::Offset => format!("\"{}+08:00\"", iso()),
        }
    }
}

/// How field names are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Casing {
    /// `status`, `msg`, `result`.
    #[default]
    Lower,
    /// `Status`, `Message`, `Result`; the payload's own fields too.
    Upper,
}

/// Where the fields of the payload stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Nesting {
    /// In `result`, a list in `resultList`, as in the samples.
    #[default]
    Sample,
    /// In `result`, a list too.
    Result,
    /// Beside `status`, as in the tables; a list stays in `resultList`.
    TopLevel,
}

/// How archives are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ArchiveStyle {
    /// Each order's in its own dialect, chosen by the seed.
    #[default]
    Varied,
    /// All in this one.
    Fixed(ArchiveDialect),
}

/// How one archive and its document are written.
///
/// The default is what the manual describes, in the plainest form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArchiveDialect {
    /// The flavour of the encryption, and where the sizes stand.
    pub container: Container,
    /// Not compressed, though the manual says Deflate.
    pub stored: bool,
    /// Other files beside the document.
    pub other_entries: bool,
    /// A comment at the archive's end.
    pub comment: bool,
    /// A byte order mark before the document.
    pub byte_order_mark: bool,
    /// White space and escapes of the document.
    pub layout: Layout,
    /// Fields in another order than the manual's.
    pub shuffled_fields: bool,
    /// `result` before `pushDate` and `totalSize`.
    pub result_first: bool,
    /// Some fields are `null`.
    pub nulls: bool,
    /// `"score":"82"`.
    pub score_as_text: bool,
    /// Fields the manual lacks.
    pub unknown_fields: bool,
    /// Levels and types the manual lacks.
    pub unknown_words: bool,
    /// How `pushDate` is written.
    pub dates: DateForm,
    /// What would be `null` is left out of a record.
    pub absent_nulls: bool,
    /// `"score":82.0`.
    pub score_as_decimal: bool,
    /// Ids that are whole numbers, without quotes.
    pub numeric_ids: bool,
    /// The document lies in a folder.
    pub folder: bool,
}

/// The flavours of WinZip AES.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Container {
    /// AE-2: no checksum; sizes in the local header.
    #[default]
    Ae2,
    /// AE-2 with sizes in a data descriptor behind the data.
    Ae2Streamed,
    /// AE-1: with a checksum.
    Ae1,
}

/// How the document is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// No white space.
    #[default]
    Compact,
    /// Lines and indents.
    Pretty,
    /// No white space, everything but ASCII as `\uXXXX`.
    Ascii,
}

impl ArchiveStyle {
    /// The dialect of one order's archive.
    pub(crate) fn dialect(&self, seed: u64, order: u64) -> ArchiveDialect {
        match self {
            Self::Fixed(dialect) => dialect.clone(),
            Self::Varied => ArchiveDialect::draw(&mut seed::derive(seed, "dialect", order)),
        }
    }
}

impl ArchiveDialect {
    /// The same in the manner that an order's fault asks for.
    pub(crate) fn in_manner(mut self, fault: Option<Fault>) -> Self {
        match fault {
            Some(Fault::PushDateWithFraction) => self.dates = DateForm::Fraction,
            Some(Fault::PushDateIso) => self.dates = DateForm::Iso,
            Some(Fault::PushDateEpochMillis) => self.dates = DateForm::EpochMillis,
            Some(Fault::PushDateWithOffset) => self.dates = DateForm::Offset,
            Some(Fault::AbsentNulls) => (self.nulls, self.absent_nulls) = (true, true),
            Some(Fault::DecimalScores) => {
                (self.score_as_decimal, self.score_as_text) = (true, false);
            }
            Some(Fault::NumericIds) => self.numeric_ids = true,
            Some(Fault::EntryInFolder) => self.folder = true,
            _ => {}
        }
        self
    }

    fn draw(rng: &mut Rng) -> Self {
        Self {
            container: seed::pick(rng, &[Container::Ae2, Container::Ae2Streamed, Container::Ae1]),
            stored: rng.random_bool(0.12),
            other_entries: rng.random_bool(0.25),
            comment: rng.random_bool(0.15),
            byte_order_mark: rng.random_bool(0.15),
            layout: seed::pick(rng, &[Layout::Compact, Layout::Pretty, Layout::Ascii]),
            shuffled_fields: rng.random_bool(0.25),
            result_first: rng.random_bool(0.15),
            nulls: rng.random_bool(0.25),
            score_as_text: rng.random_bool(0.2),
            unknown_fields: rng.random_bool(0.25),
            unknown_words: rng.random_bool(0.15),
            ..Self::default()
        }
    }
}
