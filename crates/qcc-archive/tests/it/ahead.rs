//! Content decompressed on another thread: complete, and as strict as on this one.

use std::{
    io::{BufRead, Read},
    sync::Arc,
};

use qcc_archive::{Ahead, Archive, Content, Error, ErrorKind, Options, ReadAt};

use crate::{
    fixtures::{NAME, PASSWORD},
    writer::{Entry, text},
};

fn content<S: ReadAt>(source: S, options: Options) -> Content<S> {
    let archive = Archive::open(source, options).unwrap();
    archive.into_authenticated(NAME, PASSWORD).unwrap().into_reader()
}

fn ahead(bytes: Vec<u8>, options: Options) -> Ahead {
    content(bytes, options).ahead().unwrap()
}

#[test]
fn the_content_is_the_same_on_another_thread() {
    for len in [0, 1, 262_143, 262_144, 262_145, 3_000_000] {
        let expected = text(len);
        for hold_back in [0, 300_000, 1 << 30] {
            let options =
                Options::default().with_hold_back_bytes(hold_back).with_in_memory_bytes(1 << 20);
            let bytes = Entry::deflated(&expected).archive();
            let mut read = Vec::new();
            ahead(bytes.clone(), options.clone()).read_to_end(&mut read).unwrap();
            assert!(read == expected, "{len} bytes, hold back {hold_back}");

            let (mut written, mut reader) = (Vec::new(), ahead(bytes.clone(), options.clone()));
            assert_eq!(reader.write_to(&mut written).unwrap(), len as u64);
            assert!(written == expected, "{len} bytes, hold back {hold_back}");
            assert_eq!(reader.fill_buf().unwrap(), b"");

            assert_eq!(ahead(bytes, options).finish().unwrap(), len as u64);
        }
    }
}

#[test]
fn a_content_begun_here_goes_on_there() {
    let expected = text(1_000_000);
    for hold_back in [0, 1 << 30] {
        let bytes = Entry::deflated(&expected).archive();
        let mut here = content(bytes, Options::default().with_hold_back_bytes(hold_back));
        let mut found = vec![0; 100_000];
        here.read_exact(&mut found).unwrap();
        here.ahead().unwrap().read_to_end(&mut found).unwrap();
        assert!(found == expected, "hold back {hold_back}");
    }
}

#[test]
fn an_error_comes_after_what_was_before_it_and_stays() {
    let expected = text(1_000_000);
    let entry = Entry { size: 999_999, ..Entry::deflated(&expected) };
    let bytes = entry.archive();
    let mut reader = ahead(bytes.clone(), Options::default().with_hold_back_bytes(0));
    let mut released = Vec::new();
    let error = reader.write_to(&mut released).unwrap_err();
    assert!(!released.is_empty() && expected.starts_with(&released));
    let size = ErrorKind::Size { declared: 999_999 };
    assert_eq!(*Error::from_io(&error).unwrap().kind(), size);
    let again = reader.fill_buf().unwrap_err();
    assert_eq!(*Error::from_io(&again).unwrap().kind(), size);
    assert_eq!(*reader.finish().unwrap_err().kind(), size);

    let mut held_back = ahead(bytes, Options::default());
    assert!(held_back.fill_buf().is_err(), "held back, so nothing of it may be seen");
}

#[test]
fn a_reader_dropped_early_leaves_no_thread_behind() {
    let source = Arc::new(Entry::deflated(&text(5_000_000)).archive());
    let options = Options::default().with_hold_back_bytes(0);
    let mut reader = content(Arc::clone(&source), options).ahead().unwrap();
    reader.fill_buf().unwrap();
    drop(reader);
    assert_eq!(Arc::strong_count(&source), 1);
}

#[test]
fn a_source_that_panics_does_not_look_like_an_end() {
    struct Panicking(Vec<u8>);
    impl ReadAt for Panicking {
        fn size(&self) -> std::io::Result<u64> {
            Ok(self.0.len() as u64)
        }

        fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<()> {
            assert!(std::thread::current().name() != Some("unpack"), "this test panics on purpose");
            self.0.read_exact_at(buf, offset)
        }
    }
    let source = Panicking(Entry::deflated(&text(1_000_000)).archive());
    let mut reader = content(source, Options::default().with_in_memory_bytes(0)).ahead().unwrap();
    for _ in 0..2 {
        let error = reader.fill_buf().unwrap_err();
        assert_eq!(*Error::from_io(&error).unwrap().kind(), ErrorKind::Io);
    }
    assert_eq!(*reader.finish().unwrap_err().kind(), ErrorKind::Io);
}
