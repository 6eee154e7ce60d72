//! The vendor's calls: durable at once, whatever else is being written.
//!
//! SQLite knows one writer per file, and an archive of a million records holds
//! the main file for seconds, while the vendor counts a slow answer as an error.
//! So calls go to a small file of their own. Whoever leases an order next takes
//! them over into the ledger: first written there, then cleared here, so that a
//! crash between the two repeats and never loses. Readers look here first and at
//! the ledger second, for the same reason.

use std::{path::Path, sync::mpsc, thread::JoinHandle};

use jiff::Timestamp;
use qcc_proto::OrderNo;
use qcc_sync::{Order, StoreError};
use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};
use tokio::sync::oneshot;

use crate::{
    fault::Fault,
    files::Desk,
    orders,
    text::{instant, required},
    thread::{ended, start},
};

/// So many calls share one write to the disk at most.
const GROUP: usize = 1024;

/// The thread that notes calls. Dropped, it finishes what it was given.
pub(crate) struct Calls {
    queue: Option<mpsc::Sender<Ring>>,
    running: Option<JoinHandle<()>>,
}

/// A call on its way to the disk.
struct Ring {
    order_no: OrderNo,
    at: Timestamp,
    reply: oneshot::Sender<Result<bool, StoreError>>,
}

impl Calls {
    pub(crate) fn spawn(mut desk: Desk, path: &Path) -> Result<Self, StoreError> {
        let (queue, rings) = mpsc::channel();
        let path = path.to_owned();
        let running = start("qcc-sqlite-call", move || work(&mut desk, &rings, &path))?;
        Ok(Self { queue: Some(queue), running: Some(running) })
    }

    /// Notes a call; durable when it returns. Returns whether the order was new.
    pub(crate) async fn note(&self, order_no: OrderNo, at: Timestamp) -> Result<bool, StoreError> {
        let (reply, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(ended)?;
        queue.send(Ring { order_no, at, reply }).map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}

/// Calls that came while the disk was busy are written together.
fn work(desk: &mut Desk, rings: &mpsc::Receiver<Ring>, path: &Path) {
    while let Ok(first) = rings.recv() {
        let mut group = vec![first];
        group.extend(rings.try_iter().take(GROUP - 1));
        match record(desk, &group) {
            Ok(new) => {
                for (ring, new) in group.into_iter().zip(new) {
                    let _ = ring.reply.send(Ok(new));
                }
            }
            Err(fault) => {
                let error = fault.at(path);
                let (kind, text) = (error.kind(), error.to_string());
                let mut error = Some(error);
                for ring in group {
                    let error = error.take().unwrap_or_else(|| StoreError::new(kind, &*text));
                    let _ = ring.reply.send(Err(error));
                }
            }
        }
    }
}

fn record(desk: &Desk, group: &[Ring]) -> Result<Vec<bool>, Fault> {
    let tx = Transaction::new_unchecked(&desk.inbox, TransactionBehavior::Immediate)?;
    let mut new = Vec::with_capacity(group.len());
    {
        // One look at the ledger for the whole group.
        let ledger = Transaction::new_unchecked(&desk.main, TransactionBehavior::Deferred)?;
        let mut insert = tx.prepare_cached(
            "INSERT INTO calls (order_no, first_at, last_at) VALUES (?1, ?2, ?2)
             ON CONFLICT (order_no) DO NOTHING",
        )?;
        let mut repeat =
            tx.prepare_cached("UPDATE calls SET last_at = max(last_at, ?2) WHERE order_no = ?1")?;
        for ring in group {
            let fields = params![ring.order_no.as_str(), instant(ring.at)];
            let inserted = insert.execute(fields)? > 0;
            if !inserted {
                repeat.execute(fields)?;
            }
            new.push(inserted && !orders::is_known(&ledger, ring.order_no.as_str())?);
        }
    }
    tx.commit()?;
    // The vendor never calls again about what was acknowledged: it must be in files
    // that the next start finds.
    desk.check()?;
    Ok(new)
}

/// A call that the ledger has not taken over yet.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) order_no: OrderNo,
    pub(crate) first_at: Timestamp,
    pub(crate) last_at: Timestamp,
}

impl Call {
    fn read(row: &Row<'_>) -> Result<Self, Fault> {
        Ok(Self {
            order_no: required(row, "order_no")?,
            first_at: required(row, "first_at")?,
            last_at: required(row, "last_at")?,
        })
    }
}

/// The calls that the ledger has not taken over yet, as of one moment. There may
/// be very many, so they are looked at one by one.
pub(crate) struct Pending<'a>(Transaction<'a>);

impl<'a> Pending<'a> {
    /// The moment is now, whatever is read later.
    pub(crate) fn now(inbox: &'a Connection) -> Result<Self, Fault> {
        let tx = Transaction::new_unchecked(inbox, TransactionBehavior::Deferred)?;
        // The first read is what fixes the moment.
        tx.prepare_cached("SELECT 1 FROM calls LIMIT 1")?.exists([])?;
        Ok(Self(tx))
    }

