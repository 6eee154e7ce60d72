//! Reads the JSON of an answer, and repairs broken characters.

use std::borrow::Cow;

use crate::{EnvelopeError, EnvelopeErrorKind, encoding, json::Json};

/// More than any answer needs, and safe for any stack.
const MAX_DEPTH: usize = 64;

/// Reads a body; the flag says whether characters had to be replaced.
pub(super) fn read(body: &[u8]) -> Result<(Json, bool), EnvelopeError> {
    let bytes = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    if let Some(name) = encoding::of_start(bytes) {
        return Err(EnvelopeError::of(EnvelopeErrorKind::Encoding { name }));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(_) => Cow::Borrowed(bytes),
        Err(_) if encoding::hides_a_backslash(bytes) => {
            let name = encoding::of_text(bytes).unwrap_or("an unknown encoding");
            return Err(EnvelopeError::of(EnvelopeErrorKind::Encoding { name }));
        }
        Err(_) => Cow::Owned(String::from_utf8_lossy(bytes).into_owned().into_bytes()),
    };
    if depth(&text) > MAX_DEPTH {
        return Err(EnvelopeError::of(EnvelopeErrorKind::TooDeep));
    }
    let mended = matches!(text, Cow::Owned(_));
    match serde_json::from_slice(&text) {
        Ok(json) => Ok((json, mended)),
        Err(error) => without_halves(&text)
            .and_then(|whole| serde_json::from_slice(&whole).ok())
            .map(|json| (json, true))
            .ok_or_else(|| EnvelopeError::not_json(error)),
    }
}

/// The text with `\ufffd` for each escape that is half a surrogate pair; `None`
/// if there is no such escape.
fn without_halves(text: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::with_capacity(text.len());
    let (mut rest, mut found) = (text, false);
    while let Some((&byte, after)) = rest.split_first() {
        let taken = match (byte, after.first()) {
            (b'\\', Some(b'u')) => match (unit(rest), rest.get(6..).and_then(unit)) {
                (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
                (Some(0xD800..=0xDFFF), _) => {
                    whole.extend_from_slice(br"\ufffd");
                    found = true;
                    rest = rest.get(6..).unwrap_or_default();
                    continue;
                }
                _ => 2,
            },
            (b'\\', Some(_)) => 2,
            _ => 1,
        };
        let (piece, left) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
        whole.extend_from_slice(piece);
        rest = left;
    }
    found.then_some(whole)
}

/// The number in the `\uXXXX` that these bytes begin with.
fn unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(br"\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

/// How deep brackets nest, counted without building anything.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings_only() {
        for (text, expected) in [
            ("", 0),
            ("{}", 1),
            (r#"{"a":[[]]}"#, 3),
            (r#"{"a":"[[[["}"#, 1),
            (r#"{"a":"\"[[["}"#, 1),
            (r#"{"a":"\\","b":[]}"#, 2),
            ("]]]{", 1),
        ] {
            assert_eq!(depth(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn only_half_a_surrogate_pair_is_replaced() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            let mended = without_halves(text.as_bytes());
            assert_eq!(mended.as_deref(), expected.map(str::as_bytes), "{text}");
        }
        check(r"a\ud83db", Some(r"a\ufffdb"));
        check(r"\uDE00", Some(r"\ufffd"));
        check(r"\ud83d\ud83d\ude00\ude00", Some(r"\ufffd\ud83d\ude00\ufffd"));
        check(r"\ud83d\n", Some(r"\ufffd\n"));
        check(r"\ud83d\", Some(r"\ufffd\"));
        check(r"\ud83d\ude00", None);
        check(r"\\ud83d", None);
        check(r"\u4e2d\ud8", None);
        check(r"\u", None);
        check(r"\", None);
        check("", None);
    }

    #[test]
    fn a_bracket_in_a_string_closes_nothing_and_a_backslash_outside_one_hides_nothing() {
        for (text, expected) in [(r#"[["]]",[]]]"#, 3), (r"\[", 1), (r#"["",[]]"#, 2)] {
            assert_eq!(depth(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn an_answer_is_64_brackets_deep_at_most() {
        for (deep, fits) in [(64, true), (65, false)] {
            let text = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
            assert_eq!(read(text.as_bytes()).is_ok(), fits, "{deep}");
        }
    }
}
