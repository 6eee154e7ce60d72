//! Who may work on an order, and what becomes of what they write.

use futures_util::future::join_all;
use qcc_proto::{DownloadLink, Location, OrderNo, UnzipPassword};

use super::{
    Fresh,
    given::{
        Archive, add, at, claim, claim_no, known, lease, line, list, listing, local, lost, no, ok,
        put, record, row, with, worker,
    },
};
use crate::{
    Claim, Decision, KeptArchive, Lease, Located, Order, Reason, ReasonCode, Sha256, State, Store,
    Want, Worker,
};

pub(super) fn kept() -> KeptArchive {
    KeptArchive { sha256: Sha256::new([0xa5; 32]), size: 62_000_000 }
}

fn waiting(until: i64) -> State {
    State::Waiting { until: at(until), reason: Reason::new(ReasonCode::NotReady, "later") }
}

/// What is claimed, one order after the other, each by another worker.
async fn claimed(store: &dyn Store, second: i64) -> Vec<OrderNo> {
    let mut found = Vec::new();
    loop {
        let next = worker(&format!("worker {} at {second}", found.len()));
        match claim_no(store, &next, second).await {
            Some(order_no) => found.push(order_no),
            None => return found,
        }
    }
}

pub(super) async fn urgent_orders_are_claimed_first(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    for kept_already in ["K2", "K1"] {
        put(store, kept_already, |order| order.fetched(kept())).await;
    }
    let lines = [line("B3", -100), line("A2", -300), line("A1", -200), line("K2", -900)];
    ok(store.note_list(&lines, &listing(10, &lines)).await);
    // Called before anything was made that the list names: a forged one would be.
    ok(store.note_call(&no("C1"), at(-9000)).await);
    ok(store.note_call(&no("C2"), at(20)).await);
    put(store, "F1", |order| Order { failures: 1, state: waiting(5), ..order }).await;
    let expected = ["A2", "A1", "B3", "F1", "K2", "K1", "C1"].map(no);
    assert_eq!(claimed(store, 30).await, expected);
    assert_eq!(claimed(store, 31).await, [], "all that is due is leased");
    ok(store.note_list(&lines, &listing(40, &lines)).await);
    assert_eq!(claimed(store, 41).await, ["C2"].map(no), "a list was read since its call");

    let one = worker("one");
    let in_hand = [no("A2"), no("B3")];
    let next = ok(store.claim(&one, Want::Confirmed, &in_hand, at(200)).await);
    assert_eq!(next.lease().map(|lease| lease.order.no), Some(no("A1")), "not what is in hand");
}

pub(super) async fn what_rests_is_not_claimed(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let quarantined = State::Quarantined { reason: Reason::new(ReasonCode::Refused, "ask") };
    put(store, "Q1", |order| Order { state: quarantined, ..order }).await;
    put(store, "W1", |order| Order { state: waiting(100), ..order }).await;
    put(store, "W2", |order| Order { state: waiting(200), ..order.fetched(kept()) }).await;
    put(store, "L1", |order| Order { state: State::Located, ..order }).await;
    Archive::new("A1", 0, Vec::new()).apply(store, 0).await;
    assert_eq!(claimed(store, 99).await, ["L1"].map(no));
    assert_eq!(claimed(store, 100).await, ["W1"].map(no), "due on the second");
    assert_eq!(claimed(store, 300).await, ["L1", "W1", "W2"].map(no), "leases have ended");
    let order = known(store, &no("W1")).await;
    assert_eq!(order.state, waiting(100), "claiming changes no state");
}

