//! Decodes UTF-8 in pieces, and marks the bytes that are not UTF-8.

/// What replaces a byte in the text that is not UTF-8.
const MARK: char = '\u{1a}';

/// How a text ends.
#[derive(Debug)]
pub(super) enum End {
    Whole,
    /// Inside a character.
    InCharacter,
    /// After too many bytes that are not UTF-8.
    NotUtf8,
}

/// The first bytes of a character whose rest is in the next piece.
#[derive(Debug, Default)]
pub(super) struct CutChar {
    bytes: [u8; 4],
    len: usize,
}

impl CutChar {
    /// How many bytes are held at most.
    pub(super) const MOST_HELD: usize = 4;

    /// Appends `piece` to `text`, with a mark for each byte that is not UTF-8.
    /// Calls `broken` for each, and returns `false` if that did.
    pub(super) fn decode(
        &mut self,
        mut piece: &[u8],
        text: &mut String,
        broken: &mut Told<'_>,
    ) -> bool {
        while self.len > 0 {
            let Some((&byte, rest)) = piece.split_first() else { break };
            piece = rest;
            self.push(byte);
            if !self.settle(text, broken) {
                return false;
            }
        }
        let (whole, cut) = piece.split_at(piece.len() - cut_len(piece));
        match simdutf8::basic::from_utf8(whole) {
            Ok(valid) => text.push_str(valid),
            Err(_) => {
                for chunk in whole.utf8_chunks() {
                    text.push_str(chunk.valid());
                    if !mark(chunk.invalid(), text, broken) {
                        return false;
                    }
                }
            }
        }
        cut.iter().for_each(|&byte| self.push(byte));
        true
    }

    /// Takes out of what is held the bytes that no further byte can complete, and
    /// the character where it is whole.
    fn settle(&mut self, text: &mut String, broken: &mut Told<'_>) -> bool {
        loop {
            let held = self.held();
            let bad = match std::str::from_utf8(held) {
                Ok(whole) => {
                    text.push_str(whole);
                    self.len = 0;
                    return true;
                }
                Err(e) => match e.error_len() {
                    None => return true,
                    Some(len) => len,
                },
            };
            if !mark(held.get(..bad).unwrap_or_default(), text, broken) {
                return false;
            }
            self.bytes.rotate_left(bad);
            self.len -= bad;
        }
    }

    fn held(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }

    /// Takes what is held as it is: nothing follows.
    pub(super) fn at_end(&mut self, text: &mut String, broken: &mut Told<'_>) -> End {
        match self.settle(text, broken) {
            false => End::NotUtf8,
            true if self.len == 0 => End::Whole,
            true => End::InCharacter,
        }
    }
}

/// Called with the place in the text and the value of each byte that is not UTF-8.
type Told<'a> = dyn FnMut(usize, u8) -> bool + 'a;

/// Appends a mark for each byte that is not UTF-8.
fn mark(invalid: &[u8], text: &mut String, broken: &mut Told<'_>) -> bool {
    invalid.iter().all(|&byte| {
        let at = text.len();
        text.push(MARK);
        broken(at, byte)
    })
}

/// How many of the last bytes begin a character that they do not end.
fn cut_len(piece: &[u8]) -> usize {
    for (n, &byte) in piece.iter().rev().take(3).enumerate() {
        let whole = match byte {
            0x80..=0xBF => continue,
            0x00..=0x7F => 1,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
        };
        return if whole > n + 1 { n + 1 } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text, the bytes of it that are not UTF-8, and what follows.
    fn decode(pieces: &[&[u8]]) -> (String, Vec<(usize, u8)>, End) {
        let (mut cut, mut text, mut bad) = (CutChar::default(), String::new(), Vec::new());
        let mut broken = |at, byte| {
            bad.push((at, byte));
            true
        };
        for piece in pieces {
            assert!(cut.decode(piece, &mut text, &mut broken));
        }
        let tail = cut.at_end(&mut text, &mut broken);
        (text, bad, tail)
    }

    #[test]
    fn characters_cut_anywhere_are_joined() {
        let text = "aé四𠮷z".repeat(3);
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let (a, rest) = text.as_bytes().split_at(first);
                let (b, c) = rest.split_at(second - first);
                let (joined, bad, tail) = decode(&[a, b, c]);
                assert_eq!((joined, bad), (text.clone(), vec![]));
                assert!(matches!(tail, End::Whole));
            }
        }
    }

    #[test]
    fn what_is_not_utf8_is_marked_in_its_place_however_it_is_cut() {
        #[track_caller]
        fn check(bytes: &[u8], marked: &str, wanted: fn(&End) -> bool) {
            for first in 0..=bytes.len() {
                for second in first..=bytes.len() {
                    let (a, rest) = bytes.split_at(first);
                    let (b, c) = rest.split_at(second - first);
                    let (text, bad, tail) = decode(&[a, b, c]);
                    assert!(wanted(&tail), "{bytes:x?} cut at {first}, {second}: {tail:?}");
                    assert_eq!(text, marked.replace('.', "\u{1a}"), "{bytes:x?} at {first}");
                    let places: Vec<_> = marked.match_indices('.').map(|(at, _)| at).collect();
                    assert_eq!(bad, places.iter().map(|at| (*at, bytes[*at])).collect::<Vec<_>>());
                }
            }
        }
        let end: fn(&End) -> bool = |t| matches!(t, End::Whole);
        let cut: fn(&End) -> bool = |t| matches!(t, End::InCharacter);
        check(b"ok \xD6\xD0\xB9\xFA!", "ok .й.!", end);
        check(b"ok \xED\xA0\x80!", "ok ...!", end);
        check(b"ok \xC0\xAF!", "ok ..!", end);
        check(b"ok \xFF", "ok .", end);
        check(b"ok \x80", "ok .", end);
        check(b"ok \xF0\x9F\x98\"\xE5\x9B\x9B", "ok ...\"四", end);
        check(b"\xE5\x9B\xE5\x9B\x9B", "..四", end);
        check(b"ok \xE4\xB8", "ok ", cut);
        check(b"ok \xF0\xA0\xAE", "ok ", cut);
        check(b"ok \xFF\xF0\xA0", "ok .", cut);
    }
}
