//! One signed call, and what its answer says about network, clock and account.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use bytes::Bytes;
use http::{Request, Response, header};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimeParser};
use qcc_http::{AddressChecks, Body, HyperTransport, SendOptions, Transport, TransportError};
use qcc_proto::Status;

use super::finding::Finding;
use crate::{
    commands::hold::IgnoreHold,
    config::Config,
    output::{duration, many},
    wiring,
};

/// A clock that is off by less does no harm.
const HARMLESS: SignedDuration = SignedDuration::from_secs(60);

/// Lists the orders once. Nothing is written down.
pub(super) async fn reach(config: &Config, hold: IgnoreHold, now: Timestamp) -> Vec<Finding> {
    const CHECK: &str = "vendor";
    if config.incomplete {
        return vec![Finding::doubtful(CHECK, "not called: where it is cannot be read")];
    }
    let witness = match wiring::api_transport(config) {
        Ok(inner) => Witness { inner, date: Arc::default() },
        Err(error) => return vec![Finding::of_error(CHECK, &error)],
    };
    let date = Arc::clone(&witness.date);
    let Ok(client) = wiring::client_over(config, witness) else {
        // What is missing was reported already, setting by setting.
        return vec![Finding::doubtful(CHECK, "not called: settings are missing or wrong")];
    };
    // A database that cannot be read has a line of its own.
    if let Ok(Some(resting)) = hold.hold(config, now).await {
        return vec![Finding::of_error(CHECK, &resting.into())];
    }
    let started = Instant::now();
    let listed = client.list_orders(now).await;
    let took = started.elapsed().as_millis();
    let mut findings = vec![match listed {
        Ok(list) => Finding::fine(
            CHECK,
            format!("{} listed in {took} ms", many(list.orders.len() as u64, "order")),
        ),
        Err(error) => {
            let unknown = error.status() == Some(Status::new(101));
            let mut finding = Finding::of_error(CHECK, &error.into());
            if unknown {
                finding.detail.push_str(
                    " Compare both with the settings centre: are key and SecretKey swapped? If \
                     so, the SecretKey was just sent as the key: ask the vendor for a new one.",
                );
            }
            finding
        }
    }];
    let seen = *date.lock().unwrap_or_else(PoisonError::into_inner);
    findings.extend(seen.map(|theirs| clock(theirs.duration_since(now))));
    findings
}

/// `Date` has whole seconds, so a second or two mean nothing.
fn clock(ahead: SignedDuration) -> Finding {
    const CHECK: &str = "clock";
    let off = duration(ahead.abs());
    if ahead.abs() <= HARMLESS {
        return Finding::fine(CHECK, format!("agrees with the vendor's within {off}"));
    }
    let side = if ahead.is_negative() { "ahead of" } else { "behind" };
    Finding::doubtful(
        CHECK,
        format!("{off} {side} the vendor's: set it right (tokens are good for about five minutes)"),
    )
}

/// Remembers the `Date` of the last answer.
#[derive(Debug)]
struct Witness {
    inner: HyperTransport,
    date: Arc<Mutex<Option<Timestamp>>>,
}

impl Transport for Witness {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        let answer = self.inner.send(request, options).await?;
        let date = answer.headers().get(header::DATE).map(http::HeaderValue::as_bytes);
        let date = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        *self.date.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(answer)
    }

    fn address_checks(&self) -> AddressChecks {
        self.inner.address_checks()
    }
}