    /// The call about an order.
    pub(crate) fn find(&self, order_no: &str) -> Result<Option<Call>, Fault> {
        let mut statement = self.0.prepare_cached("SELECT * FROM calls WHERE order_no = ?1")?;
        statement.query_and_then([order_no], Call::read)?.next().transpose()
    }

    /// Each call, in the order in which they came.
    pub(crate) fn each(
        &self,
        mut visit: impl FnMut(Call) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut statement = self.0.prepare_cached("SELECT * FROM calls ORDER BY rowid")?;
        statement.query_and_then([], Call::read)?.try_for_each(|call| visit(call?))
    }
}

/// So many calls are taken over in one transaction at most. The vendor's next
/// call waits while they are cleared, so not too many.
const PORTION: usize = 512;

/// The calls to be taken over, portion by portion.
pub(crate) struct Portions {
    after: i64,
    until: i64,
}

impl Portions {
    /// Those that are there now. What comes later is for the next time, or a
    /// flood of calls would hold up whoever takes them over for ever.
    pub(crate) fn of(inbox: &Connection) -> Result<Self, Fault> {
        let newest = inbox
            .prepare_cached("SELECT coalesce(max(rowid), 0) FROM calls")?
            .query_row([], |row| row.get(0))?;
        Ok(Self { after: 0, until: newest })
    }

    /// The next portion; empty where there is none.
    pub(crate) fn next(&mut self, inbox: &Connection) -> Result<Vec<Call>, Fault> {
        let mut statement = inbox.prepare_cached(
            "SELECT rowid, * FROM calls WHERE rowid > ?1 AND rowid <= ?2 ORDER BY rowid LIMIT ?3",
        )?;
        let limit = i64::try_from(PORTION).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![self.after, self.until, limit])?;
        let mut calls = Vec::new();
        while let Some(row) = rows.next()? {
            self.after = row.get("rowid")?;
            calls.push(Call::read(row)?);
        }
        if calls.len() < PORTION {
            self.after = self.until;
        }
        Ok(calls)
    }

    /// Whether there is none after the portion that came last.
    pub(crate) fn is_over(&self) -> bool {
        self.after >= self.until
    }
}

/// Writes calls into the ledger, as part of a transaction.
pub(crate) fn take_over(main: &Connection, calls: &[Call]) -> Result<(), Fault> {
    let mut note = main.prepare_cached(
        "INSERT INTO orders (order_no, state, first_seen_at, seen_by, called_at, ordered_at)
         VALUES (?1, 'seen', ?2, 'callback', ?3, ?2)
         ON CONFLICT (order_no) DO UPDATE SET
             first_seen_at = min(first_seen_at, excluded.first_seen_at),
             seen_by = CASE WHEN listed_at IS NULL THEN 'callback' ELSE 'both' END,
             called_at = max(coalesce(called_at, ''), excluded.called_at)",
    )?;
    for call in calls {
        let (first, last) = (instant(call.first_at), instant(call.last_at));
        note.execute(params![call.order_no.as_str(), first, last])?;
    }
    // Only the vendor knows what a list names: other calls are no news of it.
    let mut listed = main.prepare_cached(orders::IS_LISTED)?;
    let mut newest: Option<Timestamp> = None;
    for call in calls {
        if listed.query_row([call.order_no.as_str()], |row| row.get(0))? {
            newest = newest.max(Some(call.last_at));
        }
    }
    if let Some(newest) = newest {
        main.execute(
            "UPDATE facts SET last_call_at = max(coalesce(last_call_at, ''), ?1)",
            [instant(newest)],
        )?;
    }
    Ok(())
}

/// Clears calls that the ledger has taken over durably. What cannot be cleared
/// now is taken over once more, which changes nothing.
pub(crate) fn clear(inbox: &Connection, calls: &[Call]) {
    let cleared = || -> Result<(), Fault> {
        let tx = Transaction::new_unchecked(inbox, TransactionBehavior::Immediate)?;
        {
            let mut delete =
                tx.prepare_cached("DELETE FROM calls WHERE order_no = ?1 AND last_at <= ?2")?;
            for call in calls {
                delete.execute(params![call.order_no.as_str(), instant(call.last_at)])?;
            }
        }
        Ok(tx.commit()?)
    };
    if !calls.is_empty()
        && let Err(fault) = cleared()
    {
        tracing::debug!(?fault, "calls stay in the inbox for now");
    }
}

/// An order as it will be once the ledger has taken its call over.
pub(crate) fn overlay(known: Option<Order>, call: Call) -> Order {
    let mut order = known.unwrap_or_else(|| Order::seen(call.order_no, call.first_at));
    order.first_seen_at = order.first_seen_at.min(call.first_at);
    order.called_at = order.called_at.max(Some(call.last_at));
    order
}
