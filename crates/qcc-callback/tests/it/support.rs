//! A service as the tests need it: inboxes that fail or wait, an observer that remembers.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Request, Response, StatusCode};
use http_body::Body;
use qcc_callback::{
    Answered, CallbackService, CallbackServiceBuilder, Dropped, Inbox, InboxError, MemoryInbox,
    Noted, Observer, Paths, PeerAddr, Receiver,
};
use qcc_proto::OrderNo;
use tokio::sync::Semaphore;

/// Long enough that only what never happens takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const ORDER: &str = "DDMON2021031616145803273367";
pub(crate) const ACCEPTED: &str = r#"{"status":"200","msg":"成功"}"#;

/// The query of a call with our key.
pub(crate) fn query(order_no: &str) -> String {
    query_with(KEY, order_no)
}

pub(crate) fn query_with(key: &str, order_no: &str) -> String {
    format!(
        "key={key}&orderNo={order_no}\
         &downloadUrl=http%3A%2F%2Fpro-files.qichacha.com%2FDdMonitor%2Fx.zip%3FSignature%3DD0lw17m2%252B\
         &downloadUrlExpiredTime=2021-03-16%2020%3A19%3A00&unzipPassword=open-sesame"
    )
}

pub(crate) fn receiver() -> Receiver {
    Receiver::new(KEY.parse().unwrap())
}

pub(crate) fn build<I: Inbox>(inbox: I) -> CallbackServiceBuilder<I> {
    CallbackService::builder(receiver(), inbox, Paths::new("/callback").unwrap())
}

/// A request as a server hands it on.
pub(crate) fn get(target: &str) -> Request<()> {
    from("192.0.2.7:4000", target)
}

pub(crate) fn from(peer: &str, target: &str) -> Request<()> {
    let mut request = Request::get(target).body(()).unwrap();
    request.extensions_mut().insert(PeerAddr(peer.parse::<SocketAddr>().unwrap()));
    request
}

pub(crate) fn call(order_no: &str) -> Request<()> {
    get(&format!("/callback?{}", query(order_no)))
}

/// Status and body of an answer.
pub(crate) async fn ask<I: Inbox>(
    service: &CallbackService<I>,
    request: Request<()>,
) -> (StatusCode, String) {
    read(service.answer(request).await)
}

pub(crate) fn read(response: Response<qcc_callback::AckBody>) -> (StatusCode, String) {
    let (parts, body) = response.into_parts();
    assert_eq!(body.size_hint().exact(), Some(body.as_bytes().len() as u64));
    (parts.status, String::from_utf8(body.as_bytes().to_vec()).unwrap())
}

/// Remembers the word for each answer, the client, and the errors in a row.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Line>>>);

/// The word, the client, the errors in a row.
type Line = (String, Option<String>, u32);

impl Log {
    pub(crate) fn codes(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(code, ..)| code.clone()).collect()
    }

    pub(crate) fn last(&self) -> Line {
        self.0.lock().unwrap().last().cloned().expect("nothing was answered")
    }
}

impl Observer for Log {
    fn answered(&self, answered: &Answered<'_>) {
        let client = answered.client.map(|client| client.to_string());
        let line = (answered.outcome.code().to_owned(), client, answered.budget.in_a_row());
        self.0.lock().unwrap().push(line);
    }

    fn dropped(&self, dropped: &Dropped) {
        let peer = dropped.peer.map(|peer| peer.to_string());
        self.0.lock().unwrap().push((dropped.reason.as_str().to_owned(), peer, 0));
    }
}

/// An inbox whose store is down while nobody repairs it.
#[derive(Clone, Default)]
pub(crate) struct Broken(pub(crate) Arc<Mutex<bool>>, pub(crate) MemoryInbox);

impl Broken {
    pub(crate) fn repair(&self) {
        *self.0.lock().unwrap() = true;
    }

    fn check(&self) -> Result<(), InboxError> {
        let repaired = *self.0.lock().unwrap();
        if repaired { Ok(()) } else { Err(InboxError::new("the disk is full")) }
    }
}

impl Inbox for Broken {
    async fn note(&self, order_no: &OrderNo) -> Result<Noted, InboxError> {
        self.check()?;
        self.1.note(order_no).await
    }

    async fn knows(&self, order_no: &OrderNo) -> Result<bool, InboxError> {
        self.check()?;
        self.1.knows(order_no).await
    }
}

/// An inbox that takes as many orders as it is given leave for, and says when
/// one waits.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) leave: Arc<Semaphore>,
    pub(crate) waiting: Arc<Semaphore>,
    pub(crate) inbox: MemoryInbox,
}

impl Gate {
    pub(crate) fn shut() -> Self {
        Self {
            leave: Arc::new(Semaphore::new(0)),
            waiting: Arc::new(Semaphore::new(0)),
            inbox: MemoryInbox::default(),
        }
    }

    /// Until so many have come.
    pub(crate) async fn came(&self, count: u32) {
        let came = tokio::time::timeout(PATIENCE, self.waiting.acquire_many(count)).await;
        came.expect("too few came").unwrap().forget();
    }
}

impl Inbox for Gate {
    async fn note(&self, order_no: &OrderNo) -> Result<Noted, InboxError> {
        self.waiting.add_permits(1);
        self.leave.acquire().await.map_err(InboxError::new)?.forget();
        self.inbox.note(order_no).await
    }

    async fn knows(&self, order_no: &OrderNo) -> Result<bool, InboxError> {
        self.inbox.knows(order_no).await
    }
}
