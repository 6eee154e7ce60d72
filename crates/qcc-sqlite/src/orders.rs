//! The ledger's orders: read, leased, saved.

use jiff::Timestamp;
use qcc_proto::{OrderNo, UnzipPassword};
use qcc_sync::{
    Applied, Changes, Claim, DENIED_FORGOTTEN_AFTER, Dismissal, FORGOTTEN_AFTER, KeptArchive,
    LONGEST_HOLD, LONGEST_WAIT, Lease, MOST_UNCONFIRMED, Order, OrderFilter, Reason, ReasonCode,
    Sha256, State, StateName, StoreError, StoreErrorKind, Want, Worker, lease_end,
};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use crate::{
    fault::Fault,
    text::{count, instant, integer, parsed, required},
};

/// Only calls named it so far.
pub(crate) const AWAITING_LIST: &str = "confirmed = 0 AND state IN ('seen', 'waiting')";

/// The same, and a list that was read since did not name it.
pub(crate) const UNCONFIRMED: &str = "confirmed = 0 AND state IN ('seen', 'waiting')
    AND first_seen_at <= coalesce((SELECT listing_at FROM facts), '')";

/// The rows that a worker wants, as the indexes `orders_open` and
/// `orders_unconfirmed` have them.
const fn wanted(want: Want) -> &'static str {
    match want {
        Want::Kept => "(archive_sha256 IS NOT NULL) = 1 AND confirmed = 1",
        Want::Confirmed => "(archive_sha256 IS NOT NULL) = 0 AND confirmed = 1",
        Want::Unconfirmed => UNCONFIRMED,
    }
}

/// What comes first.
const fn urgency(want: Want) -> &'static str {
    match want {
        Want::Kept | Want::Confirmed => "attempts > 0, ordered_at, order_no",
        Want::Unconfirmed => "attempts, ordered_at, order_no",
    }
}

/// Leases the most urgent of the wanted orders that is due.
pub(crate) fn claim(
    connection: &Connection,
    worker: &Worker,
    want: Want,
    in_hand: &[OrderNo],
    now: Timestamp,
) -> Result<Claim, Fault> {
    let later = |wait| instant(now.checked_add(wait).unwrap_or(Timestamp::MAX));
    let in_hand: Vec<&str> = in_hand.iter().map(OrderNo::as_str).collect();
    let in_hand = serde_json::Value::from(in_hand).to_string();
    let (at, longest_wait, longest_hold) = (instant(now), later(LONGEST_WAIT), later(LONGEST_HOLD));
    let fields = named_params! {
        ":now": at,
        ":longest_wait": longest_wait,
        ":longest_hold": longest_hold,
        ":worker": worker.name,
        ":in_hand": in_hand,
    };
    // The condition on `state` and the order of the rows are those of an index,
    // which therefore yields the answer with its first fit.
    let urgent =
        connection.query_row(&first_due(want), fields, |row| row.get::<_, String>(0)).optional()?;
    if let Some(order_no) = urgent {
        let lease = lease(connection, &order_no, worker, now)?;
        return Ok(lease.map_or(Claim::Nothing { next_due: None }, |l| Claim::Leased(Box::new(l))));
    }
    let next_due = connection
        .prepare(&next_due(want))?
        .query_and_then(fields, |row| parsed(row, "due"))?
        .next()
        .transpose()?
        .flatten();
    Ok(Claim::Nothing { next_due })
}

/// Leases an order, and raises its epoch.
pub(crate) fn lease(
    connection: &Connection,
    order_no: &str,
    worker: &Worker,
    now: Timestamp,
) -> Result<Option<Lease>, Fault> {
    let until = lease_end(worker, now);
    connection.execute(
        "UPDATE orders SET lease_owner = ?2, lease_until = ?3, lease_epoch = lease_epoch + 1
         WHERE order_no = ?1",
        params![order_no, worker.name, instant(until)],
    )?;
    let Some(order) = find(connection, order_no)? else { return Ok(None) };
    let sql = "SELECT lease_epoch FROM orders WHERE order_no = ?1";
    let epoch: i64 = connection.query_row(sql, [order_no], |row| row.get(0))?;
    let epoch = u64::try_from(epoch).map_err(|_| Fault::Unreadable("lease_epoch"))?;
    Ok(Some(Lease { order, worker: worker.clone(), epoch, until }))
}

