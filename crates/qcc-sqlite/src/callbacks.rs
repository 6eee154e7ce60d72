//! What is known of the vendor's calls as a whole, and the path they come to.

use jiff::Timestamp;
use qcc_proto::{PushSetting, PushWindow};
use qcc_sync::{Activation, AnswerErrors, Callbacks, PathSegment, SecretPath};
use rusqlite::{Connection, Row, params};

use crate::{
    calls::Pending,
    fault::Fault,
    text::{count as count_of, instant, parsed, required},
};

/// Notes since when calls are expected; the first time counts.
pub(crate) fn expect(connection: &Connection, now: Timestamp) -> Result<(), Fault> {
    connection.execute(
        "UPDATE facts SET calls_expected_since = coalesce(calls_expected_since, ?1)",
        [instant(now)],
    )?;
    Ok(())
}

/// Notes an attempt to make the vendor call again.
pub(crate) fn note_activation(
    connection: &Connection,
    activation: &Activation,
) -> Result<(), Fault> {
    connection.execute(
        "UPDATE facts SET activation_tried_at = ?1, activation_tries = ?2,
             activation_agreed_at = ?3",
        params![instant(activation.tried_at), activation.tries, activation.agreed_at.map(instant),],
    )?;
    Ok(())
}

/// The last attempt to make the vendor call again.
pub(crate) fn activation(connection: &Connection) -> Result<Option<Activation>, Fault> {
    let mut facts = connection.prepare("SELECT * FROM facts")?;
    let mut found = facts.query_and_then([], expectation)?;
    Ok(found.next().transpose()?.and_then(|facts| facts.activation))
}

/// Notes our errors in a row.
pub(crate) fn note_errors(
    connection: &Connection,
    errors: Option<AnswerErrors>,
) -> Result<(), Fault> {
    connection.execute(
        "UPDATE facts SET errors_in_a_row = ?1, errors_last_at = ?2",
        params![
            errors.map_or(0, |errors| errors.in_a_row),
            errors.map(|errors| instant(errors.last_at))
        ],
    )?;
    Ok(())
}

/// Keeps the secret path.
pub(crate) fn set_path(connection: &Connection, path: Option<&SecretPath>) -> Result<(), Fault> {
    let told = path.and_then(|path| path.told.as_ref());
    connection.execute(
        "UPDATE facts SET path_current = ?1, path_previous = ?2, path_made_at = ?3,
             path_confirmed_at = ?4, path_told_url = ?5, path_told_window = ?6, path_tries = ?7,
             path_tried_at = ?8",
        params![
            path.map(|path| path.current.reveal()),
            path.and_then(|path| path.previous.as_ref()).map(PathSegment::reveal),
            path.map(|path| instant(path.made_at)),
            path.and_then(|path| path.confirmed_at).map(instant),
            told.map(|told| told.callback_url.as_str()),
            told.and_then(|told| told.window).map(PushWindow::start_hour),
            path.map_or(0, |path| path.tries),
            path.and_then(|path| path.tried_at).map(instant),
        ],
    )?;
    Ok(())
}

/// The secret path.
pub(crate) fn path(connection: &Connection) -> Result<Option<SecretPath>, Fault> {
    connection
        .prepare("SELECT * FROM facts WHERE path_current IS NOT NULL")?
        .query_and_then([], |row| {
            Ok(SecretPath {
                current: required(row, "path_current")?,
                previous: parsed(row, "path_previous")?,
                made_at: required(row, "path_made_at")?,
                confirmed_at: parsed(row, "path_confirmed_at")?,
                told: told(row)?,
                tries: row.get("path_tries")?,
                tried_at: parsed(row, "path_tried_at")?,
            })
        })?
        .next()
        .transpose()
}

fn told(row: &Row<'_>) -> Result<Option<PushSetting>, Fault> {
    let Some(callback_url) = parsed(row, "path_told_url")? else { return Ok(None) };
    let window: Option<u8> = row.get("path_told_window")?;
    let window = window.map(PushWindow::try_from).transpose();
    let window = window.map_err(|_| Fault::Unreadable("path_told_window"))?;
    Ok(Some(PushSetting::new(callback_url).with_window(window)))
}

/// The facts that delivery is judged by; `calls` are those that the ledger has
/// not taken over yet.
pub(crate) fn facts(connection: &Connection, calls: &Pending<'_>) -> Result<Callbacks, Fault> {
    let mut facts = connection
        .prepare("SELECT * FROM facts")?
        .query_and_then([], expectation)?
        .next()
        .transpose()?
        .unwrap_or_default();
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

fn expectation(row: &Row<'_>) -> Result<Callbacks, Fault> {
    let mut facts = Callbacks::default();
    facts.expected_since = parsed(row, "calls_expected_since")?;
    if let Some(last_at) = parsed(row, "errors_last_at")? {
        facts.errors = Some(AnswerErrors { in_a_row: row.get("errors_in_a_row")?, last_at });
    }
    facts.activation = match parsed(row, "activation_tried_at")? {
        Some(tried_at) => Some(Activation {
            tried_at,
            tries: row.get("activation_tries")?,
            agreed_at: parsed(row, "activation_agreed_at")?,
        }),
        None => None,
    };
    Ok(facts)
}
