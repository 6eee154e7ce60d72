//! What is told about each answer: to counters, to logs, never with a query.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::StatusCode;
use qcc_proto::OrderNo;

use crate::{ErrorBudget, Noted, Refused, Rejection};

/// Is told of every answer, after it was decided and before it is sent.
///
/// Called from the task that answers, so it should only count or log.
pub trait Observer: Send + Sync + 'static {
    /// A request was answered.
    fn answered(&self, answered: &Answered<'_>);

    /// A connection ended before it had brought a request, or the next one.
    fn refused(&self, refused: &Refused) {
        let _ = refused;
    }
}

/// One answer, as an [`Observer`] is told of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answered<'a> {
    /// What came of it.
    pub outcome: Outcome<'a>,
    /// The client's address, as far as it can be believed.
    pub client: Option<IpAddr>,
    /// How long it took, from the head of the request on.
    pub took: Duration,
    /// The errors in a row, this one included.
    pub budget: ErrorBudget,
    /// Whether a refusal may count as one of the vendor's five errors: the call had
    /// our key.
    pub may_count: bool,
}

/// What came of a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// A callback, durable.
    Accepted {
        /// The order it is about.
        order_no: &'a OrderNo,
        /// Whether it was news.
        noted: Noted,
    },
    /// Refused.
    Rejected(&'a Rejection),
    /// No callback, but our own question whether we are here.
    Probed,
}

impl Outcome<'_> {
    /// A word for metrics: `new`, `known`, `probe`, or [`Rejection::code`].
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

/// Tells nobody.
impl Observer for () {
    fn answered(&self, _: &Answered<'_>) {}
}

/// Tells both.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn answered(&self, answered: &Answered<'_>) {
        self.0.answered(answered);
        self.1.answered(answered);
    }

    fn refused(&self, refused: &Refused) {
        self.0.refused(refused);
        self.1.refused(refused);
    }
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn answered(&self, answered: &Answered<'_>) {
        (**self).answered(answered);
    }

    fn refused(&self, refused: &Refused) {
        (**self).refused(refused);
    }
}

/// One line for each answer, through `tracing`: what came of it, for whom, how
/// fast. Never the path, which may be secret, nor the query.
///
/// Nobody outside can fill the log at its usual level. News is `INFO`, which the
/// limits on unknown orders bound. Refusals of calls with our key, which may be the
/// vendor's, are `WARN`, and `ERROR` once the budget is low: the first five in a
/// row, then each time their number has doubled, and no more than 60 in a minute.
/// Calls over a limit on unknown orders are one line a minute that says how many.
/// Everything else, repeated calls among it, is `DEBUG`; counters tell of it.
#[derive(Debug, Default)]
pub struct AccessLog {
    /// When the minute began, and how many refusals it has seen told.
    told: Mutex<Option<(Instant, u32)>>,
    /// When calls over a limit were last told, and how many came since.
    over: Mutex<(Option<Instant>, u64)>,
}

const MINUTE: Duration = Duration::from_secs(60);

impl AccessLog {
    const REFUSALS_A_MINUTE: u32 = 60;

    /// Whether there is room for another refusal in this minute.
    fn has_room(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = told
            .filter(|(since, _)| since.elapsed() < MINUTE)
            .unwrap_or_else(|| (Instant::now(), 0));
        *told = Some((since, count.saturating_add(1)));
        count < Self::REFUSALS_A_MINUTE
    }

    /// Counts a call over a limit; how many there are to tell of, once a minute.
    fn over(&self, now: Instant) -> Option<u64> {
        let (told, count) = &mut *self.over.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_add(1);
        if told.is_some_and(|told| now.saturating_duration_since(told) < MINUTE) {
            return None;
        }
        *told = Some(now);
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
                    let said = "refused since the last such line";
                    tracing::warn!(client, result, calls, errors, "{rejection}; {said}");
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
                tracing::warn!(client, result, status, took_us, cause, errors, "{rejection}");
                warn_of_silence(*budget);
            }
            Outcome::Rejected(rejection) => {
                tracing::debug!(client, result, status, took_us, "refused: {rejection}");
            }
        }
    }

    fn refused(&self, refused: &Refused) {
        let (reason, client) = (refused.refusal.code(), refused.client);
        let client = client.map(tracing::field::display);
        tracing::debug!(client, reason, "a connection brought no request");
    }
}

/// Says so where the vendor is about to call no more, or does so already.
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
