//! The secret segment of the callback path: accepted before the vendor hears of
//! it, and for a while after the vendor knows the next.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use qcc_callback::{PathSecret, Paths, Tail};
use qcc_proto::CallbackUrl;
use qcc_sync::{
    AccountExt as _, EngineError, Observer, PathSegment, PathStep, PathWish, SecretPath,
    StoreError, next_path,
};

use super::{
    random::random,
    stop::{Asked, Stop},
};
use crate::{
    exit::causes,
    wiring::{SqliteStore, Works},
};

/// How often to check whether something is due: a person may have set another URL at
/// the vendor.
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
    pub(super) fn new(store: Arc<SqliteStore>, paths: Paths, wish: Option<&PathWish>) -> Self {
        Self { store, paths, overlap: wish.map(|wish| wish.overlap) }
    }

    /// Accepts what is in force now. Where no secret is wanted any more, the bare
    /// path counts beside the one that the vendor may still call.
    pub(super) async fn refresh(&self) -> Result<Option<SecretPath>, StoreError> {
        let path = self.store.secret_path().await?;
        match &path {
            Some(path) => self.accept(path),
            None if self.overlap.is_some() => self.paths.replace([Tail::Bare]),
            // What was accepted stays so until the next start: calls may be on their way.
            None => {}
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

    /// The URL as the vendor knows it, or will know it once it is set.
    pub(super) async fn url(&self, bare: &CallbackUrl) -> Option<CallbackUrl> {
        match self.store.secret_path().await.ok()? {
            Some(path) if self.overlap.is_some() || path.confirmed_at.is_some() => {
                path.join(bare).ok()
            }
            _ => Some(bare.clone()),
        }
    }
}

/// Sees to it that the vendor knows the segment that is wished for, or none, and
/// that another follows when it is old or a person asks.
pub(super) async fn keep(
    works: Arc<Works>,
    secrets: Secrets,
    wish: Option<PathWish>,
    mut asked: Asked,
    observer: Arc<dyn Observer>,
    stop: Stop,
) {
    let mut wanted = false;
    let mut told_to_ask = false;
    loop {
        let step = look(&works, &secrets, wish.as_ref(), wanted, &*observer).await;
        let rest = match step {
            Ok(PathStep::Tell) => {
                wanted = false;
                tracing::info!("the vendor knows the new secret path");
                SOON
            }
            Ok(PathStep::Leave) => {
                tracing::info!("the vendor knows the callback URL without the secret path");
                SOON
            }
            Ok(PathStep::Wait(until)) => {
                let left = until.duration_since(Timestamp::now());
                Duration::try_from(left).unwrap_or_default().clamp(SOON, REST)
            }
            Ok(PathStep::Ask) => {
                if !told_to_ask {
                    tracing::warn!(
                        "the vendor may still call a secret path, which is accepted; tell it \
                         where to call with `qcc push set`"
                    );
                }
                told_to_ask = true;
                REST
            }
            Ok(PathStep::Rest) => REST,
            Err(error) if matches!(error.downcast_ref(), Some(EngineError::Held(_))) => {
                tracing::debug!("the secret path waits: calls to the vendor are paused");
                REST
            }
            Err(error) => {
                let why = causes(&error).join(": ");
                tracing::warn!(
                    why,
                    "the callback URL could not be set at the vendor; trying again"
                );
                REST
            }
        };
        tokio::select! {
            () = stop.asked() => return,
            () = asked.next() => match wish {
                Some(_) => wanted = true,
                None => tracing::warn!("SIGUSR1 changes the secret path, and none is configured"),
            },
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// Does what is due, and says what was done.
async fn look(
    works: &Works,
    secrets: &Secrets,
    wish: Option<&PathWish>,
    wanted: bool,
    observer: &dyn Observer,
) -> anyhow::Result<PathStep> {
    let path = secrets.refresh().await?;
    let now = Timestamp::now();
    let step = next_path(path.as_ref(), wish, wanted, now);
    match (&step, wish) {
        (PathStep::Tell, Some(PathWish { setting, .. })) => {
            let fresh = PathSegment::from_random(random()?);
            // The engine computes the same: the vendor may call as soon as the URL is set.
            secrets.accept(&SecretPath::rotated(path, fresh.clone(), setting, now));
            let path = works.engine.rotate_path(setting, fresh, observer).await?;
            secrets.accept(&path);
        }
        (PathStep::Leave, _) => works.engine.leave_path(observer).await?,
        _ => {}
    }
    Ok(step)
}