pub(super) async fn kept_archives_can_be_claimed_alone(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let (one, two) = (worker("one"), worker("two"));
    let kept_no = async |who: &Worker, second| {
        let claimed = ok(store.claim(who, Want::Kept, &[], at(second)).await);
        claimed.lease().map(|lease| lease.order.no)
    };
    add(store, &no("S1"), 0).await;
    put(store, "L1", |order| Order { state: State::Located, ..order }).await;
    assert_eq!(kept_no(&one, 1).await, None, "no archive is kept");
    put(store, "K2", |order| order.fetched(kept())).await;
    put(store, "W3", |order| Order { state: waiting(100), ..order.fetched(kept()) }).await;
    put(store, "Q4", |order| {
        let reason = Reason::new(ReasonCode::CountMismatch, "ask");
        Order { state: State::Quarantined { reason }, ..order.fetched(kept()) }
    })
    .await;
    Archive::new("A5", 0, Vec::new()).apply(store, 0).await;
    let lines = [line("K1", -100)];
    put(store, "K1", |order| order.fetched(kept())).await;
    ok(store.note_list(&lines, &listing(10, &lines)).await);
    assert_eq!(kept_no(&one, 20).await, Some(no("K1")), "the oldest");
    assert_eq!(kept_no(&one, 20).await, Some(no("K1")), "to its holder it is renewed");
    let theirs = ok(store.claim(&two, Want::Kept, &[], at(20)).await).lease();
    let Some(theirs) = theirs.filter(|lease| lease.order.no == no("K2")) else {
        panic!("K2 is the next that is due");
    };
    assert_eq!(kept_no(&worker("three"), 20).await, None, "the rest is leased or not due");
    assert_eq!(kept_no(&worker("three"), 81).await, Some(no("K1")), "leases end");
    ok(store.save(&theirs, at(82)).await);
    assert_eq!(kept_no(&worker("four"), 100).await, Some(no("W3")), "due on the second");
}

pub(super) async fn a_lease_keeps_others_away_until_it_ends(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let (one, two) = (worker("one"), worker("two"));
    add(store, &no("A1"), 0).await;
    let Some(first) = claim(store, &one, 0).await else { panic!("it is due") };
    assert_eq!((first.worker.clone(), first.until), (one.clone(), at(60)));
    assert_eq!(claim(store, &two, 59).await, None, "a lease holds for its term");
    let Some(second) = claim(store, &one, 30).await else { panic!("its own is no obstacle") };
    assert!(second.epoch > first.epoch, "every claim raises the epoch");
    assert_eq!(claim(store, &two, 89).await, None, "a claim begins a term");
    ok(store.save(&second, at(80)).await);
    assert_eq!(claim(store, &two, 139).await, None, "so does a save");
    ok(store.renew(&second, at(130)).await);
    assert_eq!(claim(store, &two, 189).await, None, "and a renewal");
    let theirs = Lease { worker: two.clone(), ..second.clone() };
    ok(store.release(&theirs).await);
    assert_eq!(claim(store, &two, 189).await, None, "nobody gives back another's lease");
    ok(store.renew(&second, at(200)).await);
    assert_eq!(claim(store, &two, 259).await, None, "one that ended is renewed where it is free");
    let Some(third) = claim(store, &two, 260).await else { panic!("it ends with its term") };
    assert!(third.epoch > second.epoch, "every claim raises the epoch");
    ok(store.release(&third).await);
    assert_eq!(claim_no(store, &one, 261).await, Some(no("A1")), "given back, it is free");
    let order = Order { no: no("A9"), ..third.order.clone() };
    ok(store.release(&Lease { order, ..third }).await);
}

pub(super) async fn a_claim_says_when_the_next_order_is_due(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let next_due = async |want, who: &Worker, in_hand: &[OrderNo], second| match ok(store
        .claim(who, want, in_hand, at(second))
        .await)
    {
        Claim::Nothing { next_due } => next_due,
        Claim::Leased(lease) => panic!("{} was not due at {second}", lease.order.no),
    };
    let (one, two) = (worker("one"), worker("two"));
    assert_eq!(next_due(Want::Confirmed, &one, &[], 0).await, None, "there is no order");
    put(store, "W1", |order| Order { state: waiting(500), ..order }).await;
    put(store, "W2", |order| Order { state: waiting(300), ..order }).await;
    put(store, "K1", |order| Order { state: waiting(400), ..order.fetched(kept()) }).await;
    put(store, "Q1", |order| {
        let reason = Reason::new(ReasonCode::Refused, "ask");
        Order { state: State::Quarantined { reason }, ..order }
    })
    .await;
    assert_eq!(next_due(Want::Confirmed, &one, &[], 0).await, Some(at(300)), "the next that waits");
    assert_eq!(next_due(Want::Confirmed, &one, &[no("W2")], 0).await, Some(at(500)));
    assert_eq!(next_due(Want::Kept, &one, &[], 0).await, Some(at(400)), "of those wanted");
    assert_eq!(next_due(Want::Unconfirmed, &one, &[], 0).await, None);
    add(store, &no("A1"), 0).await;
    lease(store, &no("A1"), &one, 10).await;
    assert_eq!(next_due(Want::Confirmed, &two, &[], 20).await, Some(at(70)), "a lease ends then");
    assert_eq!(next_due(Want::Confirmed, &one, &[no("A1")], 20).await, Some(at(300)));
}

