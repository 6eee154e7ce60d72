//! What is checked of the values of a record.

use super::{Stop, fault};
use crate::{MonitorLevel, MonitorType, RecordFault, RecordField};

/// The longest id, in bytes.
const MAX_ID: usize = 128;

pub(super) fn check_id(id: &str) -> Result<(), Stop> {
    if id.is_empty() {
        fault(RecordFault::EmptyId)
    } else if id.len() > MAX_ID {
        fault(RecordFault::LongId)
    } else if id.bytes().fold(false, |odd, b| odd | !(b' '..=b'~').contains(&b))
        && id.chars().any(char::is_control)
    {
        fault(RecordFault::ControlInId)
    } else {
        Ok(())
    }
}

/// A word of the other field shows that the writer shifted its fields by one.
pub(super) fn check_word(field: RecordField, word: Option<&str>) -> Result<(), Stop> {
    let Some(word) = word else { return Ok(()) };
    let is_level = || MonitorLevel::known().any(|known| known.as_str() == word);
    let is_type = || MonitorType::known().any(|known| known.as_str() == word);
    let foreign = match field {
        RecordField::MonitorLevel => !is_level() && is_type(),
        _ => !is_type() && is_level(),
    };
    if word.is_empty() {
        fault(RecordFault::EmptyWord(field))
    } else if foreign {
        fault(RecordFault::ForeignWord(field))
    } else {
        Ok(())
    }
}

pub(super) fn score(text: Option<&str>) -> Result<Option<i32>, Stop> {
    match text {
        None => Ok(None),
        Some(digits) => whole(digits).map(Some).ok_or(Stop::Fault(RecordFault::ScoreRange)),
    }
}

/// Reads an integer that is all of `digits` and written as JSON would have it:
/// no plus, no leading zero, no fraction, no exponent, and no `-0`.
fn integer<T: std::str::FromStr>(digits: &str) -> Option<T> {
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    let shaped = match unsigned.as_bytes() {
        [b'0'] => unsigned.len() == digits.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    shaped.then(|| digits.parse().ok())?
}

/// The same, with an optional fraction of zeros: `82.0` is 82.
pub(in super::super) fn whole<T: std::str::FromStr>(digits: &str) -> Option<T> {
    integer(digits).or_else(|| {
        let (before, zeros) = digits.split_once('.')?;
        let is_zeros = !zeros.is_empty() && zeros.bytes().all(|b| b == b'0');
        is_zeros.then(|| integer(before))?
    })
}
