//! Who may work on an order, and what becomes of what they write.

use std::future::Future;

use futures_util::future::join_all;
use qcc_proto::{DownloadLink, Location, OrderNo, UnzipPassword};

use super::given::{
    Archive, add, at, claim, known, lease, line, listing, lost, no, ok, record, row, worker,
};
use crate::{
    Apply as _, KeptArchive, Located, Order, Reason, ReasonCode, Sha256, State, Store, Want, Worker,
};

pub(super) fn kept() -> KeptArchive {
    KeptArchive { sha256: Sha256::new([0xa5; 32]), size: 62_000_000 }
}

fn waiting(until: i64) -> State {
    State::Waiting { until: at(until), reason: Reason::new(ReasonCode::NotReady, "later") }
}

/// Notes an order and saves it in a state of its own, with nobody's lease.
async fn put<S: Store>(store: &S, order_no: &str, change: impl FnOnce(Order) -> Order) {
    let hand = worker("hand");
    add(store, &no(order_no), 0).await;
    let order = lease(store, &no(order_no), &hand, 0).await;
    ok(store.save(&change(order), &hand, at(0)).await);
    ok(store.release(&no(order_no), &hand).await);
}

/// What is claimed, one order after the other, each by another worker.
async fn claimed<S: Store>(store: &S, second: i64) -> Vec<OrderNo> {
    let mut found = Vec::new();
    loop {
        let next = worker(&format!("worker {} at {second}", found.len()));
        match claim(store, &next, second).await {
            Some(order) => found.push(order.no),
            None => return found,
        }
    }
}

/// Of each kind the orders that have not failed come first, then the oldest. What only
/// calls named is apart, and due once a list was read that does not name it.
pub async fn urgent_orders_are_claimed_first<S: Store, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    for kept_already in ["K2", "K1"] {
        put(&store, kept_already, |order| order.fetched(kept())).await;
    }
    let lines = [line("B3", -100), line("A2", -300), line("A1", -200), line("K2", -900)];
    ok(store.note_listing(&lines, &listing(10, &lines), None).await);
    // Called before anything was made that the list names: a forged one would be.
    ok(store.note_call(&no("C1"), at(-9000)).await);
    ok(store.note_call(&no("C2"), at(20)).await);
    put(&store, "F1", |order| Order { failures: 1, state: waiting(5), ..order }).await;
    let expected = ["A2", "A1", "B3", "F1", "K2", "K1", "C1"].map(no);
    assert_eq!(claimed(&store, 30).await, expected);
    assert_eq!(claimed(&store, 31).await, [], "all that is due is leased");
    ok(store.note_listing(&lines, &listing(40, &lines), None).await);
    assert_eq!(claimed(&store, 41).await, ["C2"].map(no), "a list was read since its call");

    let one = worker("one");
    let in_hand = [no("A2"), no("B3")];
    let next = ok(store.claim(&one, Want::Confirmed, &in_hand, at(200)).await);
    assert_eq!(next.map(|order| order.no), Some(no("A1")), "what is in hand is left out");
}

/// Waiting orders are due at their time, not before; quarantined and applied
/// ones never.
pub async fn what_rests_is_not_claimed<S: Store, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let quarantined = State::Quarantined { reason: Reason::new(ReasonCode::Refused, "ask") };
    put(&store, "Q1", |order| Order { state: quarantined, ..order }).await;
    put(&store, "W1", |order| Order { state: waiting(100), ..order }).await;
    put(&store, "W2", |order| Order { state: waiting(200), ..order.fetched(kept()) }).await;
    put(&store, "L1", |order| Order { state: State::Located, ..order }).await;
    Archive::new("A1", 0, Vec::new()).apply(&store, 0).await;
    assert_eq!(claimed(&store, 99).await, ["L1"].map(no));
    assert_eq!(claimed(&store, 100).await, ["W1"].map(no), "due on the second");
    assert_eq!(claimed(&store, 300).await, ["L1", "W1", "W2"].map(no), "leases have ended");
    let order = known(&store, &no("W1")).await;
    assert_eq!(order.state, waiting(100), "claiming changes no state");
}

