#![doc = include_str!("../README.md")]

mod apply;
mod batch;
mod callbacks;
mod calls;
mod copy;
mod decisions;
mod facts;
mod fault;
mod files;
mod listing;
mod migrations;
mod orders;
mod rebuild;
mod records;
mod spill;
mod store;
mod text;
mod thread;

pub use apply::SqliteApply;
pub use copy::Copied;
pub use rebuild::SqliteSnapshot;
pub use store::SqliteStore;
