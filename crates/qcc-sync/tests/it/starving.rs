//! Orders that cannot be had delay no other, whatever keeps them.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use qcc_http::{
    AddressChecks, Body, Client, SendOptions, Transport, TransportError, TransportErrorKind,
};
use qcc_proto::OrderNo;
use qcc_sim::{Exchange, SimTransport, VendorConfig};
use qcc_sync::{
    Clock, Decision, Engine, Follow, OrderFilter, Parts, Policy, ReasonCode, State, StateName,
    Store, Wake, Worker,
};

use crate::world::{World, paused};

/// How a file host fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Http(u16),
    Fails(TransportErrorKind),
    /// Takes the request and says nothing until the deadline.
    Hangs,
    /// Answers, and breaks off at once, each time.
    BreaksOff,
}

/// Where the files lie that cannot be had.
const LOCATION: &str = r#"{"status":"200","msg":"ok","result":{
    "downloadUrl":"http://pro-files.qichacha.com/bad.zip?Expires=4102444800&Signature=x",
    "downloadUrlExpiredTime":"2099-12-31 23:59:59","unzipPassword":"p"}}"#;

fn whole(text: &'static str) -> Body {
    Body::new(http_body_util::Full::new(Bytes::from(text)).map_err(|never| match never {}))
}

/// The vendor, but the files of some orders cannot be had.
struct Broken {
    inner: SimTransport,
    bad: Vec<OrderNo>,
    manner: Manner,
    hanging: Arc<Hanging>,
}

/// How many downloads hang now, and how many did at the same time at most.
#[derive(Debug, Default)]
struct Hanging {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Transport for Broken {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        let query = request.uri().query().unwrap_or_default();
        if self.bad.iter().any(|no| query.contains(no.as_str())) {
            return Ok(Response::new(whole(LOCATION)));
        }
        if request.uri().path() != "/bad.zip" {
            return self.inner.send(request, options).await;
        }
        let failed = |kind| Err(TransportError::new(kind));
        match self.manner {
            Manner::Http(status) => {
                let mut answer = Response::new(whole(""));
                *answer.status_mut() = StatusCode::from_u16(status).unwrap();
                Ok(answer)
            }
            Manner::Fails(kind) => failed(kind),
            Manner::Hangs => {
                let hanging = self.hanging.now.fetch_add(1, Ordering::Relaxed) + 1;
                self.hanging.most.fetch_max(hanging, Ordering::Relaxed);
                tokio::time::sleep(options.timeouts.head).await;
                self.hanging.now.fetch_sub(1, Ordering::Relaxed);
                failed(TransportErrorKind::Timeout)
            }
            Manner::BreaksOff => failed(TransportErrorKind::Broken),
        }
    }

    fn address_checks(&self) -> AddressChecks {
        AddressChecks::None
    }
}

const MANNERS: [Manner; 9] = [
    Manner::Http(503),
    Manner::Http(429),
    Manner::Http(500),
    Manner::Fails(TransportErrorKind::Connect),
    Manner::Fails(TransportErrorKind::Resolve),
    Manner::Fails(TransportErrorKind::Tls),
    Manner::Fails(TransportErrorKind::Protocol),
    Manner::Hangs,
    Manner::BreaksOff,
];

struct Story {
    world: World,
    bad: Vec<OrderNo>,
}

impl Story {
    /// So many orders that cannot be had, and three younger ones that can.
    fn new(bad: u32) -> Self {
        let world = World::new(VendorConfig { seed: 3, ..VendorConfig::default() });
        world.push(bad);
        let bad = world.vendor.lock().unwrap().truth().orders.keys().cloned().collect();
        {
            let mut vendor = world.vendor.lock().unwrap();
            for n in 100..103 {
                vendor.push(world.now() + SignedDuration::from_secs(n));
            }
        }
        Self { world, bad }
    }

    fn engine(&self, manner: Manner) -> Engine {
        self.engine_with(manner, Policy::default(), &Arc::default())
    }

