//! What each stage of reading an archive costs: `cargo bench -p qcc-archive`.
//!
//! Only the public API can be called, so the cost of a stage is the difference
//! between two lines: keys alone, then the MAC, then fingerprints; then decryption,
//! the comparison of fingerprints, decompression. The counter is bytes of
//! ciphertext, or of content where there is content.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark fails by panicking")]

#[expect(dead_code, reason = "the benchmarks use a part of the tests' writer")]
#[path = "../tests/it/writer.rs"]
mod writer;

use std::io::BufRead;

use divan::{Bencher, black_box, counter::BytesCount};
use qcc_archive::{Archive, Options, Verified};

use writer::{Entry, text};

/// The constants that the tests' writer imports.
mod fixtures {
    pub(crate) const NAME: &str = "dd_risk_corp.json";
    pub(crate) const PASSWORD: &[u8] = b"fixture-password";
}

const LEN: usize = 16 << 20;

/// Whether the ciphertext is kept, or read again and compared.
#[derive(Debug, Clone, Copy)]
enum Reading {
    Once,
    Twice,
}

const READINGS: [Reading; 2] = [Reading::Once, Reading::Twice];

fn main() {
    divan::main();
}

fn options(reading: Reading) -> Options {
    let options = Options::default().with_hold_back_bytes(0);
    match reading {
        Reading::Once => options.with_in_memory_bytes(u64::MAX),
        Reading::Twice => options.with_in_memory_bytes(0),
    }
}

fn authenticated(bytes: &[u8], reading: Reading) -> Verified<&[u8]> {
    let archive = Archive::open(bytes, options(reading)).unwrap();
    archive.into_authenticated(fixtures::NAME, fixtures::PASSWORD).unwrap()
}

fn drain(mut content: impl BufRead) -> usize {
    let mut read = 0;
    loop {
        let len = black_box(content.fill_buf().unwrap()).len();
        if len == 0 {
            return read;
        }
        content.consume(len);
        read += len;
    }
}

/// Opening, and 1000 rounds of PBKDF2 for each of four blocks.
#[divan::bench]
fn keys(bencher: Bencher<'_, '_>) {
    let bytes = Entry::deflated(b"{}").archive();
    bencher.bench(|| authenticated(black_box(&bytes), Reading::Once));
}

/// Keys and MAC; with `Twice`, a fingerprint of each segment as well.
#[divan::bench(args = READINGS)]
fn authenticate(bencher: Bencher<'_, '_>, reading: Reading) {
    let bytes = Entry::stored(&text(LEN)).archive();
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| {
        authenticated(black_box(&bytes), reading);
    });
}

/// AES in counter mode; with `Twice`, each fingerprint is compared first.
#[divan::bench(args = READINGS)]
fn decrypt(bencher: Bencher<'_, '_>, reading: Reading) {
    let bytes = Entry::stored(&text(LEN)).archive();
    let verified = authenticated(&bytes, reading);
    bencher.counter(BytesCount::new(LEN)).bench(|| drain(verified.reader()));
}

/// Decryption and decompression.
#[divan::bench(args = READINGS)]
fn unpack(bencher: Bencher<'_, '_>, reading: Reading) {
    let bytes = Entry::deflated(&text(LEN)).archive();
    let verified = authenticated(&bytes, reading);
    bencher.counter(BytesCount::new(LEN)).bench(|| drain(verified.reader()));
}

/// For comparison with the last stage: inflate alone, from memory.
#[divan::bench]
fn inflate_alone(bencher: Bencher<'_, '_>) {
    let packed = Entry::deflated(&text(LEN)).packed;
    let mut piece = vec![0; 256 * 1024];
    bencher.counter(BytesCount::new(LEN)).bench_local(|| {
        let mut stream = flate2::Decompress::new(false);
        let mut rest = black_box(packed.as_slice());
        loop {
            let before = stream.total_in();
            let status = stream.decompress(rest, &mut piece, flate2::FlushDecompress::None);
            if status.unwrap() == flate2::Status::StreamEnd {
                return stream.total_out();
            }
            rest = rest.get((stream.total_in() - before) as usize..).unwrap();
        }
    });
}

/// From the bytes of the archive to all of its content.
#[divan::bench(args = READINGS)]
fn whole(bencher: Bencher<'_, '_>, reading: Reading) {
    let bytes = Entry::deflated(&text(LEN)).archive();
    bencher
        .counter(BytesCount::new(LEN))
        .bench(|| drain(authenticated(black_box(&bytes), reading).reader()));
}

/// The same with a second thread that decompresses.
#[divan::bench]
fn whole_ahead(bencher: Bencher<'_, '_>) {
    let bytes = std::sync::Arc::new(Entry::deflated(&text(LEN)).archive());
    bencher.counter(BytesCount::new(LEN)).bench(|| {
        let archive = Archive::open(std::sync::Arc::clone(&bytes), options(Reading::Twice));
        let verified = archive.unwrap().into_authenticated(fixtures::NAME, fixtures::PASSWORD);
        drain(verified.unwrap().into_reader().ahead().unwrap())
    });
}
