//! Documents of a gibibyte that say nothing: each has its answer, and none is
//! held in memory.

use std::{
    fs,
    io::{self, BufRead, Read},
};

use qcc_proto::{DocumentError, DocumentSummary, Item, ReaderLimits, RecordReader};

use crate::reader::{GOOD, document};

const GIB: usize = 1 << 30;

/// What this process may grow by: far less than any of the documents, and more
/// than all other tests of this binary take together.
const GROWTH: u64 = 128 << 20;

/// A document whose middle is one text over and over, without being in memory.
struct Bomb {
    before: Vec<u8>,
    repeated: Vec<u8>,
    times: usize,
    after: Vec<u8>,
    at: usize,
}

impl Bomb {
    /// `document` with its `\0` replaced by a gibibyte of `repeated`.
    fn new(document: &str, repeated: &str) -> Self {
        let (before, after) = document.split_once('\0').unwrap();
        let piece = repeated.repeat((64 << 10) / repeated.len());
        Self {
            before: before.into(),
            times: GIB / piece.len(),
            repeated: piece.into(),
            after: after.into(),
            at: 0,
        }
    }
}

impl Read for Bomb {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.fill_buf()?.read(into)?;
        self.consume(got);
        Ok(got)
    }
}

impl BufRead for Bomb {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.before.len() && self.times > 0 {
            (self.times, self.at) = (self.times - 1, 0);
            self.before.clone_from(&self.repeated);
        } else if self.at == self.before.len() {
            self.at = 0;
            self.before = std::mem::take(&mut self.after);
        }
        Ok(&self.before[self.at..])
    }

    fn consume(&mut self, used: usize) {
        self.at += used;
    }
}

/// Reads a bomb; returns the first records set aside by reason, and the end.
fn read(bomb: Bomb) -> (Vec<&'static str>, Result<DocumentSummary, DocumentError>) {
    let before = peak_memory();
    let mut reader = RecordReader::new(bomb, ReaderLimits::default());
    let mut aside = Vec::new();
    let end = loop {
        match reader.next_item() {
            Ok(Some(Item::Record { .. })) => {}
            Ok(Some(Item::SetAside(record))) => {
                assert!(record.raw.len() <= 64 << 10);
                aside.truncate(2);
                aside.push(record.reason.as_str());
            }
            Ok(None) => break reader.finish(),
            Err(error) => break Err(error),
        }
    };
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < GROWTH, "{} MiB", grown >> 20);
    (aside, end)
}

/// The most this process ever held; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or_default() << 10
}

#[test]
fn a_gibibyte_in_an_unknown_field_is_skipped() {
    let text = document(&[GOOD]).replacen('{', "{\"note\":\"\0\",", 1);
    let (aside, end) = read(Bomb::new(&text, "四x"));
    assert_eq!((aside.len(), end.unwrap().records), (0, 1));
}

#[test]
fn a_gibibyte_in_a_record_sets_that_record_aside() {
    let text = document(&[GOOD, &GOOD.replacen("四川", "\0", 1), GOOD]);
    let (aside, end) = read(Bomb::new(&text, "名"));
    assert_eq!((aside, end.unwrap().records), (vec!["too-long"], 2));
}

#[test]
fn millions_of_empty_records_end_the_reading() {
    let text = document(&["\0{}"]);
    let (aside, end) = read(Bomb::new(&text, "{},"));
    assert_eq!(aside, ["missing-field"; 3]);
    assert!(matches!(end, Err(DocumentError::TooManySetAside { limit: 10_000 })));
}

#[test]
fn a_gibibyte_of_brackets_ends_the_reading() {
    let text = document(&["\0"]);
    let (aside, end) = read(Bomb::new(&text, "["));
    assert!(aside.is_empty());
    assert!(matches!(end, Err(DocumentError::TooDeep { .. })));
}

#[test]
fn a_gibibyte_of_white_space_is_passed_over() {
    let text = document(&[GOOD]) + "\0";
    let (aside, end) = read(Bomb::new(&text, " \n"));
    assert_eq!((aside.len(), end.unwrap().records), (0, 1));
}
