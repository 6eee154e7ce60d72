//! Behaviour of the transports and the client, over loopback only.

mod blocking;
mod client;
mod conformance;
mod download;
mod proxy;
mod secrets;
mod support;
mod tls;
