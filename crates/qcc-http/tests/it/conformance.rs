//! Our own transports keep the contract, and the suite notices who does not.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use qcc_http::{
    AddressChecks, AddressPolicy, AnyTransport, Blocking, Body, SendOptions, TowerTransport,
    Transport, TransportError,
    conformance::{Failures, Outcome, Suite, cases},
};

use crate::{blocking::Sockets, support::hyper};

/// Each case a test of its own.
mod hyper_keeps_the_contract {
    qcc_http::transport_conformance! { crate::support::hyper().build().unwrap() }
}

#[tokio::test]
async fn a_blocking_stack_keeps_the_contract() {
    let report = Suite::new(Blocking::new(Sockets)).run().await;
    let report = report.unwrap_or_else(|failures| panic!("{failures}"));
    assert_eq!(report.kept().count(), cases().len(), "{report}");
}

#[tokio::test]
async fn a_tower_service_keeps_the_contract() {
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .build_http::<http_body_util::Full<Bytes>>();
    let transport = TowerTransport::new(client);
    let report = Suite::new(transport.clone()).run().await;
    let report = report.unwrap_or_else(|failures| panic!("{failures}"));
    let open: Vec<_> =
        report.iter().filter(|(_, o)| **o != Outcome::Kept).map(|(n, _)| n).collect();
    let addresses = [
        "a_private_address_is_refused",
        "an_excepted_address_is_connected_to",
        "a_connection_is_not_reused_under_another_policy",
    ];
    assert_eq!(open, addresses, "{report}");
    // One that says it checks addresses must do so.
    let boasting = transport.with_address_checks(AddressChecks::EveryConnection);
    let failures = Suite::new(boasting).run().await.unwrap_err();
    names(&failures, "a_private_address_is_refused");
    names(&failures, "a_connection_is_not_reused_under_another_policy");
}

#[tokio::test]
async fn a_case_is_left_out_by_its_name_with_a_reason() {
    let suite = || Suite::new(Unfaithful(hyper().build().unwrap(), Fault::LosesTheQuery));
    let failures = suite().without("the_uri", "no such case").run().await.unwrap_err();
    assert!(failures.to_string().contains("there is no case \"the_uri\""), "{failures}");
    let report = suite()
        .without("the_uri_goes_out_byte_for_byte", "it has no queries")
        .without("an_unusual_uri_is_not_normalised", "nor this")
        .run()
        .await
        .unwrap_or_else(|failures| panic!("{failures}"));
    assert!(report.to_string().contains("left out, it has no queries"), "{report}");
    assert_eq!(report.kept().count(), cases().len() - 2);
}

#[tokio::test]
async fn a_case_can_be_run_alone() {
    let case = cases().iter().find(|case| case.name() == "a_body_streams").unwrap();
    assert!(case.contract().ends_with('.'));
    let outcome = case.run(hyper().build().unwrap()).await.unwrap();
    assert_eq!(outcome, Outcome::Kept);
}

#[tokio::test]
async fn a_transport_behind_a_pointer_is_one() {
    let transport: &'static _ = Box::leak(Box::new(hyper().build().unwrap()));
    let case = cases().iter().find(|case| case.name() == "a_short_body_is_an_error").unwrap();
    case.run(transport).await.unwrap();
    case.run(std::sync::Arc::new(transport)).await.unwrap();
    case.run(Box::new(AnyTransport::new(transport))).await.unwrap();
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
    /// Ends any exchange after a time of its own.
    TotalTimeout,
    /// Waits for the whole body first.
    Buffers,
    HidesLength,
    IgnoresAddresses,
    FollowsRedirects,
}

impl<T: Transport> Transport for Unfaithful<T> {
    async fn send(
        &self,
        mut request: Request<Bytes>,
        options: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        let mut options = options.clone();
        use qcc_http::TransportErrorKind as Kind;

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
            Fault::IgnoresAddresses => options.addresses = AddressPolicy::any(),
            Fault::TotalTimeout => {
                options.timeouts = options.timeouts.with_total(Some(options.timeouts.idle));
            }
            _ => {}
        }
        let first = self.0.send(request.clone(), &options).await;
        match (self.1, first) {
            (Fault::ErrorForStatus, Ok(answer)) if !answer.status().is_success() => {
                Err(TransportError::new(Kind::Broken))
            }
            (Fault::Retries, Err(error)) if error.kind() == Kind::Broken => {
                self.0.send(request, &options).await
            }
            (Fault::HidesTruncation, Ok(answer)) => Ok(answer.map(|body| Body::new(Hushed(body)))),
            (Fault::Buffers, Ok(answer)) => {
                let (parts, body) = answer.into_parts();
                let whole = body.read_within(usize::MAX).await?.unwrap();
                Ok(Response::from_parts(parts, whole.into()))
            }
            (Fault::HidesLength, Ok(mut answer)) => {
                answer.headers_mut().remove("content-length");
                Ok(answer.map(|body| Body::new(NoLength(body))))
            }
            (Fault::FollowsRedirects, Ok(answer)) if answer.status().is_redirection() => {
                let place = answer.headers().get("location").and_then(|place| place.to_str().ok());
                match place
                    .and_then(|place| place.parse::<http::Uri>().ok())
                    .filter(|place| place.host().is_some())
                {
                    Some(place) => {
                        *request.uri_mut() = place;
                        options.addresses = AddressPolicy::any();
                        self.0.send(request, &options).await.or(Ok(answer))
                    }
                    None => Ok(answer),
                }
            }
            (_, first) => first,
        }
    }

    fn address_checks(&self) -> AddressChecks {
        self.0.address_checks()
    }
}

/// Does not say how long it is.
struct NoLength(Body);

impl http_body::Body for NoLength {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        Pin::new(&mut self.0).poll_frame(cx)
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
fn names(failures: &Failures, case: &str) {
    assert!(failures.iter().any(|failure| failure.name() == case), "{case} held: {failures}");
}

#[tokio::test]
async fn the_suite_notices_broken_promises() {
    for (fault, names_of_cases) in [
        (Fault::ErrorForStatus, &["every_status_is_an_answer"][..]),
        (
            Fault::LosesTheQuery,
            &["the_uri_goes_out_byte_for_byte", "an_unusual_uri_is_not_normalised"],
        ),
        (Fault::AddsContentType, &["headers_go_out_and_none_is_added"]),
        (
            Fault::HidesTruncation,
            &[
                "a_short_body_is_an_error",
                "a_short_chunked_body_is_an_error",
                "a_reset_body_is_an_error",
            ],
        ),
        (Fault::Retries, &["a_closed_connection_is_an_error_and_not_retried"]),
        (Fault::TotalTimeout, &["a_slow_steady_body_arrives_whole"]),
        (Fault::Buffers, &["a_body_streams"]),
        (Fault::HidesLength, &["the_length_of_a_body_is_known"]),
        (
            Fault::IgnoresAddresses,
            &["a_private_address_is_refused", "a_connection_is_not_reused_under_another_policy"],
        ),
        (Fault::FollowsRedirects, &["a_redirect_to_a_refused_address_reaches_nobody"]),
    ] {
        let transport = std::sync::Arc::new(Unfaithful(hyper().build().unwrap(), fault));
        for name in names_of_cases {
            let case = cases().iter().find(|case| case.name() == *name).unwrap();
            let failure = case.run(transport.clone()).await.expect_err(name);
            assert_eq!(failure.name(), *name);
        }
    }
}
