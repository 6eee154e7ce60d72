//! Times as serialisers write them, if they are unambiguous.
//!
//! The manual promises one spelling. A vendor that changes its serialiser sends
//! another one, and an order must not be lost over it.

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};
use serde_json::Value;

use super::SHANGHAI;

/// Longer texts are not times.
const LONGEST: usize = 64;

/// The years that are accepted. Serialisers write others for an absent date (year
/// 1, the first second of 1970, year 9999).
const FIRST_SECOND: i64 = 946_656_000; // 2000-01-01 00:00:00 +08:00
const PAST_LAST_SECOND: i64 = 4_102_416_000; // 2100-01-01 00:00:00 +08:00

/// The instant that a text names, cut to the second.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    if text.len() > LONGEST {
        return None;
    }
    let text = text.trim();
    let read = calendar(text).or_else(|| compact(text)).or_else(|| date_call(text));
    read.or_else(|| epoch(text)).and_then(plausible)
}

/// The instant that a JSON value names: a text, a number since 1970, or the list
/// of a calendar's parts that Java's writers make.
pub(super) fn read_value(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => read(text),
        Value::Number(number) => match number.as_i64() {
            Some(number) => read(&number.to_string()),
            None => number.as_f64().and_then(fraction),
        },
        Value::Array(parts) => parts_of(parts).and_then(plausible),
        _ => None,
    }
}

fn plausible(at: Timestamp) -> Option<Timestamp> {
    let second = at.as_second();
    (FIRST_SECOND..PAST_LAST_SECOND).contains(&second).then_some(())?;
    Timestamp::from_second(second).ok()
}

/// `yyyy-MM-dd HH:mm:ss`, and the same with `/`, with parts of one digit, with
/// `T`, without seconds, with a fraction of a second, with an offset.
fn calendar(text: &str) -> Option<Timestamp> {
    let mut rest = Rest(text);
    let year = rest.digits(4, 4)?;
    let dash = rest.one_of("-/")?;
    let month = rest.digits(1, 2)?;
    rest.one_of(dash)?;
    let day = rest.digits(1, 2)?;
    if rest.one_of("Tt").is_none() {
        rest.blanks()?;
    }
    let hour = rest.digits(1, 2)?;
    rest.one_of(":")?;
    let minute = rest.digits(2, 2)?;
    let mut second = 0;
    if rest.one_of(":").is_some() {
        second = rest.digits(2, 2)?;
        if rest.one_of(".,").is_some() {
            rest.digits(1, 9)?;
        }
    }
    let _ = rest.blanks();
    let offset = rest.offset()?;
    let local = local(year, month, day, hour, minute, second)?;
    TimeZone::fixed(offset).to_timestamp(local).ok()
}

/// `yyyyMMddHHmmss`.
pub(super) fn compact(text: &str) -> Option<Timestamp> {
    let mut rest = Rest(text);
    let year = rest.digits(4, 4)?;
    let mut part = || rest.digits(2, 2);
    let local = local(year, part()?, part()?, part()?, part()?, part()?)?;
    rest.0.is_empty().then(|| TimeZone::fixed(SHANGHAI).to_timestamp(local).ok())?
}

/// `/Date(1654573158000)/` and `/Date(1654573158000+0800)/`, as .NET wrote them:
/// milliseconds of UTC; the offset does not change them.
fn date_call(text: &str) -> Option<Timestamp> {
    let inside = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let mut rest = Rest(inside);
    let digits = rest.digits(12, 13)?;
    if rest.one_of("+-").is_some() {
        rest.digits(4, 4)?;
    }
    rest.0.is_empty().then(|| Timestamp::from_millisecond(digits).ok())?
}

/// Seconds or milliseconds since 1970; of seconds there may be a fraction. The
/// two cannot be confused: in the accepted years they differ in length.
fn epoch(text: &str) -> Option<Timestamp> {
    let mut rest = Rest(text);
    let number = rest.digits(9, 13)?;
    if (0..PAST_LAST_SECOND).contains(&number) {
        if rest.one_of(".").is_some() {
            rest.digits(1, 9)?;
        }
        return rest.0.is_empty().then(|| Timestamp::from_second(number).ok())?;
    }
    rest.0.is_empty().then(|| Timestamp::from_millisecond(number).ok())?
}

