//! An engine that follows: woken, resting, outliving, healing, stopped.

mod falling_silent;
mod resting;
mod stopping;

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
use qcc_proto::{OrderNo, PushSetting};
use qcc_sim::{CallbackOutcome, Exchange, Fault, FaultPlan, Rate, VendorConfig};
use qcc_sync::{
    AccountExt as _, Activation, Delivery, DeliveryPolicy, EngineError, Event, Follow, Hold,
    Observer, Probe, Probed, Reason, ReasonCode, Report, StateName, Store, StoreError,
    StoreErrorKind, Wake,
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
        let setting = PushSetting::new("https://risk.example.com/callback".parse().unwrap());
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
fn a_call_makes_the_list_be_read_and_its_order_applied_at_once() {
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
        let lists = asked(&world, Exchange::ListOrders);
        assert!((2..=4).contains(&lists), "one at the start, and one for each call: {lists}");
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
