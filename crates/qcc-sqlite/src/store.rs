//! The store: who does what on which thread.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use jiff::Timestamp;
use qcc_proto::{ListedOrder, OrderNo, ShanghaiTime};
use qcc_sync::{
    Account, Apply, Claim, Decision, Gap, Lease, Life, Listing, NotedList, Order, OrderFilter,
    Overview, RecordFilter, SetAside, Sha256, Snapshot, StateName, Store, StoreError, StoredRecord,
    Versioned, Want, Worker, lease_end,
};
use rusqlite::{Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::{
    account,
    apply::SqliteApply,
    calls::{self, Calls, Pending, Portions},
    decisions, facts,
    fault::Fault,
    files::{Access, Desk, Files, Role},
    listing, orders, rebuild, records,
    snapshot::SqliteSnapshot,
    thread::{Thread, ended, start},
};

/// A [`Store`] in one SQLite file, for one machine.
///
/// Several processes may use the file at once: they take turns to write, and
/// reading never waits. Clones share the store; with the last one, and the last
/// apply, its threads end and its files are closed.
#[derive(Clone)]
pub struct SqliteStore {
    pub(crate) threads: Arc<Threads>,
}

/// The threads of a store.
pub(crate) struct Threads {
    // Dropped from first to last: waiting for locks ends, then reading, and the
    // writer leaves last, which empties the logs into the files.
    files: ClosedOnDrop,
    calls: Calls,
    ledger: Thread,
    table: Thread,
    pub(crate) writer: Thread,
}

struct ClosedOnDrop(Files);

impl Drop for ClosedOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl SqliteStore {
    /// Opens a store, and makes it where there is none: the file for its owner
    /// alone (mode 0600). The folder must be there: a path that was mistyped, or whose
    /// disk is not mounted, does not become a new store.
    ///
    /// # Errors
    /// [`StoreError`]: `Corrupt` where the file is damaged, no SQLite database or
    /// another program's; `NewerSchema` where a newer version made it; `ReadOnly`
    /// where file or folder cannot be written; `Full`, `Busy`, `Unavailable` where
    /// disk or lock say so. Nothing of a foreign file is changed.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::opened(path.into(), Access::Create).await
    }

    /// Opens a store that is there already.
    ///
    /// # Errors
    /// As [`open`](Self::open), and `Unavailable` where there is no file.
    pub async fn open_existing(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::opened(path.into(), Access::Existing).await
    }

    /// Opens a store that is there already, to read it.
    ///
    /// Where this process may not write it, or file or folder are marked as not to be
    /// written, nothing is made, changed or locked: a snapshot or a mounted backup can
    /// be read, and the files of another user. Every write then fails as `ReadOnly`.
    /// Otherwise it is as [`open_existing`](Self::open_existing).
    ///
    /// # Errors
    /// As [`open_existing`](Self::open_existing), and `Other` where an older version
    /// made a store that cannot be brought up to date here.
    pub async fn open_to_read(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::opened(path.into(), Access::Read).await
    }

    /// Fails where file, log or inbox were removed, moved or replaced since the store
    /// was opened: what is written then would be lost. Every read of the ledger and
    /// every write asks this by itself.
    ///
    /// # Errors
    /// [`StoreError`]: `Unavailable`, naming the file.
    pub fn check_files(&self) -> Result<(), StoreError> {
        self.threads.files.0.check()
    }

    /// The file's absolute path, with links resolved.
    pub fn path(&self) -> &Path {
        self.threads.files.0.path()
    }

    /// Connections of its own, for one more reader.
    pub(crate) fn reader(&self) -> Result<Desk, StoreError> {
        self.threads.files.0.desk(Role::Reader)
    }

    #[cfg(test)]
    pub(crate) fn threads(&self) -> &Threads {
        &self.threads
    }

    async fn opened(path: PathBuf, access: Access) -> Result<Self, StoreError> {
        let (reply, opened) = oneshot::channel();
        start("qcc-sqlite-open", move || {
            let _ = reply.send(Threads::open(&path, access));
        })?;
        let threads = opened.await.map_err(|_| ended())??;
        Ok(Self { threads: Arc::new(threads) })
    }

    /// One write to the ledger.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.threads.writer.call(|desk| in_transaction(desk, work)).await
    }

    /// One write to the ledger that must know of every call.
    pub(crate) async fn write_after_calls<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let work = |desk: &mut Desk| {
            let mut portions = Portions::of(&desk.inbox)?;
            loop {
                let calls = portions.next(&desk.inbox)?;
                if portions.is_over() {
                    let done = in_transaction(desk, |tx| {
                        calls::take_over(tx, &calls)?;
                        work(tx)
                    })?;
                    calls::clear(&desk.inbox, &calls);
                    return Ok(done);
                }
                in_transaction(desk, |tx| calls::take_over(tx, &calls))?;
                calls::clear(&desk.inbox, &calls);
            }
        };
        self.threads.writer.call(work).await
    }

    /// One read of the ledger, of one moment, with the calls beside it.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>, &Pending<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let work = |desk: &mut Desk| {
            // An idle receiver notices by its reads that its files are gone.
            desk.check()?;
            let pending = Pending::now(&desk.inbox)?;
            let tx = desk.main.transaction()?;
            work(&tx, &pending)
        };
        self.threads.ledger.call(work).await
    }
}

