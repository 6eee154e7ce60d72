//! The vendor's side and the network between it and our door: orders are made,
//! calls are made about them, and not every call arrives as it left.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use percent_encoding::percent_decode_str;
use qcc_proto::OrderNo;
use qcc_sim::{CallbackCall, CallbackOutcome};
use rand::RngExt;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::Instant,
};

use crate::{
    chance::{Rng, stream},
    clock::{between, later},
    fault::Fault,
    power::OUTSIDE,
    stage::Stage,
};

/// A call as it arrives at our door.
#[derive(Debug)]
pub(crate) struct Ring {
    /// Path and query.
    pub(crate) target: Vec<u8>,
    /// Whether it is the vendor's, and as the vendor sent it.
    pub(crate) genuine: bool,
    /// The other end of the connection.
    pub(crate) from: SocketAddr,
    /// Where the answer goes.
    pub(crate) answer: oneshot::Sender<(u16, Bytes)>,
}

/// Where calls arrive; nobody is there while our process is down.
#[derive(Debug, Default)]
pub(crate) struct Door {
    inside: Mutex<Option<mpsc::UnboundedSender<Ring>>>,
    /// Something is due at the vendor before it would look.
    due: Notify,
}

impl Door {
    pub(crate) fn open(&self) -> mpsc::UnboundedReceiver<Ring> {
        let (send, receive) = mpsc::unbounded_channel();
        *self.inside.lock().unwrap_or_else(PoisonError::into_inner) = Some(send);
        receive
    }

    pub(crate) fn close(&self) {
        *self.inside.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Makes the vendor's side look whether a call is due.
    pub(crate) fn knock(&self) {
        self.due.notify_one();
    }

    /// Rings, and waits for the answer, if there is one.
    pub(crate) async fn ring(
        &self,
        stage: &Stage,
        target: Vec<u8>,
        genuine: bool,
        from: SocketAddr,
    ) -> CallbackOutcome {
        let (answer, answered) = oneshot::channel();
        stage.witness.seen().figures.calls += 1;
        let presented = presented(stage, &target);
        stage.witness.seen().presented.extend(presented);
        let sent = match &*self.inside.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(door) => door.send(Ring { target, genuine, from, answer }).is_ok(),
            None => false,
        };
        if !sent {
            return CallbackOutcome::Failed;
        }
        match answered.await {
            Ok((status, body)) => CallbackOutcome::Answered { status, body },
            Err(_) => CallbackOutcome::Failed,
        }
    }
}

/// The order a call names, where it presents the right key. Read by other means
/// than the product's.
pub(crate) fn presented(stage: &Stage, target: &[u8]) -> Option<OrderNo> {
    let (key, order_no) = key_and_order(target);
    let right = key.as_deref() == Some(stage.vendor().config().account.key());
    order_no.filter(|_| right)?.parse().ok()
}

/// What a call presents as its key, and the order it names.
pub(crate) fn key_and_order(target: &[u8]) -> (Option<String>, Option<String>) {
    let target = String::from_utf8_lossy(target);
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let value = |name: &str| {
        let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        pair.map(|value| percent_decode_str(value).decode_utf8_lossy().into_owned())
    };
    (value("key"), value("orderNo"))
}

/// Makes the orders of the plan, and the vendor's calls as they fall due.
pub(crate) async fn vendor_side<T>(stage: &Arc<Stage>, door: &Door) -> T {
    let (start, began) = (Instant::now(), stage.clock.truth());
    let mut pushes =
        stage.plan.pushes.iter().map(|at| (*at, start + Duration::from_secs(*at))).peekable();
    let mut out = FuturesUnordered::new();
    let mut calls = 0;
    loop {
        stage.turn.wait(OUTSIDE).await;
        let now = stage.clock.truth();
        while let Some((at, _)) = pushes.next_if(|(_, due)| *due <= Instant::now()) {
            // Made when it is due, however late we look: times tell orders apart.
            let at = later(began, i64::try_from(at).unwrap_or(i64::MAX));
            let made = stage.vendor().push(at);
            stage.note(OUTSIDE, format_args!("{made} is made"));
            stage.witness.seen().made.push(made);
        }
        for call in stage.vendor().due_callbacks(now) {
            calls += 1;
            out.push(deliver(stage, door, call, calls));
        }
        let due = stage.vendor().next_due().map(|due| Instant::now() + between(now, due));
        // The vendor gives up on a call after a minute; it must be asked to.
        let minute = Instant::now() + Duration::from_secs(if out.is_empty() { 600 } else { 61 });
        let soon = Instant::now() + Duration::from_millis(1);
        let next = [pushes.peek().map(|(_, due)| *due), due]
            .into_iter()
            .flatten()
            .fold(minute, Instant::min);
        tokio::select! {
            biased;
            Some(()) = out.next() => {}
            () = door.due.notified() => {}
            () = tokio::time::sleep_until(next.max(soon)) => {}
        }
    }
}