/// The rows among which the next due is looked for.
fn open(want: Want) -> String {
    let index = match want {
        Want::Kept | Want::Confirmed => "orders_open",
        Want::Unconfirmed => "orders_unconfirmed",
    };
    format!(
        "FROM orders INDEXED BY {index}
         WHERE state NOT IN ('applied', 'quarantined') AND {}
           AND order_no NOT IN (SELECT value FROM json_each(:in_hand))",
        wanted(want)
    )
}

/// The longest that an order may wait for its reason.
fn longest() -> String {
    let holds: Vec<_> = ReasonCode::ALL
        .iter()
        .filter(|code| code.is_hold())
        .map(|code| format!("'{code}'"))
        .collect();
    let holds = holds.join(", ");
    format!("CASE WHEN reason IN ({holds}) THEN :longest_hold ELSE :longest_wait END")
}

/// As [`qcc_sync::due_at`] has it.
fn first_due(want: Want) -> String {
    let (open, longest, urgency) = (open(want), longest(), urgency(want));
    format!(
        "SELECT order_no {open}
           AND (state <> 'waiting' OR not_before <= :now OR not_before > {longest})
           AND (lease_owner IS NULL OR lease_owner = :worker OR lease_until <= :now)
         ORDER BY {urgency} LIMIT 1"
    )
}

/// As [`qcc_sync::due_at`] has it.
fn next_due(want: Want) -> String {
    let (open, longest) = (open(want), longest());
    format!(
        "SELECT min(max(
             CASE WHEN state = 'waiting' AND not_before <= {longest}
                  THEN not_before ELSE :now END,
             CASE WHEN lease_owner <> :worker THEN lease_until ELSE :now END,
             :now)) AS due {open}"
    )
}

/// Another order that has an archive: one that is applied, where there is one.
pub(crate) fn other_with_archive(
    connection: &Connection,
    archive: &Sha256,
    other_than: &OrderNo,
) -> Result<Option<Order>, Fault> {
    let sql = "SELECT * FROM orders WHERE archive_sha256 = ?1 AND order_no <> ?2
               ORDER BY state <> 'applied' LIMIT 1";
    Ok(query(connection, sql, [&*archive.to_string(), other_than.as_str()])?.pop())
}

/// Forgets orders that only calls named and no list confirmed: those the vendor denied,
/// after a day, any after a week, and the oldest of too many.
pub(crate) fn forget(connection: &Connection, now: Timestamp) -> Result<u64, Fault> {
    let before = |age| instant(now.checked_sub(age).unwrap_or(Timestamp::MIN));
    let denied = ReasonCode::UnknownToVendor;
    let forgotten = connection.execute(
        &format!(
            "DELETE FROM orders WHERE {UNCONFIRMED} AND (
                 first_seen_at <= ?1 AND reason = '{denied}' OR first_seen_at <= ?2
                 OR order_no IN (
                     SELECT order_no FROM orders WHERE {UNCONFIRMED}
                     ORDER BY first_seen_at DESC, order_no DESC LIMIT -1 OFFSET ?3))"
        ),
        params![
            before(DENIED_FORGOTTEN_AFTER),
            before(FORGOTTEN_AFTER),
            integer(MOST_UNCONFIRMED)?
        ],
    )?;
    let forgotten = forgotten as u64;
    if forgotten > 0 {
        let sql = "UPDATE facts SET forgotten = forgotten + ?1";
        connection.execute(sql, [integer(forgotten)?])?;
    }
    Ok(forgotten)
}

