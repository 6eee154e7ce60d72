//! What is known of an order, and the one step that follows from it.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{Location, OrderNo, ShanghaiTime, UnzipPassword};

use crate::{Changes, KeptArchive, Reason, ReasonCode};

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
    /// When a person added its number; `None` if nobody did.
    pub added_at: Option<Timestamp>,
    /// Whether a person wants it applied in spite of doubts about its archive.
    pub accepted: bool,
    /// A person decided that nothing more is to be done about it.
    pub dismissed: Option<Dismissal>,
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

/// A person's decision that nothing more is to be done about an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dismissal {
    /// When it was decided.
    pub at: Timestamp,
    /// Why, in the person's words.
    pub note: String,
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
    /// Records that stood in the table from this order when it was applied.
    pub stored: u64,
    /// What became of those; `None` where a version of this program applied it that did
    /// not count them.
    pub changes: Option<Changes>,
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
            added_at: None,
            accepted: false,
            dismissed: None,
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

    /// The archive is on disk. This is progress, so earlier failures are forgotten;
    /// how many archives were damaged is not.
    #[must_use]
    pub fn fetched(mut self, archive: KeptArchive) -> Self {
        self.archive = Some(archive);
        self.location = None;
        self.state = State::Fetched;
        Self { failures: 0, failing_since: None, ..self }
    }

    /// A list named it. One that only a call had named, and that the vendor did not
    /// know then, is due again.
    #[must_use]
    pub fn listed(mut self, created_at: Option<ShanghaiTime>, at: Timestamp) -> Self {
        let was_unconfirmed = self.listed_at.is_none();
        self.created_at = self.created_at.or(created_at);
        self.listed_at = self.listed_at.or(Some(at));
        match self.state.reason().map(|reason| reason.code) {
            Some(ReasonCode::UnknownToVendor | ReasonCode::Refused) if was_unconfirmed => {
                self.state = State::Seen;
                self.unfailed()
            }
            _ => self,
        }
    }

    /// Whether the vendor or a person named it, and not only a call: anybody who
    /// knows the account's key can call.
    pub fn is_confirmed(&self) -> bool {
        self.listed_at.is_some()
            || self.added_at.is_some()
            || self.password.is_some()
            || self.archive.is_some()
            || self.applied.is_some()
    }

    /// Its records are about to be committed together with this.
    #[must_use]
    pub fn applied(mut self, applied: Applied) -> Self {
        self.applied = Some(applied);
        self.in_table()
    }

    /// The same without the counts, which are known at the commit: see
    /// [`Commit`](crate::Commit).
    #[must_use]
    pub fn in_table(self) -> Self {
        Self { state: State::Applied, ..self.unfailed() }
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
            ReasonCode::ArchiveDamaged
                | ReasonCode::WrongPassword
                | ReasonCode::ArchiveMissing
                | ReasonCode::ForeignArchive
        ) {
            self.archive = None;
        }
        self.state = if self.archive.is_some() { State::Fetched } else { State::Seen };
        self.dismissed = None;
        Some(self.unfailed())
    }

    /// The same with its failures forgotten.
    pub(crate) fn unfailed(self) -> Self {
        Self { failures: 0, failing_since: None, damaged: 0, ..self }
    }
}

impl Order {
    /// Whether only calls named it so far.
    pub fn is_awaiting_list(&self) -> bool {
        !self.is_confirmed() && matches!(self.state, State::Seen | State::Waiting { .. })
    }

    /// Whether only calls named it, and no list that was read since, at
    /// `last_listing`. Anybody may have made it up.
    pub fn is_unconfirmed(&self, last_listing: Option<Timestamp>) -> bool {
        self.is_awaiting_list() && last_listing.is_some_and(|listing| listing >= self.first_seen_at)
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

/// No order waits longer than this of its own; see [`Policy::longest_wait`](crate::Policy).
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// No order waits longer than this for the vendor as a whole: the longest is until
/// the next midnight in Shanghai.
pub const LONGEST_HOLD: SignedDuration = SignedDuration::from_hours(25);

/// Whether an order that waits until then is not due yet. A wait that is longer than
/// any can be was set by a clock that was ahead, and is over.
pub fn is_resting(until: Timestamp, code: ReasonCode, now: Timestamp) -> bool {
    let longest = if code.is_hold() { LONGEST_HOLD } else { LONGEST_WAIT };
    now < until && until.duration_since(now) <= longest
}

/// The one step that follows from what is known. Pure: no clock, no effect.
pub fn next_step(order: &Order, now: Timestamp) -> Step {
    match &order.state {
        State::Applied | State::Quarantined { .. } => return Step::Rest(None),
        State::Waiting { until, reason } if is_resting(*until, reason.code, now) => {
            return Step::Rest(Some(*until));
        }
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
        let left = self.location.expires_at().map(|end| end.duration_since(now));
        (SignedDuration::ZERO..LINK_MARGIN).contains(&age)
            || left.is_none_or(|left| left >= LINK_MARGIN)
    }
}
