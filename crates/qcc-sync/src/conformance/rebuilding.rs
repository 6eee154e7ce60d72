//! Snapshots stand still; what is adopted or reopened loses nothing.

use qcc_proto::UnzipPassword;

use super::{
    Fresh,
    given::{Archive, add, at, claim, known, line, list, no, ok, record, row, with, worker},
};
use crate::{
    Changes, KeptArchive, Order, Reason, ReasonCode, SetAside, Sha256, State, StoredRecord, Written,
};

fn aside(position: u64) -> SetAside {
    SetAside { position, code: "missing_field".into(), detail: "id".into(), raw: b"{}".to_vec() }
}

fn kept(byte: u8) -> KeptArchive {
    KeptArchive { sha256: Sha256::new([byte; 32]), size: 7 }
}

/// An order as it is found beside its archive.
fn found(order_no: &str, byte: u8) -> Order {
    let mut order = Order::seen(no(order_no), at(1)).fetched(kept(byte));
    order.password = Some(UnzipPassword::new("found"));
    order.listed_at = Some(at(2));
    order
}

pub(super) async fn a_snapshot_stands_still(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    Archive::new("A1", 0, vec![row(0, record("a", "1")), row(1, record("b", "1"))])
        .apply(store, 0)
        .await;
    let mut snapshot = ok(store.snapshot().await);
    let mut later =
        Archive::new("A2", 10, vec![row(0, record("a", "2")), row(1, record("c", "2"))]);
    later.aside = vec![aside(2)];
    later.apply(store, 10).await;
    ok(store.note_call(&no("A3"), at(20)).await);

    let ids = |records: Vec<StoredRecord>| -> Vec<(String, String)> {
        let pair = |stored: StoredRecord| {
            (stored.record.id, stored.record.monitor_content.unwrap_or_default())
        };
        records.into_iter().map(pair).collect()
    };
    let pair = |id: &str, version: &str| (id.to_owned(), version.to_owned());
    let before = ids(ok(snapshot.records(None, 10).await));
    assert_eq!(before, [pair("a", "1"), pair("b", "1")]);
    assert_eq!(ok(snapshot.counted().await), 2);
    let orders = ok(snapshot.orders(None, 10).await);
    let numbers: Vec<_> = orders.into_iter().map(|order| order.no).collect();
    assert_eq!(numbers, [no("A1")]);
    assert_eq!(ok(snapshot.set_aside(&no("A2"), None, 10).await), []);
    drop(snapshot);

    let mut now = ok(store.snapshot().await);
    let after = ids(ok(now.records(None, 10).await));
    assert_eq!(after, [pair("a", "2"), pair("b", "1"), pair("c", "2")]);
    assert_eq!(ok(now.counted().await), 3);
    assert_eq!(ok(now.set_aside(&no("A2"), None, 10).await), [aside(2)]);
}

pub(super) async fn a_snapshot_pages_without_holes(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let ids = ["Z", "a", "b-1", "b_1", "企"];
    let rows = (0..).zip(ids).map(|(position, id)| row(position, record(id, "1"))).collect();
    let mut archive = Archive::new("b", 0, rows);
    archive.aside = vec![aside(5), aside(6), aside(7)];
    archive.apply(store, 0).await;
    Archive::new("B", 0, Vec::new()).apply(store, 0).await;
    Archive::new("_", 0, Vec::new()).apply(store, 0).await;
    let mut snapshot = ok(store.snapshot().await);
    let (mut paged, mut numbers, mut positions) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(next) = ok(snapshot.records(paged.last().map(String::as_str), 1).await).pop() {
        paged.push(next.record.id);
    }
    while let Some(next) = ok(snapshot.orders(numbers.last(), 1).await).pop() {
        numbers.push(next.no);
    }
    while let Some(next) =
        ok(snapshot.set_aside(&no("b"), positions.last().copied(), 1).await).pop()
    {
        positions.push(next.position);
    }
    assert_eq!(paged, ids);
    assert_eq!(numbers, ["B", "_", "b"].map(no));
    assert_eq!(positions, [5, 6, 7]);
}

pub(super) async fn unknown_orders_are_adopted_as_found(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let (one, two) = (found("A1", 1), found("A2", 2));
    let adopted = ok(store.adopt(&[one.clone(), two.clone()], &worker("replay"), at(2)).await);
    assert_eq!(adopted, ["A1", "A2"].map(no));
    assert_eq!(known(store, &no("A1")).await, one);
    assert_eq!(ok(store.adopt(&[one, two], &worker("replay"), at(2)).await), [], "once");
    let due = claim(store, &worker("hand"), 10).await;
    assert_eq!(
        due.map(|lease| (lease.order.no, lease.order.archive)),
        Some((no("A1"), Some(kept(1))))
    );
}

