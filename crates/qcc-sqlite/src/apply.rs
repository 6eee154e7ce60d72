//! One archive on its way into the table: gathered beside the database, merged in one
//! short transaction at the end.

use std::{
    fmt, mem,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use qcc_proto::ShanghaiTime;
use qcc_sync::{
    Apply, Commit, Lease, Row, SetAside, StoreError, StoreErrorKind, UnknownWord, Written,
};
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use crate::{
    aside::Asides,
    batch::{Batch, Entry},
    fault::{Fault, unspilled},
    orders,
    records::{self, Upsert},
    spill::Spill,
    store::{Threads, in_transaction},
    text::{instant, integer},
    thread::start,
};

/// An archive being applied to a [`SqliteStore`](crate::SqliteStore).
///
/// It gathers the records, in memory and beyond 8 MiB in a nameless file in the store's
/// folder, sorted. The database is not touched before the commit, which checks the lease,
/// merges by id and writes the rest, in one transaction. It leaves nothing where it is
/// dropped, where one of its steps fails, and where the future of a step is dropped.
pub(crate) struct SqliteApply {
    lease: Lease,
    push_date: ShanghaiTime,
    batch: Batch,
    asides: Asides,
    gathering: Gathering,
    path: PathBuf,
    threads: Arc<Threads>,
}

/// What was put away, or is being put away by a thread.
enum Gathering {
    Ready(Gathered),
    Busy(oneshot::Receiver<Result<(Gathered, Batch), Fault>>),
    /// A step failed or was abandoned.
    Over,
}

impl fmt::Debug for SqliteApply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteApply").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SqliteApply {
    pub(crate) fn new(
        threads: &Arc<Threads>,
        path: PathBuf,
        lease: Lease,
        push_date: ShanghaiTime,
    ) -> Self {
        Self {
            lease,
            push_date,
            batch: Batch::default(),
            asides: Asides::default(),
            gathering: Gathering::Ready(Gathered { path: path.clone(), spill: None }),
            path,
            threads: Arc::clone(threads),
        }
    }

    /// Takes back what was put away, and an empty batch.
    async fn gathered(&mut self) -> Result<(Gathered, Batch), StoreError> {
        match mem::replace(&mut self.gathering, Gathering::Over) {
            Gathering::Ready(gathered) => Ok((gathered, Batch::default())),
            Gathering::Busy(done) => {
                done.await.map_err(|_| over())?.map_err(|fault| fault.at(&self.path))
            }
            Gathering::Over => Err(over()),
        }
    }

    /// Has the batch sorted and put away by a thread, while the next one is filled.
    async fn spill(&mut self) -> Result<(), StoreError> {
        let (mut gathered, empty) = self.gathered().await?;
        let full = mem::replace(&mut self.batch, empty);
        let (reply, done) = oneshot::channel();
        start("qcc-sqlite-sort", move || {
            let sorted = gathered.spill(full).map(|empty| (gathered, empty));
            let _ = reply.send(sorted);
        })?;
        self.gathering = Gathering::Busy(done);
        Ok(())
    }

    async fn spill_asides(&mut self) -> Result<(), StoreError> {
        let (gathered, _) = self.gathered().await?;
        let (mut asides, path) = (mem::take(&mut self.asides), self.path.clone());
        let (reply, done) = oneshot::channel();
        start("qcc-sqlite-sort", move || {
            let spilled = asides.spill(folder(&path)).map_err(|e| unspilled(e, &path));
            let _ = reply.send(spilled.map(|()| asides));
        })?;
        self.asides = done.await.map_err(|_| over())??;
        self.gathering = Gathering::Ready(gathered);
        Ok(())
    }
}

#[async_trait]
impl Apply for SqliteApply {
    async fn write(&mut self, batch: Vec<Row>) -> Result<(), StoreError> {
        if matches!(self.gathering, Gathering::Over) {
            return Err(over());
        }
        for row in &batch {
            if self.batch.push(row).is_err() {
                self.gathering = Gathering::Over;
                return Err(too_long(row));
            }
            if self.batch.is_full() {
                self.spill().await?;
            }
        }
        Ok(())
    }

    async fn set_aside(&mut self, batch: Vec<SetAside>) -> Result<(), StoreError> {
        self.asides.push(batch);
        if self.asides.is_full() { self.spill_asides().await } else { Ok(()) }
    }

