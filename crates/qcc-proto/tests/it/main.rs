//! What a user of the crate relies on, against recorded answers and by laws.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its shared functions included"
)]

mod answers;
mod callbacks;
mod edges;
mod envelope_laws;
mod fixtures;
mod reader;
mod reader_bombs;
mod reader_documents;
mod reader_edges;
mod reader_fixtures;
mod reader_laws;
mod reader_records;
mod reader_streams;
mod requests;
mod second_opinion;
#[cfg(feature = "serde")]
mod serialising;
mod statuses;
mod url_and_time_edges;
