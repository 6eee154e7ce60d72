//! Worker names that survive a crash: whoever comes next takes the dead one's
//! place, and with it its leases.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::exit::Usage;

/// A numbered place among the workers of one archive folder.
///
/// It is a locked file: the system lets go of it when the process ends, in
/// whatever way. The lowest free number is taken, so after a `kill -9` the next
/// run has the same name, and the store gives it the orders it was at.
#[derive(Debug)]
pub(crate) struct Slot {
    number: u32,
    name: &'static str,
    _lock: File,
}

/// More workers than this on one machine are a mistake.
const SLOTS: u32 = 16;

impl Slot {
    /// Takes the lowest free place.
    pub(crate) fn take(folder: &Path) -> anyhow::Result<Self> {
        Self::among(folder, "worker", |number| folder.join(format!("worker-{number}.lock")))
    }

    /// Takes the lowest free place beside a database, for archives in a folder that
    /// cannot be written.
    pub(crate) fn beside(store: &Path) -> anyhow::Result<Self> {
        Self::among(store, "reader", |number| {
            let mut name = store.as_os_str().to_owned();
            name.push(format!("-reader-{number}.lock"));
            name.into()
        })
    }

    fn among(
        shown: &Path,
        name: &'static str,
        path: impl Fn(u32) -> PathBuf,
    ) -> anyhow::Result<Self> {
        for number in 1..=SLOTS {
            let path = path(number);
            let file =
                open(&path).with_context(|| format!("{} cannot be written", path.display()))?;
            match file.try_lock() {
                Ok(()) => return Ok(Self { number, name, _lock: file }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(error)
                        .with_context(|| format!("{} cannot be locked", path.display()));
                }
            }
        }
        let shown = shown.display();
        Err(Usage::new(format!("{SLOTS} processes work on {shown} already: stop some")).into())
    }

    /// What the worker in this place is called.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.name, self.number)
    }
}

/// For this user alone: whoever can lock it can keep work from being done.
fn open(path: &Path) -> io::Result<File> {
    // Opening a pipe would wait for its other end.
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        let what = "it is not a regular file; move it away";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_worker_takes_the_place_that_became_free() {
        let folder = tempfile::tempdir().unwrap();
        let first = Slot::take(folder.path()).unwrap();
        let second = Slot::take(folder.path()).unwrap();
        assert_eq!((first.name(), second.name()), ("worker-1".into(), "worker-2".into()));
        drop(first);
        assert_eq!(Slot::take(folder.path()).unwrap().name(), "worker-1");
    }

    #[cfg(unix)]
    #[test]
    fn a_place_is_for_its_owner_alone_and_no_pipe() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let _slot = Slot::take(folder.path()).unwrap();
        let mode = fs::metadata(folder.path().join("worker-1.lock")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let pipe = folder.path().join("worker-2.lock");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = Slot::take(folder.path()).unwrap_err();
        assert!(format!("{error:#}").contains("not a regular file"), "{error:#}");
        let reader = Slot::beside(&folder.path().join("qcc.db")).unwrap();
        assert_eq!(reader.name(), "reader-1");
    }
}
