//! Data to standard output, words to standard error.

mod csv;
mod json;
mod paint;
mod progress;
mod shown;
mod streams;
mod table;

pub(crate) use csv::csv_line;
pub(crate) use json::{instant, line as json_line, reason as json_reason, record as json_record};
pub(crate) use paint::{Paint, colours_wanted};
pub(crate) use progress::Progress;
pub(crate) use shown::{bytes, changed, changed_in_brackets, count, duration, many, plain, when};
pub(crate) use streams::{Notes, Out, StdoutError, complain, raw_stdout};
pub(crate) use table::{facts, table, table_of};
