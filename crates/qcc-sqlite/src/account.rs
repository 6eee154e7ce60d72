//! What concerns the account as a whole, as one value with a version.

use qcc_proto::{PushSetting, PushWindow};
use qcc_sync::{
    Account, Activation, AnswerErrors, Hold, PathSegment, Reason, SecretPath, Versioned,
};
use rusqlite::{Connection, Row, named_params};

use crate::{
    fault::Fault,
    text::{count, instant, integer, parsed, required},
};

/// The account as it is kept.
pub(crate) fn read(connection: &Connection) -> Result<Versioned<Account>, Fault> {
    let account = |row: &Row<'_>| -> Result<_, Fault> {
        let mut account = Account::default();
        account.hold = hold(row)?;
        account.calls_expected_since = parsed(row, "calls_expected_since")?;
        account.activation = activation(row)?;
        account.errors = errors(row)?;
        account.secret_path = path(row)?;
        let version = count(row, "account_version")?.unwrap_or(0);
        Ok(Versioned { version, value: account })
    };
    let found = connection.prepare("SELECT * FROM facts")?.query_and_then([], account)?.next();
    Ok(found.transpose()?.unwrap_or_default())
}

/// Replaces the account, where its version is this one.
pub(crate) fn put(connection: &Connection, version: u64, account: &Account) -> Result<bool, Fault> {
    let Account { hold, calls_expected_since, activation, errors, secret_path: path, .. } = account;
    let told = path.as_ref().and_then(|path| path.told.as_ref());
    let (hold, path) = (hold.as_ref(), path.as_ref());
    let changed = connection.execute(
        "UPDATE facts SET account_version = account_version + 1,
             hold_since = :hold_since, hold_until = :hold_until, hold_reason = :hold_reason,
             hold_detail = :hold_detail, calls_expected_since = :calls_expected_since,
             activation_tried_at = :tried_at, activation_tries = :tries,
             activation_agreed_at = :agreed_at, errors_in_a_row = :errors,
             errors_last_at = :errors_last_at, path_current = :path_current,
             path_previous = :path_previous, path_made_at = :path_made_at,
             path_confirmed_at = :path_confirmed_at, path_told_url = :path_told_url,
             path_told_window = :path_told_window, path_tries = :path_tries,
             path_tried_at = :path_tried_at
         WHERE account_version = :version",
        named_params! {
            ":version": integer(version)?,
            ":hold_since": hold.map(|hold| instant(hold.since)),
            ":hold_until": hold.and_then(|hold| hold.until).map(instant),
            ":hold_reason": hold.map(|hold| hold.reason.code.as_str()),
            ":hold_detail": hold.map(|hold| hold.reason.detail.as_str()),
            ":calls_expected_since": calls_expected_since.map(instant),
            ":tried_at": activation.as_ref().map(|activation| instant(activation.tried_at)),
            ":tries": activation.as_ref().map(|activation| activation.tries),
            ":agreed_at": activation.as_ref().and_then(|a| a.agreed_at).map(instant),
            ":errors": errors.map_or(0, |errors| errors.in_a_row),
            ":errors_last_at": errors.map(|errors| instant(errors.last_at)),
            ":path_current": path.map(|path| path.current.reveal()),
            ":path_previous": path.and_then(|path| path.previous.as_ref()).map(PathSegment::reveal),
            ":path_made_at": path.map(|path| instant(path.made_at)),
            ":path_confirmed_at": path.and_then(|path| path.confirmed_at).map(instant),
            ":path_told_url": told.map(|told| told.callback_url.as_str()),
            ":path_told_window": told.and_then(|told| told.window).map(PushWindow::start_hour),
            ":path_tries": path.map_or(0, |path| path.tries),
            ":path_tried_at": path.and_then(|path| path.tried_at).map(instant),
        },
    )?;
    Ok(changed > 0)
}

fn hold(row: &Row<'_>) -> Result<Option<Hold>, Fault> {
    let Some(since) = parsed(row, "hold_since")? else { return Ok(None) };
    let detail: Option<String> = row.get("hold_detail")?;
    let reason = Reason::new(required(row, "hold_reason")?, detail.unwrap_or_default());
    Ok(Some(Hold { since, until: parsed(row, "hold_until")?, reason }))
}

fn activation(row: &Row<'_>) -> Result<Option<Activation>, Fault> {
    let Some(tried_at) = parsed(row, "activation_tried_at")? else { return Ok(None) };
    let agreed_at = parsed(row, "activation_agreed_at")?;
    Ok(Some(Activation { tried_at, tries: row.get("activation_tries")?, agreed_at }))
}

fn errors(row: &Row<'_>) -> Result<Option<AnswerErrors>, Fault> {
    let Some(last_at) = parsed(row, "errors_last_at")? else { return Ok(None) };
    Ok(Some(AnswerErrors { in_a_row: row.get("errors_in_a_row")?, last_at }))
}

fn path(row: &Row<'_>) -> Result<Option<SecretPath>, Fault> {
    let Some(current) = parsed(row, "path_current")? else { return Ok(None) };
    Ok(Some(SecretPath {
        current,
        previous: parsed(row, "path_previous")?,
        made_at: required(row, "path_made_at")?,
        confirmed_at: parsed(row, "path_confirmed_at")?,
        told: told(row)?,
        tries: row.get("path_tries")?,
        tried_at: parsed(row, "path_tried_at")?,
    }))
}

fn told(row: &Row<'_>) -> Result<Option<PushSetting>, Fault> {
    let Some(callback_url) = parsed(row, "path_told_url")? else { return Ok(None) };
    let window: Option<u8> = row.get("path_told_window")?;
    let window = window.map(PushWindow::try_from).transpose();
    let window = window.map_err(|_| Fault::Unreadable("path_told_window"))?;
    Ok(Some(PushSetting::new(callback_url).with_window(window)))
}
