//! An engine that follows: woken, resting, outliving, healing, stopped.

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use jiff::SignedDuration;
use qcc_proto::{OrderNo, PushSetting, PushState};
use qcc_sim::{CallbackOutcome, Exchange, Fault, FaultPlan, Rate, VendorConfig};
use qcc_sync::{
    Delivery, DeliveryPolicy, EngineError, Event, Follow, Hold, Observer, Probe, Probed, Reason,
    ReasonCode, Report, StateName, Store, StoreError, StoreErrorKind, Wake,
};

use crate::world::{Table, World, paused};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Remembers what it was told.
#[derive(Default)]
struct Told {
    events: Mutex<Vec<Event>>,
    failures: AtomicU64,
}

impl Observer for Told {
    fn event(&self, event: &Event) {
        if !matches!(event, Event::Resting { .. }) {
            self.events.lock().unwrap().push(event.clone());
        }
    }

    fn round(&self, _: Report, failure: Option<EngineError>) {
        self.failures.fetch_add(failure.is_some().into(), Ordering::Relaxed);
    }
}

impl Told {
    fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.lock().unwrap().iter().filter(|event| wanted(event)).count()
    }

    fn delivery(&self) -> Vec<&'static str> {
        let events = self.events.lock().unwrap();
        let judged = events.iter().filter_map(|event| match event {
            Event::Delivery(delivery) => Some(delivery.as_str()),
            _ => None,
        });
        judged.collect()
    }
}

/// Follows while a script runs, then stops it and sees that it ends well.
async fn following<P: Probe, T>(
    world: &World,
    settings: &Follow<P>,
    wake: &Wake,
    told: &Told,
    script: impl Future<Output = T>,
) -> T {
    let stop = tokio::sync::Notify::new();
    let engine = world.engine();
    let script = async {
        let result = script.await;
        stop.notify_one();
        result
    };
    let (ended, result) =
        tokio::join!(engine.follow(settings, wake, stop.notified(), told), script,);
    ended.unwrap();
    result
}

/// A receiver that can be out of reach, and the vendor's calls to it.
struct Receiver<'a> {
    world: &'a World,
    wake: &'a Wake,
    reachable: AtomicBool,
}

impl<'a> Receiver<'a> {
    /// Sets the push setting and begins to expect calls.
    async fn open(world: &'a World, wake: &'a Wake) -> Self {
        let setting = PushSetting {
            enabled: PushState::Enabled,
            callback_url: "https://risk.example.com/callback".parse().unwrap(),
            window: None,
        };
        world.client().set_push(&setting, world.now()).await.unwrap();
        world.store.expect_calls(world.now()).await.unwrap();
        Self { world, wake, reachable: true.into() }
    }

