//! What the reader holds in memory, which nobody outside can see.

use std::io::{self, Read};

use super::*;

/// A source that repeats itself: no memory, however long.
struct Endless<'a> {
    before: &'a [u8],
    repeated: &'a [u8],
    times: usize,
}

impl Read for Endless<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.before.is_empty() && self.times > 0 {
            (self.before, self.times) = (self.repeated, self.times - 1);
        }
        self.before.read(into)
    }
}

#[test]
fn what_never_ends_is_held_in_no_memory() {
    let filler = |byte: &str| byte.repeat(1 << 16);
    let item = String::from("{\"result\":[");
    let cases: &[(&str, String)] = &[
        ("{\"a\":\"", filler("x")),
        ("{\"", filler("四")),
        ("{\"a\":\"", filler("\\u0041")),
        ("{\"a\":1", filler("1")),
        ("{\"pushDate\":\"", filler("2")),
        ("{\"totalSize\":1", filler("0")),
        ("", filler(" ")),
        ("{\"a\":[1", filler(",1")),
        (&format!("{item}{{\"corpName\":\""), filler("x")),
        (&format!("{item}{{\"corpName\":\""), filler("\\u0041")),
        (&format!("{item}{{\"score\":1"), filler("0")),
        (&format!("{item}{{\"a\":[1"), filler(",[]")),
        (&format!("{item}{{\"a\":1"), filler(",\"a\":1")),
        (&format!("{item}{{"), filler(" ")),
        (&format!("{item}["), filler("\"\",")),
        (&item, filler(" ")),
    ];
    for (before, repeated) in cases {
        let times = 8 * 1024 * 1024 / repeated.len();
        let source = Endless { before: before.as_bytes(), repeated: repeated.as_bytes(), times };
        let mut reader = RecordReader::buffered(source, ReaderLimits::default());
        let error = loop {
            match reader.next_ref() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{before} has no end"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, DocumentError::Truncated { .. } | DocumentError::Invalid(_)), "{before}: {error:?}");
        let held = reader.feed.held() + reader.draft.held();
        assert!(held <= 12 * reader.limits.record, "{before}: {held} bytes held");
    }
}
