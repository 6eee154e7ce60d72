//! Another SecretKey for the running daemon: read, tried at the vendor, then used.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use jiff::Timestamp;
use qcc_http::{Client, Error};
use qcc_proto::StatusClass;
use qcc_sign::Credentials;
use qcc_sync::{AccountExt as _, Hold, Wake};

use crate::{
    config::Sources,
    exit::{Usage, causes_of},
    wiring::SqliteStore,
};

/// The first wait after a trial that the vendor did not answer; each further one
/// doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Replaces the SecretKey of a client that is in use.
pub(super) struct SecretKeyRenewal {
    sources: Sources,
    /// Shares its credentials with the engine's client.
    client: Client,
    in_use: Credentials,
    store: Arc<SqliteStore>,
    wake: Wake,
    candidate: Option<Candidate>,
}

/// A SecretKey that was read and has not been tried.
struct Candidate {
    credentials: Credentials,
    origin: String,
    wait: Duration,
}

/// What reading the settings again brought.
enum Read {
    /// It cannot change in a running process, for this reason.
    Fixed(String),
    Unchanged {
        origin: String,
    },
    Another(Candidate),
}

impl SecretKeyRenewal {
    pub(super) fn new(
        sources: Sources,
        client: Client,
        in_use: Credentials,
        store: Arc<SqliteStore>,
        wake: Wake,
    ) -> Self {
        Self { sources, client, in_use, store, wake, candidate: None }
    }

    /// Reads the settings again, and keeps another SecretKey for
    /// [`try_out`](Self::try_out).
    pub(super) async fn read(&mut self) {
        self.candidate = None;
        let (sources, in_use) = (self.sources.clone(), self.in_use.clone());
        // The file may be on a disk that is slow.
        let read = tokio::task::spawn_blocking(move || read(&sources, &in_use)).await;
        match read {
            Ok(Ok(Read::Another(candidate))) => {
                tracing::info!(
                    from = candidate.origin,
                    "another SecretKey was read: trying it at the vendor before it is used"
                );
                self.candidate = Some(candidate);
            }
            Ok(Ok(Read::Unchanged { origin })) => {
                tracing::info!(from = origin, "the SecretKey has not changed");
            }
            Ok(Ok(Read::Fixed(why))) => tracing::info!(
                why,
                "the SecretKey cannot be read again: to change it, restart, or keep it in a file \
                 (QCC_SECRET_KEY_FILE)"
            ),
            Ok(Err(error)) => {
                let why = causes_of(&error).join(": ");
                tracing::error!(
                    why,
                    "the SecretKey was not replaced: the previous one stays in use"
                );
            }
            Err(error) => {
                tracing::error!(%error, "the SecretKey could not be read; this is a bug");
            }
        }
    }

    /// Reads the order list with the new SecretKey, and uses it where the vendor accepts
    /// it. Returns how long to wait before the next try, where one is needed.
    pub(super) async fn try_out(&mut self) -> Option<Duration> {
        let candidate = self.candidate.take()?;
        let hold = match self.store.hold().await {
            Ok(hold) => hold,
            Err(error) => return Some(self.later(candidate, &error)),
        };
        let now = Timestamp::now();
        if let Some(until) = hold.as_ref().and_then(|hold| resting_until(hold, now)) {
            tracing::info!(%until, "calls to the vendor are paused: the new SecretKey is tried afterwards");
            let rest = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            self.candidate = Some(candidate);
            return Some(rest.clamp(Duration::from_secs(1), LONGEST_WAIT));
        }
        let trial = self.client.clone().with_credentials(candidate.credentials.clone());
        match trial.list_orders(now).await {
            Ok(_) => {
                if let Err(error) = self.client.set_credentials(candidate.credentials.clone()) {
                    tracing::error!(%error, "the SecretKey was not replaced");
                    return None;
                }
                self.in_use = candidate.credentials;
                tracing::info!(
                    from = candidate.origin,
                    "the SecretKey was replaced: the vendor accepts the new one"
                );
                self.lift(hold).await;
                self.wake.call();
                None
            }
            Err(error) if is_about_the_account(&error) => {
                let why = causes_of(&error).join(": ");
                tracing::error!(
                    why,
                    from = candidate.origin,
                    "the vendor refuses the new SecretKey: the previous one stays in use"
                );
                None
            }
            Err(error) => Some(self.later(candidate, &error)),
        }
    }

    /// Keeps a SecretKey that could not be tried. Returns how long to wait.
    fn later(&mut self, mut candidate: Candidate, error: &(dyn StdError + 'static)) -> Duration {
        let wait = candidate.wait;
        tracing::warn!(
            why = causes_of(error).join(": "),
            again_in_seconds = wait.as_secs(),
            "the new SecretKey could not be tried: the previous one stays in use until then"
        );
        candidate.wait = wait.saturating_mul(2).min(LONGEST_WAIT);
        self.candidate = Some(candidate);
        wait
    }

    /// Ends a hold that waited for a person, as an answered list does. One that
    /// somebody set meanwhile stays.
    async fn lift(&self, hold: Option<Hold>) {
        let Some(hold) = hold.filter(|hold| hold.until.is_none()) else { return };
        let lifted = async {
            if self.store.lift_hold(&hold).await? {
                tracing::info!(reason = %hold.reason, "calls to the vendor resume");
            }
            Ok::<_, qcc_sync::StoreError>(())
        };
        if let Err(error) = lifted.await {
            tracing::warn!(%error, "the hold could not be lifted: the next list that is answered lifts it");
        }
    }
}

/// Whether the vendor answered, and refused the key, the signature or the address.
fn is_about_the_account(error: &Error) -> bool {
    let Error::Rejected { refusal, .. } = error else { return false };
    matches!(refusal.class(), StatusClass::ClockOrSignature | StatusClass::Account)
}

fn resting_until(hold: &Hold, now: Timestamp) -> Option<Timestamp> {
    hold.clone().clamped(now).until.filter(|until| now < *until)
}

fn read(sources: &Sources, in_use: &Credentials) -> Result<Read, Usage> {
    let config = sources.read()?;
    // The key names the account: its orders, records and callbacks.
    if config.app_key()?.as_str() != in_use.key().as_str() {
        let from = config.key.as_ref().map(|key| key.origin.to_string()).unwrap_or_default();
        return Err(Usage::new(format!(
            "{from} holds another key, which is another account: restart to use it"
        )));
    }
    if let Some(why) = config.secret_is_fixed() {
        return Ok(Read::Fixed(why));
    }
    let credentials = config.credentials()?;
    let origin = config.secret_origin().map(ToString::to_string).unwrap_or_default();
    if in_use.verify("0", credentials.sign(0_u64).token.reveal()) {
        return Ok(Read::Unchanged { origin });
    }
    Ok(Read::Another(Candidate { credentials, origin, wait: FIRST_WAIT }))
}
