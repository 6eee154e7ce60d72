//! The callback URL, called as the daemon calls its own, and who answers there.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use qcc_callback::Probe;
use qcc_http::{AddressPolicy, AnyTransport, SendOptions, Timeouts, Transport};
use qcc_proto::CallbackUrl;
use qcc_sync::AccountExt as _;

use super::finding::Finding;
use crate::{
    commands::{push, serve},
    config::Config,
    exit::{Exit, Usage, causes_of},
    wiring,
};

const CHECK: &str = "callback URL";

/// As long as the vendor might wait.
const TIMEOUTS: Timeouts = Timeouts::new()
    .with_connect(Duration::from_secs(5))
    .with_head(Duration::from_secs(5))
    .with_idle(Duration::from_secs(5));

/// More than the answer to a probe needs.
const LONGEST: usize = 4096;

/// What a call from here cannot find out.
const FROM_HERE: &str = "called from this machine, so a firewall between the vendor and it was not \
                         tested";

/// Whether a receiver answers at the callback URL.
pub(super) async fn look(config: &Config, text: &str, offline: bool) -> Finding {
    let url: CallbackUrl = match text.parse() {
        Ok(url) => url,
        Err(error) => return wrong(Usage::new("not usable").with_source(error)),
    };
    if let Err(error) = push::no_query(&url) {
        return wrong(error);
    }
    let doubts = push::doubts(&url).join("; ");
    if offline {
        let told = format!("{url}: not called (--offline)");
        return match doubts.is_empty() {
            true => Finding::fine(CHECK, told),
            false => Finding::doubtful(CHECK, format!("{told}; {doubts}")),
        };
    }
    let mut finding = match reach(config, &url).await {
        Ok(finding) => finding,
        Err(error) => Finding::of_error(CHECK, &error),
    };
    if !doubts.is_empty() {
        finding = finding.doubted();
        finding.detail = format!("{}; {doubts}", finding.detail);
    }
    finding
}

fn wrong(error: Usage) -> Finding {
    Finding::of_error(CHECK, &error.into())
}

async fn reach(config: &Config, url: &CallbackUrl) -> anyhow::Result<Finding> {
    let http = AnyTransport::new(wiring::api_transport(config)?);
    let nonce: [u8; 8] = serve::random()?;
    let nonce: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
    let query = Probe::new([0; 32]).query(&nonce).unwrap_or_default();
    let started = Instant::now();
    let mut answered = ask(&http, url.as_str(), &query).await;
    // A daemon with a secret path knows none but that one, and the database knows it.
    if answered.is_err()
        && let Some(secret) = with_secret_path(config, url).await
    {
        answered = ask(&http, secret.as_str(), &query).await.or(answered);
    }
    let took = started.elapsed().as_millis();
    let answer = match answered {
        Ok(answer) => answer,
        Err(why) => {
            let told = format!("{url}: {why} ({FROM_HERE})");
            return Ok(Finding::bad(CHECK, Exit::Failed, told));
        }
    };
    // A setting that is wrong has a line of its own.
    let home = serve::at_home(&config.serve).ok().flatten();
    let at_home = match &home {
        Some((address, path)) => {
            let local = wiring::local_transport()?;
            let near = format!("http://{address}{path}").parse::<CallbackUrl>()?;
            let mut near_answer = ask(&local, near.as_str(), &query).await;
            if near_answer.is_err()
                && let Some(secret) = with_secret_path(config, &near).await
            {
                near_answer = ask(&local, secret.as_str(), &query).await;
            }
            near_answer.ok()
        }
        None => None,
    };
    Ok(match (at_home, home) {
        (Some(near), _) if near == answer => Finding::fine(
            CHECK,
            format!("{url} leads to the `qcc serve` here, in {took} ms; {FROM_HERE}"),
        ),
        (Some(_), Some((address, _))) => Finding::doubtful(
            CHECK,
            format!(
                "{url}: a `qcc serve` answers, but not the one that listens on {address}; \
                 {FROM_HERE}"
            ),
        ),
        _ => Finding::fine(
            CHECK,
            format!(
                "{url}: a `qcc serve` answers, in {took} ms; whether it is one on this machine \
                 could not be found out; {FROM_HERE}"
            ),
        ),
    })
}

/// The answer of a receiver to a probe, or who else answered, or what is in the way.
async fn ask(http: &AnyTransport, url: &str, query: &str) -> Result<Bytes, String> {
    let request = Request::get(format!("{url}?{query}"))
        .body(Bytes::new())
        .map_err(|_| "the URL cannot be called".to_owned())?;
    // The URL is the operator's choice, and may lead to this machine.
    let options = SendOptions::new(TIMEOUTS).with_addresses(AddressPolicy::any());
    let response =
        http.send(request, &options).await.map_err(|error| causes_of(&error).join(": "))?;
    let status = response.status();
    match response.into_body().read_within(LONGEST).await {
        Ok(Some(body)) if status.is_success() && is_answer(&body) => Ok(body),
        _ if status.is_success() => Err("somebody else than `qcc serve` answers there".to_owned()),
        _ if status.is_redirection() => Err(format!(
            "HTTP {}: it leads elsewhere, and the vendor may not follow",
            status.as_u16()
        )),
        _ if status.as_u16() == 404 => {
            Err("HTTP 404: is the path the one of `qcc serve`?".to_owned())
        }
        _ => Err(format!("HTTP {}", status.as_u16())),
    }
}

/// Whether a body has the shape of a probe's answer: what is in it only the
/// process that wrote it can tell.
fn is_answer(body: &[u8]) -> bool {
    let inside = body.strip_prefix(b"{\"qccProbe\":\"").and_then(|rest| rest.strip_suffix(b"\"}"));
    inside.is_some_and(|hex| hex.len() == 64 && hex.iter().all(u8::is_ascii_hexdigit))
}

/// The URL as the vendor knows it, where the database keeps a secret path.
async fn with_secret_path(config: &Config, bare: &CallbackUrl) -> Option<CallbackUrl> {
    let path = wiring::store_path(config).ok().filter(|path| path.exists())?;
    let store = wiring::open(&path).await.ok()?;
    store.secret_path().await.ok()??.join(bare).ok()
}
