//! What lists and calls tell: noted once, never forgotten.

use qcc_proto::ListedOrder;

use super::{
    Fresh,
    given::{Archive, add, at, known, lease, line, list, listing, local, no, ok, with, worker},
    leasing::kept,
};
use crate::{Continuity, Decision, Gap, Listing, State, Store};

pub(super) async fn a_list_names_new_orders_once(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let lines = [line("A1", -900), line("A2", -600)];
    let first = listing(0, &lines);
    assert_eq!(ok(store.note_list(&lines, &first).await).new, 2, "both are new");
    let order = known(store, &no("A1")).await;
    assert_eq!(order.state, State::Seen);
    assert_eq!(order.created_at, lines[0].created_at);
    assert_eq!((order.first_seen_at, order.listed_at), (at(0), Some(at(0))));
    assert_eq!((order.called_at, order.failures), (None, 0));

    let lines = [line("A1", -900), line("A2", -600), line("A3", -300)];
    let second = listing(600, &lines);
    assert_eq!(ok(store.note_list(&lines, &second).await).new, 1, "one is new");
    assert_eq!(known(store, &no("A1")).await, order, "a known order stays as it was");
    assert_eq!(known(store, &no("A3")).await.first_seen_at, at(600));
    let last = ok(store.overview().await).last_listing;
    assert_eq!(last, Some(Listing { fresh: 1, burst: None, ..second }), "the last list counts");

    let none = listing(1200, &[]);
    assert_eq!(ok(store.note_list(&[], &none).await).new, 0);
    assert_eq!(ok(store.overview().await).last_listing, Some(none), "an empty list is one too");
    assert_eq!(ok(store.order(&no("A9")).await), None, "what was never noted is not known");
}

pub(super) async fn calls_and_lists_meet_in_one_order(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let (called, listed) = (no("A1"), no("A2"));
    let lines = [line("A1", -900), line("A2", -600)];
    assert!(ok(store.note_call(&called, at(0)).await), "the first call brings a new order");
    assert!(!ok(store.note_call(&called, at(5)).await), "the second does not");
    let order = known(store, &called).await;
    assert_eq!((order.first_seen_at, order.called_at), (at(0), Some(at(5))));
    assert_eq!((order.listed_at, order.created_at), (None, None));

    assert_eq!(ok(store.note_list(&lines, &listing(10, &lines)).await).new, 1);
    assert!(!ok(store.note_call(&listed, at(20)).await), "a listed order is not new");
    let order = known(store, &called).await;
    assert_eq!(order.created_at, lines[0].created_at, "the list says when it was made");
    assert_eq!((order.first_seen_at, order.called_at), (at(0), Some(at(5))));
    assert_eq!(order.listed_at, Some(at(10)));
    let order = known(store, &listed).await;
    assert_eq!((order.first_seen_at, order.called_at), (at(10), Some(at(20))));

    let undated = [ListedOrder::new(called.clone(), None)];
    ok(store.note_list(&undated, &listing(30, &undated)).await);
    let order = known(store, &called).await;
    assert_eq!(order.created_at, lines[0].created_at, "a list without a date takes none away");
}

pub(super) async fn what_is_noted_never_moves_an_order_back(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    Archive::new("A1", 0, Vec::new()).apply(store, 0).await;
    let lines = [line("A1", -900)];
    assert!(!ok(store.note_call(&no("A1"), at(10)).await));
    assert_eq!(ok(store.note_list(&lines, &listing(20, &lines)).await).new, 0);
    let order = known(store, &no("A1")).await;
    assert_eq!(order.state, State::Applied);
    assert!(order.applied.is_some());
    assert_eq!((order.called_at, order.listed_at), (Some(at(10)), Some(at(20))));
}

pub(super) async fn lists_join_by_what_lists_named(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let lines = [line("A3", -300), line("A1", -900), line("A2", -600)];
    ok(store.note_call(&no("A2"), at(0)).await);
    let nothing = Continuity { listed_before: 0, newest_listed: None, oldest_kept: None };
    let first = list(store, 10, &lines).await;
    assert_eq!((first.continuity, first.gap), (nothing, None), "a call is no list");
    ok(store.note_call(&no("A4"), at(20)).await);
    let next = [line("A4", -100), line("A3", -300), line("A2", -600)];
    let newest_listed = Some(lines[0].clone());
    let joined = Continuity { listed_before: 2, newest_listed, oldest_kept: None };
    let second = list(store, 30, &next).await;
    assert_eq!((second.continuity, second.gap), (joined.clone(), None));
    let apart = [line("B1", 600), line("B2", 700)];
    let newest_listed = Some(next[0].clone());
    let third = list(store, 800, &apart).await;
    assert_eq!(third.continuity, Continuity { listed_before: 0, newest_listed, ..joined });
    assert!(third.gap.is_some(), "nothing is known of what was made between the two");
}

