//! What lists and calls tell: noted once, never forgotten.

use std::future::Future;

use qcc_proto::ListedOrder;

use super::{
    given::{Archive, add, at, known, lease, line, listing, local, no, ok, worker},
    leasing::kept,
};
use crate::{Continuity, Decision, Gap, State, Store};

/// A list repeated changes nothing but the facts of the last list.
pub async fn a_list_names_new_orders_once<S: Store, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let lines = [line("A1", -900), line("A2", -600)];
    let first = listing(0, &lines);
    assert_eq!(ok(store.note_listing(&lines, &first, None).await).fresh, 2, "both are new");
    let order = known(&store, &no("A1")).await;
    assert_eq!(order.state, State::Seen);
    assert_eq!(order.created_at, lines[0].created_at);
    assert_eq!((order.first_seen_at, order.listed_at), (at(0), Some(at(0))));
    assert_eq!((order.called_at, order.failures), (None, 0));

    let lines = [line("A1", -900), line("A2", -600), line("A3", -300)];
    let second = listing(600, &lines);
    assert_eq!(ok(store.note_listing(&lines, &second, None).await).fresh, 1, "one is new");
    assert_eq!(known(&store, &no("A1")).await, order, "a known order stays as it was");
    assert_eq!(known(&store, &no("A3")).await.first_seen_at, at(600));
    assert_eq!(ok(store.overview().await).last_listing, Some(second), "the last list counts");

    let none = listing(1200, &[]);
    assert_eq!(ok(store.note_listing(&[], &none, None).await).fresh, 0);
    assert_eq!(ok(store.overview().await).last_listing, Some(none), "an empty list is one too");
    assert_eq!(ok(store.order(&no("A9")).await), None, "what was never noted is not known");
}

/// Whichever comes first, call or list, the order ends the same.
pub async fn calls_and_lists_meet_in_one_order<S: Store, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let (called, listed) = (no("A1"), no("A2"));
    let lines = [line("A1", -900), line("A2", -600)];
    assert!(ok(store.note_call(&called, at(0)).await), "the first call brings a new order");
    assert!(!ok(store.note_call(&called, at(5)).await), "the second does not");
    let order = known(&store, &called).await;
    assert_eq!((order.first_seen_at, order.called_at), (at(0), Some(at(5))));
    assert_eq!((order.listed_at, order.created_at), (None, None));

    assert_eq!(ok(store.note_listing(&lines, &listing(10, &lines), None).await).fresh, 1);
    assert!(!ok(store.note_call(&listed, at(20)).await), "a listed order is not new");
    let order = known(&store, &called).await;
    assert_eq!(order.created_at, lines[0].created_at, "the list says when it was made");
    assert_eq!((order.first_seen_at, order.called_at), (at(0), Some(at(5))));
    assert_eq!(order.listed_at, Some(at(10)));
    let order = known(&store, &listed).await;
    assert_eq!((order.first_seen_at, order.called_at), (at(10), Some(at(20))));

    let undated = [ListedOrder::new(called.clone(), None)];
    ok(store.note_listing(&undated, &listing(30, &undated), None).await);
    let order = known(&store, &called).await;
    assert_eq!(order.created_at, lines[0].created_at, "a list without a date takes none away");
}

/// An applied order stays applied, however often it is named.
pub async fn what_is_noted_never_moves_an_order_back<S: Store, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    Archive::new("A1", 0, Vec::new()).apply(&store, 0).await;
    let lines = [line("A1", -900)];
    assert!(!ok(store.note_call(&no("A1"), at(10)).await));
    assert_eq!(ok(store.note_listing(&lines, &listing(20, &lines), None).await).fresh, 0);
    let order = known(&store, &no("A1")).await;
    assert_eq!(order.state, State::Applied);
    assert!(order.applied.is_some());
    assert_eq!((order.called_at, order.listed_at), (Some(at(10)), Some(at(20))));
}

/// Calls say nothing about the orders around them, so they join no lists.
pub async fn lists_join_by_what_lists_named<S: Store, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let lines = [line("A3", -300), line("A1", -900), line("A2", -600)];
    let nothing = Continuity { listed_before: 0, newest_listed: None, oldest_kept: None };
    assert_eq!(ok(store.continuity(&lines).await), nothing, "nothing was listed yet");
    ok(store.note_call(&no("A2"), at(0)).await);
    assert_eq!(ok(store.continuity(&lines).await), nothing, "a call is no list");
    ok(store.note_listing(&lines, &listing(10, &lines), None).await);
    ok(store.note_call(&no("A4"), at(20)).await);
    let next = [line("A4", -100), line("A3", -300), line("A2", -600)];
    let newest_listed = Some(lines[0].clone());
    let joined = Continuity { listed_before: 2, newest_listed, oldest_kept: None };
    assert_eq!(ok(store.continuity(&next).await), joined);
    let apart = [line("B1", 600), line("B2", 700)];
    let found = ok(store.continuity(&apart).await);
    assert_eq!(found, Continuity { listed_before: 0, ..joined });
}

