//! The committed archives, and functions to read them.

use std::{fs, io::Read, path::PathBuf};

use qcc_archive::{Archive, Error, Options, ReadAt};

pub(crate) const NAME: &str = "dd_risk_corp.json";
pub(crate) const PASSWORD: &[u8] = b"fixture-password";

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

pub(crate) fn fixture(file: &str) -> Vec<u8> {
    fs::read(folder().join(file)).unwrap()
}

/// The whole content of the entry, or the error and the content before it.
pub(crate) fn read(
    source: impl ReadAt,
    name: &str,
    password: &[u8],
    options: Options,
) -> Result<Vec<u8>, (Error, Vec<u8>)> {
    let nothing = |error| (error, Vec::new());
    let archive = Archive::open(source, options).map_err(nothing)?;
    let verified = archive.into_authenticated(name, password).map_err(nothing)?;
    let mut content = Vec::new();
    match verified.into_reader().read_to_end(&mut content) {
        Ok(_) => Ok(content),
        Err(error) => Err((Error::from_io(&error).unwrap().clone(), content)),
    }
}

/// The content of a fixture with the usual name and password.
pub(crate) fn read_usual(source: impl ReadAt) -> Result<Vec<u8>, Error> {
    read(source, NAME, PASSWORD, Options::default()).map_err(|(error, _)| error)
}
