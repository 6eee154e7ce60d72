//! Told to stop at any moment, and what ends it by itself.

use super::*;

/// Of no order a part of the records is in the table.
async fn check_nothing_is_half_done(world: &World, when: &str) {
    let of = |table: &Table, order_no: &OrderNo| {
        table.values().filter(|(rank, _)| rank.order_no == *order_no).count()
    };
    let (found, truth) = (world.table().await, world.truth(true));
    for (rank, _) in found.values() {
        let (some, all) = (of(&found, &rank.order_no), of(&truth, &rank.order_no));
        assert!(some >= all, "{when}: of {} {some} records stand, of {all}", rank.order_no);
    }
}

#[test]
fn asked_to_stop_it_is_done_within_its_grace() {
    for seconds in 0..30 {
        paused(async {
            let slow = Rate::chance(0.4);
            let faults =
                FaultPlan::none().with(Fault::SlowAnswer, slow).with(Fault::SlowBody, slow);
            let world =
                World::new(VendorConfig { seed: seconds, faults, ..VendorConfig::default() });
            world.push(4);
            let (wake, told) = (Wake::new(), Told::default());
            let mut settings = Follow::default();
            settings.grace = Duration::from_secs(3);
            let asked_at = following(&world, &settings, &wake, &told, async {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                world.now()
            })
            .await;
            let took = world.now().duration_since(asked_at);
            assert!(took <= SignedDuration::from_secs(3), "{seconds} s: it took {took:#}");
            check_nothing_is_half_done(&world, &format!("after {seconds} s")).await;
            following(&world, &settings, &wake, &told, tokio::time::sleep(HOUR)).await;
            assert_eq!(world.table().await, world.truth(true), "after {seconds} s");
        });
    }
}

/// Ready when it was looked at so often: a moment between any two of the steps.
fn after(mut looks: u32) -> impl Future<Output = ()> {
    std::future::poll_fn(move |_| {
        looks = looks.saturating_sub(1);
        if looks == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
}

#[test]
fn cut_off_anywhere_nothing_is_half_done() {
    let mut done = BTreeSet::new();
    for looks in 1..150 {
        done.insert(paused(async {
            let world = World::new(VendorConfig { seed: 5, ..VendorConfig::default() });
            world.push(4);
            let wake = Wake::new();
            let mut settings = Follow::default();
            settings.grace = Duration::ZERO;
            world.engine().follow(&settings, &wake, after(looks), &()).await.unwrap();
            check_nothing_is_half_done(&world, &format!("after {looks} looks")).await;
            let done = applied(&world).await;
            following(&world, &settings, &wake, &Told::default(), tokio::time::sleep(HOUR)).await;
            assert_eq!(world.table().await, world.truth(true), "after {looks} looks");
            done
        }));
    }
    // Threads that read archives make it chance which moments are hit, not that many are.
    assert!(done.contains(&0) && done.contains(&4) && done.len() > 2, "cut off early: {done:?}");
}

#[test]
fn asked_to_stop_before_it_began_it_calls_nobody() {
    paused(async {
        let world = world();
        let engine = world.engine();
        engine.follow(&Follow::default(), &Wake::new(), async {}, &()).await.unwrap();
        assert_eq!(world.vendor.lock().unwrap().journal().entries().count(), 0);
    });
}

#[test]
fn only_what_no_waiting_mends_ends_it() {
    use StoreErrorKind as Kind;
    let kinds = [
        (Kind::Busy, true),
        (Kind::Unavailable, true),
        (Kind::Full, true),
        (Kind::ReadOnly, false),
        (Kind::NewerSchema, false),
        (Kind::Corrupt, false),
        (Kind::Other, false),
    ];
    for (kind, may_pass) in kinds {
        let error = EngineError::Store(StoreError::new(kind, "x"));
        assert_eq!(error.may_pass(), may_pass, "{kind:?}");
    }
}
