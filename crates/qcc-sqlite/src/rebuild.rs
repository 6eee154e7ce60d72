//! Orders found beside the ledger, and orders opened again.

use jiff::Timestamp;
use qcc_proto::{OrderNo, ShanghaiTime, UnzipPassword};
use qcc_sync::{Lease, Order, State, Worker};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    fault::Fault,
    orders,
    text::{instant, integer},
};

/// Takes over orders of which the ledger knows no archive. Returns those it took.
pub(crate) fn adopt_all(
    connection: &Connection,
    found: Vec<Order>,
    worker: &Worker,
    now: Timestamp,
) -> Result<Vec<OrderNo>, Fault> {
    let mut adopted = Vec::new();
    for order in found.into_iter().filter(|order| order.state == State::Fetched) {
        if adopt(connection, &order, worker, now)? {
            adopted.push(order.no);
        }
    }
    Ok(adopted)
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
    orders::write(connection, &order, None)?;
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

/// Leases an order whose kept archive can be applied again.
pub(crate) fn reopen(
    connection: &Connection,
    order_no: &OrderNo,
    worker: &Worker,
    now: Timestamp,
) -> Result<Option<Lease>, Fault> {
    let opened = connection.execute(
        "UPDATE orders SET state = 'fetched'
         WHERE order_no = ?1 AND state IN ('applied', 'fetched') AND archive_sha256 IS NOT NULL
           AND (lease_owner IS NULL OR lease_owner = ?2 OR lease_until <= ?3)",
        params![order_no.as_str(), worker.name, instant(now)],
    )?;
    if opened == 0 { Ok(None) } else { orders::lease(connection, order_no.as_str(), worker, now) }
}
