//! The exit codes, and which error leads to which: the contract scripts rely on.

use std::{error::Error as StdError, fmt, io, process::ExitCode};

use jiff::Timestamp;
use qcc_archive::{ErrorKind as ArchiveKind, Retry};
use qcc_http::TransportErrorKind;
use qcc_proto::{DocumentError, OrderNo, Status};
use qcc_sync::StoreErrorKind;

use crate::output::{StdoutError, plain, when};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Done, nothing left.
    Done = 0,
    /// Network, disk, or unexpected.
    Failed = 1,
    /// Wrong usage or configuration, a file that is not there.
    Usage = 2,
    /// The vendor refused, or knows no such order.
    Vendor = 3,
    /// The archive was refused.
    Archive = 4,
    /// Finished, but something waits, is quarantined or missing.
    Unfinished = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Something the caller got wrong: a flag, a setting, a file name.
#[derive(Debug)]
pub(crate) struct Usage {
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Usage {
    /// What is wrong, and what to do.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// The same with what caused it.
    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Usage {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The vendor knows no order of this number.
#[derive(Debug)]
pub(crate) struct NoSuchOrder {
    order: OrderNo,
    refusal: String,
}

impl NoSuchOrder {
    /// An error of 6.2.5, which for an order that is not there says "no result".
    pub(crate) fn or(order: &OrderNo, error: qcc_http::Error) -> anyhow::Error {
        match &error {
            qcc_http::Error::Rejected { refusal, .. } if refusal.status == Status::NO_RESULT => {
                Self { order: order.clone(), refusal: refusal.to_string() }.into()
            }
            _ => error.into(),
        }
    }
}

impl fmt::Display for NoSuchOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order, refusal } = self;
        write!(
            f,
            "there is no order {order}: {refusal}. `qcc orders list` shows the newest; an order \
             that was made just now may take a moment"
        )
    }
}

impl StdError for NoSuchOrder {}

/// Calls to the vendor are paused, so this one was not made.
#[derive(Debug)]
pub(crate) struct Resting {
    until: Timestamp,
    why: String,
}

impl Resting {
    /// Until when they are paused, and why.
    pub(crate) fn new(until: Timestamp, why: &impl ToString) -> Self {
        Self { until, why: why.to_string() }
    }
}

impl fmt::Display for Resting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the vendor was not called: calls are paused until {} (Shanghai time), as the database \
             says ({}); wait, or call anyway with --ignore-hold",
            when(self.until),
            plain(&self.why)
        )
    }
}

impl StdError for Resting {}

/// The exit code an error ends with: that of the first cause in its chain that
/// has one.
pub(crate) fn exit_for(error: &anyhow::Error) -> Exit {
    error.chain().find_map(exit_of).unwrap_or(Exit::Failed)
}

fn exit_of(cause: &(dyn StdError + 'static)) -> Option<Exit> {
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        return exit_of_io(error);
    }
    if cause.is::<Usage>() {
        return Some(Exit::Usage);
    }
    if cause.is::<NoSuchOrder>() {
        return Some(Exit::Vendor);
    }
    if cause.is::<Resting>() {
        return Some(Exit::Unfinished);
    }
    if let Some(error) = cause.downcast_ref::<qcc_http::Error>() {
        return Some(exit_of_call(error));
    }
    if let Some(error) = cause.downcast_ref::<DocumentError>() {
        return exit_of_document(error);
    }
    if let Some(error) = cause.downcast_ref::<qcc_archive::Error>() {
        return Some(exit_of_archive(error.kind()));
    }
    if let Some(error) = cause.downcast_ref::<qcc_sync::StoreError>() {
        return Some(match error.kind() {
            StoreErrorKind::NewerSchema => Exit::Usage,
            _ => Exit::Failed,
        });
    }
    None
}

/// Only an answer that is the vendor's, or its file host's, is a refusal.
fn exit_of_call(error: &qcc_http::Error) -> Exit {
    use qcc_http::Error;
    match error {
        Error::Rejected { .. } | Error::EchoDiffers(_) => Exit::Vendor,
        Error::Storage { .. } if !error.is_transient() => Exit::Vendor,
        Error::LinkExpired => Exit::Vendor,
        // The list of download hosts is ours to set right.
        Error::LinkRefused(_) => Exit::Usage,
        Error::Transport(error) if error.kind() == TransportErrorKind::Forbidden => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// Where the source failed, its own error says why.
fn exit_of_document(error: &DocumentError) -> Option<Exit> {
    match error {
        DocumentError::Source(_) => None,
        _ => Some(Exit::Archive),
    }
}

/// A file that cannot be read, or that changes meanwhile, says nothing against the
/// archive in it.
fn exit_of_archive(kind: &ArchiveKind) -> Exit {
    match kind.retry() {
        Retry::ReadAgain => Exit::Failed,
        Retry::FetchAgain | Retry::Never => Exit::Archive,
    }
}

/// A closed pipe at standard output means that the reader wants no more.
fn exit_of_io(error: &io::Error) -> Option<Exit> {
    if let Some(inner) = qcc_archive::Error::from_io(error) {
        return Some(exit_of_archive(inner.kind()));
    }
    let stdout = error.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<StdoutError>);
    (stdout && error.kind() == io::ErrorKind::BrokenPipe).then_some(Exit::Done)
}

/// The error as a person reads it: what failed, then each cause, then what to do.
pub(crate) fn explain(error: &anyhow::Error) -> String {
    let mut text = format!("error: {}", causes(error).join("\n  because: "));
    if let Some(advice) = error.chain().find_map(advice_on) {
        text.push_str("\n  advice: ");
        text.push_str(advice);
    }
    text
}

fn advice_on(cause: &(dyn StdError + 'static)) -> Option<&'static str> {
    let archive = match cause.downcast_ref::<io::Error>() {
        Some(error) => qcc_archive::Error::from_io(error),
        None => cause.downcast_ref(),
    };
    archive.map(|error| error.kind().advice())
}

/// What failed and its causes, each said once: some errors repeat their cause.
pub(crate) fn causes(error: &anyhow::Error) -> Vec<String> {
    causes_of(error.as_ref())
}

/// The same of an error that somebody still needs.
pub(crate) fn causes_of(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for cause in anyhow::Chain::new(error) {
        let mut line = plain(&cause.to_string()).into_owned();
        let advice = cause.downcast_ref::<qcc_http::Error>().and_then(qcc_http::Error::advice);
        if let Some(advice) = advice {
            line.push_str(". ");
            line.push_str(&plain(&advice));
        }
        if !line.is_empty() && !lines.iter().any(|said| said.contains(&line)) {
            lines.push(line);
        }
    }
    lines
}

#[cfg(test)]
mod tests;
