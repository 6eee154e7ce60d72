//! `Content-Range`, read strictly.

/// The part of a file that an answer says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) total: u64,
}

impl ContentRange {
    /// Reads `bytes 5-9/10`; an unknown total (`*`) is not read.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (unit, rest) = text.trim().split_once(' ')?;
        let (range, total) = rest.trim().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let range = Self { first: number(first)?, last: number(last)?, total: number(total)? };
        let sound = range.first <= range.last && range.last < range.total;
        (unit.eq_ignore_ascii_case("bytes") && sound).then_some(range)
    }

    /// How many bytes it spans.
    pub(super) fn len(self) -> u64 {
        self.last - self.first + 1
    }
}

/// Digits only: `parse` would take a sign.
pub(super) fn number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_must_make_sense() {
        let range = ContentRange::parse("bytes 5-9/10").unwrap();
        assert_eq!((range.first, range.last, range.total, range.len()), (5, 9, 10, 5));
        assert!(ContentRange::parse("Bytes 0-0/1").is_some());
        for bad in [
            "",
            "bytes",
            "bytes 5-9",
            "bytes 5-9/*",
            "bytes */10",
            "bytes 9-5/10",
            "bytes 5-10/10",
            "lines 5-9/10",
            "bytes +5-9/10",
            "bytes 5-9/10,0-1/10",
            "bytes -9/10",
            "bytes=5-9/10",
            "bytes 0-18446744073709551615/18446744073709551616",
        ] {
            assert_eq!(ContentRange::parse(bad), None, "{bad}");
        }
    }
}
