//! SQLite blocks; each of its connections lives on a thread of its own.

use std::{
    path::{Path, PathBuf},
    sync::mpsc,
    thread::{Builder, JoinHandle},
};

use qcc_sync::{StoreError, StoreErrorKind};
use rusqlite::InterruptHandle;
use tokio::sync::oneshot;

use crate::{fault::Fault, files::Desk};

/// A piece of work for the thread.
pub(crate) type Job = Box<dyn FnOnce(&mut Desk) + Send>;

/// A thread that owns its connections and works off jobs in their order.
/// Dropped, it finishes what it was given and is waited for.
pub(crate) struct Thread {
    path: PathBuf,
    jobs: Option<mpsc::Sender<Job>>,
    running: Option<JoinHandle<()>>,
    interrupt: Option<InterruptHandle>,
}

impl Thread {
    /// A thread whose work is finished in any case.
    pub(crate) fn writing(desk: Desk, path: &Path) -> Result<Self, StoreError> {
        Self::spawn("qcc-sqlite-write", desk, path, None)
    }

    /// A thread whose work is broken off once nobody can ask for it any more.
    pub(crate) fn reading(desk: Desk, path: &Path) -> Result<Self, StoreError> {
        let interrupt = desk.main.get_interrupt_handle();
        Self::spawn("qcc-sqlite-read", desk, path, Some(interrupt))
    }

    fn spawn(
        name: &str,
        mut desk: Desk,
        path: &Path,
        interrupt: Option<InterruptHandle>,
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let work = move || {
            while let Ok(job) = queue.recv() {
                job(&mut desk);
            }
        };
        Ok(Self {
            path: path.to_owned(),
            jobs: Some(jobs),
            running: Some(start(name, work)?),
            interrupt,
        })
    }

    /// Has a piece of work done and waits for its outcome.
    pub(crate) async fn call<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Desk) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, outcome) = oneshot::channel();
        self.send(Box::new(move |desk| {
            // Nobody waits any more, and nothing has been begun.
            if !reply.is_closed() {
                let _ = reply.send(work(desk));
            }
        }))?;
        match outcome.await {
            Ok(outcome) => outcome.map_err(|fault| fault.at(&self.path)),
            Err(_) => Err(ended()),
        }
    }

    /// Has a piece of work done that answers by itself.
    pub(crate) fn send(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.as_ref().ok_or_else(ended)?;
        jobs.send(job).map_err(|_| ended())
    }
}

/// Starts a thread of the store.
pub(crate) fn start(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, StoreError> {
    Builder::new().name(name.to_owned()).spawn(work).map_err(|e| {
        let detail = "no thread could be started for the store; check the limits of this process";
        StoreError::new(StoreErrorKind::Unavailable, detail).with_source(e)
    })
}

/// The thread is gone, which only a defect of this program explains.
pub(crate) fn ended() -> StoreError {
    StoreError::new(
        StoreErrorKind::Other,
        "the store's thread has ended; start the program again, everything committed is on disk",
    )
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(interrupt) = &self.interrupt {
            interrupt.interrupt();
        }
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}
