//! Values as a person reads them.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use qcc_proto::ShanghaiTime;
use qcc_sync::Changes;

/// Text from outside, safe on a terminal: no controls, no writing direction
/// tricks.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if harmful(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// A number with thousands set apart: `2,412`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A number and what it counts: `1 order`, `2,412 orders`.
pub(crate) fn many(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(number))
}

/// What became of the records that stand, without what is zero: `2 new, 1 updated`.
pub(crate) fn changed(changes: Changes) -> String {
    let Changes { new, updated, unchanged } = changes;
    let parts = [(new, "new"), (updated, "updated"), (unchanged, "unchanged")];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", count(number)))
        .collect();
    parts.join(", ")
}

/// The same in brackets after a blank, or nothing.
pub(crate) fn changed_in_brackets(changes: Changes) -> String {
    match changed(changes) {
        parts if parts.is_empty() => parts,
        parts => format!(" ({parts})"),
    }
}

/// A size: `1.4 MiB`.
pub(crate) fn bytes(size: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if size < 1024 {
        return format!("{size} bytes");
    }
    // Two or three digits are shown, so what a double cannot hold does not matter.
    let mut value = size as f64 / 1024.0;
    let mut shown = "KiB";
    for unit in UNITS {
        shown = unit;
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
    }
    format!("{value:.1} {shown}")
}

/// A stretch of time, its two largest units: `7 h 30 min`.
pub(crate) fn duration(span: SignedDuration) -> String {
    let seconds = span.as_secs().unsigned_abs();
    let units = [
        (seconds / 86400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let mut parts = units.iter().skip_while(|(n, _)| *n == 0).take(2).filter(|(n, _)| *n > 0);
    let shown = |(n, unit): &(u64, &str)| format!("{n} {unit}");
    match (parts.next(), parts.next()) {
        (None, _) => "0 s".to_owned(),
        (Some(one), None) => shown(one),
        (Some(one), Some(two)) => format!("{} {}", shown(one), shown(two)),
    }
}

/// An instant on the vendor's clock: `2026-11-24 09:30:00`.
pub(crate) fn when(at: Timestamp) -> String {
    ShanghaiTime::from_timestamp(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, shown) in [(0, "0"), (999, "999"), (2412, "2,412"), (1_000_000, "1,000,000")] {
            assert_eq!(count(number), shown);
        }
    }

    #[test]
    fn sizes_have_a_unit() {
        for (size, shown) in
            [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (62 << 20, "62.0 MiB")]
        {
            assert_eq!(bytes(size), shown);
        }
    }

    #[test]
    fn durations_show_two_units() {
        for (seconds, shown) in [
            (0, "0 s"),
            (59, "59 s"),
            (27000, "7 h 30 min"),
            (3600, "1 h"),
            (90061, "1 d 1 h"),
            (3601, "1 h"),
        ] {
            assert_eq!(duration(SignedDuration::from_secs(seconds)), shown);
        }
    }

    #[test]
    fn a_terminal_sees_no_control() {
        assert_eq!(plain("四川\u{1b}[2J"), "四川\\u{1b}[2J");
        assert_eq!(plain("a\u{202e}b"), "a\\u{202e}b");
        assert!(matches!(plain("该企业由“较高风险”"), Cow::Borrowed(_)));
    }
}
