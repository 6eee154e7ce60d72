//! Limits the number of connections, and chooses which to close when all are in use.

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
    time::{Duration, Instant, timeout},
};

/// How long a new connection is safe from eviction. An ordinary client has sent its
/// request by then, even with a TLS handshake.
const NEW_GRACE: Duration = Duration::from_millis(500);

/// How often to look for a connection to evict while all slots are taken.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The connection slots that are in use.
#[derive(Debug)]
pub(super) struct Slots {
    limit: usize,
    taken: HashMap<Id, Arc<Slot>>,
    /// The number of the next slot.
    next: u64,
    became_idle: Arc<Notify>,
}

/// The slot of one connection.
#[derive(Debug)]
pub(super) struct Slot {
    number: u64,
    since: Instant,
    state: AtomicU8,
    evicted: Notify,
    became_idle: Arc<Notify>,
}

/// No request has arrived yet.
const NEW: u8 = 0;
/// A request is being answered.
const BUSY: u8 = 1;
/// Waiting for the next request.
const IDLE: u8 = 2;
/// Evicted before its first request.
const EVICTED_NEW: u8 = 3;
/// Evicted while idle; part of its last answer may still have to be sent.
const EVICTED_IDLE: u8 = 4;

impl Slots {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), taken: HashMap::new(), next: 0, became_idle: Arc::default() }
    }

    pub(super) fn has_room(&self) -> bool {
        self.taken.len() < self.limit
    }

    /// A slot for the next connection.
    pub(super) fn next(&mut self) -> Arc<Slot> {
        let number = self.next;
        self.next += 1;
        Arc::new(Slot {
            number,
            since: Instant::now(),
            state: AtomicU8::new(NEW),
            evicted: Notify::new(),
            became_idle: Arc::clone(&self.became_idle),
        })
    }

    /// Assigns a slot to the task of a connection.
    pub(super) fn take(&mut self, task: Id, slot: Arc<Slot>) {
        self.taken.insert(task, slot);
    }

    /// If all slots are taken, evicts the oldest connection that is waiting for a
    /// request. Connections without any request yet go first, after their grace period.
    /// If every connection is being answered, none is evicted and new ones wait.
    pub(super) fn make_room(&self) {
        if !self.has_room() {
            self.evict_one();
        }
    }

    /// Evicts one connection, for example because the system has no free file handles.
    pub(super) fn evict_one(&self) {
        for (state, grace) in [(NEW, NEW_GRACE), (IDLE, Duration::ZERO)] {
            let mut waiting: Vec<&Arc<Slot>> = self
                .taken
                .values()
                .filter(|slot| slot.is(state) && slot.since.elapsed() >= grace)
                .collect();
            waiting.sort_by_key(|slot| slot.number);
            // A connection that has become busy meanwhile is skipped.
            if waiting.into_iter().any(|slot| slot.evict(state)) {
                return;
            }
        }
    }

    /// Waits until a connection may have become evictable.
    pub(super) async fn changed(&self) {
        let _ = timeout(CHECK_INTERVAL, self.became_idle.notified()).await;
    }

    /// Frees the slot of a task that has ended.
    pub(super) fn release(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
        self.taken.remove(&id);
    }
}

impl Slot {
    /// Marks the connection busy. Returns `false` if it was evicted.
    pub(super) fn begin(&self) -> bool {
        let begun = |state| (state < EVICTED_NEW).then_some(BUSY);
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, begun).is_ok()
    }

    /// The answer is ready; the connection is idle again.
    pub(super) fn end(&self) {
        self.state.store(IDLE, Ordering::Release);
        self.became_idle.notify_one();
    }

    pub(super) fn is_busy(&self) -> bool {
        self.is(BUSY)
    }

    /// Whether it was evicted before its first request.
    pub(super) fn is_evicted_new(&self) -> bool {
        self.is(EVICTED_NEW)
    }

    /// Waits until the connection is evicted.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    fn is(&self, state: u8) -> bool {
        self.state.load(Ordering::Acquire) == state
    }

    fn evict(&self, from: u8) -> bool {
        let to = if from == NEW { EVICTED_NEW } else { EVICTED_IDLE };
        let gone =
            self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if gone {
            self.evicted.notify_one();
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    /// `count` slots, all taken.
    fn crowded(count: usize) -> (Slots, Vec<Arc<Slot>>) {
        let mut slots = Slots::new(count);
        let taken = (0..count).map(|_| {
            assert!(slots.has_room());
            let slot = slots.next();
            slots.take(tokio::spawn(pending::<()>()).id(), Arc::clone(&slot));
            slot
        });
        let taken: Vec<_> = taken.collect();
        assert!(!slots.has_room());
        (slots, taken)
    }

    fn states(slots: &[Arc<Slot>]) -> Vec<u8> {
        slots.iter().map(|slot| slot.state.load(Ordering::Acquire)).collect()
    }

    #[tokio::test]
    async fn the_oldest_idle_connection_is_evicted_and_none_that_is_being_answered() {
        let (slots, taken) = crowded(20);
        for slot in &taken {
            assert!(slot.begin() && slot.is_busy());
        }
        slots.make_room();
        assert_eq!(states(&taken), [BUSY; 20]);
        for slot in taken.iter().skip(3) {
            slot.end();
            assert!(!slot.is_busy());
        }
        let mut expected = [IDLE; 20];
        expected[..3].fill(BUSY);
        for gone in 3..10 {
            expected[gone] = EVICTED_IDLE;
            slots.make_room();
            assert_eq!(states(&taken), expected);
            assert!(!taken[gone].begin(), "nothing that was asked is done");
            assert!(!taken[gone].is_evicted_new());
        }
    }

    #[tokio::test]
    async fn a_new_connection_is_safe_for_its_grace_period_and_a_released_slot_is_free() {
        let (mut slots, taken) = crowded(2);
        slots.evict_one();
        assert_eq!(states(&taken), [NEW; 2], "their grace is not over");
        let task = tokio::spawn(async {});
        let id = task.id();
        slots.take(id, slots.taken.values().next().map(Arc::clone).unwrap());
        slots.release(Ok((id, ())));
        assert_eq!(slots.taken.len(), 2);
        let old = Instant::now().checked_sub(NEW_GRACE);
        let Some(since) = old else { return };
        let slot = Slot {
            number: 9,
            since,
            state: AtomicU8::new(NEW),
            evicted: Notify::new(),
            became_idle: Arc::default(),
        };
        let slot = Arc::new(slot);
        slots.take(id, Arc::clone(&slot));
        slots.evict_one();
        assert!(slot.is_evicted_new() && !slot.begin());
        assert_eq!(states(&taken), [NEW; 2]);
    }
}
