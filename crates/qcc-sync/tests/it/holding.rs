//! A hold that outlives its run, and labels that outlive their list.

use std::time::Duration;

use jiff::SignedDuration;
use qcc_sim::{Fault, FaultPlan, Rate, VendorConfig};
use qcc_sync::{AccountExt as _, Archives, Decision, Hold, Reason, ReasonCode, Report, Store};

use crate::world::{World, paused};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

fn world() -> World {
    World::new(VendorConfig { seed: 5, ..VendorConfig::default() })
}

async fn run(world: &World) {
    let _ = world.engine().settle(Duration::ZERO, &()).await;
}

#[test]
fn a_hold_from_the_future_is_put_right_in_the_store_and_one_of_today_is_not() {
    paused(async {
        let world = world();
        for (ahead, expected) in [(-MINUTE, -MINUTE), (MINUTE * 600, SignedDuration::ZERO)] {
            let since = world.now() + ahead;
            let reason = Reason::new(ReasonCode::CoolOff, "106");
            let hold = Hold { since, until: Some(since + MINUTE * 30), reason };
            world.store.set_hold(Some(&hold)).await.unwrap();
            let now = world.now();
            run(&world).await;
            let hold = world.store.hold().await.unwrap().unwrap();
            assert_eq!(hold.since, now + expected);
            assert_eq!(hold.until, Some(now + expected + MINUTE * 30));
        }
    });
}

#[test]
fn a_hold_counts_from_when_its_reason_began() {
    paused(async {
        let world = world();
        let refuse = |fault| {
            let faults = FaultPlan::none().with(fault, Rate::ALWAYS);
            world.vendor.lock().unwrap().set_faults(faults);
        };
        let begun = world.now();
        refuse(Fault::Status107);
        for _ in 0..2 {
            run(&world).await;
            let hold = world.store.hold().await.unwrap().unwrap();
            assert_eq!((hold.reason.code, hold.since), (ReasonCode::Signature, begun));
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
        refuse(Fault::Status106);
        let later = world.now();
        run(&world).await;
        let hold = world.store.hold().await.unwrap().unwrap();
        assert_eq!((hold.reason.code, hold.since), (ReasonCode::CoolOff, later));
    });
}

#[test]
fn a_second_list_leaves_the_labels_as_the_first_one_wrote_them() {
    paused(async {
        let world = world();
        world.push(2);
        let labels = async || {
            run(&world).await;
            let shelved = world.archives.shelved(None, 99).await.unwrap();
            shelved.into_iter().flat_map(|shelved| shelved.labels).collect::<Vec<_>>()
        };
        let first = labels().await;
        assert_eq!(first.len(), 2);
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(labels().await, first);
    });
}

#[test]
fn a_list_read_while_an_archive_comes_is_in_its_label() {
    paused(async {
        let world = world();
        world.push(1);
        let faults = FaultPlan::none().with(Fault::SlowBody, Rate::ALWAYS);
        world.vendor.lock().unwrap().set_faults(faults);
        let order_no = world.vendor.lock().unwrap().truth().orders.keys().next().unwrap().clone();
        let add = Decision::AddOrder { order_no: order_no.clone() };
        assert!(world.store.decide(&add, world.now()).await.unwrap());
        let engine = world.engine();
        let mut report = Report::default();
        let (work, list) = tokio::join!(engine.work(&mut report, &()), async {
            while world.store.order(&order_no).await.unwrap().unwrap().password.is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            engine.list(&()).await
        });
        assert!(work.unwrap());
        assert_eq!((list.unwrap(), report.fetched), ((1, 0), 1));
        let shelved = world.archives.shelved(None, 99).await.unwrap();
        let known = world.store.order(&order_no).await.unwrap().unwrap();
        assert!(known.listed_at.is_some());
        assert_eq!(shelved[0].labels[0].listed_at, known.listed_at);
    });
}
