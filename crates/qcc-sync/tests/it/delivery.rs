//! Whether calls arrive, how often the list is read, how long one may be away.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use qcc_sync::{Activation, AnswerErrors, Burst, Delivery, DeliveryPolicy, Listing, Overview};

/// So many minutes into the story.
pub(crate) fn at(minute: i64) -> Timestamp {
    let begin: Timestamp = "2026-01-05T01:00:00Z".parse().unwrap();
    begin + SignedDuration::from_mins(minute)
}

/// A receiver that expects calls from minute 0, and a list read then.
pub(crate) fn expecting() -> Overview {
    let mut overview = Overview::empty();
    overview.callbacks.expected_since = Some(at(0));
    overview.last_listing = Some(listing(0, 0));
    overview
}

/// The same, with two orders listed at minute 10 that no call came about.
pub(crate) fn uncalled() -> Overview {
    let mut overview = expecting();
    (overview.callbacks.uncalled, overview.callbacks.uncalled_since) = (2, Some(at(10)));
    overview
}

fn listing(minute: i64, listed: u32) -> Listing {
    Listing {
        at: at(minute),
        window: 30,
        listed,
        fresh: 0,
        oldest: None,
        newest: None,
        unreadable: 0,
        burst: None,
    }
}

/// A full list whose window lasts so long.
fn full(minute: i64, lasts: SignedDuration) -> Listing {
    let burst = Burst { orders: 30, within: lasts, at: at(minute) };
    Listing { burst: Some(burst), ..listing(minute, 30) }
}

#[track_caller]
fn check(overview: &Overview, minute: i64, expected: Delivery) {
    let policy = DeliveryPolicy::default();
    assert_eq!(overview.delivery(&policy, at(minute)), expected, "{overview:?}");
}

#[test]
fn without_a_receiver_or_a_list_nothing_is_known() {
    check(&Overview::empty(), 0, Delivery::Unknown);
    let mut overview = expecting();
    overview.last_listing = None;
    check(&overview, 5000, Delivery::Unknown);
    overview.last_listing = Some(listing(-1, 3));
    check(&overview, 5000, Delivery::Unknown);
    overview.callbacks.expected_since = None;
    overview.last_call = Some(at(-1));
    check(&overview, 0, Delivery::Unknown);
}

#[test]
fn an_order_that_came_by_call_is_health_until_it_is_old_news() {
    let mut overview = expecting();
    overview.last_call = Some(at(30));
    check(&overview, 30, Delivery::Healthy { last_call: at(30) });
    check(&overview, 30 + 24 * 60 - 1, Delivery::Healthy { last_call: at(30) });
    check(&overview, 30 + 24 * 60, Delivery::NoNews { since: at(30) });
}

#[test]
fn silence_on_both_sides_is_no_news() {
    check(&expecting(), 1, Delivery::NoNews { since: at(0) });
    check(&expecting(), 50_000, Delivery::NoNews { since: at(0) });
}

#[test]
fn a_listed_order_is_awaited_and_then_missed() {
    let mut overview = uncalled();
    check(&overview, 10, Delivery::Awaited { orders: 2, until: at(25) });
    check(&overview, 24, Delivery::Awaited { orders: 2, until: at(25) });
    check(&overview, 25, Delivery::Broken { orders: 2, since: at(10) });
    overview.last_call = Some(at(9));
    check(&overview, 25, Delivery::Broken { orders: 2, since: at(10) });
}

#[test]
fn five_errors_of_ours_in_a_row_break_delivery_at_once() {
    let erring = |in_a_row, mut overview: Overview| {
        overview.callbacks.errors = Some(AnswerErrors { in_a_row, last_at: at(12) });
        overview
    };
    let broken = |orders, minute| Delivery::Broken { orders, since: at(minute) };
    check(&erring(5, expecting()), 12, broken(0, 12));
    check(&erring(5, uncalled()), 12, broken(2, 10));
    check(&erring(4, uncalled()), 12, Delivery::Awaited { orders: 2, until: at(25) });
    let mut called = erring(4, expecting());
    called.last_call = Some(at(11));
    check(&called, 12, Delivery::Healthy { last_call: at(11) });
}

#[test]
fn after_an_activation_the_next_order_tells() {
    let activation = |agreed_at| Some(Activation { tried_at: at(25), tries: 1, agreed_at });
    let mut overview = expecting();
    overview.last_call = Some(at(9));
    overview.callbacks.activation = activation(Some(at(26)));
    check(&overview, 27, Delivery::Activated { at: at(26) });
    check(&overview, 9000, Delivery::Activated { at: at(26) });
    overview.last_call = Some(at(40));
    check(&overview, 41, Delivery::Healthy { last_call: at(40) });

    let mut overview = uncalled();
    overview.callbacks.activation = activation(None);
    check(&overview, 30, Delivery::Broken { orders: 2, since: at(10) });
}

#[test]
fn the_list_is_read_three_times_while_a_window_lasts() {
    let interval = |listing: Option<Listing>| {
        let mut overview = Overview::empty();
        overview.last_listing = listing;
        overview.poll_interval()
    };
    assert_eq!(interval(None), Duration::from_secs(300));
    assert_eq!(interval(Some(listing(0, 29))), Duration::from_secs(300), "no rate is known");
    for (lasts, expected) in [(0, 15), (30, 15), (150, 50), (900, 300), (1800, 600), (99_999, 600)]
    {
        let list = full(0, SignedDuration::from_secs(lasts));
        assert_eq!(interval(Some(list)), Duration::from_secs(expected), "{lasts} s");
    }
    let mostly_new = Listing { fresh: 15, ..full(0, SignedDuration::from_hours(9)) };
    assert_eq!(interval(Some(mostly_new)), Duration::from_secs(2), "read again at once");
}

#[test]
fn the_allowance_runs_out_as_the_last_list_ages() {
    let mut overview = Overview::empty();
    assert_eq!(overview.downtime_allowance(at(0)), None);
    overview.last_listing = Some(listing(0, 29));
    assert_eq!(overview.downtime_allowance(at(0)), None, "no rate is known");
    let wholly_new = Listing { fresh: 30, ..full(10, SignedDuration::from_mins(90)) };
    overview.last_listing = Some(wholly_new);
    assert_eq!(overview.downtime_allowance(at(10)), None, "more may have come and gone");
    let usual = full(10, SignedDuration::from_mins(90));
    let unnamed = Listing { listed: 0, fresh: 0, ..usual.clone() };
    overview.last_listing = Some(unnamed);
    assert_eq!(overview.downtime_allowance(at(10)), None, "it shows nothing");
    overview.last_listing = Some(Listing { unreadable: 1, ..usual.clone() });
    assert_eq!(overview.downtime_allowance(at(10)), None, "an order may be hidden");
    overview.last_listing = Some(usual);
    for (minute, left) in [(10, 90), (40, 60), (100, 0), (500, 0)] {
        let allowance = overview.downtime_allowance(at(minute));
        assert_eq!(allowance, Some(SignedDuration::from_mins(left)), "at minute {minute}");
    }
}
