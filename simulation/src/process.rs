//! One process of ours: workers, and somebody at the door.

use std::{error::Error as StdError, num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use http::Request;
use jiff::SignedDuration;
use qcc_callback::{
    AccessLog, CallbackService, Guards, Inbox, InboxError, Noted, Paths, PeerAddr, RateLimit,
    Receiver,
};
use qcc_http::Client;
use qcc_proto::OrderNo;
use qcc_sim::CallbackOutcome;
use qcc_sync::{
    Clock, Engine, EngineError, Event, Follow, Observer, Parts, Policy, Probe, Probed, Report,
    Store, Wake, Worker,
};
use tokio::sync::mpsc;

use crate::{
    calls::{Ring, key_and_order, presented},
    logs,
    mutation::Mutation,
    power::{Actor, Power, Stop, first},
    shelves::{FaultyArchives, Shelves},
    stage::{Hand, PER_PROCESS, Stage},
    store::Faulty,
    wire::Wire,
};

/// How a process ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It was asked to.
    Stopped,
    /// It could not go on.
    Failed,
}

/// One process, until it ends by itself.
pub(crate) struct Process<S> {
    pub(crate) stage: Arc<Stage>,
    pub(crate) power: Arc<Power>,
    pub(crate) number: u32,
    pub(crate) disk: Arc<S>,
    pub(crate) shelves: Shelves,
}

impl<S: Store> Process<S> {
    pub(crate) async fn run(&self, bell: mpsc::UnboundedReceiver<Ring>, stop: &Stop) -> End {
        let wake = Wake::new();
        let mut works: FuturesUnordered<_> =
            (0..self.stage.plan.workers).map(|worker| self.work(worker, &wake, stop)).collect();
        // A worker that stops by itself waits for the others; one that fails does not.
        let working = async {
            while let Some(end) = works.next().await {
                if end == End::Failed || works.is_empty() {
                    return end;
                }
            }
            End::Failed
        };
        first(self.receive(bell, &wake), working).await
    }

    fn hand(&self, number: Actor) -> Arc<Hand> {
        Arc::new(Hand::new(&self.stage, &self.power, self.number * PER_PROCESS + number))
    }

    /// One worker, following until it is stopped or cannot go on.
    async fn work(&self, worker: u32, wake: &Wake, stop: &Stop) -> End {
        let hand = self.hand(worker);
        let store = Arc::new(Faulty { inner: Arc::clone(&self.disk), hand: Arc::clone(&hand) });
        let engine = self.engine(worker, &hand, &store);
        logs::say(&engine);
        let ears = Ears(Arc::clone(&hand));
        let ended = match self.healing() {
            Some(healing) => engine.follow(&healing, wake, stop.asked(), &ears).await,
            None => engine.follow(&self.following(), wake, stop.asked(), &ears).await,
        };
        match ended {
            Ok(()) => End::Stopped,
            Err(error) => {
                ears.tell(&error);
                End::Failed
            }
        }
    }

    fn following(&self) -> Follow {
        let mut follow = Follow::default();
        follow.poll_interval = self.stage.plan.poll.map(Duration::from_secs);
        follow
    }

    fn healing(&self) -> Option<Follow<OwnUrl>> {
        if !self.stage.plan.callbacks || self.stage.mutated(Mutation::NeverHeals) {
            return None;
        }
        let reached = match self.stage.mutated(Mutation::ProbeIgnored) {
            true => Some(true),
            false => self.stage.plan.own_url,
        };
        let mut follow = self.following().healing(OwnUrl(reached));
        if self.stage.mutated(Mutation::HealsAtOnce) {
            follow.delivery.patience = SignedDuration::ZERO;
            follow.delivery.first_wait = SignedDuration::ZERO;
            follow.delivery.activations = u32::MAX;
        }
        Some(follow)
    }

    fn engine(&self, worker: u32, hand: &Arc<Hand>, store: &Arc<Faulty<S>>) -> Engine {
        let (credentials, window) = {
            let vendor = self.stage.vendor();
            (vendor.config().account.credentials().clone(), vendor.config().window)
        };
        let mut policy = Policy::default();
        let window = u32::try_from(window).ok().and_then(NonZeroU32::new);
        policy.window = window.unwrap_or(policy.window);
        policy.batch = self.stage.plan.batch;
        Engine::new(Parts {
            client: Client::with_transport(credentials, Wire::new(Arc::clone(hand))),
            store: store.clone(),
            archives: Arc::new(FaultyArchives {
                shelves: self.shelves.clone(),
                hand: Arc::clone(hand),
            }),
            clock: Arc::new(self.stage.clock.clone()),
            worker: Worker { name: format!("slot {worker}"), term: Duration::from_secs(60) },
            policy,
        })
    }

