//! The same document gives the same answers however it streams in, and none
//! where it breaks off; limits hold where they say.

use std::io::{self, BufRead, Read};

use qcc_proto::{DocumentError, DocumentHeader, Item, ItemRef, ReaderLimits, RecordReader};

use crate::reader::{GOOD, Pieces, document, good_and, good_but, read, read_all, spaced};

/// Documents that take every path through the reader.
fn samples() -> Vec<Vec<u8>> {
    let usual = document(&[GOOD, GOOD]);
    let odd = [
        GOOD.to_owned(),
        good_but("corpName", r#""\u56db\ud842\udfb7\n""#),
        good_and(r#""note":{"a":[1.5e3,"\u0031"]}"#),
        good_but("score", "null"),
        good_but("score", "\"\\u0038\""),
        good_but("id", "\"\""),
        good_but("score", "1e5"),
        "[true,{}]".to_owned(),
        "null".to_owned(),
        spaced(GOOD, " \n"),
    ];
    let odd: Vec<&str> = odd.iter().map(String::as_str).collect();
    let odd = document(&odd);
    let fields = r#"{"result":[],"x":{"a":[1,"𠮷"]},"total\u0053ize":"0","y":-1.5E+1,"pushDate":"2022-06-07 10:13:42"}"#;
    let syntax = usual.replacen(":82,", ":82.,", 1);
    let wrong_count = usual.replacen(":2,", ":3,", 1);
    let mut not_utf8 = usual.clone().into_bytes();
    let at = not_utf8.len() - 40;
    not_utf8[at] = 0xFF;
    vec![
        usual.clone().into_bytes(),
        format!("\u{FEFF}{odd}").into_bytes(),
        spaced(&odd, "\r\n").into_bytes(),
        fields.into(),
        syntax.into_bytes(),
        wrong_count.into_bytes(),
        not_utf8,
        format!("{usual} x").into_bytes(),
        b"[]".to_vec(),
    ]
}

fn said(source: impl BufRead, limits: ReaderLimits) -> String {
    format!("{:?}", read(source, limits))
}

#[test]
fn pieces_of_any_length_give_the_same_items() {
    for sample in samples() {
        for (record, raw) in [(1 << 20, 1 << 16), (300, 40), (20, 0), (0, 9)] {
            let mut limits = ReaderLimits::default();
            (limits.record_bytes, limits.raw_bytes) = (record, raw);
            let whole = said(sample.as_slice(), limits);
            for lengths in [vec![1], vec![2], vec![3], vec![7, 1], vec![64], vec![1, 300, 5, 2]] {
                let pieces = Pieces::new(&sample, lengths.clone());
                assert_eq!(said(pieces, limits), whole, "{lengths:?} of {record}");
            }
        }
    }
}

#[test]
fn records_that_straddle_a_refill_are_whole() {
    let names: Vec<String> =
        (0..3000).map(|n| good_but("corpName", &format!("\"{}\"", "名".repeat(n % 97)))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let text = document(&names);
    for lengths in [vec![usize::MAX], vec![4096], vec![131_072], vec![131_071, 3]] {
        let reading = read(Pieces::new(text.as_bytes(), lengths), ReaderLimits::default());
        assert_eq!(reading.verdict(), "3000 good, 0 aside");
        for (n, item) in reading.items.iter().enumerate() {
            let Item::Record { record, .. } = item else { panic!() };
            assert_eq!(record.corp_name.as_ref().map(String::len), Some(n % 97 * 3));
        }
    }
}

#[test]
fn no_prefix_of_a_document_is_one() {
    for sample in samples().into_iter().take(4) {
        let whole = read_all(&sample);
        let last = sample.iter().rposition(|&b| b == b'}').unwrap();
        for len in 0..=last {
            let reading = read_all(&sample[..len]);
            assert!(reading.is_truncated(), "{len} bytes: {}", reading.verdict());
            assert_eq!(reading.items, whole.items[..reading.items.len()], "{len} bytes");
        }
        assert!(read_all(&sample[..=last]).end.is_ok());
    }
}

/// A source that fails after its bytes, each read being interrupted once.
struct Failing<'a> {
    bytes: &'a [u8],
    interrupted: bool,
}

#[derive(Debug)]
struct Damaged;

impl std::fmt::Display for Damaged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the archive is damaged")
    }
}

