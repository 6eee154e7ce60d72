//! The vendor's clock: Asia/Shanghai, written without a zone.

mod wire;

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::{Offset, TimeZone},
};
use serde_json::Value;

use crate::text::deserialize_by_parsing;

/// An instant that reads and prints as the vendor does: `yyyy-MM-dd HH:mm:ss`.
///
/// The manual names no zone. Its own sample settles it: `Expires=1654573158` in
/// the link of 6.2.5 is its `downloadUrlExpiredTime` `2022-06-07 11:39:18` at
/// +08:00. China keeps no daylight saving time, so the offset is fixed.
///
/// ```
/// use qcc_proto::ShanghaiTime;
///
/// let expiry: ShanghaiTime = "2022-06-07 11:39:18".parse()?;
/// assert_eq!(expiry.timestamp().as_second(), 1_654_573_158);
/// assert_eq!(expiry.to_string(), "2022-06-07 11:39:18");
/// # Ok::<(), qcc_proto::InvalidTime>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShanghaiTime(Timestamp);

const SHANGHAI: Offset = Offset::constant(8);

impl ShanghaiTime {
    /// This instant on the vendor's clock, cut to the second.
    pub fn from_timestamp(at: Timestamp) -> Self {
        Self(Timestamp::from_second(at.as_second()).unwrap_or(at))
    }

    /// The instant.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    /// The calendar date in Shanghai.
    pub fn date(self) -> Date {
        SHANGHAI.to_datetime(self.0).date()
    }

    /// The Shanghai midnight that follows, when daily limits start over.
    pub fn next_midnight(self) -> Self {
        let next = self
            .date()
            .tomorrow()
            .ok()
            .and_then(|day| Self::at(day.to_datetime(jiff::civil::Time::midnight())));
        next.unwrap_or(self)
    }

    /// Reads a time as the vendor may send it: the manual's spelling, and what
    /// other serialisers write, if it is unambiguous.
    ///
    /// `2022-06-07T11:39:18.0`, `2022/6/7 11:39`, an offset, which is honoured,
    /// seconds or milliseconds since 1970, `20220607113918`; `docs/protocol.md`
    /// lists them. Fractions of a second are dropped. Years before 2000 and after
    /// 2099 are refused: serialisers write them for an absent time.
    ///
    /// [`FromStr`] takes the manual's spelling alone: what [`Display`](fmt::Display)
    /// prints.
    ///
    /// ```
    /// use qcc_proto::ShanghaiTime;
    ///
    /// let expiry = ShanghaiTime::from_wire("2022-06-07T03:39:18.000Z")?;
    /// assert_eq!(expiry.to_string(), "2022-06-07 11:39:18");
    /// assert!(ShanghaiTime::from_wire("Tue Jun 07 11:39:18 CST 2022").is_err());
    /// # Ok::<(), qcc_proto::InvalidTime>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidTime`] if the text is not a time, or ambiguous.
    pub fn from_wire(text: &str) -> Result<Self, InvalidTime> {
        wire::read(text).map(Self).ok_or(InvalidTime(()))
    }

    /// The same for a JSON value, which may be a number or a list of parts.
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        wire::read_value(value).map(Self)
    }

    /// Reads the `yyyyMMddHHmmss` that order numbers carry.
    pub(crate) fn from_compact(digits: &str) -> Option<Self> {
        wire::compact(digits).map(Self)
    }

    fn at(local: DateTime) -> Option<Self> {
        TimeZone::fixed(SHANGHAI).to_timestamp(local).ok().map(Self)
    }
}

impl FromStr for ShanghaiTime {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shaped = text.len() == 19
            && text.bytes().enumerate().all(|(i, b)| match i {
                4 | 7 => b == b'-',
                10 => b == b' ',
                13 | 16 => b == b':',
                _ => b.is_ascii_digit(),
            });
        if !shaped {
            return Err(InvalidTime(()));
        }
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        Self::from_compact(&digits).ok_or(InvalidTime(()))
    }
}

deserialize_by_parsing!(ShanghaiTime);

#[cfg(feature = "serde")]
impl serde::Serialize for ShanghaiTime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for ShanghaiTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&SHANGHAI.to_datetime(self.0).strftime("%Y-%m-%d %H:%M:%S").to_string())
    }
}

impl fmt::Debug for ShanghaiTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} +08:00")
    }
}

/// The text is not a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTime(());

impl fmt::Display for InvalidTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a time: expected yyyy-MM-dd HH:mm:ss")
    }
}

impl std::error::Error for InvalidTime {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        for text in ["2022-06-07 10:13:42", "1999-12-31 23:59:59", "2024-02-29 00:00:00"] {
            assert_eq!(text.parse::<ShanghaiTime>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "2022-06-07",
            "2022-06-07T10:13:42",
            "2022-13-07 10:13:42",
            "2023-02-29 00:00:00",
            "2022-06-07 24:00:00",
        ] {
            assert!(text.parse::<ShanghaiTime>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn midnight_is_shanghais() {
        let late: ShanghaiTime = "2022-06-07 23:30:00".parse().unwrap();
        assert_eq!(late.next_midnight().to_string(), "2022-06-08 00:00:00");
        let early: ShanghaiTime = "2022-06-07 00:00:00".parse().unwrap();
        assert_eq!(early.next_midnight().to_string(), "2022-06-08 00:00:00");
    }
}
