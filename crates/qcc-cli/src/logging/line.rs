//! A log line on its way to standard error, and lost where there is none.

use std::{
    io::{self, Write},
    sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel},
    thread,
    time::{Duration, Instant},
};

/// How many lines wait for a reader that stalls; later ones are lost.
const WAITING: usize = 4096;

/// How long the last lines may take when the program ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// Writes each line at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct AtOnce;

impl Write for AtOnce {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().lock().write_all(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hands each line to a thread that writes it.
#[derive(Debug, Clone)]
pub(super) struct Lines(SyncSender<Job>);

#[derive(Debug)]
enum Job {
    Write(Vec<u8>),
    /// Say when everything before is written.
    Tell(Sender<()>),
}

/// A thread that writes lines, so that a reader who stalls holds up nobody else.
pub(super) fn in_background() -> io::Result<(Lines, Pending)> {
    let (sender, jobs) = sync_channel(WAITING);
    thread::Builder::new().name("qcc-log".to_owned()).spawn(move || write_all(&jobs))?;
    Ok((Lines(sender.clone()), Pending(sender)))
}

fn write_all(jobs: &Receiver<Job>) {
    for job in jobs {
        match job {
            Job::Write(line) => {
                let _ = AtOnce.write(&line);
            }
            Job::Tell(done) => {
                let _ = done.send(());
            }
        }
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _ = self.0.try_send(Job::Write(line.to_vec()));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines that may not be written yet; they are when this is dropped, if somebody
/// reads them soon.
#[derive(Debug)]
pub(crate) struct Pending(SyncSender<Job>);

impl Drop for Pending {
    fn drop(&mut self) {
        let begun = Instant::now();
        let (done, written) = channel();
        let mut job = Job::Tell(done);
        while let Err(TrySendError::Full(again)) = self.0.try_send(job) {
            if begun.elapsed() > FAREWELL {
                return;
            }
            job = again;
            thread::sleep(Duration::from_millis(10));
        }
        let _ = written.recv_timeout(FAREWELL.saturating_sub(begun.elapsed()));
    }
}