impl std::error::Error for Damaged {}

impl Read for Failing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.interrupted ^= true;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.bytes.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, Damaged));
        }
        let len = into.len().min(10);
        self.bytes.read(&mut into[..len])
    }
}

#[test]
fn a_failing_source_is_told_apart_after_all_that_it_gave() {
    let text = document(&[GOOD, GOOD]);
    for len in [0, 1, 60, GOOD.len() + 70, text.len()] {
        let failing = Failing { bytes: &text.as_bytes()[..len], interrupted: false };
        let mut reader = RecordReader::buffered(failing, ReaderLimits::default());
        let mut found = 0;
        let error = loop {
            match reader.next_ref() {
                Ok(Some(_)) => found += 1,
                Ok(None) => panic!("{len} bytes are no document"),
                Err(error) => break error,
            }
        };
        assert_eq!(found, read_all(&text.as_bytes()[..len]).items.len(), "{len} bytes");
        let DocumentError::Source(source) = &error else { panic!("{error:?}") };
        assert!(source.get_ref().unwrap().is::<Damaged>());
        assert!(std::error::Error::source(&error).is_some());
        assert_eq!(error.to_string(), "the document could not be read");
        assert!(matches!(reader.finish(), Err(DocumentError::AlreadyFailed)));
    }
}

#[test]
fn a_fault_of_the_bytes_comes_before_a_later_failure_of_the_source() {
    let text = document(&[GOOD, GOOD]).replacen(":82,", ":8_2,", 1);
    let failing = Failing { bytes: text.as_bytes(), interrupted: false };
    let reader = RecordReader::buffered(failing, ReaderLimits::default());
    assert!(matches!(reader.finish(), Err(DocumentError::Syntax { .. })));
}

#[test]
fn finishing_early_reads_the_rest() {
    let text = document(&[GOOD, "{}", GOOD]);
    let mut reader = RecordReader::new(text.as_bytes(), ReaderLimits::default());
    assert!(matches!(reader.next_ref(), Ok(Some(ItemRef::Record { position: 0, .. }))));
    assert_eq!(reader.summary(), None);
    assert_eq!(reader.push_date().unwrap().to_string(), "2022-06-07 10:13:42");
    assert_eq!(reader.total_size(), Some(3));
    let summary = reader.finish().unwrap();
    assert_eq!((summary.records, summary.set_aside), (2, 1));
}

#[test]
fn the_limit_of_a_record_is_its_length_to_the_byte() {
    let long = good_but("monitorContent", &format!("\"{}\"", "长".repeat(50_000)));
    let unknown = good_and(&format!("\"note\":\"{}\"", "长".repeat(50_000)));
    for record in [long, unknown] {
        for (limit, verdict) in
            [(record.len(), "3 good, 0 aside"), (record.len() - 1, "2 good, 1 aside")]
        {
            let mut limits = ReaderLimits::default();
            (limits.record_bytes, limits.raw_bytes) = (limit, 1000);
            let text = document(&[GOOD, &record, GOOD]);
            for lengths in [vec![usize::MAX], vec![1000]] {
                let reading = read(Pieces::new(text.as_bytes(), lengths), limits);
                assert_eq!(reading.verdict(), verdict);
                if let Item::SetAside(aside) = &reading.items[1] {
                    assert_eq!(aside.reason.to_string(), "the record is too long");
                    assert_eq!(aside.reason.as_str(), "too-long");
                    assert_eq!(aside.raw, record.as_bytes()[..1000]);
                    assert!(aside.truncated);
                }
            }
        }
    }
}

#[test]
fn raw_bytes_are_kept_to_their_limit() {
    let bad = r#"{"id":-7}"#;
    for raw in 0..=bad.len() {
        let mut limits = ReaderLimits::default();
        limits.raw_bytes = raw;
        let reading = read(document(&[bad]).as_bytes(), limits);
        let Item::SetAside(aside) = &reading.items[0] else { panic!() };
        assert_eq!(aside.raw, bad.as_bytes()[..raw]);
        assert_eq!(aside.truncated, raw < bad.len());
    }
}

