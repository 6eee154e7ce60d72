//! Where archives can be read from.

use std::{
    error::Error as _,
    fs::File,
    io::{self, Read},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use qcc_archive::{Archive, Encryption, ErrorKind, KeyStrength, Options, ReadAt, Retry};

use crate::fixtures::{NAME, PASSWORD, fixture, folder, read_usual};

#[test]
fn files_slices_and_pointers_are_sources() {
    let bytes = fixture("good.zip");
    let expected = read_usual(bytes.as_slice()).unwrap();
    let file = || File::open(folder().join("good.zip")).unwrap();
    let erased: Box<dyn ReadAt + Send + Sync> = Box::new(file());
    assert_eq!(read_usual(&bytes).unwrap(), expected);
    assert_eq!(read_usual(bytes.clone()).unwrap(), expected);
    assert_eq!(read_usual(Arc::<[u8]>::from(bytes)).unwrap(), expected);
    assert_eq!(read_usual(file()).unwrap(), expected);
    assert_eq!(read_usual(Arc::new(file())).unwrap(), expected);
    assert_eq!(read_usual(erased).unwrap(), expected);
}

#[test]
fn a_seekable_reader_in_a_mutex_is_a_source() {
    let bytes = fixture("good.zip");
    let expected = read_usual(&bytes).unwrap();
    assert_eq!(read_usual(Mutex::new(io::Cursor::new(bytes))).unwrap(), expected);
    let file = Mutex::new(File::open(folder().join("good.zip")).unwrap());
    assert_eq!(read_usual(&file).unwrap(), expected);

    let short = Mutex::new(io::Cursor::new([1, 2, 3]));
    let mut buf = [0; 2];
    short.read_exact_at(&mut buf, 1).unwrap();
    assert_eq!((buf, short.size().unwrap()), ([2, 3], 3));
    let error = short.read_exact_at(&mut buf, 2).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_poisoned_mutex_is_a_failed_read() {
    let source = Arc::new(Mutex::new(io::Cursor::new(fixture("good.zip"))));
    let held = Arc::clone(&source);
    let panicked = std::thread::spawn(move || {
        let _held = held.lock().unwrap();
        panic!("this test panics on purpose");
    });
    assert!(panicked.join().is_err());
    assert_eq!(*read_usual(source).unwrap_err().kind(), ErrorKind::Io);
}

#[cfg(feature = "bytes")]
#[test]
fn shared_bytes_are_a_source() {
    let bytes = bytes::Bytes::from(fixture("good.zip"));
    assert_eq!(read_usual(bytes.clone()).unwrap(), read_usual(&bytes[..]).unwrap());
    assert!(bytes.read_exact_at(&mut [0; 2], bytes.len() as u64 - 1).is_err());
}

#[test]
fn the_source_can_be_looked_at_and_taken_back() {
    let bytes = fixture("good.zip");
    let archive = Archive::open(bytes.clone(), Options::default()).unwrap();
    assert_eq!(*archive.get_ref(), bytes);
    let archive = Archive::open(archive.into_inner(), Options::default()).unwrap();
    let verified = archive.into_authenticated(NAME, PASSWORD).unwrap();
    assert_eq!(*verified.get_ref(), bytes);
    assert_eq!(verified.into_inner(), bytes);
    let archive = Archive::open(bytes.clone(), Options::default()).unwrap();
    let mut content = archive.into_authenticated(NAME, PASSWORD).unwrap().into_reader();
    assert!(content.read_to_end(&mut Vec::new()).unwrap() > 0);
    assert_eq!(*content.get_ref(), bytes);
    assert_eq!(content.into_inner(), bytes);
}

#[test]
fn reading_beyond_the_end_is_an_error() {
    let bytes = vec![1, 2, 3];
    let mut buf = [0; 2];
    bytes.read_exact_at(&mut buf, 1).unwrap();
    assert_eq!(buf, [2, 3]);
    for offset in [2, 3, 4, u64::MAX] {
        let error = bytes.read_exact_at(&mut buf, offset).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "offset {offset}");
    }
}

/// A disk that fails from an offset on.
struct Failing(Vec<u8>, u64);

impl ReadAt for Failing {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        if offset < self.1 && offset + buf.len() as u64 > self.1 {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the disk is gone"));
        }
        self.0.read_exact_at(buf, offset)
    }
}

