//! Whether the daemon does what it is there for, and if not, why not.
//!
//! *Alive* means that a restart would change nothing: the loops run. *Ready*
//! means that records arrive: it also takes a store that took the last write,
//! a recent list, and a vendor that lets itself be called.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use qcc_sync::Overview;
use serde_json::{Value, json};

use crate::output::{duration, instant, when};

/// The facts that health is judged by.
#[derive(Debug)]
pub(super) struct Vitals<'a> {
    /// What the store says; why not, where it did not.
    pub(super) overview: Result<&'a Overview, String>,
    /// Why the last call could not be noted, if it could not.
    pub(super) note_failed: Option<String>,
    /// Why the engine's last round could not write, if it could not.
    pub(super) round_failed: Option<String>,
    /// Whether the engine's loop has not ended.
    pub(super) engine_runs: bool,
    /// How long ago the engine last gave a sign of life.
    pub(super) silent: Duration,
    /// The longest rest between two lists.
    pub(super) longest_rest: Duration,
}

/// The judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Health {
    ailments: Vec<Ailment>,
    at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Ailment {
    code: &'static str,
    detail: String,
    /// Whether a restart may help.
    fatal: bool,
}

/// An engine that follows gives a sign of life each minute, and one at work with
/// each batch; one that has been silent for longer than this hangs.
const SILENCE: Duration = Duration::from_secs(15 * 60);

/// A list is too old after this many intervals without one.
const MISSED: u32 = 3;

/// No list is too old before this.
const GRACE: Duration = Duration::from_secs(120);

impl Health {
    /// Judges what is seen at `now`.
    pub(super) fn of(vitals: &Vitals<'_>, now: Timestamp) -> Self {
        let mut health = Self { ailments: Vec::new(), at: now };
        let patience = patience(vitals.longest_rest);
        if !vitals.engine_runs {
            health.add("engine", "the engine has ended; the log says why".into(), true);
        } else if vitals.silent > SILENCE {
            let silent = SignedDuration::try_from(vitals.silent).unwrap_or(SignedDuration::MAX);
            let detail = format!("the engine gave no sign of life for {}", duration(silent));
            health.add("engine", detail, true);
        }
        if let Some(why) = &vitals.note_failed {
            health.add("inbox", format!("the last call could not be noted: {why}"), false);
        }
        if let Some(why) = &vitals.round_failed {
            health.add("store", format!("the last write failed: {why}"), false);
        }
        match &vitals.overview {
            Err(why) => health.add("store", format!("the store does not answer: {why}"), false),
            Ok(overview) => health.look_at(overview, patience, now),
        }
        health
    }

    fn look_at(&mut self, overview: &Overview, patience: SignedDuration, now: Timestamp) {
        if let Some(hold) = &overview.hold {
            let until = hold.until.map_or("a person acts".to_owned(), when);
            let detail = format!("calls to the vendor are paused until {until}: {}", hold.reason);
            self.add("hold", detail, false);
        }
        let Some(listing) = &overview.last_listing else {
            return self.add("list", "the order list was never read".into(), false);
        };
        if listing.is_unreadable() {
            let lines = listing.unreadable;
            let detail = format!("none of the {lines} lines of the order list could be read");
            self.add("list", detail, false);
        }
        let age = now.duration_since(listing.at);
        if age > patience {
            let detail = format!("the order list was last read {} ago", duration(age));
            self.add("list", detail, false);
        }
    }

    fn add(&mut self, code: &'static str, detail: String, fatal: bool) {
        self.ailments.push(Ailment { code, detail, fatal });
    }

    /// Whether records arrive.
    pub(super) fn is_ready(&self) -> bool {
        self.ailments.is_empty()
    }

    /// Whether a restart would change nothing.
    pub(super) fn is_alive(&self) -> bool {
        !self.ailments.iter().any(|ailment| ailment.fatal)
    }

    /// The judgement in a line, for the service manager.
    pub(super) fn line(&self) -> String {
        match self.ailments.first() {
            None => "records arrive".to_owned(),
            Some(ailment) => ailment.detail.clone(),
        }
    }

    /// What is wrong with the daemon, its disk or its database; `None` if only the vendor
    /// keeps it waiting.
    pub(super) fn trouble(&self) -> Option<String> {
        let own = |ailment: &&Ailment| ["engine", "inbox", "store"].contains(&ailment.code);
        self.ailments.iter().find(own).map(|ailment| ailment.detail.clone())
    }

    /// The judgement as `/readyz` shows it.
    pub(super) fn json(&self) -> Value {
        let why = |ailment: &Ailment| json!({ "code": ailment.code, "detail": ailment.detail });
        json!({
            "ready": self.is_ready(),
            "alive": self.is_alive(),
            "at": instant(self.at),
            "reasons": self.ailments.iter().map(why).collect::<Vec<_>>(),
        })
    }
}

fn patience(longest_rest: Duration) -> SignedDuration {
    let patience = longest_rest.saturating_mul(MISSED).max(GRACE);
    SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use qcc_sync::{Hold, Listing, Reason, ReasonCode};

    use super::*;

    const REST: Duration = Duration::from_secs(600);

    fn now() -> Timestamp {
        "2026-11-24T02:00:00Z".parse().unwrap()
    }

    fn listed(minutes_ago: i64) -> Overview {
        let mut overview = Overview::empty();
        overview.last_listing = Some(Listing {
            at: now() - SignedDuration::from_mins(minutes_ago),
            window: 30,
            listed: 3,
            fresh: 0,
            oldest: None,
            newest: None,
            unreadable: 0,
            burst: None,
        });
        overview
    }

    fn well(overview: &Overview) -> Vitals<'_> {
        Vitals {
            overview: Ok(overview),
            note_failed: None,
            round_failed: None,
            engine_runs: true,
            silent: Duration::ZERO,
            longest_rest: REST,
        }
    }

    #[track_caller]
    fn check(vitals: &Vitals<'_>, codes: &[&str], alive: bool) {
        let health = Health::of(vitals, now());
        let found: Vec<&str> = health.ailments.iter().map(|ailment| ailment.code).collect();
        assert_eq!((found.as_slice(), health.is_alive()), (codes, alive), "{health:?}");
        assert_eq!(health.is_ready(), codes.is_empty());
    }

    #[test]
    fn a_recent_list_and_a_running_engine_are_ready() {
        check(&well(&listed(1)), &[], true);
        check(&well(&listed(30)), &[], true);
    }

    #[test]
    fn what_only_time_or_a_person_mends_is_not_ready_and_alive() {
        check(&well(&listed(31)), &["list"], true);
        check(&well(&Overview::empty()), &["list"], true);
        let mut held = listed(1);
        let reason = Reason::new(ReasonCode::Account, "no such key");
        held.hold = Some(Hold { since: now(), until: None, reason });
        check(&well(&held), &["hold"], true);
        check(&Vitals { overview: Err("locked".into()), ..well(&held) }, &["store"], true);
        let full = || Some("the disk is full".into());
        check(&Vitals { round_failed: full(), ..well(&listed(1)) }, &["store"], true);
        check(&Vitals { note_failed: full(), ..well(&listed(1)) }, &["inbox"], true);
    }

    #[test]
    fn a_loop_that_ended_or_hangs_is_not_alive() {
        let overview = listed(1);
        check(&Vitals { engine_runs: false, ..well(&overview) }, &["engine"], false);
        let silent = Duration::from_secs(16 * 60);
        check(&Vitals { silent, ..well(&overview) }, &["engine"], false);
    }
}
