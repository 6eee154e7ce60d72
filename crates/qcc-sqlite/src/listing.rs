//! What the vendor's lists showed: orders, how lists join, gaps.

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{ListedOrder, ShanghaiTime};
use qcc_sync::{Burst, Continuity, Gap, Listing, NotedList, join_list, oldest_before};
use rusqlite::{Connection, Row, named_params, params};

use crate::{
    fault::Fault,
    orders,
    text::{instant, parsed, required},
};

/// How a list joins on to the lists before it.
fn continuity(connection: &Connection, listed: &[ListedOrder]) -> Result<Continuity, Fault> {
    let mut known = connection.prepare(
        "SELECT EXISTS (SELECT 1 FROM orders WHERE order_no = ?1 AND listed_at IS NOT NULL)",
    )?;
    let mut listed_before = 0;
    for order in listed {
        let named: bool = known.query_row([order.order_no.as_str()], |row| row.get(0))?;
        listed_before += u32::from(named);
    }
    let newest = connection
        .prepare(
            "SELECT order_no, created_at FROM orders WHERE listed_at IS NOT NULL
             ORDER BY ordered_at DESC, order_no DESC LIMIT 1",
        )?
        .query_and_then([], |row| end(row, "order_no", "created_at"))?
        .next()
        .transpose()?;
    let oldest_kept = match &newest {
        Some(_) => None,
        None => {
            let kept = "SELECT * FROM orders WHERE archive_sha256 IS NOT NULL";
            oldest_before(listed, orders::query(connection, kept, [])?)
        }
    };
    Ok(Continuity { listed_before, newest_listed: newest, oldest_kept })
}

/// Notes the orders of a list, its facts and its gap.
pub(crate) fn note(
    connection: &Connection,
    listed: &[ListedOrder],
    listing: &Listing,
) -> Result<NotedList, Fault> {
    let continuity = continuity(connection, listed)?;
    let joined = join_list(listed, listing, &continuity, last(connection)?.as_ref());
    let mut new = 0;
    for order in listed {
        new += u32::from(note_order(connection, order, listing.at)?);
    }
    if joined.is_latest {
        note_facts(connection, &joined.listing)?;
    }
    connection.execute(
        "UPDATE facts SET unreadable_open = max(unreadable_open, ?1)",
        [listing.unreadable],
    )?;
    note_called(connection, listed)?;
    let gap = joined.gap.map(|gap| note_gap(connection, gap)).transpose()?.flatten();
    let forgotten = orders::forget(connection, listing.at)?;
    Ok(NotedList { new, continuity, gap, forgotten })
}

fn note_facts(connection: &Connection, listing: &Listing) -> Result<(), Fault> {
    let burst = listing.burst.as_ref();
    connection.execute(
        "UPDATE facts SET listing_at = ?1, listing_window = ?2, listing_listed = ?3,
             listing_fresh = ?4, listing_oldest = ?5, listing_newest = ?6,
             listing_unreadable = ?7, burst_orders = ?8, burst_millis = ?9, burst_at = ?10",
        params![
            instant(listing.at),
            listing.window,
            listing.listed,
            listing.fresh,
            listing.oldest.map(|time| time.to_string()),
            listing.newest.map(|time| time.to_string()),
            listing.unreadable,
            burst.map(|burst| burst.orders),
            burst.map(|burst| i64::try_from(burst.within.as_millis()).unwrap_or(i64::MAX)),
            burst.map(|burst| instant(burst.at)),
        ],
    )?;
    Ok(())
}

/// A call about an order counts as the vendor's once a list names the order, too.
fn note_called(connection: &Connection, listed: &[ListedOrder]) -> Result<(), Fault> {
    let listed: Vec<&str> = listed.iter().map(|line| line.order_no.as_str()).collect();
    connection.execute(
        "UPDATE facts SET last_call_at = nullif(max(coalesce(last_call_at, ''), coalesce(
             (SELECT max(called_at) FROM orders
              WHERE order_no IN (SELECT value FROM json_each(?1))), '')), '')",
        [serde_json::Value::from(listed).to_string()],
    )?;
    Ok(())
}

