//! A moment as people write one: a date, a time, `today`, `24h`.

use jiff::{SignedDuration, Timestamp, civil::Date};
use qcc_proto::ShanghaiTime;

/// A moment, some of which only the clock can tell. All on the vendor's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// This second.
    At(ShanghaiTime),
    /// This day.
    Day(Date),
    /// Today, or this many days before.
    DaysAgo(i64),
    /// Today at this time, in seconds since midnight.
    Today(i64),
    /// This long ago.
    Ago(SignedDuration),
}

const EXPECTED: &str = "yyyy-MM-dd, 'yyyy-MM-dd HH:mm:ss' (also with a T, or without seconds), \
                        HH:mm, today, yesterday, or how long ago, such as 24h or 7d, is expected";

impl Moment {
    /// Reads a moment; for clap.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        Self::of(text.trim()).ok_or_else(|| EXPECTED.to_owned())
    }

    fn of(text: &str) -> Option<Self> {
        match text {
            "today" => return Some(Self::DaysAgo(0)),
            "yesterday" => return Some(Self::DaysAgo(1)),
            _ => {}
        }
        if let Some(date) = day(text) {
            return Some(Self::Day(date));
        }
        let parts = text.split_once(['T', ' ']);
        if let Some((date, time)) = parts.and_then(|(date, time)| Some((day(date)?, time))) {
            let seconds = time_of_day(time)?;
            return Some(Self::At(at(date, seconds)?));
        }
        if text.contains(':') {
            return time_of_day(text).map(Self::Today);
        }
        ago(text).map(Self::Ago)
    }

    /// The first second it means.
    pub(super) fn first(self, now: Timestamp) -> Option<ShanghaiTime> {
        let today = ShanghaiTime::from_timestamp(now).date();
        match self {
            Self::At(at) => Some(at),
            Self::Day(date) => at(date, 0),
            Self::DaysAgo(days) => {
                at(today.checked_sub(SignedDuration::from_hours(24 * days)).ok()?, 0)
            }
            Self::Today(seconds) => at(today, seconds),
            Self::Ago(span) => Some(ShanghaiTime::from_timestamp(now.checked_sub(span).ok()?)),
        }
    }

    /// The last second it means: of a day its end.
    pub(super) fn last(self, now: Timestamp) -> Option<ShanghaiTime> {
        let first = self.first(now)?;
        match self {
            Self::Day(_) | Self::DaysAgo(_) => at(first.date(), 24 * 3600 - 1),
            _ => Some(first),
        }
    }
}

/// The date alone, for dates that have no time.
pub(super) fn date(moment: Moment, now: Timestamp) -> Option<String> {
    moment.first(now).map(|at| at.date().to_string())
}

fn day(text: &str) -> Option<Date> {
    if text.len() == 10 { text.parse().ok() } else { None }
}

/// `HH:mm` or `HH:mm:ss`, in seconds.
fn time_of_day(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let mut part = |most: i64| -> Option<i64> {
        let digits = parts.next()?;
        let number = digits.parse().ok().filter(|number| *number <= most)?;
        (digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(number)
    };
    let (hours, minutes) = (part(23)?, part(59)?);
    let seconds = if text.len() > 5 { part(59)? } else { 0 };
    parts.next().is_none().then_some(hours * 3600 + minutes * 60 + seconds)
}

/// How long ago: as durations are written, and in days and weeks.
fn ago(text: &str) -> Option<SignedDuration> {
    let days = |unit: char, days: i64| {
        let number: i64 =
            text.strip_suffix(unit)?.parse().ok().filter(|n| (0..=36_500).contains(n))?;
        Some(SignedDuration::from_hours(24 * days * number))
    };
    if let Some(span) = days('d', 1).or_else(|| days('w', 7)) {
        return Some(span);
    }
    SignedDuration::try_from(crate::config::duration(text).ok()?).ok()
}

fn at(date: Date, seconds: i64) -> Option<ShanghaiTime> {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{date} {hours:02}:{minutes:02}:{seconds:02}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, first: &str, last: &str) {
        // 2026-11-24 09:30:00 in Shanghai.
        let now: Timestamp = "2026-11-24T01:30:00Z".parse().unwrap();
        let moment = Moment::read(text).unwrap();
        assert_eq!(moment.first(now).unwrap().to_string(), first, "{text}");
        assert_eq!(moment.last(now).unwrap().to_string(), last, "{text}");
    }

    #[test]
    fn a_moment_is_written_in_many_ways() {
        check("2026-11-01", "2026-11-01 00:00:00", "2026-11-01 23:59:59");
        check("2026-11-01 08:05", "2026-11-01 08:05:00", "2026-11-01 08:05:00");
        check("2026-11-01T08:05:09", "2026-11-01 08:05:09", "2026-11-01 08:05:09");
        check("today", "2026-11-24 00:00:00", "2026-11-24 23:59:59");
        check("yesterday", "2026-11-23 00:00:00", "2026-11-23 23:59:59");
        check("08:15", "2026-11-24 08:15:00", "2026-11-24 08:15:00");
        check("24h", "2026-11-23 09:30:00", "2026-11-23 09:30:00");
        check("7d", "2026-11-17 09:30:00", "2026-11-17 09:30:00");
        check("2w", "2026-11-10 09:30:00", "2026-11-10 09:30:00");
        check("1h 30m", "2026-11-24 08:00:00", "2026-11-24 08:00:00");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in
            ["", "24", "soon", "2026-02-30", "2026-11-01 24:00", "8:15", "-7d", "99999d", "1:2:3:4"]
        {
            assert!(Moment::read(text).is_err(), "{text:?} was taken");
        }
    }
}
