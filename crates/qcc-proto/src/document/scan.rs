//! Scans JSON strings: where plain text ends, and what an escape means.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The first quote, backslash or control character at or after `from`, or the
/// length of `bytes` if there is none.
#[inline]
pub(super) fn plain(bytes: &[u8], from: usize) -> usize {
    let mut rest = bytes.get(from..).unwrap_or_default();
    while let Some((word, tail)) = rest.split_first_chunk::<8>() {
        let hit = special(u64::from_le_bytes(*word));
        if hit != 0 {
            return bytes.len() - rest.len() + (hit.trailing_zeros() / 8) as usize;
        }
        rest = tail;
    }
    let tail = rest.iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20);
    bytes.len() - rest.len() + tail.unwrap_or(rest.len())
}

/// Sets the high bit of each byte that ends plain text. Borrows can set bits
/// above the lowest true one, never below it: only the lowest is exact.
#[inline]
fn special(word: u64) -> u64 {
    // One flipped bit puts the quote, 0x22, right after the control characters.
    let quote_or_control = word ^ (LOW * 0x02);
    let backslash = word ^ (LOW * b'\\' as u64);
    let below = |word: u64, limit: u64| word.wrapping_sub(LOW * limit) & !word;
    (below(quote_or_control, 0x21) | below(backslash, 1)) & HIGH
}

/// What follows a backslash.
pub(super) enum Escape {
    /// A character, and how many bytes spelled it.
    Char(char, usize),
    /// Half a surrogate pair, and how many bytes spelled it: JSON by its grammar,
    /// but no character.
    Half(usize),
    /// More bytes are needed to decide.
    Short,
    /// Not an escape of JSON.
    Bad,
}

/// Reads the escape that `bytes` begins with; the first byte is the backslash.
pub(super) fn escape(bytes: &[u8]) -> Escape {
    let simple = match bytes.get(1) {
        None => return Escape::Short,
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(bytes),
        Some(_) => return Escape::Bad,
    };
    Escape::Char(simple, 2)
}

fn unicode(bytes: &[u8]) -> Escape {
    let Some(first) = bytes.get(2..6) else { return Escape::Short };
    let Some(first) = hex(first) else { return Escape::Bad };
    if let Some(c) = char::from_u32(first) {
        return Escape::Char(c, 6);
    }
    if first >= 0xDC00 {
        return Escape::Half(6);
    }
    for (at, wanted) in [(6, b'\\'), (7, b'u')] {
        match bytes.get(at) {
            None => return Escape::Short,
            Some(&found) if found != wanted => return Escape::Half(6),
            Some(_) => {}
        }
    }
    let Some(second) = bytes.get(8..12) else { return Escape::Short };
    match hex(second) {
        Some(second @ 0xDC00..=0xDFFF) => {
            let joined = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            char::from_u32(joined).map_or(Escape::Half(6), |c| Escape::Char(c, 12))
        }
        // What follows is an escape of its own, or is none.
        _ => Escape::Half(6),
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
}

/// Whether a byte is white space between JSON tokens.
#[inline]
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_ends_at_the_first_special_byte_wherever_it_stands() {
        let filler: Vec<u8> = (0x20..=0xFFu8).filter(|b| !matches!(b, b'"' | b'\\')).collect();
        for special in (0..0x20).chain([b'"', b'\\']) {
            for at in 0..40 {
                for after in [0x00, 0x1F, 0x20, b'"', b'#', b'[', b'\\', 0x7F, 0x80, 0xFF] {
                    let mut bytes = filler.get(at..at + at).unwrap().to_vec();
                    bytes.push(special);
                    bytes.extend([after; 20]);
                    for from in 0..=at {
                        assert_eq!(plain(&bytes, from), at, "{special} at {at}, then {after}");
                    }
                }
            }
        }
        for len in 0..filler.len() {
            assert_eq!(plain(&filler[..len], 0), len);
        }
    }

    #[test]
    fn escapes_are_those_of_json() {
        #[track_caller]
        fn check(text: &str, expected: Option<(char, usize)>) {
            match (escape(text.as_bytes()), expected) {
                (Escape::Char(c, n), Some(wanted)) => assert_eq!((c, n), wanted, "{text}"),
                (Escape::Bad, None) => {}
                _ => panic!("{text}"),
            }
        }
        for (text, c) in [(r#"\""#, '"'), (r"\\", '\\'), (r"\/", '/'), (r"\b", '\u{8}')] {
            check(text, Some((c, 2)));
        }
        check(r"\u56db", Some(('四', 6)));
        check(r"\u56DBx", Some(('四', 6)));
        check(r"\ud842\udfb7", Some(('𠮷', 12)));
        for bad in [r"\x", r"\'", r"\u56dg", r"\u+123"] {
            check(bad, None);
        }
        for half in [
            r"\ud842x",
            r"\ud842\n",
            r"\udfb7",
            r"\udfb7\ud842",
            r"\ud842\u0041",
            r"\ud842\ud842\udfb7",
            r"\ud842\u12g4",
        ] {
            assert!(matches!(escape(half.as_bytes()), Escape::Half(6)), "{half}");
        }
        for n in 1..12 {
            assert!(matches!(escape(&br"\ud842\udfb7"[..n]), Escape::Short));
        }
    }
}
