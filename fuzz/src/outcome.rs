//! One reading of one entry, with everything that must hold of any reading.

use std::io::BufRead;

use qcc_archive::{Archive, Error, Options, ReadAt};

/// The whole content, or the error and what had been released before it.
pub(crate) type Outcome = Result<Vec<u8>, (Error, Vec<u8>)>;

/// Reads an entry, `step` bytes at a time at most.
pub(crate) fn read(
    source: impl ReadAt,
    name: &str,
    password: &[u8],
    options: Options,
    step: usize,
) -> Outcome {
    let nothing = |error| (error, Vec::new());
    let archive = Archive::open(source, options).map_err(nothing)?;
    let verified = archive.into_authenticated(name, password).map_err(nothing)?;
    let declared = verified.entry().size();
    let mut reader = verified.into_reader();
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
