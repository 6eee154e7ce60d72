//! Where the database lies: what `sqlite:PATH` means, and what it does not.
//!
//! A path may be any bytes the system allows, so this looks at bytes. What other
//! programs mean by a like text is refused where it would lead to another file
//! than its writer had in mind.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
};

/// Why a text names no database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreFault {
    /// Nothing follows the colon.
    Empty,
    /// `postgres://…`
    Postgres,
    /// A scheme this version does not know.
    Scheme,
    /// `sqlite://name`: a URL would take `name` for a host.
    Host,
    /// A database in memory would be gone at the end of the command.
    Memory,
    /// `file:…` or `…?mode=ro`: options are not read.
    Options,
    /// The path ends with a slash, or leads to a folder.
    Folder,
}

impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "sqlite:PATH is expected, such as sqlite:qcc.db",
            Self::Postgres => "PostgreSQL is not in this version: use sqlite:PATH",
            // A database's URL may hold a password, so it is not repeated.
            Self::Scheme => "this version knows SQLite only: use sqlite:PATH",
            Self::Host => {
                "`sqlite://NAME` can be read in two ways: write sqlite:NAME for a file in the \
                 working folder, or sqlite:/NAME for one in the root folder"
            }
            Self::Memory => {
                "a database in memory is gone when the command ends: name a file, such as \
                 sqlite:qcc.db"
            }
            Self::Options => "options are not read here: write the path alone, as sqlite:PATH",
            Self::Folder => "this is a folder: name a file in it, such as sqlite:FOLDER/qcc.db",
        })
    }
}

impl std::error::Error for StoreFault {}

/// The path that a store's setting names.
///
/// `sqlite:PATH` and `sqlite:///PATH`, or the path alone.
pub(crate) fn path_of(value: &OsStr) -> Result<PathBuf, StoreFault> {
    let bytes = value.as_encoded_bytes();
    let path = match scheme(bytes) {
        None => value.to_owned(),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"sqlite") => behind(value, rest)?,
        Some((scheme, _)) if scheme.to_ascii_lowercase().starts_with(b"postgres") => {
            return Err(StoreFault::Postgres);
        }
        Some((b"file", _)) => return Err(StoreFault::Options),
        Some(_) => return Err(StoreFault::Scheme),
    };
    let bytes = path.as_encoded_bytes();
    let options = bytes.split(|byte| *byte == b'?').nth(1);
    if bytes.is_empty() {
        Err(StoreFault::Empty)
    } else if bytes.starts_with(b":memory:") {
        Err(StoreFault::Memory)
    } else if options.is_some_and(|options| options.contains(&b'=')) {
        Err(StoreFault::Options)
    } else if bytes.ends_with(b"/") || Path::new(&path).is_dir() {
        Err(StoreFault::Folder)
    } else {
        Ok(PathBuf::from(path))
    }
}

/// What follows `sqlite:`.
fn behind(value: &OsStr, rest: &[u8]) -> Result<OsString, StoreFault> {
    if rest.starts_with(b"file:") {
        return Err(StoreFault::Options);
    }
    if rest.starts_with(b"//") && !rest.starts_with(b"///") {
        return Err(StoreFault::Host);
    }
    Ok(without(value, b"sqlite:".len()))
}

/// A value without its first bytes, which are ASCII.
fn without(value: &OsStr, length: usize) -> OsString {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        OsStr::from_bytes(value.as_bytes().get(length..).unwrap_or_default()).to_owned()
    }
    #[cfg(not(unix))]
    {
        value.to_string_lossy().get(length..).unwrap_or_default().into()
    }
}

/// A scheme and what follows its colon. One letter is a drive of Windows.
fn scheme(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = bytes.iter().position(|byte| *byte == b':').filter(|at| *at > 1)?;
    let (scheme, rest) = bytes.split_at_checked(colon)?;
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let named = scheme.first().is_some_and(u8::is_ascii_alphabetic) && scheme.iter().all(allowed);
    named.then_some((scheme, rest.get(1..).unwrap_or_default()))
}

/// The setting's value for a file that lies at `path`.
pub(super) fn at(path: &Path) -> OsString {
    let mut value = OsString::from("sqlite:");
    value.push(path);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Result<&str, StoreFault>) {
        assert_eq!(path_of(OsStr::new(value)), expected.map(PathBuf::from), "{value}");
    }

    #[test]
    fn a_store_is_a_path_with_its_scheme_or_alone() {
        check("sqlite:qcc.db", Ok("qcc.db"));
        check("SQLite:/var/lib/qcc/qcc.db", Ok("/var/lib/qcc/qcc.db"));
        check("sqlite:///var/lib/qcc/qcc.db", Ok("/var/lib/qcc/qcc.db"));
        check("x.db", Ok("x.db"));
        check("./a:b.db", Ok("./a:b.db"));
        check("C:\\qcc.db", Ok("C:\\qcc.db"));
    }

    #[test]
    fn what_would_lead_elsewhere_is_refused() {
        check("sqlite:", Err(StoreFault::Empty));
        check("", Err(StoreFault::Empty));
        check("sqlite://rel.db", Err(StoreFault::Host));
        check("sqlite::memory:", Err(StoreFault::Memory));
        check(":memory:", Err(StoreFault::Memory));
        check("sqlite:file:x.db?mode=ro", Err(StoreFault::Options));
        check("file:x.db", Err(StoreFault::Options));
        check("sqlite:x.db?mode=ro", Err(StoreFault::Options));
        check("postgres://me:pw@h/db", Err(StoreFault::Postgres));
        check("postgresql://h/db", Err(StoreFault::Postgres));
        check("mysql://h/db", Err(StoreFault::Scheme));
        check("sqlite:/", Err(StoreFault::Folder));
        check("sqlite:.", Err(StoreFault::Folder));
        check("new/", Err(StoreFault::Folder));
    }
}
