//! What reached the vendor, for tests that ask.

use std::{collections::BTreeMap, collections::VecDeque, fmt};

use jiff::Timestamp;
use qcc_proto::OrderNo;

use crate::Fault;

/// The kinds of exchange, by the sections of the manual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Exchange {
    /// 6.2.1.
    SetPush,
    /// 6.2.2, the vendor's own call.
    Callback,
    /// 6.2.3.
    Activate,
    /// 6.2.4.
    ListOrders,
    /// 6.2.5.
    Locate,
    /// 6.2.6.
    Download,
    /// A path the vendor does not have, or a host that is not its.
    Elsewhere,
}

/// One request that reached the vendor, or one call it made.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What kind it was.
    pub exchange: Exchange,
    /// Which order it was about, as far as it named one that exists.
    pub order: Option<OrderNo>,
    /// The HTTP status of the answer; `None` where none was given.
    pub http_status: Option<u16>,
    /// The status in the answer's envelope, where it had one.
    pub status: Option<i64>,
    /// What went wrong.
    pub fault: Option<Fault>,
    /// The `Range` header of the request.
    pub range: Option<String>,
    /// Whether the request carried the account's secret, anywhere.
    pub secret_seen: bool,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.at, self.exchange)?;
        if let Some(order) = &self.order {
            write!(f, " {order}")?;
        }
        if let Some(range) = &self.range {
            write!(f, " {range}")?;
        }
        match self.http_status {
            Some(status) => write!(f, " -> {status}")?,
            None => f.write_str(" -> nothing")?,
        }
        if let Some(status) = self.status {
            write!(f, " status {status}")?;
        }
        if let Some(fault) = self.fault {
            write!(f, " ({fault})")?;
        }
        if self.secret_seen {
            f.write_str(" WITH THE SECRET")?;
        }
        Ok(())
    }
}

/// What reached the vendor: the newest 65,536 entries, and counts of all.
#[derive(Debug, Default)]
pub struct Journal {
    entries: VecDeque<Entry>,
    counts: BTreeMap<Exchange, u64>,
    foreign_hosts: Vec<String>,
    secret_seen: bool,
}

impl Journal {
    const KEPT: usize = 65_536;

    /// The entries, oldest first.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// How many there ever were; the newest of them are in [`entries`](Self::entries).
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many exchanges of a kind there were.
    pub fn count(&self, exchange: Exchange) -> u64 {
        self.counts.get(&exchange).copied().unwrap_or(0)
    }

    /// Whether any request ever carried the account's secret: in its target, a
    /// header or its body, as it is or percent-encoded.
    pub fn secret_seen(&self) -> bool {
        self.secret_seen
    }

    /// Hosts other than the vendor's that were asked for through its transport,
    /// the first hundred. None should be: links elsewhere and redirects are traps.
    pub fn foreign_hosts(&self) -> &[String] {
        &self.foreign_hosts
    }

    pub(crate) fn note(&mut self, entry: Entry) {
        *self.counts.entry(entry.exchange).or_default() += 1;
        self.secret_seen |= entry.secret_seen;
        if self.entries.len() == Self::KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    pub(crate) fn note_foreign(&mut self, host: &str) {
        if self.foreign_hosts.len() < 100 {
            self.foreign_hosts.push(host.to_owned());
        }
    }
}
