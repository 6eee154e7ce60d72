//! What proving and rebuilding ask of a store, beyond bringing orders in.

use std::future::Future;

use jiff::Timestamp;
use qcc_proto::OrderNo;

use crate::{Order, SetAside, State, Store, StoreError, StoredRecord, Worker};

/// A store that can be proven against the kept archives, and rebuilt from them.
///
/// What must hold, and `conformance::rebuild` checks:
///
/// - a snapshot shows one moment, whatever is written while it is held;
/// - what is adopted is never less than what the ledger knew.
pub trait Rebuild: Store {
    /// The store at one moment.
    type Snapshot: Snapshot;

    /// The store as it is now. Writers do not wait for it, and what they write is
    /// not in it.
    ///
    /// # Errors
    /// [`StoreError`], as for every method here.
    fn snapshot(&self) -> impl Future<Output = Result<Self::Snapshot, StoreError>> + Send;

    /// Takes over fetched orders of which the ledger knows no archive: those it
    /// has never heard of, and those of which it knows but the name. Others stay
    /// as they are, and so do those that a worker holds. One write. Returns those
    /// it took over.
    fn adopt(
        &self,
        orders: &[Order],
    ) -> impl Future<Output = Result<Vec<OrderNo>, StoreError>> + Send;

    /// Leases an order that is applied or fetched, so that its kept archive can be
    /// applied again: it is `Fetched` from here on, and what it was applied with
    /// stays noted. `None` where it is in another state, has no archive, or is
    /// another worker's.
    fn reopen(
        &self,
        order_no: &OrderNo,
        worker: &Worker,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Order>, StoreError>> + Send;
}

/// A store at one moment. Hold it no longer than needed: a database may have to
/// keep what has been overwritten since.
pub trait Snapshot: Send {
    /// A page of orders by the bytes of their number, at most `limit`, behind
    /// `after`.
    ///
    /// # Errors
    /// [`StoreError`], as for every method here.
    fn orders(
        &mut self,
        after: Option<&OrderNo>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Order>, StoreError>> + Send;

    /// A page of records by the bytes of their `id`, at most `limit`, behind
    /// `after`.
    fn records(
        &mut self,
        after: Option<&str>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<StoredRecord>, StoreError>> + Send;

    /// A page of the records of one order that were set aside, by position, at
    /// most `limit`, behind `after`.
    fn set_aside(
        &mut self,
        order_no: &OrderNo,
        after: Option<u64>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<SetAside>, StoreError>> + Send;

    /// How many records the store says it holds, where it keeps count.
    fn counted(&mut self) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

impl Order {
    /// Its kept archive is to be applied again; `None` where it has none, or is
    /// neither applied nor fetched.
    #[must_use]
    pub fn reopened(mut self) -> Option<Self> {
        let fit = matches!(self.state, State::Applied | State::Fetched) && self.archive.is_some();
        self.state = State::Fetched;
        fit.then_some(self)
    }

    /// What a ledger makes of an archive found beside it: `None` where it knows as
    /// much or more of the order. What lists and calls noted stays.
    #[must_use]
    pub fn adopting(self, found: &Self) -> Option<Self> {
        let bare = matches!(self.state, State::Seen | State::Located) && self.archive.is_none();
        bare.then(|| Self {
            state: State::Fetched,
            archive: found.archive,
            password: found.password.clone(),
            created_at: self.created_at.or(found.created_at),
            listed_at: self.listed_at.or(found.listed_at),
            called_at: self.called_at.or(found.called_at),
            location: None,
            ..self
        })
    }
}
