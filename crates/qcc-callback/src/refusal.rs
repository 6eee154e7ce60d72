//! What ends before it is a request: on the way to the service, never in it.

use std::net::IpAddr;

/// Why a connection brought no request, or its next one was none.
///
/// The vendor's calls may be among them, so they are counted like answers: where
/// calls stay away, these tell a network that does not reach us from a client that
/// does and is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The system had no room for the connection: too many open files, say.
    NotAccepted,
    /// It was closed before its first request, for others, because all were in use.
    Crowded,
    /// The handshake failed: no TLS, no version or cipher in common.
    Handshake,
    /// The handshake took too long.
    HandshakeTimeout,
    /// What came is no request of HTTP/1.
    NoRequest,
    /// The head is too long, or has too many headers.
    HeadTooLarge,
    /// The head took too long.
    HeadTimeout,
    /// The client left in the middle of a request.
    CutShort,
}

impl Refusal {
    /// Every one, for metrics that show zeros.
    pub const ALL: &[Self] = &[
        Self::NotAccepted,
        Self::Crowded,
        Self::Handshake,
        Self::HandshakeTimeout,
        Self::NoRequest,
        Self::HeadTooLarge,
        Self::HeadTimeout,
        Self::CutShort,
    ];

    /// A word for metrics and logs, the same from version to version.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAccepted => "not_accepted",
            Self::Crowded => "crowded",
            Self::Handshake => "handshake",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::NoRequest => "no_request",
            Self::HeadTooLarge => "head_too_large",
            Self::HeadTimeout => "head_timeout",
            Self::CutShort => "cut_short",
        }
    }
}

/// One of them, as an [`Observer`](crate::Observer) is told of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// The address at the other end of the connection; a proxy has said nothing yet.
    pub client: Option<IpAddr>,
}
