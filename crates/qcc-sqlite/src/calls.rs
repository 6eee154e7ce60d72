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
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
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
        let mut insert = tx.prepare(
            "INSERT INTO calls (order_no, first_at, last_at) VALUES (?1, ?2, ?2)
             ON CONFLICT (order_no) DO NOTHING",
        )?;
        let mut repeat =
            tx.prepare("UPDATE calls SET last_at = max(last_at, ?2) WHERE order_no = ?1")?;
        for ring in group {
            let fields = params![ring.order_no.as_str(), instant(ring.at)];
            let inserted = insert.execute(fields)? > 0;
            if !inserted {
                repeat.execute(fields)?;
            }
            new.push(inserted && !orders::is_known(&desk.main, ring.order_no.as_str())?);
        }
    }
    tx.commit()?;
    Ok(new)
}

/// A call that the ledger has not taken over yet.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) order_no: OrderNo,
    pub(crate) first_at: Timestamp,
    pub(crate) last_at: Timestamp,
}

/// The calls that the ledger has not taken over yet.
pub(crate) fn pending(inbox: &Connection) -> Result<Vec<Call>, Fault> {
    inbox
        .prepare("SELECT * FROM calls ORDER BY order_no")?
        .query_and_then([], |row| {
            Ok(Call {
                order_no: required(row, "order_no")?,
                first_at: required(row, "first_at")?,
                last_at: required(row, "last_at")?,
            })
        })?
        .collect()
}

/// Writes calls into the ledger, as part of a transaction.
pub(crate) fn take_over(main: &Connection, calls: &[Call]) -> Result<(), Fault> {
    for call in calls {
        let (first, last) = (instant(call.first_at), instant(call.last_at));
        main.execute(
            "INSERT INTO orders (order_no, state, first_seen_at, seen_by, called_at, ordered_at)
             VALUES (?1, 'seen', ?2, 'callback', ?3, ?2)
             ON CONFLICT (order_no) DO UPDATE SET
                 first_seen_at = min(first_seen_at, excluded.first_seen_at),
                 seen_by = CASE WHEN listed_at IS NULL THEN 'callback' ELSE 'both' END,
                 called_at = max(coalesce(called_at, ''), excluded.called_at)",
            params![call.order_no.as_str(), first, last],
        )?;
        main.execute(
            "UPDATE facts SET last_call_at = max(coalesce(last_call_at, ''), ?1)",
            [last],
        )?;
    }
    Ok(())
}

/// Clears calls that the ledger has taken over durably. What cannot be cleared
/// now is taken over once more, which changes nothing.
pub(crate) fn clear(inbox: &Connection, calls: &[Call]) {
    let cleared = || -> Result<(), Fault> {
        let tx = Transaction::new_unchecked(inbox, TransactionBehavior::Immediate)?;
        for call in calls {
            tx.execute(
                "DELETE FROM calls WHERE order_no = ?1 AND last_at <= ?2",
                params![call.order_no.as_str(), instant(call.last_at)],
            )?;
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
