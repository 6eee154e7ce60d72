//! Our own transports keep the contract, and the suite notices who does not.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use qcc_http::{Blocking, Body, Deadlines, Transport, TransportError, conformance};

use crate::{blocking::Sockets, support::hyper};

#[tokio::test]
async fn hyper_keeps_the_contract() {
    let held = conformance::check(hyper().build().unwrap()).await;
    let held = held.unwrap_or_else(|failures| panic!("{failures}"));
    assert!(held.contains(&"the_uri_goes_out_byte_for_byte"));
}

#[tokio::test]
async fn a_blocking_stack_keeps_the_contract() {
    let held = conformance::check(Blocking::new(Sockets)).await;
    held.unwrap_or_else(|failures| panic!("{failures}"));
}

/// Breaks promises one by one, on top of a transport that keeps them.
struct Unfaithful<T>(T, Fault);

#[derive(Clone, Copy)]
enum Fault {
    ErrorForStatus,
    LosesTheQuery,
    AddsContentType,
    HidesTruncation,
    Retries,
}

impl<T: Transport> Transport for Unfaithful<T> {
    async fn send(
        &self,
        mut request: Request<Bytes>,
        deadlines: Deadlines,
    ) -> Result<Response<Body>, TransportError> {
        use qcc_http::{Delivery, TransportErrorKind as Kind};

        match self.1 {
            Fault::LosesTheQuery => {
                let uri = request.uri().to_string();
                let bare = uri.split('?').next().unwrap_or_default();
                *request.uri_mut() = bare.parse().unwrap();
            }
            Fault::AddsContentType => {
                let value = http::HeaderValue::from_static("text/plain");
                request.headers_mut().insert(http::header::CONTENT_TYPE, value);
            }
            _ => {}
        }
        let first = self.0.send(request.clone(), deadlines).await;
        match (self.1, first) {
            (Fault::ErrorForStatus, Ok(answer)) if !answer.status().is_success() => {
                Err(TransportError::new(Kind::Broken, Delivery::Unknown))
            }
            (Fault::Retries, Err(error)) if error.kind() == Kind::Broken => {
                self.0.send(request, deadlines).await
            }
            (Fault::HidesTruncation, Ok(answer)) => Ok(answer.map(|body| Body::new(Hushed(body)))),
            (_, first) => first,
        }
    }
}

/// Ends where it should fail.
struct Hushed(Body);

impl http_body::Body for Hushed {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        Pin::new(&mut self.0).poll_frame(cx).map(|frame| frame.filter(Result::is_ok))
    }
}

#[track_caller]
fn names(failures: &conformance::Failures, case: &str) {
    assert!(failures.iter().any(|(name, _)| name == case), "{case} held: {failures}");
}

#[tokio::test]
async fn the_suite_notices_broken_promises() {
    for (fault, case) in [
        (Fault::ErrorForStatus, "every_status_is_an_answer"),
        (Fault::LosesTheQuery, "the_uri_goes_out_byte_for_byte"),
        (Fault::AddsContentType, "headers_go_out_and_none_is_made_up"),
        (Fault::HidesTruncation, "a_short_body_is_an_error"),
        (Fault::HidesTruncation, "a_short_chunked_body_is_an_error"),
        (Fault::HidesTruncation, "a_stalled_body_times_out"),
        (Fault::Retries, "a_closed_connection_is_an_error_and_not_retried"),
    ] {
        let transport = Unfaithful(hyper().build().unwrap(), fault);
        let failures = conformance::check(transport).await.expect_err(case);
        names(&failures, case);
    }
}