pub(super) async fn an_old_epoch_changes_nothing(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let hand = worker("hand");
    add(store, &no("A1"), 0).await;
    let old = lease(store, &no("A1"), &hand, 0).await;
    let archive = Archive::new("A1", 0, vec![row(0, record("a", "1"))]);
    let mut apply = ok(store.begin_apply(&old, archive.push_date).await);
    ok(apply.write(archive.batches[0].clone()).await);
    // A successor of the same name, as after a restart.
    let Some(new) = claim(store, &hand, 1).await else { panic!("its own is no obstacle") };
    assert!(new.epoch > old.epoch, "every claim raises the epoch");
    lost(store.save(&with(&old, |order| order.fetched(kept())), at(2)).await);
    lost(store.renew(&old, at(2)).await);
    lost(store.begin_apply(&old, archive.push_date).await.map(drop));
    lost(apply.commit(archive.commit(&old.order, 2)).await);
    ok(store.release(&old).await);
    assert_eq!(known(store, &no("A1")).await, new.order);
    assert_eq!(ok(store.overview().await).records, 0, "nothing of the apply is in the table");
    assert_eq!(claim(store, &worker("other"), 3).await, None, "the successor's lease stands");
    ok(store.save(&new, at(4)).await);
}

pub(super) async fn claims_at_once_lease_different_orders(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let names: Vec<String> = (0..8).map(|n| format!("A{n}")).collect();
    for name in &names {
        add(store, &no(name), 0).await;
    }
    let workers: Vec<Worker> = (0..12).map(|n| worker(&format!("worker {n}"))).collect();
    let claims = workers.iter().map(|who| store.claim(who, Want::Confirmed, &[], at(1)));
    let claims = join_all(claims).await;
    let mut found: Vec<OrderNo> = claims
        .into_iter()
        .filter_map(|claim| ok(claim).lease())
        .map(|lease| lease.order.no)
        .collect();
    found.sort();
    let expected: Vec<OrderNo> = names.iter().map(|name| no(name)).collect();
    assert_eq!(found, expected, "every order once");
}

pub(super) async fn a_wait_from_the_future_is_over(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let day = 24 * 3600;
    let rests = |code, until| {
        let reason = Reason::new(code, "later");
        move |order| Order { state: State::Waiting { until: at(until), reason }, ..order }
    };
    put(store, "W1", rests(ReasonCode::Transient, 3600)).await;
    put(store, "W2", rests(ReasonCode::Transient, 3600 + 120)).await;
    put(store, "H1", rests(ReasonCode::DailyLimit, day)).await;
    put(store, "H2", rests(ReasonCode::DailyLimit, 3 * day)).await;
    let mut due = claimed(store, 10).await;
    due.sort();
    assert_eq!(due, ["H2", "W2"].map(no));
}

