//! What the project's own programs share: running other programs, and the parts of
//! pages that a program writes.
#![expect(clippy::print_stdout, reason = "the programs show which commands they run")]

pub mod marked;
pub mod run;