pub(super) async fn a_first_list_joins_on_to_kept_archives(fresh: &Fresh<'_>) {
    let noted = async |lines: &[ListedOrder]| {
        let store = fresh().await;
        for (called, second) in [("K1", -900), ("K2", -500), ("K3", -100)] {
            add(&*store, &no(called), second).await;
            let lease = lease(&*store, &no(called), &worker("hand"), second).await;
            ok(store.save(&with(&lease, |order| order.fetched(kept())), at(second)).await);
        }
        // Anybody who knows the key may name an order: this one is not known to exist.
        ok(store.note_call(&no("S4"), at(-450)).await);
        let noted = list(&*store, 10, lines).await;
        assert_eq!(ok(store.gaps().await), Vec::from_iter(noted.gap.clone()));
        let again = list(&*store, 20, &[line("B0", -1000), line("B1", -300)]).await;
        assert_eq!(again.continuity.oldest_kept, None, "from then on lists count");
        noted
    };
    let lines = [line("B1", -300), line("K3", -110), line("B2", -200)];
    let found = noted(&lines).await;
    let first = ListedOrder::new(no("K1"), Some(local(-900)));
    let Continuity { listed_before, newest_listed, oldest_kept } = found.continuity;
    assert_eq!((listed_before, newest_listed), (0, None));
    assert_eq!(oldest_kept, Some(first.clone()), "heard of before the oldest was made");
    let ends = found.gap.map(|gap| (gap.after, gap.before));
    assert_eq!(ends, Some((first, lines[0].clone())));
    let all = noted(&[line("B0", -1000), line("B1", -300)]).await;
    assert_eq!((all.continuity.oldest_kept, all.gap), (None, None), "nothing is older");
}

/// Lists `A1` and then, apart from it, `A5`: the gap between the two.
pub(super) async fn gap(store: &dyn Store) -> Gap {
    list(store, 0, &[line("A1", -900)]).await;
    match list(store, 600, &[line("A5", -300)]).await.gap {
        Some(gap) => gap,
        None => panic!("two lists have no order in common, and no gap was told"),
    }
}

pub(super) async fn a_gap_is_kept_once(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let first = gap(store).await;
    assert_eq!((first.id, first.found_at, first.closed_at), (1, at(600), None));
    assert_eq!((&first.after, &first.before), (&line("A1", -900), &line("A5", -300)));
    assert_eq!(list(store, 610, &[line("A5", -300)]).await.gap, None, "the list joins by now");
    let Some(second) = list(store, 900, &[line("B5", 700)]).await.gap else {
        panic!("a second gap was not told");
    };
    assert_eq!((second.id, &second.after), (2, &line("A5", -300)), "gaps are numbered");
    assert_eq!(ok(store.gaps().await), [first.clone(), second.clone()], "two gaps");
    assert_eq!(ok(store.overview().await).gaps, [first.clone(), second.clone()]);

    let close = async |id, second| {
        ok(store.decide(&Decision::CloseGap { id, note: None }, at(second)).await)
    };
    assert!(close(1, 1000).await, "an open gap is closed");
    assert!(!close(1, 1010).await, "a closed one is not open");
    assert!(!close(3, 1020).await, "nor is one that is not there");
    let closed = Gap { closed_at: Some(at(1000)), ..first };
    assert_eq!(ok(store.gaps().await), [second.clone(), closed], "open ones first");
    assert_eq!(ok(store.overview().await).gaps, [second], "the overview shows open ones");
}

pub(super) async fn a_gap_is_not_kept_where_the_list_joins_by_now(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let kept = gap(store).await;
    // Another worker asked for its list earlier, and notes it later.
    let earlier = [line("A4", -400), line("A5", -300)];
    let noted = list(store, 595, &earlier).await;
    assert_eq!(noted.gap, None, "and not told");
    assert_eq!(ok(store.gaps().await), [kept]);
    known(store, &no("A4")).await;
}

pub(super) async fn a_list_is_not_replaced_by_an_older_one(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let last = async || ok(store.overview().await).last_listing.map(|listing| listing.at);
    let lines = [line("A1", -900)];
    list(store, 600, &lines).await;
    let earlier = [line("A1", -900), line("A2", -300)];
    assert_eq!(list(store, 590, &earlier).await.new, 1, "what it names is noted");
    assert_eq!(last().await, Some(at(600)), "the facts of the later list stay");
    known(store, &no("A2")).await;
    list(store, 610, &lines).await;
    assert_eq!(last().await, Some(at(610)));
    list(store, 90_000, &lines).await;
    list(store, 620, &lines).await;
    assert_eq!(last().await, Some(at(620)), "one from the future is replaced: a clock was wrong");
}
