//! What a person decides, what is forgotten without one, and signs of life.

use qcc_proto::UnzipPassword;

use super::{
    Fresh,
    given::{Archive, at, claim_no, known, lease, line, list, listing, no, ok, put, with, worker},
    leasing::kept,
    noting::gap,
};
use crate::{
    DENIED_FORGOTTEN_AFTER, Decision, FORGOTTEN_AFTER, Life, Order, Reason, ReasonCode, SetAside,
    State, StateName, Store,
};

async fn decide(store: &dyn Store, decision: Decision, second: i64) -> bool {
    ok(store.decide(&decision, at(second)).await)
}

/// Notes an order and quarantines it.
async fn quarantined(store: &dyn Store, order_no: &str, change: impl FnOnce(Order) -> Order) {
    let reason = Reason::new(ReasonCode::CountMismatch, "ask");
    let state = State::Quarantined { reason };
    put(store, order_no, |order| Order { state, ..change(order) }).await;
}

pub(super) async fn an_order_is_added_by_hand(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let add = |order_no| Decision::AddOrder { order_no: no(order_no) };
    assert!(decide(store, add("A1"), 5).await);
    assert!(!decide(store, add("A1"), 6).await, "once");
    let order = known(store, &no("A1")).await;
    assert_eq!(
        (order.state.clone(), order.added_at, order.listed_at),
        (State::Seen, Some(at(5)), None)
    );
    ok(store.note_call(&no("A2"), at(6)).await);
    assert!(decide(store, add("A2"), 7).await, "one that only a call named");
    let both = [claim_no(store, &worker("one"), 8).await, claim_no(store, &worker("two"), 8).await];
    assert_eq!(both, ["A1", "A2"].map(|n| Some(no(n))));
    assert_eq!(ok(store.overview().await).count(StateName::Seen), 2);
}

pub(super) async fn an_archive_is_added_by_hand(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let add = |order_no| Decision::AddArchive {
        order_no: no(order_no),
        archive: kept(),
        password: UnzipPassword::new("p"),
    };
    assert!(decide(store, add("A1"), 5).await);
    let order = known(store, &no("A1")).await;
    assert_eq!((order.state, order.archive), (State::Fetched, Some(kept())));
    assert_eq!(order.password.map(|p| p.reveal().to_owned()), Some("p".to_owned()));
    Archive::new("A2", 0, Vec::new()).apply(store, 0).await;
    assert!(!decide(store, add("A2"), 6).await, "one that is applied stays as it is");
    assert_eq!(known(store, &no("A2")).await.state, State::Applied);
}

pub(super) async fn an_order_is_accepted_or_dismissed(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    quarantined(store, "Q1", |order| order.fetched(kept())).await;
    quarantined(store, "Q2", |order| order).await;
    let accept = |order_no| Decision::Accept { order_no: no(order_no) };
    assert!(decide(store, accept("Q1"), 5).await);
    assert!(!decide(store, accept("Q2"), 5).await, "there is nothing to apply");
    assert!(!decide(store, accept("X9"), 5).await, "there is no such order");
    let order = known(store, &no("Q1")).await;
    assert_eq!((order.state.clone(), order.accepted), (State::Fetched, true));

    let dismiss = |order_no| Decision::Dismiss { order_no: no(order_no), note: "a test".into() };
    assert!(decide(store, dismiss("Q2"), 6).await);
    assert!(!decide(store, dismiss("Q1"), 6).await, "it does not rest");
    let overview = ok(store.overview().await);
    assert_eq!((overview.count(StateName::Quarantined), overview.dismissed), (0, 1));
    assert!(overview.reasons.is_empty(), "{:?}", overview.reasons);
    assert_eq!(overview.oldest_pending.map(|(no, _)| no), Some(no("Q1")));
    let dismissed = known(store, &no("Q2")).await.dismissed;
    assert_eq!(dismissed.map(|d| (d.at, d.note)), Some((at(6), "a test".into())));

    assert_eq!(ok(store.retry(&[], at(7)).await), [], "all that wait are retried, not this");
    assert_eq!(ok(store.retry(&[no("Q2")], at(7)).await), [no("Q2")]);
    assert_eq!(known(store, &no("Q2")).await.dismissed, None);
    assert_eq!(ok(store.overview().await).dismissed, 0);
}

pub(super) async fn a_gap_is_closed_and_opened_again(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let gap = gap(store).await;
    let note = |text: &str| Some(text.to_owned());
    assert!(decide(store, Decision::CloseGap { id: 1, note: note("asked") }, 5).await);
    let closed = crate::Gap { id: 1, closed_at: Some(at(5)), note: note("asked"), ..gap.clone() };
    assert_eq!(ok(store.gaps().await), [closed]);
    assert_eq!(ok(store.overview().await).gaps, []);
    assert!(decide(store, Decision::ReopenGap { id: 1, note: note("no") }, 6).await);
    assert!(!decide(store, Decision::ReopenGap { id: 1, note: None }, 7).await, "it is open");
    let open = crate::Gap { id: 1, note: note("no"), ..gap };
    assert_eq!(ok(store.gaps().await), [open]);
}

