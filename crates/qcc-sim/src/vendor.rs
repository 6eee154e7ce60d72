//! The vendor as a state machine: requests and the time in, answers out.

mod api;
mod callbacks;
mod files;
mod orders;
mod request;
mod wire;

use std::{collections::VecDeque, fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderName, Request, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use qcc_proto::OrderNo;

use crate::{
    Conduct, Entry, Exchange, Fault, FaultPlan, Journal, Pace, Reply, Truth, VendorConfig,
    plan::Strikes,
    seed::{self, Rng},
};
use callbacks::Caller;
use orders::Order;

pub use callbacks::{CallbackCall, CallbackOutcome};
pub use orders::PushSchedule;

/// The vendor: its orders, its account's setting, its faults.
///
/// A pure state machine. It has no clock, opens no socket, and draws every
/// random choice from its seed: the same calls with the same times have the same
/// results. [`SimTransport`](crate::SimTransport) and
/// [`Server`](crate::Server) put it on the wire.
///
/// ```
/// use bytes::Bytes;
/// use qcc_proto::{Call, ListOrders};
/// use qcc_sim::{Vendor, VendorConfig};
///
/// let now: jiff::Timestamp = "2022-06-07T02:29:11Z".parse()?;
/// let mut vendor = Vendor::new(VendorConfig::default());
/// let pushed = vendor.push(now);
///
/// let account = &vendor.config().account;
/// let signed = account.credentials().sign(now.as_second());
/// let request = http::Request::get(format!(
///     "https://pro.qcc.com/api/dd_risk_mnr/listDdRiskLatestOrderNo?key={}",
///     account.key(),
/// ))
/// .header("Timespan", signed.timespan)
/// .header("Token", signed.token.reveal())
/// .body(Bytes::new())?;
///
/// let reply = vendor.handle(&request, now);
/// let list = ListOrders::read_answer(reply.response.body())?.into_payload()?;
/// assert_eq!(list.orders[0].order_no, pushed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Vendor {
    config: VendorConfig,
    orders: Vec<Order>,
    ids: u64,
    schedule: Option<PushSchedule>,
    caller: Caller,
    strikes: Strikes,
    noise: Rng,
    journal: Journal,
    built: VecDeque<(usize, Bytes)>,
    /// Scheduled orders that are to come in a burst of `burst_of`.
    held_back: u32,
    burst_of: u32,
    /// How the file host is out, and until when.
    outage: Option<(Fault, Timestamp)>,
    /// Until when the clock is wrong.
    wrong_until: Option<Timestamp>,
}

/// What a request came to, for answer and journal.
struct Outcome {
    reply: Reply,
    order: Option<OrderNo>,
    status: Option<i64>,
}

impl Outcome {
    fn of(reply: Reply) -> Self {
        Self { reply, order: None, status: None }
    }
}

impl Vendor {
    /// A vendor without orders.
    pub fn new(config: VendorConfig) -> Self {
        Self {
            strikes: Strikes::new(&config.faults, config.seed),
            noise: seed::derive(config.seed, "noise", 0),
            orders: Vec::new(),
            ids: 0,
            schedule: None,
            caller: Caller::default(),
            journal: Journal::default(),
            built: VecDeque::new(),
            held_back: 0,
            burst_of: 0,
            outage: None,
            wrong_until: None,
            config,
        }
    }

    /// Answers a request that arrives at `now`.
    ///
    /// The URI may be absolute, as clients have it, or a path, as servers see it.
    /// Scheduled pushes that are due by `now` happen first.
    pub fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Reply {
        self.advance(now);
        let secret_seen = request::carries(request, self.config.account.secret());
        let exchange = self.route(request);
        let fault = self.strikes.strike(exchange, now);
        if fault == Some(Fault::ClockWrong) {
            let until = later(now, self.config.outage);
            self.wrong_until.get_or_insert(until);
        }
        let outcome = match fault.and_then(|fault| self.instead(fault)) {
            Some(outcome) => outcome,
            None => self.process(exchange, request, fault, now),
        };
        let mut reply = self.finish(outcome.reply, exchange, now);
        match fault {
            Some(Fault::ResetAfter) => reply = reply.with_conduct(Conduct::ResetAfter),
            Some(Fault::SlowAnswer) => reply.delay = self.config.slow_by,
            Some(Fault::OddContentEncoding) => {
                reply = reply.with_header(header::CONTENT_ENCODING, "utf-8");
            }
            Some(Fault::DrippingAnswer) => {
                reply.pace = Some(Pace { piece: 1, pause: self.config.slow_by });
            }
            _ => {}
        }
        let seen = matches!(
            reply.conduct,
            Conduct::Answer | Conduct::Truncate { .. } | Conduct::Stall { .. }
        );
        self.journal.note(Entry {
            at: now,
            exchange,
            order: outcome.order,
            http_status: seen.then(|| reply.response.status().as_u16()),
            status: outcome.status,
            fault,
            range: request::header(request, header::RANGE.as_str()).map(str::to_owned),
            secret_seen,
        });
        reply
    }

    /// What it was told, and may be told anew.
    pub fn config(&self) -> &VendorConfig {
        &self.config
    }

    /// The configuration, to be changed while it runs.
    ///
    /// `seed`, `account` and the figures about records are best left alone once
    /// there are orders; for faults there is [`set_faults`](Self::set_faults).
    pub fn config_mut(&mut self) -> &mut VendorConfig {
        &mut self.config
    }

    /// Replaces the plan of faults. Its draws start from the beginning, and a file host that
    /// was out is back, a clock that was wrong is right.
    pub fn set_faults(&mut self, plan: FaultPlan) {
        self.outage = None;
        self.wrong_until = None;
        self.orders.iter_mut().for_each(|order| order.out_until = None);
        self.strikes = Strikes::new(&plan, self.config.seed);
        self.config.faults = plan;
    }

