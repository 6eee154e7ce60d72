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
    time::{Duration, Instant, timeout},
};

/// So long a connection is left alone before its first request has come: an
/// honest head is on its way before the connection is accepted, a handshake
/// before it takes some round trips more.
const GRACE: Duration = Duration::from_millis(500);

/// How often it is looked whether somebody's grace is over, while all seats are
/// taken.
const TICK: Duration = Duration::from_millis(50);

/// The seats that are taken.
#[derive(Debug)]
pub(super) struct Seats {
    most: usize,
    taken: HashMap<Id, Arc<Seat>>,
    /// The number of the next seat.
    next: u64,
    rested: Arc<Notify>,
}

/// A connection's place.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    since: Instant,
    state: AtomicU8,
    evicted: Notify,
    rested: Arc<Notify>,
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
        Self { most: most.max(1), taken: HashMap::new(), next: 0, rested: Arc::default() }
    }

    pub(super) fn has_room(&self) -> bool {
        self.taken.len() < self.most
    }

    /// The seat for the next connection.
    pub(super) fn next(&mut self) -> Arc<Seat> {
        let number = self.next;
        self.next += 1;
        Arc::new(Seat {
            number,
            since: Instant::now(),
            state: AtomicU8::new(FRESH),
            evicted: Notify::new(),
            rested: Arc::clone(&self.rested),
        })
    }

    /// A connection's task has taken its seat.
    pub(super) fn take(&mut self, task: Id, seat: Arc<Seat>) {
        self.taken.insert(task, seat);
    }

    /// Where there is no room, asks the oldest connection that waits for a
    /// request to go: those that never sent one first, once their grace is over.
    /// Where all others are being answered nobody is asked, and newcomers wait.
    pub(super) fn make_room(&self) {
        if !self.has_room() {
            self.shed();
        }
    }

    /// The same where the system, and not the number of seats, leaves no room.
    pub(super) fn shed(&self) {
        for (state, grace) in [(FRESH, GRACE), (RESTING, Duration::ZERO)] {
            let mut waiting: Vec<&Arc<Seat>> = self
                .taken
                .values()
                .filter(|seat| seat.is(state) && seat.since.elapsed() >= grace)
                .collect();
            waiting.sort_by_key(|seat| seat.number);
            // One that has begun to be answered meanwhile stays.
            if waiting.into_iter().any(|seat| seat.evict(state)) {
                return;
            }
        }
    }

    /// Waits until somebody could be asked to go who could not before.
    pub(super) async fn changed(&self) {
        let _ = timeout(TICK, self.rested.notified()).await;
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
        self.rested.notify_one();
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    /// So many seats, all taken.
    fn crowded(count: usize) -> (Seats, Vec<Arc<Seat>>) {
        let mut seats = Seats::new(count);
        let taken = (0..count).map(|_| {
            assert!(seats.has_room());
            let seat = seats.next();
            seats.take(tokio::spawn(pending::<()>()).id(), Arc::clone(&seat));
            seat
        });
        let taken: Vec<_> = taken.collect();
        assert!(!seats.has_room());
        (seats, taken)
    }

    fn states(seats: &[Arc<Seat>]) -> Vec<u8> {
        seats.iter().map(|seat| seat.state.load(Ordering::Acquire)).collect()
    }

    #[tokio::test]
    async fn of_those_who_rest_the_oldest_goes_and_nobody_who_is_answered() {
        let (seats, taken) = crowded(20);
        for seat in &taken {
            assert!(seat.begin() && seat.is_busy());
        }
        seats.make_room();
        assert_eq!(states(&taken), [BUSY; 20]);
        for seat in taken.iter().skip(3) {
            seat.end();
            assert!(!seat.is_busy());
        }
        let mut expected = [RESTING; 20];
        expected[..3].fill(BUSY);
        for gone in 3..10 {
            expected[gone] = EVICTED_RESTING;
            seats.make_room();
            assert_eq!(states(&taken), expected);
            assert!(!taken[gone].begin(), "nothing that was asked is done");
            assert!(!taken[gone].owes_nothing());
        }
    }

    #[tokio::test]
    async fn who_just_came_is_left_alone_and_a_seat_that_is_left_is_free() {
        let (mut seats, taken) = crowded(2);
        seats.shed();
        assert_eq!(states(&taken), [FRESH; 2], "their grace is not over");
        let task = tokio::spawn(async {});
        let id = task.id();
        seats.take(id, seats.taken.values().next().map(Arc::clone).unwrap());
        seats.leave(Ok((id, ())));
        assert_eq!(seats.taken.len(), 2);
        let old = Instant::now().checked_sub(GRACE);
        let Some(since) = old else { return };
        let seat = Seat {
            number: 9,
            since,
            state: AtomicU8::new(FRESH),
            evicted: Notify::new(),
            rested: Arc::default(),
        };
        let seat = Arc::new(seat);
        seats.take(id, Arc::clone(&seat));
        seats.shed();
        assert!(seat.owes_nothing() && !seat.begin());
        assert_eq!(states(&taken), [FRESH; 2]);
    }
}
