#![doc = include_str!("../README.md")]

mod body;
mod transport;

pub use body::Body;
pub use transport::{Deadlines, Delivery, HttpClient, Transport, TransportError, TransportErrorKind};
