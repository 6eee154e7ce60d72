#![doc = include_str!("../README.md")]

mod account;
mod apply;
mod aside;
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
mod snapshot;
mod spill;
mod store;
mod text;
mod thread;

pub use copy::Copied;
pub use store::SqliteStore;
