//! [`Inbox`]: where the order numbers of callbacks are stored.

use std::{
    collections::BTreeSet,
    error::Error as StdError,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use qcc_proto::OrderNo;

/// Stores the order numbers of callbacks.
///
/// It is called concurrently. The vendor waits for each call to return, so it
/// should take no longer than one durable write. The `conformance` feature has a
/// test suite for implementations.
pub trait Inbox: Send + Sync + 'static {
    /// Stores the number of an order that the vendor called about.
    ///
    /// When this returns `Ok`, the number is durable: it survives a crash. Storing a
    /// number again is harmless. The future may be dropped at any time; the number
    /// may or may not be stored then.
    ///
    /// # Errors
    /// [`InboxError`] if the number may not be durable.
    fn note(&self, order_no: &OrderNo) -> impl Future<Output = Result<Noted, InboxError>> + Send;

    /// Whether the order is known already, from a callback or from the order list.
    ///
    /// Called only for clients that have exceeded their limit of unknown orders.
    ///
    /// # Errors
    /// [`InboxError`] if the inbox cannot tell.
    fn knows(&self, order_no: &OrderNo) -> impl Future<Output = Result<bool, InboxError>> + Send;
}

/// Whether an order was new to the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Noted {
    /// It was not known before.
    New,
    /// It was known, from an earlier callback or from the order list.
    Known,
}

/// The inbox failed: the order number may not be durable.
///
/// The callback is answered with 503, which the vendor may count as one of its five
/// errors. The order is found in the order list later.
#[derive(Debug, thiserror::Error)]
#[error("the order number could not be stored")]
pub struct InboxError(#[source] Option<Box<dyn StdError + Send + Sync>>);

impl InboxError {
    /// An error with its cause, available as [`source`](StdError::source).
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Some(cause.into()))
    }

    /// The client disconnected first.
    pub(crate) fn client_gone() -> Self {
        Self::new("the client disconnected before the order number was stored")
    }

    /// The inbox took longer than [`ServerLimits::answer`](crate::ServerLimits).
    pub(crate) fn timeout() -> Self {
        Self::new("the store took too long")
    }
}

/// An inbox in memory, for tests and examples. Clones share their contents.
///
/// It is not durable: its contents are lost when the process ends.
#[derive(Debug, Clone, Default)]
pub struct MemoryInbox(Arc<Mutex<BTreeSet<OrderNo>>>);

impl MemoryInbox {
    /// All stored order numbers, sorted.
    pub fn orders(&self) -> Vec<OrderNo> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<OrderNo>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inbox for MemoryInbox {
    async fn note(&self, order_no: &OrderNo) -> Result<Noted, InboxError> {
        let is_new = self.lock().insert(order_no.clone());
        Ok(if is_new { Noted::New } else { Noted::Known })
    }

    async fn knows(&self, order_no: &OrderNo) -> Result<bool, InboxError> {
        Ok(self.lock().contains(order_no))
    }
}

impl<I: Inbox> Inbox for Arc<I> {
    fn note(&self, order_no: &OrderNo) -> impl Future<Output = Result<Noted, InboxError>> + Send {
        (**self).note(order_no)
    }

    fn knows(&self, order_no: &OrderNo) -> impl Future<Output = Result<bool, InboxError>> + Send {
        (**self).knows(order_no)
    }
}
