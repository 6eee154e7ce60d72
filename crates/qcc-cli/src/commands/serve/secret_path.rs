//! The secret segment of the callback path: accepted before the vendor hears of
//! it, and for a while after the vendor knows the next.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use qcc_callback::{PathSecret, Paths, Tail};
use qcc_proto::{CallbackUrl, PushSetting, PushState};
use qcc_sync::{Observer, PathSegment, SecretPath, Store, StoreError};

use super::{random, settings::SecretPathSettings, stop::Stop};
use crate::{
    exit::causes,
    wiring::{SqliteStore, Works},
};

/// How often it is looked whether something is due.
const REST: Duration = Duration::from_secs(60);

/// No look follows another sooner.
const SOON: Duration = Duration::from_millis(100);

/// Which segments are accepted, and who remembers them.
#[derive(Debug, Clone)]
pub(super) struct Secrets {
    store: Arc<SqliteStore>,
    paths: Paths,
    overlap: Option<SignedDuration>,
}

impl Secrets {
    pub(super) fn new(
        store: Arc<SqliteStore>,
        paths: Paths,
        settings: Option<&SecretPathSettings>,
    ) -> Self {
        let long = |overlap| SignedDuration::try_from(overlap).unwrap_or(SignedDuration::MAX);
        let overlap = settings.map(|settings| long(settings.overlap));
        Self { store, paths, overlap }
    }

    /// Accepts what is in force now. Where no secret is wanted any more, the bare
    /// path counts beside the one that the vendor may still call.
    pub(super) async fn refresh(&self) -> Result<Option<SecretPath>, StoreError> {
        let path = self.store.secret_path().await?;
        match &path {
            Some(path) => self.accept(path),
            None => self.paths.replace([Tail::Bare]),
        }
        Ok(path)
    }

    fn accept(&self, path: &SecretPath) {
        let now = Timestamp::now();
        let overlap = self.overlap.unwrap_or(SignedDuration::MAX);
        let secrets = path.accepted(overlap, now).filter_map(|segment| {
            // A segment has the shape of a secret; one that had not could not be called.
            segment.reveal().parse::<PathSecret>().ok().map(Tail::Secret)
        });
        let bare = self.overlap.is_none() || path.accepts_bare(overlap, now);
        self.paths.replace(bare.then_some(Tail::Bare).into_iter().chain(secrets));
    }

    /// The URL as the vendor knows it.
    pub(super) async fn url(&self, bare: &CallbackUrl) -> Option<CallbackUrl> {
        match self.store.secret_path().await.ok()? {
            Some(path) if self.overlap.is_some() => path.join(bare).ok(),
            _ => Some(bare.clone()),
        }
    }
}

/// Sees to it that there is a segment, and changes it when it is old or when a
/// person asks.
pub(super) async fn rotate(
    works: Arc<Works>,
    secrets: Secrets,
    settings: SecretPathSettings,
    observer: Arc<dyn Observer>,
    stop: Stop,
) {
    let mut asked = Asked::new();
    let mut wanted = false;
    loop {
        let mut rest = REST;
        match change(&works, &secrets, &settings, wanted, &*observer).await {
            // The one before is still accepted, and no longer than this.
            Ok(false) if wanted => rest = settings.overlap.clamp(SOON, REST),
            Ok(false) => {}
            Ok(true) => {
                wanted = false;
                tracing::info!("the vendor knows the new secret path");
            }
            Err(error) => {
                let why = causes(&error).join(": ");
                tracing::warn!(why, "the secret path was not changed; trying again");
            }
        }
        tokio::select! {
            () = stop.asked() => return,
            () = asked.next() => wanted = true,
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// Tells the vendor of a segment where one is due or wanted.
async fn change(
    works: &Works,
    secrets: &Secrets,
    settings: &SecretPathSettings,
    wanted: bool,
    observer: &dyn Observer,
) -> anyhow::Result<bool> {
    let path = secrets.refresh().await?;
    let now = Timestamp::now();
    let settling = |path: &SecretPath| {
        let overlap = SignedDuration::try_from(settings.overlap).unwrap_or(SignedDuration::MAX);
        path.confirmed_at.is_some() && path.overlaps(overlap, now)
    };
    let is_due = wanted || is_due(path.as_ref(), settings.every, now);
    if !is_due || path.as_ref().is_some_and(settling) {
        return Ok(false);
    }
    let fresh = PathSegment::from_random(random()?);
    // What the engine will come to, too: the vendor may call as soon as it is told.
    secrets.accept(&SecretPath::rotated(path, fresh.clone(), now));
    let setting = PushSetting {
        enabled: PushState::Enabled,
        callback_url: settings.url.clone(),
        window: settings.window,
    };
    let path = works.engine.rotate_path(&setting, fresh, observer).await?;
    secrets.accept(&path);
    Ok(true)
}

/// Whether the vendor should be told of a segment: it knows none, it may not know
/// this one, or this one is old.
fn is_due(path: Option<&SecretPath>, every: Option<Duration>, now: Timestamp) -> bool {
    let Some(path) = path else { return true };
    let Some(confirmed) = path.confirmed_at else { return true };
    let every = every.and_then(|every| SignedDuration::try_from(every).ok());
    every.is_some_and(|every| now.duration_since(confirmed) >= every)
}

/// SIGUSR1: a person wants another segment.
struct Asked {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Asked {
    fn new() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Self { signal: signal(SignalKind::user_defined1()).ok() }
        }
        #[cfg(not(unix))]
        Self {}
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_due_where_the_vendor_knows_none_or_only_an_old_one() {
        let now: Timestamp = "2026-11-24T02:00:00Z".parse().unwrap();
        let day = Duration::from_secs(24 * 3600);
        assert!(is_due(None, None, now));
        let path = SecretPath::rotated(None, PathSegment::from_random([1; 16]), now);
        assert!(is_due(Some(&path), None, now), "the vendor may not know it");
        let path = path.confirmed(now);
        assert!(!is_due(Some(&path), Some(day), now));
        let later = now + SignedDuration::from_hours(24);
        assert!(is_due(Some(&path), Some(day), later));
        assert!(!is_due(Some(&path), None, later));
    }
}
