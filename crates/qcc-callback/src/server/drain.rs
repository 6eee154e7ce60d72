//! A body that a request brings: read, within limits, and thrown away.
//!
//! HTTP allows a `GET` to have one, and some clients and proxies announce an empty
//! one in a way of their own. A callback says everything in its query.

use std::{future::poll_fn, pin::Pin, time::Duration};

use http::Request;
use http_body::Body;
use tokio::time::timeout;

use crate::service::{MOST_BODY, TooMuch, announced};

/// How long a body may take. Who is slower is answered, and its connection ends.
const PATIENCE: Duration = Duration::from_secs(1);

/// Reads the body to its end, so that the connection can bring another request. Marks
/// a request whose body is too long; one that says so itself is not read at all.
pub(super) async fn drain<B: Body + Unpin>(request: &mut Request<B>) {
    if announced(request.headers()).is_some_and(|length| length > MOST_BODY) {
        return;
    }
    let is_too_much = timeout(PATIENCE, exceeds(request.body_mut())).await;
    if is_too_much.unwrap_or(false) {
        request.extensions_mut().insert(TooMuch);
    }
}

/// Reads on while there is something to read and it is not too much.
async fn exceeds<B: Body + Unpin>(body: &mut B) -> bool {
    let mut read = 0_u64;
    // A body that breaks off or is no proper one changes nothing of the query.
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        let piece = frame.data_ref().map_or(0, |data| bytes::Buf::remaining(data) as u64);
        read = read.saturating_add(piece);
        if read > MOST_BODY {
            return true;
        }
    }
    false
}
