#![doc = include_str!("../README.md")]

mod address;
mod base_url;
#[cfg(feature = "blocking")]
mod blocking;
mod body;
mod client;
#[cfg(feature = "conformance")]
pub mod conformance;
mod download_hosts;
#[cfg(feature = "hyper")]
mod hyper;
mod limited;
mod transport;

#[cfg(feature = "hyper")]
pub use crate::hyper::{
    HyperTransport, HyperTransportBuilder, InvalidProxy, InvalidRoots, Proxies, Roots,
};
pub use address::AddressRules;
pub use base_url::{BaseUrl, InvalidBaseUrl};
#[cfg(feature = "blocking")]
pub use blocking::{Blocking, BlockingTransport, Cancellation};
pub use body::Body;
pub use client::{
    Client, Download, EchoedUrl, Error, ErrorClass, LinkFault, MinimumRate, OtherAccount,
    RedirectPolicy, Resume,
};
pub use download_hosts::{DownloadHosts, InvalidDownloadHosts};
pub use transport::{
    Deadlines, Delivery, HttpClient, Transport, TransportError, TransportErrorKind,
};
