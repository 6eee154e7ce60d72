#![doc = include_str!("../README.md")]

mod archives;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod engine;
mod event;
mod gap;
mod ledger;
mod memory;
mod policy;
mod reason;
mod store;

pub use archives::{
    Archives, ArchivesError, FolderArchives, FolderPartial, InvalidSha256, KeptArchive,
    MemoryArchives, MemoryPartial, Partial, Sha256,
};
pub use clock::{Clock, SystemClock};
pub use engine::{Engine, EngineError, Parts, Report};
pub use event::{Event, Observer};
pub use gap::{Continuity, Gap, Listing, WindowPressure, detect_gap};
pub use ledger::{Applied, Located, Order, State, StateName, Step, UnknownState, next_step};
pub use memory::{MemoryApply, MemoryStore};
pub use policy::{CountMismatch, Failure, Policy, Remedy};
pub use reason::{Reason, ReasonCode, UnknownReasonCode};
pub use store::{
    Apply, Hold, OrderFilter, Overview, Rank, RecordFilter, Row, SetAside, Store, StoreError,
    StoreErrorKind, StoredRecord, UnknownWord, Worker, Written,
};
