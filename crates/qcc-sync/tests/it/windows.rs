//! The window of the order list, at its edges: gaps, bursts and pressure.

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{ListedOrder, ShanghaiTime};
use qcc_sync::{Burst, Continuity, Listing, Order, detect_gap, fastest_burst, oldest_before};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_574_800 + second).unwrap()
}

fn line(no: &str, second: Option<i64>) -> ListedOrder {
    let created_at = second.map(|second| ShanghaiTime::from_timestamp(at(second)));
    ListedOrder::new(no.parse().unwrap(), created_at)
}

fn continuity(listed_before: u32, newest: Option<&str>, kept: Option<&str>) -> Continuity {
    Continuity {
        listed_before,
        newest_listed: newest.map(|no| line(no, Some(-100))),
        oldest_kept: kept.map(|no| line(no, Some(-200))),
    }
}

fn listing(listed: u32, fresh: u32, unreadable: u32) -> Listing {
    Listing {
        at: at(0),
        window: 30,
        listed,
        fresh,
        oldest: None,
        newest: None,
        unreadable,
        burst: None,
    }
}

#[test]
fn a_gap_begins_at_the_newest_order_listed_or_else_at_the_oldest_kept() {
    let listed = [line("B2", Some(20)), line("B1", Some(10))];
    let ends = |continuity| {
        detect_gap(&listed, &continuity, at(60)).map(|gap| {
            assert_eq!((gap.found_at, gap.closed_at, gap.note), (at(60), None, None));
            (gap.after.order_no.to_string(), gap.before.order_no.to_string())
        })
    };
    let between = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
    assert_eq!(ends(continuity(0, Some("A1"), Some("K1"))), between("A1", "B1"));
    assert_eq!(ends(continuity(0, None, Some("K1"))), between("K1", "B1"));
    assert_eq!(ends(continuity(0, None, None)), None);
    assert_eq!(ends(continuity(1, Some("A1"), Some("K1"))), None);
}

#[test]
fn of_kept_orders_the_oldest_counts_if_it_was_made_before_the_list() {
    let listed = [line("M2", Some(50)), line("M1", Some(10))];
    let kept = |no: &str, second: Option<i64>, heard: i64| {
        let order = Order::seen(no.parse().unwrap(), at(heard));
        let created_at = second.map(|second| ShanghaiTime::from_timestamp(at(second)));
        Order { created_at, ..order }
    };
    let oldest = |orders: Vec<Order>| {
        oldest_before(&listed, orders).map(|line| line.order_no.as_str().to_owned())
    };
    let name = |no: &str| Some(no.to_owned());
    assert_eq!(oldest(vec![]), None);
    assert_eq!(
        oldest(vec![kept("K1", Some(5), 0), kept("K2", Some(3), 0), kept("K3", Some(9), 0)]),
        name("K2")
    );
    assert_eq!(oldest(vec![kept("K1", Some(11), 0)]), None, "younger than the list's oldest");
    // Of one second the number decides, and an order is not older than itself.
    assert_eq!(oldest(vec![kept("A1", Some(10), 0)]), name("A1"));
    assert_eq!(oldest(vec![kept("M1", Some(10), 0)]), None);
    assert_eq!(oldest(vec![kept("Z1", Some(10), 0)]), None);
    // Without a creation time: the number's hint, or when it was heard of.
    assert_eq!(oldest(vec![kept("K1", None, 9)]), name("K1"));
    assert_eq!(oldest(vec![kept("K1", None, 11)]), None);
    let hinted = "DDMON2026010508000012345678";
    assert_eq!(oldest(vec![kept(hinted, None, 999)]), name(hinted));
    assert_eq!(oldest_before(&[], [kept("K1", Some(1), 0)]), None, "a list that names nothing");
}

