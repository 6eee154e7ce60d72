//! Our own public URL, tried as the vendor would: from outside in.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use qcc_http::{AddressPolicy, AnyTransport, SendOptions, Timeouts, Transport};
use qcc_proto::CallbackUrl;
use qcc_sync::{Probe, Probed};

use super::{random::random, secret_path::Secrets};
use crate::exit::causes_of;

/// Tries the public URL and looks whether it was this very process that answered.
#[derive(Debug)]
pub(super) struct OwnUrl {
    url: Option<CallbackUrl>,
    probe: qcc_callback::Probe,
    http: AnyTransport,
    secrets: Secrets,
}

/// As long as the vendor might wait.
const TIMEOUTS: Timeouts = Timeouts::new()
    .with_connect(Duration::from_secs(5))
    .with_head(Duration::from_secs(5))
    .with_idle(Duration::from_secs(5))
    .with_total(Some(Duration::from_secs(10)));

/// More than the answer to a probe needs.
const LONGEST: usize = 4096;

impl OwnUrl {
    pub(super) fn new(
        url: Option<CallbackUrl>,
        probe: qcc_callback::Probe,
        http: AnyTransport,
        secrets: Secrets,
    ) -> Self {
        Self { url, probe, http, secrets }
    }

    async fn ask(&self, url: &CallbackUrl) -> Result<(), String> {
        let bytes: [u8; 8] = random().map_err(|error| error.to_string())?;
        let nonce: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let query = self.probe.query(&nonce).unwrap_or_default();
        let request = Request::get(format!("{}?{query}", url.as_str()))
            .body(Bytes::new())
            .map_err(|_| "the URL cannot be called".to_owned())?;
        // The URL is the operator's choice, and may lead to this machine.
        let options = SendOptions::new(TIMEOUTS).with_addresses(AddressPolicy::any());
        let answer = self.http.send(request, &options).await;
        let response = answer.map_err(|error| causes_of(&error).join(": "))?;
        let status = response.status();
        let body = response.into_body().read_within(LONGEST).await;
        match body {
            Ok(Some(body)) if status.is_success() && self.probe.recognises(&nonce, &body) => Ok(()),
            _ if status.is_success() => Err("somebody else answered".to_owned()),
            _ => Err(format!("HTTP {}", status.as_u16())),
        }
    }
}

impl Probe for OwnUrl {
    async fn probe(&self) -> Probed {
        // A probe is the whole query, so a URL with one of its own cannot be tried.
        let bare = self.url.as_ref().filter(|url| !url.as_str().contains('?'));
        let Some(bare) = bare else { return Probed::NotConfigured };
        let Some(url) = self.secrets.url(bare).await else { return Probed::NotConfigured };
        match self.ask(&url).await {
            Ok(()) => Probed::Reached,
            Err(why) => Probed::Failed(why),
        }
    }
}
