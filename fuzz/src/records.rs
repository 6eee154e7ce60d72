//! Documents of any bytes.
//!
//! The reader takes what `serde_json` takes, with the same values; it sets
//! aside exactly the records that the rules set aside; however the source cuts
//! its pieces, and wherever the reader's own buffer ends, the reading is the
//! same, within tight limits as well.

use std::io::Read;

use qcc_proto::{DocumentError, DocumentHeader, Item, ReaderLimits};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    reading::{Pieces, Reading, read},
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

    // White space in front hides the first bytes, by which an encoding is known.
    if !matches!(whole.end, Err(DocumentError::Encoding { offset: 0, .. })) {
        check_refilled(bytes, cut(bytes), &whole);
    }

    let limits = tight();
    let whole = read(bytes, limits);
    assert_same(&whole, &read(pieces(), limits));
    let mut set_aside = 0;
    for item in &whole.items {
        if let Item::SetAside(record) = item {
            set_aside += 1;
            assert!(record.raw.len() <= limits.raw_bytes);
        }
    }
    assert!(set_aside <= limits.set_aside_records);
}

fn tight() -> ReaderLimits {
    let mut limits = ReaderLimits::default();
    limits.record_bytes = 300;
    limits.raw_bytes = 40;
    limits.field_levels = 3;
    limits.document_levels = 12;
    limits.set_aside_records = 3;
    limits
}

/// How the source cuts its pieces: short ones, different for each input.
fn lengths(bytes: &[u8]) -> Vec<usize> {
    let sum = sum(bytes);
    vec![1 + sum % 3, 1 + (sum >> 8) % 90, 1 + (sum >> 16) % 11]
}

/// How much of the document lies before the end of the reader's buffer.
fn cut(bytes: &[u8]) -> usize {
    (sum(bytes) >> 24) % (bytes.len() + 1)
}

fn sum(bytes: &[u8]) -> usize {
    bytes.iter().fold(7, |sum: usize, byte| sum.wrapping_mul(31) ^ usize::from(*byte))
}

/// How much the reader takes in before it looks at anything.
const BUFFER: usize = 128 << 10;

/// Puts so much white space in front that the reader's buffer ends inside the
/// document: short documents would never see it refilled.
fn check_refilled(bytes: &[u8], before_its_end: usize, whole: &Reading) {
    let (mark, rest) = match bytes.strip_prefix("\u{FEFF}".as_bytes()) {
        Some(rest) => (&bytes[..3], rest),
        None => (&[][..], bytes),
    };
    let spaces = BUFFER - mark.len() - before_its_end.min(rest.len());
    let padding = vec![b' '; spaces];
    let source = mark.chain(padding.as_slice()).chain(rest);
    let refilled = read(source, ReaderLimits::default());
    assert!(whole.items == refilled.items, "other items when refilled");
    assert_eq!(end(&refilled, spaces as u64), end(whole, 0));
}

/// How a reading ended, offsets less what was put in front.
fn end(reading: &Reading, spaces: u64) -> String {
    match &reading.end {
        Err(DocumentError::Syntax { offset, what }) => format!("{what} at {}", offset - spaces),
        Err(DocumentError::Truncated { offset }) => format!("truncated at {}", offset - spaces),
        Err(DocumentError::Encoding { offset, name }) => {
            format!("{name} at {}", offset - spaces)
        }
        Err(DocumentError::TooDeep { offset }) => format!("too deep at {}", offset - spaces),
        other => format!("{other:?}"),
    }
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
    let text = String::from_utf8_lossy(bytes);
    let Ok(Document { result }) = serde_json::from_str(&text) else { return };
    assert_eq!(result.len(), reading.items.len());
    let is_utf8 = str::from_utf8(bytes).is_ok();
    for (raw, item) in result.iter().zip(&reading.items) {
        let is_taken = matches!(item, Item::Record { .. });
        let expected = match raw.get().contains('\u{fffd}') {
            // It stands for bytes that are not UTF-8, or it came so: nobody can tell.
            true if !is_utf8 => None,
            _ => is_good(raw.get()),
        };
        assert_eq!(is_taken, expected.unwrap_or(is_taken), "{} is {item:?}", raw.get());
    }
}
