//! One reading of one entry, with everything that must hold of any reading.

use std::io::BufRead;

use qcc_archive::{Archive, Error, Options, ReadAt, Verified};

/// The whole content, or the error and what had been released before it.
pub(crate) type Outcome = Result<Vec<u8>, (Error, Vec<u8>)>;

/// Reads an entry, `step` bytes at a time at most.
pub(crate) fn read(
    source: impl ReadAt,
    name: impl AsRef<[u8]>,
    password: &[u8],
    options: Options,
    step: usize,
) -> Outcome {
    let verified = authenticated(source, name, password, options)?;
    let declared = verified.entry().size();
    drain(verified.into_reader(), declared, step)
}

/// The same with a thread that unpacks ahead.
pub(crate) fn read_ahead(
    source: impl ReadAt + Send + 'static,
    name: impl AsRef<[u8]>,
    password: &[u8],
    options: Options,
    step: usize,
) -> Outcome {
    let verified = authenticated(source, name, password, options)?;
    let declared = verified.entry().size();
    let ahead = verified.into_reader().ahead().map_err(|error| (error, Vec::new()))?;
    drain(ahead, declared, step)
}

fn authenticated<S: ReadAt>(
    source: S,
    name: impl AsRef<[u8]>,
    password: &[u8],
    options: Options,
) -> Result<Verified<S>, (Error, Vec<u8>)> {
    let opened = Archive::open(source, options);
    opened
        .and_then(|archive| archive.into_authenticated(name, password))
        .map_err(|error| (error, Vec::new()))
}

fn drain(mut reader: impl BufRead, declared: u64, step: usize) -> Outcome {
    let mut content = Vec::new();
    loop {
        match reader.fill_buf() {
            Ok([]) => {
                assert_eq!(content.len() as u64, declared, "not the declared size");
                assert!(reader.fill_buf().is_ok_and(<[u8]>::is_empty), "the end is the end");
                return Ok(content);
            }
            Ok(piece) => {
                let len = piece.len().min(step.max(1));
                content.extend_from_slice(&piece[..len]);
                reader.consume(len);
                assert!(content.len() as u64 <= declared, "more than declared");
            }
            Err(error) => {
                let error = Error::from_io(&error).expect("an error of the archive's").clone();
                let again = reader.fill_buf().expect_err("what failed cannot go on");
                let again = Error::from_io(&again).expect("an error of the archive's");
                assert_eq!(again.kind(), error.kind(), "the error changed");
                assert!(!error.to_string().is_empty());
                return Err((error, content));
            }
        }
    }
}
