//! One archive on its way into the table: a transaction held open by a thread,
//! fed from outside.

use std::{
    fmt, mem,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::Duration,
};

use qcc_proto::{OrderNo, ShanghaiTime};
use qcc_sync::{
    Apply, Order, Row, SetAside, StoreError, StoreErrorKind, UnknownWord, Worker, Written,
};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tokio::sync::oneshot;

use crate::{
    batch::{Batch, Entry},
    fault::{Fault, unspilled},
    files::Desk,
    orders,
    records::{self, Upsert},
    spill::Spill,
    store::Threads,
    text::{instant, integer},
};

/// An apply that says nothing for so long is taken for stuck: it keeps every
/// other writer waiting.
const IDLE: Duration = Duration::from_secs(60);

/// An archive being applied to a [`SqliteStore`](crate::SqliteStore).
///
/// It gathers the records, and merges them by id when it is committed. It holds
/// the file's write lock from its beginning to its end: other writes wait, except
/// the vendor's calls, which are noted at once. It is rolled back when it is
/// dropped, when one of its steps fails, when the future of a step is dropped,
/// and after a pause of 60 seconds.
pub struct SqliteApply {
    batch: Batch,
    /// A batch is being sorted; the empty one comes back.
    sorting: Option<oneshot::Receiver<Result<Batch, Fault>>>,
    // Gone once a step fails. Dropped before `_threads`, whose end waits for the
    // transaction's.
    steps: Option<mpsc::Sender<Step>>,
    path: PathBuf,
    _threads: Arc<Threads>,
}

type Reply<T> = oneshot::Sender<Result<T, Fault>>;

enum Step {
    /// More records are on their way.
    Alive,
    Spill(Batch, Reply<Batch>),
    SetAside(Vec<SetAside>, Reply<()>),
    Commit(Box<Last>, Reply<Written>),
}

/// What an apply ends with.
struct Last {
    batch: Batch,
    unknown: Vec<UnknownWord>,
    order: Box<dyn FnOnce(Written) -> Order + Send>,
}

impl fmt::Debug for SqliteApply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteApply").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What an apply begins with.
pub(crate) struct Begin {
    pub(crate) order_no: OrderNo,
    pub(crate) push_date: ShanghaiTime,
    pub(crate) worker: Worker,
}

impl SqliteApply {
    pub(crate) async fn begin(
        threads: &Arc<Threads>,
        path: PathBuf,
        begin: Begin,
    ) -> Result<Self, StoreError> {
        let (steps, queue) = mpsc::channel();
        let (reply, begun) = oneshot::channel();
        let place = path.clone();
        threads.writer.send(Box::new(move |desk| run(desk, &place, &begin, &queue, reply)))?;
        match begun.await {
            Ok(Ok(())) => Ok(Self {
                batch: Batch::default(),
                sorting: None,
                steps: Some(steps),
                path,
                _threads: Arc::clone(threads),
            }),
            Ok(Err(fault)) => Err(fault.at(&path)),
            Err(_) => Err(over()),
        }
    }

    /// Performs a step. The way to the transaction is put back only where it came
    /// through: a step that failed or was abandoned ends the apply.
    async fn step<T>(&mut self, step: impl FnOnce(Reply<T>) -> Step) -> Result<T, StoreError> {
        let steps = self.steps.take().ok_or_else(over)?;
        self.sorted().await?;
        let (reply, outcome) = oneshot::channel();
        steps.send(step(reply)).map_err(|_| over())?;
        let outcome = self.hear(outcome).await?;
        self.steps = Some(steps);
        Ok(outcome)
    }

    /// Takes back the batch that was being sorted.
    async fn sorted(&mut self) -> Result<Batch, StoreError> {
        match self.sorting.take() {
            Some(sorting) => self.hear(sorting).await,
            None => Ok(Batch::default()),
        }
    }

    async fn hear<T>(&self, outcome: oneshot::Receiver<Result<T, Fault>>) -> Result<T, StoreError> {
        outcome.await.map_err(|_| over())?.map_err(|fault| fault.at(&self.path))
    }

    /// Hands the batch over to be sorted, while the next one is filled.
    async fn spill(&mut self) -> Result<(), StoreError> {
        let steps = self.steps.take().ok_or_else(over)?;
        let empty = self.sorted().await?;
        let (reply, sorting) = oneshot::channel();
        let full = mem::replace(&mut self.batch, empty);
        steps.send(Step::Spill(full, reply)).map_err(|_| over())?;
        self.sorting = Some(sorting);
        self.steps = Some(steps);
        Ok(())
    }
}

impl Apply for SqliteApply {
    async fn write(&mut self, batch: Vec<Row>) -> Result<(), StoreError> {
        for row in &batch {
            if self.batch.push(row).is_err() {
                self.steps = None;
                return Err(too_long(row));
            }
            if self.batch.is_full() {
                self.spill().await?;
            }
        }
        let steps = self.steps.as_ref().ok_or_else(over)?;
        if steps.send(Step::Alive).is_err() {
            self.steps = None;
            // A batch that could not be put away says why the transaction ended.
            self.sorted().await?;
            return Err(over());
        }
        Ok(())
    }

