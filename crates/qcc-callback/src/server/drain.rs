//! Reads and discards request bodies, within limits.
//!
//! HTTP allows a `GET` request to have a body, and some clients and proxies send an
//! empty chunked one. A callback has all its data in the query.

use std::{future::poll_fn, pin::Pin, time::Duration};

use http::Request;
use http_body::Body;
use tokio::time::timeout;

use crate::service::{BodyTooLong, MAX_BODY_BYTES, content_length};

/// How long a body may take to arrive. A slower client gets its answer, and its
/// connection is closed.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// Reads the body to its end, so that the connection can be reused. Marks the request
/// if the body is too long. A body that is content_length as too long is not read.
pub(super) async fn drain<B: Body + Unpin>(request: &mut Request<B>) {
    if content_length(request.headers()).is_some_and(|length| length > MAX_BODY_BYTES) {
        return;
    }
    let is_too_long = timeout(BODY_TIMEOUT, exceeds(request.body_mut())).await;
    if is_too_long.unwrap_or(false) {
        request.extensions_mut().insert(BodyTooLong);
    }
}

/// Reads until the end of the body or until it exceeds the limit.
async fn exceeds<B: Body + Unpin>(body: &mut B) -> bool {
    let mut read = 0_u64;
    // A broken body does not change the query, so errors are ignored.
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        let piece = frame.data_ref().map_or(0, |data| bytes::Buf::remaining(data) as u64);
        read = read.saturating_add(piece);
        if read > MAX_BODY_BYTES {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        task::{Context, Poll},
    };

    use bytes::Bytes;
    use http_body::Frame;

    use super::*;

    /// A body that nobody may ask for.
    struct Untouched;

    impl Body for Untouched {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            panic!("it was read")
        }
    }

    /// A body in one piece.
    struct Whole(Option<Bytes>);

    impl Body for Whole {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
        }
    }

    #[tokio::test]
    async fn a_body_that_says_it_is_too_long_is_not_read() {
        for length in [MAX_BODY_BYTES + 1, u64::MAX] {
            let request = Request::get("/").header("content-length", length);
            let mut request = request.body(Untouched).unwrap();
            drain(&mut request).await;
            assert!(request.extensions().get::<BodyTooLong>().is_none(), "its head says enough");
        }
    }

    #[tokio::test]
    async fn a_body_as_long_as_may_be_is_read_and_no_longer_one() {
        let length = usize::try_from(MAX_BODY_BYTES).unwrap();
        for (bytes, too_much) in [(length, false), (length + 1, true)] {
            let mut request = Request::get("/").body(Whole(Some(vec![0; bytes].into()))).unwrap();
            request.headers_mut().insert("content-length", length.into());
            drain(&mut request).await;
            assert_eq!(request.extensions().get::<BodyTooLong>().is_some(), too_much, "{bytes}");
            assert!(request.body().0.is_none(), "it was not read");
        }
    }
}