pub(super) async fn a_known_order_is_adopted_only_by_name(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    Archive::new("A0", 0, vec![row(0, record("a", "1"))]).apply(store, 0).await;
    let listed = [line("A1", 5)];
    list(store, 6, &listed).await;
    add(store, &no("A2"), 7).await;
    let hand = worker("hand");
    let held = super::given::lease(store, &no("A2"), &hand, 8).await;

    let all = [found("A0", 9), found("A1", 1), found("A2", 2)];
    assert_eq!(ok(store.adopt(&all, &worker("replay"), at(9)).await), [no("A1")]);
    let order = known(store, &no("A1")).await;
    assert_eq!((order.state, order.archive), (State::Fetched, Some(kept(1))));
    let noted = (order.first_seen_at, order.listed_at, order.created_at);
    assert_eq!(noted, (at(6), Some(at(6)), line("A1", 5).created_at));
    assert_eq!(order.password, Some(UnzipPassword::new("found")));
    assert_eq!(known(store, &no("A0")).await.state, State::Applied);
    assert_eq!(known(store, &no("A2")).await, held.order);
    let own = ok(store.adopt(&[found("A2", 2)], &hand, at(9)).await);
    assert_eq!(own, [no("A2")], "a lease of one's own is in nobody's way");

    add(store, &no("A3"), 7).await;
    super::given::lease(store, &no("A3"), &worker("dead"), 8).await;
    let late = ok(store.adopt(&[found("A3", 3)], &worker("replay"), at(1_000_000)).await);
    assert_eq!(late, [no("A3")], "nor is one that has ended");

    for (number, code, taken) in
        [("A4", ReasonCode::GaveUp, true), ("A5", ReasonCode::ArchiveDamaged, false)]
    {
        add(store, &no(number), 7).await;
        let lease = super::given::lease(store, &no(number), &hand, 8).await;
        let reason = Reason::new(code, "as it is in the ledger");
        let state = State::Quarantined { reason };
        let lease = with(&lease, |order| Order { state, failures: 3, ..order });
        ok(store.save(&lease, at(8)).await);
        ok(store.release(&lease).await);
        let adopted = ok(store.adopt(&[found(number, 4)], &worker("replay"), at(9)).await);
        assert_eq!(adopted == [no(number)], taken, "{number}");
        let failures = known(store, &no(number)).await.failures;
        assert_eq!(failures, if taken { 0 } else { 3 }, "{number}");
    }
}

pub(super) async fn an_applied_order_can_be_applied_again(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    ok(store.adopt(&[found("A1", 1)], &worker("replay"), at(2)).await);
    let archive = Archive::new("A1", 0, vec![row(0, record("a", "1"))]);
    archive.apply(store, 10).await;
    let before = known(store, &no("A1")).await;
    let hand = worker("hand");
    let Some(lease) = ok(store.reopen(&no("A1"), &hand, at(20)).await) else {
        panic!("an applied order with its archive was not reopened");
    };
    let order = &lease.order;
    assert_eq!((&order.state, order.archive), (&State::Fetched, Some(kept(1))));
    assert_eq!(order.applied, before.applied, "what it was applied with stays noted");
    let other = worker("other");
    assert_eq!(ok(store.reopen(&no("A1"), &other, at(20)).await), None, "it is leased");
    assert_eq!(claim(store, &other, 20).await, None, "it is leased");
    ok(store.release(&lease).await);

    assert_eq!(
        archive.apply(store, 30).await,
        Written { changes: Changes { new: 0, updated: 0, unchanged: 1 }, superseded: 0 }
    );
    let after = known(store, &no("A1")).await;
    let noted = (after.state, after.applied);
    assert_eq!(noted, (State::Applied, before.applied), "what was noted the first time stays");
    assert_eq!(ok(store.overview().await).records, 1);
}

pub(super) async fn what_cannot_be_applied_is_not_reopened(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let hand = worker("hand");
    Archive::new("A1", 0, vec![row(0, record("a", "1"))]).apply(store, 0).await;
    add(store, &no("A2"), 0).await;
    ok(store.adopt(&[found("A3", 3)], &worker("replay"), at(4)).await);
    let mut lease = super::given::lease(store, &no("A3"), &hand, 1).await;
    let reason = Reason::new(ReasonCode::CountMismatch, "two");
    lease.order.state = State::Quarantined { reason };
    ok(store.save(&lease, at(1)).await);
    ok(store.release(&lease).await);
    for order_no in ["A1", "A2", "A3", "A4"] {
        assert_eq!(ok(store.reopen(&no(order_no), &hand, at(2)).await), None, "{order_no}");
    }
    assert_eq!(known(store, &no("A1")).await.state, State::Applied);
    assert_eq!(known(store, &no("A3")).await.state, lease.order.state);
}

pub(super) async fn old_records_are_removed_a_portion_at_a_time(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let rows = |ids: [&str; 3]| (0..).zip(ids).map(|(at, id)| row(at, record(id, "1"))).collect();
    Archive::new("A1", 0, rows(["a", "b", "c"])).apply(store, 0).await;
    Archive::new("A2", 10, rows(["c", "d", "e"])).apply(store, 10).await;
    let before = super::given::local(10);
    assert_eq!(ok(store.count_records_before(before).await), 2);
    assert_eq!(ok(store.remove_records_before(before, 1).await), 1);
    assert_eq!(ok(store.remove_records_before(before, 10).await), 1);
    assert_eq!(ok(store.remove_records_before(before, 10).await), 0);
    let mut snapshot = ok(store.snapshot().await);
    let left = ok(snapshot.records(None, 10).await);
    let left: Vec<_> = left.into_iter().map(|stored| stored.record.id).collect();
    assert_eq!(left, ["c", "d", "e"]);
    assert_eq!(ok(snapshot.counted().await), 3);
}
