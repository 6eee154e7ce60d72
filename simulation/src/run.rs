//! Many lives, on several threads.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Write},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use qcc_sim::Fault as Theirs;

use crate::{
    arguments::Arguments,
    fault::{Count, Fault},
    life::{self, Kind, Outcome},
    logs,
    mutation::Mutation,
    witness::Figures,
};

/// What came of many lives.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    pub(crate) lived: u64,
    /// How many were lived twice, to the same digest.
    pub(crate) twice: u64,
    pub(crate) failed: Vec<Failed>,
    pub(crate) figures: Figures,
    pub(crate) ours: BTreeMap<Fault, Count>,
    /// Strikes, and lives with any.
    pub(crate) theirs: BTreeMap<Theirs, (u64, u64)>,
    pub(crate) orders: u64,
    pub(crate) gaps: u64,
    pub(crate) virtual_time: Duration,
    pub(crate) real_time: Duration,
}

/// A life that was not as it must be.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) seed: u64,
    pub(crate) violations: Vec<String>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, violations } = self;
        writeln!(f, "seed {seed} failed:")?;
        violations.iter().try_for_each(|violation| writeln!(f, "  {violation}"))?;
        write!(f, "  it replays with `cargo xtask simulate --seed {seed} --trace`")
    }
}

/// One life on this thread.
pub(crate) fn one(
    seed: u64,
    store: Kind,
    mutation: Option<Mutation>,
    trace: bool,
) -> Result<Outcome> {
    listening(|| life::live(seed, store, mutation, trace))
}

/// All lives asked for; ends early where ten failed.
pub(crate) fn lives(arguments: &Arguments) -> Result<Lives> {
    let started = Instant::now();
    let next = AtomicU64::new(arguments.from);
    let end = arguments.from.saturating_add(arguments.seeds);
    let sum = Mutex::new(Lives::default());
    let work = || -> Result<()> {
        listening(|| {
            loop {
                if started.elapsed() >= arguments.longest || locked(&sum).failed.len() >= 10 {
                    return Ok(());
                }
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end {
                    return Ok(());
                }
                let mut outcome = life::live(seed, arguments.store, None, false)?;
                let twice = seed.is_multiple_of(TWICE);
                if twice && life::live(seed, arguments.store, None, true)?.digest != outcome.digest
                {
                    outcome.violations.push("lived again, it is another life".into());
                }
                let mut sum = locked(&sum);
                let failed_before = sum.failed.len();
                sum.add(seed, outcome);
                // At once: a long run may be cut off before its end.
                if let Some(failed) = sum.failed.get(failed_before) {
                    println!("{failed}");
                }
                sum.twice += u64::from(twice);
                if sum.lived.is_multiple_of(10_000) {
                    let rate = sum.lived as f64 / started.elapsed().as_secs_f64();
                    println!("{} lives, {rate:.0} in a second", sum.lived);
                    let _ = io::stdout().flush();
                }
            }
        })
    };
    on_threads(arguments.threads, work)?;
    let mut lives = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    lives.real_time = started.elapsed();
    lives.failed.sort_by_key(|failed| failed.seed);
    Ok(lives)
}

/// For each mutation the first seed that shows it.
pub(crate) fn mutations(arguments: &Arguments) -> Result<Vec<Option<Failed>>> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(BTreeMap::new());
    let work = || -> Result<()> {
        listening(|| {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(mutation) = Mutation::ALL.get(at) else { return Ok(()) };
                for seed in (arguments.from..).take(usize::try_from(arguments.within)?) {
                    let violations =
                        life::live(seed, arguments.store, Some(*mutation), false)?.violations;
                    if !violations.is_empty() {
                        locked(&found).insert(at, Failed { seed, violations });
                        break;
                    }
                }
            }
        })
    };
    on_threads(arguments.threads, work)?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((0..Mutation::ALL.len()).map(|at| found.remove(&at)).collect())
}

/// One life in so many is lived twice.
const TWICE: u64 = 16;

/// With everything said on this thread kept.
fn listening<T>(work: impl FnOnce() -> T) -> T {
    let ear = tracing::Dispatch::new(logs::Ear);
    tracing::dispatcher::with_default(&ear, work)
}

fn on_threads(threads: usize, work: impl Fn() -> Result<()> + Sync) -> Result<()> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().ok().context("a life ended in a panic; its message stands above")?
        })
    })
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lives {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.lived += 1;
        self.orders += outcome.orders;
        self.gaps += outcome.gaps;
        self.virtual_time += outcome.lived;
        self.figures.add(outcome.figures);
        for (fault, count) in outcome.ours {
            let sum = self.ours.entry(fault).or_default();
            sum.chances += count.chances;
            sum.struck += count.struck;
            sum.lives += count.lives;
        }
        for (fault, struck) in outcome.theirs {
            let (times, lives) = self.theirs.entry(fault).or_default();
            *times += u64::from(struck);
            *lives += 1;
        }
        if !outcome.violations.is_empty() {
            self.failed.push(Failed { seed, violations: outcome.violations });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(seed: u64, trace: bool) -> Outcome {
        one(seed, Kind::Memory, None, trace).unwrap()
    }

    #[test]
    fn a_seed_lives_the_same_life_twice() {
        for seed in 0..20 {
            let (once, again) = (live(seed, false), live(seed, true));
            assert_eq!(once.digest, again.digest, "seed {seed}");
            assert!(once.lines.is_empty() && !again.lines.is_empty(), "seed {seed}");
        }
    }

    #[test]
    fn lives_are_as_they_must_be() {
        let arguments = Arguments::parse(["--seeds", "100"].map(str::to_owned)).unwrap();
        let lives = lives(&arguments).unwrap();
        assert!(lives.failed.is_empty(), "{:?}", lives.failed);
        assert_eq!((lives.lived, lives.twice), (100, 7));
    }

    #[test]
    fn what_is_broken_on_purpose_is_found() {
        for mutation in [
            Mutation::LastApplied,
            Mutation::AckBeforeDurable,
            Mutation::RateOfWholeWindow,
            Mutation::SecretSent,
        ] {
            let found = (0..100).any(|seed| {
                let outcome = one(seed, Kind::Memory, Some(mutation), false).unwrap();
                !outcome.violations.is_empty()
            });
            assert!(found, "{}", mutation.as_str());
        }
    }
}
