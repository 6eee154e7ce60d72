//! What is known of the vendor's calls as a whole.

use qcc_sync::{Account, Callbacks};
use rusqlite::Connection;

use crate::{
    calls::Pending,
    fault::Fault,
    text::{count as count_of, instant, parsed},
};

/// The facts that delivery is judged by; `calls` are those that the ledger has
/// not taken over yet.
pub(crate) fn facts(
    connection: &Connection,
    account: &Account,
    calls: &Pending<'_>,
) -> Result<Callbacks, Fault> {
    let mut facts = Callbacks::default();
    facts.expected_since = account.calls_expected_since;
    facts.activation.clone_from(&account.activation);
    facts.errors = account.errors;
    let Some(expected_since) = facts.expected_since else { return Ok(facts) };
    let agreed_at = facts.activation.as_ref().and_then(|activation| activation.agreed_at);
    let bound = instant(agreed_at.map_or(expected_since, |at| at.max(expected_since)));
    let newest_called: Option<String> = connection.query_row(
        "SELECT max(ordered_at) FROM orders WHERE listed_at IS NOT NULL AND called_at IS NOT NULL",
        [],
        |row| row.get(0),
    )?;
    let mut bound = newest_called.unwrap_or_default().max(bound);
    // Newest first: behind the first that has called meanwhile, all have come since.
    let mut statement = connection.prepare(
        "SELECT order_no, ordered_at FROM orders
         WHERE listed_at IS NOT NULL AND called_at IS NULL AND ordered_at > ?1
         ORDER BY ordered_at DESC",
    )?;
    let mut rows = statement.query([&bound])?;
    while let Some(row) = rows.next()? {
        let order_no: String = row.get("order_no")?;
        if calls.find(&order_no)?.is_some() {
            bound = row.get("ordered_at")?;
            break;
        }
    }
    let mut count = connection.prepare(
        "SELECT count(*) AS uncalled, min(listed_at) AS since FROM orders
         WHERE listed_at IS NOT NULL AND called_at IS NULL AND ordered_at > ?1",
    )?;
    (facts.uncalled, facts.uncalled_since) = count
        .query_and_then([bound], |row| {
            Ok::<_, Fault>((count_of(row, "uncalled")?.unwrap_or(0), parsed(row, "since")?))
        })?
        .next()
        .transpose()?
        .unwrap_or_default();
    Ok(facts)
}
