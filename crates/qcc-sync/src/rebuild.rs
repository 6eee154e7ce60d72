//! What proving and rebuilding ask of a store, beyond bringing orders in.

use std::future::Future;

use jiff::Timestamp;
use qcc_proto::{OrderNo, ShanghaiTime};

use crate::{Applied, Order, ReasonCode, SetAside, State, Store, StoreError, StoredRecord, Worker};

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
    /// has never heard of, and those that are bare (see [`Order::is_bare`]). Others
    /// stay as they are, and so do those that another worker holds. One write.
    /// Returns those it took over.
    fn adopt(
        &self,
        orders: &[Order],
        worker: &Worker,
        now: Timestamp,
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

    /// How many records were pushed before this.
    fn count_records_before(
        &self,
        before: ShanghaiTime,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Removes records that were pushed before this, at most `limit`. One write.
    /// Returns how many it removed.
    fn remove_records_before(
        &self,
        before: ShanghaiTime,
        limit: u32,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;
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

    /// Its archive was applied, for the first time or again. What was noted of it
    /// stays, and with it when that was, where the document says the same again: a
    /// repetition that changes nothing is not news.
    #[must_use]
    pub(crate) fn applied_again(self, now: Applied) -> Self {
        let noted = self.applied.as_ref().filter(|noted| noted.agrees(&now)).cloned();
        self.applied(noted.unwrap_or(now))
    }

    /// Whether nothing of it is kept or was applied, so that an archive found beside
    /// the ledger is news. One that was found damaged, or did not open, is not: it
    /// may be the very archive that is found.
    pub fn is_bare(&self) -> bool {
        use ReasonCode::{ArchiveDamaged, WrongPassword};
        let spoilt = self.state.reason().map(|reason| reason.code);
        self.archive.is_none()
            && self.applied.is_none()
            && !matches!(spoilt, Some(ArchiveDamaged | WrongPassword))
    }

    /// What a ledger makes of an archive found beside it: `None` where it knows as
    /// much or more of the order. What lists and calls noted stays.
    #[must_use]
    pub fn adopting(self, found: &Self) -> Option<Self> {
        self.is_bare().then(|| Self {
            state: State::Fetched,
            archive: found.archive,
            password: found.password.clone(),
            created_at: self.created_at.or(found.created_at),
            listed_at: self.listed_at.or(found.listed_at),
            called_at: self.called_at.or(found.called_at),
            location: None,
            ..self.unfailed()
        })
    }
}

impl Applied {
    /// Whether both come from one document. How many of its records stand depends on
    /// what else was in the table by then; their sum does not.
    fn agrees(&self, other: &Self) -> bool {
        let told = |applied: &Self| {
            let records = applied.stored.saturating_add(applied.superseded);
            (applied.push_date, applied.total_size, records, applied.quarantined)
        };
        told(self) == told(other)
    }
}
