//! What each fuzz target checks: an oracle that panics where ours is wrong.
//!
//! Kept apart from the targets, which are an entry point each, so that the
//! oracles are plain safe functions that a test can call.

#[path = "../../crates/qcc-proto/tests/it/reader.rs"]
#[expect(dead_code, reason = "the behaviour tests of the record reader use the rest of it")]
mod reader;
#[path = "../../crates/qcc-proto/tests/it/second_opinion.rs"]
mod second_opinion;

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
mod recipe;
mod record_rules;
mod unzipped;
