//! What each fuzz target checks: an oracle that panics where ours is wrong.
//!
//! Kept apart from the targets, which are an entry point each, so that the
//! oracles are plain safe functions that a test can call.

pub mod callback;
pub mod container;
pub mod decode;
pub mod envelope;
pub mod list;
pub mod records;
pub mod times;

mod inflated;
mod leaks;
mod outcome;
mod reading;
mod recipe;
mod record_rules;
mod second_opinion;
mod unzipped;
