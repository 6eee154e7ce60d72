//! Connections that end before a request reaches the service.

use std::net::IpAddr;

/// Why a connection was dropped before it delivered a request, or its next one.
///
/// Some of these may be callbacks, so they are counted beside the answers. If
/// callbacks stay away, the counts show whether clients reach this server at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The operating system could not accept it, for example because too many files
    /// are open.
    NotAccepted,
    /// All connections were in use, and this one had not sent a request yet.
    TooManyConnections,
    /// The handshake failed: no TLS, or no TLS version or cipher in common.
    Handshake,
    /// The handshake took longer than [`ServerLimits::handshake`](crate::ServerLimits).
    HandshakeTimeout,
    /// The bytes received are not an HTTP/1 request.
    NotHttp,
    /// The request head is too long, or has too many headers.
    HeadTooLarge,
    /// The request head took too long to arrive.
    HeadTimeout,
    /// The client closed the connection in the middle of a request.
    Incomplete,
}

impl DropReason {
    /// All reasons, so that metrics can start at zero.
    pub const ALL: &[Self] = &[
        Self::NotAccepted,
        Self::TooManyConnections,
        Self::Handshake,
        Self::HandshakeTimeout,
        Self::NotHttp,
        Self::HeadTooLarge,
        Self::HeadTimeout,
        Self::Incomplete,
    ];

    /// A stable code for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAccepted => "not_accepted",
            Self::TooManyConnections => "crowded",
            Self::Handshake => "handshake",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::NotHttp => "no_request",
            Self::HeadTooLarge => "head_too_large",
            Self::HeadTimeout => "head_timeout",
            Self::Incomplete => "cut_short",
        }
    }
}

/// A dropped connection, as reported to an [`Observer`](crate::Observer).
#[derive(Debug)]
#[non_exhaustive]
pub struct Dropped {
    /// Why it was dropped.
    pub reason: DropReason,
    /// The address of the peer. Behind a proxy this is the proxy's address.
    pub peer: Option<IpAddr>,
}
