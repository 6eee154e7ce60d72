//! Archives as the `zip` crate reads them, which shares no code with ours but
//! what inflates.

use std::{
    error::Error,
    io::{Cursor, Read},
};

use zip::ZipArchive;

/// What the other reader makes of an entry.
pub(crate) enum Unzipped {
    Content(Vec<u8>),
    /// It finds the entry and refuses it.
    Refused(String),
    /// It finds no entry of that name: it takes something else for the directory.
    NotFound,
}

/// Reads the one entry of that name.
pub(crate) fn unzipped(bytes: &[u8], name: &[u8], password: &[u8]) -> Unzipped {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return Unzipped::NotFound };
    let mut indices = 0..archive.len();
    let index = indices
        .find(|index| archive.by_index_raw(*index).is_ok_and(|entry| entry.name_raw() == name));
    let Some(index) = index else { return Unzipped::NotFound };
    let refused = |error: &dyn Error| Unzipped::Refused(error.to_string());
    let mut entry = match archive.by_index_decrypt(index, password) {
        Ok(entry) => entry,
        Err(error) => return refused(&error),
    };
    let mut content = Vec::new();
    match entry.read_to_end(&mut content) {
        Ok(_) => Unzipped::Content(content),
        Err(error) => refused(&error),
    }
}

impl Unzipped {
    /// Fails where it is not this content, saying how.
    #[track_caller]
    pub(crate) fn assert_is(&self, expected: &[u8]) {
        match self {
            Self::Content(content) => assert!(content == expected, "the `zip` crate reads another"),
            Self::Refused(why) => panic!("the `zip` crate refuses what we accept: {why}"),
            Self::NotFound => panic!("the `zip` crate finds no such entry"),
        }
    }
}
