//! The vendor's calls on their way into the store, and the engine woken for them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use qcc_callback::{Inbox, InboxError, Noted};
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
    async fn note(&self, order_no: &OrderNo) -> Result<Noted, InboxError> {
        let mut note = Note { tally: &self.tally, begun: Instant::now(), is_over: false };
        let noted = self.store.note_call(order_no, Timestamp::now()).await;
        note.is_over = true;
        match noted {
            Ok(new) => {
                self.tally.noted(None);
                self.wake.call();
                Ok(if new { Noted::New } else { Noted::Known })
            }
            Err(error) => {
                self.tally.noted(Some(causes_of(&error).join(": ")));
                Err(InboxError::new(error))
            }
        }
    }

    async fn knows(&self, order_no: &OrderNo) -> Result<bool, InboxError> {
        let known = self.store.order(order_no).await;
        known.map(|order| order.is_some()).map_err(|error: StoreError| InboxError::new(error))
    }
}

/// A store that takes longer counts as hanging.
const SLOW: Duration = Duration::from_secs(1);

/// A call on its way into the store.
struct Note<'a> {
    tally: &'a Tally,
    begun: Instant,
    is_over: bool,
}

/// Nobody waits any more: the answer was overdue, or the caller left.
impl Drop for Note<'_> {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        if !self.is_over && took >= SLOW {
            let why = format!("a call was not noted within {:.1} s", took.as_secs_f64());
            self.tally.noted(Some(why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_nobody_waits_for_any_more_tells_of_a_store_that_hangs() {
        let tally = Tally::new(0);
        let failed = || tally.counts().note_failed;
        let note = |seconds, is_over| Note {
            tally: &tally,
            begun: Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap(),
            is_over,
        };
        drop(note(0, false));
        assert_eq!(failed(), None, "the caller left soon");
        drop(note(9, true));
        assert_eq!(failed(), None, "it was noted in the end");
        drop(note(9, false));
        assert!(failed().is_some_and(|why| why.contains("9.0 s")));
    }
}
