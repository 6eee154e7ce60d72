//! The next step, and the ledger's transitions.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use qcc_proto::{DownloadLink, Location, UnzipPassword};
use qcc_sync::{
    Applied, Failure, KeptArchive, Order, Policy, ReasonCode, Remedy, Sha256, State, Step,
    next_step,
};

fn now() -> Timestamp {
    "2026-01-05T01:00:00Z".parse().unwrap()
}

fn seen() -> Order {
    Order::seen("DDMON2026010509000000000001".parse().unwrap(), now())
}

fn location(lives: SignedDuration) -> Location {
    let end = (now() + lives).as_second();
    Location::new(
        DownloadLink::new(format!("http://h/x.zip?Expires={end}&Signature=s")),
        UnzipPassword::new("p"),
    )
}

fn kept() -> KeptArchive {
    KeptArchive { sha256: Sha256::new([7; 32]), size: 1 }
}

#[track_caller]
fn check(order: &Order, expected: Step) {
    assert_eq!(next_step(order, now()), expected, "{order:?}");
}

#[test]
fn each_state_has_its_step() {
    let hour = SignedDuration::from_hours(1);
    check(&seen(), Step::Locate);
    check(&seen().located(location(hour), now()), Step::Fetch);
    check(&seen().located(location(hour), now()).fetched(kept()), Step::Apply);
}

#[test]
fn a_link_about_to_end_is_asked_for_anew() {
    let earlier = now() - SignedDuration::from_mins(10);
    check(&seen().located(location(SignedDuration::from_secs(29)), earlier), Step::Locate);
    check(&seen().located(location(SignedDuration::from_secs(30)), earlier), Step::Fetch);
}

#[test]
fn a_link_that_ended_before_it_was_given_is_tried_once() {
    let skewed = seen().located(location(SignedDuration::from_hours(-2)), now());
    check(&skewed, Step::Fetch);
    assert_eq!(next_step(&skewed, now() + SignedDuration::from_secs(30)), Step::Locate);
}

#[test]
fn a_link_lost_in_a_crash_is_asked_for_anew() {
    let mut order = seen().located(location(SignedDuration::from_hours(1)), now());
    order.location = None;
    check(&order, Step::Locate);
}

#[test]
fn who_waits_rests_until_then_and_goes_on_where_it_was() {
    let later = now() + SignedDuration::from_secs(10);
    let failure = Failure::new(ReasonCode::Transient, "reset", Remedy::HoldAll(Some(later)));
    let order = seen().fetched(kept()).failed(&failure, &Policy::default(), now());
    check(&order, Step::Rest(Some(later)));
    assert_eq!(next_step(&order, later), Step::Apply);
}

#[test]
fn who_is_quarantined_rests_until_retried() {
    let failure = Failure::new(ReasonCode::DocumentRefused, "not JSON", Remedy::Quarantine);
    let order = seen().fetched(kept()).failed(&failure, &Policy::default(), now());
    check(&order, Step::Rest(None));
    check(&order.retried().unwrap(), Step::Apply);
}

#[test]
fn a_damaged_archive_is_downloaded_again_and_at_last_kept_for_a_person() {
    let policy = Policy::default();
    let failure = Failure::new(ReasonCode::ArchiveDamaged, "tampered", Remedy::DownloadAgain);
    let mut order = seen();
    for _ in 1..policy.downloads.get() {
        order = order.fetched(kept()).failed(&failure, &policy, now());
        assert!(matches!(order.state, State::Waiting { .. }), "{order:?}");
        assert_eq!(order.archive, None);
    }
    order = order.fetched(kept()).failed(&failure, &policy, now());
    assert!(matches!(order.state, State::Quarantined { .. }), "{order:?}");
    assert_eq!(order.archive, Some(kept()), "the raw bytes stay");
    assert_eq!(next_step(&order.retried().unwrap(), now()), Step::Locate);
}

#[test]
fn patience_ends_with_the_budget() {
    let policy = Policy::default();
    let failure = Failure::new(ReasonCode::Transient, "reset", Remedy::BackOff);
    let order = seen().failed(&failure, &policy, now());
    let nearly = now() + policy.budget - SignedDuration::from_secs(1);
    let order = (0..20).fold(order, |order, _| order.failed(&failure, &policy, nearly));
    assert!(matches!(order.state, State::Waiting { .. }));
    let order = order.failed(&failure, &policy, now() + policy.budget);
    assert_eq!(order.state.reason().unwrap().code, ReasonCode::GaveUp);
}

#[test]
fn a_clock_that_jumped_uses_up_no_patience() {
    let policy = Policy::default();
    let failure = Failure::new(ReasonCode::Transient, "reset", Remedy::BackOff);
    let years = SignedDuration::from_hours(5 * 365 * 24);
    let order = seen().failed(&failure, &policy, now()).failed(&failure, &policy, now() + years);
    assert!(matches!(order.state, State::Waiting { .. }), "{:?}", order.state);
}

