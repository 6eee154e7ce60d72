//! Holds and trouble, and what goes on meanwhile.

use super::*;

/// Orders whose archives are kept, none of them applied.
async fn kept(world: &World, orders: u32) {
    world.push(orders);
    let (engine, mut report) = (world.engine(), Report::default());
    engine.list(&()).await.unwrap();
    for _ in 0..orders {
        assert!(engine.work(&mut report, &()).await.unwrap());
    }
    assert_eq!(world.store.overview().await.unwrap().count(StateName::Fetched), u64::from(orders));
}

fn rest_for(world: &World, time: Duration) -> Hold {
    let until = world.now() + SignedDuration::try_from(time).unwrap();
    let reason = Reason::new(ReasonCode::CoolOff, "106");
    Hold { since: world.now(), until: Some(until), reason }
}

#[test]
fn kept_archives_are_applied_while_calls_rest() {
    paused(async {
        let world = world();
        kept(&world, 3).await;
        world.push(1);
        world.store.set_hold(Some(&rest_for(&world, HOUR))).await.unwrap();
        let before = world.vendor.lock().unwrap().journal().entries().count();
        let report = world.engine().settle(HOUR, &()).await.unwrap();
        assert_eq!((report.applied, report.held.is_some()), (3, true));

        let (wake, told) = (Wake::new(), Told::default());
        following(&world, &Follow::default(), &wake, &told, async {
            let order_no = world.vendor.lock().unwrap().push(world.now());
            world.store.note_call(&order_no, world.now()).await.unwrap();
            wake.call();
            tokio::time::sleep(MINUTE * 59).await;
            let asked = world.vendor.lock().unwrap().journal().entries().count();
            assert_eq!(asked, before, "the vendor was called while calls rest");
            tokio::time::sleep(MINUTE * 2).await;
            assert_eq!(applied(&world).await, 5);
        })
        .await;
        assert_eq!(told.count(|event| matches!(event, Event::Held(_))), 1);
        assert_eq!(told.count(|event| matches!(event, Event::Lifted(_))), 1);
        assert_eq!(world.table().await, world.truth(true));
    });
}

#[test]
fn kept_archives_are_applied_while_the_list_cannot_be_read() {
    paused(async {
        let world = world();
        kept(&world, 3).await;
        fail_always(&world, Fault::Http502Html);
        let error = world.engine().settle(Duration::ZERO, &()).await.unwrap_err();
        assert!(matches!(error, EngineError::Vendor(_)), "{error}");
        assert_eq!(applied(&world).await, 3);
    });
}

#[test]
fn the_list_is_tried_for_as_long_as_patience_lasts() {
    paused(async {
        let world = world();
        world.push(1);
        let faults = FaultPlan::none().with(Fault::Http502Html, Rate::first(7));
        world.vendor.lock().unwrap().set_faults(faults);
        let begun = world.now();
        world.engine().settle(MINUTE, &()).await.unwrap_err();
        assert_eq!(world.now().duration_since(begun), SignedDuration::from_secs(60));
        let report = world.engine().settle(MINUTE * 5, &()).await.unwrap();
        assert_eq!(report.applied, 1);
    });
}

#[test]
fn what_needs_a_person_is_rechecked_seldom_and_ends_by_itself() {
    paused(async {
        let (world, wake, told) = (world(), Wake::new(), Told::default());
        fail_always(&world, Fault::Status107);
        following(&world, &Follow::default(), &wake, &told, async {
            let receiver = Receiver { world: &world, wake: &wake, reachable: true.into() };
            world.push(2);
            receiver.attend(DAY).await;
            let asked = asked(&world, Exchange::ListOrders);
            assert!((6..=11).contains(&asked), "the list was asked for {asked} times in a day");
            let hold = world.store.hold().await.unwrap().unwrap();
            assert_eq!(hold.reason.code, ReasonCode::Signature);
            assert!(world.now().duration_since(hold.since) > SignedDuration::from_hours(23));
            assert_eq!(applied(&world).await, 0);
            heal(&world);
            receiver.attend(HOUR * 7).await;
            assert_eq!(applied(&world).await, 2);
        })
        .await;
        assert_eq!(world.store.hold().await.unwrap(), None);
        assert_eq!(told.count(|event| matches!(event, Event::Lifted(_))), 1);
        assert_eq!(world.table().await, world.truth(true));
    });
}

#[test]
fn a_hold_lifted_by_hand_is_noticed_within_a_minute() {
    paused(async {
        let (world, wake, told) = (world(), Wake::new(), Told::default());
        world.store.set_hold(Some(&rest_for(&world, DAY))).await.unwrap();
        following(&world, &Follow::default(), &wake, &told, async {
            world.push(1);
            tokio::time::sleep(HOUR).await;
            world.store.set_hold(None).await.unwrap();
            tokio::time::sleep(MINUTE * 2).await;
            assert_eq!(applied(&world).await, 1, "the vendor had asked for rest");

            world.push(1);
            fail_always(&world, Fault::Status107);
            tokio::time::sleep(HOUR * 3).await;
            assert!(world.store.hold().await.unwrap().is_some());
            heal(&world);
            world.store.set_hold(None).await.unwrap();
            tokio::time::sleep(MINUTE * 2).await;
            assert_eq!(applied(&world).await, 2, "the signature was refused");
        })
        .await;
    });
}

#[test]
fn trouble_that_passes_is_told_and_outlived() {
    for fault in [Fault::Http502Html, Fault::NoAnswer, Fault::UnknownStatus299, Fault::HtmlAnswer] {
        paused(async {
            let (world, wake, told) = (world(), Wake::new(), Told::default());
            world.push(2);
            fail_always(&world, fault);
            following(&world, &Follow::default(), &wake, &told, async {
                tokio::time::sleep(HOUR).await;
                heal(&world);
                tokio::time::sleep(HOUR).await;
            })
            .await;
            let failures = told.failures.into_inner();
            assert!((12..=30).contains(&failures), "{fault}: {failures} rounds failed");
            assert_eq!(world.table().await, world.truth(true), "{fault}");
        });
    }
}
