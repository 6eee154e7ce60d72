//! What `/status` shows: the counts since the start, for `qcc status` beside the daemon.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::tally::{Counts, Table};
use crate::output::instant;

/// The page of `/status`. Counts of 0 are left out.
pub(super) fn json(store: &str, started: Timestamp, ready: bool, counts: &Counts) -> Value {
    let answers: BTreeMap<String, u64> = counts
        .answers
        .iter()
        .map(|((call, answer), number)| (format!("{call} {answer}"), *number))
        .collect();
    json!({
        "store": store,
        "started": instant(started),
        "ready": ready,
        "callbacks": without_zeros(&counts.callbacks),
        "connections_refused": without_zeros(&counts.refused),
        "vendor_answers": answers,
        "records": without_zeros(&counts.records),
        "records_stored": without_zeros(&counts.stored),
        "archive_failures": without_zeros(&counts.archives),
    })
}

fn without_zeros(table: &Table) -> BTreeMap<&'static str, u64> {
    table.iter().filter(|(_, number)| **number > 0).map(|(name, number)| (*name, *number)).collect()
}