pub(crate) fn in_transaction<T>(
    desk: &mut Desk,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let watch = desk.watch();
    let tx = desk.main.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&tx)?;
    watch.check()?;
    tx.commit()?;
    // What is cleared from the inbox next must be in a file that can be found.
    watch.check()?;
    Ok(done)
}

impl Threads {
    fn open(path: &Path, access: Access) -> Result<Self, StoreError> {
        let files = Files::prepare(path, access)?;
        let path = files.path();
        let of = |role| if files.is_still() { Role::Reader } else { role };
        let (writer, recorder) = (files.desk(of(Role::Writer))?, files.desk(of(Role::Recorder))?);
        files.begin_watch()?;
        Ok(Self {
            writer: Thread::writing(writer, path)?,
            calls: Calls::spawn(recorder, path)?,
            ledger: Thread::reading(files.desk(Role::Reader)?, path)?,
            table: Thread::reading(files.desk(Role::Reader)?, path)?,
            files: ClosedOnDrop(files),
        })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn note_list(
        &self,
        listed: &[ListedOrder],
        listing: &Listing,
    ) -> Result<NotedList, StoreError> {
        let (listed, listing) = (listed.to_vec(), listing.clone());
        self.write_after_calls(move |tx| listing::note(tx, &listed, &listing)).await
    }

    async fn note_call(&self, order_no: &OrderNo, now: Timestamp) -> Result<bool, StoreError> {
        self.threads.calls.note(order_no.clone(), now).await
    }

    async fn claim(
        &self,
        worker: &Worker,
        want: Want,
        in_hand: &[OrderNo],
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let (worker, in_hand) = (worker.clone(), in_hand.to_vec());
        self.write_after_calls(move |tx| orders::claim(tx, &worker, want, &in_hand, now)).await
    }

    async fn renew(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.write(move |tx| orders::renew(tx, &lease, now)).await
    }

    async fn save(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        let lease = lease.clone();
        let until = lease_end(&lease.worker, now);
        self.write(move |tx| orders::save(tx, &lease.order, &lease, Some(until))).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.write(move |tx| orders::release(tx, &lease)).await
    }

    async fn begin_apply(
        &self,
        lease: &Lease,
        push_date: ShanghaiTime,
    ) -> Result<Box<dyn Apply>, StoreError> {
        let held = lease.clone();
        self.read(move |tx, _| orders::check_lease(tx, &held)).await?;
        let path = self.path().to_owned();
        Ok(Box::new(SqliteApply::new(&self.threads, path, lease.clone(), push_date)))
    }

    async fn retry(&self, orders: &[OrderNo], _: Timestamp) -> Result<Vec<OrderNo>, StoreError> {
        let named = orders.to_vec();
        self.write(move |tx| orders::retry(tx, &named)).await
    }

    async fn decide(&self, decision: &Decision, now: Timestamp) -> Result<bool, StoreError> {
        let decision = decision.clone();
        self.write_after_calls(move |tx| decisions::decide(tx, &decision, now)).await
    }

    async fn note_life(&self, life: &Life) -> Result<(), StoreError> {
        let life = life.clone();
        self.write(move |tx| decisions::note_life(tx, &life)).await
    }

    async fn account(&self) -> Result<Versioned<Account>, StoreError> {
        self.read(|tx, _| account::read(tx)).await
    }

    async fn put_account(&self, version: u64, account: &Account) -> Result<bool, StoreError> {
        let account = account.clone();
        self.write(move |tx| account::put(tx, version, &account)).await
    }

    async fn orders_named(&self, orders: &[OrderNo]) -> Result<Vec<Order>, StoreError> {
        let named = orders.to_vec();
        self.read(move |tx, calls| {
            let mut found = Vec::new();
            for order_no in &named {
                let known = orders::find(tx, order_no.as_str())?;
                found.extend(match calls.find(order_no.as_str())? {
                    Some(call) => Some(calls::overlay(known, call)),
                    None => known,
                });
            }
            Ok(found)
        })
        .await
    }

    async fn orders(&self, filter: &OrderFilter) -> Result<Vec<Order>, StoreError> {
        let filter = filter.clone();
        self.read(move |tx, calls| with_calls(tx, orders::list(tx, &filter)?, calls, &filter)).await
    }

    async fn records(
        &self,
        filter: &RecordFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let (filter, after) = (filter.clone(), after.map(str::to_owned));
        let work =
            move |desk: &mut Desk| records::page(&desk.main, &filter, after.as_deref(), limit);
        self.threads.table.call(work).await
    }

    async fn set_aside(
        &self,
        order_no: &OrderNo,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<SetAside>, StoreError> {
        let order_no = order_no.clone();
        self.read(move |tx, _| records::aside_page(tx, &order_no, after, limit)).await
    }

    async fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        self.read(|tx, _| listing::gaps(tx)).await
    }

    async fn other_with_archive(
        &self,
        archive: &Sha256,
        other_than: &OrderNo,
    ) -> Result<Option<Order>, StoreError> {
        let (archive, other_than) = (*archive, other_than.clone());
        self.read(move |tx, _| orders::other_with_archive(tx, &archive, &other_than)).await
    }

    async fn overview(&self) -> Result<Overview, StoreError> {
        self.read(|tx, calls| facts::overview(tx, calls)).await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        SqliteSnapshot::begin(self).await.map(|snapshot| Box::new(snapshot) as _)
    }

    async fn adopt(
        &self,
        orders: &[Order],
        worker: &Worker,
        now: Timestamp,
    ) -> Result<Vec<OrderNo>, StoreError> {
        let (found, worker) = (orders.to_vec(), worker.clone());
        self.write_after_calls(move |tx| rebuild::adopt_all(tx, found, &worker, now)).await
    }

    async fn reopen(
        &self,
        order_no: &OrderNo,
        worker: &Worker,
        now: Timestamp,
    ) -> Result<Option<Lease>, StoreError> {
        let (order_no, worker) = (order_no.clone(), worker.clone());
        self.write(move |tx| rebuild::reopen(tx, &order_no, &worker, now)).await
    }

    async fn count_records_before(&self, before: ShanghaiTime) -> Result<u64, StoreError> {
        let count = move |desk: &mut Desk| records::count_before(&desk.main, before);
        Thread::reading(self.reader()?, self.path())?.call(count).await
    }

    async fn remove_records_before(
        &self,
        before: ShanghaiTime,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.write(move |tx| records::remove_before(tx, before, limit)).await
    }
}

/// A list of orders as it will be once the ledger has taken the calls over.
fn with_calls(
    tx: &Transaction<'_>,
    mut listed: Vec<Order>,
    calls: &Pending<'_>,
    filter: &OrderFilter,
) -> Result<Vec<Order>, Fault> {
    let mut places: HashMap<OrderNo, usize> = HashMap::new();
    let mut is_changed = false;
    calls.each(|call| {
        if !is_changed {
            places.extend(listed.iter().enumerate().map(|(at, order)| (order.no.clone(), at)));
            is_changed = true;
        }
        match places.get(&call.order_no).and_then(|at| listed.get_mut(*at)) {
            Some(order) => *order = calls::overlay(Some(order.clone()), call),
            None if filter.state.is_some_and(|state| state != StateName::Seen) => {}
            None if orders::is_known(tx, call.order_no.as_str())? => {}
            None => listed.push(calls::overlay(None, call)),
        }
        Ok(())
    })?;
    if is_changed {
        let age = |order: &Order| {
            let made = order.created_at.map_or(order.first_seen_at, ShanghaiTime::timestamp);
            (made, order.no.clone())
        };
        listed.sort_by_cached_key(|order| std::cmp::Reverse(age(order)));
        listed.truncate(filter.limit.map_or(usize::MAX, |limit| limit as usize));
    }
    Ok(listed)
}