/// Writes what a worker may know of an order it has leased; what lists, calls and
/// persons noted stays. The lease is kept until then, or ends where that is `None`.
pub(crate) fn save(
    connection: &Connection,
    order: &Order,
    lease: &Lease,
    until: Option<Timestamp>,
) -> Result<(), Fault> {
    let changed = write(connection, order, Some((lease, until)))?;
    if changed == 0 { Err(lease_lost(&order.no)) } else { Ok(()) }
}

/// The rows of a lease: none where it is lost.
const HELD: &str = "order_no = ?1 AND lease_owner = ?2 AND lease_epoch = ?3";

/// Keeps a lease until then.
pub(crate) fn renew(connection: &Connection, lease: &Lease, now: Timestamp) -> Result<(), Fault> {
    let no = &lease.order.no;
    let changed = connection.execute(
        &format!("UPDATE orders SET lease_until = ?4 WHERE {HELD}"),
        params![
            no.as_str(),
            lease.worker.name,
            integer(lease.epoch)?,
            instant(lease_end(&lease.worker, now))
        ],
    )?;
    if changed == 0 { Err(lease_lost(no)) } else { Ok(()) }
}

/// Fails where a lease is lost.
pub(crate) fn check_lease(connection: &Connection, lease: &Lease) -> Result<(), Fault> {
    let no = &lease.order.no;
    let sql = format!("SELECT 1 FROM orders WHERE {HELD}");
    let fields = params![no.as_str(), lease.worker.name, integer(lease.epoch)?];
    if connection.prepare(&sql)?.exists(fields)? { Ok(()) } else { Err(lease_lost(no)) }
}

/// Ends a lease, where it is not lost.
pub(crate) fn release(connection: &Connection, lease: &Lease) -> Result<(), Fault> {
    connection.execute(
        &format!("UPDATE orders SET lease_owner = NULL, lease_until = NULL WHERE {HELD}"),
        params![lease.order.no.as_str(), lease.worker.name, integer(lease.epoch)?],
    )?;
    Ok(())
}

/// Makes waiting and quarantined orders due: the named ones, or all.
pub(crate) fn retry(connection: &Connection, named: &[OrderNo]) -> Result<Vec<OrderNo>, Fault> {
    let mut resting = query(
        connection,
        "SELECT * FROM orders WHERE state IN ('waiting', 'quarantined') ORDER BY order_no",
        [],
    )?;
    resting.retain(|order| match named.is_empty() {
        true => order.dismissed.is_none(),
        false => named.contains(&order.no),
    });
    let mut changed = Vec::new();
    for order in resting.into_iter().filter_map(Order::retried) {
        write(connection, &order, None)?;
        changed.push(order.no);
    }
    Ok(changed)
}

/// One order.
pub(crate) fn find(connection: &Connection, order_no: &str) -> Result<Option<Order>, Fault> {
    Ok(query(connection, "SELECT * FROM orders WHERE order_no = ?1", [order_no])?.pop())
}

/// Whether a list named an order.
pub(crate) const IS_LISTED: &str =
    "SELECT EXISTS (SELECT 1 FROM orders WHERE order_no = ?1 AND listed_at IS NOT NULL)";

/// Whether the ledger knows an order.
pub(crate) fn is_known(connection: &Connection, order_no: &str) -> Result<bool, Fault> {
    let sql = "SELECT EXISTS (SELECT 1 FROM orders WHERE order_no = ?1)";
    Ok(connection.prepare_cached(sql)?.query_row([order_no], |row| row.get(0))?)
}

/// Orders, newest first.
pub(crate) fn list(connection: &Connection, filter: &OrderFilter) -> Result<Vec<Order>, Fault> {
    query(
        connection,
        "SELECT * FROM orders WHERE ?1 IS NULL OR state = ?1
         ORDER BY ordered_at DESC, order_no DESC LIMIT ?2",
        params![filter.state.map(StateName::as_str), filter.limit.map_or(-1, i64::from)],
    )
}