/// Returns whether the order was new.
fn note_order(connection: &Connection, order: &ListedOrder, at: Timestamp) -> Result<bool, Fault> {
    let created = order.created_at.map(ShanghaiTime::timestamp);
    let fields = named_params! {
        ":order_no": order.order_no.as_str(),
        ":created_at": order.created_at.map(|time| time.to_string()),
        ":created": created.map(instant),
        ":at": instant(at),
    };
    let inserted = connection.execute(
        "INSERT INTO orders
             (order_no, state, created_at, first_seen_at, seen_by, listed_at, ordered_at)
         VALUES (:order_no, 'seen', :created_at, :at, 'list', :at, coalesce(:created, :at))
         ON CONFLICT (order_no) DO NOTHING",
        fields,
    )?;
    if inserted == 0 {
        let known = orders::find(connection, order.order_no.as_str())?;
        let as_listed = known.clone().map(|known| known.listed(order.created_at, at));
        if let Some(order) = as_listed
            .filter(|listed| known.as_ref().is_some_and(|known| known.state != listed.state))
        {
            orders::write(connection, &order, None)?;
        }
        connection.execute(
            "UPDATE orders SET
                 ordered_at = CASE WHEN created_at IS NULL THEN coalesce(:created, ordered_at)
                                   ELSE ordered_at END,
                 created_at = coalesce(created_at, :created_at),
                 seen_by = CASE WHEN called_at IS NULL THEN 'list' ELSE 'both' END,
                 listed_at = coalesce(listed_at, :at)
             WHERE order_no = :order_no",
            fields,
        )?;
    }
    Ok(inserted > 0)
}

/// Returns the gap as it is kept; `None` where it was kept before.
fn note_gap(connection: &Connection, gap: Gap) -> Result<Option<Gap>, Fault> {
    let kept = connection.execute(
        "INSERT INTO gaps (found_at, after_order_no, after_created_at, before_order_no,
             before_created_at, closed_at, note)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (after_order_no, before_order_no) DO NOTHING",
        params![
            instant(gap.found_at),
            gap.after.order_no.as_str(),
            gap.after.created_at.map(|time| time.to_string()),
            gap.before.order_no.as_str(),
            gap.before.created_at.map(|time| time.to_string()),
            gap.closed_at.map(instant),
            gap.note,
        ],
    )?;
    Ok((kept > 0).then(|| Gap { id: connection.last_insert_rowid(), ..gap }))
}

/// All gaps, open ones first.
pub(crate) fn gaps(connection: &Connection) -> Result<Vec<Gap>, Fault> {
    connection
        .prepare("SELECT * FROM gaps ORDER BY closed_at IS NOT NULL, id")?
        .query_and_then([], gap)?
        .collect()
}

fn gap(row: &Row<'_>) -> Result<Gap, Fault> {
    Ok(Gap {
        id: row.get("id")?,
        found_at: required(row, "found_at")?,
        after: end(row, "after_order_no", "after_created_at")?,
        before: end(row, "before_order_no", "before_created_at")?,
        closed_at: parsed(row, "closed_at")?,
        note: row.get("note")?,
    })
}

fn end(
    row: &Row<'_>,
    order_no: &'static str,
    created_at: &'static str,
) -> Result<ListedOrder, Fault> {
    Ok(ListedOrder::new(required(row, order_no)?, parsed(row, created_at)?))
}

/// The facts of the last list.
pub(crate) fn last(connection: &Connection) -> Result<Option<Listing>, Fault> {
    connection
        .prepare("SELECT * FROM facts WHERE listing_at IS NOT NULL")?
        .query_and_then([], |row| {
            Ok(Listing {
                at: required(row, "listing_at")?,
                window: row.get("listing_window")?,
                listed: row.get("listing_listed")?,
                fresh: row.get("listing_fresh")?,
                oldest: parsed(row, "listing_oldest")?,
                newest: parsed(row, "listing_newest")?,
                unreadable: row.get("listing_unreadable")?,
                burst: burst(row)?,
            })
        })?
        .next()
        .transpose()
}

fn burst(row: &Row<'_>) -> Result<Option<Burst>, Fault> {
    let Some(at) = parsed(row, "burst_at")? else { return Ok(None) };
    let within = SignedDuration::from_millis(row.get("burst_millis")?);
    Ok(Some(Burst { orders: row.get("burst_orders")?, within, at }))
}