/// Carries one call through the network, and the answer back.
async fn deliver(stage: &Arc<Stage>, door: &Door, call: CallbackCall, number: u64) {
    let mut rng = stream(stage.seed, "call", number);
    let mut strikes = |fault: Fault| {
        let struck = stage.faults.strikes(fault, &mut rng);
        if struck {
            stage.note(OUTSIDE, format_args!("! {}", fault.as_str()));
        }
        struck
    };
    remember_secrets(stage, &call);
    stage.note(OUTSIDE, format_args!("{call:?}"));
    let wait = match () {
        () if strikes(Fault::CallDelayed) => rng.random_range(1..150),
        () if strikes(Fault::CallReordered) => rng.random_range(1..30),
        () => 0,
    };
    let mut strikes = |fault: Fault| stage.faults.strikes(fault, &mut rng);
    let (lost, silent) = (strikes(Fault::CallLost), strikes(Fault::CallSilent));
    let (cut, spoilt) = (strikes(Fault::CallTruncated), strikes(Fault::CallCorrupted));
    let (twice, unheard) = (strikes(Fault::CallDuplicated), strikes(Fault::CallAnswerLost));
    let torn = strikes(Fault::AnswerTruncated);
    if wait > 0 {
        tokio::time::sleep(Duration::from_secs(wait)).await;
    }
    stage.turn.wait(OUTSIDE).await;
    if silent {
        return;
    }
    let target = damaged(target_of(&call.url), cut, spoilt, &mut rng);
    let genuine = !call.forged && !cut && !spoilt;
    let from = if call.forged { STRANGER } else { VENDOR };
    let mut outcome = match lost {
        true => CallbackOutcome::Failed,
        false => door.ring(stage, target.clone(), genuine, from).await,
    };
    if twice && !lost {
        door.ring(stage, target, genuine, from).await;
    }
    stage.turn.wait(OUTSIDE).await;
    if unheard {
        outcome = CallbackOutcome::Failed;
    }
    if torn && let CallbackOutcome::Answered { body, .. } = &mut outcome {
        body.truncate(body.len() / 2);
    }
    stage.note(OUTSIDE, format_args!("the vendor hears {}", outcome.is_success()));
    stage.vendor().callback_answered(&call, &outcome, stage.clock.truth());
}

/// Strangers, who may know the key or not, and invent orders.
pub(crate) async fn forge(stage: &Arc<Stage>, door: &Door, number: u64, knows_key: bool) {
    let mut rng = stream(stage.seed, "stranger", number);
    let base = stage.vendor().callback_url().map(str::to_owned);
    let Some(base) = base else { return };
    let key = match knows_key {
        true => stage.vendor().config().account.key().to_owned(),
        false => format!("{:032x}", rng.random::<u128>()),
    };
    let order = format!("DDMON20260105{:014}", rng.random_range(0..10_u64.pow(14)));
    let target = target_of(&format!(
        "{base}?key={key}&orderNo={order}\
         &downloadUrl=http%3A%2F%2Fqcc-files.invalid%2Fforged.zip%3FExpires%3D1\
         &downloadUrlExpiredTime=2026-01-05%2012%3A00%3A00&unzipPassword=forged"
    ));
    stage.note(OUTSIDE, format_args!("a stranger calls about {order}"));
    door.ring(stage, target, false, STRANGER).await;
}

/// Where the vendor calls from.
const VENDOR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), 40_000);

/// Where strangers call from, as if they were one.
const STRANGER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)), 40_000);

/// Path and query of a URL.
fn target_of(url: &str) -> Vec<u8> {
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    format!("/{path}").into_bytes()
}

fn damaged(mut target: Vec<u8>, cut: bool, spoilt: bool, rng: &mut Rng) -> Vec<u8> {
    if cut {
        target.truncate(rng.random_range(1..target.len().max(2)));
    }
    if spoilt {
        let at = rng.random_range(0..target.len().max(1));
        let letter = rng.random_range(b'!'..=b'~');
        target.iter_mut().skip(at).take(1).for_each(|byte| *byte = letter);
    }
    target
}

fn remember_secrets(stage: &Stage, call: &CallbackCall) {
    let values = call.url.split(['&', '?']).filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (name == "unzipPassword" && value != "forged").then(|| value.to_owned())
    });
    let signatures = call
        .url
        .split("Signature%3D")
        .skip(1)
        .map(|rest| rest.split('&').next().unwrap_or_default().replace("%25", "%"));
    let secrets: Vec<String> = values.chain(signatures).collect();
    stage.witness.seen().secrets.extend(secrets);
}
