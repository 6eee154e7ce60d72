//! A vendor that falls silent, and what is done about it.

use super::*;

#[test]
fn a_silenced_vendor_calls_again_after_one_activation() {
    paused(async {
        let (world, wake, told) = (world(), Wake::new(), Told::default());
        let own_url = OwnUrl::default();
        let settings = Follow::default().healing(&own_url);
        following(&world, &settings, &wake, &told, async {
            let receiver = Receiver::open(&world, &wake).await;
            receiver.push(2).await;
            receiver.reachable.store(false, Ordering::Relaxed);
            receiver.push(6).await;
            assert!(world.vendor.lock().unwrap().callbacks_silenced());
            receiver.reachable.store(true, Ordering::Relaxed);
            receiver.attend(MINUTE * 25).await;
            assert!(!world.vendor.lock().unwrap().callbacks_silenced(), "within 25 minutes");
            receiver.attend(DAY).await;
            receiver.push(1).await;
        })
        .await;
        assert_eq!(asked(&world, Exchange::Activate), 1);
        assert_eq!(own_url.tried.load(Ordering::Relaxed), 1);
        let story = ["unknown", "no_news", "healthy", "awaited", "broken", "activated", "healthy"];
        assert_eq!(told.delivery(), story);
        assert_eq!(world.table().await, world.truth(true));
    });
}

#[test]
fn a_broken_own_url_costs_no_activation() {
    paused(async {
        let (world, wake, told) = (deaf(), Wake::new(), Told::default());
        let own_url = OwnUrl { broken: true.into(), ..OwnUrl::default() };
        let settings = Follow::default().healing(&own_url);
        following(&world, &settings, &wake, &told, async {
            let receiver = Receiver::open(&world, &wake).await;
            receiver.push(2).await;
            receiver.attend(DAY).await;
            assert_eq!(asked(&world, Exchange::Activate), 0);
            assert_eq!(applied(&world).await, 2, "the list brings them all the same");
            own_url.broken.store(false, Ordering::Relaxed);
            receiver.attend(MINUTE * 10).await;
            assert_eq!(asked(&world, Exchange::Activate), 1, "once it is mended");
        })
        .await;
        let failed = told.count(|event| matches!(event, Event::Probed(Probed::Failed(_))));
        assert!((250..300).contains(&failed), "every five minutes, it failed {failed} times");
    });
}

/// While it tries our own URL, another worker asks the vendor to call again.
struct Overtaken<'a> {
    world: &'a World,
    tried: AtomicU64,
}

impl Probe for &Overtaken<'_> {
    async fn probe(&self) -> Probed {
        let tried = self.tried.fetch_add(1, Ordering::Relaxed) + 1;
        let tries = u32::try_from(tried).unwrap();
        let theirs = Activation { tried_at: self.world.now(), tries, agreed_at: None };
        let note = |account: &mut qcc_sync::Account| {
            account.activation = Some(theirs.clone());
            true
        };
        self.world.store.update_account(note).await.unwrap();
        Probed::Reached
    }
}

#[test]
fn whoever_is_overtaken_by_another_worker_does_not_ask() {
    paused(async {
        let (world, wake) = (deaf(), Wake::new());
        let probe = Overtaken { world: &world, tried: AtomicU64::new(0) };
        let settings = Follow::default().healing(&probe);
        following(&world, &settings, &wake, &Told::default(), async {
            let receiver = Receiver::open(&world, &wake).await;
            receiver.push(2).await;
            receiver.attend(HOUR).await;
        })
        .await;
        assert!(probe.tried.into_inner() >= 1);
        assert_eq!(asked(&world, Exchange::Activate), 0);
    });
}

#[test]
fn no_news_causes_nothing() {
    paused(async {
        let (world, wake, told) = (world(), Wake::new(), Told::default());
        let own_url = OwnUrl::default();
        let settings = Follow::default().healing(&own_url);
        following(&world, &settings, &wake, &told, async {
            Receiver::open(&world, &wake).await.attend(DAY * 3).await;
            let overview = world.store.overview().await.unwrap();
            let delivery = overview.delivery(&DeliveryPolicy::default(), world.now());
            assert!(matches!(delivery, Delivery::NoNews { .. }), "{delivery:?}");
        })
        .await;
        assert_eq!((asked(&world, Exchange::Activate), own_url.tried.into_inner()), (0, 0));
    });
}

#[test]
fn a_receiver_that_starts_over_and_over_keeps_to_the_budget() {
    paused(async {
        let world = deaf();
        for restart in 0..3 * 24 * 6 {
            let (wake, told) = (Wake::new(), Told::default());
            let settings = Follow::default().healing(());
            following(&world, &settings, &wake, &told, async {
                let receiver = Receiver::open(&world, &wake).await;
                if restart % 6 == 0 {
                    world.push(1);
                }
                receiver.attend(MINUTE * 10).await;
            })
            .await;
        }
        let activations = asked(&world, Exchange::Activate);
        assert!((5..=3 + 3).contains(&activations), "{activations} activations in three days");
        assert_eq!(applied(&world).await, 3 * 24);
    });
}

#[test]
fn an_attempt_that_was_cut_off_counts() {
    paused(async {
        let (world, wake) = (deaf(), Wake::new());
        following(&world, &Follow::default(), &wake, &Told::default(), async {
            let receiver = Receiver::open(&world, &wake).await;
            receiver.push(2).await;
            receiver.attend(HOUR).await;
        })
        .await;
        fail_always(&world, Fault::NoAnswer);
        let begun = world.now();
        while world.now().duration_since(begun) < SignedDuration::from_mins(50) {
            // The list is given up after 30 seconds; then the vendor is asked to call.
            let (engine, settings) = (world.engine(), Follow::default().healing(()));
            let run = engine.follow(&settings, &wake, std::future::pending(), &());
            assert!(tokio::time::timeout(Duration::from_secs(45), run).await.is_err());
        }
        assert_eq!(asked(&world, Exchange::Activate), 2, "at once, and after half an hour");
    });
}
