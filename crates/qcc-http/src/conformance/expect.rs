//! Sending and comparing, as the cases do it.

use std::{error::Error as StdError, fmt};

use bytes::Bytes;
use http::{Request, Response};

use super::Outcome;
use crate::{
    AddressPolicy, AnyTransport, Body, SendOptions, Timeouts, Transport, TransportError,
    TransportErrorKind as Kind,
};

pub(super) type Verdict = Result<Outcome, String>;

pub(super) const KEPT: Verdict = Ok(Outcome::Kept);

/// These limits, and every address.
pub(super) fn any_address(timeouts: Timeouts) -> SendOptions {
    SendOptions::new(timeouts).with_addresses(AddressPolicy::any())
}

pub(super) async fn send(
    transport: &AnyTransport,
    url: &str,
) -> Result<Response<Body>, TransportError> {
    send_with(transport, url, &any_address(Timeouts::new())).await
}

pub(super) async fn send_with(
    transport: &AnyTransport,
    url: &str,
    options: &SendOptions,
) -> Result<Response<Body>, TransportError> {
    let request = Request::get(url)
        .body(Bytes::new())
        .map_err(|error| TransportError::new(Kind::Request).with_source(error))?;
    transport.send(request, options).await
}

pub(super) async fn read(transport: &AnyTransport, url: &str) -> Result<Vec<u8>, TransportError> {
    collect(send(transport, url).await?.into_body()).await
}

pub(super) async fn collect(mut body: Body) -> Result<Vec<u8>, TransportError> {
    let mut whole = Vec::new();
    while let Some(piece) = body.chunk().await? {
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

pub(super) fn equal<T: PartialEq<U> + fmt::Debug, U: fmt::Debug>(
    what: &str,
    seen: T,
    expected: U,
) -> Verdict {
    if seen == expected { KEPT } else { Err(format!("{what}: {seen:?}, expected {expected:?}")) }
}

pub(super) fn body(seen: Result<Vec<u8>, TransportError>, expected: &[u8]) -> Verdict {
    equal("the body", seen.map_err(shown)?.as_slice(), expected)
}

/// An answer that broke off. Not every stack tells this from a malformed one.
pub(super) fn broken<T: fmt::Debug>(seen: Result<T, TransportError>) -> Verdict {
    failed(seen, &[Kind::Broken, Kind::Protocol])
}

pub(super) fn failed<T: fmt::Debug>(seen: Result<T, TransportError>, kinds: &[Kind]) -> Verdict {
    match seen {
        Ok(answer) => Err(format!("no error but {answer:?}")),
        Err(error) if kinds.contains(&error.kind()) => KEPT,
        Err(error) => Err(format!(
            "an error of the kind {:?} ({}), expected {kinds:?}",
            error.kind(),
            shown(error)
        )),
    }
}

pub(super) fn shown(error: TransportError) -> String {
    let mut text = error.to_string();
    let mut source = StdError::source(&error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
