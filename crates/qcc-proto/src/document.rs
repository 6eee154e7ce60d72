//! The streaming reader of `dd_risk_corp.json` (6.2.6).
//!
//! Written by hand, because it is the hot path and reads hostile input: it works
//! in bounded memory and without recursion, whatever the document. From the
//! outside in: [`reader`] hands out records, [`walk`] follows the document's
//! structure, [`record`] reads one record, [`skip`] follows any other value,
//! [`scan`] searches strings, and [`feed`] provides checked text.

mod error;
mod fault;
mod feed;
mod frame;
mod header;
mod item;
mod limits;
mod reader;
mod record;
mod scan;
mod skip;
mod summary;
mod utf8;
mod walk;

/// The name of the document in an archive (6.2.6).
pub const DOCUMENT_NAME: &str = "dd_risk_corp.json";

pub use self::{
    error::{DocumentError, DocumentField},
    fault::{RecordFault, RecordField},
    header::DocumentHeader,
    item::{Item, ItemRef, RecordRef, SetAsideRecord},
    limits::ReaderLimits,
    reader::RecordReader,
    summary::DocumentSummary,
};
