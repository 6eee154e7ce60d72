#![doc = include_str!("../README.md")]

mod archives;
mod burst;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod decision;
mod delivery;
mod engine;
mod event;
mod gap;
mod heal;
mod ledger;
mod memory;
mod pace;
mod policy;
mod prune;
mod reason;
mod rebuild;
mod replay;
mod secret_path;
mod store;
mod verify;
mod wake;

pub use archives::{
    Archives, ArchivesError, Discard, FolderArchives, FolderPartial, InvalidSha256, KeptArchive,
    Label, MemoryArchives, MemoryPartial, Partial, Pruned, Retention, Sha256, ShelvedArchive,
    Strays,
};
pub use burst::{Burst, fastest_burst};
pub use clock::{Clock, SystemClock};
pub use decision::{DENIED_FORGOTTEN_AFTER, Decision, FORGOTTEN_AFTER, Life, MOST_UNCONFIRMED};
pub use delivery::{Activation, AnswerErrors, Callbacks, Delivery, DeliveryPolicy};
pub use engine::{Engine, EngineError, Follow, Parts, Report};
pub use event::{Answer, Event, Observer, VendorCall};
pub use gap::{Continuity, Gap, Listing, WindowPressure, detect_gap, gap_by_now, oldest_before};
pub use heal::{Heal, HealWait, Probe, Probed, next_heal};
pub use ledger::{
    Applied, Dismissal, LONGEST_HOLD, LONGEST_WAIT, Located, Order, State, StateName, Step,
    UnknownState, is_resting, next_step,
};
pub use memory::{MemoryApply, MemorySnapshot, MemoryStore};
pub use policy::{CountMismatch, Failure, Policy, Remedy};
pub use prune::{Prune, PruneReport, PruneScope, PrunedArchive};
pub use reason::{Reason, ReasonCode, UnknownReasonCode};
pub use rebuild::{Rebuild, Snapshot};
pub use replay::{Replay, ReplayReport, ReplayScope, Setback};
pub use secret_path::{InvalidPathSegment, PathSegment, PathStep, PathWish, SecretPath, next_path};
pub use store::{
    Apply, Changes, Hold, NotedListing, OrderFilter, Overview, Rank, RecordFilter, Row, SetAside,
    Store, StoreError, StoreErrorKind, StoredRecord, UnknownWord, Want, Worker, Written,
};
pub use verify::{
    AsideFault, Difference, Finding, Verdict, VerifyError, VerifySettings, VerifyStage, verify,
};
pub use wake::Wake;