    async fn set_aside(&mut self, batch: Vec<SetAside>) -> Result<(), StoreError> {
        self.step(|reply| Step::SetAside(batch, reply)).await
    }

    async fn commit(
        mut self,
        unknown: &[UnknownWord],
        order: impl FnOnce(Written) -> Order + Send + 'static,
    ) -> Result<Written, StoreError> {
        let last = Last {
            batch: mem::take(&mut self.batch),
            unknown: unknown.to_vec(),
            order: Box::new(order),
        };
        self.step(|reply| Step::Commit(Box::new(last), reply)).await
    }
}

fn too_long(row: &Row) -> StoreError {
    StoreError::new(
        StoreErrorKind::Other,
        format!("the record at position {} is longer than SQLite can keep", row.position),
    )
}

/// The transaction ended before this step.
fn over() -> StoreError {
    StoreError::new(
        StoreErrorKind::Busy,
        "the archive was rolled back after a failed step or a pause of 60 s; apply it again",
    )
}

/// Runs on the writer's thread from the beginning of an apply to its end.
/// However it returns without a commit, the transaction is rolled back.
fn run(
    desk: &mut Desk,
    path: &Path,
    begin: &Begin,
    steps: &mpsc::Receiver<Step>,
    begun: Reply<()>,
) {
    // Nobody waits any more, and nothing has been begun.
    if begun.is_closed() {
        return;
    }
    let tx = match open(&desk.main, begin) {
        Ok(tx) => tx,
        Err(fault) => {
            let _ = begun.send(Err(fault));
            return;
        }
    };
    if begun.send(Ok(())).is_err() {
        return;
    }
    let Some((written, reply)) = serve(&tx, path, begin, steps, IDLE) else { return };
    // A caller that is gone will take the order for not applied.
    if !reply.is_closed() {
        let _ = reply.send(tx.commit().map(|()| written).map_err(Fault::from));
    }
}

fn open<'c>(connection: &'c Connection, begin: &Begin) -> Result<Transaction<'c>, Fault> {
    let tx = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    // Nobody can take the lease from here on: that would be a write.
    orders::check_lease(&tx, &begin.order_no, &begin.worker)?;
    records::clear_set_aside(&tx, &begin.order_no)?;
    Ok(tx)
}

/// Takes steps until one fails or is abandoned, or the last one stands ready to
/// be committed: then what to say, and whom to tell.
fn serve(
    connection: &Connection,
    path: &Path,
    begin: &Begin,
    steps: &mpsc::Receiver<Step>,
    idle: Duration,
) -> Option<(Written, Reply<Written>)> {
    let mut gathered = Gathered { path, spill: None };
    while let Ok(step) = steps.recv_timeout(idle) {
        match step {
            Step::Alive => {}
            Step::Spill(batch, reply) => answer(reply, gathered.spill(batch))?,
            Step::SetAside(batch, reply) => {
                answer(reply, records::keep_aside(connection, &begin.order_no, &batch))?;
            }
            Step::Commit(last, reply) => {
                return match finish(connection, begin, gathered, *last, || reply.is_closed()) {
                    Ok(written) => Some((written, reply)),
                    Err(fault) => {
                        let _ = reply.send(Err(fault));
                        None
                    }
                };
            }
        }
    }
    None
}

/// The batches before the last one.
struct Gathered<'a> {
    path: &'a Path,
    spill: Option<Spill>,
}

impl Gathered<'_> {
    /// Puts a batch away, and hands its room back.
    fn spill(&mut self, mut batch: Batch) -> Result<Batch, Fault> {
        let failed = |error| unspilled(error, self.path);
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => {
                let folder = self.path.parent().unwrap_or(Path::new("."));
                none.insert(Spill::new(folder).map_err(failed)?)
            }
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
        spill.merge(visit, |error| unspilled(error, self.path).into())
    }
}

/// `None` where the apply cannot go on: SQLite may have rolled back by itself, or
/// the caller does not know what was written.
fn answer<T>(reply: Reply<T>, outcome: Result<T, Fault>) -> Option<()> {
    let failed = outcome.is_err();
    reply.send(outcome).ok()?;
    if failed { None } else { Some(()) }
}

/// Merges what was gathered, and writes what is committed with it.
fn finish(
    connection: &Connection,
    begin: &Begin,
    gathered: Gathered<'_>,
    last: Last,
    abandoned: impl Fn() -> bool,
) -> Result<Written, Fault> {
    let Begin { order_no, push_date, worker } = begin;
    let mut upsert = Upsert::prepare(connection, *push_date, order_no)?;
    gathered.merge(last.batch, |entry| {
        // Millions of records take a while, which nobody may wait for any more.
        if abandoned() {
            return Err(over().into());
        }
        upsert.write(entry)
    })?;
    let written = upsert.outcome();
    let order = (last.order)(written);
    orders::save(connection, &order, worker, None)?;
    let order_no = order_no.as_str();
    connection.execute("DELETE FROM unknown_words WHERE order_no = ?1", [order_no])?;
    for UnknownWord { field, word, count } in &last.unknown {
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
    Ok(written)
}

#[cfg(test)]
mod tests;