#[test]
fn a_failing_disk_is_not_blamed_on_the_archive() {
    let bytes = fixture("good.zip");
    for at in 0..bytes.len() as u64 {
        let Err(error) = read_usual(Failing(bytes.clone(), at)) else { continue };
        assert_eq!(*error.kind(), ErrorKind::Io, "at {at}");
        assert_eq!(error.source().unwrap().to_string(), "the disk is gone");
        assert!(!error.to_string().contains("the disk is gone"));
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
    }
    assert!(read_usual(Failing(bytes, 40)).is_err());
}

#[test]
fn entries_tell_what_there_is() {
    let archive = Archive::open(fixture("pyzipper-neighbours.zip"), Options::default()).unwrap();
    let names: Vec<_> = archive.entries().iter().map(|entry| entry.name()).collect();
    assert_eq!(names, ["readme.txt", "dd_risk_corp.json", "b/dd_risk_corp.json"]);
    let entry = &archive.entries()[1];
    assert_eq!(entry.method(), 8);
    let Encryption::Aes { strength, .. } = entry.encryption() else {
        panic!("{:?}", entry.encryption());
    };
    assert_eq!(strength, KeyStrength::Aes256);

    let encryption = |file| {
        let archive = Archive::open(fixture(file), Options::default()).unwrap();
        archive.entries()[0].encryption()
    };
    assert_eq!(encryption("7zz-plain.zip"), Encryption::None);
    assert_eq!(encryption("7zz-zipcrypto.zip"), Encryption::ZipCrypto);
    assert_eq!(encryption("aes-missing.zip"), Encryption::Unknown);
}

/// A file that is still being written: its size changes after it was first read.
struct Growing {
    bytes: Vec<u8>,
    /// The sizes it reports, one after the other; the last one repeats.
    sizes: Vec<u64>,
    asked: AtomicUsize,
}

impl ReadAt for Growing {
    fn size(&self) -> io::Result<u64> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(self.sizes[asked.min(self.sizes.len() - 1)])
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.bytes.read_exact_at(buf, offset)
    }
}

fn growing(bytes: Vec<u8>, sizes: &[usize]) -> Growing {
    let sizes = sizes.iter().map(|size| *size as u64).collect();
    Growing { bytes, sizes, asked: AtomicUsize::new(0) }
}

#[test]
fn a_file_that_is_still_being_written_is_to_be_read_again() {
    let whole = fixture("good.zip");
    for part in [10, 200, whole.len() - 1] {
        let refused = |sizes: &[usize]| read_usual(growing(whole.clone(), sizes)).unwrap_err();
        let error = refused(&[part, whole.len()]);
        assert_eq!((error.kind().as_str(), error.kind().retry()), ("changed", Retry::ReadAgain));
        // A part that stays a part is damage.
        let error = refused(&[part]);
        assert_eq!((error.kind().as_str(), error.kind().retry()), ("truncated", Retry::FetchAgain));
    }
}

#[test]
fn a_file_replaced_between_directory_and_entry_is_to_be_read_again() {
    let mut bytes = fixture("good.zip");
    let len = bytes.len();
    bytes[400] ^= 1;
    let error = read_usual(growing(bytes.clone(), &[len, len + 7])).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Changed);
    let error = read_usual(growing(bytes, &[len])).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Tampered);
}

#[test]
fn what_no_reading_could_change_stays_what_it_is() {
    // Both headers say so; a later write to the file does not change that.
    let bytes = fixture("7zz-plain.zip");
    let len = bytes.len();
    let error = read_usual(growing(bytes, &[len, len + 7])).unwrap_err();
    assert_eq!((error.kind(), error.kind().retry()), (&ErrorKind::NotEncrypted, Retry::Never));
}
