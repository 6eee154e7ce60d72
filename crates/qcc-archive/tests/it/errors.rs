//! Every kind of error: its code, its message, its advice and what to do next.

use qcc_archive::{
    AesVersion, Encryption, Error, ErrorKind as Kind, FileFormat, KeyStrength, LimitKind,
    Retry::{self, FetchAgain, Never, ReadAgain},
};

fn limit(which: LimitKind) -> Kind {
    Kind::Limit { which, limit: 1234 }
}

/// The kind, its code, what to do next, and a part of its message.
fn all() -> Vec<(Kind, &'static str, Retry, &'static str)> {
    let missing = |found: &[&str]| Kind::NoSuchEntry {
        wanted: "wanted.json".into(),
        found: found.iter().map(ToString::to_string).collect(),
    };
    let code =
        |code: Option<&str>| Kind::NotAnArchive(FileFormat::Xml { code: code.map(Into::into) });
    let aes128 = Encryption::Aes { version: AesVersion::Ae2, strength: KeyStrength::Aes128 };
    vec![
        (Kind::NotAnArchive(FileFormat::Html), "not_an_archive", FetchAgain, "a web page"),
        (Kind::NotAnArchive(FileFormat::Json), "not_an_archive", FetchAgain, "JSON"),
        (Kind::NotAnArchive(FileFormat::Gzip), "not_an_archive", FetchAgain, "gzip"),
        (Kind::NotAnArchive(FileFormat::Empty), "not_an_archive", FetchAgain, "empty"),
        (
            Kind::NotAnArchive(FileFormat::OtherArchive),
            "not_an_archive",
            FetchAgain,
            "another format",
        ),
        (
            Kind::NotAnArchive(FileFormat::Unknown),
            "not_an_archive",
            FetchAgain,
            "an unknown format",
        ),
        (code(Some("NoSuchKey")), "not_an_archive", FetchAgain, "the code NoSuchKey"),
        (code(None), "not_an_archive", FetchAgain, "XML"),
        (Kind::Truncated, "truncated", FetchAgain, "truncated"),
        (Kind::Malformed("this part"), "malformed", FetchAgain, "malformed archive: this part"),
        (Kind::MultiDisk, "multi_disk", FetchAgain, "multi-volume"),
        (
            missing(&["a.json", "b.json"]),
            "no_such_entry",
            FetchAgain,
            "the archive contains a.json, b.json",
        ),
        (missing(&[]), "no_such_entry", FetchAgain, "\"wanted.json\"; the archive is empty"),
        (Kind::NotAFile, "not_a_file", FetchAgain, "not a regular file"),
        (Kind::Overlap, "overlap", FetchAgain, "overlap"),
        (
            Kind::HeaderMismatch { field: "the size" },
            "header_mismatch",
            FetchAgain,
            "about the size",
        ),
        (Kind::WrongPassword, "wrong_password", FetchAgain, "wrong password"),
        (Kind::Tampered, "tampered", FetchAgain, "authentication code"),
        (Kind::Checksum, "checksum", FetchAgain, "checksum"),
        (Kind::Size { declared: 77 }, "size", FetchAgain, "77 bytes"),
        (Kind::Inflate, "inflate", FetchAgain, "Deflate stream"),
        (Kind::TrailingData, "trailing_data", FetchAgain, "follow the end"),
        (Kind::DisguisedDeflate, "disguised_deflate", FetchAgain, "marked as stored"),
        (limit(LimitKind::NameBytes), "limit", FetchAgain, "name is longer than 1234 bytes"),
        (limit(LimitKind::ContentBytes), "limit", Never, "content is larger than 1234 bytes"),
        (limit(LimitKind::ExpansionRatio), "limit", Never, "more than 1234 times"),
        (limit(LimitKind::Entries), "limit", Never, "more than 1234 entries"),
        (limit(LimitKind::DirectoryBytes), "limit", Never, "directory is larger than 1234 bytes"),
        (Kind::DuplicateEntry, "duplicate_entry", Never, "more than one entry"),
        (Kind::NotEncrypted, "not_encrypted", Never, "not encrypted"),
        (Kind::WeakEncryption(aes128), "weak_encryption", Never, "by AES-128"),
        (Kind::WeakEncryption(Encryption::None), "weak_encryption", Never, "by no encryption"),
        (Kind::WeakEncryption(Encryption::ZipCrypto), "weak_encryption", Never, "by ZipCrypto"),
        (Kind::WeakEncryption(Encryption::Unknown), "weak_encryption", Never, "unknown encryption"),
        (Kind::UnsupportedMethod(12), "unsupported_method", Never, "method 12"),
        (Kind::UnsupportedFeature("wings"), "unsupported_feature", Never, "uses wings"),
        (Kind::Changed, "changed", ReadAgain, "changed while it was read"),
        (Kind::Io, "io", ReadAgain, "reading the archive failed"),
    ]
}

#[test]
fn every_reason_has_its_name_its_remedy_and_its_words() {
    for (kind, name, retry, words) in all() {
        assert_eq!((kind.as_str(), kind.retry()), (name, retry), "{kind:?}");
        assert_eq!(Error::from(kind.clone()).retry(), retry, "{kind:?}");
        assert!(kind.to_string().contains(words), "{kind}");
    }
}

#[test]
fn a_message_is_one_line_that_says_what_failed_and_leaves_advice_to_advice() {
    for (kind, ..) in all() {
        let text = kind.to_string();
        assert!(!text.contains(['\n', ';']) || text.contains("no entry is named"), "{text}");
        for word in ["again", "link", "raise", "ask ", "vendor"] {
            assert!(!text.to_lowercase().contains(word), "{text}");
        }
        let advice = kind.advice();
        assert!(advice.ends_with('.') && !advice.contains("  "), "{advice}");
        assert!(!advice.contains("link") && !advice.contains("vendor"), "{advice}");
    }
}

#[test]
fn advice_agrees_with_what_may_help() {
    for (kind, _, retry, _) in all() {
        let advice = kind.advice().to_lowercase();
        match retry {
            ReadAgain => assert!(advice.contains("read the archive again"), "{advice}"),
            FetchAgain | Never => assert!(!advice.contains("read the archive"), "{advice}"),
        }
        if retry == Never {
            assert!(!advice.contains("download"), "{advice}");
        }
    }
}

#[test]
fn codes_are_in_snake_case() {
    let mut codes: Vec<&str> = all().iter().map(|(kind, ..)| kind.as_str()).collect();
    for (kind, ..) in all() {
        match kind {
            Kind::NotAnArchive(format) => codes.push(format.as_str()),
            Kind::Limit { which, .. } => codes.push(which.as_str()),
            _ => {}
        }
    }
    codes.extend([ReadAgain, FetchAgain, Never].map(Retry::as_str));
    for code in codes {
        assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{code}");
    }
}

#[test]
fn a_changed_file_is_never_called_damaged() {
    for (kind, _, retry, _) in all() {
        let text = format!("{kind} {}", kind.advice());
        let blames = ["damaged", "altered", "Download"].iter().any(|word| text.contains(word));
        assert!(!(blames && retry == ReadAgain), "{text}");
    }
}
