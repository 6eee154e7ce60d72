//! SIGHUP: the certificate and the SecretKey are read again in the running daemon.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{
    secret_key::SecretKeyRenewal,
    stop::{Asked, Stop},
    tally::Tally,
    tls::Certificate,
};
use crate::exit::causes_of;

/// How often the end of the certificate is checked.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Reads both again at each SIGHUP, and checks each day whether the certificate ends.
pub(super) async fn renew(
    certificate: Option<Arc<Certificate>>,
    mut secret: SecretKeyRenewal,
    tally: Arc<Tally>,
    mut hangup: Asked,
    stop: Stop,
) {
    let mut daily = interval(DAY);
    daily.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut try_at: Option<Instant> = None;
    loop {
        let due = async {
            match try_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.asked() => return,
            () = hangup.next() => {
                if let Some(certificate) = &certificate {
                    reload(certificate);
                    certificate.look(&tally, Timestamp::now());
                }
                secret.read().await;
                try_at = Some(Instant::now());
            }
            () = due => {
                let rest = tokio::select! {
                    () = stop.asked() => return,
                    rest = secret.try_out() => rest,
                };
                try_at = rest.map(|rest| Instant::now() + rest);
            }
            _ = daily.tick() => {
                if let Some(certificate) = &certificate {
                    certificate.look(&tally, Timestamp::now());
                }
            }
        }
    }
}

fn reload(certificate: &Certificate) {
    match certificate.reload() {
        Ok(()) => tracing::info!("the certificate was read again"),
        Err(error) => {
            let why = causes_of(&error).join(": ");
            tracing::error!(why, "the certificate was not replaced: the previous one stays in use");
        }
    }
}
