//! What to do when the vendor's calls do not arrive: first see whether it is our
//! own URL, then ask the vendor to call again, seldom.

use std::future::Future;

use jiff::Timestamp;

use crate::{Activation, Delivery, DeliveryPolicy, Overview, delivery::later};

/// The next thing to do about the vendor's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heal {
    /// Nothing is known to be broken.
    Nothing,
    /// See whether our own public URL reaches the receiver.
    Probe,
    /// Ask the vendor to call again (6.2.3).
    Activate,
    /// Nothing before then.
    Wait {
        /// When to look again.
        until: Timestamp,
        /// What is waited for.
        for_what: HealWait,
    },
}

/// Why nothing is done about broken calls now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HealWait {
    /// Our own URL does not reach the receiver: a person must mend it. Asking the
    /// vendor would only cost activations.
    OwnUrl,
    /// The last activation was not long ago.
    BackOff,
    /// The quick activations are used up: a person should look, and the vendor is
    /// asked seldom.
    Spent,
}

/// Whether our own public URL reaches the receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// No URL is known to try.
    NotConfigured,
    /// It does.
    Reached,
    /// It does not; the sentence says what came instead. Holds no secret.
    Failed(String),
}

/// Tries our own public URL, as the vendor would.
pub trait Probe: Send + Sync {
    /// Tries it once.
    fn probe(&self) -> impl Future<Output = Probed> + Send;
}

/// No URL is known.
impl Probe for () {
    async fn probe(&self) -> Probed {
        Probed::NotConfigured
    }
}

/// The next thing to do about the vendor's calls. Pure.
///
/// `probed` is the outcome of the last probe of this run, and when it was made.
pub fn next_heal(
    overview: &Overview,
    probed: Option<(Timestamp, &Probed)>,
    policy: &DeliveryPolicy,
    now: Timestamp,
) -> Heal {
    let Delivery::Broken { .. } = overview.delivery(policy, now) else { return Heal::Nothing };
    if let Some(activation) = &overview.callbacks.activation {
        let (until, for_what) = activation.next(overview.last_call, policy);
        // A clock that was set back must not make the wait longer.
        if activation.tried_at <= now && now < until {
            return Heal::Wait { until, for_what };
        }
    }
    match probed {
        Some((at, outcome)) if at <= now && now < later(at, policy.probe_wait) => match outcome {
            Probed::Failed(_) => {
                Heal::Wait { until: later(at, policy.probe_wait), for_what: HealWait::OwnUrl }
            }
            Probed::Reached | Probed::NotConfigured => Heal::Activate,
        },
        _ => Heal::Probe,
    }
}

impl Activation {
    /// The attempt that follows, noted before it is made so that a crash counts it.
    #[must_use]
    pub fn again(before: Option<&Self>, last_call: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            tried_at: now,
            tries: before.map_or(0, |before| before.unanswered(last_call)).saturating_add(1),
            agreed_at: before.and_then(|before| before.agreed_at),
        }
    }

    /// The same, with the vendor's consent.
    #[must_use]
    pub fn agreed(mut self, now: Timestamp) -> Self {
        self.agreed_at = Some(now);
        self
    }

    /// Attempts since the vendor last called.
    fn unanswered(&self, last_call: Option<Timestamp>) -> u32 {
        if last_call.is_some_and(|call| call > self.tried_at) { 0 } else { self.tries }
    }

    /// When the next attempt may be made, and what is waited for until then.
    fn next(&self, last_call: Option<Timestamp>, policy: &DeliveryPolicy) -> (Timestamp, HealWait) {
        let tries = self.unanswered(last_call);
        if tries >= policy.activations {
            return (later(self.tried_at, policy.longest_wait), HealWait::Spent);
        }
        let doubled = policy.first_wait.saturating_mul(1 << tries.saturating_sub(1).min(20));
        (later(self.tried_at, doubled.min(policy.longest_wait)), HealWait::BackOff)
    }
}