    /// Answers whoever rings, until nobody can.
    async fn receive(&self, mut bell: mpsc::UnboundedReceiver<Ring>, wake: &Wake) -> End {
        let hand = self.hand(DOOR);
        let Some(service) = self.service(&hand, wake) else { return End::Failed };
        logs::say(&service);
        let mut handling = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                ring = bell.recv() => match ring {
                    Some(ring) => handling.push(self.answer(ring, &service, &hand)),
                    None => return End::Failed,
                },
                Some(()) = handling.next() => {}
            }
        }
    }

    /// The product's own service, with guards tight enough to be met.
    fn service(&self, hand: &Arc<Hand>, wake: &Wake) -> Option<CallbackService<Hall<S>>> {
        let key = self.stage.vendor().config().account.key().parse().ok()?;
        let store = Faulty { inner: Arc::clone(&self.disk), hand: Arc::clone(hand) };
        let hall = Hall { store, wake: wake.clone() };
        let paths = Paths::new("/callback").ok()?;
        let limit = RateLimit::new(NonZeroU32::new(12)?, NonZeroU32::new(60)?);
        let service = CallbackService::builder(Receiver::new(key), hall, paths)
            .guards(Guards::default().with_unknown_orders(Some(limit)))
            .observer(AccessLog::default())
            .clock(|| tokio::time::Instant::now().into_std());
        Some(service.build())
    }

    async fn answer(&self, ring: Ring, service: &CallbackService<Hall<S>>, hand: &Hand) {
        hand.step().await;
        let before = hand.struck();
        let mut target = ring.target.clone();
        if self.stage.mutated(Mutation::KeyNotCompared) {
            let key = self.stage.vendor().config().account.key().to_owned();
            target = with_key(&target, &key);
        }
        let request = Request::get(&*target).extension(PeerAddr(ring.from)).body(());
        // What a server cannot read as HTTP it refuses before any service is asked.
        let (status, body) = match request {
            Ok(request) => {
                let answer = service.answer(request).await;
                (answer.status().as_u16(), Bytes::copy_from_slice(answer.body().as_bytes()))
            }
            Err(_) => (400, Bytes::new()),
        };
        hand.step().await;
        self.check(&ring, hand, hand.struck() == before, status, &body).await;
        let _ = ring.answer.send((status, body));
    }

    /// An answer is about to leave: is it one that may?
    async fn check(&self, ring: &Ring, hand: &Hand, unharmed: bool, status: u16, body: &Bytes) {
        let witness = &self.stage.witness;
        let success = CallbackOutcome::Answered { status, body: body.clone() }.is_success();
        hand.note(format_args!("answers {status}, {success}"));
        if !success {
            witness.seen().figures.refusals += 1;
            if ring.genuine && unharmed {
                witness.violation("a genuine call was refused though nothing failed");
            }
            return;
        }
        witness.seen().figures.acks += 1;
        let Some(order_no) = presented(&self.stage, &ring.target) else {
            let (_, order) = key_and_order(&ring.target);
            return witness.violation(format!("a call without the key was believed: {order:?}"));
        };
        let noted = self.stage.at_disk(hand.who, self.disk.order(&order_no)).await;
        match noted {
            Ok(Some(_)) => {
                witness.seen().acked.insert(order_no);
            }
            _ => witness.violation(format!("{order_no} was answered well and is not durable")),
        }
    }
}

/// The actor at the door.
const DOOR: Actor = 99;

/// Puts calls into the ledger, and wakes the workers.
struct Hall<S> {
    store: Faulty<S>,
    wake: Wake,
}

impl<S: Store> Inbox for Hall<S> {
    async fn note(&self, order_no: &OrderNo) -> Result<Noted, InboxError> {
        let stage = &self.store.hand.stage;
        if stage.mutated(Mutation::AckBeforeDurable) {
            return Ok(Noted::New);
        }
        let noted = self.store.note_call(order_no, stage.clock.now()).await;
        self.wake.call();
        match noted {
            Err(_) if stage.mutated(Mutation::AckOnFailure) => Ok(Noted::New),
            Ok(false) if stage.mutated(Mutation::RepeatRefused) => Err(InboxError::new("known")),
            Ok(true) => Ok(Noted::New),
            Ok(false) => Ok(Noted::Known),
            Err(error) => Err(InboxError::new(error)),
        }
    }

    async fn knows(&self, order_no: &OrderNo) -> Result<bool, InboxError> {
        self.store.order(order_no).await.map(|order| order.is_some()).map_err(InboxError::new)
    }
}

/// A call with another key.
fn with_key(target: &[u8], key: &str) -> Vec<u8> {
    let target = String::from_utf8_lossy(target);
    let parts = target.split('&').map(|part| match part.split_once("key=") {
        Some((before, _)) => format!("{before}key={key}"),
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&").into_bytes()
}

/// Hears what an engine tells, as the program's log and metrics do.
struct Ears(Arc<Hand>);

impl Observer for Ears {
    fn event(&self, event: &Event) {
        logs::say(event);
        if let Event::Activated = event {
            self.0.note(format_args!("the vendor agreed to call again"));
        }
    }

    fn round(&self, report: Report, failure: Option<EngineError>) {
        logs::say(&report);
        if let Some(failure) = failure {
            self.tell(&failure);
        }
    }
}

impl Ears {
    /// What the program would print.
    fn tell(&self, error: &EngineError) {
        self.0.note(format_args!("{error}"));
        logs::say(error);
        let mut cause: Option<&dyn StdError> = Some(error);
        while let Some(error) = cause {
            logs::line(error.to_string());
            cause = error.source();
        }
    }
}

/// Whether our own public URL reaches us.
struct OwnUrl(Option<bool>);

impl Probe for OwnUrl {
    async fn probe(&self) -> Probed {
        match self.0 {
            None => Probed::NotConfigured,
            Some(true) => Probed::Reached,
            Some(false) => Probed::Failed("nothing answers".into()),
        }
    }
}
