//! Damage of every kind gives the right content or an error.

use std::thread;

use proptest::prelude::*;
use qcc_archive::{Archive, KeyStrength, Options, Retry};

use crate::fixtures::{fixture, read, read_usual};

/// Flips each bit in turn; returns how many flips gave the same content.
#[track_caller]
fn flip_every_bit(file: &str) -> usize {
    let good = fixture(file);
    let content = read_usual(&good).unwrap();
    let bits: Vec<usize> = (0..good.len() * 8).collect();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let passed = |bits: &[usize]| {
        let mut bytes = good.clone();
        let mut passed = 0;
        for bit in bits {
            let (at, mask) = (bit / 8, 1 << (bit % 8));
            bytes[at] ^= mask;
            match read_usual(&bytes) {
                Err(error) => assert!(error.retry() == Retry::FetchAgain, "byte {at}: {error}"),
                Ok(found) => {
                    assert!(
                        found == content,
                        "{file}: bit {} of byte {at} gave other content",
                        bit % 8
                    );
                    passed += 1;
                }
            }
            bytes[at] ^= mask;
        }
        passed
    };
    thread::scope(|scope| {
        let parts = bits.chunks(bits.len().div_ceil(threads));
        let running: Vec<_> = parts.map(|part| scope.spawn(|| passed(part))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

#[test]
fn no_flipped_bit_gives_other_content_ae2() {
    let passed = flip_every_bit("7zz-ae2.zip");
    // Times, versions and attributes may be anything.
    assert!((1..1000).contains(&passed), "{passed} flips passed");
}

#[test]
fn no_flipped_bit_gives_other_content_ae1() {
    let passed = flip_every_bit("pyzipper-ae1.zip");
    assert!((1..1000).contains(&passed), "{passed} flips passed");
}

#[test]
fn no_flipped_bit_gives_other_content_where_the_header_leaves_the_sizes_open() {
    let passed = flip_every_bit("open-ones-64.zip");
    assert!((1..1000).contains(&passed), "{passed} flips passed");
}

#[test]
fn no_beginning_of_an_archive_is_taken_for_one() {
    for file in ["7zz-ae2.zip", "bsdtar-zip64.zip"] {
        let good = fixture(file);
        for len in 0..good.len() {
            let error = read_usual(&good[..len]).expect_err("a part was taken for the whole");
            let code = error.kind().as_str();
            assert!(["not_an_archive", "truncated"].contains(&code), "{len} bytes: {error}");
            assert_eq!(error.retry(), Retry::FetchAgain);
        }
    }
}

#[test]
fn no_end_of_an_archive_is_taken_for_one() {
    let good = fixture("7zz-ae2.zip");
    for start in 1..good.len() {
        assert!(read_usual(&good[start..]).is_err(), "from byte {start} on");
    }
}

/// One kind of damage to the bytes of a file.
#[derive(Debug, Clone)]
enum Damage {
    Set(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Remove(prop::sample::Index, prop::sample::Index),
    Copy(prop::sample::Index, prop::sample::Index, prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len();
        let range = |a: &prop::sample::Index, b: &prop::sample::Index| {
            let (a, b) = (a.index(len), b.index(len));
            a.min(b)..a.max(b)
        };
        match self {
            Self::Set(at, value) => bytes[at.index(len)] = *value,
            Self::Cut(at) => bytes.truncate(at.index(len)),
            Self::Remove(a, b) => drop(bytes.drain(range(a, b))),
            Self::Copy(a, b, to) => {
                let copy = bytes[range(a, b)].to_vec();
                let to = to.index(len);
                bytes.splice(to..to, copy);
            }
            Self::Insert(at, new) => {
                let at = at.index(len);
                bytes.splice(at..at, new.iter().copied());
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    use prop::sample::Index;
    prop_oneof![
        6 => (any::<Index>(), any::<u8>()).prop_map(|(at, value)| Damage::Set(at, value)),
        6 => (any::<Index>(), prop::sample::select(vec![0, 1, 8, 99, 255]))
            .prop_map(|(at, value)| Damage::Set(at, value)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => any::<(Index, Index)>().prop_map(|(a, b)| Damage::Remove(a, b)),
        2 => any::<(Index, Index, Index)>().prop_map(|(a, b, to)| Damage::Copy(a, b, to)),
        1 => (any::<Index>(), prop::collection::vec(any::<u8>(), 1..30))
            .prop_map(|(at, new)| Damage::Insert(at, new)),
    ]
}

/// Archives with unusual structures and the same content.
const FILES: &[&str] = &[
    "good.zip",
    "ae1-descriptor.zip",
    "descriptor-unsigned-64.zip",
    "open-ones-64.zip",
    "open-one-value.zip",
    "zip64-local-both.zip",
    "zip64-entry.zip",
    "zip64-end.zip",
    "fake-empty-end-in-comment.zip",
    "unknown-extra.zip",
    "unicode-path.zip",
    "aes128.zip",
    "7zz-stored.zip",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_mutation_panics_or_gives_other_content(
        file in prop::sample::select(FILES),
        damages in prop::collection::vec(damage(), 1..5),
    ) {
        let mut bytes = fixture(file);
        let options = Options::default()
            .with_min_strength(KeyStrength::Aes128)
            .with_directory_prefix(true);
        let read = |bytes: &[u8]| {
            read(bytes, "dd_risk_corp.json", b"fixture-password", options.clone())
        };
        let content = read(&bytes).unwrap();
        for damage in &damages {
            damage.apply(&mut bytes);
        }
        match read(&bytes) {
            Ok(found) => prop_assert!(found == content),
            Err((error, released)) => {
                prop_assert!(released.is_empty(), "released, then {error}");
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn nothing_that_begins_like_an_archive_panics(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
    ) {
        let end = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
        bytes.splice(0..0, *b"PK\x03\x04");
        let at = at.index(bytes.len() + 1);
        bytes.splice(at..at, end);
        let _ = Archive::open(&bytes, Options::default());
    }
}
