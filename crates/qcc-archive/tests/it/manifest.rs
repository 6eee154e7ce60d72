//! Checks every line of the manifest of the fixtures.

use std::fs;

use qcc_archive::{KeyStrength, Options};
use sha2::{Digest, Sha256};

use crate::fixtures::{fixture, folder, read};

fn options(words: &str) -> Options {
    let options = Options::default();
    match words {
        "-" => options,
        "prefix" => options.with_directory_prefix(true),
        "aes128" => options.with_min_strength(KeyStrength::Aes128),
        "aes192" => options.with_min_strength(KeyStrength::Aes192),
        "deflate-only" => options.with_stored(false),
        other => panic!("unknown options {other}"),
    }
}

/// The other way to read: the ciphertext twice, and content released at once. The
/// defaults keep everything in memory and in one chunk.
fn streaming(options: Options) -> Options {
    options.with_in_memory_bytes(0).with_hold_back_bytes(0)
}

fn outcome(content: &[u8]) -> String {
    let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("ok {} {hash}", content.len())
}

#[test]
fn every_line_of_the_manifest_holds() {
    let manifest = fs::read_to_string(folder().join("MANIFEST.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut lines = 0;
    for line in manifest.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [file, entry, password, words, expected, size, sha256, _made_by, proves] = fields[..]
        else {
            panic!("not a line of the manifest: {line}");
        };
        let expected =
            if expected == "ok" { format!("ok {size} {sha256}") } else { expected.to_owned() };
        let bytes = fixture(file);
        for options in [options(words), streaming(options(words))] {
            let held = options.clone();
            let found = match read(&bytes, entry, password.as_bytes(), options) {
                Ok(content) => outcome(&content),
                Err((error, _)) => error.kind().as_str().to_owned(),
            };
            if found != expected {
                wrong.push(format!("{file} ({proves}): expected {expected}, was {found}"));
            }
            let released =
                read(&bytes, entry, password.as_bytes(), held.with_hold_back_bytes(1 << 22))
                    .map_or_else(|(_, released)| released, |_| Vec::new());
            if !released.is_empty() {
                wrong.push(format!("{file}: {} bytes released, then refused", released.len()));
            }
        }
        lines += 1;
    }
    assert!(lines > 150, "only {lines} lines");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_fixture_is_listed() {
    let manifest = fs::read_to_string(folder().join("MANIFEST.tsv")).unwrap();
    for file in fs::read_dir(folder()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let listed = manifest.lines().any(|line| line.split('\t').next() == Some(&name));
        let about = ["MANIFEST.tsv", "README.md", "make.py"].contains(&name.as_str());
        assert!(listed || about, "{name} is not in the manifest");
    }
}
