//! Two stores on one file: what another process would see and do.

use std::collections::BTreeSet;

use qcc_proto::OrderNo;
use qcc_sqlite::SqliteStore;
use qcc_sync::{Changes, OrderFilter, StateName, Store, Written};

use crate::given::{add, applied, apply, at, claim, leased, local, no, rows, store, worker};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workers_of_two_stores_claim_different_orders() {
    let (_folder, one) = store().await;
    let two = SqliteStore::open(one.path()).await.unwrap();
    let expected: BTreeSet<OrderNo> = (0..40).map(|n| no(&format!("A{n}"))).collect();
    for order_no in &expected {
        add(&one, order_no.as_str(), 0).await;
    }
    let tasks = [one.clone(), one, two.clone(), two].into_iter().zip(0..).map(|(store, who)| {
        tokio::spawn(async move {
            let mut found = Vec::new();
            loop {
                let next = worker(&format!("{who}/{}", found.len()));
                match claim(&store, &next, 1).await {
                    Some(lease) => found.push(lease.order.no),
                    None => return found,
                }
            }
        })
    });
    let mut found = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        found.extend(task.await.unwrap());
    }
    assert_eq!(found.len(), 40, "no order twice");
    assert_eq!(BTreeSet::from_iter(found), expected);
}

#[tokio::test]
async fn a_call_is_durable_while_an_archive_is_applied() {
    let (_folder, store) = store().await;
    let other = SqliteStore::open(store.path()).await.unwrap();
    let hand = worker("hand");
    let lease = leased(&store, "A1", &hand).await;
    let mut apply = store.begin_apply(&lease, local(0)).await.unwrap();
    apply.write(rows(0..5000)).await.unwrap();
    assert!(store.note_call(&no("A2"), at(1)).await.unwrap());
    assert!(other.note_call(&no("A3"), at(2)).await.unwrap());
    assert!(!other.note_call(&no("A2"), at(3)).await.unwrap(), "both see both");
    for store in [&store, &other] {
        let filter = OrderFilter::default();
        let orders = store.orders(&filter).await.unwrap().into_iter().map(|order| order.no);
        assert_eq!(orders.collect::<Vec<_>>(), ["A3", "A2", "A1"].map(no));
        assert_eq!(store.overview().await.unwrap().count(StateName::Seen), 3);
        assert_eq!(store.overview().await.unwrap().records, 0);
    }
    apply.commit(applied(lease.order, 0)).await.unwrap();
    assert_eq!(other.overview().await.unwrap().records, 5000);
    add(&other, "A2", 10).await;
    let next = claim(&other, &worker("next"), 10).await.unwrap().order;
    assert_eq!((next.no, next.called_at), (no("A2"), Some(at(3))));
    assert_eq!(store.overview().await.unwrap().count(StateName::Seen), 2);
}

#[tokio::test]
async fn an_open_apply_keeps_nobody_waiting() {
    let (_folder, store) = store().await;
    let other = SqliteStore::open(store.path()).await.unwrap();
    let hand = worker("hand");
    let lease = leased(&store, "A1", &hand).await;
    let mut open = store.begin_apply(&lease, local(0)).await.unwrap();
    open.write(rows(0..50_000)).await.unwrap();
    store.renew(&lease, at(30)).await.unwrap();
    add(&other, "A2", 1).await;
    assert!(claim(&other, &worker("next"), 2).await.is_some());
    open.commit(applied(lease.order, 0)).await.unwrap();
    assert_eq!(other.overview().await.unwrap().records, 50_000);
}

#[tokio::test]
async fn a_dropped_step_rolls_the_apply_back() {
    let (_folder, store) = store().await;
    let hand = worker("hand");
    let lease = leased(&store, "A1", &hand).await;
    let mut open = store.begin_apply(&lease, local(0)).await.unwrap();
    open.write(rows(0..20_000)).await.unwrap();
    tokio::select! {
        biased;
        _ = open.commit(applied(lease.order.clone(), 0)) => panic!("so many take longer than a glance"),
        () = tokio::task::yield_now() => {}
    }
    store.save(&lease, at(1)).await.unwrap();
    store.release(&lease).await.unwrap();
    assert_eq!(store.overview().await.unwrap().records, 0);
    assert_eq!(
        apply(&store, "A1", 0, vec![rows(0..5)]).await,
        Written { changes: Changes { new: 5, updated: 0, unchanged: 0 }, superseded: 0 }
    );
}

#[tokio::test]
async fn an_apply_outlives_its_store() {
    let (_folder, store) = store().await;
    let path = store.path().to_owned();
    let hand = worker("hand");
    let lease = leased(&store, "A1", &hand).await;
    let mut open = store.begin_apply(&lease, local(0)).await.unwrap();
    drop(store);
    open.write(rows(0..10)).await.unwrap();
    open.commit(applied(lease.order, 0)).await.unwrap();
    let store = SqliteStore::open(path).await.unwrap();
    assert_eq!(store.overview().await.unwrap().records, 10);
}

#[tokio::test]
async fn pruning_by_hand_keeps_the_count_true() {
    let (_folder, store) = store().await;
    apply(&store, "A1", 0, vec![rows(0..10)]).await;
    let by_hand = rusqlite::Connection::open(store.path()).unwrap();
    by_hand.execute("DELETE FROM risk_records WHERE id < 'id-000000004'", []).unwrap();
    assert_eq!(store.overview().await.unwrap().records, 6);
}
