//! The body of an answer: opaque, streaming, never read without a limit.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};

use crate::TransportError;

/// The body of an answer, as it streams in.
///
/// Also an [`http_body::Body`], so that layers can wrap it.
pub struct Body(UnsyncBoxBody<Bytes, TransportError>);

impl Body {
    /// Wraps the body of some HTTP stack.
    pub fn new(
        inner: impl HttpBody<Data = Bytes, Error = TransportError> + Send + 'static,
    ) -> Self {
        Self(inner.boxed_unsync())
    }

    /// The next piece, or `None` at the end.
    ///
    /// # Errors
    /// A [`TransportError`] where the body breaks off or stalls.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        while let Some(frame) = self.0.frame().await {
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The whole body, or `None` where it is longer than `limit` bytes.
    ///
    /// # Errors
    /// A [`TransportError`] where the body breaks off or stalls.
    pub async fn read_within(mut self, limit: usize) -> Result<Option<Bytes>, TransportError> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.chunk().await? {
            if piece.len() > limit - whole.len() {
                return Ok(None);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(Some(whole.freeze()))
    }

    /// The length in bytes, where the answer announced one.
    pub fn content_length(&self) -> Option<u64> {
        HttpBody::size_hint(&self.0).exact()
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl From<Bytes> for Body {
    fn from(whole: Bytes) -> Self {
        Self::new(Full::new(whole).map_err(|never| match never {}))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body(…)")
    }
}