/// Before the first list, what calls brought is what it has to join on to: of the
/// orders whose archives are kept, the oldest, where it is not in it any more.
pub async fn a_first_list_joins_on_to_kept_archives<S: Store, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    for (called, second) in [("K1", -900), ("K2", -500), ("K3", -100)] {
        add(&store, &no(called), second).await;
        let order = lease(&store, &no(called), &worker("hand"), second).await.fetched(kept());
        ok(store.save(&order, &worker("hand"), at(second)).await);
    }
    // Anybody who knows the key may name an order: this one is not known to exist.
    ok(store.note_call(&no("S4"), at(-450)).await);
    let lines = [line("B1", -300), line("K3", -110), line("B2", -200)];
    let first = ListedOrder::new(no("K1"), Some(local(-900)));
    let found = ok(store.continuity(&lines).await);
    assert_eq!((found.listed_before, found.newest_listed.clone()), (0, None));
    assert_eq!(found.oldest_kept, Some(first.clone()), "heard of before the oldest was made");
    let all = [line("B0", -1000), line("B1", -300)];
    assert_eq!(ok(store.continuity(&all).await).oldest_kept, None, "nothing is older");

    // Whoever notes the list may have looked before the archives were kept.
    ok(store.note_listing(&lines, &listing(10, &lines), None).await);
    let gaps = ok(store.gaps().await);
    let ends: Vec<_> = gaps.iter().map(|gap| (&gap.after, &gap.before)).collect();
    let [(after, before)] = ends.as_slice() else { panic!("{gaps:?}") };
    assert_eq!((&after.order_no, &before.order_no), (&first.order_no, &lines[0].order_no));
    assert_eq!(ok(store.continuity(&all).await).oldest_kept, None, "from then on lists count");
}

/// A gap is kept once, however often it is reported, and closed by a person.
pub async fn a_gap_is_kept_once<S: Store, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let gap = |found, after: &str, before: &str| Gap {
        id: 0,
        found_at: at(found),
        after: line(after, -900),
        before: line(before, -300),
        closed_at: None,
        note: None,
    };
    let (first, second) = (gap(0, "A1", "A5"), gap(600, "A9", "B5"));
    for (now, gap) in [(0, &first), (10, &first), (600, &second), (610, &first)] {
        let repeated = Gap { found_at: at(now), ..gap.clone() };
        let noted = ok(store.note_listing(&[], &listing(now, &[]), Some(&repeated)).await);
        let is_news = [0, 600].contains(&now);
        assert_eq!(noted.gap.is_some(), is_news, "told once");
    }
    let first = Gap { id: 1, ..first };
    let second = Gap { id: 2, ..second };
    assert_eq!(ok(store.gaps().await), [first.clone(), second.clone()], "two gaps, numbered");
    assert_eq!(ok(store.overview().await).gaps, [first.clone(), second.clone()]);

    let close = async |id, second| {
        ok(store.decide(&Decision::CloseGap { id, note: None }, at(second)).await)
    };
    assert!(close(1, 700).await, "an open gap is closed");
    assert!(!close(1, 710).await, "a closed one is not open");
    assert!(!close(3, 720).await, "nor is one that is not there");
    ok(store.note_listing(&[], &listing(800, &[]), Some(&first)).await);
    let closed = Gap { closed_at: Some(at(700)), ..first };
    assert_eq!(ok(store.gaps().await), [second.clone(), closed], "open ones first");
    assert_eq!(ok(store.overview().await).gaps, [second], "the overview shows open ones");
}

/// Two workers read the list at once, and the second still believes in a gap that
/// the first one's list has taken up: it would cover the same stretch twice.
pub async fn a_gap_is_not_kept_where_the_list_joins_by_now<S: Store, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let gap = |before: &str, created| Gap {
        id: 0,
        found_at: at(0),
        after: line("A1", -900),
        before: line(before, created),
        closed_at: None,
        note: None,
    };
    ok(store.note_listing(&[line("A1", -900)], &listing(0, &[]), None).await);
    let later = [line("A5", -100), line("A6", -50)];
    ok(store.note_listing(&later, &listing(10, &later), Some(&gap("A5", -100))).await);
    let earlier = [line("A4", -200), line("A5", -100)];
    let noted = store.note_listing(&earlier, &listing(5, &earlier), Some(&gap("A4", -200))).await;
    assert_eq!(ok(noted).gap, None, "and not told of");
    let kept = Gap { id: 1, ..gap("A5", -100) };
    assert_eq!(ok(store.gaps().await), [kept]);
    known(&store, &no("A4")).await;
}