/// Without calling the vendor only orders whose archive is kept can be worked on:
/// the oldest that is due and nobody else's, under the same lease.
pub async fn kept_archives_can_be_claimed_alone<S: Store, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let (one, two) = (worker("one"), worker("two"));
    let kept_no = async |who: &Worker, second| {
        ok(store.claim(who, Want::Kept, &[], at(second)).await).map(|order| order.no)
    };
    add(&store, &no("S1"), 0).await;
    put(&store, "L1", |order| Order { state: State::Located, ..order }).await;
    assert_eq!(kept_no(&one, 1).await, None, "no archive is kept");
    put(&store, "K2", |order| order.fetched(kept())).await;
    put(&store, "W3", |order| Order { state: waiting(100), ..order.fetched(kept()) }).await;
    put(&store, "Q4", |order| {
        let reason = Reason::new(ReasonCode::CountMismatch, "ask");
        Order { state: State::Quarantined { reason }, ..order.fetched(kept()) }
    })
    .await;
    Archive::new("A5", 0, Vec::new()).apply(&store, 0).await;
    let lines = [line("K1", -100)];
    put(&store, "K1", |order| order.fetched(kept())).await;
    ok(store.note_listing(&lines, &listing(10, &lines), None).await);
    assert_eq!(kept_no(&one, 20).await, Some(no("K1")), "the oldest");
    assert_eq!(kept_no(&one, 20).await, Some(no("K1")), "to its holder it is renewed");
    assert_eq!(kept_no(&two, 20).await, Some(no("K2")));
    assert_eq!(kept_no(&worker("three"), 20).await, None, "the rest is leased or not due");
    assert_eq!(kept_no(&worker("three"), 81).await, Some(no("K1")), "leases end");
    ok(store.save(&known(&store, &no("K2")).await, &two, at(82)).await);
    assert_eq!(kept_no(&worker("four"), 100).await, Some(no("W3")), "due on the second");
}

/// Leases end, are renewed by their holder, and are given back.
pub async fn a_lease_keeps_others_away_until_it_ends<S: Store, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let (one, two) = (worker("one"), worker("two"));
    let claim = async |who: &Worker, second| claim(&store, who, second).await.map(|o| o.no);
    add(&store, &no("A1"), 0).await;
    assert_eq!(claim(&one, 0).await, Some(no("A1")));
    assert_eq!(claim(&two, 59).await, None, "a lease holds for its term");
    assert_eq!(claim(&one, 30).await, Some(no("A1")), "to its holder it is renewed");
    assert_eq!(claim(&two, 89).await, None, "renewed by claiming");
    let order = known(&store, &no("A1")).await;
    ok(store.save(&order, &one, at(80)).await);
    assert_eq!(claim(&two, 139).await, None, "renewed by saving");
    ok(store.release(&no("A1"), &two).await);
    assert_eq!(claim(&two, 139).await, None, "nobody gives back another's lease");
    assert_eq!(claim(&two, 140).await, Some(no("A1")), "it ends with its term");
    ok(store.release(&no("A1"), &two).await);
    assert_eq!(claim(&one, 141).await, Some(no("A1")), "given back, it is free");
    ok(store.release(&no("A9"), &one).await);
}

/// Two workers never lease the same order.
pub async fn claims_at_once_lease_different_orders<S: Store, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let names: Vec<String> = (0..8).map(|n| format!("A{n}")).collect();
    for name in &names {
        add(&store, &no(name), 0).await;
    }
    let workers: Vec<Worker> = (0..12).map(|n| worker(&format!("worker {n}"))).collect();
    let claims = workers.iter().map(|who| store.claim(who, Want::Confirmed, &[], at(1)));
    let claims = join_all(claims).await;
    let mut found: Vec<OrderNo> = claims.into_iter().filter_map(ok).map(|order| order.no).collect();
    found.sort();
    let expected: Vec<OrderNo> = names.iter().map(|name| no(name)).collect();
    assert_eq!(found, expected, "every order once");
}

/// A wait that is longer than any can be was set by a clock that was ahead.
pub async fn a_wait_from_the_future_is_over<S: Store, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let day = 24 * 3600;
    let rests = |code, until| {
        let reason = Reason::new(code, "later");
        move |order| Order { state: State::Waiting { until: at(until), reason }, ..order }
    };
    put(&store, "W1", rests(ReasonCode::Transient, 3600)).await;
    put(&store, "W2", rests(ReasonCode::Transient, 3600 + 120)).await;
    put(&store, "H1", rests(ReasonCode::DailyLimit, day)).await;
    put(&store, "H2", rests(ReasonCode::DailyLimit, 3 * day)).await;
    let mut due = claimed(&store, 10).await;
    due.sort();
    assert_eq!(due, ["H2", "W2"].map(no));
}

/// A worker whose lease has passed to another is told so, and changes nothing.
pub async fn a_lost_lease_changes_nothing<S: Store, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let (one, two, three) = (worker("one"), worker("two"), worker("three"));
    add(&store, &no("A1"), 0).await;
    let order = lease(&store, &no("A1"), &one, 0).await;
    lease(&store, &no("A1"), &two, 60).await;
    let before = known(&store, &no("A1")).await;
    lost(store.save(&order.clone().fetched(kept()), &one, at(61)).await);
    lost(store.begin_apply(&no("A1"), super::given::local(0), &one).await);
    ok(store.release(&no("A1"), &one).await);
    assert_eq!(known(&store, &no("A1")).await, before);
    assert_eq!(claim(&store, &three, 62).await, None, "the other's lease stands");
    ok(store.save(&before, &two, at(63)).await);

    ok(store.release(&no("A1"), &two).await);
    lost(store.save(&before, &two, at(64)).await);
    let unknown = Order { no: no("A9"), ..before };
    lost(store.save(&unknown, &two, at(65)).await);
    assert_eq!(ok(store.order(&no("A9")).await), None, "a save makes no orders");
}