    /// How often each fault of the plan struck so far.
    pub fn faults_struck(&self) -> impl Iterator<Item = (Fault, u32)> {
        self.strikes.counts().filter(|(_, times)| *times > 0)
    }

    /// What reached it.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// What a table must hold when all orders that can be applied are.
    ///
    /// Orders that are spoilt for good count as none; `Truth::orders` names them
    /// all. Counts records, so it takes as long as building the archives.
    pub fn truth(&self) -> Truth {
        self.truth_of(|order| order.spoilt.is_none())
    }

    /// When something happens by itself next: a push or a call.
    pub fn next_due(&self) -> Option<Timestamp> {
        let push = self.next_push();
        let call = self.caller.next_due(&self.config);
        push.into_iter().chain(call).min()
    }

    /// What kind of exchange a request is, by host and path.
    fn route(&self, request: &Request<Bytes>) -> Exchange {
        let uri = request.uri();
        let origin = origin(request);
        let at = |base: &str| origin.as_deref().is_none_or(|o| o.eq_ignore_ascii_case(base));
        match api::exchange(uri.path()) {
            Some(exchange) if at(&self.config.api_base) => exchange,
            None if uri.path().starts_with(files::FOLDER) && at(&self.config.files_base) => {
                Exchange::Download
            }
            _ => Exchange::Elsewhere,
        }
    }

    fn process(
        &mut self,
        exchange: Exchange,
        request: &Request<Bytes>,
        fault: Option<Fault>,
        now: Timestamp,
    ) -> Outcome {
        match exchange {
            Exchange::Download => self.download(request, fault, now),
            Exchange::Elsewhere | Exchange::Callback => self.elsewhere(request),
            _ => self.call(exchange, request, fault, now),
        }
    }

    /// A path the vendor does not have, or a host that is another's.
    fn elsewhere(&mut self, request: &Request<Bytes>) -> Outcome {
        let ours = |origin: &String| {
            let bases = [&self.config.api_base, &self.config.files_base];
            bases.iter().any(|base| origin.eq_ignore_ascii_case(base))
        };
        Outcome::of(match origin(request).filter(|origin| !ours(origin)) {
            Some(foreign) => {
                self.journal.note_foreign(&foreign);
                Reply::unseen(Conduct::Unreachable)
            }
            None => Reply::html(StatusCode::NOT_FOUND, "404 Not Found"),
        })
    }

    /// The answer of a fault that comes in place of the vendor's own.
    fn instead(&self, fault: Fault) -> Option<Outcome> {
        let reply = match fault {
            Fault::ResetBefore => Reply::unseen(Conduct::ResetBefore),
            Fault::NoAnswer => Reply::unseen(Conduct::Silence),
            Fault::Http502Html => Reply::html(StatusCode::BAD_GATEWAY, "502 Bad Gateway"),
            Fault::Http503Empty => {
                Reply::new(StatusCode::SERVICE_UNAVAILABLE, "text/html", Bytes::new())
            }
            Fault::Http429 => Reply::new(StatusCode::TOO_MANY_REQUESTS, "text/html", Bytes::new())
                .with_header(header::RETRY_AFTER, "7"),
            Fault::Redirect => Reply::html(StatusCode::FOUND, "302 Found")
                .with_header(header::LOCATION, "http://qcc-login.invalid/login"),
            Fault::EmptyAnswer => Reply::new(StatusCode::OK, wire::JSON, Bytes::new()),
            Fault::HtmlAnswer | Fault::HtmlInsteadOfZip => {
                Reply::html(StatusCode::OK, "企查查专业版 - 登录")
            }
            _ => {
                let status = api::status_of(fault)?;
                let body = wire::refusal(&self.config.wire, status);
                let reply = Reply::new(StatusCode::OK, wire::JSON, body);
                return Some(Outcome { reply, order: None, status: Some(status) });
            }
        };
        Some(Outcome::of(reply))
    }

    /// Adds what every answer of a host has.
    fn finish(&self, reply: Reply, exchange: Exchange, now: Timestamp) -> Reply {
        let server = match exchange {
            Exchange::Download => "AliyunOSS",
            _ => "nginx",
        };
        let clock = match exchange {
            Exchange::Download => now,
            _ => self.clock(now),
        };
        reply
            .with_header(header::DATE, &http_date(clock))
            .with_header(header::SERVER, server)
            .with_length()
    }

    /// What the vendor's own clock shows.
    fn clock(&self, now: Timestamp) -> Timestamp {
        let wrong = self.wrong_until.is_some_and(|until| now < until);
        later(now, self.strikes.skew(wrong, now))
    }

    /// A random number below `end`, or 0 where that is 0.
    fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { rand::RngExt::random_range(&mut self.noise, 0..end) }
    }
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vendor")
            .field("seed", &self.config.seed)
            .field("orders", &self.orders.len())
            .field("faults", &self.strikes)
            .finish_non_exhaustive()
    }
}

/// Scheme and host of an absolute URI.
fn origin(request: &Request<Bytes>) -> Option<String> {
    let uri = request.uri();
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}

/// An instant as HTTP spells it.
fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// An instant so much later, or the last there is.
fn later(at: Timestamp, by: impl TryInto<SignedDuration>) -> Timestamp {
    let by = by.try_into().unwrap_or(SignedDuration::MAX);
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// A header name of the file host's own.
fn own_header(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

/// How long the vendor waits for an answer to its call before it counts an error.
const CALL_PATIENCE: Duration = Duration::from_secs(60);
