//! Reading content: chunks, the end, and errors that repeat.

use std::io::{self, BufRead, Read};

use qcc_archive::{Archive, Content, Error, ErrorKind, FileFormat, Options, Verified};

use crate::{
    fixtures::{NAME, PASSWORD, fixture, read_usual},
    writer::{Entry, text},
};

fn content(bytes: &[u8], options: Options) -> Content<&[u8]> {
    let archive = Archive::open(bytes, options).unwrap();
    archive.into_authenticated(NAME, PASSWORD).unwrap().into_reader()
}

/// Content whose last byte is one too many for its headers.
fn too_long(len: usize) -> Vec<u8> {
    let text = text(len);
    Entry { size: len as u32 - 1, ..Entry::deflated(&text) }.archive()
}

#[test]
fn large_content_comes_whole_whatever_the_buffers() {
    let expected = text(3_000_000);
    for entry in [Entry::deflated(&expected), Entry::stored(&expected)] {
        let bytes = entry.archive();
        for hold_back in [0, 1, 300_000, 1 << 30] {
            for in_memory in [0, 1 << 30] {
                let options = Options::default()
                    .with_hold_back_bytes(hold_back)
                    .with_in_memory_bytes(in_memory);
                let mut found = Vec::new();
                content(&bytes, options).read_to_end(&mut found).unwrap();
                assert!(found == expected, "hold back {hold_back}, in memory {in_memory}");
            }
        }
    }
}

#[test]
fn chunks_are_lent_until_consumed() {
    let expected = text(1_000_000);
    let bytes = Entry::deflated(&expected).archive();
    let mut reader = content(&bytes, Options::default().with_hold_back_bytes(0));
    let mut found = Vec::new();
    loop {
        let chunk = reader.fill_buf().unwrap();
        if chunk.is_empty() {
            break;
        }
        let part = chunk[..chunk.len().min(70_001)].to_vec();
        reader.consume(part.len());
        found.extend(part);
    }
    assert!(found == expected);
    assert_eq!(reader.fill_buf().unwrap(), b"");
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!(reader.finish().unwrap(), 1_000_000);
}

#[test]
fn a_chunk_has_a_quarter_of_a_mebibyte() {
    let expected = text(1_000_000);
    for entry in [Entry::deflated(&expected), Entry::stored(&expected)] {
        let bytes = entry.archive();
        let mut reader = content(&bytes, Options::default().with_hold_back_bytes(0));
        let mut lengths = Vec::new();
        loop {
            let len = reader.fill_buf().unwrap().len();
            if len == 0 {
                break;
            }
            lengths.push(len);
            reader.consume(len);
        }
        assert_eq!(lengths, [262_144, 262_144, 262_144, 213_568]);
    }
}

#[test]
fn debug_shows_how_far_the_reading_is() {
    let expected = text(1_000_000);
    let bytes = Entry::deflated(&expected).archive();
    let mut reader = content(&bytes, Options::default().with_hold_back_bytes(0));
    let shown = format!("{reader:?}");
    assert!(shown.contains("fresh") && shown.contains("unpacked: 0"), "{shown}");
    reader.fill_buf().unwrap();
    let shown = format!("{reader:?}");
    assert!(shown.contains("streaming") && shown.contains("unpacked: 262144"), "{shown}");
    io::copy(&mut reader, &mut io::sink()).unwrap();
    let shown = format!("{reader:?}");
    assert!(shown.contains("complete") && shown.contains("unpacked: 1000000"), "{shown}");
    let bytes = too_long(1_000_000);
    let mut reader = content(&bytes, Options::default());
    reader.fill_buf().unwrap_err();
    let shown = format!("{reader:?}");
    assert!(shown.contains("failed") && shown.contains("size: 999999"), "{shown}");
}

#[test]
fn consuming_too_much_is_consuming_all_there_is() {
    let bytes = fixture("good.zip");
    let mut reader = content(&bytes, Options::default());
    reader.fill_buf().unwrap();
    reader.consume(usize::MAX);
    assert_eq!(reader.fill_buf().unwrap(), b"");
}

#[test]
fn the_beginning_alone_can_be_read_and_the_rest_dropped() {
    let expected = text(1_000_000);
    let bytes = Entry::deflated(&expected).archive();
    for options in [Options::default(), Options::default().with_hold_back_bytes(0)] {
        let mut beginning = [0; 1000];
        content(&bytes, options).read_exact(&mut beginning).unwrap();
        assert_eq!(beginning, expected[..1000]);
    }
}

#[test]
fn finish_checks_what_was_not_read() {
    let bytes = too_long(1_000_000);
    let mut reader = content(&bytes, Options::default().with_hold_back_bytes(0));
    let mut beginning = [0; 10];
    reader.read_exact(&mut beginning).unwrap();
    let error = reader.finish().unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Size { declared: 999_999 });
}

