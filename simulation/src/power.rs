//! The electricity of one process, and whose turn it is.

use std::{
    future::{Future, pending},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use tokio::sync::Notify;

/// One process's life: once cut, none of its tasks takes another step.
#[derive(Debug)]
pub(crate) struct Power {
    cut: AtomicBool,
    gone: Notify,
    /// Steps left before it fails by itself.
    steps: AtomicU32,
}

impl Power {
    /// Power that fails after so many steps, or never.
    pub(crate) fn on(steps: Option<u32>) -> Self {
        let steps = AtomicU32::new(steps.unwrap_or(u32::MAX));
        Self { cut: AtomicBool::new(false), gone: Notify::new(), steps }
    }

    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
        self.gone.notify_one();
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    /// Resolves once it is cut.
    pub(crate) async fn gone(&self) {
        while !self.is_cut() {
            self.gone.notified().await;
        }
    }

    /// Takes a step; does not return where there is no power for it.
    pub(crate) async fn step(&self) {
        let left = self.steps.load(Ordering::Relaxed);
        if left == 0 {
            self.cut();
        } else if left != u32::MAX {
            self.steps.store(left - 1, Ordering::Relaxed);
        }
        if self.is_cut() {
            pending::<()>().await;
        }
    }

    /// The process dies here.
    pub(crate) async fn fail<T>(&self) -> T {
        self.cut();
        pending().await
    }
}

/// How a process is asked to stop.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    asked: AtomicBool,
    told: Notify,
}

impl Stop {
    pub(crate) fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.told.notify_waiters();
    }

    /// Resolves once it is asked for.
    pub(crate) async fn asked(&self) {
        loop {
            let told = self.told.notified();
            if self.asked.load(Ordering::Relaxed) {
                return;
            }
            told.await;
        }
    }
}

/// Who acts.
pub(crate) type Actor = u32;

/// The vendor, the network, chance: not a process of ours.
pub(crate) const OUTSIDE: Actor = 0;

/// Whoever tells the story of a life, and looks at what came of it.
pub(crate) const JUDGE: Actor = 1;

/// Whoever starts processes, and looks at what they leave.
pub(crate) const SUPERVISOR: Actor = 2;

/// While an archive is read on a thread of its own, real time passes. So that no
/// life depends on it, whoever reads has the turn, and all others wait with
/// whatever has an effect.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    holder: Mutex<Option<Actor>>,
    free: Notify,
}

impl Turn {
    /// Waits until nobody else has the turn.
    pub(crate) async fn wait(&self, who: Actor) {
        loop {
            let free = self.free.notified();
            if self.holder().is_none_or(|holder| holder == who) {
                return;
            }
            free.await;
        }
    }

    /// Takes the turn, and lets everybody else come to rest.
    pub(crate) async fn take(&self, who: Actor) {
        self.wait(who).await;
        self.set(Some(who));
        for _ in 0..ROUNDS {
            tokio::task::yield_now().await;
        }
    }

    /// Ends the turn where one of these has it.
    pub(crate) fn give(&self, whose: impl Fn(Actor) -> bool) {
        if self.holder().is_some_and(whose) {
            self.set(None);
            self.free.notify_waiters();
        }
    }

    fn holder(&self) -> Option<Actor> {
        *self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, holder: Option<Actor>) {
        *self.holder.lock().unwrap_or_else(PoisonError::into_inner) = holder;
    }
}

/// More polls than anything takes from one effect to the next.
const ROUNDS: u32 = 24;

/// Of two futures the first that ends; the left one is asked first.
pub(crate) async fn first<T>(left: impl Future<Output = T>, right: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        out = left => out,
        out = right => out,
    }
}
