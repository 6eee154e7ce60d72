//! The vendor's clock: Asia/Shanghai, written without a zone.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::{Offset, TimeZone},
};
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
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

    /// Reads the `yyyyMMddHHmmss` that order numbers carry.
    pub(crate) fn from_compact(digits: &str) -> Option<Self> {
        let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
        let small = |from: usize, to: usize| part(from, to).and_then(|n| i8::try_from(n).ok());
        let local = DateTime::new(
            part(0, 4)?,
            small(4, 6)?,
            small(6, 8)?,
            small(8, 10)?,
            small(10, 12)?,
            small(12, 14)?,
            0,
        );
        Self::at(local.ok()?)
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

impl TryFrom<String> for ShanghaiTime {
    type Error = InvalidTime;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ShanghaiTime> for String {
    fn from(time: ShanghaiTime) -> Self {
        time.to_string()
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

/// The text is no time of the vendor's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a time: yyyy-MM-dd HH:mm:ss is expected")]
pub struct InvalidTime(());

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