#[test]
fn a_broken_character_is_set_aside_wherever_the_buffer_ends() {
    let record = b"{\"id\":\"a\",\"corpName\":\"\xF0\x9F\x98\xFF\xE5\x9B\x9B\xE5\"}";
    let (before, after) = (document(&["@"]), "]}");
    let before = before.split_once('@').unwrap().0;
    // The reader takes in 128 KiB at a time: let that end at every byte of the record.
    for spaces in 0..=record.len() + 1 {
        let padding = " ".repeat(131_072 - before.len() - spaces);
        let bytes = [before.as_bytes(), padding.as_bytes(), record, after.as_bytes()].concat();
        let mut limits = ReaderLimits::default();
        for raw in [record.len(), 24, 25, 3] {
            limits.raw_bytes = raw;
            let reading = read(bytes.as_slice(), limits);
            assert_eq!(reading.verdict(), "0 good, 1 aside", "{spaces}");
            let Item::SetAside(aside) = &reading.items[0] else { panic!() };
            assert_eq!((aside.reason.as_str(), &aside.raw[..]), ("not-utf-8", &record[..raw]));
            assert_eq!(aside.truncated, raw < record.len());
        }
    }
}

#[test]
fn a_value_cut_at_its_limit_is_known_to_be_cut_wherever_it_ends() {
    let mut limits = ReaderLimits::default();
    limits.raw_bytes = 10;
    // The reader takes in 128 KiB at a time: let the number end just there.
    let before = document(&["1"]).find("[1").unwrap() + 1;
    for digits in (131_072 - before - 3)..(131_072 - before + 3) {
        let reading = read(document(&["1".repeat(digits).as_str()]).as_bytes(), limits);
        let Item::SetAside(aside) = &reading.items[0] else { panic!() };
        assert_eq!(aside.raw, b"1111111111");
        assert!(aside.truncated, "{digits} digits");
    }
}

#[test]
fn a_record_too_long_must_still_be_json() {
    let mut limits = ReaderLimits::default();
    limits.record_bytes = 10;
    for (record, verdict) in [
        (GOOD.to_owned(), "0 good, 1 aside"),
        (GOOD.replacen(":82,", ":08,", 1), "syntax"),
        (GOOD.replacen('}', "]", 1), "syntax"),
        (GOOD.replacen("四", "\\x", 1), "syntax"),
    ] {
        let said = read(document(&[&record]).as_bytes(), limits).verdict();
        assert!(said.starts_with(verdict), "{record}: {said}");
    }
}

#[test]
fn nesting_is_followed_to_its_limit() {
    let mut limits = ReaderLimits::default();
    limits.document_levels = 1000;
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        for (depth, is_read) in [(1000, true), (1001, false)] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let beside = document(&[]).replacen('{', &format!("{{\"a\":{deep},"), 1);
            assert_eq!(read(beside.as_bytes(), limits).end.is_ok(), is_read);
            // As a record it is set aside.
            let inside = read(document(&[&deep]).as_bytes(), limits);
            assert_eq!(inside.end.is_ok(), is_read);
            let error = DocumentHeader::read(beside.as_bytes(), limits).err();
            assert_eq!(error.is_none(), is_read);
        }
    }
    let endless = format!("{{\"a\":{}", "[".repeat(2_000_000));
    assert_eq!(read_all(endless.as_bytes()).verdict(), format!("too deep at {}", 5 + (1 << 20)));
}

#[test]
fn only_so_many_records_may_be_set_aside() {
    let mut limits = ReaderLimits::default();
    limits.set_aside_records = 3;
    let three = document(&["{}", GOOD, "{}", "1"]);
    assert_eq!(read(three.as_bytes(), limits).verdict(), "1 good, 3 aside");
    let four = document(&["{}", GOOD, "{}", "1", GOOD, "[]", GOOD]);
    let reading = read(four.as_bytes(), limits);
    assert_eq!(reading.verdict(), "more than 3 records are invalid");
    assert_eq!(reading.items.len(), 5);
}
