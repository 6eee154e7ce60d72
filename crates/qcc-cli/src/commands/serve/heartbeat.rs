//! What is done regularly: the watchdog is notified, a change of health
//! becomes a line in the log, and our errors in a row are written down.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use qcc_callback::{CallbackService, Inbox};
use tokio::time::sleep;

use super::{health::Health, state::State, stop::Stop, systemd};
use crate::{
    output::duration,
    wiring::{Running, Works},
};

/// How often health is checked if no watchdog asks for more.
const BEAT: Duration = Duration::from_secs(10);

/// The same while something is wrong: its end is to be noticed.
const BEAT_IN_TROUBLE: Duration = Duration::from_secs(1);

/// Warns of processes that began to work on the same store since the last look.
fn tell_others(works: &Works, before: &mut Vec<Running>) {
    let others = works.others();
    for other in others.iter().filter(|other| !before.contains(other)) {
        tracing::warn!(
            other = other.what,
            worker = other.worker,
            "another process works on the same store: one is enough, because each reads the \
             order list and uses the vendor's quota"
        );
    }
    *before = others;
}

/// Beats until told to stop.
pub(super) async fn beat<I: Inbox>(
    works: Arc<Works>,
    state: Arc<State>,
    service: CallbackService<I>,
    stop: Stop,
) {
    works.announce("qcc serve");
    let mut others = Vec::new();
    let watchdog = systemd::watchdog();
    let mut before: Option<Health> = None;
    loop {
        let (overview, health) = state.look().await;
        if overview.as_ref().is_some_and(|overview| state.were_errors_forgotten(overview)) {
            service.forget_errors();
        }
        state.keep_errors().await;
        state.keep_alive(&health).await;
        tell_others(&works, &mut others);
        if watchdog.is_some() && health.is_alive() {
            systemd::alive(&health.line());
        }
        if before.is_none_or(|before| before.is_ready() != health.is_ready()) {
            match health.is_ready() {
                true => {
                    let left =
                        overview.and_then(|facts| facts.downtime_allowance(Timestamp::now()));
                    let may_be_down_for = left.map_or("unknown".to_owned(), duration);
                    tracing::info!(may_be_down_for, "ready");
                }
                false => tracing::warn!(why = %health.line(), "not ready"),
            }
        }
        let rest = if health.is_ready() { BEAT } else { BEAT_IN_TROUBLE };
        let rest = watchdog.map_or(rest, |patience| patience.min(rest));
        before = Some(health);
        tokio::select! {
            () = stop.asked() => {
                state.keep_errors().await;
                return state.say_stopped().await;
            }
            () = sleep(rest) => {}
        }
    }
}
