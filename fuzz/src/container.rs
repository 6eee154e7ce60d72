//! Archives of any bytes.
//!
//! Whatever the bytes: the limits hold, both ways of reading (ciphertext kept
//! and content held back, or read twice and streamed) come to the same end, no
//! byte is released before an error where content is held back, and what is
//! accepted the `zip` crate accepts as well, authentication code included, with
//! the same content, unless another end record or another entry confuses it.

use qcc_archive::{Archive, Entry, ErrorKind, KeyStrength, Options};

use crate::{
    outcome::{Outcome, read},
    unzipped::{Unzipped, unzipped},
};

/// The password of the fixtures, which are the seeds.
const PASSWORD: &[u8] = b"fixture-password";

const MOST_CONTENT: u64 = 1 << 20;
const MOST_ENTRIES: u64 = 8;
const LONGEST_NAME: u64 = 64;

/// Entries of one archive that are read: deriving a key costs most of the time.
const READ_ENTRIES: usize = 2;

/// Checks one input.
pub fn check(bytes: &[u8]) {
    let options = || {
        Options::default()
            .with_max_content_bytes(MOST_CONTENT)
            .with_max_ratio(64)
            .with_ratio_floor_bytes(4096)
            .with_max_entries(MOST_ENTRIES)
            .with_max_name_bytes(LONGEST_NAME)
            .with_min_strength(KeyStrength::Aes128)
    };
    let archive = match Archive::open(bytes, options()) {
        Ok(archive) => archive,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let entries = archive.entries();
    assert!(entries.len() as u64 <= MOST_ENTRIES);
    assert!(entries.iter().all(|entry| entry.name_bytes().len() as u64 <= LONGEST_NAME));
    let declared: u64 = entries.iter().map(Entry::compressed_size).sum();
    assert!(declared <= bytes.len() as u64, "entries lie within the archive and apart");

    for name in entries.iter().map(Entry::name_bytes).take(READ_ENTRIES) {
        let held = read(bytes, name, PASSWORD, options(), usize::MAX);
        if matches!(&held, Err((error, _)) if !is_found_late(error.kind())) {
            continue;
        }
        let streaming = options().with_in_memory_bytes(0).with_hold_back_bytes(0);
        let streamed = read(bytes, name, PASSWORD, streaming, 1000);
        compare(&held, &streamed);
        if let Ok(content) = &held {
            assert!(content.len() as u64 <= MOST_CONTENT);
            let other = unzipped(bytes, name, PASSWORD);
            let must_agree = entries.len() == 1 && has_one_end(bytes);
            if must_agree || matches!(other, Unzipped::Content(_)) {
                other.assert_is(content);
            }
        }
    }
}

/// Whether an error comes from the ciphertext or later: the two ways of
/// reading are one up to there.
fn is_found_late(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Tampered
            | ErrorKind::Checksum
            | ErrorKind::Size { .. }
            | ErrorKind::Inflate
            | ErrorKind::TrailingData
            | ErrorKind::DisguisedDeflate
            | ErrorKind::Changed
            | ErrorKind::Io
    )
}

/// Whether there is nothing that another reader could take for the end record.
/// Of several we take the one that fits, the `zip` crate the last.
fn has_one_end(bytes: &[u8]) -> bool {
    bytes.windows(4).filter(|window| window == b"PK\x05\x06").count() == 1
}

fn compare(held: &Outcome, streamed: &Outcome) {
    match (held, streamed) {
        (Ok(held), Ok(streamed)) => assert!(held == streamed, "two contents"),
        (Err((held, released)), Err((streamed, _))) => {
            assert_eq!(held.kind(), streamed.kind());
            assert!(released.is_empty(), "released, then {held}");
        }
        _ => panic!("held back: {held:?}; streamed: {streamed:?}"),
    }
}
