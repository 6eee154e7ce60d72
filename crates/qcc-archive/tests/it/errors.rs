//! Every reason: its stable name, and what may help against it.

use qcc_archive::{
    AesVersion, Encryption, ErrorKind as Kind, KeyStrength, LimitKind, Looks,
    Retry::{self, FetchAgain, Never, ReadAgain},
};

fn limit(which: LimitKind) -> Kind {
    Kind::Limit { which, limit: 1234 }
}

/// The reason, its name, what may help, and words of its message.
fn all() -> Vec<(Kind, &'static str, Retry, &'static str)> {
    let missing = |found: &[&str]| Kind::NoSuchEntry {
        wanted: "wanted.json".into(),
        found: found.iter().map(ToString::to_string).collect(),
    };
    let code = |code: Option<&str>| Kind::NotAnArchive(Looks::Xml { code: code.map(Into::into) });
    let aes128 = Encryption::Aes { version: AesVersion::Ae2, strength: KeyStrength::Aes128 };
    vec![
        (Kind::NotAnArchive(Looks::Html), "not_an_archive", FetchAgain, "a web page"),
        (Kind::NotAnArchive(Looks::Json), "not_an_archive", FetchAgain, "JSON"),
        (Kind::NotAnArchive(Looks::Gzip), "not_an_archive", FetchAgain, "gzip"),
        (Kind::NotAnArchive(Looks::Empty), "not_an_archive", FetchAgain, "empty"),
        (Kind::NotAnArchive(Looks::OtherArchive), "not_an_archive", FetchAgain, "another format"),
        (Kind::NotAnArchive(Looks::Unknown), "not_an_archive", FetchAgain, "begin and end"),
        (code(Some("NoSuchKey")), "not_an_archive", FetchAgain, "code NoSuchKey"),
        (code(None), "not_an_archive", FetchAgain, "XML"),
        (Kind::Truncated, "truncated", FetchAgain, "breaks off"),
        (Kind::Malformed("this part"), "malformed", FetchAgain, "damaged: this part"),
        (Kind::MultiDisk, "multi_disk", FetchAgain, "one part of several"),
        (missing(&["a.json", "b.json"]), "no_such_entry", FetchAgain, "there is: a.json, b.json"),
        (missing(&[]), "no_such_entry", FetchAgain, "\"wanted.json\"; the archive is empty"),
        (Kind::NotAFile, "not_a_file", FetchAgain, "something else than a file"),
        (Kind::Overlap, "overlap", FetchAgain, "share bytes"),
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
        (Kind::DisguisedDeflate, "disguised_deflate", FetchAgain, "claims to be stored"),
        (limit(LimitKind::Name), "limit", FetchAgain, "name is longer than 1234 bytes"),
        (limit(LimitKind::Content), "limit", Never, "content is larger than 1234 bytes"),
        (limit(LimitKind::Ratio), "limit", Never, "more than 1234 times"),
        (limit(LimitKind::Entries), "limit", Never, "more than 1234 entries"),
        (limit(LimitKind::Directory), "limit", Never, "directory is larger than 1234 bytes"),
        (Kind::DuplicateEntry, "duplicate_entry", Never, "two entries"),
        (Kind::NotEncrypted, "not_encrypted", Never, "not encrypted"),
        (Kind::WeakEncryption(aes128), "weak_encryption", Never, "by AES-128"),
        (Kind::WeakEncryption(Encryption::None), "weak_encryption", Never, "by no encryption"),
        (Kind::WeakEncryption(Encryption::ZipCrypto), "weak_encryption", Never, "by ZipCrypto"),
        (Kind::WeakEncryption(Encryption::Unknown), "weak_encryption", Never, "unknown encryption"),
        (Kind::UnsupportedMethod(12), "unsupported_method", Never, "method 12"),
        (Kind::UnsupportedFeature("wings"), "unsupported_feature", Never, "has wings"),
        (Kind::Changed, "changed", ReadAgain, "read it again"),
        (Kind::Io, "io", ReadAgain, "reading the archive failed"),
    ]
}

#[test]
fn every_reason_has_its_name_its_remedy_and_its_words() {
    for (kind, name, retry, words) in all() {
        assert_eq!((kind.as_str(), kind.retry()), (name, retry), "{kind:?}");
        assert_eq!(kind.may_be_damage(), retry == FetchAgain, "{kind:?}");
        assert!(kind.to_string().contains(words), "{kind}");
    }
}

#[test]
fn a_changed_file_is_never_called_damaged() {
    for (kind, _, retry, _) in all() {
        let text = kind.to_string();
        let blames = ["damaged", "tampered", "download"].iter().any(|word| text.contains(word));
        assert!(!(blames && retry == ReadAgain), "{text}");
    }
}
