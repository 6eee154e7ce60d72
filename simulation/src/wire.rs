//! Our side of the wire to the vendor: what leaves us, seen by a witness.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, header};
use qcc_http::{AddressChecks, Body, SendOptions, Transport, TransportError, TransportErrorKind};
use qcc_sim::SimTransport;

use crate::{fault::Fault, mutation::Mutation, stage::Hand};

/// The transport of one process.
pub(crate) struct Wire {
    inner: SimTransport,
    hand: Arc<Hand>,
}

impl Wire {
    pub(crate) fn new(hand: Arc<Hand>) -> Self {
        let clock = hand.stage.clock.clone();
        let inner = SimTransport::new(Arc::clone(&hand.stage.vendor), move || clock.truth());
        Self { inner, hand }
    }

    /// Asking about orders that nobody made costs the account's quota.
    fn count_forged(&self, request: &Request<Bytes>) {
        let query = request.uri().query().unwrap_or_default();
        let asked = query.split('&').find_map(|pair| pair.strip_prefix("orderNo="));
        let Some(asked) = asked else { return };
        let mut seen = self.hand.stage.witness.seen();
        let is_forged = !seen.made.iter().any(|made| made.as_str() == asked);
        seen.forged_locates += u64::from(is_forged);
    }

    /// Whatever opens something and stands in a request.
    fn remember_secrets(&self, request: &Request<Bytes>) {
        let token = request.headers().get("Token").and_then(|value| value.to_str().ok());
        let query = request.uri().query().unwrap_or_default();
        let signature = query.split('&').find_map(|pair| pair.strip_prefix("Signature="));
        let mut seen = self.hand.stage.witness.seen();
        seen.secrets.extend(token.into_iter().chain(signature).map(str::to_owned));
    }
}

impl Transport for Wire {
    async fn send(
        &self,
        mut request: Request<Bytes>,
        options: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        let stage = &self.hand.stage;
        self.hand.step().await;
        stage.turn.give(|holder| holder == self.hand.who);
        if self.hand.strikes(Fault::CrashBeforeRequest) {
            return self.hand.power.fail().await;
        }
        self.remember_secrets(&request);
        self.count_forged(&request);
        if !stage.witness.request(stage.clock.truth()) {
            stage.witness.violation("the vendor is hammered with requests");
            return self.hand.power.fail().await;
        }
        if stage.mutated(Mutation::SecretSent) {
            let secret = stage.vendor().config().account.secret().parse();
            secret.map(|secret| request.headers_mut().insert("x-secret", secret)).ok();
        }
        if stage.mutated(Mutation::NeverLists) && request.uri().path().contains("LatestOrderNo") {
            return Err(TransportError::new(TransportErrorKind::Connect));
        }
        let name = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        self.hand.note(format_args!("ask {name}"));
        let answer = self.inner.send(request, options).await;
        self.hand.step().await;
        if self.hand.strikes(Fault::CrashAfterRequest) {
            return self.hand.power.fail().await;
        }
        match &answer {
            Ok(answer) => self.hand.note(format_args!("{name} -> {}", answer.status())),
            Err(error) => self.hand.note(format_args!("{name} -> {error}")),
        }
        self.follow(answer, options).await
    }

    fn address_checks(&self) -> AddressChecks {
        self.inner.address_checks()
    }
}

impl Wire {
    /// Never, but where that is broken on purpose.
    async fn follow(
        &self,
        answer: Result<Response<Body>, TransportError>,
        options: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        let answer = answer?;
        let place = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let request = place.and_then(|place| Request::get(place).body(Bytes::new()).ok());
        match request {
            Some(request) if self.hand.stage.mutated(Mutation::RedirectFollowed) => {
                self.inner.send(request, options).await
            }
            _ => Ok(answer),
        }
    }
}
