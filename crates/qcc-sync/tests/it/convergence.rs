//! Whatever goes wrong, and wherever it is interrupted: the table ends as the
//! vendor meant it.

use std::time::Duration;

use proptest::prelude::*;
use qcc_sim::{Fault, FaultPlan, Rate, VendorConfig};
use qcc_sync::{OrderFilter, StateName, Store};

use crate::{
    kept,
    world::{World, paused},
};

/// One life of a receiver: pushes, runs that are cut off, faults that pass, a
/// person who retries what was quarantined; then the tables are compared.
async fn live(seed: u64, runs: &[(u32, u64)]) {
    let world = World::new(VendorConfig {
        seed,
        bad_records: 0.02,
        faults: with_rests(FaultPlan::random(), seed).at_most(80),
        ..VendorConfig::default()
    });
    for (orders, millis) in runs {
        world.push(*orders);
        world.run_for(Duration::from_millis(*millis)).await;
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
    world.settle().await;
    for _ in 0..10 {
        let retried = world.store.retry(&[], world.now()).await.unwrap();
        if retried.is_empty() {
            break;
        }
        world.settle().await;
    }

    world.check_journal();
    assert_eq!(world.table().await, world.truth(false), "seed {seed}");
    assert!(world.store.overview().await.unwrap().gaps.is_empty(), "no order was ever missed");
    // Three proofs and two replays take as long as four lives.
    if seed.is_multiple_of(8) {
        kept::check(&world).await;
    }
}

/// Half of the lives meet each of the statuses that stop every call for long.
fn with_rests(plan: FaultPlan, seed: u64) -> FaultPlan {
    (0..).zip(Fault::ACCOUNT_WIDE).fold(plan, |plan, (bit, fault)| {
        plan.with(*fault, Rate::first(u32::from(seed >> bit & 1 == 1)))
    })
}

/// The faults that have a part in every mix; what is done about each other has a test of its own.
fn mixed() -> impl Iterator<Item = &'static Fault> {
    Fault::ALL.iter().filter(|fault| !Fault::UNMIXED.contains(fault))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]
    #[test]
    fn the_table_converges(
        seed in any::<u64>(),
        runs in prop::collection::vec((0u32..4, 0u64..60_000), 1..7),
    ) {
        paused(live(seed, &runs));
    }
}

/// Two thousand lives; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2000)
}

#[test]
fn every_fault_that_passes_is_survived_alone() {
    for fault in mixed().filter(|fault| fault.passes()) {
        paused(async {
            let faults = FaultPlan::none().with(*fault, Rate::first(3));
            let world = World::new(VendorConfig { seed: 7, faults, ..VendorConfig::default() });
            world.push(6);
            world.settle().await;
            world.store.retry(&[], world.now()).await.unwrap();
            world.settle().await;
            assert_eq!(world.table().await, world.truth(true), "{fault}");
        });
    }
}

#[test]
fn every_spoilt_order_is_quarantined_with_its_archive_and_the_rest_applied() {
    for fault in mixed().filter(|fault| !fault.passes()) {
        paused(async {
            let faults = FaultPlan::none().with(*fault, Rate::first(1));
            let world = World::new(VendorConfig { seed: 7, faults, ..VendorConfig::default() });
            world.push(4);
            world.settle().await;
            assert_eq!(world.table().await, world.truth(false), "{fault}");
            let mut filter = OrderFilter::default();
            filter.state = Some(StateName::Quarantined);
            let orders = world.store.orders(&filter).await.unwrap();
            assert_eq!(orders.len(), 1, "{fault}");
            assert!(orders[0].archive.is_some(), "{fault}: the raw bytes are kept");
        });
    }
}

#[test]
fn a_window_that_ran_over_is_a_gap() {
    paused(async {
        let world = World::new(VendorConfig { seed: 3, ..VendorConfig::default() });
        world.push(5);
        world.settle().await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        world.push(31);
        let _ = world.engine().settle(Duration::ZERO, &()).await;
        let gaps = world.store.gaps().await.unwrap();
        assert_eq!(gaps.len(), 1);
        let missed = world.vendor.lock().unwrap().truth().orders;
        let missed: Vec<_> = missed.iter().filter(|(_, order)| order.missed).collect();
        assert_eq!(missed.len(), 1);
        assert!(gaps[0].after.order_no < *missed[0].0 && *missed[0].0 < gaps[0].before.order_no);
    });
}

#[test]
fn a_list_that_lags_does_not_hide_a_gap() {
    paused(async {
        let world = World::new(VendorConfig { seed: 3, ..VendorConfig::default() });
        world.push(5);
        world.settle().await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        world.push(40);
        let lags = FaultPlan::none().with(Fault::ListLags, Rate::first(1));
        world.vendor.lock().unwrap().set_faults(lags);
        for _ in 0..2 {
            let _ = world.engine().settle(Duration::ZERO, &()).await;
        }
        assert_eq!(world.store.gaps().await.unwrap().len(), 1);
    });
}

#[test]
fn thirty_orders_in_one_go_are_no_gap_while_the_last_known_is_listed() {
    paused(async {
        let world = World::new(VendorConfig { seed: 3, ..VendorConfig::default() });
        world.push(5);
        world.settle().await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        world.push(29);
        world.settle().await;
        assert!(world.store.gaps().await.unwrap().is_empty());
        assert_eq!(world.table().await, world.truth(true));
    });
}
