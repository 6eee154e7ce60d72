//! More calls than anybody asked for.

use qcc_sqlite::SqliteStore;
use qcc_sync::{OrderFilter, StateName, Store};

use crate::given::{at, claim, no, store, worker};

/// More than fit in a few portions, so that some are taken over on their own.
const MANY: usize = 2000;

async fn flood(store: &SqliteStore, name: &str) {
    let tasks: Vec<_> = (0..MANY)
        .map(|n| {
            let (store, order_no) = (store.clone(), no(&format!("{name}{n}")));
            tokio::spawn(async move { store.note_call(&order_no, at(0)).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap(), "each is news");
    }
}

#[tokio::test]
async fn many_calls_are_known_before_and_after_the_ledger_takes_them_over() {
    let (_folder, store) = store().await;
    flood(&store, "A").await;
    let check = async |store: &SqliteStore| {
        let overview = store.overview().await.unwrap();
        assert_eq!(overview.count(StateName::Seen), MANY as u64);
        assert_eq!(overview.oldest_pending, Some((no("A0"), at(0))));
        let mut filter = OrderFilter::default();
        filter.limit = Some(3);
        let newest = store.orders(&filter).await.unwrap();
        let newest: Vec<_> = newest.iter().map(|order| order.no.as_str()).collect();
        assert_eq!(newest, ["A999", "A998", "A997"]);
        assert_eq!(store.orders(&OrderFilter::default()).await.unwrap().len(), MANY);
        assert!(store.order(&no("A1234")).await.unwrap().is_some());
        assert_eq!(store.order(&no("B1")).await.unwrap(), None);
    };
    check(&store).await;
    assert_eq!(claim(&store, &worker("w"), 1).await, None, "anybody may have called");
    check(&store).await;
    assert!(!store.note_call(&no("A1999"), at(2)).await.unwrap(), "known to the ledger");
}

#[tokio::test]
async fn calls_that_come_while_others_are_taken_over_are_not_lost() {
    let (_folder, store) = store().await;
    let taking = {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0..50 {
                claim(&store, &worker(&format!("w{n}")), 1).await;
            }
        })
    };
    flood(&store, "A").await;
    taking.await.unwrap();
    flood(&store, "B").await;
    let seen = store.overview().await.unwrap().count(StateName::Seen);
    assert_eq!(seen, 2 * MANY as u64);
    let again = SqliteStore::open(store.path()).await.unwrap();
    assert_eq!(again.overview().await.unwrap().count(StateName::Seen), 2 * MANY as u64);
}
