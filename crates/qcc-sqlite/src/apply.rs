//! One archive on its way into the table: a transaction held open by a thread,
//! fed from outside.

use std::{
    fmt,
    path::PathBuf,
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
    fault::Fault,
    files::Desk,
    orders,
    records::{self, Upsert},
    store::Threads,
    text::{instant, integer},
};

/// An apply that says nothing for so long is taken for stuck: it keeps every
/// other writer waiting.
const IDLE: Duration = Duration::from_secs(60);

/// An archive being applied to a [`SqliteStore`](crate::SqliteStore).
///
/// It holds the file's write lock from its beginning to its end: other writes
/// wait, except the vendor's calls, which are noted at once. It is rolled back
/// when it is dropped, when one of its steps fails, when the future of a step is
/// dropped, and after a pause of 60 seconds.
pub struct SqliteApply {
    // Dropped before `_threads`, whose end waits for the transaction's.
    steps: mpsc::Sender<Step>,
    path: PathBuf,
    _threads: Arc<Threads>,
}

type Reply<T> = oneshot::Sender<Result<T, Fault>>;

enum Step {
    Write(Vec<Row>, Reply<()>),
    SetAside(Vec<SetAside>, Reply<()>),
    Commit(Vec<UnknownWord>, Outcome, Reply<Written>),
}

/// What the counts make of the order.
type Outcome = Box<dyn FnOnce(Written) -> Order + Send>;

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
        threads.writer.send(Box::new(move |desk| run(desk, &begin, &queue, reply)))?;
        match begun.await {
            Ok(Ok(())) => Ok(Self { steps, path, _threads: Arc::clone(threads) }),
            Ok(Err(fault)) => Err(fault.at(&path)),
            Err(_) => Err(over()),
        }
    }

    async fn step<T>(&self, step: impl FnOnce(Reply<T>) -> Step) -> Result<T, StoreError> {
        let (reply, outcome) = oneshot::channel();
        self.steps.send(step(reply)).map_err(|_| over())?;
        outcome.await.map_err(|_| over())?.map_err(|fault| fault.at(&self.path))
    }
}

impl Apply for SqliteApply {
    async fn write(&mut self, batch: Vec<Row>) -> Result<(), StoreError> {
        self.step(|reply| Step::Write(batch, reply)).await
    }

    async fn set_aside(&mut self, batch: Vec<SetAside>) -> Result<(), StoreError> {
        self.step(|reply| Step::SetAside(batch, reply)).await
    }

    async fn commit(
        self,
        unknown: &[UnknownWord],
        order: impl FnOnce(Written) -> Order + Send + 'static,
    ) -> Result<Written, StoreError> {
        let (unknown, outcome) = (unknown.to_vec(), Box::new(order));
        self.step(|reply| Step::Commit(unknown, outcome, reply)).await
    }
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
fn run(desk: &mut Desk, begin: &Begin, steps: &mpsc::Receiver<Step>, begun: Reply<()>) {
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
    let Some((written, reply)) = serve(&tx, begin, steps, IDLE) else { return };
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
    begin: &Begin,
    steps: &mpsc::Receiver<Step>,
    idle: Duration,
) -> Option<(Written, Reply<Written>)> {
    let mut upsert = Upsert::prepare(connection, begin.push_date, &begin.order_no);
    while let Ok(step) = steps.recv_timeout(idle) {
        let Ok(upsert) = &mut upsert else { return None };
        match step {
            Step::Write(batch, reply) => answer(reply, upsert.write(batch))?,
            Step::SetAside(batch, reply) => {
                answer(reply, records::keep_aside(connection, &begin.order_no, &batch))?;
            }
            Step::Commit(unknown, outcome, reply) => {
                let (written, inserted) = (upsert.written(), upsert.inserted());
                let order = outcome(written);
                return match finish(connection, begin, &order, &unknown, inserted) {
                    Ok(()) => Some((written, reply)),
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

/// `None` where the apply cannot go on: SQLite may have rolled back by itself, or
/// the caller does not know what was written.
fn answer<T>(reply: Reply<T>, outcome: Result<T, Fault>) -> Option<()> {
    let failed = outcome.is_err();
    reply.send(outcome).ok()?;
    if failed { None } else { Some(()) }
}

fn finish(
    connection: &Connection,
    begin: &Begin,
    order: &Order,
    unknown: &[UnknownWord],
    inserted: u64,
) -> Result<(), Fault> {
    orders::save(connection, order, &begin.worker, None)?;
    let order_no = begin.order_no.as_str();
    connection.execute("DELETE FROM unknown_words WHERE order_no = ?1", [order_no])?;
    for UnknownWord { field, word, count } in unknown {
        connection.execute(
            "INSERT INTO unknown_words (order_no, field, word, count) VALUES (?1, ?2, ?3, ?4)",
            params![order_no, field, word, integer(*count)?],
        )?;
    }
    connection.execute(
        "UPDATE facts SET records = records + ?1,
             last_applied_at = nullif(max(coalesce(last_applied_at, ''), coalesce(?2, '')), '')",
        params![integer(inserted)?, order.applied.as_ref().map(|applied| instant(applied.at))],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