    async fn commit(mut self: Box<Self>, commit: Commit) -> Result<Written, StoreError> {
        let (gathered, _) = self.gathered().await?;
        let this = *self;
        let (reply, outcome) = oneshot::channel();
        let last = Last {
            lease: this.lease,
            push_date: this.push_date,
            batch: this.batch,
            asides: this.asides,
            gathered,
            commit,
        };
        this.threads.writer.send(Box::new(move |desk| {
            // A caller that is gone will take the order for not applied.
            let is_abandoned = || reply.is_closed();
            if !is_abandoned() {
                let done = in_transaction(desk, |tx| last.merge(tx, is_abandoned));
                let _ = reply.send(done);
            }
        }))?;
        outcome.await.map_err(|_| over())?.map_err(|fault| fault.at(&this.path))
    }
}

fn too_long(row: &Row) -> StoreError {
    StoreError::new(
        StoreErrorKind::Other,
        format!("the record at position {} is longer than SQLite can keep", row.position),
    )
}

/// An earlier step failed.
fn over() -> StoreError {
    let detail = "an earlier step of applying the archive failed; nothing of it was kept";
    StoreError::new(StoreErrorKind::Busy, detail)
}

/// Where temporary files are made: there is the room, and the right to keep records.
fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// The batches before the last one.
struct Gathered {
    path: PathBuf,
    spill: Option<Spill>,
}

impl Gathered {
    /// Puts a batch away, and hands its room back.
    fn spill(&mut self, mut batch: Batch) -> Result<Batch, Fault> {
        let failed = |error| unspilled(error, &self.path);
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill::new(folder(&self.path)).map_err(failed)?),
        };
        spill.add(&mut batch).map_err(failed)?;
        batch.clear();
        Ok(batch)
    }

    /// Shows all records by id, of equal ids that of the greatest position first.
    fn merge(
        mut self,
        mut last: Batch,
        visit: impl FnMut(Entry<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.spill.is_none() {
            return last.sorted().filter_map(Entry::read).try_for_each(visit);
        }
        drop(self.spill(last)?);
        let Some(spill) = self.spill else { return Ok(()) };
        spill.merge(visit, |error| unspilled(error, &self.path).into())
    }
}

/// What an apply ends with.
struct Last {
    lease: Lease,
    push_date: ShanghaiTime,
    batch: Batch,
    asides: Asides,
    gathered: Gathered,
    commit: Commit,
}

impl Last {
    /// Merges what was gathered, and writes what is committed with it.
    fn merge(
        self,
        connection: &Connection,
        is_abandoned: impl Fn() -> bool,
    ) -> Result<Written, Fault> {
        let Self { lease, push_date, batch, asides, gathered, commit } = self;
        let order_no = &lease.order.no;
        // Nobody can take it from here on: that would be a write.
        orders::check_lease(connection, &lease)?;
        records::clear_set_aside(connection, order_no)?;
        let path = gathered.path.clone();
        let mut keep = records::KeepAside::prepare(connection, order_no)?;
        asides.each(|aside| keep.write(aside), |error| unspilled(error, &path).into())?;
        let mut upsert = Upsert::prepare(connection, push_date, order_no)?;
        gathered.merge(batch, |entry| {
            // Millions of records take a while, which nobody may wait for any more.
            if is_abandoned() {
                return Err(over().into());
            }
            upsert.write(entry)
        })?;
        let written = upsert.outcome();
        let order = commit.order(written);
        orders::save(connection, &order, &lease, None)?;
        let order_no = order_no.as_str();
        connection.execute("DELETE FROM unknown_words WHERE order_no = ?1", [order_no])?;
        for UnknownWord { field, word, count } in &commit.unknown {
            connection.execute(
                "INSERT INTO unknown_words (order_no, field, word, count) VALUES (?1, ?2, ?3, ?4)",
                params![order_no, field, word, integer(*count)?],
            )?;
        }
        connection.execute(
            "UPDATE facts SET records = records + ?1,
                 last_applied_at = nullif(max(coalesce(last_applied_at, ''), coalesce(?2, '')), '')",
            params![
                integer(written.changes.new)?,
                order.applied.as_ref().map(|applied| instant(applied.at))
            ],
        )?;
        if is_abandoned() { Err(over().into()) } else { Ok(written) }
    }
}

#[cfg(test)]
mod tests;
