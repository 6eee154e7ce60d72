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
    let escaped = format!(r#"{{"id":"\u0041{}"}},"#, "x".repeat(100));
    let unknown = format!(r#"{{"note":"{}"}},"#, "x".repeat(100));
    let cases = [
        ("", " "),
        (r#"{""#, "四"),
        (r#"{"a":""#, "x"),
        (r#"{"a":""#, r"\u0041"),
        (r#"{"a":1"#, "1"),
        (r#"{"a":[1"#, ",1"),
        (r#"{"pushDate":""#, "2"),
        (r#"{"totalSize":1"#, "0"),
        (r#"{"result":["#, " "),
        (r#"{"result":[["#, r#""","#),
        (r#"{"result":[{"#, " "),
        (r#"{"result":[{"corpName":""#, "x"),
        (r#"{"result":[{"corpName":""#, r"\u0041"),
        (r#"{"result":[{"score":1"#, "0"),
        (r#"{"result":[{"a":[1"#, ",[]"),
        (r#"{"result":[{"a":1"#, r#","a":1"#),
        (r#"{"result":["#, escaped.as_str()),
        (r#"{"result":["#, unknown.as_str()),
    ];
    let limits = ReaderLimits {
        record_bytes: 64 * 1024,
        set_aside_records: u64::MAX,
        ..ReaderLimits::default()
    };
    for (before, repeated) in cases {
        let piece = repeated.repeat(1 << 14);
        let times = (4 << 20) / piece.len();
        let source = Endless { before: before.as_bytes(), repeated: piece.as_bytes(), times };
        let mut reader = RecordReader::buffered(source, limits);
        let error = loop {
            match reader.next_ref() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{before}{repeated}… has no end"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, DocumentError::Truncated { .. }), "{before}: {error:?}");
        let held = reader.feed.held() + reader.draft.held();
        assert!(held <= 12 * limits.record_bytes, "{before}{repeated}…: {held} bytes held");
    }
}
