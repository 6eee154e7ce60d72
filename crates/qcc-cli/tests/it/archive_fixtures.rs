//! Every archive of the fixtures' manifest, through the program.

use std::{fs, path::PathBuf};

use crate::support::{Ran, bare};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/archives")
}

#[test]
fn every_refused_archive_ends_with_4_and_prints_nothing() {
    let manifest = fs::read_to_string(folder().join("MANIFEST.tsv")).unwrap();
    let (mut read, mut refused) = (0, 0);
    for line in manifest.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [file, entry, password, options, expected, size, ..] = fields[..] else {
            panic!("not a line of the manifest: {line}");
        };
        let weak = match options {
            "-" => &[][..],
            "aes128" => &["--allow-weak-aes"],
            // The program has no flag for the others.
            _ => continue,
        };
        let mut command = bare(&folder());
        command.env("QCC_ARCHIVE_PASSWORD", password);
        command.args(["archive", "cat", "--entry", entry]).args(weak).arg(file);
        let output = command.output().unwrap();
        let code = output.status.code();
        if expected == "ok" {
            assert_eq!(code, Some(0), "{file}: {}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(output.stdout.len().to_string(), size, "{file}");
            read += 1;
        } else {
            let ran = Ran::from(output);
            assert_eq!((code, ran.out.as_str()), (Some(4), ""), "{file}: {}", ran.err);
            assert!(ran.err.contains(file) && !ran.err.contains(password), "{file}: {}", ran.err);
            refused += 1;
        }
    }
    assert!(read > 30 && refused > 100, "{read} read, {refused} refused");
}

#[test]
fn an_object_stores_error_is_shown_by_its_code() {
    let mut command = bare(&folder());
    command.env("QCC_ARCHIVE_PASSWORD", "any").args(["archive", "cat", "oss-expired.xml"]);
    Ran::from(command.output().unwrap()).ends(4).says("an XML error with the code ");
}
