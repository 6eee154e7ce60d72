#![doc = include_str!("../README.md")]

mod base_url;
#[cfg(feature = "blocking")]
mod blocking;
mod body;
mod client;
#[cfg(feature = "conformance")]
pub mod conformance;
mod guard;
#[cfg(feature = "hyper")]
mod hyper;
mod limits;
#[cfg(feature = "tower")]
mod tower;
mod transport;

#[cfg(feature = "hyper")]
pub use crate::hyper::{
    HyperTransport, HyperTransportBuilder, Identity, InvalidProxy, InvalidTls, Proxies, Roots,
    TlsProvider,
};
#[cfg(feature = "tower")]
pub use crate::tower::TowerTransport;
pub use base_url::{BaseUrl, InvalidBaseUrl};
#[cfg(feature = "blocking")]
pub use blocking::{Blocking, BlockingTransport, Cancellation};
pub use body::Body;
pub use client::{
    Client, Download, EchoedUrl, Error, ErrorClass, OtherAccount, PushEchoed, RedirectPolicy,
    Resume, Retry,
};
pub use guard::{AddressPolicy, AllowedHost, DownloadPolicy, InvalidAllowedHost, LinkFault};
pub use transport::{
    AddressChecks, AnyTransport, MinimumRate, SendOptions, Timeouts, Transport, TransportError,
    TransportErrorKind,
};
// What appears in the public signatures, in the versions this crate uses.
pub use {bytes, http, http_body, jiff, qcc_proto, qcc_sign};
