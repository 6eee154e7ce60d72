//! What is known of an order, and the one step that follows from it.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{Location, OrderNo, ShanghaiTime, UnzipPassword};

use crate::{KeptArchive, Reason, ReasonCode};

/// Everything known of one order. This is the only state there is: whoever
/// holds it can take the next step, after any crash.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The order's number.
    pub no: OrderNo,
    /// How far it has come.
    pub state: State,
    /// When the vendor made it, from the list.
    pub created_at: Option<ShanghaiTime>,
    /// When we first heard of it.
    pub first_seen_at: Timestamp,
    /// When the order list first named it; `None` if it never did.
    pub listed_at: Option<Timestamp>,
    /// When the vendor last called about it; `None` if it never did.
    pub called_at: Option<Timestamp>,
    /// Failures since the last progress.
    pub failures: u32,
    /// When the first of those failures was.
    pub failing_since: Option<Timestamp>,
    /// How many of them were an archive that was damaged or did not open.
    pub damaged: u32,
    /// Opens the archive; kept with it, so that archives can be applied again.
    pub password: Option<UnzipPassword>,
    /// The archive on disk.
    pub archive: Option<KeptArchive>,
    /// What applying it did.
    pub applied: Option<Applied>,
    /// Where to download from. Held while a worker is at it, never stored: the
    /// link carries a signature, and a fresh one is a call away.
    pub location: Option<Located>,
}

/// Where an order's archive is, as the vendor just said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Link, end and password.
    pub location: Location,
    /// When the vendor said so.
    pub at: Timestamp,
}

/// How far an order has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its number is known.
    Seen,
    /// Its link and password are known.
    Located,
    /// Its archive is on disk.
    Fetched,
    /// Its records are in the table.
    Applied,
    /// Something is in the way; it is tried again on its own.
    Waiting {
        /// Not before this.
        until: Timestamp,
        /// What is in the way.
        reason: Reason,
    },
    /// Only a person can help; everything known is kept.
    Quarantined {
        /// What a person should know.
        reason: Reason,
    },
}

impl State {
    /// The state without its details.
    pub const fn name(&self) -> StateName {
        match self {
            Self::Seen => StateName::Seen,
            Self::Located => StateName::Located,
            Self::Fetched => StateName::Fetched,
            Self::Applied => StateName::Applied,
            Self::Waiting { .. } => StateName::Waiting,
            Self::Quarantined { .. } => StateName::Quarantined,
        }
    }

    /// Why the order does not move, where it does not.
    pub const fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Waiting { reason, .. } | Self::Quarantined { reason } => Some(reason),
            Self::Seen | Self::Located | Self::Fetched | Self::Applied => None,
        }
    }
}

/// The names of the states, as they stand in the ledger and in metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateName {
    /// See [`State::Seen`].
    Seen,
    /// See [`State::Located`].
    Located,
    /// See [`State::Fetched`].
    Fetched,
    /// See [`State::Applied`].
    Applied,
    /// See [`State::Waiting`].
    Waiting,
    /// See [`State::Quarantined`].
    Quarantined,
}

impl StateName {
    /// Every state, in the order of an order's life.
    pub const ALL: [Self; 6] =
        [Self::Seen, Self::Located, Self::Fetched, Self::Applied, Self::Waiting, Self::Quarantined];

    /// The name as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Located => "located",
            Self::Fetched => "fetched",
            Self::Applied => "applied",
            Self::Waiting => "waiting",
            Self::Quarantined => "quarantined",
        }
    }
}

impl FromStr for StateName {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or(UnknownState(()))
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no state of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a state: seen, located, fetched, applied, waiting or quarantined is expected")]
pub struct UnknownState(());

/// What applying an archive did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// When it was applied.
    pub at: Timestamp,
    /// The document's `pushDate`.
    pub push_date: ShanghaiTime,
    /// The document's `totalSize`.
    pub total_size: u64,
    /// Records that now stand in the table from this order.
    pub stored: u64,
    /// Records for which the table already held a later version.
    pub superseded: u64,
    /// Records set aside because they are not as the manual describes.
    pub quarantined: u64,
}

impl Order {
    /// An order of which only the number is known.
    pub fn seen(no: OrderNo, now: Timestamp) -> Self {
        Self {
            no,
            state: State::Seen,
            created_at: None,
            first_seen_at: now,
            listed_at: None,
            called_at: None,
            failures: 0,
            failing_since: None,
            damaged: 0,
            password: None,
            archive: None,
            applied: None,
            location: None,
        }
    }

    /// The vendor said where the archive is.
    #[must_use]
    pub fn located(mut self, location: Location, now: Timestamp) -> Self {
        self.password = Some(location.password.clone());
        self.location = Some(Located { location, at: now });
        self.state = State::Located;
        self
    }

    /// The archive is on disk.
    #[must_use]
    pub fn fetched(mut self, archive: KeptArchive) -> Self {
        self.archive = Some(archive);
        self.location = None;
        self.state = State::Fetched;
        self
    }

    /// Its records are about to be committed together with this.
    #[must_use]
    pub fn applied(mut self, applied: Applied) -> Self {
        self.applied = Some(applied);
        self.state = State::Applied;
        self.unfailed()
    }

    /// A person wants it tried again: due at once, failures forgotten. `None`
    /// where it neither waits nor is quarantined.
    ///
    /// An archive that was damaged, or did not open, is downloaded anew; any
    /// other that was kept is applied again.
    #[must_use]
    pub fn retried(mut self) -> Option<Self> {
        let code = self.state.reason()?.code;
        if matches!(
            code,
            ReasonCode::ArchiveDamaged | ReasonCode::WrongPassword | ReasonCode::ArchiveMissing
        ) {
            self.archive = None;
        }
        self.state = if self.archive.is_some() { State::Fetched } else { State::Seen };
        Some(self.unfailed())
    }

    /// The same with its failures forgotten.
    pub(crate) fn unfailed(self) -> Self {
        Self { failures: 0, failing_since: None, damaged: 0, ..self }
    }
}

/// What to do about an order now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Ask the vendor where the archive is (6.2.5).
    Locate,
    /// Download it (6.2.6).
    Fetch,
    /// Put its records into the table.
    Apply,
    /// Nothing, until then, or until a person acts where there is no then.
    Rest(Option<Timestamp>),
}

/// A link that ends sooner than this is not worth starting on, unless it is
/// younger than this: then it is the clocks that disagree, and only trying tells.
const LINK_MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// The one step that follows from what is known. Pure: no clock, no effect.
pub fn next_step(order: &Order, now: Timestamp) -> Step {
    match &order.state {
        State::Applied | State::Quarantined { .. } => return Step::Rest(None),
        State::Waiting { until, .. } if now < *until => return Step::Rest(Some(*until)),
        State::Waiting { .. } | State::Seen | State::Located | State::Fetched => {}
    }
    if order.archive.is_some() {
        return Step::Apply;
    }
    match &order.location {
        Some(located) if located.is_usable(now) => Step::Fetch,
        _ => Step::Locate,
    }
}

impl Located {
    fn is_usable(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.at);
        let left = self.location.ends_at().map(|end| end.duration_since(now));
        (SignedDuration::ZERO..LINK_MARGIN).contains(&age)
            || left.is_none_or(|left| left >= LINK_MARGIN)
    }
}
