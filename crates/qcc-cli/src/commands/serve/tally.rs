//! What happened since the start, counted: what no database holds.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use qcc_callback::{Answered, DropReason, Dropped, Rejection};
use qcc_sync::{
    Answer, Changes, EngineError, Event, Observer, Probed, ReasonCode, Report, VendorCall,
};

use crate::exit::causes_of;

/// Counts by a label's value.
pub(super) type Table = BTreeMap<&'static str, u64>;

/// The counts. A value that may come is there with 0 from the start, so that
/// its first step is seen.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// Rounds of the engine, by result.
    pub(super) rounds: Table,
    /// Records of applied archives, by outcome.
    pub(super) records: Table,
    /// Records that stand, by what they changed.
    pub(super) stored: Table,
    /// Steps of orders that failed, by reason.
    pub(super) failures: Table,
    /// Archives that were refused, by reason.
    pub(super) archives: Table,
    /// Requests to the callback listener, by result.
    pub(super) callbacks: Table,
    /// What never became a request, by reason.
    pub(super) refused: Table,
    /// When our own certificate ends, Unix time.
    pub(super) certificate_ends: Option<i64>,
    /// Probes of our own URL, by result.
    pub(super) probes: Table,
    /// Requests to call again (6.2.3), by result.
    pub(super) activations: Table,
    /// Answers of vendor and file host, by call and answer.
    pub(super) answers: BTreeMap<(&'static str, String), u64>,
    /// Orders that reached the table.
    pub(super) applied: u64,
    /// Archives that reached the disk.
    pub(super) fetched: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// Our errors in a row, as the vendor may have counted them.
    pub(super) errors_in_a_row: u32,
    /// Why the last call could not be noted, if it could not.
    pub(super) note_failed: Option<String>,
    /// Why the engine's last round could not write, if it could not.
    pub(super) round_failed: Option<String>,
    /// When the engine last gave a sign of life, whatever the clock on the wall says.
    pub(super) stirred: Instant,
    /// Whether a call failed since the engine's last round ended.
    note_failed_since: bool,
}

/// Reasons for which an archive is refused.
const ARCHIVE: [ReasonCode; 6] = [
    ReasonCode::ArchiveDamaged,
    ReasonCode::WrongPassword,
    ReasonCode::ArchiveRefused,
    ReasonCode::DocumentRefused,
    ReasonCode::CountMismatch,
    ReasonCode::ArchiveMissing,
];

/// More different answers than this are counted together: a label's values must
/// not grow as a stranger likes.
const ANSWERS: usize = 100;

impl Counts {
    fn none(errors_in_a_row: u32) -> Self {
        let zeros = |names: &[&'static str]| names.iter().map(|name| (*name, 0)).collect();
        let reasons = |codes: &[ReasonCode]| codes.iter().map(|code| (code.as_str(), 0)).collect();
        let mut callbacks: Table = zeros(Rejection::CODES);
        callbacks.extend([("new", 0), ("known", 0), ("probe", 0)]);
        Self {
            rounds: zeros(&["done", "failed"]),
            records: zeros(&["stored", "superseded", "set_aside"]),
            stored: zeros(&["new", "updated", "unchanged"]),
            failures: reasons(ReasonCode::ALL),
            archives: reasons(&ARCHIVE),
            callbacks,
            refused: DropReason::ALL.iter().map(|reason| (reason.as_str(), 0)).collect(),
            certificate_ends: None,
            probes: zeros(&["reached", "failed"]),
            activations: zeros(&["agreed", "failed"]),
            answers: BTreeMap::new(),
            applied: 0,
            fetched: 0,
            bytes: 0,
            errors_in_a_row,
            note_failed: None,
            round_failed: None,
            stirred: Instant::now(),
            note_failed_since: false,
        }
    }

    fn answered(&mut self, call: VendorCall, answer: Answer) {
        let answer = match answer {
            Answer::Status(status) => status.to_string(),
            Answer::Http(http) => format!("http_{http}"),
            _ => "none".to_owned(),
        };
        let mut key = (call.as_str(), answer);
        if self.answers.len() >= ANSWERS && !self.answers.contains_key(&key) {
            key.1 = "other".to_owned();
        }
        *self.answers.entry(key).or_default() += 1;
    }
}

/// The counters, shared by all parts.
#[derive(Debug)]
pub(super) struct Tally(Mutex<Counts>);

impl Tally {
    /// Nothing, but for the errors that the vendor still counts.
    pub(super) fn new(errors_in_a_row: u32) -> Self {
        Self(Mutex::new(Counts::none(errors_in_a_row)))
    }

    /// The counts of this moment.
    pub(super) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    /// A call was noted, or was not, for this reason.
    pub(super) fn noted(&self, failure: Option<String>) {
        let counts = &mut *self.lock();
        counts.note_failed_since |= failure.is_some();
        counts.note_failed = failure;
    }

