//! The vendor's own call (6.2.2), and when it stops calling.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use qcc_proto::{OrderNo, ShanghaiTime};
use serde_json::Value;

use super::{CALL_PATIENCE, Vendor, files, later, orders::order_no};
use crate::{Entry, Exchange, Fault, VendorConfig, seed};

/// What the account has set with 6.2.1.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) enabled: bool,
    pub(super) url: String,
    pub(super) window: Option<u8>,
}

/// One call the vendor makes: an HTTP GET of `url`, nothing else.
///
/// Say what came of it with [`Vendor::callback_answered`]; a minute without word
/// counts as an error.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallbackCall {
    /// The order it is about.
    pub order_no: OrderNo,
    /// The whole URL, with link and password.
    pub url: String,
    /// Whether someone else makes it, who is not the vendor.
    pub forged: bool,
    id: u64,
    ack_lost: bool,
}

impl fmt::Debug for CallbackCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = if self.forged { "forged call" } else { "call" };
        write!(f, "{who} about {}", self.order_no)
    }
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackOutcome {
    /// There was an answer.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Bytes,
    },
    /// There was none.
    Failed,
}

impl CallbackOutcome {
    /// Whether the vendor takes it for a success: HTTP 200, and a JSON object
    /// whose `status` is 200, as text or number.
    pub fn is_success(&self) -> bool {
        let Self::Answered { status: 200, body } = self else {
            return false;
        };
        match serde_json::from_slice::<Value>(body).ok().as_ref().and_then(|v| v.get("status")) {
            Some(Value::String(text)) => text == "200",
            Some(Value::Number(number)) => number.as_i64() == Some(200),
            _ => false,
        }
    }
}

/// The calling side: the setting, the errors in a row, what waits and what is out.
#[derive(Debug, Default)]
pub(super) struct Caller {
    setting: Option<Setting>,
    errors: u32,
    waiting: Vec<Waiting>,
    out: BTreeMap<u64, Out>,
    calls: u64,
}

/// A call that is to be made.
#[derive(Debug, Clone)]
struct Waiting {
    order: usize,
    not_before: Timestamp,
    attempt: u32,
    struck: bool,
}

/// A call that was made and not answered yet.
#[derive(Debug)]
struct Out {
    call: Waiting,
    since: Timestamp,
    fault: Option<Fault>,
}

impl Caller {
    pub(super) fn set(&mut self, setting: Setting) {
        self.setting = Some(setting);
    }

    pub(super) fn activate(&mut self) {
        self.errors = 0;
    }

    pub(super) fn window(&self) -> Option<u8> {
        self.setting.as_ref()?.window
    }

    /// An order was made. Where the vendor does not call now, it never will
    /// about this one.
    pub(super) fn announce(&mut self, order: usize, now: Timestamp, config: &VendorConfig) {
        if self.calls_now(config) {
            self.waiting.push(Waiting { order, not_before: now, attempt: 0, struck: false });
        }
    }

    pub(super) fn next_due(&self, config: &VendorConfig) -> Option<Timestamp> {
        let waiting = self.waiting.iter().map(|call| call.not_before);
        waiting.min().filter(|_| self.room(config) > 0)
    }

    fn calls_now(&self, config: &VendorConfig) -> bool {
        let enabled = self.setting.as_ref().is_some_and(|setting| setting.enabled);
        enabled && self.errors < config.callback_error_limit
    }

    /// How many calls may be out before the limit could be passed.
    fn room(&self, config: &VendorConfig) -> usize {
        let left = config.callback_error_limit.saturating_sub(self.errors);
        usize::try_from(left).unwrap_or(usize::MAX).saturating_sub(self.out.len())
    }

    fn take_due(&mut self, now: Timestamp) -> Option<Waiting> {
        let first = self.waiting.iter().enumerate().filter(|(_, call)| call.not_before <= now);
        let (at, _) = first.min_by_key(|(at, call)| (call.not_before, *at))?;
        Some(self.waiting.remove(at))
    }
}

impl Vendor {
    /// The calls to be made by `now`, in order.
    ///
    /// Never more at a time than errors are left, so that the vendor stops at
    /// exactly its limit. Pushes that are due happen first.
    pub fn due_callbacks(&mut self, now: Timestamp) -> Vec<CallbackCall> {
        self.advance(now);
        self.give_up_on_silent(now);
        if !self.caller.calls_now(&self.config) {
            self.caller.waiting.clear();
            return Vec::new();
        }
        let mut calls = Vec::new();
        while self.caller.room(&self.config) > 0
            && let Some(waiting) = self.caller.take_due(now)
        {
            let fault = match waiting.struck {
                true => None,
                false => self.strikes.strike(Exchange::Callback, now),
            };
            match fault {
                Some(Fault::CallbackLost) => self.note_call(waiting.order, None, fault, now),
                Some(Fault::CallbackReordered) => {
                    let not_before = later(now, SignedDuration::from_secs(120));
                    self.caller.waiting.push(Waiting { not_before, struck: true, ..waiting });
                }
                _ => {
                    let copies = 1 + usize::from(fault == Some(Fault::CallbackDuplicated));
                    for _ in 0..copies {
                        calls.extend(self.make_call(&waiting, fault, now));
                    }
                    if fault == Some(Fault::CallbackForged) {
                        let key = seed::hex(&mut self.noise, 32);
                        calls.extend(self.forge_call(&key, now));
                    }
                    if fault == Some(Fault::CallbackFlood) {
                        let key = self.config.account.key().to_owned();
                        for _ in 0..self.config.flood {
                            calls.extend(self.forge_call(&key, now));
                        }
                    }
                }
            }
        }
        calls
    }