    /// Has the vendor make its calls for so long.
    async fn attend(&self, time: Duration) {
        let end = self.world.now() + SignedDuration::try_from(time).unwrap();
        while self.world.now() < end {
            let now = self.world.now();
            let calls = self.world.vendor.lock().unwrap().due_callbacks(now);
            for call in calls {
                let outcome = self.answer(&call.order_no).await;
                let mut vendor = self.world.vendor.lock().unwrap();
                vendor.callback_answered(&call, &outcome, now);
            }
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    }

    async fn answer(&self, order_no: &OrderNo) -> CallbackOutcome {
        if !self.reachable.load(Ordering::Relaxed) {
            return CallbackOutcome::Failed;
        }
        self.world.store.note_call(order_no, self.world.now()).await.unwrap();
        self.wake.call();
        let body = Bytes::from_static(br#"{"status":"200","msg":"ok"}"#);
        CallbackOutcome::Answered { status: 200, body }
    }

    /// An order a minute, for calls to come or not.
    async fn push(&self, orders: u32) {
        for _ in 0..orders {
            self.world.push(1);
            self.attend(MINUTE).await;
        }
    }
}

fn asked(world: &World, exchange: Exchange) -> u64 {
    world.vendor.lock().unwrap().journal().count(exchange)
}

fn fail_always(world: &World, fault: Fault) {
    world.vendor.lock().unwrap().set_faults(FaultPlan::none().with(fault, Rate::ALWAYS));
}

fn heal(world: &World) {
    world.vendor.lock().unwrap().set_faults(FaultPlan::none());
}

fn world() -> World {
    World::new(VendorConfig { seed: 11, ..VendorConfig::default() })
}

/// A vendor that never calls, whatever it is told.
fn deaf() -> World {
    World::new(VendorConfig { seed: 11, callback_error_limit: 0, ..VendorConfig::default() })
}

async fn applied(world: &World) -> u64 {
    world.store.overview().await.unwrap().count(StateName::Applied)
}

/// A probe whose outcome can be changed, and which counts.
#[derive(Default)]
struct OwnUrl {
    broken: AtomicBool,
    tried: AtomicU64,
}

impl Probe for &OwnUrl {
    async fn probe(&self) -> Probed {
        self.tried.fetch_add(1, Ordering::Relaxed);
        match self.broken.load(Ordering::Relaxed) {
            true => Probed::Failed("HTTP 502".into()),
            false => Probed::Reached,
        }
    }
}

#[test]
fn a_call_is_applied_at_once_and_without_a_list() {
    paused(async {
        let (world, wake, told) = (world(), Wake::new(), Told::default());
        following(&world, &Follow::default(), &wake, &told, async {
            let receiver = Receiver::open(&world, &wake).await;
            receiver.attend(Duration::from_secs(10)).await;
            world.push(3);
            receiver.attend(Duration::from_secs(30)).await;
            assert_eq!(applied(&world).await, 3);
        })
        .await;
        assert_eq!(asked(&world, Exchange::ListOrders), 1, "only when it started");
        assert_eq!(world.table().await, world.truth(true));
        world.check_journal();
    });
}

#[test]
fn what_no_call_told_of_is_found_by_the_list() {
    paused(async {
        let (world, wake, told) = (world(), Wake::new(), Told::default());
        following(&world, &Follow::default(), &wake, &told, async {
            tokio::time::sleep(MINUTE).await;
            world.push(3);
            tokio::time::sleep(MINUTE * 3).await;
            assert_eq!(applied(&world).await, 0, "nobody said anything");
            tokio::time::sleep(MINUTE * 2).await;
            assert_eq!(applied(&world).await, 3, "five minutes after the first list");
        })
        .await;
        assert_eq!(world.table().await, world.truth(true));
    });
}

#[test]
fn a_set_interval_is_kept() {
    paused(async {
        let (world, wake, told) = (world(), Wake::new(), Told::default());
        let mut settings = Follow::default();
        settings.poll_interval = Some(HOUR);
        following(&world, &settings, &wake, &told, tokio::time::sleep(HOUR * 10 + MINUTE)).await;
        assert_eq!(asked(&world, Exchange::ListOrders), 11);
    });
}

#[test]
fn however_much_there_is_to_do_the_list_is_read_in_time() {
    paused(async {
        let (world, wake, told) = (world(), Wake::new(), Told::default());
        fail_always(&world, Fault::SlowAnswer);
        world.push(25);
        let mut settings = Follow::default();
        settings.poll_interval = Some(MINUTE / 2);
        following(&world, &settings, &wake, &told, tokio::time::sleep(MINUTE * 4)).await;
        let asked = asked(&world, Exchange::ListOrders);
        assert!((5..=8).contains(&asked), "the list was read {asked} times in four minutes");
        assert!(applied(&world).await < 25, "there is still work to do");
    });
}

#[test]
fn an_order_that_waits_is_taken_up_when_it_is_due() {
    paused(async {
        let (world, wake, told) = (world(), Wake::new(), Told::default());
        world.push(1);
        let faults = FaultPlan::none().with(Fault::Status205, Rate::first(1));
        world.vendor.lock().unwrap().set_faults(faults);
        let mut settings = Follow::default();
        settings.poll_interval = Some(DAY);
        following(&world, &settings, &wake, &told, tokio::time::sleep(HOUR)).await;
        assert_eq!(applied(&world).await, 1);
        assert_eq!(asked(&world, Exchange::ListOrders), 1);
    });
}

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
        let story = ["unknown", "healthy", "awaited", "broken", "activated", "healthy"];
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
