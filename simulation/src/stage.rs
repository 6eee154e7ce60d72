//! What every part of a life shares, and one actor's hands on it.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use qcc_sim::Vendor;
use qcc_sync::{StoreError, StoreErrorKind};
use rand::RngExt;

use crate::{
    chance::{FNV, Rng, fold, stream},
    clock::OurClock,
    disk::in_real_time,
    fault::{Fault, Faults},
    mutation::Mutation,
    plan::Plan,
    power::{Actor, OUTSIDE, Power, Turn},
    witness::Witness,
};

/// What every part of a life shares.
pub(crate) struct Stage {
    pub(crate) seed: u64,
    pub(crate) plan: Plan,
    pub(crate) mutation: Option<Mutation>,
    pub(crate) clock: OurClock,
    pub(crate) faults: Faults,
    pub(crate) turn: Turn,
    pub(crate) vendor: Arc<Mutex<Vendor>>,
    pub(crate) witness: Witness,
    pub(crate) record: Record,
    /// Whether the store works in real time: see [`Disk::REAL`](crate::disk::Disk::REAL).
    pub(crate) real: bool,
}

impl Stage {
    /// Has something done at the disk in one go, as far as others can tell.
    pub(crate) async fn at_disk<T>(&self, who: Actor, work: impl Future<Output = T>) -> T {
        if !self.real {
            self.turn.wait(who).await;
            return work.await;
        }
        self.turn.take(who).await;
        let outcome = in_real_time(work).await;
        self.turn.give(|holder| holder == who);
        outcome
    }

    pub(crate) fn vendor(&self) -> MutexGuard<'_, Vendor> {
        self.vendor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn mutated(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// Writes down that something happened.
    pub(crate) fn note(&self, who: Actor, what: fmt::Arguments<'_>) {
        self.record.note(&self.clock, who, what);
    }
}

/// What happened, in order: as a digest, and as lines where they are asked for.
#[derive(Debug)]
pub(crate) struct Record {
    digest: Mutex<u64>,
    lines: Option<Mutex<Vec<String>>>,
}

impl Record {
    pub(crate) fn new(lines: bool) -> Self {
        Self { digest: Mutex::new(FNV), lines: lines.then(Mutex::default) }
    }

    fn note(&self, clock: &OurClock, who: Actor, what: fmt::Arguments<'_>) {
        let at = clock.truth();
        let mut digest = self.digest.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sink = Sink(*digest);
        let _ = fmt::write(&mut sink, format_args!("{} {who} {what}", at.as_nanosecond()));
        *digest = sink.0;
        if let Some(lines) = &self.lines {
            let who = match who {
                OUTSIDE => "outside".to_owned(),
                _ => format!("{}.{}", who / PER_PROCESS, who % PER_PROCESS),
            };
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push(format!("{at:.3} {who:<8} {what}"));
        }
    }

    pub(crate) fn digest(&self) -> u64 {
        *self.digest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.lines.as_ref();
        lines.map_or_else(Vec::new, |lines| {
            lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
        })
    }
}

struct Sink(u64);

impl fmt::Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = text.bytes().fold(self.0, fold);
        Ok(())
    }
}

/// Actors of a process are numbered from its own number times this.
pub(crate) const PER_PROCESS: Actor = 100_000;

/// One actor of one process: what it does may fail, take long, or be its end.
pub(crate) struct Hand {
    pub(crate) stage: Arc<Stage>,
    pub(crate) power: Arc<Power>,
    pub(crate) who: Actor,
    rng: Mutex<Rng>,
    struck: AtomicU64,
}

/// What an operation of the store comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Well,
    ReplyLost,
    CrashAfter,
}

impl Hand {
    pub(crate) fn new(stage: &Arc<Stage>, power: &Arc<Power>, who: Actor) -> Self {
        Self {
            stage: Arc::clone(stage),
            power: Arc::clone(power),
            who,
            rng: Mutex::new(stream(stage.seed, "actor", who.into())),
            struck: AtomicU64::new(0),
        }
    }

    pub(crate) fn strikes(&self, fault: Fault) -> bool {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let struck = self.stage.faults.strikes(fault, &mut rng);
        drop(rng);
        if struck {
            self.struck.fetch_add(1, Ordering::Relaxed);
            self.note(format_args!("! {}", fault.as_str()));
        }
        struck
    }

    /// How often something went wrong under this hand.
    pub(crate) fn struck(&self) -> u64 {
        self.struck.load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        self.stage.note(self.who, what);
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).random_range(0..end.max(1))
    }

    /// Waits for its turn, and takes a step if there is power for it.
    pub(crate) async fn step(&self) {
        self.stage.turn.wait(self.who).await;
        self.power.step().await;
    }

    /// Before an operation of the store. One that is part of reading an archive
    /// keeps the turn and cannot be slow: the thread that reads waits for it in
    /// real time.
    pub(crate) async fn enter(&self, op: Op) -> Result<Fate, StoreError> {
        self.step().await;
        if !op.reading {
            self.stage.turn.give(|holder| holder == self.who);
            if self.strikes(Fault::StoreSlow) {
                let millis = 10 + self.below(20_000);
                tokio::time::sleep(Duration::from_millis(millis)).await;
                self.step().await;
            }
        }
        if self.strikes(Fault::CrashBeforeWrite) {
            return self.power.fail().await;
        }
        let refusal = if self.strikes(Fault::StoreBusy) {
            Some((StoreErrorKind::Busy, "the database is locked"))
        } else if self.strikes(Fault::StoreUnavailable) {
            Some((StoreErrorKind::Unavailable, "the database is away"))
        } else if op.writes && self.strikes(Fault::StoreFull) {
            Some((StoreErrorKind::Full, "the disk is full"))
        } else {
            None
        };
        if let Some((kind, detail)) = refusal {
            self.note(format_args!("{} -> {kind:?}", op.name));
            return Err(StoreError::new(kind, detail));
        }
        Ok(match () {
            () if !op.writes || op.reading => Fate::Well,
            () if self.strikes(Fault::StoreReplyLost) => Fate::ReplyLost,
            () if self.strikes(Fault::CrashAfterWrite) => Fate::CrashAfter,
            () => Fate::Well,
        })
    }

    /// An operation of the store, in one go. While an archive is read, it is the
    /// reader's turn anyhow.
    pub(crate) async fn at_disk<T>(&self, op: Op, work: impl Future<Output = T>) -> T {
        match (op.reading, self.stage.real) {
            (true, true) => in_real_time(work).await,
            (true, false) => work.await,
            (false, _) => self.stage.at_disk(self.who, work).await,
        }
    }

    /// Behind an operation of the store that was performed.
    pub(crate) async fn leave<T>(
        &self,
        op: Op,
        fate: Fate,
        done: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if op.writes {
            self.stage.witness.seen().figures.writes += 1;
        }
        match &done {
            Ok(_) => self.note(format_args!("{}", op.name)),
            Err(error) => self.note(format_args!("{} -> {:?}", op.name, error.kind())),
        }
        match fate {
            Fate::Well => done,
            Fate::CrashAfter => self.power.fail().await,
            Fate::ReplyLost => {
                Err(StoreError::new(StoreErrorKind::Unavailable, "the database's answer was lost"))
            }
        }
    }
}

/// An operation of the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Op {
    pub(crate) name: &'static str,
    pub(crate) writes: bool,
    /// While the archive's reader waits for it.
    pub(crate) reading: bool,
}
