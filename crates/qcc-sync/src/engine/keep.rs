//! Keeping a lease while an order is worked on.

use std::{future::Future, pin::pin, time::Duration};

use crate::{Clock, Lease, Store, StoreError, StoreErrorKind};

/// A lease is renewed this many times in its term.
const PER_TERM: u32 = 3;

/// However short the term.
const LEAST_PAUSE: Duration = Duration::from_millis(10);

/// Does work on an order while its lease is renewed, however long that takes.
///
/// # Errors
/// [`StoreErrorKind::LeaseLost`] where another worker took the order over: the work is
/// broken off. Other failures to renew are outlived, since the next write tells.
pub(super) async fn keeping<T>(
    store: &dyn Store,
    clock: &dyn Clock,
    lease: &Lease,
    work: impl Future<Output = T> + Send,
) -> Result<T, StoreError> {
    let mut work = pin!(work);
    let pause = (lease.worker.term / PER_TERM).max(LEAST_PAUSE);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            () = clock.sleep(pause) => {}
        }
        let renewed = tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            renewed = store.renew(lease, clock.now()) => renewed,
        };
        match renewed {
            Ok(()) => {}
            Err(error) if error.kind() == StoreErrorKind::LeaseLost => return Err(error),
            Err(error) => {
                tracing::warn!(order = %lease.order.no, %error, "a lease was not renewed");
            }
        }
    }
}
