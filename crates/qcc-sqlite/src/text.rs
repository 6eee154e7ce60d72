//! How instants stand in the database, and how text becomes a value again.

use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::{Row, types::Type};

use crate::fault::Fault;

/// UTC to the millisecond, always as long: sorts as text, reads as a date.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The value of a column that may be empty.
pub(crate) fn parsed<T: FromStr>(row: &Row<'_>, column: &'static str) -> Result<Option<T>, Fault> {
    let text: Option<String> = row.get(column)?;
    let Some(text) = text else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Fault::Unreadable(column))
}

/// The value of a column that is never empty.
pub(crate) fn required<T: FromStr>(row: &Row<'_>, column: &'static str) -> Result<T, Fault> {
    parsed(row, column)?.ok_or(Fault::Unreadable(column))
}

/// A count that may be empty. SQLite's integers are signed.
pub(crate) fn count(row: &Row<'_>, column: &'static str) -> Result<Option<u64>, Fault> {
    let number: Option<i64> = row.get(column)?;
    number.map(|n| u64::try_from(n).map_err(|_| Fault::Unreadable(column))).transpose()
}

/// A count as SQLite holds it.
pub(crate) fn integer(count: u64) -> Result<i64, Fault> {
    i64::try_from(count).map_err(|e| {
        Fault::Sqlite(rusqlite::Error::FromSqlConversionFailure(0, Type::Integer, Box::new(e)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(at: &str, expected: &str) {
        let at: Timestamp = at.parse().unwrap();
        assert_eq!(instant(at), expected);
        assert_eq!(expected.parse::<Timestamp>().unwrap().as_millisecond(), at.as_millisecond());
    }

    #[test]
    fn instants_are_of_one_length() {
        check("2022-06-07T02:29:11Z", "2022-06-07T02:29:11.000Z");
        check("2022-06-07T02:29:11.5Z", "2022-06-07T02:29:11.500Z");
        check("2022-06-07T02:29:11.123999999Z", "2022-06-07T02:29:11.123Z");
    }
}
