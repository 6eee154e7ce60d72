//! The store proven and rebuilt: snapshots, and orders taken back from archives.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use qcc_proto::{OrderNo, ShanghaiTime, UnzipPassword};
use qcc_sync::{
    Order, Rebuild, RecordFilter, SetAside, Snapshot, State, StoreError, StoredRecord, Worker,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    SqliteStore,
    fault::Fault,
    files::Desk,
    orders, records,
    store::Threads,
    text::{instant, integer},
    thread::Thread,
};

impl Rebuild for SqliteStore {
    type Snapshot = SqliteSnapshot;

    async fn snapshot(&self) -> Result<SqliteSnapshot, StoreError> {
        let thread = Thread::reading(self.reader()?, self.path())?;
        let begin = |desk: &mut Desk| {
            // A transaction sees the moment of its first read.
            desk.main.execute_batch("BEGIN")?;
            desk.main.query_row("SELECT records FROM facts", [], |row| row.get::<_, i64>(0))?;
            Ok(())
        };
        thread.call(begin).await?;
        Ok(SqliteSnapshot { thread, _threads: Arc::clone(&self.threads) })
    }

    async fn adopt(
        &self,
        orders: &[Order],
        worker: &Worker,
        now: Timestamp,
    ) -> Result<Vec<OrderNo>, StoreError> {
        let (found, worker) = (orders.to_vec(), worker.clone());
        self.write_after_calls(move |tx| {
            let mut adopted = Vec::new();
            for order in found.into_iter().filter(|order| order.state == State::Fetched) {
                if adopt(tx, &order, &worker, now)? {
                    adopted.push(order.no);
                }
            }
            Ok(adopted)
        })
        .await
    }

    async fn reopen(
        &self,
        order_no: &OrderNo,
        worker: &Worker,
        now: Timestamp,
    ) -> Result<Option<Order>, StoreError> {
        let (order_no, worker) = (order_no.clone(), worker.clone());
        self.write(move |tx| reopen(tx, &order_no, &worker, now)).await
    }

    async fn count_records_before(&self, before: ShanghaiTime) -> Result<u64, StoreError> {
        let count = move |desk: &mut Desk| {
            let sql = "SELECT count(*) FROM risk_records WHERE push_date < ?1";
            let rows: i64 = desk.main.query_row(sql, [before.to_string()], |row| row.get(0))?;
            u64::try_from(rows).map_err(|_| Fault::Unreadable("records"))
        };
        Thread::reading(self.reader()?, self.path())?.call(count).await
    }

    async fn remove_records_before(
        &self,
        before: ShanghaiTime,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.write(move |tx| {
            let sql = "DELETE FROM risk_records WHERE rowid IN
                           (SELECT rowid FROM risk_records WHERE push_date < ?1 LIMIT ?2)";
            Ok(tx.execute(sql, params![before.to_string(), limit])? as u64)
        })
        .await
    }
}

/// Whether the order was taken over.
fn adopt(
    connection: &Connection,
    found: &Order,
    worker: &Worker,
    now: Timestamp,
) -> Result<bool, Fault> {
    let Some(known) = orders::find(connection, found.no.as_str())? else {
        insert(connection, found)?;
        return Ok(true);
    };
    let Some(order) = known.adopting(found) else { return Ok(false) };
    let free = connection
        .query_row(
            "SELECT 1 FROM orders WHERE order_no = ?1
               AND (lease_owner IS NULL OR lease_owner = ?2 OR lease_until <= ?3)",
            params![order.no.as_str(), worker.name, instant(now)],
            |_| Ok(()),
        )
        .optional()?;
    if free.is_none() {
        return Ok(false);
    }
    orders::write(connection, &order, None, None)?;
    note(connection, &order)?;
    Ok(true)
}

