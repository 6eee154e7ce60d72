//! The service: each request judged in a fixed order, answered once it is durable.

use std::{
    convert::Infallible,
    fmt,
    future::{Future, pending},
    net::IpAddr,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use futures_util::future::{Either, select};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use qcc_proto::{Acknowledgement, OrderNo};
use tower_service::Service;

use crate::{
    AckBody, Answered, ErrorBudget, Guards, Inbox, NotNoted, Noted, Observer, Outcome, Paths,
    Probe, Receiver, Rejection,
    client::{client, contains},
    rate::{Buckets, Taken},
};
#[cfg(feature = "server")]
use crate::{Refusal, Refused};

/// Receives callbacks: a `tower` service for any server, and cheap to clone.
///
/// In this order: path, method, body, probe, source address, query (see
/// [`Receiver::receive`]), rate of unknown orders. What passes is handed to the
/// [`Inbox`], and when that says it is durable, and not before, the vendor gets
/// its answer. Nothing is downloaded here. A repeated callback gets the same
/// answer.
pub struct CallbackService<I>(Arc<Inside<I>>);

struct Inside<I> {
    receiver: Receiver,
    inbox: I,
    paths: Paths,
    guards: Guards,
    buckets: Option<Mutex<Buckets>>,
    probe: Option<Probe>,
    observer: Box<dyn Observer>,
    clock: Clock,
    errors: AtomicU32,
}

type Clock = Box<dyn Fn() -> Instant + Send + Sync>;

/// Settings of a [`CallbackService`], before it starts.
#[must_use]
pub struct CallbackServiceBuilder<I> {
    receiver: Receiver,
    inbox: I,
    paths: Paths,
    guards: Guards,
    probe: Option<Probe>,
    observer: Box<dyn Observer>,
    clock: Clock,
    errors: u32,
}

impl<I: Inbox> CallbackServiceBuilder<I> {
    /// Default guards, no probe, nobody who observes.
    pub fn new(receiver: Receiver, inbox: I, paths: Paths) -> Self {
        Self {
            receiver,
            inbox,
            paths,
            guards: Guards::default(),
            probe: None,
            observer: Box::new(()),
            clock: Box::new(Instant::now),
            errors: 0,
        }
    }

    /// Who may call, and how much.
    pub fn guards(self, guards: Guards) -> Self {
        Self { guards, ..self }
    }

    /// Answers probes; without one, they are refused like any query that is none.
    pub fn probe(self, probe: Probe) -> Self {
        Self { probe: Some(probe), ..self }
    }

    /// Who is told of each answer.
    pub fn observer(self, observer: impl Observer) -> Self {
        Self { observer: Box::new(observer), ..self }
    }

    /// Another clock than the system's, for the rate and the time an answer took.
    pub fn clock(self, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    /// So many errors in a row were answered before, by a process that has ended:
    /// the vendor still counts them.
    pub fn errors(self, in_a_row: u32) -> Self {
        Self { errors: in_a_row, ..self }
    }

    /// The service.
    pub fn build(self) -> CallbackService<I> {
        let now = (self.clock)();
        let Guards { unknown_orders, unknown_orders_in_all, .. } = self.guards;
        let buckets =
            unknown_orders.map(|each| Mutex::new(Buckets::new(each, unknown_orders_in_all, now)));
        CallbackService(Arc::new(Inside {
            receiver: self.receiver,
            inbox: self.inbox,
            paths: self.paths,
            guards: self.guards,
            buckets,
            probe: self.probe,
            observer: self.observer,
            clock: self.clock,
            errors: AtomicU32::new(self.errors),
        }))
    }
}

impl<I: Inbox> CallbackService<I> {
    /// Receives for an account, into an inbox, under some paths.
    pub fn builder(receiver: Receiver, inbox: I, paths: Paths) -> CallbackServiceBuilder<I> {
        CallbackServiceBuilder::new(receiver, inbox, paths)
    }

    /// Our errors in a row, as far as the vendor may have counted them.
    pub fn budget(&self) -> ErrorBudget {
        ErrorBudget::spent(self.0.errors.load(Ordering::Relaxed))
    }

    /// The vendor was activated (6.2.3) and counts from nothing again.
    pub fn forget_errors(&self) {
        self.0.errors.store(0, Ordering::Relaxed);
    }

    /// Something ended before it was a request.
    #[cfg(feature = "server")]
    pub(crate) fn refused(&self, refusal: Refusal, client: Option<IpAddr>) {
        self.0.observer.refused(&Refused { refusal, client });
    }

    /// The paths it receives under, to replace them.
    pub fn paths(&self) -> &Paths {
        &self.0.paths
    }

    /// Answers one request. Its body is not looked at; one that announces more than 16
    /// KiB is refused.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<AckBody> {
        self.answer_before(request, pending()).await
    }

    /// The same, refusing as overdue what is not durable when `deadline` ends.
    pub async fn answer_before<B>(
        &self,
        request: Request<B>,
        deadline: impl Future<Output = ()>,
    ) -> Response<AckBody> {
        // The body goes first: it need not be `Send` while we wait for the inbox.
        let (parts, _) = request.into_parts();
        self.0.answer(parts, deadline).await
    }
}

/// What is answered, once it is decided.
enum Verdict {
    Accepted(OrderNo, Noted),
    Probed(String),
}

impl<I: Inbox> Inside<I> {
    async fn answer(&self, parts: Parts, deadline: impl Future<Output = ()>) -> Response<AckBody> {
        let begun = (self.clock)();
        let client = client(&parts.extensions, &parts.headers, &self.guards.proxies);
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let mut unanswered = Unanswered { inside: self, client, begun, is_over: false };
        let verdict = self.judge(&parts, client, deadline).await;
        unanswered.is_over = true;
        let may_count = verdict.is_err() && self.receiver.has_key(query);
        let budget = self.count(&verdict, may_count);
        let outcome = match &verdict {
            Ok(Verdict::Accepted(order_no, noted)) => Outcome::Accepted { order_no, noted: *noted },
            Ok(Verdict::Probed(_)) => Outcome::Probed,
            Err(rejection) => Outcome::Rejected(rejection),
        };
        let status = outcome.http_status();
        let took = (self.clock)().saturating_duration_since(begun);
        self.observer.answered(&Answered { outcome, client, took, budget, may_count });
        let body = match verdict {
            Ok(Verdict::Accepted(..)) => body_of(&self.receiver.accepted()),
            Ok(Verdict::Probed(body)) => body,
            Err(rejection) => body_of(&self.receiver.refused(&rejection)),
        };
        response(status, body)
    }

    async fn judge(
        &self,
        parts: &Parts,
        client: Option<IpAddr>,
        deadline: impl Future<Output = ()>,
    ) -> Result<Verdict, Rejection> {
        if !self.paths.accepts(parts.uri.path()) {
            return Err(Rejection::Path);
        }
        if parts.method != Method::GET {
            return Err(Rejection::Method);
        }
        if has_too_much(parts) {
            return Err(Rejection::Body);
        }
        let query = parts.uri.query().unwrap_or_default();
        if let Some(answer) = self.probe.as_ref().and_then(|probe| probe.answer_to(query)) {
            return Ok(Verdict::Probed(answer));
        }
        let sources = &self.guards.sources;
        if !sources.is_empty() && !client.is_some_and(|client| contains(sources, client)) {
            return Err(Rejection::Source);
        }
        let order_no = self.receiver.receive(query.as_bytes())?.order_no;
        let noted = match select(pin!(self.note(&order_no, client)), pin!(deadline)).await {
            Either::Left((noted, _)) => noted?,
            Either::Right(_) => return Err(Rejection::NotNoted(NotNoted::overdue())),
        };
        Ok(Verdict::Accepted(order_no, noted))
    }

    /// Notes an order, within the rate of unknown ones. A known one costs nothing.
    async fn note(&self, order_no: &OrderNo, client: Option<IpAddr>) -> Result<Noted, Rejection> {
        let taken = self.with_buckets(|buckets, now| buckets.take(client, now));
        let over = match taken {
            None | Some(Taken::Within) => None,
            Some(Taken::OverOwn) => Some(Rejection::Limited),
            Some(Taken::OverAll) => Some(Rejection::LimitedInAll),
        };
        let within = over.is_none();
        if let Some(over) = over
            && !self.inbox.knows(order_no).await.map_err(Rejection::NotNoted)?
        {
            return Err(over);
        }
        let noted = self.inbox.note(order_no).await.map_err(Rejection::NotNoted);
        if within && !matches!(noted, Ok(Noted::New)) {
            self.with_buckets(|buckets, now| buckets.give_back(client, now));
        }
        noted
    }

    fn with_buckets<T>(&self, work: impl FnOnce(&mut Buckets, Instant) -> T) -> Option<T> {
        let buckets = self.buckets.as_ref()?;
        let now = (self.clock)();
        Some(work(&mut buckets.lock().unwrap_or_else(PoisonError::into_inner), now))
    }

    /// Counts what the vendor may count. Nobody without the key can change it.
    fn count(&self, verdict: &Result<Verdict, Rejection>, may_count: bool) -> ErrorBudget {
        let in_a_row = match verdict {
            Ok(Verdict::Accepted(..)) => {
                self.errors.store(0, Ordering::Relaxed);
                0
            }
            Err(_) if may_count => self.errors.fetch_add(1, Ordering::Relaxed).saturating_add(1),
            _ => self.errors.load(Ordering::Relaxed),
        };
        ErrorBudget::spent(in_a_row)
    }
}

/// A request whose caller may leave before it is answered.
struct Unanswered<'a, I: Inbox> {
    inside: &'a Inside<I>,
    client: Option<IpAddr>,
    begun: Instant,
    is_over: bool,
}

