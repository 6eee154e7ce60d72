//! What the reader returns: records, and records set aside.

use std::fmt;

use super::RecordFault;
use crate::{MonitorLevel, MonitorType, RiskRecord};

/// One element of `result`, owned. Borrowed: [`ItemRef`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A valid record.
    Record {
        /// Its index in `result`, from 0.
        position: u64,
        /// The record.
        record: RiskRecord,
    },
    /// An invalid record, set aside.
    SetAside(SetAsideRecord),
}

/// One element of `result`, borrowed from the reader until its next call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemRef<'a> {
    /// A valid record.
    Record {
        /// Its index in `result`, from 0.
        position: u64,
        /// The record.
        record: RecordRef<'a>,
    },
    /// An invalid record, set aside.
    SetAside(SetAsideRecord),
}

impl ItemRef<'_> {
    /// The same, owned.
    pub fn into_item(self) -> Item {
        match self {
            Self::Record { position, record } => {
                Item::Record { position, record: record.to_record() }
            }
            Self::SetAside(record) => Item::SetAside(record),
        }
    }
}

/// A [`RiskRecord`] whose texts are borrowed: reading one allocates nothing.
///
/// The fields mean what those of [`RiskRecord`] mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordRef<'a> {
    /// `id`: 1 to 128 bytes, no controls.
    pub id: &'a str,
    /// `corpKeyNo`
    pub corp_key_no: Option<&'a str>,
    /// `corpName`
    pub corp_name: Option<&'a str>,
    /// `monitorContent`
    pub monitor_content: Option<&'a str>,
    /// `monitorLevel`: a word, known or not, never empty.
    pub monitor_level: Option<&'a str>,
    /// `monitorType`: a word, known or not, never empty.
    pub monitor_type: Option<&'a str>,
    /// `score`
    pub score: Option<i32>,
    /// `changeDate`
    pub change_date: Option<&'a str>,
    /// Fields unknown to this version: a JSON object, or `None`.
    pub extra: Option<&'a str>,
}

impl<'a> From<&'a RiskRecord> for RecordRef<'a> {
    fn from(record: &'a RiskRecord) -> Self {
        Self {
            id: &record.id,
            corp_key_no: record.corp_key_no.as_deref(),
            corp_name: record.corp_name.as_deref(),
            monitor_content: record.monitor_content.as_deref(),
            monitor_level: record.monitor_level.as_ref().map(MonitorLevel::as_str),
            monitor_type: record.monitor_type.as_ref().map(MonitorType::as_str),
            score: record.score,
            change_date: record.change_date.as_deref(),
            extra: record.extra.as_deref(),
        }
    }
}

impl RecordRef<'_> {
    /// Copies the record out of the reader.
    pub fn to_record(&self) -> RiskRecord {
        RiskRecord {
            id: self.id.to_owned(),
            corp_key_no: self.corp_key_no.map(str::to_owned),
            corp_name: self.corp_name.map(str::to_owned),
            monitor_content: self.monitor_content.map(str::to_owned),
            monitor_level: self.monitor_level.map(Into::into),
            monitor_type: self.monitor_type.map(Into::into),
            score: self.score,
            change_date: self.change_date.map(str::to_owned),
            extra: self.extra.map(str::to_owned),
        }
    }
}

/// An invalid record: its position, what is wrong, and its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct SetAsideRecord {
    /// Its index in `result`, from 0.
    pub position: u64,
    /// The first fault found in it.
    pub reason: RecordFault,
    /// Its bytes in the document: JSON, unless `truncated` or not UTF-8.
    pub raw: Vec<u8>,
    /// Whether `raw` is only the beginning, cut off at
    /// [`ReaderLimits::raw_bytes`](crate::ReaderLimits::raw_bytes), perhaps inside a character.
    pub truncated: bool,
}

impl fmt::Debug for SetAsideRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetAsideRecord")
            .field("position", &self.position)
            .field("reason", &self.reason)
            .field("raw", &format_args!("{} bytes", self.raw.len()))
            .field("truncated", &self.truncated)
            .finish()
    }
}