    /// The vendor was asked to call again by somebody else: it counts from nothing.
    pub(super) fn forget_errors(&self) {
        self.lock().errors_in_a_row = 0;
    }

    /// Our own certificate ends then.
    pub(super) fn certificate_ends(&self, at: Option<i64>) {
        self.lock().certificate_ends = at;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(table: &mut Table, name: &'static str, number: u64) {
    *table.entry(name).or_default() += number;
}

impl Observer for Tally {
    fn event(&self, event: &Event) {
        let counts = &mut *self.lock();
        counts.stirred = Instant::now();
        match event {
            Event::Fetched { size, .. } => {
                counts.fetched += 1;
                counts.bytes += size;
            }
            Event::Applied { applied, .. } => {
                counts.applied += 1;
                add(&mut counts.records, "stored", applied.stored);
                if let Some(Changes { new, updated, unchanged }) = applied.changes {
                    add(&mut counts.stored, "new", new);
                    add(&mut counts.stored, "updated", updated);
                    add(&mut counts.stored, "unchanged", unchanged);
                }
                add(&mut counts.records, "superseded", applied.superseded);
                add(&mut counts.records, "set_aside", applied.quarantined);
            }
            Event::Waiting { reason, .. } | Event::Quarantined { reason, .. } => {
                add(&mut counts.failures, reason.code.as_str(), 1);
                if ARCHIVE.contains(&reason.code) {
                    add(&mut counts.archives, reason.code.as_str(), 1);
                }
            }
            Event::Asked { call, answer } => counts.answered(*call, *answer),
            Event::Probed(Probed::Reached) => add(&mut counts.probes, "reached", 1),
            Event::Probed(Probed::Failed(_)) => add(&mut counts.probes, "failed", 1),
            Event::Activated => {
                counts.errors_in_a_row = 0;
                add(&mut counts.activations, "agreed", 1);
            }
            Event::ActivationFailed(_) => add(&mut counts.activations, "failed", 1),
            _ => {}
        }
    }

    fn round(&self, _: Report, failure: Option<EngineError>) {
        let counts = &mut *self.lock();
        add(&mut counts.rounds, if failure.is_some() { "failed" } else { "done" }, 1);
        let failed_meanwhile = std::mem::take(&mut counts.note_failed_since);
        match &failure {
            Some(EngineError::Store(error)) => {
                counts.round_failed = Some(causes_of(error).join(": "));
            }
            Some(EngineError::Archives(error)) => {
                counts.round_failed = Some(causes_of(error).join(": "));
            }
            // It may not have come to writing anything.
            Some(_) => {}
            None => {
                counts.round_failed = None;
                // The round wrote down a list, and took over what was noted: a failure
                // that is older is over. Calls are too rare to wait for the next one.
                if !failed_meanwhile {
                    counts.note_failed = None;
                }
            }
        }
    }
}

impl qcc_callback::Observer for Tally {
    fn answered(&self, answered: &Answered<'_>) {
        let counts = &mut *self.lock();
        add(&mut counts.callbacks, answered.outcome.code(), 1);
        counts.errors_in_a_row = answered.budget.in_a_row();
    }

    fn dropped(&self, dropped: &Dropped) {
        add(&mut self.lock().refused, dropped.reason.as_str(), 1);
    }
}

#[cfg(test)]
mod tests {
    use qcc_sync::{StoreError, StoreErrorKind};

    use super::*;

    fn state(tally: &Tally) -> (bool, bool) {
        let counts = tally.counts();
        (counts.note_failed.is_some(), counts.round_failed.is_some())
    }

    fn round(tally: &Tally, failure: Option<EngineError>) {
        tally.round(Report::default(), failure);
    }

    #[test]
    fn a_call_that_is_noted_says_nothing_of_the_ledger_nor_a_round_of_a_later_call() {
        let tally = Tally::new(0);
        let full = || StoreError::new(StoreErrorKind::Full, "the disk is full");
        round(&tally, Some(EngineError::Store(full())));
        tally.noted(None);
        assert_eq!(state(&tally), (false, true), "the ledger is another file");
        tally.noted(Some("full".into()));
        round(&tally, None);
        assert_eq!(state(&tally), (true, false), "the round may have begun before");
        round(&tally, Some(EngineError::Store(full())));
        assert_eq!(state(&tally), (true, true));
        round(&tally, None);
        assert_eq!(state(&tally), (false, false));
    }

    #[test]
    fn a_round_that_wrote_nothing_mends_nothing() {
        let tally = Tally::new(0);
        round(&tally, Some(EngineError::Store(StoreError::new(StoreErrorKind::Full, "full"))));
        let reason = qcc_sync::Reason::new(ReasonCode::Account, "no such key");
        let hold = qcc_sync::Hold { since: jiff::Timestamp::UNIX_EPOCH, until: None, reason };
        round(&tally, Some(EngineError::Held(hold)));
        assert_eq!(state(&tally), (false, true));
    }
}