/// Every state and field of an order is kept; the link alone is not.
pub async fn what_is_saved_comes_back<S: Store, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let hand = worker("hand");
    add(&store, &no("A1"), 0).await;
    let order = lease(&store, &no("A1"), &hand, 0).await;
    let location = Location::new(
        DownloadLink::new("http://files.example/x.zip?Signature=secret"),
        UnzipPassword::new("9Tkw'\"口令"),
    );
    let located = order.located(location.clone(), at(1));
    let mut states = vec![State::Seen, State::Located, State::Fetched, waiting(500)];
    states.extend(ReasonCode::ALL.iter().map(|code| State::Quarantined {
        reason: Reason::new(*code, format!("it's \"{code}\"; 请联系供应商")),
    }));
    for (archive, state) in [None, Some(kept())]
        .into_iter()
        .flat_map(|archive| states.iter().map(move |state| (archive, state.clone())))
    {
        let (failures, failing_since) = (7, Some(at(-3600)));
        let saved =
            Order { state, archive, failures, failing_since, damaged: 5, ..located.clone() };
        ok(store.save(&saved, &hand, at(2)).await);
        let expected = Order { location: None, ..saved };
        assert_eq!(known(&store, &no("A1")).await, expected);
    }
    let emptied = Order {
        password: None,
        failures: 0,
        failing_since: None,
        damaged: 0,
        archive: None,
        ..located
    };
    let located = Located { location, at: at(1) };
    ok(store.save(&Order { location: Some(located), ..emptied.clone() }, &hand, at(3)).await);
    let expected = Order { location: None, ..emptied };
    assert_eq!(known(&store, &no("A1")).await, expected, "what is taken away is gone");
}

/// A worker's copy of an order is old news about lists and calls.
pub async fn a_save_leaves_what_was_noted_meanwhile<S: Store, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let hand = worker("hand");
    add(&store, &no("A1"), 0).await;
    let order = lease(&store, &no("A1"), &hand, 0).await;
    let lines = [line("A1", -900)];
    ok(store.note_listing(&lines, &listing(10, &lines), None).await);
    ok(store.note_call(&no("A1"), at(20)).await);
    ok(store.save(&order.clone().fetched(kept()), &hand, at(30)).await);
    let saved = known(&store, &no("A1")).await;
    assert_eq!(saved.archive, Some(kept()));
    assert_eq!(saved.created_at, lines[0].created_at);
    assert_eq!((saved.listed_at, saved.called_at), (Some(at(10)), Some(at(20))));

    let mut apply = ok(store.begin_apply(&no("A1"), super::given::local(0), &hand).await);
    ok(apply.write(vec![row(0, record("r", "1"))]).await);
    let stale = Archive::new("A1", 0, Vec::new()).outcome(&order, 40);
    ok(apply.commit(&[], stale).await);
    let committed = known(&store, &no("A1")).await;
    assert_eq!(committed.state, State::Applied);
    assert_eq!(committed.created_at, lines[0].created_at);
    assert_eq!((committed.listed_at, committed.called_at), (Some(at(10)), Some(at(20))));
}

/// A retry does to orders what [`Order::retried`] says, and to no others.
pub async fn a_retry_makes_resting_orders_due<S: Store, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let damaged = Reason::new(ReasonCode::ArchiveDamaged, "cut short");
    let tired = |state| {
        move |order: Order| Order {
            state,
            failures: 9,
            failing_since: Some(at(-9)),
            damaged: 2,
            ..order
        }
    };
    put(&store, "F1", |order| order.fetched(kept())).await;
    put(&store, "W1", tired(waiting(1000))).await;
    put(&store, "W2", |order| tired(waiting(1000))(order.fetched(kept()))).await;
    put(&store, "Q1", |order| tired(State::Quarantined { reason: damaged })(order.fetched(kept())))
        .await;
    Archive::new("A1", 0, Vec::new()).apply(&store, 0).await;
    let resting = ["Q1", "W1", "W2"].map(no);
    let mut before = Vec::new();
    for order_no in &resting {
        before.push(known(&store, order_no).await);
    }

    let named = ["W1", "A1", "F1", "X9", "W1"].map(no);
    assert_eq!(ok(store.retry(&named, at(10)).await), [no("W1")], "of the named, what rested");
    let mut others = ok(store.retry(&[], at(11)).await);
    others.sort();
    assert_eq!(others, ["Q1", "W2"].map(no), "all that rested");
    assert_eq!(ok(store.retry(&[], at(12)).await), [], "nothing rests any more");
    for order in before {
        let expected = order.clone().retried();
        assert_eq!(ok(store.order(&order.no).await), expected);
    }
    let mut due = claimed(&store, 13).await;
    due.sort();
    assert_eq!(due, ["F1", "Q1", "W1", "W2"].map(no));
}