    /// The same with a policy, and with a count of the downloads that hang.
    fn engine_with(&self, manner: Manner, policy: Policy, hanging: &Arc<Hanging>) -> Engine {
        let clock = self.world.clock;
        let inner = SimTransport::new(self.world.vendor.clone(), move || clock.now());
        let hanging = Arc::clone(hanging);
        let transport = Broken { inner, bad: self.bad.clone(), manner, hanging };
        let credentials = self.world.vendor.lock().unwrap().config().account.credentials().clone();
        Engine::new(Parts {
            client: Client::with_transport(credentials, transport),
            store: self.world.store.clone(),
            archives: self.world.archives.clone(),
            clock: Arc::new(clock),
            worker: Worker { name: "w".into(), term: Duration::from_secs(600) },
            policy,
        })
    }

    async fn applied(&self) -> u64 {
        self.world.store.overview().await.unwrap().count(StateName::Applied)
    }

    fn passed(&self, since: Timestamp) -> SignedDuration {
        self.world.now().duration_since(since)
    }
}

#[test]
fn healthy_orders_are_applied_within_seconds_beside_any_that_cannot_be_had() {
    for manner in MANNERS {
        for bad in [1, 2, 25] {
            paused(async {
                let story = Story::new(bad);
                let begun = story.world.now();
                let (engine, wake) = (story.engine(manner), Wake::new());
                let mut settings = Follow::default();
                settings.poll_interval = Some(Duration::from_secs(30));
                let watching = async {
                    while story.applied().await < 3 {
                        assert!(
                            story.passed(begun) < SignedDuration::from_secs(15),
                            "{manner:?}, {bad} bad: {} applied",
                            story.applied().await
                        );
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    tokio::time::sleep(Duration::from_secs(300)).await;
                };
                let stop = tokio::sync::Notify::new();
                let (ended, ()) =
                    tokio::join!(engine.follow(&settings, &wake, stop.notified(), &()), async {
                        watching.await;
                        stop.notify_one();
                    });
                ended.unwrap();
                let lists =
                    story.world.vendor.lock().unwrap().journal().count(Exchange::ListOrders);
                assert!(
                    (10..=13).contains(&lists),
                    "{manner:?}, {bad} bad: {lists} lists in 5 min"
                );
                let orders = story.world.store.orders(&OrderFilter::default()).await.unwrap();
                for order in orders.iter().filter(|order| story.bad.contains(&order.no)) {
                    assert!(
                        !matches!(order.state, State::Applied | State::Quarantined { .. }),
                        "{manner:?}: {order:?}"
                    );
                }
            });
        }
    }
}

#[test]
fn no_more_orders_are_under_way_at_once_than_the_policy_allows() {
    for allowed in [1, 4, 32] {
        paused(async {
            let story = Story::new(25);
            let mut policy = Policy::default();
            policy.concurrent_orders = NonZeroUsize::new(allowed).unwrap();
            let hanging = Arc::default();
            let engine = story.engine_with(Manner::Hangs, policy, &hanging);
            engine.settle(Duration::from_secs(3600), &()).await.unwrap();
            let most = hanging.most.load(Ordering::Relaxed);
            assert_eq!(most, allowed.min(25), "at once, of {allowed} allowed");
            assert_eq!(story.applied().await, 3);
        });
    }
}

#[test]
fn patience_is_kept_to_the_second_beside_orders_that_cannot_be_had() {
    for manner in MANNERS {
        for bad in [1, 25] {
            paused(async {
                let story = Story::new(bad);
                let begun = story.world.now();
                let report =
                    story.engine(manner).settle(Duration::from_secs(1), &()).await.unwrap();
                assert_eq!(report.applied, 3, "{manner:?}");
                let passed = story.passed(begun);
                assert!(
                    passed <= SignedDuration::from_secs(14),
                    "{manner:?}, {bad} bad: {passed:#}"
                );
            });
        }
    }
}

#[test]
fn an_order_the_vendor_does_not_know_yet_backs_off_where_a_list_named_it() {
    paused(async {
        let world = World::new(VendorConfig { seed: 3, ..VendorConfig::default() });
        world.push(1);
        let stray: OrderNo = "DDMON2026010509000099999999".parse().unwrap();
        world
            .store
            .decide(&Decision::AddOrder { order_no: stray.clone() }, world.now())
            .await
            .unwrap();
        world.engine().settle(Duration::ZERO, &()).await.unwrap();
        let order = world.store.order(&stray).await.unwrap().unwrap();
        let State::Waiting { reason, .. } = &order.state else { panic!("{order:?}") };
        assert_eq!(reason.code, ReasonCode::UnknownToVendor);
    });
}

#[test]
fn a_flood_of_forged_orders_costs_a_few_calls_and_needs_nobody() {
    paused(async {
        let world = World::new(VendorConfig { seed: 3, ..VendorConfig::default() });
        let wake = Wake::new();
        let engine = world.engine();
        let stop = tokio::sync::Notify::new();
        let asked = |exchange| world.vendor.lock().unwrap().journal().count(exchange);
        let script = async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            for n in 0..3000 {
                let no: OrderNo = format!("DDMON2026010509000{n:09}").parse().unwrap();
                world.store.note_call(&no, world.now()).await.unwrap();
                wake.call();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            world.push(1);
            tokio::time::sleep(Duration::from_secs(120)).await;
            let genuine =
                world.vendor.lock().unwrap().truth().orders.keys().next().unwrap().clone();
            world.store.note_call(&genuine, world.now()).await.unwrap();
            wake.call();
            tokio::time::sleep(Duration::from_secs(61)).await;
            let order = world.store.order(&genuine).await.unwrap().unwrap();
            assert_eq!(order.state, State::Applied, "a genuine order is not held up");
            let overview = world.store.overview().await.unwrap();
            assert_eq!((overview.unconfirmed, overview.count(StateName::Seen)), (3000, 0));
            tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
            let (located, listed) = (asked(Exchange::Locate), asked(Exchange::ListOrders));
            assert!(located <= 1 + 3 + 20, "{located} orders were located");
            assert!(listed <= 60, "the list was read {listed} times");
            let overview = world.store.overview().await.unwrap();
            assert!(!overview.orders.contains_key(&StateName::Quarantined));
            assert_eq!(overview.last_call, order.called_at, "forged calls are no news");
            tokio::time::sleep(Duration::from_secs(8 * 24 * 3600)).await;
            let overview = world.store.overview().await.unwrap();
            assert_eq!((overview.unconfirmed, overview.forgotten), (0, 3000));
            stop.notify_one();
        };
        let settings = Follow::default();
        let (ended, ()) =
            tokio::join!(engine.follow(&settings, &wake, stop.notified(), &()), script);
        ended.unwrap();
    });
}

/// How often an engine began to rest.
#[derive(Default)]
struct Rests(std::sync::atomic::AtomicU32);

impl qcc_sync::Observer for Rests {
    fn event(&self, event: &qcc_sync::Event) {
        let rests = matches!(event, qcc_sync::Event::Resting { .. });
        self.0.fetch_add(u32::from(rests), Ordering::Relaxed);
    }
}

#[test]
fn the_engine_rests_while_a_forged_order_waits() {
    paused(async {
        let world = World::new(VendorConfig { seed: 3, ..VendorConfig::default() });
        let (wake, rests) = (Wake::new(), Rests::default());
        let forged = "DDMON2026010509000000000001".parse().unwrap();
        world.store.note_call(&forged, world.now()).await.unwrap();
        let stop = tokio::time::sleep(Duration::from_secs(4 * 3600));
        world.engine().follow(&Follow::default(), &wake, stop, &rests).await.unwrap();
        let rests = rests.0.into_inner();
        assert!(rests < 400, "it rested {rests} times in four hours");
    });
}

#[test]
fn an_archive_that_was_damaged_is_not_kept_for_each_download() {
    use qcc_sim::{Fault, FaultPlan, Rate};
    use qcc_sync::Archives;
    paused(async {
        let world = World::new(VendorConfig { seed: 3, ..VendorConfig::default() });
        let spoilt = FaultPlan::none().with(Fault::CorruptArchive, Rate::ALWAYS);
        world.vendor.lock().unwrap().set_faults(spoilt);
        world.push(1);
        world.engine().settle(Duration::from_secs(24 * 3600), &()).await.unwrap();
        let overview = world.store.overview().await.unwrap();
        assert_eq!(overview.count(StateName::Quarantined), 1);
        assert_eq!(world.archives.shelved(None, 99).await.unwrap().len(), 1, "the last one");
    });
}
