//! The places of directory and end record, how much of them is read, and what the
//! directory says about entries.

use std::{
    io::{self, Read},
    sync::atomic::{AtomicUsize, Ordering},
};

use qcc_archive::{AesVersion, Archive, Encryption, ErrorKind, KeyStrength, Options, ReadAt};

use crate::{
    fixtures::{PASSWORD, fixture, read_usual},
    writer::many_entries,
};

/// Counts reads, remembers the longest, and fails one of them.
struct Watched<'a> {
    bytes: &'a [u8],
    fails: Option<usize>,
    reads: AtomicUsize,
    longest: AtomicUsize,
}

impl<'a> Watched<'a> {
    fn new(bytes: &'a [u8], fails: Option<usize>) -> Self {
        Self { bytes, fails, reads: AtomicUsize::new(0), longest: AtomicUsize::new(0) }
    }
}

impl ReadAt for Watched<'_> {
    fn size(&self) -> io::Result<u64> {
        self.bytes.size()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.longest.fetch_max(buf.len(), Ordering::Relaxed);
        if self.fails == Some(self.reads.fetch_add(1, Ordering::Relaxed)) {
            return Err(io::Error::other("this read fails"));
        }
        self.bytes.read_exact_at(buf, offset)
    }
}

/// An end record for a directory of that size at that offset.
fn end(count: u16, size: u32, offset: u32) -> Vec<u8> {
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend([count, count].map(u16::to_le_bytes).concat());
    end.extend([size, offset].map(u32::to_le_bytes).concat());
    end.extend([0, 0]);
    end
}

fn opened(bytes: &[u8]) -> Result<Vec<String>, ErrorKind> {
    let archive = Archive::open(bytes, Options::default());
    let names = |archive: Archive<_>| {
        archive.entries().iter().map(|entry| entry.name().into_owned()).collect()
    };
    archive.map(names).map_err(|error| error.kind().clone())
}

fn directory_at(bytes: &[u8]) -> usize {
    bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap()
}

#[test]
fn a_large_directory_is_read_in_few_pieces_of_bounded_size() {
    let bytes = many_entries(10_000);
    let source = Watched::new(&bytes, None);
    assert_eq!(Archive::open(&source, Options::default()).unwrap().entries().len(), 10_000);
    // The longest comment and its end record; half a megabyte in 64 KiB each.
    assert_eq!(source.longest.load(Ordering::Relaxed), 65_557);
    // Its beginning and its end, where a zip64 record would be, and eight pieces.
    assert_eq!(source.reads.load(Ordering::Relaxed), 3 + (10_000 * 51_usize).div_ceil(65_536));
}

#[test]
fn a_line_of_the_directory_may_lie_across_two_pieces_wherever_it_is_cut() {
    for shift in 0..52 {
        let names = (0..).map(|number| match number {
            0 => "x".repeat(1 + shift),
            _ => format!("{number:05}"),
        });
        let (mut locals, mut lines, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        for name in names {
            if lines.len() > 65_536 {
                break;
            }
            let name_len = (name.len() as u16).to_le_bytes();
            let offset = (locals.len() as u32).to_le_bytes();
            locals.extend([b"PK\x03\x04".as_slice(), &[0; 22], &name_len, &[0; 2]].concat());
            locals.extend(name.as_bytes());
            lines.extend([b"PK\x01\x02".as_slice(), &[0; 24], &name_len, &[0; 12]].concat());
            lines.extend([&offset, name.as_bytes()].concat());
            expected.push(name);
        }
        let end = end(expected.len() as u16, lines.len() as u32, locals.len() as u32);
        assert!(opened(&[locals, lines, end].concat()).unwrap() == expected, "shift {shift}");
    }
}

#[test]
fn an_archive_may_have_the_longest_comment_there_is() {
    let mut bytes = fixture("good.zip");
    let len = bytes.len();
    bytes[len - 2..].copy_from_slice(&[0xff, 0xff]);
    bytes.extend([b'c'; 0xffff]);
    assert_eq!(read_usual(&bytes).unwrap(), read_usual(fixture("good.zip")).unwrap());
    bytes.push(b'c');
    assert!(read_usual(&bytes).is_err());
}

#[test]
fn a_directory_as_large_as_its_limit_is_read() {
    let bytes = fixture("good.zip");
    let size = (bytes.len() - 22 - directory_at(&bytes)) as u64;
    let open = |limit| Archive::open(&bytes, Options::default().with_max_directory_bytes(limit));
    assert_eq!(open(size).unwrap().entries().len(), 1);
    assert_eq!(open(size - 1).unwrap_err().kind().as_str(), "limit");
}

#[test]
fn an_entry_without_a_name_is_listed_as_it_is() {
    let local = [b"PK\x03\x04".as_slice(), &[0; 26]].concat();
    let line = [b"PK\x01\x02".as_slice(), &[0; 42]].concat();
    let bytes = [local, line, end(1, 46, 30)].concat();
    assert_eq!(opened(&bytes).unwrap(), [""]);
}

#[test]
fn an_archive_without_entries_has_nothing_before_its_end() {
    assert_eq!(opened(&end(0, 0, 0)).unwrap(), [""; 0]);
    let hidden = [b"PK\x03\x04".as_slice(), &[0; 26]].concat();
    let bytes = [hidden, end(0, 0, 30)].concat();
    let expected = ErrorKind::Malformed("bytes before the first entry");
    assert_eq!(opened(&bytes).unwrap_err(), expected);
}

#[test]
fn whichever_read_fails_the_error_is_io() {
    for file in ["good.zip", "open-ones-64.zip", "zip64-end.zip", "fake-empty-end-in-comment.zip"] {
        let bytes = fixture(file);
        let expected = read_usual(&bytes).unwrap();
        let mut failed = 0;
        loop {
            match read_usual(Watched::new(&bytes, Some(failed))) {
                Ok(content) => break assert_eq!(content, expected),
                Err(error) => assert_eq!(*error.kind(), ErrorKind::Io, "{file}, read {failed}"),
            }
            failed += 1;
        }
        assert!(failed >= 9, "{file} took {failed} reads");
    }
}

#[test]
fn a_refused_feature_is_named() {
    for (file, expected) in [
        ("flag-4.zip", "flags with an unknown meaning"),
        ("flag-5.zip", "patched data"),
        ("flag-6.zip", "PKWARE strong encryption"),
        ("flag-13.zip", "masked headers"),
        ("flag-15.zip", "flags with an unknown meaning"),
    ] {
        let error = read_usual(fixture(file)).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::UnsupportedFeature(expected), "{file}");
    }
}

