//! What a list proves, and what it cannot.

use jiff::{SignedDuration, Timestamp};
use qcc_proto::ListedOrder;
use qcc_sync::{Burst, Continuity, Decision, Listing, MemoryStore, NotedList, Store, join_list};

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
    Listing { listed, fresh: listed, ..Listing::of(&[], 30, 0, now()) }
}

async fn list(store: &MemoryStore, listed: &[ListedOrder]) -> NotedList {
    store.note_list(listed, &Listing::of(listed, 30, 0, now())).await.unwrap()
}

/// Notes a list, and compares the gap that it reveals.
async fn check(store: &MemoryStore, listed: &[ListedOrder], gap: Option<(u32, u32)>) {
    let noted = list(store, listed).await;
    let ends = |n: u32| orders(n..n + 1).remove(0);
    assert_eq!(
        noted.gap.map(|gap| (gap.after, gap.before)),
        gap.map(|(after, before)| (ends(after), ends(before)))
    );
}

#[tokio::test]
async fn the_first_list_reveals_no_gap() {
    check(&MemoryStore::default(), &orders(100..130), None).await;
}

#[tokio::test]
async fn a_list_that_reaches_back_reveals_no_gap() {
    let store = MemoryStore::default();
    list(&store, &orders(0..30)).await;
    check(&store, &orders(29..59), None).await;
}

#[tokio::test]
async fn a_full_list_of_strangers_is_a_gap_between_the_last_known_and_its_oldest() {
    let store = MemoryStore::default();
    list(&store, &orders(0..30)).await;
    let mut listed = orders(40..70);
    listed.reverse();
    check(&store, &listed, Some((29, 40))).await;
}

#[tokio::test]
async fn a_short_list_of_strangers_hides_as_much() {
    let store = MemoryStore::default();
    list(&store, &orders(0..3)).await;
    check(&store, &orders(40..67), Some((2, 40))).await;
}

#[tokio::test]
async fn an_empty_list_reveals_no_gap() {
    let store = MemoryStore::default();
    list(&store, &orders(0..3)).await;
    check(&store, &[], None).await;
}

#[tokio::test]
async fn a_call_does_not_close_the_stretch_around_it() {
    let store = MemoryStore::default();
    list(&store, &orders(0..30)).await;
    store.note_call(&orders(69..70)[0].order_no, now()).await.unwrap();
    check(&store, &orders(40..70), Some((29, 40))).await;
}

#[tokio::test]
async fn a_gap_is_kept_once_until_a_person_closes_it() {
    let store = MemoryStore::default();
    list(&store, &orders(0..30)).await;
    for _ in 0..2 {
        list(&store, &orders(40..70)).await;
    }
    let gaps = store.gaps().await.unwrap();
    assert_eq!(gaps.len(), 1);
    let close = Decision::CloseGap { id: gaps[0].id, note: None };
    assert!(store.decide(&close, now()).await.unwrap());
    assert!(!store.decide(&close, now()).await.unwrap());
    assert!(store.overview().await.unwrap().gaps.is_empty());
}

fn facts(at: i64, listed: u32, burst: Option<Burst>) -> Listing {
    let at = now() + SignedDuration::from_secs(at);
    Listing { at, burst, ..listing(listed) }
}

#[test]
fn what_a_list_says_is_worked_out_from_what_was_known() {
    let known = |listed_before| Continuity {
        listed_before,
        newest_listed: orders(0..1).pop(),
        oldest_kept: None,
    };
    let before = facts(-600, 30, None);
    let joined = join_list(&[], &facts(0, 30, None), &known(20), Some(&before));
    assert_eq!(joined.listing.fresh, 10);
    let burst = joined.listing.burst.unwrap();
    assert_eq!((burst.orders, burst.within.as_secs()), (10, 600), "ten since the list before");
    assert!(joined.is_latest && joined.gap.is_none());
    let first = join_list(&[], &facts(0, 30, None), &known(30), None);
    assert_eq!((first.listing.fresh, first.listing.burst, first.is_latest), (0, None, true));
    for (at, is_latest) in [(0, true), (1, false), (120, false), (121, true)] {
        let joined = join_list(&[], &facts(0, 30, None), &known(20), Some(&facts(at, 30, None)));
        assert_eq!(joined.is_latest, is_latest, "the list before is dated {at} seconds later");
    }
    let remembered = Burst { orders: 30, within: SignedDuration::from_secs(9), at: now() };
    for (at, burst) in [(-60, Some(remembered)), (3600, None)] {
        let before = facts(at, 30, Some(remembered));
        let joined = join_list(&[], &facts(0, 30, None), &known(30), Some(&before));
        assert_eq!(joined.listing.burst, burst, "what a clock that was ahead wrote is no guide");
    }
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
