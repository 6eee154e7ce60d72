//! Making the vendor call again: the effects of what `next_heal` decides.

use jiff::Timestamp;

use super::{Engine, EngineError, Follow, failure_of, follow::Course, run::Run, tell_answer};
use crate::{
    AccountExt as _, Activation, Event, Heal, Hold, Observer, Overview, Probe, Probed, Remedy,
    VendorCall, next_heal,
};

/// A probe, an activation, and the wait that follows them.
const STEPS: u32 = 3;

impl Engine {
    /// Does what is to be done about missing calls now; returns when to look again.
    pub(super) async fn heal<P: Probe>(
        &self,
        overview: &mut Overview,
        settings: &Follow<P>,
        course: &mut Course,
        run: &mut Run<'_>,
        observer: &dyn Observer,
    ) -> Result<Option<Timestamp>, EngineError> {
        for _ in 0..STEPS {
            let now = self.clock.now();
            let probed = course.probed.as_ref().map(|(at, outcome)| (*at, outcome));
            match next_heal(overview, probed, &settings.delivery, now) {
                Heal::Nothing => return Ok(None),
                Heal::Wait { until, .. } => return Ok(Some(until)),
                Heal::Probe => {
                    let outcome = run.beside(settings.probe.probe()).await;
                    if let Probed::Failed(what) = &outcome {
                        tracing::error!(
                            what,
                            "our own callback URL does not reach this receiver; the vendor is \
                             not asked to call it again before it does"
                        );
                    }
                    observer.event(&Event::Probed(outcome.clone()));
                    course.probed = Some((self.clock.now(), outcome));
                }
                Heal::Activate => {
                    let activation = self.activate(overview, run, observer).await?;
                    overview.callbacks.activation = Some(activation);
                    if run.report.held.is_some() {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Asks the vendor to call again. Written down first, so that a receiver that
    /// crashes and starts over and over does not ask each time.
    async fn activate(
        &self,
        overview: &Overview,
        run: &mut Run<'_>,
        observer: &dyn Observer,
    ) -> Result<Activation, EngineError> {
        let now = self.clock.now();
        let before = overview.callbacks.activation.as_ref();
        let attempt = Activation::again(before, overview.last_call, now);
        if !self.store.begin_activation(before, &attempt).await? {
            // Another worker is at it.
            return Ok(attempt);
        }
        let answer = run.beside(self.client.activate(now)).await;
        tell_answer(VendorCall::Activate, &answer, observer);
        let Err(error) = answer else {
            let agreed = attempt.clone().agreed(self.clock.now());
            self.store.end_activation(&attempt, &agreed).await?;
            tracing::info!(tries = agreed.tries, "the vendor agreed to call again");
            observer.event(&Event::Activated);
            return Ok(agreed);
        };
        let failure = failure_of(&error, now, &self.policy);
        tracing::warn!(reason = %failure.reason, "the vendor did not agree to call again");
        observer.event(&Event::ActivationFailed(failure.reason.clone()));
        if let Remedy::HoldAll(until) = failure.remedy {
            let hold = Hold { since: now, until, reason: failure.reason };
            run.report.held = Some(self.hold(hold, observer).await?);
        }
        Ok(attempt)
    }
}
