//! What is done about calls that do not arrive: decided from the ledger alone.

use jiff::Timestamp;
use qcc_sync::{Activation, DeliveryPolicy, Heal, HealWait, Overview, Probed, next_heal};

use crate::delivery::{at, expecting, uncalled};

#[track_caller]
fn check(overview: &Overview, probed: Option<(i64, &Probed)>, minute: i64, expected: Heal) {
    let probed = probed.map(|(minute, outcome)| (at(minute), outcome));
    let heal = next_heal(overview, probed, &DeliveryPolicy::default(), at(minute));
    assert_eq!(heal, expected, "at minute {minute}, {probed:?}, {:?}", overview.callbacks);
}

fn wait(minute: i64, for_what: HealWait) -> Heal {
    Heal::Wait { until: at(minute), for_what }
}

fn failed() -> Probed {
    Probed::Failed("HTTP 502".into())
}

#[test]
fn only_missing_calls_are_healed() {
    check(&Overview::empty(), None, 9000, Heal::Nothing);
    check(&expecting(), None, 9000, Heal::Nothing);
    check(&uncalled(), None, 24, Heal::Nothing);
    check(&uncalled(), None, 25, Heal::Probe);
    let mut healed = expecting();
    healed.callbacks.activation =
        Some(Activation { tried_at: at(25), tries: 1, agreed_at: Some(at(25)) });
    check(&healed, None, 9000, Heal::Nothing);
}

#[test]
fn our_own_url_is_tried_first() {
    let overview = uncalled();
    check(&overview, Some((25, &Probed::Reached)), 25, Heal::Activate);
    check(&overview, Some((25, &Probed::NotConfigured)), 26, Heal::Activate);
    check(&overview, Some((25, &Probed::Reached)), 30, Heal::Probe);
    check(&overview, Some((31, &Probed::Reached)), 30, Heal::Probe);
}

#[test]
fn a_broken_own_url_is_tried_again_and_costs_no_activation() {
    for minute in (25..3000).step_by(5) {
        check(&uncalled(), Some((minute, &failed())), minute, wait(minute + 5, HealWait::OwnUrl));
        check(&uncalled(), Some((minute, &failed())), minute + 5, Heal::Probe);
    }
}

#[test]
fn activations_back_off_and_then_are_daily() {
    let waits = [(1, 30), (2, 60), (3, 24 * 60), (4, 24 * 60), (1000, 24 * 60)];
    for (tries, minutes) in waits {
        let mut overview = uncalled();
        let tried_at = at(100);
        overview.callbacks.activation = Some(Activation { tried_at, tries, agreed_at: None });
        let why = if tries < 3 { HealWait::BackOff } else { HealWait::Spent };
        check(&overview, None, 100, wait(100 + minutes, why));
        check(&overview, None, 99 + minutes, wait(100 + minutes, why));
        check(&overview, None, 100 + minutes, Heal::Probe);
        check(&overview, None, 99, Heal::Probe);
    }
}

#[test]
fn a_call_between_restores_the_budget_but_not_the_first_wait() {
    let mut overview = uncalled();
    overview.callbacks.activation =
        Some(Activation { tried_at: at(100), tries: 3, agreed_at: None });
    overview.last_call = Some(at(101));
    check(&overview, None, 129, wait(130, HealWait::BackOff));
    check(&overview, None, 130, Heal::Probe);
    let before = overview.callbacks.activation.as_ref();
    let again = Activation::again(before, overview.last_call, at(130));
    assert_eq!(again, Activation { tried_at: at(130), tries: 1, agreed_at: None });
    let again = Activation::again(before, Some(at(99)), at(130)).agreed(at(131));
    assert_eq!(again, Activation { tried_at: at(130), tries: 4, agreed_at: Some(at(131)) });
}

/// A receiver that starts over every minute knows nothing but the ledger.
#[test]
fn a_restart_loop_keeps_to_the_budget() {
    let mut overview = uncalled();
    let mut activations: Vec<Timestamp> = Vec::new();
    for minute in 0..5 * 24 * 60 {
        let (policy, now) = (DeliveryPolicy::default(), at(minute));
        if next_heal(&overview, Some((now, &Probed::NotConfigured)), &policy, now) == Heal::Activate
        {
            let before = overview.callbacks.activation.as_ref();
            overview.callbacks.activation = Some(Activation::again(before, None, now));
            activations.push(now);
        }
    }
    let minutes: Vec<i64> =
        activations.iter().map(|time| time.duration_since(at(0)).as_mins()).collect();
    let day = 24 * 60;
    assert_eq!(minutes, [25, 55, 115, 115 + day, 115 + 2 * day, 115 + 3 * day, 115 + 4 * day]);
}
