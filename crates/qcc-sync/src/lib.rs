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
    ArchiveFile, Archives, ArchivesError, Discard, FolderArchives, InvalidSha256, KeptArchive,
    Label, MemoryArchives, Partial, Pruned, Retention, Sha256, ShelvedArchive, Strays,
};
pub use burst::{Burst, fastest_burst};
pub use clock::{Clock, SystemClock};
pub use decision::{DENIED_FORGOTTEN_AFTER, Decision, FORGOTTEN_AFTER, Life, MOST_UNCONFIRMED};
pub use delivery::{Activation, AnswerErrors, Callbacks, Delivery, DeliveryPolicy};
pub use engine::{Engine, EngineError, Follow, Parts, Report};
pub use event::{Answer, Event, Observer, VendorCall};
pub use gap::{
    Continuity, Gap, JoinedList, Listing, NotedList, WindowPressure, detect_gap, join_list,
    oldest_before,
};
pub use heal::{Heal, HealWait, Probe, Probed, next_heal};
pub use ledger::{
    Applied, Dismissal, LONGEST_HOLD, LONGEST_WAIT, Located, Order, State, StateName, Step,
    UnknownState, is_resting, next_step,
};
pub use memory::MemoryStore;
pub use policy::{CountMismatch, Failure, Policy, Remedy};
pub use prune::{Prune, PruneReport, PruneScope, PrunedArchive};
pub use reason::{Reason, ReasonCode, UnknownReasonCode};
pub use replay::{Replay, ReplayReport, ReplayScope, Setback};
pub use secret_path::{InvalidPathSegment, PathSegment, PathStep, PathWish, SecretPath, next_path};
pub use store::{
    Account, AccountExt, Apply, Changes, Claim, Commit, Document, Hold, Lease, OrderFilter,
    Overview, Rank, RecordFilter, Row, SetAside, Snapshot, Store, StoreError, StoreErrorKind,
    StoredRecord, UnknownWord, Versioned, Want, Worker, Written, due_at, lease_end,
};
pub use verify::{
    AsideFault, Difference, Finding, Verdict, VerifyError, VerifySettings, VerifyStage, verify,
};
pub use wake::Wake;
