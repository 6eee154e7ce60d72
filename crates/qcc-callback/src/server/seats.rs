//! Who is connected, and who has to go when it gets crowded.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tokio::{
    sync::Notify,
    task::{Id, JoinError},
};

/// The seats that are taken.
#[derive(Debug)]
pub(super) struct Seats {
    most: usize,
    taken: HashMap<Id, Arc<Seat>>,
    next: u64,
}

/// A connection's place.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    state: AtomicU8,
    evicted: Notify,
}

/// No request has come yet.
const FRESH: u8 = 0;
/// A request is being answered.
const BUSY: u8 = 1;
/// Requests were answered, the next has not come yet.
const RESTING: u8 = 2;
/// It has to go, before it was ever answered.
const EVICTED_FRESH: u8 = 3;
/// It has to go, and some of its last answer may not be sent yet.
const EVICTED_RESTING: u8 = 4;

impl Seats {
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), taken: HashMap::new(), next: 0 }
    }

    pub(super) fn has_room(&self) -> bool {
        self.taken.len() < self.most
    }

    /// The seat for the next connection.
    pub(super) fn next(&mut self) -> Arc<Seat> {
        let number = self.next;
        self.next += 1;
        Arc::new(Seat { number, state: AtomicU8::new(FRESH), evicted: Notify::new() })
    }

    /// A connection's task has taken its seat. Where it was the last one, the
    /// oldest connection that waits for a request has to go: those that never
    /// sent one first. Where all are being answered, nobody is asked to leave,
    /// and newcomers wait until one does.
    pub(super) fn take(&mut self, task: Id, seat: Arc<Seat>) {
        self.taken.insert(task, seat);
        if self.has_room() {
            return;
        }
        for state in [FRESH, RESTING] {
            let mut waiting: Vec<&Arc<Seat>> =
                self.taken.values().filter(|seat| seat.is(state)).collect();
            waiting.sort_by_key(|seat| seat.number);
            // One that has begun to be answered meanwhile stays.
            if waiting.into_iter().any(|seat| seat.evict(state)) {
                return;
            }
        }
    }

    /// A connection's task has ended.
    pub(super) fn leave(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
        self.taken.remove(&id);
    }
}

impl Seat {
    /// A request has come. `false` where the connection has to go instead.
    pub(super) fn begin(&self) -> bool {
        let begun = |state| (state < EVICTED_FRESH).then_some(BUSY);
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, begun).is_ok()
    }

    /// Its answer is made.
    pub(super) fn end(&self) {
        self.state.store(RESTING, Ordering::Release);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.is(BUSY)
    }

    /// Whether it goes without ever having been answered.
    pub(super) fn owes_nothing(&self) -> bool {
        self.is(EVICTED_FRESH)
    }

    /// Waits until the connection has to go.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    fn is(&self, state: u8) -> bool {
        self.state.load(Ordering::Acquire) == state
    }

    fn evict(&self, from: u8) -> bool {
        let to = if from == FRESH { EVICTED_FRESH } else { EVICTED_RESTING };
        let gone =
            self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if gone {
            self.evicted.notify_one();
        }
        gone
    }
}
