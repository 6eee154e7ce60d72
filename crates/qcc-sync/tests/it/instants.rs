//! Two things at one instant: which of them counts as the earlier.

use qcc_sync::{Activation, Delivery, DeliveryPolicy, Heal, HealWait, next_heal};

use crate::delivery::{at, expecting, uncalled};

#[test]
fn a_call_at_the_instant_of_consent_is_the_first_of_the_new_calls() {
    let policy = DeliveryPolicy::default();
    let mut overview = expecting();
    overview.callbacks.activation =
        Some(Activation { tried_at: at(25), tries: 1, agreed_at: Some(at(26)) });
    overview.last_call = Some(at(26));
    assert_eq!(overview.delivery(&policy, at(27)), Delivery::Healthy { last_call: at(26) });
    overview.last_call = Some(at(25));
    assert_eq!(overview.delivery(&policy, at(27)), Delivery::Activated { at: at(26) });
}

#[test]
fn a_call_at_the_instant_of_an_attempt_was_made_before_it() {
    let policy = DeliveryPolicy::default();
    let attempt = Activation { tried_at: at(100), tries: 3, agreed_at: None };
    let again = |call| Activation::again(Some(&attempt), Some(at(call)), at(200)).tries;
    assert_eq!((again(99), again(100), again(101)), (4, 4, 1));
    let mut overview = uncalled();
    overview.callbacks.activation = Some(attempt);
    overview.last_call = Some(at(100));
    let spent = Heal::Wait { until: at(100 + 24 * 60), for_what: HealWait::Spent };
    assert_eq!(next_heal(&overview, None, &policy, at(101)), spent);
}
