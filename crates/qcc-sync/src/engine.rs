//! The driver: takes the next step of each order, and writes down what came of it.

mod apply;
mod bring;
mod budget;
mod error;
mod fetch;
mod follow;
mod heal;
mod hold;
mod keep;
mod label;
mod list;
mod rotate;
mod run;
mod settle;
mod words;

use std::{
    fmt,
    sync::{Arc, Mutex, atomic::AtomicU64},
};

use qcc_http::Client;

use crate::{
    Answer, Archives, Changes, Clock, Event, Hold, Observer, Policy, Store, VendorCall, Worker,
};

pub(crate) use apply::Applier;
use budget::Budget;
pub use error::EngineError;
pub(crate) use error::Trouble;
use error::failure_of;
pub use follow::Follow;

/// Brings every order the vendor names into the store.
///
/// All that must outlive it lies in the [`Store`], so it may stop anywhere, and
/// another one goes on where it left off.
///
/// An order that fails waits in the ledger and delays no other: an order is begun
/// while others are under way once those have taken a quarter of a second, so a host
/// that answers is asked for one thing at a time, and one that hangs holds up
/// nobody. Archives are applied one at a time, once no new order is left to fetch.
pub struct Engine {
    client: Client,
    store: Arc<dyn Store>,
    archives: Arc<dyn Archives>,
    clock: Arc<dyn Clock>,
    worker: Worker,
    policy: Policy,
    /// For orders that only calls named.
    unconfirmed: Mutex<Budget>,
    /// Downloads that broke off, and where to go on with them.
    unfinished: Mutex<fetch::Unfinished>,
    /// Bytes of archives that came in all.
    received: AtomicU64,
}

/// What an engine is made of.
pub struct Parts {
    /// Calls the vendor.
    pub client: Client,
    /// Ledger and records.
    pub store: Arc<dyn Store>,
    /// Raw archives.
    pub archives: Arc<dyn Archives>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Who this engine is to the others on the same store.
    pub worker: Worker,
    /// How patient it is.
    pub policy: Policy,
}

/// What one run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Orders the last list named.
    pub listed: u32,
    /// Orders the ledger had not known.
    pub fresh: u32,
    /// Archives downloaded.
    pub fetched: u64,
    /// Orders applied.
    pub applied: u64,
    /// Records that now stand from them.
    pub stored: u64,
    /// What became of those.
    pub changes: Changes,
    /// Records that lost against a later version.
    pub superseded: u64,
    /// Records set aside.
    pub set_aside: u64,
    /// The hold that ended the run, if one did.
    pub held: Option<Hold>,
}

impl Engine {
    /// An engine of these parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { client, store, archives, clock, worker, policy } = parts;
        Self {
            client,
            store,
            archives,
            clock,
            worker,
            policy,
            unconfirmed: Mutex::new(Budget::for_unconfirmed()),
            unfinished: Mutex::default(),
            received: AtomicU64::new(0),
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("client", &self.client)
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

impl Report {
    /// Adds what a part of a run did.
    fn add(&mut self, part: Self) {
        self.fetched += part.fetched;
        self.applied += part.applied;
        self.stored += part.stored;
        self.changes += part.changes;
        self.superseded += part.superseded;
        self.set_aside += part.set_aside;
        self.held = part.held.or(self.held.take());
    }
}

fn tell_answer<T>(call: VendorCall, outcome: &Result<T, qcc_http::Error>, observer: &dyn Observer) {
    observer.event(&Event::Asked { call, answer: Answer::of(call, outcome) });
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}
