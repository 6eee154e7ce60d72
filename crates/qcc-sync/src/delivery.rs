//! Whether the vendor's calls arrive: judged from the ledger, for no endpoint
//! tells.

use jiff::{SignedDuration, Timestamp};

use crate::Overview;

/// What is known of the vendor's calls.
///
/// An order is *uncalled* where a list named it, no call about it came, and it
/// was made after the newest order that did come by call, after a receiver first
/// expected calls, and after the vendor last agreed to call again. The vendor
/// never calls about orders made while it is silent, so older ones prove nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Callbacks {
    /// Since when a receiver expects calls; `None` where none ever ran.
    pub expected_since: Option<Timestamp>,
    /// How many orders are uncalled.
    pub uncalled: u64,
    /// When the first of them was listed.
    pub uncalled_since: Option<Timestamp>,
    /// The last attempt to make the vendor call again.
    pub activation: Option<Activation>,
    /// Our last answers, where they were errors.
    pub errors: Option<AnswerErrors>,
}

/// Answers to the vendor's calls that it may have counted as errors, up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerErrors {
    /// How many in a row.
    pub in_a_row: u32,
    /// When the last of them was noted.
    pub last_at: Timestamp,
}

/// An attempt to make the vendor call again (6.2.3), and those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activation {
    /// When the vendor was last asked.
    pub tried_at: Timestamp,
    /// How often it was asked since it last called.
    pub tries: u32,
    /// When it last agreed; `None` where it never did.
    pub agreed_at: Option<Timestamp>,
}

/// Whether the vendor's calls arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// Nothing to judge by: no receiver expects calls, or no list was read since.
    Unknown,
    /// The last order made came by call.
    Healthy {
        /// When the vendor last called.
        last_call: Timestamp,
    },
    /// Neither list nor call told of an order for long: there is no news.
    NoNews {
        /// Since when.
        since: Timestamp,
    },
    /// Listed orders did not come by call yet; they still may.
    Awaited {
        /// How many orders.
        orders: u64,
        /// When the first of them is overdue.
        until: Timestamp,
    },
    /// Listed orders should have come by call and did not, or so many of our answers
    /// in a row were errors that the vendor calls no more.
    Broken {
        /// How many orders: none where it is known by the errors alone.
        orders: u64,
        /// When the first of them was listed, or when the last error was noted.
        since: Timestamp,
    },
    /// The vendor agreed to call again; the next order will tell.
    Activated {
        /// When it agreed.
        at: Timestamp,
    },
}

impl Delivery {
    /// The judgement's name, as it stands in metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy { .. } => "healthy",
            Self::NoNews { .. } => "no_news",
            Self::Awaited { .. } => "awaited",
            Self::Broken { .. } => "broken",
            Self::Activated { .. } => "activated",
        }
    }
}

/// How long calls are waited for, and what is done when they do not come.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeliveryPolicy {
    /// After so many errors in a row the vendor calls no more (6.2.2).
    pub errors: u32,
    /// An order that was listed so long ago should have come by call.
    pub patience: SignedDuration,
    /// Without an order for so long there is no news.
    pub quiet: SignedDuration,
    /// So many activations may follow each other quickly while no call comes.
    pub activations: u32,
    /// The wait after the first of them; each further one doubles it.
    pub first_wait: SignedDuration,
    /// The wait after the last of them, and between all that follow.
    pub longest_wait: SignedDuration,
    /// How long the outcome of a probe is believed.
    pub probe_wait: SignedDuration,
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        Self {
            errors: 5,
            patience: SignedDuration::from_mins(15),
            quiet: SignedDuration::from_hours(24),
            activations: 3,
            first_wait: SignedDuration::from_mins(30),
            longest_wait: SignedDuration::from_hours(24),
            probe_wait: SignedDuration::from_mins(5),
        }
    }
}

impl Overview {
    /// Whether the vendor's calls arrive. Pure.
    pub fn delivery(&self, policy: &DeliveryPolicy, now: Timestamp) -> Delivery {
        let callbacks = &self.callbacks;
        let Some(expected_since) = callbacks.expected_since else { return Delivery::Unknown };
        let silent = callbacks.errors.filter(|errors| errors.in_a_row >= policy.errors);
        if let Some(since) = callbacks.uncalled_since {
            let (orders, until) = (callbacks.uncalled, later(since, policy.patience));
            return match now < until && silent.is_none() {
                true => Delivery::Awaited { orders, until },
                false => Delivery::Broken { orders, since },
            };
        }
        if let Some(AnswerErrors { last_at, .. }) = silent {
            return Delivery::Broken { orders: 0, since: last_at };
        }
        let agreed = callbacks.activation.as_ref().and_then(|activation| activation.agreed_at);
        if let Some(at) = agreed.filter(|at| self.last_call.is_none_or(|call| call < *at)) {
            return Delivery::Activated { at };
        }
        match self.last_call.filter(|call| *call >= expected_since) {
            Some(last_call) if now < later(last_call, policy.quiet) => {
                Delivery::Healthy { last_call }
            }
            last_call => match &self.last_listing {
                Some(listing) if listing.at >= expected_since => {
                    Delivery::NoNews { since: last_call.unwrap_or(expected_since) }
                }
                _ => Delivery::Unknown,
            },
        }
    }
}

/// An instant so much later, or the last there is.
pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
