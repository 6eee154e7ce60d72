//! The store at one moment.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use qcc_proto::OrderNo;
use qcc_sync::{Order, RecordFilter, SetAside, Snapshot, StoreError, StoredRecord};
use rusqlite::params;

use crate::{
    SqliteStore, fault::Fault, files::Desk, orders, records, store::Threads, thread::Thread,
};

/// A [`SqliteStore`](crate::SqliteStore) at one moment: a read transaction held open.
///
/// Nobody waits for it, but while it is held the write-ahead log beside the file
/// only grows.
pub(crate) struct SqliteSnapshot {
    // Dropped before `_threads`, so that the store's writer is the last to leave.
    thread: Thread,
    _threads: Arc<Threads>,
}

impl fmt::Debug for SqliteSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSnapshot").finish_non_exhaustive()
    }
}

impl SqliteSnapshot {
    pub(crate) async fn begin(store: &SqliteStore) -> Result<Self, StoreError> {
        let thread = Thread::reading(store.reader()?, store.path())?;
        let begin = |desk: &mut Desk| {
            // A transaction sees the moment of its first read.
            desk.main.execute_batch("BEGIN")?;
            desk.main.query_row("SELECT records FROM facts", [], |row| row.get::<_, i64>(0))?;
            Ok(())
        };
        thread.call(begin).await?;
        Ok(Self { thread, _threads: Arc::clone(&store.threads) })
    }
}

#[async_trait]
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
        let page = move |desk: &mut Desk| records::aside_page(&desk.main, &order_no, after, limit);
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
