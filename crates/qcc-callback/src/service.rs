//! [`CallbackService`]: checks each request and answers it once it is durable.

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
    AckBody, Answered, ErrorBudget, Guards, Inbox, InboxError, Noted, Observer, Outcome, Paths,
    Probe, Receiver, Rejection,
    client::{client, contains},
    rate::{Buckets, Taken},
};
#[cfg(feature = "server")]
use crate::{DropReason, Dropped};

/// Receives callbacks: a `tower` service for any HTTP server. Cheap to clone.
///
/// It checks, in this order: path, method, body, probe, source address, query (see
/// [`Receiver::receive`]), rate of unknown orders. It then passes the order number to
/// the [`Inbox`] and answers only after the inbox has stored it. It downloads nothing.
/// A repeated callback gets the same answer.
pub struct CallbackService<I>(Arc<Inner<I>>);

struct Inner<I> {
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

/// Builds a [`CallbackService`].
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
    /// Starts with the default guards, without a probe and without an observer.
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

    /// Sets who may call, and how often.
    pub fn guards(self, guards: Guards) -> Self {
        Self { guards, ..self }
    }

    /// Answers probes. Without this, a probe is refused like any other wrong query.
    pub fn probe(self, probe: Probe) -> Self {
        Self { probe: Some(probe), ..self }
    }

    /// Sets the observer, which is called after each answer.
    pub fn observer(self, observer: impl Observer) -> Self {
        Self { observer: Box::new(observer), ..self }
    }

    /// Replaces the system clock, which is used for rate limits and durations.
    pub fn clock(self, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    /// Sets how many errors in a row an earlier process answered with: the vendor
    /// still counts them.
    pub fn errors(self, in_a_row: u32) -> Self {
        Self { errors: in_a_row, ..self }
    }

    /// Builds the service.
    pub fn build(self) -> CallbackService<I> {
        let now = (self.clock)();
        let Guards { unknown_orders, unknown_orders_in_all, .. } = self.guards;
        let buckets =
            unknown_orders.map(|each| Mutex::new(Buckets::new(each, unknown_orders_in_all, now)));
        CallbackService(Arc::new(Inner {
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
    /// A builder for a service that receives for `receiver`, stores into `inbox` and
    /// listens on `paths`.
    pub fn builder(receiver: Receiver, inbox: I, paths: Paths) -> CallbackServiceBuilder<I> {
        CallbackServiceBuilder::new(receiver, inbox, paths)
    }

    /// The errors in a row that the vendor may have counted.
    pub fn budget(&self) -> ErrorBudget {
        ErrorBudget::spent(self.0.errors.load(Ordering::Relaxed))
    }

    /// Resets the errors in a row. Call it after callbacks were re-enabled (6.2.3): the
    /// vendor counts from zero again.
    pub fn forget_errors(&self) {
        self.0.errors.store(0, Ordering::Relaxed);
    }

    /// Reports a connection that was dropped.
    #[cfg(feature = "server")]
    pub(crate) fn dropped(&self, reason: DropReason, peer: Option<IpAddr>) {
        self.0.observer.dropped(&Dropped { reason, peer });
    }

    /// The callback paths. They can be replaced while the service runs.
    pub fn paths(&self) -> &Paths {
        &self.0.paths
    }

    /// Answers one request. The body is not read; a request that announces a body of
    /// more than 16 KiB is refused.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<AckBody> {
        self.answer_before(request, pending()).await
    }

    /// Like [`answer`](Self::answer), but answers 503 if the order number is not durable
    /// when `deadline` completes.
    pub async fn answer_before<B>(
        &self,
        request: Request<B>,
        deadline: impl Future<Output = ()>,
    ) -> Response<AckBody> {
        // Drop the body first, so that it does not have to be `Send`.
        let (parts, _) = request.into_parts();
        self.0.answer(parts, deadline).await
    }
}

/// The decision on a request that is not refused.
enum Verdict {
    Accepted(OrderNo, Noted),
    Probed(String),
}

impl<I: Inbox> Inner<I> {
    async fn answer(&self, parts: Parts, deadline: impl Future<Output = ()>) -> Response<AckBody> {
        let begun = (self.clock)();
        let client = client(&parts.extensions, &parts.headers, &self.guards.proxies);
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let mut unanswered = Unanswered { inner: self, client, begun, is_done: false };
        let verdict = self.judge(&parts, client, deadline).await;
        unanswered.is_done = true;
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
        if !self.accepts_path(parts) {
            return Err(Rejection::Path);
        }
        if parts.method != Method::GET {
            return Err(Rejection::Method);
        }
        if body_is_too_long(parts) {
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
            Either::Right(_) => return Err(Rejection::Inbox(InboxError::timeout())),
        };
        Ok(Verdict::Accepted(order_no, noted))
    }

    /// Whether the request is for a callback path. In a nested axum router the request
    /// has lost the prefix of the nest, so the original path is accepted as well.
    fn accepts_path(&self, parts: &Parts) -> bool {
        let accepted = self.paths.accepts(parts.uri.path());
        #[cfg(feature = "axum")]
        let accepted = accepted
            || parts
                .extensions
                .get::<axum::extract::OriginalUri>()
                .is_some_and(|original| self.paths.accepts(original.path()));
        accepted
    }

    /// Stores an order number. Only unknown orders count against the rate limits.
    async fn note(&self, order_no: &OrderNo, client: Option<IpAddr>) -> Result<Noted, Rejection> {
        let taken = self.with_buckets(|buckets, now| buckets.take(client, now));
        let over = match taken {
            None | Some(Taken::Within) => None,
            Some(Taken::OverOwn) => Some(Rejection::Limited),
            Some(Taken::OverAll) => Some(Rejection::LimitedInAll),
        };
        let within = over.is_none();
        if let Some(over) = over
            && !self.inbox.knows(order_no).await.map_err(Rejection::Inbox)?
        {
            return Err(over);
        }
        let noted = self.inbox.note(order_no).await.map_err(Rejection::Inbox);
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

    /// Counts the errors that the vendor may count. Only callers with the key can
    /// change the count.
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

/// A request that is being answered. Dropped early if the client disconnects.
struct Unanswered<'a, I: Inbox> {
    inner: &'a Inner<I>,
    client: Option<IpAddr>,
    begun: Instant,
    is_done: bool,
}

/// If the client disconnects while the inbox works, the vendor counts an error too.
impl<I: Inbox> Drop for Unanswered<'_, I> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let Inner { errors, clock, observer, .. } = self.inner;
        let in_a_row = errors.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        observer.answered(&Answered {
            outcome: Outcome::Rejected(&Rejection::Inbox(InboxError::client_gone())),
            client: self.client,
            took: clock().saturating_duration_since(self.begun),
            budget: ErrorBudget::spent(in_a_row),
            may_count: true,
        });
    }
}

/// The longest request body that is accepted (and ignored), in bytes.
pub(crate) const MAX_BODY_BYTES: u64 = 16 * 1024;

/// Marks a request whose body turned out longer than [`MAX_BODY_BYTES`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyTooLong;

/// The `Content-Length` of a request, if it has one.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// Whether the body of a request is too long.
fn body_is_too_long(parts: &Parts) -> bool {
    parts.extensions.get::<BodyTooLong>().is_some()
        || content_length(&parts.headers).is_some_and(|length| length > MAX_BODY_BYTES)
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
    // A caching proxy would answer the next callback itself.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
    }
    response
}

/// The future of a [`CallbackService`].
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
        let inner = Arc::clone(&self.0);
        let (parts, _) = request.into_parts();
        Answering(Box::pin(async move { inner.answer(parts, pending()).await }))
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
