//! [`Observer`]: reports each answer to metrics and logs, never with its query.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::StatusCode;
use qcc_proto::OrderNo;

use crate::{Dropped, ErrorBudget, Noted, Rejection};

/// Is called for every answer, after it is decided and before it is sent.
///
/// It runs in the task that answers, so it should only count or log.
pub trait Observer: Send + Sync + 'static {
    /// A request was answered.
    fn answered(&self, answered: &Answered<'_>);

    /// A connection was dropped before it delivered a request, or its next one.
    fn dropped(&self, dropped: &Dropped) {
        let _ = dropped;
    }
}

/// One answer, as reported to an [`Observer`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Answered<'a> {
    /// The result.
    pub outcome: Outcome<'a>,
    /// The client's address. `X-Forwarded-For` is used only if the proxy is trusted.
    pub client: Option<IpAddr>,
    /// The time since the head of the request was read.
    pub took: Duration,
    /// The errors in a row, including this answer.
    pub budget: ErrorBudget,
    /// Whether the vendor may count a refusal as an error, because the request carried
    /// our key.
    pub may_count: bool,
}

/// The result of a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// A callback; its order number is durable.
    Accepted {
        /// The order it names.
        order_no: &'a OrderNo,
        /// Whether the order was new.
        noted: Noted,
    },
    /// Dropped.
    Rejected(&'a Rejection),
    /// A probe sent by this receiver itself.
    Probed,
}

impl Outcome<'_> {
    /// A stable code for metrics: `new`, `known`, `probe`, or [`Rejection::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Self::Accepted { noted: Noted::New, .. } => "new",
            Self::Accepted { noted: Noted::Known, .. } => "known",
            Self::Probed => "probe",
            Self::Rejected(rejection) => rejection.code(),
        }
    }

    /// The HTTP status of the answer.
    pub fn http_status(&self) -> StatusCode {
        match self {
            Self::Accepted { .. } | Self::Probed => StatusCode::OK,
            Self::Rejected(rejection) => rejection.http_status(),
        }
    }
}

/// Ignores everything.
impl Observer for () {
    fn answered(&self, _: &Answered<'_>) {}
}

/// Calls both observers.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn answered(&self, answered: &Answered<'_>) {
        self.0.answered(answered);
        self.1.answered(answered);
    }

    fn dropped(&self, dropped: &Dropped) {
        self.0.dropped(dropped);
        self.1.dropped(dropped);
    }
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn answered(&self, answered: &Answered<'_>) {
        (**self).answered(answered);
    }

    fn dropped(&self, dropped: &Dropped) {
        (**self).dropped(dropped);
    }
}

/// Logs each answer through `tracing`: result, client and duration. It never logs the
/// path, which may be secret, nor the query.
///
/// A stranger cannot flood the log at level `INFO`:
/// - `INFO`: a callback with a new order; the limits on unknown orders bound these.
/// - `WARN`: a refused request that carried our key, and `ERROR` in addition once
///   [`ErrorBudget::is_low`]. The first five in a row are logged, then every time their
///   number has doubled, at most 60 per minute.
/// - `WARN`: one line per minute with the number of requests over a limit.
/// - `DEBUG`: everything else, including repeated callbacks.
#[derive(Debug, Default)]
pub struct AccessLog {
    /// Start of the current minute, and how many refusals were logged in it.
    logged: Mutex<Option<(Instant, u32)>>,
    /// When requests over a limit were last logged, and how many came since.
    over: Mutex<(Option<Instant>, u64)>,
}

const MINUTE: Duration = Duration::from_secs(60);

impl AccessLog {
    const REFUSALS_A_MINUTE: u32 = 60;

    /// Whether another refusal may be logged in this minute.
    fn has_room(&self) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = logged
            .filter(|(since, _)| since.elapsed() < MINUTE)
            .unwrap_or_else(|| (Instant::now(), 0));
        *logged = Some((since, count.saturating_add(1)));
        count < Self::REFUSALS_A_MINUTE
    }

    /// Counts a request over a limit. Once per minute, returns the number to log.
    fn over(&self, now: Instant) -> Option<u64> {
        let (logged_at, count) = &mut *self.over.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_add(1);
        if logged_at.is_some_and(|at| now.saturating_duration_since(at) < MINUTE) {
            return None;
        }
        *logged_at = Some(now);
        Some(std::mem::take(count))
    }
}

impl Observer for AccessLog {
    fn answered(&self, answered: &Answered<'_>) {
        let Answered { outcome, client, took, budget, may_count } = answered;
        let (result, status) = (outcome.code(), outcome.http_status().as_u16());
        let client = client.map(tracing::field::display);
        let took_us = took.as_micros();
        match outcome {
            Outcome::Accepted { order_no, noted: Noted::New } => {
                tracing::info!(client, result, status, took_us, %order_no, "callback accepted");
            }
            Outcome::Accepted { order_no, noted: Noted::Known } => {
                tracing::debug!(client, result, status, took_us, %order_no, "callback accepted");
            }
            Outcome::Probed => {
                tracing::debug!(client, result, status, took_us, "probe answered");
            }
            Outcome::Rejected(rejection @ (Rejection::Limited | Rejection::LimitedInAll)) => {
                if let Some(calls) = self.over(Instant::now()) {
                    let errors = budget.in_a_row();
                    tracing::warn!(client, result, calls, errors, "callbacks refused: {rejection}");
                    warn_of_silence(*budget);
                }
            }
            Outcome::Rejected(rejection) if *may_count => {
                let errors = budget.in_a_row();
                let repeats = errors > ErrorBudget::LIMIT && !errors.is_power_of_two();
                if repeats || !self.has_room() {
                    return;
                }
                let cause = std::error::Error::source(rejection).map(tracing::field::display);
                tracing::warn!(
                    client,
                    result,
                    status,
                    took_us,
                    cause,
                    errors,
                    "callback refused: {rejection}"
                );
                warn_of_silence(*budget);
            }
            Outcome::Rejected(rejection) => {
                tracing::debug!(client, result, status, took_us, "callback refused: {rejection}");
            }
        }
    }

    fn dropped(&self, dropped: &Dropped) {
        let reason = dropped.reason.as_str();
        let peer = dropped.peer.map(tracing::field::display);
        tracing::debug!(peer, reason, "connection dropped before a request");
    }
}

/// Logs an error if the vendor has stopped calling or soon will.
fn warn_of_silence(budget: ErrorBudget) {
    if budget.is_low() {
        let (errors, left) = (budget.in_a_row(), budget.left());
        tracing::error!(errors, left, "the vendor stops calling after five errors in a row");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_a_minute_that_says_how_many() {
        let (log, now) = (AccessLog::default(), Instant::now());
        let at = |seconds| log.over(now + Duration::from_secs(seconds));
        assert_eq!(at(0), Some(1));
        assert!((0..60).all(|second| at(second).is_none()));
        assert_eq!((at(60), at(61)), (Some(61), None));
        assert_eq!(at(600), Some(2));
    }
}
