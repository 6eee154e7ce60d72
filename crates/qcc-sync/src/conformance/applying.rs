//! An apply is a transaction: records and ledger, or neither.

use futures_util::future::join;

use super::{
    Fresh,
    given::{
        Archive, add, at, claim, claim_no, known, lease, line, list, listing, local, no, ok,
        record, row, versions, worker,
    },
};
use crate::{
    Changes, RecordFilter, SetAside, State, StoreErrorKind, StoredRecord, UnknownWord, Want,
    Written,
};

fn aside(position: u64, raw: &[u8]) -> SetAside {
    SetAside {
        position, code: "missing_field".into(), detail: "id 缺失".into(), raw: raw.to_vec()
    }
}

fn word(word: &str, count: u64) -> UnknownWord {
    UnknownWord { field: "monitorLevel".into(), word: word.into(), count }
}

fn written(new: u64, updated: u64, unchanged: u64, superseded: u64) -> Written {
    Written { changes: Changes { new, updated, unchanged }, superseded }
}

fn pair(id: &str, version: &str) -> (String, String) {
    (id.into(), version.into())
}

pub(super) async fn records_and_ledger_change_together(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let mut archive = Archive::new("A1", 50, vec![row(1, record("b", "1"))]);
    archive.batches.push(vec![row(2, record("c", "1")), row(0, record("a", "1"))]);
    archive.aside = vec![aside(3, b"{}")];
    archive.words = vec![word("新级别", 2)];
    assert_eq!(archive.apply(store, 100).await, written(3, 0, 0, 0));

    let order = known(store, &no("A1")).await;
    assert_eq!(order.state, State::Applied);
    let applied = order.applied.clone().map(|a| (a.at, a.push_date, a.total_size, a.stored));
    assert_eq!(applied, Some((at(100), local(50), 4, 3)));
    let changes = order.applied.as_ref().and_then(|applied| applied.changes);
    assert_eq!(changes, Some(Changes { new: 3, updated: 0, unchanged: 0 }));
    let all = ok(store.records(&RecordFilter::default(), None, 10).await);
    assert_eq!(all.len(), 3);
    let StoredRecord { record: first, rank } = &all[0];
    assert_eq!(*first, record("a", "1"));
    assert_eq!((rank.push_date, &rank.order_no, rank.position), (local(50), &no("A1"), 0));
    assert_eq!(ok(store.set_aside(&no("A1"), None, 10).await), archive.aside);
    assert_eq!(ok(store.overview().await).unknown_words, archive.words);
    assert_eq!(claim(store, &worker("next"), 200).await, None, "nothing is left to do");
}

pub(super) async fn a_dropped_apply_never_was(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    Archive::new("A1", 0, vec![row(0, record("a", "1"))]).apply(store, 0).await;
    let mut earlier = Archive::new("A2", 10, Vec::new()).repeatable();
    earlier.aside = vec![aside(0, b"old")];
    earlier.apply(store, 0).await;
    let hand = worker("hand");
    let lease = lease(store, &no("A2"), &hand, 10).await;
    let before = ok(store.overview().await);
    {
        let mut apply = ok(store.begin_apply(&lease, local(10)).await);
        ok(apply.write(vec![row(0, record("a", "2")), row(1, record("b", "2"))]).await);
        ok(apply.set_aside(vec![aside(2, b"new")]).await);
    }
    assert_eq!(versions(store).await, [pair("a", "1")]);
    assert_eq!(ok(store.set_aside(&no("A2"), None, 10).await), earlier.aside);
    assert_eq!(ok(store.overview().await), before);
    assert_eq!(known(store, &no("A2")).await, lease.order);

    ok(store.save(&lease, at(20)).await);
    ok(store.release(&lease).await);
    let again = Archive::new("A2", 10, vec![row(0, record("a", "2"))]);
    again.apply(store, 30).await;
    assert_eq!(versions(store).await, [pair("a", "2")], "and it can be applied again");
}

pub(super) async fn an_open_apply_shows_nothing_and_lets_calls_in(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    Archive::new("A1", 0, vec![row(0, record("a", "1"))]).apply(store, 0).await;
    let hand = worker("hand");
    let listed = [line("A2", 0)];
    ok(store.note_list(&listed, &listing(5, &listed)).await);
    ok(store.note_call(&no("A2"), at(10)).await);
    let lease = lease(store, &no("A2"), &hand, 10).await;
    let mut apply = ok(store.begin_apply(&lease, local(10)).await);
    ok(apply.write(vec![row(0, record("a", "2"))]).await);

    assert!(ok(store.note_call(&no("A3"), at(20)).await), "a new order");
    assert!(!ok(store.note_call(&no("A3"), at(21)).await), "the same order");
    assert!(!ok(store.note_call(&no("A2"), at(22)).await), "the order being applied");
    assert_eq!(versions(store).await, [pair("a", "1")], "nothing shows before the commit");
    let called = known(store, &no("A3")).await;
    assert_eq!((called.first_seen_at, called.called_at), (at(20), Some(at(21))));
    let overview = ok(store.overview().await);
    assert_eq!((overview.records, overview.last_call), (1, Some(at(22))));
    let orders = ok(store.orders(&crate::OrderFilter::default()).await);
    let numbers: Vec<_> = orders.into_iter().map(|order| order.no).collect();
    assert_eq!(numbers, ["A3", "A2", "A1"].map(no));

    let done = Archive::new("A2", 10, Vec::new()).commit(&lease.order, 30);
    assert_eq!(ok(apply.commit(done).await), written(0, 1, 0, 0));
    assert_eq!(versions(store).await, [pair("a", "2")]);
    assert_eq!(known(store, &no("A2")).await.called_at, Some(at(22)));
    list(store, 35, &[]).await;
    let next = claim_no(store, &worker("next"), 40).await;
    assert_eq!(next, Some(no("A3")), "the order called about meanwhile is due");
}