pub(super) async fn a_lost_lease_changes_nothing(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let (one, two, three) = (worker("one"), worker("two"), worker("three"));
    add(store, &no("A1"), 0).await;
    let old = lease(store, &no("A1"), &one, 0).await;
    let new = lease(store, &no("A1"), &two, 60).await;
    let before = known(store, &no("A1")).await;
    lost(store.save(&with(&old, |order| order.fetched(kept())), at(61)).await);
    lost(store.renew(&old, at(61)).await);
    lost(store.begin_apply(&old, local(0)).await.map(drop));
    ok(store.release(&old).await);
    assert_eq!(known(store, &no("A1")).await, before);
    assert_eq!(claim(store, &three, 62).await, None, "the other's lease stands");
    ok(store.save(&new, at(63)).await);

    ok(store.release(&new).await);
    lost(store.save(&new, at(64)).await);
    lost(store.renew(&new, at(64)).await);
    let unknown = with(&new, |order| Order { no: no("A9"), ..order });
    lost(store.save(&unknown, at(65)).await);
    assert_eq!(ok(store.order(&no("A9")).await), None, "a save makes no orders");
}

pub(super) async fn what_is_saved_comes_back(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let hand = worker("hand");
    add(store, &no("A1"), 0).await;
    let lease = lease(store, &no("A1"), &hand, 0).await;
    let location = Location::new(
        DownloadLink::new("http://files.example/x.zip?Signature=secret"),
        UnzipPassword::new("9Tkw'\"口令"),
    );
    let located = lease.order.clone().located(location.clone(), at(1));
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
        ok(store.save(&with(&lease, |_| saved.clone()), at(2)).await);
        let expected = Order { location: None, ..saved };
        assert_eq!(known(store, &no("A1")).await, expected);
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
    let held = Order { location: Some(located), ..emptied.clone() };
    ok(store.save(&with(&lease, |_| held), at(3)).await);
    let expected = Order { location: None, ..emptied };
    assert_eq!(known(store, &no("A1")).await, expected, "what is taken away is gone");
}

pub(super) async fn a_save_leaves_what_was_noted_meanwhile(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let hand = worker("hand");
    ok(store.note_call(&no("A1"), at(0)).await);
    ok(store.decide(&Decision::AddOrder { order_no: no("A1") }, at(1)).await);
    let lease = lease(store, &no("A1"), &hand, 1).await;
    let lines = [line("A1", -900)];
    list(store, 10, &lines).await;
    ok(store.note_call(&no("A1"), at(20)).await);
    let noted = |order: Order| {
        let seen = (order.first_seen_at, order.added_at);
        assert_eq!(seen, (at(0), Some(at(1))), "what was noted first stays");
        assert_eq!(order.created_at, lines[0].created_at);
        assert_eq!((order.listed_at, order.called_at), (Some(at(10)), Some(at(20))));
    };
    // A worker's copy says what it believes.
    let stale = |order: Order| Order { first_seen_at: at(-5), added_at: None, ..order };
    ok(store.save(&with(&lease, |order| stale(order.fetched(kept()))), at(30)).await);
    let saved = known(store, &no("A1")).await;
    assert_eq!(saved.archive, Some(kept()));
    noted(saved);

    let archive = Archive::new("A1", 0, vec![row(0, record("r", "1"))]);
    let mut apply = ok(store.begin_apply(&lease, archive.push_date).await);
    ok(apply.write(archive.batches[0].clone()).await);
    ok(apply.commit(archive.commit(&stale(lease.order), 40)).await);
    let committed = known(store, &no("A1")).await;
    assert_eq!(committed.state, State::Applied);
    noted(committed);
}

pub(super) async fn a_retry_makes_resting_orders_due(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
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
    put(store, "F1", |order| order.fetched(kept())).await;
    put(store, "W1", tired(waiting(1000))).await;
    put(store, "W2", |order| tired(waiting(1000))(order.fetched(kept()))).await;
    put(store, "Q1", |order| tired(State::Quarantined { reason: damaged })(order.fetched(kept())))
        .await;
    Archive::new("A1", 0, Vec::new()).apply(store, 0).await;
    let resting = ["Q1", "W1", "W2"].map(no);
    let mut before = Vec::new();
    for order_no in &resting {
        before.push(known(store, order_no).await);
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
    let mut due = claimed(store, 13).await;
    due.sort();
    assert_eq!(due, ["F1", "Q1", "W1", "W2"].map(no));
}
