//! The columns of the table, and a record's cells under them.

use clap::ValueEnum;
use qcc_sync::StoredRecord;
use serde_json::Value;

/// A column, named as in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum Column {
    Id,
    CorpKeyNo,
    CorpName,
    MonitorContent,
    MonitorLevel,
    MonitorType,
    Score,
    ChangeDate,
    Extra,
    PushDate,
    OrderNo,
    Position,
}

impl Column {
    /// All of them, as an export has them.
    pub(super) const ALL: [Self; 12] = [
        Self::Id,
        Self::CorpKeyNo,
        Self::CorpName,
        Self::MonitorContent,
        Self::MonitorLevel,
        Self::MonitorType,
        Self::Score,
        Self::ChangeDate,
        Self::Extra,
        Self::PushDate,
        Self::OrderNo,
        Self::Position,
    ];

    /// What a person looks at first.
    pub(super) const SHOWN: [Self; 7] = [
        Self::PushDate,
        Self::ChangeDate,
        Self::MonitorLevel,
        Self::MonitorType,
        Self::Score,
        Self::CorpName,
        Self::MonitorContent,
    ];

    /// Its name in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::CorpKeyNo => "corp_key_no",
            Self::CorpName => "corp_name",
            Self::MonitorContent => "monitor_content",
            Self::MonitorLevel => "monitor_level",
            Self::MonitorType => "monitor_type",
            Self::Score => "score",
            Self::ChangeDate => "change_date",
            Self::Extra => "extra",
            Self::PushDate => "push_date",
            Self::OrderNo => "order_no",
            Self::Position => "position",
        }
    }

    /// Its name for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::CorpKeyNo => "company key",
            Self::CorpName => "company",
            Self::MonitorContent => "what",
            Self::MonitorLevel => "level",
            Self::MonitorType => "type",
            Self::ChangeDate => "changed",
            Self::PushDate => "pushed",
            Self::OrderNo => "order",
            other => other.name(),
        }
    }

    /// A record's value in this column; empty if there is none.
    pub(super) fn text(self, stored: &StoredRecord) -> String {
        let record = &stored.record;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        match self {
            Self::Id => record.id.clone(),
            Self::CorpKeyNo => text(&record.corp_key_no),
            Self::CorpName => text(&record.corp_name),
            Self::MonitorContent => text(&record.monitor_content),
            Self::MonitorLevel => {
                record.monitor_level.as_ref().map(ToString::to_string).unwrap_or_default()
            }
            Self::MonitorType => {
                record.monitor_type.as_ref().map(ToString::to_string).unwrap_or_default()
            }
            Self::Score => record.score.map(|score| score.to_string()).unwrap_or_default(),
            Self::ChangeDate => text(&record.change_date),
            Self::Extra => text(&record.extra),
            Self::PushDate => stored.rank.push_date.to_string(),
            Self::OrderNo => stored.rank.order_no.to_string(),
            Self::Position => stored.rank.position.to_string(),
        }
    }

    /// The same as a JSON text.
    pub(super) fn json(self, stored: &StoredRecord) -> String {
        let record = &stored.record;
        let known = match self {
            Self::CorpKeyNo => record.corp_key_no.is_some(),
            Self::CorpName => record.corp_name.is_some(),
            Self::MonitorContent => record.monitor_content.is_some(),
            Self::MonitorLevel => record.monitor_level.is_some(),
            Self::MonitorType => record.monitor_type.is_some(),
            Self::Score => record.score.is_some(),
            Self::ChangeDate => record.change_date.is_some(),
            Self::Extra => record.extra.is_some(),
            Self::Id | Self::PushDate | Self::OrderNo | Self::Position => true,
        };
        match self {
            _ if !known => "null".to_owned(),
            Self::Score | Self::Position => self.text(stored),
            // JSON already; a line end in it is white space between values.
            Self::Extra => self.text(stored).replace(['\n', '\r'], " "),
            _ => Value::from(self.text(stored)).to_string(),
        }
    }
}