#[test]
fn an_error_stays() {
    let bytes = too_long(1_000_000);
    for hold_back in [0, 1 << 30] {
        let mut reader = content(&bytes, Options::default().with_hold_back_bytes(hold_back));
        let mut found = Vec::new();
        let first = reader.read_to_end(&mut found).unwrap_err();
        for _ in 0..3 {
            let again = reader.read(&mut [0; 100]).unwrap_err();
            assert_eq!(
                Error::from_io(&again).unwrap().kind(),
                Error::from_io(&first).unwrap().kind()
            );
            assert!(reader.fill_buf().is_err());
        }
        assert!(reader.write_to(&mut io::sink()).is_err());
        assert!(reader.finish().is_err());
        assert!(found.len() < 1_000_000);
    }
}

#[test]
fn held_back_content_is_not_seen_if_its_last_check_fails() {
    let bytes = too_long(1_000_000);
    let mut found = Vec::new();
    let held = Options::default().with_hold_back_bytes(1_000_000);
    content(&bytes, held).read_to_end(&mut found).unwrap_err();
    assert!(found.is_empty());

    // Beyond what is held back, the beginning is out before the end is known.
    let streamed = Options::default().with_hold_back_bytes(500_000);
    content(&bytes, streamed).read_to_end(&mut found).unwrap_err();
    assert!(found.len() >= 500_000);
    assert!(text(1_000_000).starts_with(&found));
}

#[test]
fn the_last_chunk_waits_for_the_checks() {
    let expected = text(1_000_000);
    let entry = Entry { crc32: Some(0), ..Entry::deflated(&expected) };
    let mut found = Vec::new();
    let bytes = entry.archive();
    let mut reader = content(&bytes, Options::default().with_hold_back_bytes(0));
    let error = reader.read_to_end(&mut found).unwrap_err();
    assert_eq!(*Error::from_io(&error).unwrap().kind(), ErrorKind::Checksum);
    assert!(found.len() < expected.len());
}

#[test]
fn writing_says_how_much_and_passes_on_the_writers_errors() {
    let bytes = fixture("good.zip");
    let expected = read_usual(&bytes).unwrap();
    let mut written = Vec::new();
    let count = content(&bytes, Options::default()).write_to(&mut written).unwrap();
    assert_eq!((count as usize, written), (expected.len(), expected));

    let mut full = [0; 10];
    let error = content(&bytes, Options::default()).write_to(&mut full.as_mut_slice()).unwrap_err();
    assert!(Error::from_io(&error).is_none());
}

#[test]
fn a_verified_entry_is_read_as_often_as_wanted() {
    let bytes = fixture("good.zip");
    let archive = Archive::open(&bytes, Options::default()).unwrap();
    let verified = archive.authenticate(NAME, PASSWORD).unwrap();
    let expected = read_usual(&bytes).unwrap();
    for _ in 0..2 {
        let mut found = Vec::new();
        verified.reader().read_to_end(&mut found).unwrap();
        assert_eq!(found, expected);
    }
    assert_eq!(verified.entry().size(), expected.len() as u64);
}

#[test]
fn content_can_be_read_on_another_thread() {
    fn sendable<T: Send + 'static>() {}
    sendable::<Content<std::fs::File>>();
    sendable::<Verified<Vec<u8>>>();
    sendable::<Archive<std::sync::Arc<[u8]>>>();
    sendable::<Error>();
    let reader = Archive::open(fixture("good.zip"), Options::default())
        .unwrap()
        .into_authenticated(NAME, PASSWORD)
        .unwrap()
        .into_reader();
    let read = std::thread::spawn(move || reader.finish().unwrap()).join().unwrap();
    assert_eq!(read as usize, read_usual(fixture("good.zip")).unwrap().len());
}

#[test]
fn nothing_of_password_or_content_is_in_debug_output() {
    let bytes = fixture("good.zip");
    let archive = Archive::open(&bytes, Options::default()).unwrap();
    let verified = archive.authenticate(NAME, PASSWORD).unwrap();
    let mut reader = verified.reader();
    let document = String::from_utf8(reader.fill_buf().unwrap().to_vec()).unwrap();
    let shown = format!("{archive:?} {verified:?} {reader:?}");
    for secret in ["fixture-password", &document[..20], &format!("{PASSWORD:?}")] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains(NAME));
}

#[test]
fn an_error_page_is_named_with_its_code() {
    let error = read_usual(fixture("oss-expired.xml")).unwrap_err();
    let looks = FileFormat::Xml { code: Some("AccessDenied".into()) };
    assert_eq!(*error.kind(), ErrorKind::NotAnArchive(looks));
    assert!(error.to_string().contains("AccessDenied"));
    let error = read_usual(fixture("gateway.html")).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotAnArchive(FileFormat::Html));
}

#[test]
fn a_wrong_password_is_told_from_damage_only_as_far_as_it_can_be() {
    let bytes = fixture("good.zip");
    let archive = Archive::open(&bytes, Options::default()).unwrap();
    let wrong = archive.authenticate(NAME, b"wrong").unwrap_err();
    assert_eq!(*wrong.kind(), ErrorKind::WrongPassword);
    let tampered = read_usual(fixture("flipped-last.zip")).unwrap_err();
    assert!(tampered.kind().advice().contains("1 in 65,536"), "{tampered}");
}