fn insert(connection: &Connection, order: &Order) -> Result<(), Fault> {
    connection.execute(
        "INSERT INTO orders (order_no, state, first_seen_at, seen_by, unzip_password,
             archive_sha256, archive_size, ordered_at)
         VALUES (?1, 'fetched', ?2, 'list', ?3, ?4, ?5, ?2)",
        params![
            order.no.as_str(),
            instant(order.first_seen_at),
            order.password.as_ref().map(UnzipPassword::reveal),
            order.archive.map(|archive| archive.sha256.to_string()),
            order.archive.map(|archive| integer(archive.size)).transpose()?,
        ],
    )?;
    note(connection, order)
}

/// Writes what lists and calls had noted.
fn note(connection: &Connection, order: &Order) -> Result<(), Fault> {
    let seen_by = match (order.listed_at, order.called_at) {
        (Some(_), Some(_)) => "both",
        (Some(_), None) => "list",
        (None, _) => "callback",
    };
    connection.execute(
        "UPDATE orders SET created_at = ?2, listed_at = ?3, called_at = ?4, seen_by = ?5,
             ordered_at = ?6
         WHERE order_no = ?1",
        params![
            order.no.as_str(),
            order.created_at.map(|at| at.to_string()),
            order.listed_at.map(instant),
            order.called_at.map(instant),
            seen_by,
            instant(order.created_at.map_or(order.first_seen_at, ShanghaiTime::timestamp)),
        ],
    )?;
    Ok(())
}

fn reopen(
    connection: &Connection,
    order_no: &OrderNo,
    worker: &Worker,
    now: Timestamp,
) -> Result<Option<Order>, Fault> {
    let leased = connection.execute(
        "UPDATE orders SET state = 'fetched', lease_owner = ?2, lease_until = ?3
         WHERE order_no = ?1 AND state IN ('applied', 'fetched') AND archive_sha256 IS NOT NULL
           AND (lease_owner IS NULL OR lease_owner = ?2 OR lease_until <= ?4)",
        params![order_no.as_str(), worker.name, orders::lease_end(worker.term, now), instant(now)],
    )?;
    if leased == 0 { Ok(None) } else { orders::find(connection, order_no.as_str()) }
}

/// A [`SqliteStore`] at one moment: a read transaction held open.
///
/// Nobody waits for it, but while it is held the write-ahead log beside the file
/// only grows.
pub struct SqliteSnapshot {
    // Dropped before `_threads`, so that the store's writer is the last to leave.
    thread: Thread,
    _threads: Arc<Threads>,
}

impl fmt::Debug for SqliteSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSnapshot").finish_non_exhaustive()
    }
}

impl Snapshot for SqliteSnapshot {
    async fn orders(
        &mut self,
        after: Option<&OrderNo>,
        limit: u32,
    ) -> Result<Vec<Order>, StoreError> {
        let after = after.cloned();
        let page = move |desk: &mut Desk| {
            orders::query(
                &desk.main,
                "SELECT * FROM orders WHERE order_no > ?1 ORDER BY order_no LIMIT ?2",
                params![after.as_ref().map_or("", OrderNo::as_str), limit],
            )
        };
        self.thread.call(page).await
    }

    async fn records(
        &mut self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let after = after.map(str::to_owned);
        let page = move |desk: &mut Desk| {
            records::page(&desk.main, &RecordFilter::default(), after.as_deref(), limit)
        };
        self.thread.call(page).await
    }

    async fn set_aside(
        &mut self,
        order_no: &OrderNo,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<SetAside>, StoreError> {
        let order_no = order_no.clone();
        let page =
            move |desk: &mut Desk| records::aside_page(&desk.main, &order_no, after, Some(limit));
        self.thread.call(page).await
    }

    async fn counted(&mut self) -> Result<u64, StoreError> {
        let count = |desk: &mut Desk| {
            desk.main
                .query_row("SELECT records FROM facts", [], |row| row.get::<_, i64>(0))
                .map_err(Fault::from)
                .and_then(|n| u64::try_from(n).map_err(|_| Fault::Unreadable("records")))
        };
        self.thread.call(count).await
    }
}