    /// What came of a call.
    ///
    /// The first word about a call counts; a forged one never does.
    pub fn callback_answered(
        &mut self,
        call: &CallbackCall,
        outcome: &CallbackOutcome,
        now: Timestamp,
    ) {
        if call.forged {
            return;
        }
        let Some(out) = self.caller.out.remove(&call.id) else {
            return;
        };
        let http_status = match outcome {
            CallbackOutcome::Answered { status, .. } => Some(*status),
            CallbackOutcome::Failed => None,
        };
        self.note_call(out.call.order, http_status, out.fault, now);
        if let Some(order) = self.orders.get_mut(out.call.order) {
            order.called |= outcome.is_success();
        }
        if outcome.is_success() && !call.ack_lost {
            self.caller.errors = 0;
        } else {
            self.call_failed(out.call, now);
        }
    }

    /// Errors in a row, as the vendor counts them. No endpoint tells this.
    pub fn callback_errors(&self) -> u32 {
        self.caller.errors
    }

    /// Whether the vendor gave up calling until 6.2.3. No endpoint tells this.
    pub fn callbacks_silenced(&self) -> bool {
        self.caller.errors >= self.config.callback_error_limit
    }

    /// The callback URL in force, where the push is enabled.
    pub fn callback_url(&self) -> Option<&str> {
        let set = self.caller.setting.as_ref().filter(|s| s.enabled)?;
        Some(self.config.calls_only.as_deref().unwrap_or(&set.url))
    }

    /// The URL that is called: the configured one, or that of 6.2.1.
    fn callback_target(&self) -> Option<String> {
        let set = &self.caller.setting.as_ref()?.url;
        Some(self.config.calls_only.as_ref().unwrap_or(set).clone())
    }

    fn call_failed(&mut self, call: Waiting, now: Timestamp) {
        self.caller.errors += 1;
        if call.attempt < self.config.callback_retries {
            let not_before = later(now, SignedDuration::from_mins(1));
            let attempt = call.attempt + 1;
            self.caller.waiting.push(Waiting { not_before, attempt, ..call });
        }
    }

    fn give_up_on_silent(&mut self, now: Timestamp) {
        let since = |out: &Out| later(out.since, CALL_PATIENCE) <= now;
        let silent: Vec<_> =
            self.caller.out.iter().filter(|(_, out)| since(out)).map(|(id, _)| *id).collect();
        for out in silent.iter().filter_map(|id| self.caller.out.remove(id)).collect::<Vec<_>>() {
            self.note_call(out.call.order, None, out.fault, now);
            self.call_failed(out.call, now);
        }
    }

    fn make_call(
        &mut self,
        waiting: &Waiting,
        fault: Option<Fault>,
        now: Timestamp,
    ) -> Option<CallbackCall> {
        let base = self.callback_target()?;
        let order = self.orders.get(waiting.order)?;
        let expires = ShanghaiTime::from_timestamp(later(now, self.config.link_lifetime));
        let claimed = later(expires.timestamp(), self.config.callback_expiry_ahead);
        let link = files::link(order, self.config.seed, expires);
        let url = callback_url(
            &base,
            &[
                ("key", self.config.account.key()),
                ("orderNo", order.no.as_str()),
                ("downloadUrl", &format!("{}{link}", self.config.files_base)),
                ("downloadUrlExpiredTime", &ShanghaiTime::from_timestamp(claimed).to_string()),
                ("unzipPassword", &order.password),
            ],
        );
        let (order_no, id) = (order.no.clone(), self.caller.calls);
        self.caller.calls += 1;
        self.caller.out.insert(id, Out { call: waiting.clone(), since: now, fault });
        let ack_lost = fault == Some(Fault::CallbackAckLost);
        Some(CallbackCall { order_no, url, forged: false, id, ack_lost })
    }

    /// A call by someone who knows the URL and little else.
    fn forge_call(&mut self, key: &str, now: Timestamp) -> Option<CallbackCall> {
        let base = self.callback_target()?;
        let at = ShanghaiTime::from_timestamp(now).to_string();
        let digits: String = at.chars().filter(char::is_ascii_digit).collect();
        let order_no = order_no(&format!("DDMON{digits}{:08}", self.below(100_000_000)));
        let url = callback_url(
            &base,
            &[
                ("key", key),
                ("orderNo", order_no.as_str()),
                ("downloadUrl", "http://qcc-files.invalid/DdMonitor/forged.zip?Expires=1"),
                ("downloadUrlExpiredTime", &at),
                ("unzipPassword", "forged"),
            ],
        );
        Some(CallbackCall { order_no, url, forged: true, id: u64::MAX, ack_lost: false })
    }

    fn note_call(
        &mut self,
        order: usize,
        http_status: Option<u16>,
        fault: Option<Fault>,
        now: Timestamp,
    ) {
        self.journal.note(Entry {
            at: now,
            exchange: Exchange::Callback,
            order: self.orders.get(order).map(|order| order.no.clone()),
            http_status,
            status: None,
            fault,
            range: None,
            secret_seen: false,
        });
    }
}

/// What RFC 3986 leaves unreserved; everything else is escaped, as in the sample.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn callback_url(base: &str, parameters: &[(&str, &str)]) -> String {
    let mut url = base.to_owned();
    for (name, value) in parameters {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(name);
        url.push('=');
        url.extend(utf8_percent_encode(value, ESCAPED));
    }
    url
}
