//! What happened since the start, counted: what no database holds.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use qcc_callback::{Answered, Rejection};
use qcc_sync::{Answer, EngineError, Event, Observer, Probed, ReasonCode, Report, VendorCall};

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
    /// Steps of orders that failed, by reason.
    pub(super) failures: Table,
    /// Archives that were refused, by reason.
    pub(super) archives: Table,
    /// Requests to the callback listener, by result.
    pub(super) callbacks: Table,
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
    /// Why the last write to the store failed, if it did.
    pub(super) write_failed: Option<String>,
    /// When the engine last gave a sign of life.
    pub(super) stirred: Timestamp,
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
    fn none(now: Timestamp) -> Self {
        let zeros = |names: &[&'static str]| names.iter().map(|name| (*name, 0)).collect();
        let reasons = |codes: &[ReasonCode]| codes.iter().map(|code| (code.as_str(), 0)).collect();
        let mut callbacks: Table = zeros(Rejection::CODES);
        callbacks.extend([("new", 0), ("known", 0), ("probe", 0)]);
        Self {
            rounds: zeros(&["done", "failed"]),
            records: zeros(&["stored", "superseded", "set_aside"]),
            failures: reasons(ReasonCode::ALL),
            archives: reasons(&ARCHIVE),
            callbacks,
            probes: zeros(&["reached", "failed"]),
            activations: zeros(&["agreed", "failed"]),
            answers: BTreeMap::new(),
            applied: 0,
            fetched: 0,
            bytes: 0,
            errors_in_a_row: 0,
            write_failed: None,
            stirred: now,
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

/// Counts as it is told. Shared by everything that runs.
#[derive(Debug)]
pub(super) struct Tally(Mutex<Counts>);

impl Tally {
    pub(super) fn new(now: Timestamp) -> Self {
        Self(Mutex::new(Counts::none(now)))
    }

    /// The counts of this moment.
    pub(super) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    /// A write to the store ended so.
    pub(super) fn wrote(&self, failure: Option<String>) {
        self.lock().write_failed = failure;
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
        counts.stirred = Timestamp::now();
        match event {
            Event::Fetched { size, .. } => {
                counts.fetched += 1;
                counts.bytes += size;
            }
            Event::Applied { applied, .. } => {
                counts.applied += 1;
                add(&mut counts.records, "stored", applied.stored);
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
        // A round that read a list has written it down.
        counts.write_failed = match &failure {
            Some(EngineError::Store(error)) => Some(causes_of(error).join(": ")),
            Some(EngineError::Archives(error)) => Some(causes_of(error).join(": ")),
            _ => None,
        };
    }
}

impl qcc_callback::Observer for Tally {
    fn answered(&self, answered: &Answered<'_>) {
        let counts = &mut *self.lock();
        add(&mut counts.callbacks, answered.outcome.code(), 1);
        counts.errors_in_a_row = answered.budget.in_a_row();
    }
}
