//! A record boiled down to what tells it from any other.

use qcc_proto::RecordRef;
use sha2::{Digest, Sha256};

/// The SHA-256 of a record's fields.
pub(super) type Fingerprint = [u8; 32];

/// Every field counts, and nothing about how it was written. Lengths go first, so
/// that no two records run together to the same bytes.
pub(super) fn fingerprint(record: &RecordRef<'_>) -> Fingerprint {
    // A field added to the record must be added here; a test counts them.
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
        ..
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

#[cfg(test)]
mod tests {
    use qcc_proto::RiskRecord;

    use super::*;

    fn record() -> RiskRecord {
        RiskRecord::new("a")
    }

    #[test]
    fn every_field_shows() {
        let changes: [fn(&mut RiskRecord); 12] = [
            |_| {},
            |record| record.id = "b".into(),
            |record| record.corp_key_no = Some("x".into()),
            |record| record.corp_key_no = Some(String::new()),
            |record| record.corp_name = Some("x".into()),
            |record| record.monitor_content = Some("x".into()),
            |record| record.monitor_level = Some("x".into()),
            |record| record.monitor_type = Some("x".into()),
            |record| record.score = Some(0),
            |record| record.score = Some(-1),
            |record| record.change_date = Some("x".into()),
            |record| record.extra = Some("x".into()),
        ];
        let all = changes.map(|change| {
            let mut changed = record();
            change(&mut changed);
            changed
        });
        let seen: std::collections::BTreeSet<_> =
            all.iter().map(|record| fingerprint(&record.into())).collect();
        assert_eq!(seen.len(), all.len());
    }
    #[test]
    fn no_field_of_a_record_is_left_out() {
        let record = serde_json::to_value(record()).unwrap();
        assert_eq!(record.as_object().unwrap().len(), 9, "add the new field to the fingerprint");
    }
}
