//! Why a call gave nothing: whose fault, what it means, and what to do.

mod words;

use std::{error::Error as StdError, fmt, time::Duration};

use http::StatusCode;
use jiff::SignedDuration;
use qcc_proto::{Endpoint, EnvelopeError, OrderNo, Refusal, Status, StatusClass};

use super::call::passes;
use crate::{Delivery, TransportError, TransportErrorKind};

/// A call or a download that failed.
///
/// [`class`](Self::class) says what to do about it. Holds no URL, no header,
/// no key and no password.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The vendor understood the call and refused it.
    Rejected {
        /// The call.
        endpoint: Endpoint,
        /// Its code and message.
        refusal: Refusal,
        /// How far the vendor's clock is ahead of the `now` of the call, by its
        /// `Date` header; `None` where it sent none.
        skew: Option<SignedDuration>,
    },
    /// The answer's HTTP status is not 200: not the vendor speaks, but its server
    /// or something on the way.
    Http {
        /// The call.
        endpoint: Endpoint,
        /// The status.
        http: StatusCode,
        /// What the body looked like; never a secret of it.
        seen: String,
        /// Where it redirects to: scheme, host and port.
        leads_to: Option<String>,
        /// How long a 429 or 503 asks to wait, an hour at most.
        retry_after: Option<Duration>,
    },
    /// An HTTP success whose body is no answer of the vendor's.
    Malformed {
        /// The call.
        endpoint: Endpoint,
        /// The status.
        http: StatusCode,
        /// What the body looked like; never a secret of it.
        seen: String,
        /// What it lacks.
        source: EnvelopeError,
    },
    /// The answer is longer than any answer should be.
    TooLarge {
        /// The call.
        endpoint: Endpoint,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The vendor told of another order than it was asked for.
    WrongOrder {
        /// The one in the request.
        asked: OrderNo,
        /// The one in the answer.
        answered: OrderNo,
    },
    /// The vendor echoed another callback URL than it was sent.
    EchoDiffers(EchoedUrl),
    /// The link points where downloads do not go. Nothing was sent.
    LinkRefused(LinkFault),
    /// The file host says that the link has run out.
    LinkExpired,
    /// The file host refused for another reason.
    Storage {
        /// The HTTP status.
        http: StatusCode,
        /// The `Code` of its XML, if it sent one.
        code: Option<String>,
        /// Where it redirects to: scheme, host and port.
        leads_to: Option<String>,
        /// How long a 429 or 503 asks to wait, an hour at most.
        retry_after: Option<Duration>,
    },
    /// The file host cannot go on where the last attempt stopped.
    NotResumable,
    /// The answer came compressed, which nobody asked for.
    Encoded {
        /// The call; `None` for a download.
        endpoint: Option<Endpoint>,
        /// The coding, by the name it has in `Content-Encoding`.
        coding: &'static str,
    },
    /// No answer, or one that broke off.
    Transport(TransportError),
}

/// What is wrong with a download link.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkFault {
    /// It is no absolute `http` or `https` URL.
    NotAUrl,
    /// It carries a user name or password.
    UserInfo,
    /// Its host is not among the allowed ones.
    Host {
        /// `host:port`, as the list of download hosts would spell it.
        named: String,
    },
}

/// What to do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The vendor is still preparing the order: ask again later.
    NotYet,
    /// It may pass: repeat with back-off and jitter.
    Transient,
    /// Too many bad requests: stop, repeating may escalate a ban.
    CoolOff,
    /// The day's allowance is used up: wait for the next Shanghai midnight.
    DailyLimit,
    /// Signature, clock or address refused: stop and tell a person.
    ClockOrSignature,
    /// Key, permission or billing: stop and tell a person.
    Account,
    /// The vendor refuses this very request, or knows no such order: never
    /// repeat it unchanged.
    Refused,
    /// A code the manual does not list: keep it and tell a person.
    UnknownStatus,
    /// The link is of no use any more: ask for a new one.
    NewLink,
    /// Download again from the beginning.
    StartOver,
    /// The link is not allowed: the list of download hosts, or the vendor's
    /// link, is wrong. Tell a person.
    LinkRefused,
    /// The proxy's credentials or addresses on our side: tell a person. It may
    /// also be a network that is about to come back, so a daemon goes on slowly.
    Setup,
}