#[test]
fn a_list_is_wholly_new_mostly_new_or_unreadable() {
    for (listed, fresh, all, mostly) in [
        (0, 0, false, false),
        (1, 1, true, false),
        (2, 1, false, false),
        (14, 14, true, false),
        (30, 14, false, false),
        (30, 15, false, true),
        (30, 29, false, true),
        (30, 30, true, true),
        // More than were counted as listed: another worker read a longer list meanwhile.
        (29, 30, true, true),
    ] {
        let listing = listing(listed, fresh, 0);
        assert_eq!(
            (listing.is_all_fresh(), listing.is_mostly_fresh()),
            (all, mostly),
            "{fresh} of {listed}"
        );
    }
    for (listed, unreadable, expected) in
        [(0, 0, false), (0, 1, true), (1, 1, false), (1, 0, false)]
    {
        let listing = listing(listed, 0, unreadable);
        assert_eq!(listing.is_unreadable(), expected, "{listed} read, {unreadable} not");
    }
}

#[test]
fn a_window_lasts_as_long_as_so_many_orders_take() {
    let lasts = |orders, millis, window| {
        Burst { orders, within: SignedDuration::from_millis(millis), at: at(0) }
            .window_lasts(window)
            .as_millis()
    };
    assert_eq!(lasts(6, 60_000, 30), 300_000);
    assert_eq!(lasts(7, 1000, 30), 4285);
    assert_eq!(lasts(1, 0, 30), 30, "no orders come within no time");
    assert_eq!(lasts(0, 1000, 0), 1000);
    assert_eq!(lasts(1, i64::MAX, 2), i128::from(i64::MAX));
}

#[test]
fn a_burst_takes_three_orders_and_time_that_passed() {
    let burst = |fresh, last: Option<i64>, now| {
        let found = fastest_burst(&[], 30, fresh, last.map(at), None, at(now));
        found.map(|burst| (burst.orders, burst.within.as_secs()))
    };
    assert_eq!(burst(3, Some(0), 60), Some((3, 60)));
    assert_eq!(burst(2, Some(0), 60), None);
    assert_eq!(burst(3, None, 60), None);
    assert_eq!(burst(3, Some(60), 60), None, "no time passed");
    assert_eq!(burst(3, Some(61), 60), None, "the clock was set back");
    let listed: Vec<_> = (0..3).map(|n| line(&format!("A{n}"), Some(n * 10))).collect();
    let close = |listed: &[ListedOrder], window| {
        let found = fastest_burst(listed, window, 0, None, None, at(99));
        found.map(|burst| (burst.orders, burst.within.as_secs()))
    };
    assert_eq!(close(&listed, 5), Some((2, 20)), "three are the fewest that are looked at");
    assert_eq!(close(&listed, 20), None, "a fifth of the window is four");
    assert_eq!(close(&listed[..2], 5), None);
}

#[test]
fn a_burst_of_the_future_is_forgotten_and_one_of_now_is_not() {
    let of = |second| {
        let before = Burst { orders: 5, within: SignedDuration::from_secs(5), at: at(second) };
        fastest_burst(&[], 30, 0, None, Some(before), at(0)).is_some()
    };
    assert!(of(0) && of(-25 * 3600 + 1));
    assert!(!of(1) && !of(-25 * 3600));
}

#[test]
fn the_faster_burst_is_the_one_with_less_time_for_each_order() {
    let before = Burst { orders: 30, within: SignedDuration::from_secs(100), at: at(0) };
    let slower = fastest_burst(&[], 30, 4, Some(at(0)), Some(before), at(15));
    assert_eq!(slower, Some(before), "four in 15 s are slower than thirty in 100 s");
    let faster = fastest_burst(&[], 30, 5, Some(at(0)), Some(before), at(15));
    assert_eq!(faster.map(|burst| burst.orders), Some(5));
}

#[test]
fn a_burst_that_comes_again_is_remembered_for_another_day() {
    let day = 24 * 3600;
    let before = Burst { orders: 5, within: SignedDuration::from_secs(5), at: at(0) };
    let again = fastest_burst(&[], 30, 5, Some(at(day - 5)), Some(before), at(day)).unwrap();
    assert_eq!((again.orders, again.within, again.at), (5, before.within, at(day)));
    assert_eq!(fastest_burst(&[], 30, 0, None, Some(again), at(2 * day)), Some(again));
}
