//! The seam between the engine and a database.

mod account;
mod commit;
mod error;
mod lease;
mod overview;
mod records;

use async_trait::async_trait;
use jiff::Timestamp;
use qcc_proto::{ListedOrder, OrderNo, ShanghaiTime};

pub(crate) use account::FUTURE;
pub use account::{Account, AccountExt, Hold, Versioned};
pub use commit::{Commit, Document};
pub use error::{StoreError, StoreErrorKind};
pub use lease::{Claim, Lease, Want, Worker, due_at, lease_end};
pub use overview::Overview;
pub use records::{
    Changes, OrderFilter, Rank, RecordFilter, Row, SetAside, StoredRecord, UnknownWord, Written,
};

use crate::{Decision, Gap, Life, Listing, NotedList, Order, Sha256};

/// Ledger and records in one database.
///
/// Each method is one durable write or one consistent read. A store is used as
/// `Arc<dyn Store>`. What must hold, and the conformance suite checks:
///
/// - an order number once noted is never forgotten;
/// - a write under a lease that has passed to another worker, or to another lease of the
///   same worker, changes nothing;
/// - of two versions of a record the one of greater [`Rank`] stands, in whatever
///   order and however often they are applied;
/// - an apply changes records and ledger together, or neither;
/// - a [`snapshot`](Self::snapshot) shows one moment, whatever is written meanwhile;
/// - what is [adopted](Self::adopt) is never less than what the ledger knew.
///
/// A store repeats by itself what its database refuses for a moment, such as a
/// transaction that could not be serialised. The guide for implementers says what each
/// method must make atomic and durable: `docs/custom-store.md`.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Notes what a list showed, as one write: new orders as `Seen`, known ones as
    /// [listed](Order::listed), and what [`join_list`](crate::join_list) makes of the list and of
    /// what was noted before. A gap is kept and told once, however often it is found.
    /// Forgets orders that only calls named and that are
    /// [`FORGOTTEN_AFTER`](crate::FORGOTTEN_AFTER) old, or more than
    /// [`MOST_UNCONFIRMED`](crate::MOST_UNCONFIRMED), the oldest first.
    ///
    /// # Errors
    /// [`StoreError`], as for every method here.
    async fn note_list(
        &self,
        listed: &[ListedOrder],
        listing: &Listing,
    ) -> Result<NotedList, StoreError>;

    /// Notes that the vendor called about an order. Durable when it returns, and never
    /// waits for an apply: the vendor counts a slow answer as an error.
    /// Returns whether the order was new to the ledger.
    async fn note_call(&self, order_no: &OrderNo, now: Timestamp) -> Result<bool, StoreError>;

    /// Leases the most urgent of the wanted orders that is due and nobody else's, and
    /// raises its epoch. Those this worker has in hand are left out.
    ///
    /// An order is due where [`due_at`] says so. Orders that have not failed come first,
    /// then the oldest. A lease of the same worker's name is no obstacle: it is one of
    /// an earlier start.
    async fn claim(
        &self,
        worker: &Worker,
        want: Want,
        in_hand: &[OrderNo],
        now: Timestamp,
    ) -> Result<Claim, StoreError>;

    /// Keeps a lease until `now` plus the worker's term. Also one that has ended, where
    /// nobody has claimed the order since.
    async fn renew(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError>;

    /// Writes what is now known of a leased order, and renews the lease. What lists,
    /// calls and persons noted since the claim stays.
    async fn save(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError>;

    /// Ends a lease. One that is lost is left alone.
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Begins to apply the archive of a leased order.
    async fn begin_apply(
        &self,
        lease: &Lease,
        push_date: ShanghaiTime,
    ) -> Result<Box<dyn Apply>, StoreError>;

    /// Makes waiting and quarantined orders due now: the named ones, or all where
    /// none is named, but those that were dismissed. Returns those it changed.
    async fn retry(&self, orders: &[OrderNo], now: Timestamp) -> Result<Vec<OrderNo>, StoreError>;

    /// Carries out what a person decided; `false` where there was nothing to change.
    async fn decide(&self, decision: &Decision, now: Timestamp) -> Result<bool, StoreError>;

    /// Notes that a receiver is alive, and what it last failed at.
    async fn note_life(&self, life: &Life) -> Result<(), StoreError>;

    /// The facts that concern the account as a whole.
    async fn account(&self) -> Result<Versioned<Account>, StoreError>;

    /// Replaces the account. Returns `false`, and changes nothing, where its version is
    /// not `version` any more. [`AccountExt`] has the loops around this.
    async fn put_account(&self, version: u64, account: &Account) -> Result<bool, StoreError>;

    /// The orders of these numbers that are known, in any order.
    async fn orders_named(&self, orders: &[OrderNo]) -> Result<Vec<Order>, StoreError>;

    /// One order.
    async fn order(&self, order_no: &OrderNo) -> Result<Option<Order>, StoreError> {
        Ok(self.orders_named(std::slice::from_ref(order_no)).await?.pop())
    }

    /// Orders, newest first.
    async fn orders(&self, filter: &OrderFilter) -> Result<Vec<Order>, StoreError>;

    /// A page of records by the bytes of their `id`, at most `limit`, after `after`. With
    /// [`newest_first`](RecordFilter::newest_first), the latest `pushDate` first, and
    /// `after` leaves out only records that were pushed at `pushed_until`.
    async fn records(
        &self,
        filter: &RecordFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError>;

    /// A page of the records of one order that were set aside, by position, at most
    /// `limit`, after the position `after`. One may take 64 KiB.
    async fn set_aside(
        &self,
        order_no: &OrderNo,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<SetAside>, StoreError>;

    /// All gaps, open ones first.
    async fn gaps(&self) -> Result<Vec<Gap>, StoreError>;

    /// Another order that has this archive: one that is applied, where there is one.
    async fn other_with_archive(
        &self,
        archive: &Sha256,
        other_than: &OrderNo,
    ) -> Result<Option<Order>, StoreError>;

    /// The facts that `qcc status` shows, of one moment.
    async fn overview(&self) -> Result<Overview, StoreError>;

    /// The store as it is now. Writers do not wait for it, and what they write is
    /// not in it.
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Takes over fetched orders of which the ledger knows no archive: those it
    /// has never heard of, and those that are bare (see [`Order::is_bare`]). Others
    /// stay as they are, and so do those that another worker holds. One write.
    /// Returns those it took over.
    async fn adopt(
        &self,
        orders: &[Order],
        worker: &Worker,
        now: Timestamp,
    ) -> Result<Vec<OrderNo>, StoreError>;

    /// Leases an order that is applied or fetched, so that its kept archive can be
    /// applied again: it is `Fetched` from here on, and what it was applied with
    /// stays noted. `None` where it is in another state, has no archive, or is
    /// another worker's.
    async fn reopen(
        &self,
        order_no: &OrderNo,
        worker: &Worker,
        now: Timestamp,
    ) -> Result<Option<Lease>, StoreError>;

    /// How many records were pushed before this.
    async fn count_records_before(&self, before: ShanghaiTime) -> Result<u64, StoreError>;

    /// Removes records that were pushed before this, at most `limit`. One write.
    /// Returns how many it removed.
    async fn remove_records_before(
        &self,
        before: ShanghaiTime,
        limit: u32,
    ) -> Result<u64, StoreError>;
}

/// One archive on its way into the table. Dropped without [`commit`](Self::commit), it
/// leaves nothing.
#[async_trait]
pub trait Apply: Send {
    /// Takes records, in any order. A store may gather them and merge all of an
    /// archive at once, so what becomes of them is known at the commit.
    ///
    /// # Errors
    /// [`StoreError`], as for every method here.
    async fn write(&mut self, batch: Vec<Row>) -> Result<(), StoreError>;

    /// Keeps records that are not as the manual describes.
    async fn set_aside(&mut self, batch: Vec<SetAside>) -> Result<(), StoreError>;

    /// Leaves out the records of lesser rank than what stands, and commits the
    /// others together with the words the manual does not list and with the order
    /// as [`Commit::order`] has it. The lease is checked here, and ends with it.
    async fn commit(self: Box<Self>, commit: Commit) -> Result<Written, StoreError>;
}

/// A store at one moment. Hold it no longer than needed: a database may have to
/// keep what has been overwritten since.
#[async_trait]
pub trait Snapshot: Send {
    /// A page of orders by the bytes of their number, at most `limit`, after `after`.
    ///
    /// # Errors
    /// [`StoreError`], as for every method here.
    async fn orders(
        &mut self,
        after: Option<&OrderNo>,
        limit: u32,
    ) -> Result<Vec<Order>, StoreError>;

    /// A page of records by the bytes of their `id`, at most `limit`, after `after`.
    async fn records(
        &mut self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError>;

    /// A page of the records of one order that were set aside, by position, at
    /// most `limit`, after `after`.
    async fn set_aside(
        &mut self,
        order_no: &OrderNo,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<SetAside>, StoreError>;

    /// How many records the store says it holds, where it keeps count.
    async fn counted(&mut self) -> Result<u64, StoreError>;
}
