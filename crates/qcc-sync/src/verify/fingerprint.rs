//! A record boiled down to what tells it from any other.

use qcc_proto::{MonitorLevel, MonitorType, RecordRef, RiskRecord};
use sha2::{Digest, Sha256};

/// The SHA-256 of a record's fields.
pub(super) type Fingerprint = [u8; 32];

/// Every field counts, and nothing about how it was written. Lengths go first, so
/// that no two records run together to the same bytes.
pub(super) fn fingerprint(record: &RecordRef<'_>) -> Fingerprint {
    // A field added to the record must be added here.
    let RecordRef {
        id,
        corp_key_no,
        corp_name,
        monitor_content,
        monitor_level,
        monitor_type,
        score,
        change_date,
        extra,
    } = *record;
    let mut hasher = Sha256::new();
    let texts = [corp_key_no, corp_name, monitor_content, monitor_level, monitor_type];
    for text in [Some(id)].into_iter().chain(texts).chain([change_date, extra]) {
        hasher.update(text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        hasher.update(text.unwrap_or_default());
    }
    hasher.update(score.map_or(i64::MAX, i64::from).to_le_bytes());
    hasher.finalize().into()
}

/// The SHA-256 of bytes and of what is said about them.
pub(super) fn fingerprint_of(parts: &[&[u8]]) -> Fingerprint {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// A record in the table, looked at as the reader of archives shows it.
pub(super) fn borrowed(record: &RiskRecord) -> RecordRef<'_> {
    RecordRef {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> RiskRecord {
        RiskRecord {
            id: "a".into(),
            corp_key_no: None,
            corp_name: None,
            monitor_content: None,
            monitor_level: None,
            monitor_type: None,
            score: None,
            change_date: None,
            extra: None,
        }
    }

    #[test]
    fn every_field_shows() {
        let some = || Some("x".to_owned());
        let all = [
            record(),
            RiskRecord { id: "b".into(), ..record() },
            RiskRecord { corp_key_no: some(), ..record() },
            RiskRecord { corp_key_no: Some(String::new()), ..record() },
            RiskRecord { corp_name: some(), ..record() },
            RiskRecord { monitor_content: some(), ..record() },
            RiskRecord { monitor_level: Some("x".into()), ..record() },
            RiskRecord { monitor_type: Some("x".into()), ..record() },
            RiskRecord { score: Some(0), ..record() },
            RiskRecord { score: Some(-1), ..record() },
            RiskRecord { change_date: some(), ..record() },
            RiskRecord { extra: some(), ..record() },
        ];
        let seen: std::collections::BTreeSet<_> =
            all.iter().map(|record| fingerprint(&borrowed(record))).collect();
        assert_eq!(seen.len(), all.len());
    }
}