impl Error {
    /// What to do, for every error there is.
    ///
    /// Transient is whatever may end without anybody's help: a name that does
    /// not resolve, a refused connection, a failed TLS handshake, stalls and
    /// drips, a broken connection, what is no HTTP, HTTP 408, 425, 429 and 5xx,
    /// a success other than 200, and answers that are none.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Rejected { refusal, .. } => match refusal.class() {
                StatusClass::NotYet => ErrorClass::NotYet,
                StatusClass::Transient => ErrorClass::Transient,
                StatusClass::CoolOff => ErrorClass::CoolOff,
                StatusClass::DailyLimit => ErrorClass::DailyLimit,
                StatusClass::ClockOrSignature => ErrorClass::ClockOrSignature,
                StatusClass::Account => ErrorClass::Account,
                StatusClass::Done | StatusClass::Empty | StatusClass::OurFault => {
                    ErrorClass::Refused
                }
                _ => ErrorClass::UnknownStatus,
            },
            // An unexpected success is some gateway's, and gone once that works again.
            Self::Http { http, .. } if passes(*http) || http.is_success() => ErrorClass::Transient,
            Self::Http { .. } | Self::EchoDiffers(_) => ErrorClass::Setup,
            Self::Malformed { .. } | Self::TooLarge { .. } | Self::WrongOrder { .. } => {
                ErrorClass::Transient
            }
            Self::LinkRefused(_) => ErrorClass::LinkRefused,
            Self::LinkExpired => ErrorClass::NewLink,
            Self::Storage { http, .. } if passes(*http) => ErrorClass::Transient,
            Self::Storage { .. } => ErrorClass::NewLink,
            Self::NotResumable => ErrorClass::StartOver,
            Self::Encoded { .. } => ErrorClass::Transient,
            Self::Transport(error) => match error.kind() {
                TransportErrorKind::Resolve
                | TransportErrorKind::Connect
                | TransportErrorKind::Tls
                | TransportErrorKind::Timeout
                | TransportErrorKind::Broken
                | TransportErrorKind::Protocol => ErrorClass::Transient,
                TransportErrorKind::Forbidden => ErrorClass::LinkRefused,
                TransportErrorKind::Request | TransportErrorKind::Proxy => ErrorClass::Setup,
            },
        }
    }

    /// Whether the same call may succeed later without anybody's help.
    pub fn is_transient(&self) -> bool {
        matches!(self.class(), ErrorClass::Transient | ErrorClass::NotYet)
    }

    /// The vendor's code, where it was the vendor who refused.
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::Rejected { refusal, .. } => Some(refusal.status),
            _ => None,
        }
    }

    /// How far the vendor's clock is ahead of ours, where a refusal measured it.
    pub fn skew(&self) -> Option<SignedDuration> {
        match self {
            Self::Rejected { skew, .. } => *skew,
            _ => None,
        }
    }

    /// How long whoever answered 429 or 503 asks to be left alone, by its
    /// `Retry-After`; an hour at most.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Http { retry_after, .. } | Self::Storage { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the request may have arrived.
    pub fn delivery(&self) -> Delivery {
        match self {
            Self::LinkRefused(_) => Delivery::NotSent,
            Self::Transport(error) => error.delivery(),
            _ => Delivery::Unknown,
        }
    }
}

/// The callback URL as the vendor echoed it.
///
/// Its path may be a secret, so neither an error's text nor `Debug` shows it: who
/// set the URL by hand may look.
#[derive(Clone, PartialEq, Eq)]
pub struct EchoedUrl(Box<str>);

impl EchoedUrl {
    /// What the vendor echoed.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text, as it came. Whoever prints it takes care of what is in it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EchoedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EchoedUrl(…)")
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Malformed { source, .. } => Some(source),
            Self::Transport(error) => error.source(),
            _ => None,
        }
    }
}
