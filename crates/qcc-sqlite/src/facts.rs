//! The overview of the store as a whole.

use std::str::FromStr;

use qcc_proto::OrderNo;
use qcc_sync::{Overview, StateName, UnknownWord};
use rusqlite::{Connection, Row};

use crate::{
    account, callbacks,
    calls::Pending,
    decisions,
    fault::Fault,
    listing,
    orders::{self, AWAITING_LIST, UNCONFIRMED},
    text::{count, parsed, required},
};

/// The facts of one moment: the connection is in a transaction, and `calls` were
/// read before it began.
pub(crate) fn overview(connection: &Connection, calls: &Pending<'_>) -> Result<Overview, Fault> {
    let mut overview = Overview::empty();
    overview.orders = counts(connection, "SELECT state, count(*) FROM orders GROUP BY state")?;
    leave_out(connection, &mut overview)?;
    overview.reasons = counts(
        connection,
        &format!(
            "SELECT reason, count(*) FROM orders WHERE state IN ('waiting', 'quarantined')
                 AND dismissed_at IS NULL AND NOT ({UNCONFIRMED})
             GROUP BY reason"
        ),
    )?;
    overview.oldest_pending = connection
        .prepare(&format!(
            "SELECT order_no, first_seen_at FROM orders
             WHERE state IN ('seen', 'located', 'fetched', 'waiting', 'quarantined')
                 AND dismissed_at IS NULL AND NOT ({UNCONFIRMED})
             ORDER BY first_seen_at, order_no LIMIT 1"
        ))?
        .query_and_then([], |row| {
            Ok::<_, Fault>((required::<OrderNo>(row, "order_no")?, required(row, "first_seen_at")?))
        })?
        .next()
        .transpose()?;
    overview.next_due = connection
        .prepare(&format!(
            "SELECT min(not_before) AS due FROM orders
             WHERE state = 'waiting' AND NOT ({UNCONFIRMED})"
        ))?
        .query_and_then([], |row| parsed(row, "due"))?
        .next()
        .transpose()?
        .flatten();
    let facts = connection
        .prepare("SELECT records, last_call_at, last_applied_at FROM facts")?
        .query_and_then([], |row| {
            Ok::<_, Fault>((
                count(row, "records")?.unwrap_or(0),
                parsed(row, "last_call_at")?,
                parsed(row, "last_applied_at")?,
            ))
        })?
        .next()
        .transpose()?
        .unwrap_or_default();
    (overview.records, overview.last_call, overview.last_applied) = facts;
    overview.set_aside = number(connection, "SELECT count(*) FROM quarantined_records")?;
    overview.set_aside_open = number(
        connection,
        "SELECT count(*) FROM quarantined_records WHERE acknowledged_at IS NULL",
    )?;
    overview.unreadable_open = number(connection, "SELECT unreadable_open FROM facts")?;
    overview.forgotten = number(connection, "SELECT forgotten FROM facts")?;
    overview.life = decisions::life(connection)?;
    overview.unknown_words = unknown_words(connection)?;
    overview.gaps = listing::gaps(connection)?;
    overview.gaps.retain(|gap| gap.closed_at.is_none());
    overview.last_listing = listing::last(connection)?;
    let account = account::read(connection)?.value;
    overview.callbacks = callbacks::facts(connection, &account, calls)?;
    overview.hold = account.hold;
    add_calls(connection, &mut overview, calls)?;
    Ok(overview)
}

/// Adds the calls that the ledger has not taken over yet.
fn add_calls(
    connection: &Connection,
    overview: &mut Overview,
    calls: &Pending<'_>,
) -> Result<(), Fault> {
    let mut listed = connection.prepare_cached(orders::IS_LISTED)?;
    calls.each(|call| {
        if listed.query_row([call.order_no.as_str()], |row| row.get(0))? {
            overview.last_call = overview.last_call.max(Some(call.last_at));
        }
        if orders::is_known(connection, call.order_no.as_str())? {
            return Ok(());
        }
        overview.awaiting_list += 1;
        *overview.orders.entry(StateName::Seen).or_default() += 1;
        let oldest = overview.oldest_pending.take();
        let this = (call.order_no, call.first_at);
        overview.oldest_pending = Some(match oldest {
            Some(oldest) if (oldest.1, &oldest.0) <= (this.1, &this.0) => oldest,
            _ => this,
        });
        Ok(())
    })
}

/// Counts apart what nobody has to do anything about.
fn leave_out(connection: &Connection, overview: &mut Overview) -> Result<(), Fault> {
    let unconfirmed: Vec<(StateName, u64)> = counts(
        connection,
        &format!("SELECT state, count(*) FROM orders WHERE {UNCONFIRMED} GROUP BY state"),
    )?;
    let dismissed: Vec<(StateName, u64)> = counts(
        connection,
        "SELECT state, count(*) FROM orders WHERE dismissed_at IS NOT NULL GROUP BY state",
    )?;
    overview.unconfirmed = unconfirmed.iter().map(|(_, number)| number).sum();
    overview.dismissed = dismissed.iter().map(|(_, number)| number).sum();
    for (state, number) in unconfirmed.into_iter().chain(dismissed) {
        let counted = overview.orders.entry(state).or_default();
        *counted = counted.saturating_sub(number);
    }
    overview.orders.retain(|_, number| *number > 0);
    let awaiting = format!("SELECT count(*) FROM orders WHERE {AWAITING_LIST}");
    overview.awaiting_list = number(connection, &awaiting)?.saturating_sub(overview.unconfirmed);
    Ok(())
}

fn number(connection: &Connection, sql: &str) -> Result<u64, Fault> {
    let number: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    u64::try_from(number).map_err(|_| Fault::Unreadable("a count"))
}

fn counts<C, K: FromStr + Ord>(connection: &Connection, sql: &str) -> Result<C, Fault>
where
    C: FromIterator<(K, u64)>,
{
    connection.prepare(sql)?.query_and_then([], counted)?.collect()
}

fn counted<K: FromStr>(row: &Row<'_>) -> Result<(K, u64), Fault> {
    let unreadable = || Fault::Unreadable("state or reason");
    let name: String = row.get(0)?;
    let number: i64 = row.get(1)?;
    let number = u64::try_from(number).map_err(|_| unreadable())?;
    Ok((name.parse().map_err(|_| unreadable())?, number))
}

fn unknown_words(connection: &Connection) -> Result<Vec<UnknownWord>, Fault> {
    connection
        .prepare(
            "SELECT field, word, sum(count) AS count FROM unknown_words GROUP BY field, word
             ORDER BY sum(count) DESC, field, word LIMIT 100",
        )?
        .query_and_then([], |row| {
            Ok(UnknownWord {
                field: row.get("field")?,
                word: row.get("word")?,
                count: count(row, "count")?.unwrap_or(0),
            })
        })?
        .collect()
}
