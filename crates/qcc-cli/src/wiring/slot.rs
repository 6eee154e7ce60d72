//! Worker names that survive a crash: whoever comes next takes the dead one's
//! place, and with it its leases.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::Context;

use crate::{exit::Usage, output::plain};

/// A numbered place among the workers of one archive folder.
///
/// It is a locked file: the system lets go of it when the process ends, in
/// whatever way. The lowest free number is taken, so after a `kill -9` the next
/// run has the same name, and the store gives it the orders it was at.
#[derive(Debug)]
pub(crate) struct Slot {
    number: u32,
    name: &'static str,
    lock: File,
}

/// A process that runs until it is stopped, as the file of its slot describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) worker: String,
    /// The command and the number of its process.
    pub(crate) what: String,
}

/// How long a lease lasts unless renewed. Slots make up for a crash at once, so
/// it may be long.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// More workers than this on one machine are a mistake.
const SLOTS: u32 = 16;

impl Slot {
    /// Takes the lowest free place.
    pub(crate) fn take(folder: &Path) -> anyhow::Result<Self> {
        Self::among(folder, "worker", |number| worker_file(folder, number))
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
                Ok(()) => {
                    // What a killed process wrote into it.
                    let _ = file.set_len(0);
                    return Ok(Self { number, name, lock: file });
                }
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

    /// Writes into the slot's file that this process runs until it is stopped. What fails
    /// here is not worth a failure: the line is for people.
    pub(crate) fn announce(&self, command: &str) {
        let line = format!("{command}, process {}", std::process::id());
        let _ = (&self.lock).write_all(line.as_bytes());
    }

    /// Says that it still runs.
    pub(crate) fn touch(&self) {
        let _ = self.lock.set_modified(SystemTime::now());
    }

    /// What the worker in this place is called.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.name, self.number)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let _ = self.lock.set_len(0);
    }
}

fn worker_file(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("worker-{number}.lock"))
}

/// A process that touches its file less often than this is dead or hangs.
const FRESH: Duration = Duration::from_secs(180);

/// Longer than any line that [`Slot::announce`] writes.
const LONGEST_LINE: u64 = 200;

/// The processes that work on an archive folder and run until they are stopped.
pub(crate) fn running(folder: &Path) -> Vec<Running> {
    let number = |number: u32| {
        let what = running_in(&worker_file(folder, number))?;
        Some(Running { worker: format!("worker-{number}"), what })
    };
    (1..=SLOTS).filter_map(number).collect()
}

/// Whether a worker's slot is there and nobody holds it.
pub(crate) fn is_free(folder: &Path, worker: &str) -> bool {
    let number = worker.strip_prefix("worker-").and_then(|number| number.parse().ok());
    let file = number.and_then(|number| File::open(worker_file(folder, number)).ok());
    file.is_some_and(|file| file.try_lock_shared().is_ok())
}

fn running_in(path: &Path) -> Option<String> {
    let found =
        fs::symlink_metadata(path).ok().filter(|found| found.is_file() && found.len() > 0)?;
    let modified = found.modified().ok()?;
    // A time ahead of ours is another machine's clock.
    if SystemTime::now().duration_since(modified).is_ok_and(|age| age > FRESH) {
        return None;
    }
    let file = File::open(path).ok()?;
    let mut line = String::new();
    (&file).take(LONGEST_LINE).read_to_string(&mut line).ok()?;
    // Whoever is alive holds the lock.
    let is_held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    is_held.then(|| plain(&line).into_owned())
}

/// For this user alone: anyone who can lock it can block the work.
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

    #[test]
    fn only_a_process_that_holds_its_slot_and_said_so_counts_as_running() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) =
            (Slot::take(folder.path()).unwrap(), Slot::take(folder.path()).unwrap());
        assert_eq!(running(folder.path()), []);
        second.announce("qcc serve");
        let found = running(folder.path());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].worker, "worker-2");
        assert!(found[0].what.starts_with("qcc serve, process "), "{found:?}");
        let long_ago = SystemTime::now() - 2 * FRESH;
        second.lock.set_modified(long_ago).unwrap();
        assert_eq!(running(folder.path()), [], "it hangs");
        second.touch();
        assert_eq!(running(folder.path()).len(), 1);
        assert!(!is_free(folder.path(), "worker-2") && !is_free(folder.path(), "worker-3"));
        drop((first, second));
        assert!(is_free(folder.path(), "worker-2"));
        // Killed: the line is there, and nobody holds the lock.
        fs::write(worker_file(folder.path(), 1), "qcc serve, process 1").unwrap();
        assert_eq!(running(folder.path()), []);
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
