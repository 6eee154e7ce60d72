//! The vendor's calls on their way into the store, and the engine woken for them.

use std::sync::Arc;

use jiff::Timestamp;
use qcc_callback::{Inbox, NotNoted, Noted};
use qcc_proto::OrderNo;
use qcc_sync::{Store, StoreError, Wake};

use super::tally::Tally;
use crate::{exit::causes_of, wiring::SqliteStore};

/// The inbox that is the store.
#[derive(Debug)]
pub(super) struct Calls {
    store: Arc<SqliteStore>,
    wake: Wake,
    tally: Arc<Tally>,
}

impl Calls {
    pub(super) fn new(store: Arc<SqliteStore>, wake: Wake, tally: Arc<Tally>) -> Self {
        Self { store, wake, tally }
    }
}

impl Inbox for Calls {
    async fn note(&self, order_no: &OrderNo) -> Result<Noted, NotNoted> {
        match self.store.note_call(order_no, Timestamp::now()).await {
            Ok(new) => {
                self.tally.wrote(None);
                self.wake.call();
                Ok(if new { Noted::New } else { Noted::Known })
            }
            Err(error) => {
                self.tally.wrote(Some(causes_of(&error).join(": ")));
                Err(NotNoted::new(error))
            }
        }
    }

    async fn knows(&self, order_no: &OrderNo) -> Result<bool, NotNoted> {
        let known = self.store.order(order_no).await;
        known.map(|order| order.is_some()).map_err(|error: StoreError| NotNoted::new(error))
    }
}
