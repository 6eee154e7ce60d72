//! The list's window, the schedule, and what is missed.

use std::time::Duration;

use qcc_sim::{PushSchedule, VendorConfig};

use crate::support::*;

#[test]
fn only_the_newest_thirty_are_listed_newest_first() {
    let mut vendor = vendor(VendorConfig::default());
    let pushed: Vec<_> = (0..35).map(|n| vendor.push(at(n * 900))).collect();
    let listed = list(&mut vendor, at(40 * 900));
    let expected: Vec<_> = pushed.iter().rev().take(30).cloned().collect();
    assert_eq!(listed, expected);
    let left = locate(&mut vendor, &pushed[0], at(40 * 900));
    assert_eq!(
        left.order_no.as_ref(),
        Some(&pushed[0]),
        "an order is kept though it left the list"
    );
}

#[test]
fn orders_that_leave_unlisted_are_missed() {
    let mut vendor = vendor(VendorConfig { window: 3, ..Default::default() });
    let pushed: Vec<_> = (0..3).map(|n| vendor.push(at(n))).collect();
    assert_eq!(list(&mut vendor, at(10)).len(), 3);
    let later: Vec<_> = (0..5).map(|n| vendor.push(at(20 + n))).collect();
    let truth = vendor.truth();
    let missed: Vec<_> = truth.orders.iter().filter(|(_, o)| o.missed).map(|(no, _)| no).collect();
    let mut expected: Vec<_> = later[..2].iter().collect();
    expected.sort();
    assert_eq!(missed, expected);
    assert!(pushed.iter().all(|no| truth.orders[no].listed));
}

#[test]
fn a_list_that_does_not_arrive_lists_nothing() {
    for fault in ["reset-after*1", "reset-before*1", "truncated-answer*1", "http-502-html*1"] {
        let faults = fault.parse().unwrap();
        let mut vendor = vendor(VendorConfig { window: 1, faults, ..Default::default() });
        let order = vendor.push(at(0));
        vendor.handle(&list_request(at(1)), at(1));
        vendor.push(at(2));
        assert!(vendor.truth().orders[&order].missed, "{fault}");
    }
}

#[test]
fn scheduled_orders_are_made_at_their_own_time() {
    let mut vendor = vendor(VendorConfig::default());
    let every = Duration::from_secs(900);
    vendor.push_every(PushSchedule { first: at(0), every, count: 4 });
    assert_eq!(vendor.next_due(), Some(at(0)));
    assert_eq!(list(&mut vendor, at(1000)).len(), 2);
    assert_eq!(vendor.next_due(), Some(at(1800)));
    assert_eq!(list(&mut vendor, at(90_000)).len(), 4);
    assert_eq!(vendor.next_due(), None);
    let created: Vec<_> =
        vendor.truth().orders.values().map(|o| o.created_at.timestamp()).collect();
    assert_eq!(created, [at(0), at(900), at(1800), at(2700)]);
}

#[test]
fn scheduled_orders_keep_the_push_window_where_told_to() {
    let mut vendor = vendor(VendorConfig { keeps_push_window: true, ..Default::default() });
    let query = "&enablePush=A&callbackUrl=http%3A%2F%2Fh%2F&pushPeriodTime=13";
    vendor.handle(&signed("setDdRiskApiPushSetting", query, at(0)), at(0));
    vendor.push_every(PushSchedule { first: at(0), every: Duration::from_secs(60), count: 2 });
    assert!(vendor.due_callbacks(at(3600)).is_empty());
    vendor.advance(at(6 * 3600));
    let truth = vendor.truth();
    let created: Vec<_> = truth.orders.values().map(|o| o.created_at.to_string()).collect();
    assert_eq!(created, ["2022-06-07 13:00:00", "2022-06-07 13:00:00"]);
}
