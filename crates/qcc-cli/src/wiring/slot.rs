//! Worker names that survive a crash: whoever comes next takes the dead one's
//! place, and with it its leases.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
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
    _lock: File,
}

/// More workers than this on one machine are a mistake.
const SLOTS: u32 = 16;

impl Slot {
    /// Takes the lowest free place.
    pub(crate) fn take(folder: &Path) -> anyhow::Result<Self> {
        for number in 1..=SLOTS {
            let path = folder.join(format!("worker-{number}.lock"));
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .with_context(|| format!("{} cannot be written", path.display()))?;
            match file.try_lock() {
                Ok(()) => return Ok(Self { number, _lock: file }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(error)
                        .with_context(|| format!("{} cannot be locked", path.display()));
                }
            }
        }
        let shown = folder.display();
        Err(Usage::new(format!("{SLOTS} processes work on {shown} already: stop some")).into())
    }

    /// What the worker in this place is called.
    pub(crate) fn name(&self) -> String {
        format!("worker-{}", self.number)
    }
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
}