/// The same of a number that is written with a fraction or an exponent.
fn fraction(number: f64) -> Option<Timestamp> {
    let whole = number.trunc();
    let is_seconds = (0.0..PAST_LAST_SECOND as f64).contains(&whole);
    if !is_seconds && whole != number {
        return None;
    }
    read(&format!("{whole:.0}"))
}

/// `[2026,11,26,10,0]`, with seconds and nanoseconds if they are not zero.
fn parts_of(parts: &[Value]) -> Option<Timestamp> {
    let number = |at: usize| parts.get(at).map_or(Some(0), Value::as_i64);
    if !(5..=7).contains(&parts.len()) || !(0..1_000_000_000).contains(&number(6)?) {
        return None;
    }
    let local = local(number(0)?, number(1)?, number(2)?, number(3)?, number(4)?, number(5)?)?;
    TimeZone::fixed(SHANGHAI).to_timestamp(local).ok()
}

fn local(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> Option<DateTime> {
    let small = |part: i64| i8::try_from(part).ok();
    let (month, day, hour) = (small(month)?, small(day)?, small(hour)?);
    let year = i16::try_from(year).ok()?;
    DateTime::new(year, month, day, hour, small(minute)?, small(second)?, 0).ok()
}

/// What of a text has not been read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Takes from `least` to `most` digits, or nothing.
    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let len = self.0.bytes().take_while(u8::is_ascii_digit).count().min(most);
        let (digits, rest) = self.0.split_at_checked(len)?;
        (len >= least).then_some(())?;
        self.0 = rest;
        digits.parse().ok()
    }

    /// Takes one character, if it is one of these.
    fn one_of(&mut self, wanted: &str) -> Option<&'a str> {
        let letter = self.0.chars().next().filter(|letter| wanted.contains(*letter))?;
        let (taken, rest) = self.0.split_at_checked(letter.len_utf8())?;
        self.0 = rest;
        Some(taken)
    }

    /// Takes one blank or more.
    fn blanks(&mut self) -> Option<()> {
        let rest = self.0.trim_start();
        (rest.len() < self.0.len()).then_some(())?;
        self.0 = rest;
        Some(())
    }

    /// Takes all that is left: an offset, or nothing, which is Shanghai's.
    fn offset(&mut self) -> Option<Offset> {
        let rest = std::mem::take(&mut self.0);
        let rest = rest.strip_suffix("[Asia/Shanghai]").unwrap_or(rest);
        if matches!(rest, "Z" | "z" | "UTC" | "GMT") {
            return Some(Offset::UTC);
        }
        let mut parts = Rest(rest);
        let Some(sign) = parts.one_of("+-") else {
            return rest.is_empty().then_some(SHANGHAI);
        };
        let hours = parts.digits(2, 2)?;
        let is_short = parts.0.is_empty();
        let _ = parts.one_of(":");
        let minutes = if is_short { 0 } else { parts.digits(2, 2)? };
        if !parts.0.is_empty() || hours > 14 || minutes > 59 {
            return None;
        }
        let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
        Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 2022-06-07 11:39:18 in Shanghai: the sample of 6.2.5.
    const SAMPLE: i64 = 1_654_573_158;

    #[track_caller]
    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(read(text).map(Timestamp::as_second), expected, "{text:?}");
    }

    #[test]
    fn what_other_serialisers_write_for_a_time_is_read() {
        for text in [
            "2022-06-07 11:39:18",
            "  2022-06-07 11:39:18\n",
            "\u{3000}2022-06-07 11:39:18\u{a0}",
            "2022-06-07  11:39:18",
            "2022-06-07 11:39:18.0",
            "2022-06-07 11:39:18.000",
            "2022-06-07 11:39:18,999",
            "2022-06-07T11:39:18.123456789",
            "2022-06-07T11:39:18",
            "2022-06-07t11:39:18",
            "2022/06/07 11:39:18",
            "2022/6/7 11:39:18",
            "2022-6-7 11:39:18",
            "2022-06-07T11:39:18+08:00",
            "2022-06-07T11:39:18+0800",
            "2022-06-07T11:39:18+08",
            "2022-06-07 11:39:18 +0800",
            "2022-06-07T11:39:18.5+08:00[Asia/Shanghai]",
            "2022-06-07T11:39:18[Asia/Shanghai]",
            "2022-06-07T03:39:18Z",
            "2022-06-07T03:39:18.000z",
            "2022-06-07 03:39:18 UTC",
            "2022-06-06T22:39:18-05:00",
            "2022-06-07T09:09:18+05:30",
            "20220607113918",
            "1654573158",
            "1654573158.999",
            "1654573158000",
            "1654573158999",
            "/Date(1654573158000)/",
            "/Date(1654573158000+0800)/",
        ] {
            check(text, Some(SAMPLE));
        }
        check("2022-06-07T11:39", Some(SAMPLE - 18));
        check("2022/6/7 9:05", Some(SAMPLE - 18 - 2 * 3600 - 34 * 60));
    }

    #[test]
    fn what_leaves_doubt_about_a_time_is_not_read() {
        for text in [
            "",
            " ",
            "2022-06-07",
            "20220607",
            "22-06-07 11:39:18",
            "07/06/2022 11:39:18",
            "2022-06/07 11:39:18",
            "2022-06-0711:39:18",
            "2022-13-07 11:39:18",
            "2023-02-29 00:00:00",
            "2022-06-07 24:00:00",
            "2022-06-07 11:60:18",
            "2022-06-07 11:39:60",
            "2022-06-07 11:39:8",
            "2022-06-07 11:39:18.",
            "2022-06-07 11:39:18.1234567890",
            "2022-06-07 11:39:18 PM",
            "2022-06-07 11:39:18 CST",
            "2022-06-07 11:39:18+8",
            "2022-06-07 11:39:18+08:",
            "2022-06-07 11:39:18+08:0",
            "2022-06-07 11:39:18+",
            "2022-06-07 11:39:18+15:00",
            "2022-06-07 11:39:18+08:60",
            "2022-06-07 11:39:18+08:00x",
            "2022-06-07 11:39:18 +0800 CST",
            "2022-06-07 11:39:18[Europe/Berlin]",
            "Tue Jun 07 11:39:18 CST 2022",
            "0000-00-00 00:00:00",
            "0001-01-01 00:00:00",
            "1970-01-01 08:00:00",
            "1999-12-31 23:59:59",
            "2100-01-01 00:00:00",
            "9999-12-31 23:59:59",
            "0",
            "-1654573158",
            "165457315",
            "16545731580",
            "1654573158000.5",
            "1654573158000000",
            "1654573158x",
            "/Date(-62135596800000)/",
            "/Date(1654573158000)",
            "/Date(1654573158000Z)/",
            "/Date(1654573158000+08)/",
            "/Date(1654573158000+0800[Asia/Shanghai])/",
            "soon",
            "２０２２-06-07 11:39:18",
            "2022-06-07 11:39:18                                                 .",
        ] {
            check(text, None);
        }
        check("2000-01-01 00:00:00", Some(FIRST_SECOND));
        check("2099-12-31 23:59:59", Some(PAST_LAST_SECOND - 1));
    }

    #[test]
    fn numbers_and_lists_of_parts_are_times() {
        for value in [
            json!("2022-06-07 11:39:18"),
            json!(SAMPLE),
            json!(SAMPLE * 1000 + 7),
            json!(1_654_573_158.25),
            json!(1.654573158e9),
            json!(1.654573158e12),
            json!(20_220_607_113_918_i64),
            json!([2022, 6, 7, 11, 39, 18]),
            json!([2022, 6, 7, 11, 39, 18, 999_999_999]),
        ] {
            let read = read_value(&value).map(Timestamp::as_second);
            assert_eq!(read, Some(SAMPLE), "{value}");
        }
        assert_eq!(
            read_value(&json!([2022, 6, 7, 11, 39])).map(Timestamp::as_second),
            Some(SAMPLE - 18)
        );
        for value in [
            json!(null),
            json!(true),
            json!(0),
            json!(-1.5),
            json!(1.5),
            json!(1e300),
            json!(1_654_573_158_000.5),
            json!([2022, 6, 7]),
            json!([2022, 6, 7, 11]),
            json!([2022, 6, 7, 11, 39, 18, -1]),
            json!([2022, 6, 7, 11, 39, 18, 0, 0]),
            json!([2022, 6, "7", 11, 39]),
            json!([2022.0, 6, 7, 11, 39]),
            json!([2022, 13, 7, 11, 39]),
            json!({ "time": SAMPLE }),
        ] {
            assert_eq!(read_value(&value), None, "{value}");
        }
    }
}
