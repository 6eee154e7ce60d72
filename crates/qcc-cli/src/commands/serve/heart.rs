//! What beats while nothing happens: the watchdog is told, and a change of
//! health becomes a line in the log.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::sleep;

use super::{health::Health, state::State, stop::Stop, systemd};
use crate::output::duration;

/// How often health is looked at where no watchdog asks for more.
const BEAT: Duration = Duration::from_secs(10);

/// Beats until told to stop.
pub(super) async fn beat(state: Arc<State>, stop: Stop) {
    let watchdog = systemd::watchdog();
    let rest = watchdog.map_or(BEAT, |patience| patience.min(BEAT));
    let mut before: Option<Health> = None;
    loop {
        let (overview, health) = state.look().await;
        if watchdog.is_some() && health.is_alive() {
            systemd::alive(&health.line());
        }
        if before.is_none_or(|before| before.is_ready() != health.is_ready()) {
            match health.is_ready() {
                true => {
                    let left =
                        overview.and_then(|facts| facts.downtime_allowance(Timestamp::now()));
                    let may_be_down_for = left.map_or("not known yet".to_owned(), duration);
                    tracing::info!(may_be_down_for, "ready");
                }
                false => tracing::warn!(why = %health.line(), "not ready"),
            }
        }
        before = Some(health);
        tokio::select! {
            () = stop.asked() => return,
            () = sleep(rest) => {}
        }
    }
}
