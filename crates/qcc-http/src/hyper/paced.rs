//! A body whose pieces must not keep us waiting.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use super::{classify, late};
use crate::{Delivery, TransportError};

/// Ends with a timeout where no piece comes for `idle`.
///
/// The clock runs only while somebody waits: a slow reader is no slow server.
pub(super) struct Paced {
    inner: Incoming,
    idle: Duration,
    alarm: Pin<Box<Sleep>>,
    state: State,
}

#[derive(PartialEq)]
enum State {
    Idle,
    Waiting,
    Ended,
}

impl Paced {
    pub(super) fn new(inner: Incoming, idle: Duration) -> Self {
        Self { inner, idle, alarm: Box::pin(sleep(idle)), state: State::Idle }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = &mut *self;
        if this.state == State::Ended {
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.state = State::Idle;
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(ended) => {
                this.state = State::Ended;
                return Poll::Ready(ended.map(|result| result.map_err(classify::body)));
            }
            Poll::Pending => {}
        }
        if this.state == State::Idle {
            this.state = State::Waiting;
            this.alarm.as_mut().reset(Instant::now() + this.idle);
        }
        if this.alarm.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        this.state = State::Ended;
        Poll::Ready(Some(Err(late(Delivery::Unknown, "the body stalled", this.idle))))
    }

    fn is_end_stream(&self) -> bool {
        self.state == State::Ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
