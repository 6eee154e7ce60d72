//! What a list proves, and what it cannot.

use jiff::{SignedDuration, Timestamp};
use qcc_proto::ListedOrder;
use qcc_sync::{Burst, Continuity, Decision, Listing, MemoryStore, Store, detect_gap};

fn now() -> Timestamp {
    "2026-01-05T01:00:00Z".parse().unwrap()
}

fn orders(range: std::ops::Range<u32>) -> Vec<ListedOrder> {
    range
        .map(|n| {
            ListedOrder::new(
                format!("DDMON2026010509{:02}{:02}{n:08}", n / 60, n % 60).parse().unwrap(),
                Some(format!("2026-01-05 09:{:02}:{:02}", n / 60, n % 60).parse().unwrap()),
            )
        })
        .collect()
}

fn listing(listed: u32) -> Listing {
    Listing {
        at: now(),
        window: 30,
        listed,
        fresh: listed,
        oldest: None,
        newest: None,
        unreadable: 0,
        burst: None,
    }
}

async fn known(store: &MemoryStore, range: std::ops::Range<u32>) {
    let listed = orders(range);
    let count = u32::try_from(listed.len()).unwrap();
    store.note_listing(&listed, &listing(count), None).await.unwrap();
}

#[track_caller]
fn check(listed: &[ListedOrder], continuity: &Continuity, gap: Option<(u32, u32)>) {
    let found = detect_gap(listed, continuity, now());
    let ends = |n: u32| orders(n..n + 1).remove(0);
    assert_eq!(
        found.map(|gap| (gap.after, gap.before)),
        gap.map(|(after, before)| (ends(after), ends(before)))
    );
}

#[tokio::test]
async fn the_first_list_reveals_no_gap() {
    let store = MemoryStore::default();
    let listed = orders(100..130);
    check(&listed, &store.continuity(&listed).await.unwrap(), None);
}

#[tokio::test]
async fn a_list_that_reaches_back_reveals_no_gap() {
    let store = MemoryStore::default();
    known(&store, 0..30).await;
    let listed = orders(29..59);
    check(&listed, &store.continuity(&listed).await.unwrap(), None);
}

#[tokio::test]
async fn a_full_list_of_strangers_is_a_gap_between_the_last_known_and_its_oldest() {
    let store = MemoryStore::default();
    known(&store, 0..30).await;
    let mut listed = orders(40..70);
    listed.reverse();
    check(&listed, &store.continuity(&listed).await.unwrap(), Some((29, 40)));
}

#[tokio::test]
async fn a_short_list_of_strangers_hides_as_much() {
    let store = MemoryStore::default();
    known(&store, 0..3).await;
    let listed = orders(40..67);
    check(&listed, &store.continuity(&listed).await.unwrap(), Some((2, 40)));
}

#[tokio::test]
async fn an_empty_list_reveals_no_gap() {
    let store = MemoryStore::default();
    known(&store, 0..3).await;
    check(&[], &store.continuity(&[]).await.unwrap(), None);
}

#[tokio::test]
async fn a_call_does_not_close_the_stretch_around_it() {
    let store = MemoryStore::default();
    known(&store, 0..30).await;
    store.note_call(&orders(69..70)[0].order_no, now()).await.unwrap();
    let listed = orders(40..70);
    check(&listed, &store.continuity(&listed).await.unwrap(), Some((29, 40)));
}

#[tokio::test]
async fn a_gap_is_kept_once_until_a_person_closes_it() {
    let store = MemoryStore::default();
    known(&store, 0..30).await;
    let listed = orders(40..70);
    let continuity = store.continuity(&listed).await.unwrap();
    let gap = detect_gap(&listed, &continuity, now()).unwrap();
    for _ in 0..2 {
        store.note_listing(&listed, &listing(30), Some(&gap)).await.unwrap();
    }
    let gaps = store.gaps().await.unwrap();
    assert_eq!(gaps.len(), 1);
    let close = Decision::CloseGap { id: gaps[0].id, note: None };
    assert!(store.decide(&close, now()).await.unwrap());
    assert!(!store.decide(&close, now()).await.unwrap());
    assert!(store.overview().await.unwrap().gaps.is_empty());
}

#[test]
fn pressure_tells_how_long_one_may_be_away() {
    let mut full = listing(30);
    full.fresh = 15;
    assert_eq!(full.pressure().lasts, None, "no rate is known");
    let within = SignedDuration::from_secs(62);
    full.burst = Some(Burst { orders: 12, within, at: now() });
    let pressure = full.pressure();
    assert!((pressure.share - 0.5).abs() < 1e-9);
    assert_eq!(pressure.lasts, Some(SignedDuration::from_secs(155)));
    assert!(full.is_mostly_fresh() && !full.is_all_fresh());
    full.fresh = 14;
    assert!(!full.is_mostly_fresh());
}