#[test]
fn an_entry_has_what_its_directory_header_says() {
    let archive = Archive::open(fixture("pyzipper-ae1.zip"), Options::default()).unwrap();
    let entry = &archive.entries()[0];
    assert_eq!(entry.name_bytes(), b"dd_risk_corp.json");
    let (version, strength) = (AesVersion::Ae1, KeyStrength::Aes256);
    assert_eq!(entry.encryption(), Encryption::Aes { version, strength });
    let bytes = fixture("pyzipper-ae1.zip");
    let at = directory_at(&bytes) + 20;
    let size = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(entry.compressed_size(), size.into());
    assert_eq!(entry.size(), 2497);
    let shown = format!("{entry:?}");
    assert!(shown.contains("dd_risk_corp.json") && shown.contains("2497"), "{shown}");
}

#[test]
fn an_entry_whose_name_is_not_utf_8_is_found_by_its_bytes() {
    let mut bytes = fixture("good.zip");
    let expected = read_usual(&bytes).unwrap();
    // "风险" in GBK, where the headers say "dd_r".
    let name = b"\xb7\xe7\xcf\xd5isk_corp.json";
    for at in [30, directory_at(&bytes) + 46] {
        bytes[at..at + name.len()].copy_from_slice(name);
    }
    let archive = Archive::open(&bytes, Options::default()).unwrap();
    assert_eq!(archive.entries()[0].name_bytes(), name);
    let verified = archive.authenticate(name, PASSWORD).unwrap();
    let mut content = Vec::new();
    verified.reader().read_to_end(&mut content).unwrap();
    assert_eq!(content, expected);

    let lossy = archive.entries()[0].name().into_owned();
    assert_eq!(archive.authenticate(lossy, PASSWORD).unwrap_err().kind().as_str(), "no_such_entry");
    let error = archive.authenticate(b"\xb7\xe7", PASSWORD).unwrap_err();
    assert!(error.to_string().contains('\u{fffd}'), "{error}");
}

#[test]
fn an_aes_field_counts_only_where_the_method_says_so() {
    let mut bytes = fixture("aes-field-on-deflate.zip");
    let directory = directory_at(&bytes);
    let described = |bytes: &[u8]| {
        let archive = Archive::open(bytes, Options::default()).unwrap();
        let entry = &archive.entries()[0];
        (entry.method(), entry.encryption())
    };
    assert_eq!(described(&bytes), (8, Encryption::ZipCrypto));
    bytes[directory + 10] = 12;
    assert_eq!(described(&bytes), (12, Encryption::ZipCrypto));
    bytes[directory + 8] |= 0x40;
    assert_eq!(described(&bytes), (12, Encryption::Unknown));
    bytes[directory + 8] &= !1;
    assert_eq!(described(&bytes), (12, Encryption::None));
}