pub(super) async fn what_was_set_aside_is_open_until_acknowledged(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let aside = |position| SetAside {
        position,
        code: "bad_id".into(),
        detail: "id".into(),
        raw: b"{}".to_vec(),
    };
    for (order_no, second) in [("A1", 0), ("A2", 10)] {
        let mut archive = Archive::new(order_no, second, Vec::new());
        archive.aside = vec![aside(0), aside(1)];
        archive.apply(store, second).await;
    }
    let open = async || {
        let overview = ok(store.overview().await);
        (overview.set_aside, overview.set_aside_open)
    };
    assert_eq!(open().await, (4, 4));
    let of = |order_no: Option<&str>| Decision::AcknowledgeRecords { order_no: order_no.map(no) };
    assert!(decide(store, of(Some("A1")), 20).await);
    assert!(!decide(store, of(Some("A1")), 21).await, "once");
    assert_eq!(open().await, (4, 2));
    assert!(decide(store, of(None), 22).await);
    assert_eq!(open().await, (4, 0));

    let unreadable = |second, lines| crate::Listing { unreadable: lines, ..listing(second, &[]) };
    for (second, lines) in [(30, 2), (31, 5), (32, 0)] {
        ok(store.note_list(&[], &unreadable(second, lines)).await);
    }
    let overview = ok(store.overview().await);
    assert_eq!(overview.unreadable_open, 5, "the most in one list");
    assert_eq!(overview.last_listing.map(|listing| listing.unreadable), Some(0));
    assert!(decide(store, Decision::AcknowledgeLines, 40).await);
    assert!(!decide(store, Decision::AcknowledgeLines, 41).await);
    assert_eq!(ok(store.overview().await).unreadable_open, 0);
}

pub(super) async fn what_only_calls_named_is_forgotten(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let (day, week) = (DENIED_FORGOTTEN_AFTER.as_secs(), FORGOTTEN_AFTER.as_secs());
    for (order_no, second) in [("C1", 0), ("C2", 10), ("A3", 0), ("L4", 0)] {
        ok(store.note_call(&no(order_no), at(second)).await);
    }
    decide(store, Decision::AddOrder { order_no: no("A3") }, 0).await;
    let lines = [line("L4", 0)];
    let list = async |second| list(store, second, &lines).await.forgotten;
    let overview = ok(store.overview().await);
    assert_eq!((overview.unconfirmed, overview.awaiting_list), (0, 3), "no list was read");
    assert_eq!(overview.last_call, None, "anybody may have called");
    assert_eq!(list(20).await, 0);
    let overview = ok(store.overview().await);
    assert_eq!((overview.unconfirmed, overview.awaiting_list), (2, 0));
    assert_eq!(overview.count(StateName::Seen), 2, "what a list or a person named");
    assert_eq!(overview.last_call, Some(at(0)), "about an order that the list names");
    let lease = lease(store, &no("C1"), &worker("hand"), 25).await;
    let reason = Reason::new(ReasonCode::UnknownToVendor, "201");
    let state = State::Waiting { until: at(1800), reason };
    ok(store.save(&with(&lease, |order| Order { state, ..order }), at(25)).await);
    assert_eq!(list(day - 1).await, 0);
    assert_eq!(list(day).await, 1, "the vendor does not know it");
    assert_eq!(ok(store.order(&no("C1")).await), None);
    assert_eq!(list(week + 9).await, 0);
    assert_eq!(list(week + 10).await, 1, "the vendor was never asked");
    let overview = ok(store.overview().await);
    assert_eq!((overview.unconfirmed, overview.forgotten), (0, 2));
    for order_no in ["A3", "L4"] {
        known(store, &no(order_no)).await;
    }
    assert!(ok(store.note_call(&no("C1"), at(week + 20)).await), "it can come back");
}

pub(super) async fn an_order_is_lifted_when_a_list_names_it(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let hand = worker("hand");
    ok(store.note_call(&no("C1"), at(0)).await);
    list(store, 1, &[]).await;
    let lease = lease(store, &no("C1"), &hand, 2).await;
    let reason = Reason::new(ReasonCode::UnknownToVendor, "201");
    let waiting = State::Waiting { until: at(1800), reason };
    let failing =
        |order| Order { state: waiting, failures: 3, failing_since: Some(at(2)), ..order };
    ok(store.save(&with(&lease, failing), at(2)).await);
    ok(store.release(&lease).await);
    let lines = [line("C1", 0)];
    ok(store.note_list(&lines, &listing(10, &lines)).await);
    let lifted = known(store, &no("C1")).await;
    assert_eq!(
        (lifted.state.clone(), lifted.failures, lifted.failing_since),
        (State::Seen, 0, None)
    );
    assert_eq!((lifted.listed_at, lifted.created_at), (Some(at(10)), lines[0].created_at));
}

pub(super) async fn signs_of_life_are_kept(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    assert_eq!(ok(store.overview().await).life, None);
    let life = |second, stopped, trouble: Option<&str>| Life {
        at: at(second),
        worker: "worker-1".into(),
        stopped,
        trouble: trouble.map(str::to_owned),
    };
    for life in
        [life(1, false, None), life(2, false, Some("the disk is full")), life(3, true, None)]
    {
        ok(store.note_life(&life).await);
        assert_eq!(ok(store.overview().await).life, Some(life));
    }
}

pub(super) async fn another_order_with_an_archive_is_found(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let other = async |order_no| {
        let found = ok(store.other_with_archive(&kept().sha256, &no(order_no)).await);
        found.map(|order| order.no)
    };
    assert_eq!(other("A1").await, None);
    for order_no in ["A1", "A2"] {
        quarantined(store, order_no, |order| order.fetched(kept())).await;
    }
    assert_eq!(other("A1").await, Some(no("A2")));
    assert_eq!(other("A2").await, Some(no("A1")));
    let applied = |order: Order| Order { state: State::Applied, ..order.fetched(kept()) };
    put(store, "A3", applied).await;
    assert_eq!(other("A1").await, Some(no("A3")), "the applied one comes first");
    assert_eq!(other("A3").await, Some(no("A1")), "quarantined ones count");
}
