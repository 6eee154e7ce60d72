#![doc = include_str!("../README.md")]

mod archive;
mod clock;
mod config;
mod dialect;
mod document;
mod fault;
mod journal;
mod plan;
mod record;
mod reply;
mod seed;
mod server;
mod transport;
mod truth;
mod vendor;
mod words;

pub use archive::{ArchiveSpec, write_archive};
pub use clock::VirtualClock;
pub use config::{Account, VendorConfig};
pub use dialect::{
    ArchiveDialect, ArchiveStyle, Casing, Container, DateForm, Layout, Nesting, WireDialect,
};
pub use fault::{Fault, UnknownFault};
pub use journal::{Entry, Exchange, Journal};
pub use plan::{FaultPlan, InvalidFaultPlan, Rate};
pub use record::{SimRecord, sample_records};
pub use reply::{Conduct, Pace, Reply};
pub use server::Server;
pub use transport::SimTransport;
pub use truth::{TrueOrder, TrueRecord, Truth};
pub use vendor::{CallbackCall, CallbackOutcome, PushSchedule, Vendor};
