//! What goes wrong on our side and between us and the vendor. What goes wrong at
//! the vendor is the vendor's own affair: [`qcc_sim::Fault`].

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rand::RngExt;

use crate::chance::{Rng, stream};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $place:literal, $most:literal;)*) => {
        /// One kind of trouble.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),*];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// Where it strikes, for the table.
            pub(crate) const fn place(self) -> &'static str {
                match self { $(Self::$name => $place),* }
            }

            /// The highest chance, in percent, a life gives it at each opportunity.
            const fn most(self) -> f64 {
                match self { $(Self::$name => $most),* }
            }
        }
    };
}

faults! {
    /// Locked: the operation did not happen.
    StoreBusy = "store-busy", "store", 4.0;
    /// Not reachable: the operation did not happen.
    StoreUnavailable = "store-unavailable", "store", 2.0;
    /// No room: the write did not happen.
    StoreFull = "store-full", "store", 2.0;
    /// The operation takes seconds.
    StoreSlow = "store-slow", "store", 4.0;
    /// The operation took effect, and its caller is told that it failed.
    StoreReplyLost = "store-reply-lost", "store", 2.0;
    /// The process dies before an operation of the store.
    CrashBeforeWrite = "crash-before-store", "process", 1.0;
    /// The process dies after an operation of the store took effect.
    CrashAfterWrite = "crash-after-store", "process", 1.0;
    /// The process dies before a request leaves.
    CrashBeforeRequest = "crash-before-request", "process", 1.0;
    /// The process dies while the vendor answers.
    CrashAfterRequest = "crash-after-request", "process", 1.0;
    /// The process dies while an archive is written, or is about to be kept.
    CrashBeforeKeep = "crash-before-keep", "process", 3.0;
    /// The process dies when an archive is safe and the ledger does not know.
    CrashAfterKeep = "crash-after-keep", "process", 3.0;
    /// The process dies within its first steps after a restart.
    CrashInRecovery = "crash-in-recovery", "process", 30.0;
    /// The process is killed at a random instant.
    Kill = "kill", "process", 100.0;
    /// The process is asked to stop, and does.
    Stop = "stop", "process", 100.0;
    /// The process is away for hours.
    LongDowntime = "long-downtime", "process", 25.0;
    /// No room for a new archive.
    ArchiveFull = "archive-full", "archives", 3.0;
    /// The disk fails while an archive is written.
    ArchiveTorn = "archive-torn", "archives", 3.0;
    /// A bit of a kept archive flips.
    ArchiveRot = "archive-rot", "archives", 100.0;
    /// A kept archive is deleted.
    ArchiveVanished = "archive-vanished", "archives", 100.0;
    /// Our clock is wrong from the start.
    ClockSkew = "clock-skew", "clock", 100.0;
    /// Our clock jumps ahead.
    ClockForward = "clock-forward", "clock", 100.0;
    /// Our clock jumps back.
    ClockBack = "clock-back", "clock", 100.0;
    /// Our clock is ahead for a while, and is corrected.
    ClockAhead = "clock-ahead-and-corrected", "clock", 40.0;
    /// A call never reaches us, and the vendor learns so at once.
    CallLost = "call-lost-before", "callback", 10.0;
    /// A call reaches us, its answer never reaches the vendor.
    CallAnswerLost = "call-lost-after", "callback", 10.0;
    /// A call vanishes; the vendor waits in vain.
    CallSilent = "call-no-answer", "callback", 5.0;
    /// A call arrives late, perhaps after the vendor gave it up.
    CallDelayed = "call-delayed", "callback", 15.0;
    /// A call arrives twice.
    CallDuplicated = "call-duplicated", "callback", 15.0;
    /// A call arrives behind later ones.
    CallReordered = "call-reordered", "callback", 10.0;
    /// A call is cut short.
    CallTruncated = "call-truncated", "callback", 5.0;
    /// A byte of a call is another.
    CallCorrupted = "call-corrupted", "callback", 5.0;
    /// Our answer is cut short.
    AnswerTruncated = "call-answer-truncated", "callback", 5.0;
    /// A stranger calls without the key.
    ForgedKey = "forged-key", "stranger", 100.0;
    /// A stranger who knows the key calls about orders nobody made.
    ForgedOrder = "forged-order", "stranger", 100.0;
    /// Dozens of strangers' calls within one second.
    Flood = "flood", "stranger", 40.0;
    /// Two workers share the store.
    TwoWorkers = "two-workers", "mode", 20.0;
    /// A person retries whatever waits, at a random moment.
    EarlyRetry = "operator-retries", "mode", 100.0;
}

/// How often a kind had the chance to strike, how often it did, in how many lives.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) chances: u64,
    pub(crate) struck: u64,
    pub(crate) lives: u64,
}

/// The faults of one life: half of the kinds, each with a rate of its own, until
/// they are lifted.
#[derive(Debug)]
pub(crate) struct Faults {
    rates: BTreeMap<Fault, f64>,
    lifted: AtomicBool,
    counts: Mutex<BTreeMap<Fault, Count>>,
}

impl Faults {
    pub(crate) fn draw(seed: u64) -> Self {
        let mut rng = stream(seed, "rates", 0);
        let mut rate = |fault: &Fault| {
            let (chosen, share) = (rng.random_bool(0.5), rng.random_range(0.1..1.0));
            chosen.then_some((*fault, fault.most() / 100.0 * share))
        };
        let rates = Fault::ALL.iter().filter_map(&mut rate).collect();
        Self { rates, lifted: AtomicBool::new(false), counts: Mutex::default() }
    }

    /// Whether it strikes now.
    pub(crate) fn strikes(&self, fault: Fault, rng: &mut Rng) -> bool {
        if self.lifted.load(Ordering::Relaxed) {
            return false;
        }
        let rate = self.rates.get(&fault).copied().unwrap_or_default();
        let struck = rate > 0.0 && rng.random_bool(rate);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(fault).or_default();
        count.chances += 1;
        if struck {
            count.struck += 1;
            count.lives = 1;
        }
        struck
    }

    /// Nothing goes wrong any more.
    pub(crate) fn lift(&self) {
        self.lifted.store(true, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> BTreeMap<Fault, Count> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
