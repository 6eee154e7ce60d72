//! What a person decides, and a receiver's signs of life.

use jiff::Timestamp;
use qcc_proto::OrderNo;
use qcc_sync::{Decision, Life, Order};
use rusqlite::{Connection, Row, params};

use crate::{
    fault::Fault,
    orders,
    text::{instant, required},
};

/// Carries out a decision; `false` where there was nothing to change.
pub(crate) fn decide(
    connection: &Connection,
    decision: &Decision,
    now: Timestamp,
) -> Result<bool, Fault> {
    match decision {
        Decision::AddOrder { order_no } => {
            let is_new = add(connection, order_no, now)?;
            Ok(change(connection, order_no, |order| Some(order.added(now)))? || is_new)
        }
        Decision::AddArchive { order_no, archive, password } => {
            add(connection, order_no, now)?;
            change(connection, order_no, |order| {
                order.with_archive(*archive, password.clone(), now)
            })
        }
        Decision::Accept { order_no } => change(connection, order_no, Order::accepted),
        Decision::Dismiss { order_no, note } => {
            change(connection, order_no, |order| order.dismissed(note.clone(), now))
        }
        Decision::CloseGap { id, note } => Ok(connection.execute(
            "UPDATE gaps SET closed_at = ?2, note = ?3 WHERE id = ?1 AND closed_at IS NULL",
            params![id, instant(now), note],
        )? > 0),
        Decision::ReopenGap { id, note } => Ok(connection.execute(
            "UPDATE gaps SET closed_at = NULL, note = ?2
             WHERE id = ?1 AND closed_at IS NOT NULL",
            params![id, note],
        )? > 0),
        Decision::AcknowledgeRecords { order_no } => Ok(connection.execute(
            "UPDATE quarantined_records SET acknowledged_at = ?2
             WHERE acknowledged_at IS NULL AND (?1 IS NULL OR order_no = ?1)",
            params![order_no.as_ref().map(OrderNo::as_str), instant(now)],
        )? > 0),
        Decision::AcknowledgeLines => Ok(connection
            .execute("UPDATE facts SET unreadable_open = 0 WHERE unreadable_open > 0", [])?
            > 0),
        _ => Ok(false),
    }
}

/// Returns whether the order was new, or nobody had added it before.
fn add(connection: &Connection, order_no: &OrderNo, now: Timestamp) -> Result<bool, Fault> {
    let changed = connection.execute(
        "INSERT INTO orders (order_no, state, first_seen_at, seen_by, added_at, ordered_at)
         VALUES (?1, 'seen', ?2, 'person', ?2, ?2)
         ON CONFLICT (order_no) DO UPDATE SET added_at = excluded.added_at
             WHERE added_at IS NULL",
        params![order_no.as_str(), instant(now)],
    )?;
    Ok(changed > 0)
}

fn change(
    connection: &Connection,
    order_no: &OrderNo,
    to: impl FnOnce(Order) -> Option<Order>,
) -> Result<bool, Fault> {
    let Some(order) = orders::find(connection, order_no.as_str())? else { return Ok(false) };
    let Some(changed) = to(order.clone()).filter(|changed| *changed != order) else {
        return Ok(false);
    };
    Ok(orders::write(connection, &changed, None)? > 0)
}

/// Keeps a sign of life in place of the one before.
pub(crate) fn note_life(connection: &Connection, life: &Life) -> Result<(), Fault> {
    connection.execute(
        "UPDATE facts SET alive_at = ?1, alive_worker = ?2, alive_stopped = ?3,
             alive_trouble = ?4",
        params![instant(life.at), life.worker, life.stopped, life.trouble],
    )?;
    Ok(())
}

/// The last sign of life.
pub(crate) fn life(connection: &Connection) -> Result<Option<Life>, Fault> {
    let read = |row: &Row<'_>| {
        Ok::<_, Fault>(Life {
            at: required(row, "alive_at")?,
            worker: row.get::<_, Option<String>>("alive_worker")?.unwrap_or_default(),
            stopped: row.get("alive_stopped")?,
            trouble: row.get("alive_trouble")?,
        })
    };
    connection
        .prepare("SELECT * FROM facts WHERE alive_at IS NOT NULL")?
        .query_and_then([], read)?
        .next()
        .transpose()
}
