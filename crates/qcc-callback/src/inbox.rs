//! Where a call goes: the seam to whatever keeps order numbers.

use std::{
    collections::BTreeSet,
    error::Error as StdError,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use qcc_proto::OrderNo;

/// What keeps the order numbers of calls.
///
/// Called concurrently, and answered before the vendor is: it should not take
/// longer than a write to the disk.
pub trait Inbox: Send + Sync + 'static {
    /// Notes that the vendor called about an order.
    ///
    /// When this returns, the number is durable: a crash a moment later does not
    /// forget it. Noting a number again changes nothing that matters. The future
    /// may be dropped; whether the number was noted then does not matter either.
    ///
    /// # Errors
    /// [`NotNoted`], where it may not be durable.
    fn note(&self, order_no: &OrderNo) -> impl Future<Output = Result<Noted, NotNoted>> + Send;

    /// Whether an order is known already, from whatever source.
    ///
    /// Asked only of callers who have sent too many unknown ones.
    ///
    /// # Errors
    /// [`NotNoted`], where nobody can say.
    fn knows(&self, order_no: &OrderNo) -> impl Future<Output = Result<bool, NotNoted>> + Send;
}

/// Whether a noted order was news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Noted {
    /// Nobody knew it.
    New,
    /// It was known, from an earlier call or from the vendor's list.
    Known,
}

/// The order number may not be durable: the store is down. Our fault.
///
/// The vendor is told so, and may count it as one of its five errors; the order
/// is found in its list later.
#[derive(Debug, thiserror::Error)]
#[error("the order could not be noted durably")]
pub struct NotNoted(#[source] Option<Box<dyn StdError + Send + Sync>>);

impl NotNoted {
    /// For a cause, which is shown as its source.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Some(cause.into()))
    }

    /// Because the caller left before.
    pub(crate) fn unheard() -> Self {
        Self::new("the caller left before the store had answered")
    }

    /// Because it took longer than the caller may wait.
    pub(crate) fn overdue() -> Self {
        Self::new("the store took too long")
    }
}

/// An inbox in memory, for tests and examples. Clones share it.
///
/// Durable it is not: what it took is gone with the process.
#[derive(Debug, Clone, Default)]
pub struct MemoryInbox(Arc<Mutex<BTreeSet<OrderNo>>>);

impl MemoryInbox {
    /// What has been noted, in order.
    pub fn orders(&self) -> Vec<OrderNo> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<OrderNo>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inbox for MemoryInbox {
    async fn note(&self, order_no: &OrderNo) -> Result<Noted, NotNoted> {
        let is_new = self.lock().insert(order_no.clone());
        Ok(if is_new { Noted::New } else { Noted::Known })
    }

    async fn knows(&self, order_no: &OrderNo) -> Result<bool, NotNoted> {
        Ok(self.lock().contains(order_no))
    }
}

impl<I: Inbox> Inbox for Arc<I> {
    fn note(&self, order_no: &OrderNo) -> impl Future<Output = Result<Noted, NotNoted>> + Send {
        (**self).note(order_no)
    }

    fn knows(&self, order_no: &OrderNo) -> impl Future<Output = Result<bool, NotNoted>> + Send {
        (**self).knows(order_no)
    }
}