/// The caller left while the inbox was at it: to the vendor that is an error, too.
impl<I: Inbox> Drop for Unanswered<'_, I> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let Inside { errors, clock, observer, .. } = self.inside;
        let in_a_row = errors.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        observer.answered(&Answered {
            outcome: Outcome::Rejected(&Rejection::NotNoted(NotNoted::unheard())),
            client: self.client,
            took: clock().saturating_duration_since(self.begun),
            budget: ErrorBudget::spent(in_a_row),
            may_count: true,
        });
    }
}

/// A body up to this length is of no interest and does no harm.
pub(crate) const MOST_BODY: u64 = 16 * 1024;

/// A request whose body was found to be longer than [`MOST_BODY`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct TooMuch;

/// The length of the body a request announces, where it announces one.
pub(crate) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// Whether a request brings more than a client that errs might.
fn has_too_much(parts: &Parts) -> bool {
    parts.extensions.get::<TooMuch>().is_some()
        || announced(&parts.headers).is_some_and(|length| length > MOST_BODY)
}

fn body_of(acknowledgement: &Acknowledgement) -> String {
    acknowledgement.body()
}

fn response(status: StatusCode, body: String) -> Response<AckBody> {
    let mut response = Response::new(AckBody::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static(Acknowledgement::CONTENT_TYPE);
    headers.insert(header::CONTENT_TYPE, json);
    // A proxy that keeps the answer would answer the next call itself.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
    }
    response
}

/// An answer being made.
pub struct Answering(Pin<Box<dyn Future<Output = Response<AckBody>> + Send>>);

impl Future for Answering {
    type Output = Result<Response<AckBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl<I: Inbox, B> Service<Request<B>> for CallbackService<I> {
    type Response = Response<AckBody>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answering {
        let inside = Arc::clone(&self.0);
        let (parts, _) = request.into_parts();
        Answering(Box::pin(async move { inside.answer(parts, pending()).await }))
    }
}

impl<I> Clone for CallbackService<I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<I> fmt::Debug for CallbackService<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackService")
            .field("receiver", &self.0.receiver)
            .field("guards", &self.0.guards)
            .finish_non_exhaustive()
    }
}

impl<I> fmt::Debug for CallbackServiceBuilder<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackServiceBuilder")
            .field("receiver", &self.receiver)
            .field("guards", &self.guards)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answering(…)")
    }
}
