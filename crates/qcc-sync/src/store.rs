//! The seam between the engine and a database.

use std::{collections::BTreeMap, error::Error as StdError, fmt, future::Future, time::Duration};

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{ListedOrder, OrderNo, RiskRecord, ShanghaiTime};

use crate::{
    Activation, AnswerErrors, Callbacks, Continuity, Decision, Gap, LONGEST_HOLD, Life, Listing,
    Order, Reason, ReasonCode, SecretPath, Sha256, StateName, delivery::later,
};

/// Ledger and records in one database.
///
/// Each method is one durable write or one consistent read. What must hold, and
/// the conformance suite checks:
///
/// - an order number once noted is never forgotten;
/// - a write under a lease that has passed to another worker changes nothing;
/// - of two versions of a record the one of greater [`Rank`] stands, in whatever
///   order and however often they are applied;
/// - an apply changes records and ledger together, or neither.
pub trait Store: Send + Sync + 'static {
    /// An archive being applied.
    type Apply: Apply;

    /// How a list joins on to the lists before it.
    ///
    /// # Errors
    /// [`StoreError`], as for every method here.
    fn continuity(
        &self,
        listed: &[ListedOrder],
    ) -> impl Future<Output = Result<Continuity, StoreError>> + Send;

    /// Notes what a list showed: new orders as `Seen`, known ones as listed, the
    /// facts of the list, and the gap it revealed: once, however often it is
    /// reported, and not where the list joins on to one that another worker noted
    /// since [`continuity`](Self::continuity) was asked (see
    /// [`gap_by_now`](crate::gap_by_now)). Forgets orders that only calls named and
    /// that are [`FORGOTTEN_AFTER`](crate::FORGOTTEN_AFTER) old, or more than
    /// [`MOST_UNCONFIRMED`](crate::MOST_UNCONFIRMED), the oldest first. One write.
    fn note_listing(
        &self,
        listed: &[ListedOrder],
        listing: &Listing,
        gap: Option<&Gap>,
    ) -> impl Future<Output = Result<NotedListing, StoreError>> + Send;

    /// Notes that the vendor called about an order. Durable when it returns.
    /// Returns whether the order was new to the ledger.
    fn note_call(
        &self,
        order_no: &OrderNo,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Leases the most urgent of the wanted orders that is due and nobody else's,
    /// leaving out those this worker has in hand already.
    ///
    /// Due is what is seen, located or fetched, and what is not
    /// [resting](crate::is_resting). Orders that have not failed come first, then the
    /// oldest. A lease of the same worker is renewed.
    fn claim(
        &self,
        worker: &Worker,
        want: Want,
        in_hand: &[OrderNo],
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Order>, StoreError>> + Send;

    /// Writes what is now known of a leased order, and keeps the lease until
    /// `now` plus the worker's term.
    fn save(
        &self,
        order: &Order,
        worker: &Worker,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Gives a lease back.
    fn release(
        &self,
        order_no: &OrderNo,
        worker: &Worker,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Begins to apply the archive of a leased order.
    fn begin_apply(
        &self,
        order_no: &OrderNo,
        push_date: ShanghaiTime,
        worker: &Worker,
    ) -> impl Future<Output = Result<Self::Apply, StoreError>> + Send;

    /// Makes waiting and quarantined orders due now: the named ones, or all where
    /// none is named. Returns those it changed.
    fn retry(
        &self,
        orders: &[OrderNo],
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<OrderNo>, StoreError>> + Send;

    /// One order.
    fn order(
        &self,
        order_no: &OrderNo,
    ) -> impl Future<Output = Result<Option<Order>, StoreError>> + Send;

    /// Orders, newest first.
    fn orders(
        &self,
        filter: &OrderFilter,
    ) -> impl Future<Output = Result<Vec<Order>, StoreError>> + Send;

    /// A page of records, by `id`, at most `limit`, after `after`. With
    /// [`newest_first`](RecordFilter::newest_first), the latest `pushDate` first, and
    /// `after` leaves out only records that were pushed at `pushed_until`.
    fn records(
        &self,
        filter: &RecordFilter,
        after: Option<&str>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<StoredRecord>, StoreError>> + Send;

    /// The records of one order that were set aside, by position.
    fn set_aside(
        &self,
        order_no: &OrderNo,
    ) -> impl Future<Output = Result<Vec<SetAside>, StoreError>> + Send;

    /// All gaps, open ones first.
    fn gaps(&self) -> impl Future<Output = Result<Vec<Gap>, StoreError>> + Send;

    /// Carries out what a person decided; `false` where there was nothing to change.
    fn decide(
        &self,
        decision: &Decision,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Notes that a receiver is alive, and what it last failed at.
    fn note_life(&self, life: &Life) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Another order that has this archive: one that is applied, where there is one.
    fn other_with_archive(
        &self,
        archive: &Sha256,
        other_than: &OrderNo,
    ) -> impl Future<Output = Result<Option<Order>, StoreError>> + Send;

    /// Sets or lifts the hold on all calls to the vendor.
    fn set_hold(&self, hold: Option<&Hold>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The hold in force.
    fn hold(&self) -> impl Future<Output = Result<Option<Hold>, StoreError>> + Send;

    /// Notes that a receiver expects the vendor's calls from now on; the first
    /// time counts.
    fn expect_calls(&self, now: Timestamp) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes an attempt to make the vendor call again, in place of the one before.
    fn note_activation(
        &self,
        activation: &Activation,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes an attempt before it is made, unless another worker has noted one since
    /// `before` was read: then `false`, and nothing is written.
    fn begin_activation(
        &self,
        before: Option<&Activation>,
        attempt: &Activation,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Notes our errors in a row, in place of those before; `None` where the last
    /// answer was none.
    fn note_answer_errors(
        &self,
        errors: Option<AnswerErrors>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Keeps the secret path of the callback URL, in place of the one before.
    fn set_secret_path(
        &self,
        path: Option<&SecretPath>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The secret path of the callback URL.
    fn secret_path(&self) -> impl Future<Output = Result<Option<SecretPath>, StoreError>> + Send;

    /// The facts that `qcc status` shows, of one moment.
    fn overview(&self) -> impl Future<Output = Result<Overview, StoreError>> + Send;
}

/// One archive on its way into the table: a transaction. Dropped without
/// [`commit`](Self::commit), it never was.
pub trait Apply: Send {
    /// Takes records, in any order. A store may gather them and merge all of an
    /// archive at once, so how they fare is known at the commit.
    ///
    /// # Errors
    /// [`StoreError`], as for every method here.
    fn write(&mut self, batch: Vec<Row>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Keeps records that are not as the manual describes.
    fn set_aside(
        &mut self,
        batch: Vec<SetAside>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Leaves out the records of lesser rank than what stands, and commits the
    /// others together with the words the manual does not list and with the order
    /// in its new state, which `order` makes of the counts. The lease ends with it.
    fn commit(
        self,
        unknown: &[UnknownWord],
        order: impl FnOnce(Written) -> Order + Send + 'static,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;
}

/// Which orders a worker wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Without an archive, and named by a list or a person.
    Confirmed,
    /// Without an archive, and named by a call alone; of these only those that a
    /// list has been read since, which did not name them.
    Unconfirmed,
    /// Their archive is kept: they can be applied without calling the vendor.
    Kept,
}

/// Who is at work: a name of its own, and how long each lease lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Unlike any other worker's on the same store.
    pub name: String,
    /// How long a lease lasts unless renewed.
    pub term: Duration,
}

/// What decides between two versions of a record: the greater stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank {
    /// The document's `pushDate`.
    pub push_date: ShanghaiTime,
    /// The order it came with, compared as bytes.
    pub order_no: OrderNo,
    /// Its place in the document's `result`, from 0.
    pub position: u64,
}

/// A record and its place in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place in `result`, from 0.
    pub position: u64,
    /// The record.
    pub record: RiskRecord,
}

/// What became of the records of an archive. Each record counts once, so the numbers
/// add up to the records that were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// What became of the records that stand now.
    pub changes: Changes,
    /// Records that lost: to the version in the table, or to a later place in the same
    /// archive.
    pub superseded: u64,
}

/// What became of the records that stand now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// Records whose id was not in the table.
    pub new: u64,
    /// Records that replaced a version of lesser or equal rank.
    pub updated: u64,
    /// Records that stood already, of the same rank and with the same fields.
    pub unchanged: u64,
}

impl Changes {
    /// All of them.
    pub const fn stored(self) -> u64 {
        self.new.saturating_add(self.updated).saturating_add(self.unchanged)
    }
}

impl std::ops::AddAssign for Changes {
    fn add_assign(&mut self, other: Self) {
        self.new = self.new.saturating_add(other.new);
        self.updated = self.updated.saturating_add(other.updated);
        self.unchanged = self.unchanged.saturating_add(other.unchanged);
    }
}

impl Written {
    /// Records that stand now.
    pub const fn stored(self) -> u64 {
        self.changes.stored()
    }
}

/// A record that is not as the manual describes, kept for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its place in `result`, from 0.
    pub position: u64,
    /// What is wrong with it: a stable code such as `missing_field`.
    pub code: String,
    /// What is wrong with it, in a sentence.
    pub detail: String,
    /// Its bytes, cut at the reader's limit.
    pub raw: Vec<u8>,
}

/// What came of a list that was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedListing {
    /// How many orders were new to the ledger.
    pub fresh: u32,
    /// The gap it revealed, where none of that stretch was kept already.
    pub gap: Option<Gap>,
    /// How many orders that only calls had named were forgotten.
    pub forgotten: u64,
}

/// A word the manual does not list, and how often an archive used it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// `monitorLevel` or `monitorType`.
    pub field: String,
    /// The word.
    pub word: String,
    /// How often it came.
    pub count: u64,
}

/// A record in the table, with what decided that it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// The record.
    pub record: RiskRecord,
    /// Where it came from.
    pub rank: Rank,
}

/// Which orders.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct OrderFilter {
    /// Only in this state.
    pub state: Option<StateName>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// Which records. Conditions join with *and*.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RecordFilter {
    /// Exactly this `monitorLevel`.
    pub level: Option<String>,
    /// Exactly this `monitorType`.
    pub monitor_type: Option<String>,
    /// Exactly this `corpKeyNo`, or a part of `corpName`.
    pub corp: Option<String>,
    /// `changeDate` at or after this (`yyyy-MM-dd`, compared as text).
    pub changed_since: Option<String>,
    /// `pushDate` at or after this.
    pub pushed_since: Option<ShanghaiTime>,
    /// `pushDate` at or before this.
    pub pushed_until: Option<ShanghaiTime>,
    /// The latest `pushDate` first, and by `id` among equal ones, in place of by `id`. The
    /// next page is asked for with `pushed_until` set to the last record's `pushDate` and
    /// `after` to its `id`.
    pub newest_first: bool,
    /// From this order.
    pub order_no: Option<OrderNo>,
}

/// All calls to the vendor rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None`: until a person acts.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Reason,
}

/// Clocks that agree may still differ by so much.
const FUTURE: SignedDuration = SignedDuration::from_mins(2);

impl Hold {
    /// The same as it would have been set by a clock that is not ahead: one that began
    /// in the future begins now, and none lasts longer than
    /// [`LONGEST_HOLD`](crate::LONGEST_HOLD).
    #[must_use]
    pub fn clamped(mut self, now: Timestamp) -> Self {
        if self.since.duration_since(now) > FUTURE {
            let lasts = self.until.map(|until| until.duration_since(self.since));
            self.until = lasts.map(|lasts| later(now, lasts));
            self.since = now;
        }
        let longest = later(self.since, LONGEST_HOLD);
        self.until = self.until.map(|until| until.min(longest));
        self
    }

    /// Whether it forbids calls now.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// The facts of one moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Overview {
    /// How many orders are in each state; absent is 0. Without those that are
    /// [unconfirmed](Self::unconfirmed) or [dismissed](Self::dismissed).
    pub orders: BTreeMap<StateName, u64>,
    /// How many orders only calls named, and no list that was read since.
    pub unconfirmed: u64,
    /// How many orders only calls named since the last list was read: the next one
    /// tells whether the vendor knows them.
    pub awaiting_list: u64,
    /// How many such orders were forgotten since the store was made.
    pub forgotten: u64,
    /// How many orders a person dismissed.
    pub dismissed: u64,
    /// How many wait or are quarantined, by reason.
    pub reasons: BTreeMap<ReasonCode, u64>,
    /// The order that has waited longest for its records to be in the table.
    pub oldest_pending: Option<(OrderNo, Timestamp)>,
    /// When the next waiting order is due.
    pub next_due: Option<Timestamp>,
    /// Records in the table.
    pub records: u64,
    /// Records set aside.
    pub set_aside: u64,
    /// Those of them that nobody has acknowledged.
    pub set_aside_open: u64,
    /// Lines of order lists that could not be read and that nobody has acknowledged,
    /// as the largest number in one list.
    pub unreadable_open: u64,
    /// Words the manual does not list, most frequent first, a hundred at most.
    pub unknown_words: Vec<UnknownWord>,
    /// Open gaps.
    pub gaps: Vec<Gap>,
    /// The last list.
    pub last_listing: Option<Listing>,
    /// When the vendor last called about an order that a list named too.
    pub last_call: Option<Timestamp>,
    /// When a receiver was last alive, and what it last failed at.
    pub life: Option<Life>,
    /// When an archive was last applied.
    pub last_applied: Option<Timestamp>,
    /// The hold in force.
    pub hold: Option<Hold>,
    /// Whether and how the vendor calls.
    pub callbacks: Callbacks,
}

impl Overview {
    /// An empty overview, for stores to fill.
    pub fn empty() -> Self {
        Self {
            orders: BTreeMap::new(),
            unconfirmed: 0,
            awaiting_list: 0,
            forgotten: 0,
            dismissed: 0,
            reasons: BTreeMap::new(),
            oldest_pending: None,
            next_due: None,
            records: 0,
            set_aside: 0,
            set_aside_open: 0,
            unreadable_open: 0,
            unknown_words: Vec::new(),
            gaps: Vec::new(),
            last_listing: None,
            last_call: None,
            life: None,
            last_applied: None,
            hold: None,
            callbacks: Callbacks::default(),
        }
    }

    /// The same without facts from the future: a clock that was ahead wrote them, and
    /// they say nothing.
    #[must_use]
    pub fn believed(mut self, now: Timestamp) -> Self {
        let is_past = |at: &Timestamp| at.duration_since(now) <= FUTURE;
        self.last_listing = self.last_listing.filter(|listing| is_past(&listing.at));
        self.last_call = self.last_call.filter(is_past);
        self.last_applied = self.last_applied.filter(is_past);
        self.life = self.life.filter(|life| is_past(&life.at));
        self.hold = self.hold.map(|hold| hold.clamped(now));
        let callbacks = &mut self.callbacks;
        callbacks.errors = callbacks.errors.filter(|errors| is_past(&errors.last_at));
        self
    }

    /// How many orders are in a state.
    pub fn count(&self, state: StateName) -> u64 {
        self.orders.get(&state).copied().unwrap_or(0)
    }
}

/// The database refused or failed.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    detail: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong with the database, by what a caller does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Locked or overloaded. Repeat soon.
    Busy,
    /// Not reachable. Repeat later.
    Unavailable,
    /// No room. Repeat once a person made some.
    Full,
    /// No permission to write.
    ReadOnly,
    /// Made by a newer version of this program.
    NewerSchema,
    /// Not a database of ours, or a damaged one.
    Corrupt,
    /// Another worker holds the order now: drop it, it is in good hands.
    LeaseLost,
    /// Anything else.
    Other,
}

impl StoreError {
    /// An error with a sentence that says what to do.
    pub fn new(kind: StoreErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), source: None }
    }

    /// The same with what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