pub(crate) fn query(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Order>, Fault> {
    let mut statement = connection.prepare(sql)?;
    statement.query_and_then(params, order)?.collect()
}

/// Writes an order: under a lease, which is kept until then or ended, or whoever holds
/// it. Returns how many rows changed: none where the lease is lost.
pub(crate) fn write(
    connection: &Connection,
    order: &Order,
    lease: Option<(&Lease, Option<Timestamp>)>,
) -> Result<usize, Fault> {
    let (lease, until) = lease.map_or((None, None), |(lease, until)| (Some(lease), until));
    let not_before = match &order.state {
        State::Waiting { until, .. } => Some(instant(*until)),
        _ => None,
    };
    let reason = order.state.reason();
    let applied = order.applied.as_ref();
    let number = |count: fn(&Applied) -> u64| applied.map(|a| integer(count(a))).transpose();
    let changes = applied.and_then(|applied| applied.changes);
    let change = |count: fn(Changes) -> u64| changes.map(|c| integer(count(c))).transpose();
    // A retry leaves a lease alone; a save renews it or, with no end, gives it up.
    let changed = connection.execute(
        "UPDATE orders SET
             state = :state, attempts = :attempts, failing_since = :failing_since,
             damaged_count = :damaged, accepted = :accepted,
             dismissed_at = :dismissed_at, dismissed_note = :dismissed_note,
             not_before = :not_before, reason = :reason, reason_detail = :detail,
             unzip_password = :password,
             archive_sha256 = :sha256, archive_size = :size,
             applied_at = :applied_at, push_date = :push_date, total_size = :total_size,
             applied_count = :stored, superseded_count = :superseded,
             new_count = :new, updated_count = :updated, unchanged_count = :unchanged,
             quarantined_count = :quarantined,
             lease_owner = CASE WHEN :holder IS NULL THEN lease_owner
                                WHEN :lease_until IS NULL THEN NULL ELSE :holder END,
             lease_until = CASE WHEN :holder IS NULL THEN lease_until ELSE :lease_until END
         WHERE order_no = :order_no
             AND (:holder IS NULL OR lease_owner = :holder AND lease_epoch = :epoch)",
        named_params! {
            ":order_no": order.no.as_str(),
            ":state": order.state.name().as_str(),
            ":attempts": order.failures,
            ":failing_since": order.failing_since.map(instant),
            ":damaged": order.damaged,
            ":accepted": order.accepted,
            ":dismissed_at": order.dismissed.as_ref().map(|dismissal| instant(dismissal.at)),
            ":dismissed_note": order.dismissed.as_ref().map(|dismissal| &*dismissal.note),
            ":not_before": not_before,
            ":reason": reason.map(|reason| reason.code.as_str()),
            ":detail": reason.map(|reason| reason.detail.as_str()),
            ":password": order.password.as_ref().map(UnzipPassword::reveal),
            ":sha256": order.archive.map(|archive| archive.sha256.to_string()),
            ":size": order.archive.map(|archive| integer(archive.size)).transpose()?,
            ":applied_at": applied.map(|applied| instant(applied.at)),
            ":push_date": applied.map(|applied| applied.push_date.to_string()),
            ":total_size": number(|applied| applied.total_size)?,
            ":stored": number(|applied| applied.stored)?,
            ":superseded": number(|applied| applied.superseded)?,
            ":quarantined": number(|applied| applied.quarantined)?,
            ":new": change(|changes| changes.new)?,
            ":updated": change(|changes| changes.updated)?,
            ":unchanged": change(|changes| changes.unchanged)?,
            ":holder": lease.map(|lease| lease.worker.name.as_str()),
            ":epoch": lease.map(|lease| integer(lease.epoch)).transpose()?,
            ":lease_until": until.map(instant),
        },
    )?;
    Ok(changed)
}

fn order(row: &Row<'_>) -> Result<Order, Fault> {
    let reason = || -> Result<Reason, Fault> {
        let detail: Option<String> = row.get("reason_detail")?;
        Ok(Reason::new(required(row, "reason")?, detail.unwrap_or_default()))
    };
    let state = match required(row, "state")? {
        StateName::Seen => State::Seen,
        StateName::Located => State::Located,
        StateName::Fetched => State::Fetched,
        StateName::Applied => State::Applied,
        StateName::Waiting => {
            State::Waiting { until: required(row, "not_before")?, reason: reason()? }
        }
        StateName::Quarantined => State::Quarantined { reason: reason()? },
    };
    let size = count(row, "archive_size")?;
    let archive = parsed(row, "archive_sha256")?.zip(size);
    Ok(Order {
        no: required(row, "order_no")?,
        state,
        created_at: parsed(row, "created_at")?,
        first_seen_at: required(row, "first_seen_at")?,
        listed_at: parsed(row, "listed_at")?,
        called_at: parsed(row, "called_at")?,
        added_at: parsed(row, "added_at")?,
        accepted: row.get("accepted")?,
        dismissed: dismissed(row)?,
        failures: row.get("attempts")?,
        failing_since: parsed(row, "failing_since")?,
        damaged: row.get("damaged_count")?,
        password: row.get::<_, Option<String>>("unzip_password")?.map(UnzipPassword::new),
        archive: archive.map(|(sha256, size)| KeptArchive { sha256, size }),
        applied: applied(row)?,
        location: None,
    })
}

fn dismissed(row: &Row<'_>) -> Result<Option<Dismissal>, Fault> {
    let Some(at) = parsed(row, "dismissed_at")? else { return Ok(None) };
    let note: Option<String> = row.get("dismissed_note")?;
    Ok(Some(Dismissal { at, note: note.unwrap_or_default() }))
}

fn applied(row: &Row<'_>) -> Result<Option<Applied>, Fault> {
    let Some(at) = parsed(row, "applied_at")? else { return Ok(None) };
    let number = |column| Ok::<_, Fault>(count(row, column)?.unwrap_or(0));
    Ok(Some(Applied {
        at,
        push_date: required(row, "push_date")?,
        total_size: number("total_size")?,
        stored: number("applied_count")?,
        changes: changes(row)?,
        superseded: number("superseded_count")?,
        quarantined: number("quarantined_count")?,
    }))
}

fn changes(row: &Row<'_>) -> Result<Option<Changes>, Fault> {
    let Some(new) = count(row, "new_count")? else { return Ok(None) };
    let number = |column| Ok::<_, Fault>(count(row, column)?.unwrap_or(0));
    let (updated, unchanged) = (number("updated_count")?, number("unchanged_count")?);
    Ok(Some(Changes { new, updated, unchanged }))
}

fn lease_lost(order_no: &OrderNo) -> Fault {
    let detail = format!("the lease of order {order_no} was lost; nothing was changed");
    StoreError::new(StoreErrorKind::LeaseLost, detail).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::STORE;

    #[test]
    fn the_most_urgent_order_is_the_first_entry_of_an_index() {
        let connection = Connection::open_in_memory().unwrap();
        STORE.migrate(&connection, "memory".as_ref()).unwrap();
        for want in [Want::Confirmed, Want::Unconfirmed, Want::Kept] {
            let mut plan =
                connection.prepare(&format!("EXPLAIN QUERY PLAN {}", first_due(want))).unwrap();
            let parameters = named_params! {
                ":now": "", ":longest_wait": "", ":longest_hold": "", ":worker": "",
                ":in_hand": "[]",
            };
            let steps = plan.query_map(parameters, |row| row.get::<_, String>("detail")).unwrap();
            let steps: Vec<_> = steps.map(Result::unwrap).collect();
            let index = match want {
                Want::Unconfirmed => "INDEX orders_unconfirmed",
                Want::Confirmed | Want::Kept => "INDEX orders_open",
            };
            assert!(steps.iter().any(|step| step.contains(index)), "{steps:?}");
            assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
        }
    }
}
