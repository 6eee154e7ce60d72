#![doc = include_str!("../README.md")]

mod body;
mod budget;
mod client;
#[cfg(feature = "conformance")]
pub mod conformance;
mod dropped;
mod guards;
mod inbox;
mod observer;
mod paths;
mod probe;
mod rate;
mod receiver;
mod rejection;
#[cfg(feature = "server")]
mod server;
mod service;

pub use body::AckBody;
pub use budget::ErrorBudget;
pub use client::PeerAddr;
pub use dropped::{DropReason, Dropped};
pub use guards::{Guards, RateLimit};
pub use inbox::{Inbox, InboxError, MemoryInbox, Noted};
pub use observer::{AccessLog, Answered, Observer, Outcome};
pub use paths::{InvalidPath, PathSecret, Paths, Tail};
pub use probe::Probe;
pub use receiver::{Callback, Receiver};
pub use rejection::Rejection;
#[cfg(feature = "server")]
pub use server::{ServerLimits, plain, serve, serve_with};
pub use service::{Answering, CallbackService, CallbackServiceBuilder};
