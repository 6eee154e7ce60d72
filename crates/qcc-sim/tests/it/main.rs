//! The vendor, seen from outside.

mod api;
mod archives;
mod callbacks;
mod faults;
mod files;
mod server;
mod support;
mod transport;
mod window;
