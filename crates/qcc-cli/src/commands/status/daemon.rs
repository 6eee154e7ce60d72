//! What a running `qcc serve` on the same store has counted since it started:
//! the facts that no database holds, asked of its admin address.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use qcc_http::{AddressPolicy, SendOptions, Timeouts, Transport as _};
use serde_json::{Value, json};

use crate::{
    output::{count, instant},
    wiring,
};

/// It is on this machine, so it answers soon or not at all.
const TIMEOUTS: Timeouts = Timeouts::new()
    .with_connect(Duration::from_secs(1))
    .with_head(Duration::from_secs(2))
    .with_idle(Duration::from_secs(2))
    .with_total(Some(Duration::from_secs(5)));

/// No page is longer, in bytes.
const LONGEST: usize = 1 << 20;

/// Counts by label values, those that are not 0.
type Table = BTreeMap<String, u64>;

/// What was counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    started: Option<Timestamp>,
    ready: bool,
    callbacks: Table,
    refused: Table,
    answers: Table,
    records: Table,
    stored: Table,
    archives: Table,
}

/// Asks the daemon. `None` where none answers, or one of another store does.
pub(super) async fn ask(admin: SocketAddr, store: &Path) -> Option<Counted> {
    let http = wiring::local_transport().ok()?;
    let request = Request::get(format!("http://{}/status", reachable(admin)));
    let options = SendOptions::new(TIMEOUTS).with_addresses(AddressPolicy::any());
    let answer = http.send(request.body(Bytes::new()).ok()?, &options).await.ok()?;
    let page = answer.into_body().read_within(LONGEST).await.ok()??;
    Counted::read(&page, store)
}

/// The unspecified address cannot be called; loopback can.
fn reachable(mut admin: SocketAddr) -> SocketAddr {
    if admin.ip().is_unspecified() {
        admin.set_ip(match admin.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    admin
}

impl Counted {
    fn read(page: &[u8], store: &Path) -> Option<Self> {
        let page: Value = serde_json::from_slice(page).ok()?;
        if page.get("store")?.as_str()? != store.to_string_lossy() {
            return None;
        }
        let table = |name: &str| -> Table {
            let counts = page.get(name).and_then(Value::as_object).into_iter().flatten();
            counts.filter_map(|(what, number)| Some((what.clone(), number.as_u64()?))).collect()
        };
        Some(Self {
            started: page.get("started").and_then(Value::as_str).and_then(|at| at.parse().ok()),
            ready: page.get("ready")?.as_bool()?,
            callbacks: table("callbacks"),
            refused: table("connections_refused"),
            answers: table("vendor_answers"),
            records: table("records"),
            stored: table("records_stored"),
            archives: table("archive_failures"),
        })
    }

    pub(super) fn started(&self) -> Option<Timestamp> {
        self.started
    }

    /// Lines for a person: a name, and what was counted.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let told = |name, table: &Table| {
            let parts: Vec<_> =
                table.iter().map(|(what, number)| format!("{what}: {}", count(*number))).collect();
            (!parts.is_empty()).then(|| (name, parts.join(", ")))
        };
        [
            told("  callbacks", &self.callbacks),
            told("  no request", &self.refused),
            told("  vendor", &self.answers),
            told("  records", &self.records),
            told("  stored", &self.stored),
            told("  archives", &self.archives),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "started": self.started.map(instant),
            "ready": self.ready,
            "callbacks": self.callbacks,
            "connections_refused": self.refused,
            "vendor_answers": self.answers,
            "records": self.records,
            "records_stored": self.stored,
            "archive_failures": self.archives,
        })
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &[u8] = br#"{"store":"/data/qcc.db","started":"2025-11-24T16:00:00Z","ready":true,
        "callbacks":{"new":3},"connections_refused":{"head_too_large":2},
        "vendor_answers":{"list 200":12},"records":{},"records_stored":{"updated":5},"later":{"unknown":1}}"#;

    #[test]
    fn what_was_counted_is_read_and_nothing_of_another_store() {
        let counted = Counted::read(PAGE, Path::new("/data/qcc.db")).unwrap();
        assert!(counted.is_ready() && counted.started().is_some());
        let callbacks = ("  callbacks", "new: 3".to_owned());
        let refused = ("  no request", "head_too_large: 2".to_owned());
        assert_eq!(counted.json()["connections_refused"]["head_too_large"], 2);
        let vendor = ("  vendor", "list 200: 12".to_owned());
        let stored = ("  stored", "updated: 5".to_owned());
        assert_eq!(counted.lines(), [callbacks, refused, vendor, stored]);
        assert_eq!(counted.json()["records_stored"]["updated"], 5);
        assert_eq!(counted.json()["vendor_answers"]["list 200"], 12);
        assert_eq!(Counted::read(PAGE, Path::new("/data/other.db")), None);
        assert_eq!(Counted::read(b"", Path::new("/data/qcc.db")), None);
    }

    #[test]
    fn an_address_for_all_is_called_at_home() {
        let of = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(of("0.0.0.0:9090"), "127.0.0.1:9090");
        assert_eq!(of("[::]:9090"), "[::1]:9090");
        assert_eq!(of("192.0.2.7:9090"), "192.0.2.7:9090");
    }
}
