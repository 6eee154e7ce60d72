//! Documents of any bytes.
//!
//! The reader takes what `serde_json` takes, with the same values; it sets
//! aside exactly the records that the rules set aside; however the source cuts
//! its pieces, the reading is the same, within tight limits as well.

use qcc_proto::{DocumentHeader, Item, ReaderLimits};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    reader::{Pieces, Reading, read},
    record_rules::is_good,
    second_opinion::check_against_serde,
};

/// Checks one input.
pub fn check(bytes: &[u8]) {
    let lengths = lengths(bytes);
    let pieces = || Pieces::new(bytes, lengths.clone());

    let whole = read(bytes, ReaderLimits::default());
    check_against_serde(bytes, &whole);
    check_verdicts(bytes, &whole);
    assert_same(&whole, &read(pieces(), ReaderLimits::default()));

    let header = DocumentHeader::read(pieces(), ReaderLimits::default());
    if let Ok(summary) = &whole.end {
        let header = header.expect("a whole document has a header");
        assert_eq!(header.push_date, summary.push_date);
        assert_eq!(header.total_size, summary.total_size);
    }

    let limits = tight();
    let whole = read(bytes, limits);
    assert_same(&whole, &read(pieces(), limits));
    let mut set_aside = 0;
    for item in &whole.items {
        if let Item::Quarantined(record) = item {
            set_aside += 1;
            assert!(record.raw.len() <= limits.raw);
        }
    }
    assert!(set_aside <= limits.quarantined);
}

fn tight() -> ReaderLimits {
    let mut limits = ReaderLimits::default();
    limits.record = 300;
    limits.raw = 40;
    limits.depth = 3;
    limits.nesting = 12;
    limits.quarantined = 3;
    limits
}

/// How the source cuts its pieces: short ones, different for each input.
fn lengths(bytes: &[u8]) -> Vec<usize> {
    let sum = bytes.iter().fold(7_usize, |sum, byte| sum.wrapping_mul(31) ^ usize::from(*byte));
    vec![1 + sum % 3, 1 + (sum >> 8) % 90, 1 + (sum >> 16) % 11]
}

#[track_caller]
fn assert_same(whole: &Reading, pieces: &Reading) {
    assert_eq!(format!("{whole:?}"), format!("{pieces:?}"));
    // `Debug` of a record set aside shows only how long it is.
    assert!(whole.items == pieces.items, "other bytes were set aside");
}

/// The records as they stand, in a document whose other fields are judged by
/// [`check_against_serde`].
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    result: Vec<&'a RawValue>,
}

fn check_verdicts(bytes: &[u8], reading: &Reading) {
    if reading.end.is_err() {
        return;
    }
    let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    let Ok(Document { result }) = serde_json::from_slice(bytes) else { return };
    assert_eq!(result.len(), reading.items.len());
    for (raw, item) in result.iter().zip(&reading.items) {
        let is_taken = matches!(item, Item::Record { .. });
        let expected = is_good(raw.get()).unwrap_or(is_taken);
        assert_eq!(is_taken, expected, "{} is {item:?}", raw.get());
    }
}