pub(super) async fn a_lease_passes_or_the_commit_stands(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let (one, two) = (worker("one"), worker("two"));
    add(store, &no("A1"), 0).await;
    let lease = lease(store, &no("A1"), &one, 0).await;
    let mut apply = ok(store.begin_apply(&lease, local(0)).await);
    ok(apply.write(vec![row(0, record("a", "1"))]).await);
    let done = Archive::new("A1", 0, Vec::new()).commit(&lease.order, 30);
    let (claim, commit) =
        join(store.claim(&two, Want::Confirmed, &[], at(3600)), apply.commit(done)).await;
    let state = known(store, &no("A1")).await.state;
    let records = versions(store).await;
    match (ok(claim).lease(), commit) {
        (None, Ok(_)) => {
            assert_eq!((state, records), (State::Applied, vec![pair("a", "1")]));
        }
        (Some(_), Err(error)) => {
            assert_eq!(error.kind(), StoreErrorKind::LeaseLost, "{error}");
            assert_eq!((state, records), (State::Seen, Vec::new()));
        }
        (claim, commit) => panic!("both or neither came through: {claim:?}, {commit:?}"),
    }
}

pub(super) async fn a_repeated_apply_changes_nothing(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    Archive::new("A1", 50, vec![row(0, record("old", "1"))]).apply(store, 0).await;
    Archive::new("A3", 70, vec![row(0, record("new", "3"))]).apply(store, 0).await;
    let rows =
        vec![row(0, record("old", "2")), row(1, record("new", "2")), row(2, record("own", "2"))];
    let mut archive = Archive::new("A2", 60, rows).repeatable();
    archive.aside = vec![aside(3, b"{]")];
    archive.words = vec![word("新级别", 1)];
    let first = archive.apply(store, 0).await;
    assert_eq!(first, written(1, 1, 0, 1));
    let before = ok(store.overview().await);
    let records = ok(store.records(&RecordFilter::default(), None, 10).await);
    for _ in 0..2 {
        assert_eq!(archive.apply(store, 0).await, written(0, 0, 2, 1), "nothing is written");
        assert_eq!(ok(store.overview().await), before);
        assert_eq!(ok(store.records(&RecordFilter::default(), None, 10).await), records);
        assert_eq!(ok(store.set_aside(&no("A2"), None, 10).await), archive.aside);
    }
}

pub(super) async fn an_empty_archive_is_applied(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let mut archive = Archive::new("A1", 0, Vec::new());
    archive.batches.clear();
    assert_eq!(archive.apply(store, 0).await, Written::default());
    assert_eq!(known(store, &no("A1")).await.state, State::Applied);
    assert_eq!(ok(store.overview().await).records, 0);
}

pub(super) async fn what_is_set_aside_is_kept_as_it_came(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let mut archive = Archive::new("A1", 0, Vec::new()).repeatable();
    archive.aside = vec![aside(10, b"\xff\x00\xfe'"), aside(9, b""), aside(2, &[b'x'; 70_000])];
    archive.apply(store, 0).await;
    archive.aside.reverse();
    let kept = ok(store.set_aside(&no("A1"), None, 10).await);
    assert!(kept == archive.aside, "what was set aside comes back by position, byte for byte");
    let page = ok(store.set_aside(&no("A1"), Some(2), 1).await);
    assert_eq!(page, archive.aside[1..2], "the next after a position");
    assert_eq!(ok(store.set_aside(&no("A2"), None, 10).await), []);
    archive.aside = vec![aside(2, b"better")];
    archive.apply(store, 10).await;
    assert_eq!(ok(store.set_aside(&no("A1"), None, 10).await), archive.aside);
    assert_eq!(ok(store.overview().await).set_aside, 1);
}

pub(super) async fn unknown_words_are_counted_per_archive(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    for (order_no, words) in [
        ("A1", vec![word("甲", 5), word("乙", 1)]),
        ("A2", vec![word("乙", 7)]),
        ("A2", vec![word("乙", 7)]),
        ("A3", Vec::new()),
    ] {
        let mut archive = Archive::new(order_no, 0, Vec::new()).repeatable();
        archive.words = words;
        archive.apply(store, 0).await;
    }
    let words = ok(store.overview().await).unknown_words;
    assert_eq!(words, [word("乙", 8), word("甲", 5)], "most frequent first");

    let mut many = Archive::new("A4", 0, Vec::new()).repeatable();
    many.words = (0..120).map(|n| word(&format!("词{n:03}"), 1)).collect();
    many.words.reverse();
    many.apply(store, 0).await;
    let words = ok(store.overview().await).unknown_words;
    assert_eq!(words.len(), 100, "a hundred at most");
    assert_eq!(words[..2], [word("乙", 8), word("甲", 5)]);
    let rest: Vec<_> = words[2..].iter().map(|word| word.word.clone()).collect();
    assert_eq!(rest, (0..98).map(|n| format!("词{n:03}")).collect::<Vec<_>>(), "by the word");
}
