//! A source that changes between authentication and decryption.

use std::{
    io,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use qcc_archive::{Archive, Error, ErrorKind, Options, ReadAt};

use crate::{
    fixtures::{NAME, PASSWORD},
    writer::{Entry, text},
};

/// A source whose bytes are replaced at the switch.
struct Switching {
    before: Vec<u8>,
    after: Vec<u8>,
    switched: AtomicBool,
    reads: AtomicUsize,
}

impl Switching {
    fn new(before: Vec<u8>, after: Vec<u8>) -> Self {
        Self { before, after, switched: AtomicBool::new(false), reads: AtomicUsize::new(0) }
    }

    fn switch(&self) {
        self.switched.store(true, Ordering::Relaxed);
    }
}

impl ReadAt for Switching {
    fn size(&self) -> io::Result<u64> {
        Ok(self.before.len() as u64)
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let bytes = if self.switched.load(Ordering::Relaxed) { &self.after } else { &self.before };
        bytes.read_exact_at(buf, offset)
    }
}

fn twice() -> Options {
    Options::default().with_in_memory_bytes(0).with_hold_back_bytes(0)
}

/// Reads everything after the switch; the content before the error must be right.
#[track_caller]
fn check(after: impl FnOnce(Vec<u8>) -> Vec<u8>) -> (Error, usize) {
    let content = text(4_000_000);
    let good = Entry::deflated(&content).archive();
    let source = Switching::new(good.clone(), after(good));
    let archive = Archive::open(&source, twice()).unwrap();
    let verified = archive.authenticate(NAME, PASSWORD).unwrap();
    source.switch();
    let mut released = Vec::new();
    let error = verified.reader().write_to(&mut released).expect_err("the change was not seen");
    assert!(content.starts_with(&released));
    (Error::from_io(&error).unwrap().clone(), released.len())
}

#[test]
fn a_bit_changed_after_authentication_is_seen_before_it_is_decrypted() {
    for part in 0..16 {
        let (error, _) = check(|mut bytes| {
            let at = 100 + part * (bytes.len() - 250) / 15;
            bytes[at] ^= 0x10;
            bytes
        });
        assert_eq!(*error.kind(), ErrorKind::Changed);
    }
}

#[test]
fn nothing_of_a_changed_first_block_is_released() {
    let (error, released) = check(|mut bytes| {
        bytes[200_000] ^= 1;
        bytes
    });
    assert_eq!((error.kind().as_str(), released), ("changed", 0));
}

#[test]
fn another_good_archive_of_the_same_password_is_still_a_change() {
    let (error, released) = check(|bytes| {
        let mut other = Entry::deflated(&text(4_000_000).to_ascii_uppercase()).archive();
        other.resize(bytes.len(), 0);
        other
    });
    assert_eq!((error.kind().as_str(), released), ("changed", 0));
}

#[test]
fn a_file_cut_after_authentication_is_a_change() {
    let (error, _) = check(|bytes| bytes[..bytes.len() / 2].to_vec());
    assert_eq!(*error.kind(), ErrorKind::Changed);
}

#[test]
fn an_unchanged_file_reads_the_same_twice() {
    let content = text(4_000_000);
    let bytes = Entry::deflated(&content).archive();
    let archive = Archive::open(&bytes, twice()).unwrap();
    let verified = archive.authenticate(NAME, PASSWORD).unwrap();
    for _ in 0..2 {
        let mut found = Vec::new();
        verified.reader().write_to(&mut found).unwrap();
        assert!(found == content);
    }
}

#[test]
fn what_is_kept_in_memory_is_not_read_again() {
    let content = text(1_000_000);
    let good = Entry::deflated(&content).archive();
    let source = Switching::new(good.clone(), vec![0; good.len()]);
    let archive = Archive::open(&source, Options::default()).unwrap();
    let verified = archive.authenticate(NAME, PASSWORD).unwrap();
    source.switch();
    let reads = source.reads.load(Ordering::Relaxed);
    let mut found = Vec::new();
    verified.reader().write_to(&mut found).unwrap();
    assert!(found == content);
    assert_eq!(source.reads.load(Ordering::Relaxed), reads);
}
