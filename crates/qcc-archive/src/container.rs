//! The zip container: end record, central directory, local headers, extra fields.

pub(crate) mod directory;
pub(crate) mod end;
pub(crate) mod extra;
pub(crate) mod fields;
pub(crate) mod local;