#[test]
fn a_wait_that_a_clock_set_which_was_ahead_is_over() {
    let policy = Policy::default();
    let failure = Failure::new(ReasonCode::Transient, "reset", Remedy::BackOff);
    let ahead = now() + SignedDuration::from_hours(24 * 365);
    check(&seen().failed(&failure, &policy, ahead), Step::Locate);
    let midnight = now() + SignedDuration::from_hours(20);
    let limit = Failure::new(ReasonCode::DailyLimit, "109", Remedy::HoldAll(Some(midnight)));
    check(&seen().failed(&limit, &policy, now()), Step::Rest(Some(midnight)));
    let limit = Failure::new(ReasonCode::DailyLimit, "109", Remedy::HoldAll(Some(ahead)));
    check(&seen().failed(&limit, &policy, ahead), Step::Locate);
}

#[test]
fn a_hold_on_all_calls_is_no_failure_of_the_order() {
    let policy = Policy::default();
    let lost = Failure::new(ReasonCode::Transient, "reset", Remedy::BackOff);
    let account = Failure::new(ReasonCode::Account, "101", Remedy::HoldAll(None));
    let order = (0..30).fold(seen(), |order, _| order.failed(&lost, &policy, now()));
    let order = order.failed(&account, &policy, now());
    assert_eq!((order.failures, order.failing_since), (30, None));
    let later = now() + SignedDuration::from_hours(8 * 24);
    let order = order.failed(&lost, &policy, later);
    assert!(matches!(order.state, State::Waiting { .. }), "its patience begins anew");
}

#[test]
fn an_archive_on_disk_is_progress() {
    let policy = Policy::default();
    let lost = Failure::new(ReasonCode::Transient, "reset", Remedy::BackOff);
    let order = (0..9).fold(seen(), |order, _| order.failed(&lost, &policy, now()));
    let order = order.fetched(kept());
    assert_eq!((order.failures, order.failing_since), (0, None));
}

#[test]
fn only_damaged_archives_use_up_the_downloads() {
    let policy = Policy::default();
    let lost = Failure::new(ReasonCode::Transient, "reset", Remedy::BackOff);
    let cut = Failure::new(ReasonCode::ArchiveDamaged, "cut short", Remedy::DownloadAgain);
    let mut order = (0..20).fold(seen(), |order, _| order.failed(&lost, &policy, now()));
    for _ in 1..policy.downloads.get() {
        order = order.failed(&cut, &policy, now());
        assert!(matches!(order.state, State::Waiting { .. }), "{:?}", order.state);
        order = order.failed(&lost, &policy, now());
    }
    let order = order.failed(&cut, &policy, now());
    assert_eq!(order.state.reason().unwrap().code, ReasonCode::ArchiveDamaged);
    assert!(matches!(order.state, State::Quarantined { .. }));
    assert_eq!(order.retried().unwrap().damaged, 0, "a person begins anew");
}

#[derive(Debug, Clone)]
enum Happening {
    Located,
    Fetched,
    Applied,
    Failed(usize, u8),
    Retried,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        Just(Happening::Located),
        Just(Happening::Fetched),
        Just(Happening::Applied),
        (0..ReasonCode::ALL.len(), 0..4u8)
            .prop_map(|(code, remedy)| Happening::Failed(code, remedy)),
        Just(Happening::Retried),
    ]
}

proptest! {
    /// Whatever happens to an order: it keeps its number, never rests for ever
    /// unless applied or quarantined, and a password once known stays known.
    #[test]
    fn no_order_is_ever_stuck(happenings in prop::collection::vec(happening(), 0..40)) {
        let policy = Policy::default();
        let mut order = seen();
        let mut at = now();
        for happening in happenings {
            at += SignedDuration::from_secs(60);
            let had_password = order.password.is_some();
            let remedies = [
                Remedy::BackOff, Remedy::DownloadAgain, Remedy::Quarantine, Remedy::HoldAll(None),
            ];
            order = match happening {
                Happening::Located => order.located(location(SignedDuration::from_hours(1)), at),
                Happening::Fetched => order.fetched(kept()),
                Happening::Applied => order.applied(Applied {
                    at,
                    push_date: "2026-01-05 09:00:00".parse().unwrap(),
                    total_size: 1,
                    stored: 1,
                    changes: None,
                    superseded: 0,
                    quarantined: 0,
                }),
                Happening::Failed(code, remedy) => {
                    let remedy = remedies[usize::from(remedy)];
                    order.failed(&Failure::new(ReasonCode::ALL[code], "x", remedy), &policy, at)
                }
                Happening::Retried => order.clone().retried().unwrap_or(order),
            };
            prop_assert_eq!(&order.no, &seen().no);
            prop_assert!(order.password.is_some() || !had_password);
            let ends = matches!(order.state, State::Applied | State::Quarantined { .. });
            prop_assert_eq!(next_step(&order, at) == Step::Rest(None), ends);
            if let Step::Rest(Some(until)) = next_step(&order, at) {
                prop_assert!(until > at);
                prop_assert!(!matches!(next_step(&order, until), Step::Rest(_)));
            }
        }
    }
}
