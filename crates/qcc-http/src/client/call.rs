//! One signed call: sign, send, judge the HTTP status, then the envelope.

use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use jiff::{SignedDuration, Timestamp};
use qcc_proto::{Call, Refusal, StatusClass};
use qcc_sign::Signed;
use tracing::{debug, warn};

use super::{Client, Error, coding, excerpt, redirect::Redirect, retry_after};
use crate::{
    AddressPolicy, Body, SendOptions, Transport, TransportError, TransportErrorKind, limits,
};

/// What an API answer may weigh; thirty orders weigh four kilobytes.
const ANSWER_LIMIT: usize = 4 << 20;

/// A smaller skew than this cannot be what the vendor objects to.
const TOLERATED_SKEW: SignedDuration = SignedDuration::from_secs(60);

impl Client {
    /// Calls, and once more with the vendor's clock where ours seems at fault.
    pub(super) async fn call<C: Call>(
        &self,
        request: &C,
        now: Timestamp,
    ) -> Result<C::Payload, Error> {
        let error = match self.call_once(request, now, now).await {
            Err(error @ Error::Rejected { skew: Some(_), .. }) => error,
            settled => return settled,
        };
        let Error::Rejected { refusal, skew: Some(skew), .. } = &error else { return Err(error) };
        let blames_clock = refusal.class() == StatusClass::ClockOrSignature;
        let Ok(theirs) = now.checked_add(*skew) else { return Err(error) };
        if !blames_clock || skew.abs() <= TOLERATED_SKEW {
            return Err(error);
        }
        warn!(
            endpoint = C::ENDPOINT.as_str(),
            skew_seconds = skew.as_secs(),
            "signature refused and the clocks differ: signing once more with the vendor's time"
        );
        self.call_once(request, theirs, now).await
    }

    /// Calls, signed for `signed_for`; a skew is measured against `now`.
    async fn call_once<C: Call>(
        &self,
        request: &C,
        signed_for: Timestamp,
        now: Timestamp,
    ) -> Result<C::Payload, Error> {
        let endpoint = C::ENDPOINT;
        let started = Instant::now();
        let credentials = self.credentials();
        let signed = credentials.sign(signed_for.as_second());
        let key = credentials.key().as_str();
        let outgoing = self.outgoing(request, key, &signed)?;

        let options =
            SendOptions::new(self.settings.call_timeouts).with_addresses(AddressPolicy::any());
        let (answer, uri) = self.send(outgoing, &options, |_| true).await?;
        let http = answer.status();
        let date = served_at(&answer);
        debug!(endpoint = endpoint.as_str(), http = http.as_u16(), elapsed = ?started.elapsed(), "answered");

        let leads_to = Redirect::of(&uri, http, answer.headers()).map(|to| to.place());
        let retry_after = retry_after::wished(http, answer.headers(), Some(now));
        let coding = coding::applied(answer.headers());
        let content_type = answer.headers().get(header::CONTENT_TYPE).cloned();
        let seen =
            |body: &[u8]| excerpt::of(body, content_type.as_ref(), &[key, signed.token.reveal()]);
        let body = answer.into_body().read_within(ANSWER_LIMIT).await;
        // Envelopes come with 200 alone. A part of one, or one from a cache, is none.
        if http != StatusCode::OK {
            // The status is the news; a body that fails on top of it is not.
            let body = body.ok().flatten().unwrap_or_default();
            return Err(Error::Http { endpoint, http, seen: seen(&body), leads_to, retry_after });
        }
        let body = body?.ok_or(Error::TooLarge { endpoint, limit: ANSWER_LIMIT })?;
        let envelope = C::read_answer(&body).map_err(|source| {
            match coding.or_else(|| coding::looks_like(&body)) {
                Some(coding) => Error::Encoded { endpoint: Some(endpoint), coding },
                None => Error::Malformed { endpoint, http, seen: seen(&body), source },
            }
        })?;
        debug!(endpoint = endpoint.as_str(), status = %envelope.status, "read");
        envelope.into_payload().map_err(|refusal| Error::Rejected {
            endpoint,
            refusal: without(refusal, &[key, signed.token.reveal()]),
            skew: date.map(|theirs| theirs.duration_since(now)),
        })
    }

    /// Sends a request, and once more where it is redirected to where the policy
    /// and the caller let it go. The answer, and the URI it is of.
    pub(super) async fn send(
        &self,
        request: Request<Bytes>,
        options: &SendOptions,
        may_lead_to: impl Fn(&Uri) -> bool,
    ) -> Result<(Response<Body>, Uri), TransportError> {
        let from = request.uri().clone();
        let answer = self.exchange(request.clone(), options).await?;
        let to = Redirect::of(&from, answer.status(), answer.headers())
            .and_then(|redirect| redirect.followed(self.settings.redirects))
            .filter(may_lead_to);
        let Some(to) = to else { return Ok((answer, from)) };
        // The body goes first, so that no two connections are held.
        drop(answer);
        warn!(
            host = to.host().unwrap_or_default(),
            "redirected to https: followed, but set the address to https:// yourself, because what \
             was sent before was not encrypted"
        );
        let mut again = request;
        *again.uri_mut() = to.clone();
        self.exchange(again, options).await.map(|answer| (answer, to))
    }

    /// Sends to where the address policy allows, whatever the transport checks.
    async fn exchange(
        &self,
        request: Request<Bytes>,
        options: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        let peer = limits::peer(request.uri());
        options
            .addresses
            .check_literal(request.uri())
            .map_err(|error| limits::about(&peer, error))?;
        self.settings.transport.send(request, options).await
    }

    fn outgoing(
        &self,
        request: &impl Call,
        key: &str,
        signed: &Signed,
    ) -> Result<Request<Bytes>, TransportError> {
        let impossible = || TransportError::new(TransportErrorKind::Request);
        let target = request.path_and_query(key);
        let uri = self.settings.base_url.join(&target).map_err(|_| impossible())?;
        let mut token =
            header::HeaderValue::from_str(signed.token.reveal()).map_err(|_| impossible())?;
        token.set_sensitive(true);
        Request::get(uri)
            .header(Signed::TIMESPAN_HEADER, signed.timespan.as_str())
            .header(Signed::TOKEN_HEADER, token)
            .body(Bytes::new())
            .map_err(|_| impossible())
    }
}

/// The refusal, should its message repeat what it was sent.
fn without(mut refusal: Refusal, sent: &[&str]) -> Refusal {
    for secret in sent {
        refusal.message = refusal.message.replace(secret, "…");
    }
    refusal
}

/// The vendor's clock, by the `Date` header.
fn served_at(answer: &Response<Body>) -> Option<Timestamp> {
    retry_after::date(answer.headers().get(header::DATE)?.as_bytes())
}

/// Whether this HTTP status may turn into success by waiting.
pub(super) fn passes(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        )
}
