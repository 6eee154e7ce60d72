//! Why a call or a download failed, whose fault it is, and what to do.

mod words;

use std::{error::Error as StdError, fmt, time::Duration};

use http::StatusCode;
use jiff::SignedDuration;
use qcc_proto::{Endpoint, EnvelopeError, OrderNo, Refusal, Status, StatusClass};

use super::call::passes;
use crate::{LinkFault, TransportError, TransportErrorKind};

/// A call or a download that failed.
///
/// [`retry`](Self::retry) says what a program does about it,
/// [`advice`](Self::advice) what a person can do. `Display` is one line that says
/// what failed. Holds no URL, no header, no key and no password.
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
    /// The HTTP status is not 200: the answer comes from a server or proxy in
    /// between, because the vendor's own refusals come with 200.
    Http {
        /// The call.
        endpoint: Endpoint,
        /// The status.
        http: StatusCode,
        /// What the body looked like; never a secret of it.
        seen: String,
        /// Where a redirect leads: scheme, host and port.
        leads_to: Option<String>,
        /// How long a 429 or 503 asks to wait, an hour at most.
        retry_after: Option<Duration>,
    },
    /// HTTP 200, but the body is not an answer of the vendor.
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
    /// The answer is longer than any valid one.
    TooLarge {
        /// The call.
        endpoint: Endpoint,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The answer is about another order than the one asked for.
    WrongOrder {
        /// The one in the request.
        asked: OrderNo,
        /// The one in the answer.
        answered: OrderNo,
    },
    /// The vendor echoed another callback URL than the one sent.
    EchoDiffers(EchoedUrl),
    /// The link leads where downloads may not go. Nothing was sent.
    LinkRefused(LinkFault),
    /// The file host says that the link has expired.
    LinkExpired,
    /// The file host refused for another reason.
    Storage {
        /// The HTTP status.
        http: StatusCode,
        /// The `Code` of its XML, if it sent one.
        code: Option<String>,
        /// Where a redirect leads: scheme, host and port.
        leads_to: Option<String>,
        /// How long a 429 or 503 asks to wait, an hour at most.
        retry_after: Option<Duration>,
    },
    /// The file host cannot continue where the last attempt stopped.
    NotResumable,
    /// The answer came compressed, which was not asked for.
    Encoded {
        /// The call; `None` for a download.
        endpoint: Option<Endpoint>,
        /// The coding, by the name it has in `Content-Encoding`.
        coding: &'static str,
    },
    /// There was no answer, or it broke off.
    Transport(TransportError),
}

/// What kind of failure an [`Error`] is. [`Retry`] says what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The vendor is still preparing the order.
    NotYet,
    /// It may pass on its own: network, overload, an unusable answer.
    Transient,
    /// Too many bad requests; repeating them may escalate a ban.
    CoolOff,
    /// The day's allowance is used up.
    DailyLimit,
    /// The vendor refused the signature, the clock or this machine's address.
    ClockOrSignature,
    /// The vendor refused the key, a permission or the balance.
    Account,
    /// The vendor refused this very request, or knows no such order.
    Refused,
    /// The vendor answered with a code that the manual does not list.
    UnknownStatus,
    /// The link is of no use anymore, or the file host refused it.
    LinkExpired,
    /// The part of the file does not continue what was received.
    NotResumable,
    /// The vendor's answer holds a link that is not a URL.
    LinkUnusable,
    /// The link leads where downloads may not go.
    LinkRefused,
    /// A setting on our side is wrong: the proxy, the base URL, the callback URL.
    Setup,
}

/// What to do after an [`Error`].
///
/// The list is complete on purpose: whoever matches on it decides every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Repeat the same call with back-off and jitter, and not before this time has
    /// passed where the other side asked for it (`Retry-After`, an hour at most).
    Later {
        /// How long the other side asks to be left alone.
        not_before: Option<Duration>,
    },
    /// Repeat slowly and tell a person: it passes only if a setting on our side or
    /// the network changes.
    LaterWithHelp,
    /// Ask for a new link, and download with that.
    NewLink,
    /// Ask for a new link a few times at most: the vendor sends unusable ones.
    NewLinkFewTimes,
    /// Download again from the first byte.
    StartOver,
    /// Make no call at all for a while, because more bad calls may lead to a ban.
    CoolOff,
    /// Make no call at all until the next midnight in Shanghai.
    NextDay,
    /// Make no call at all until a person has acted.
    StopAll,
    /// Never repeat this call unchanged. Other calls are not affected.
    Never,
}

impl Error {
    /// What to do, for every error there is.
    pub fn retry(&self) -> Retry {
        match self.class() {
            ErrorClass::NotYet | ErrorClass::Transient => {
                Retry::Later { not_before: self.retry_after() }
            }
            ErrorClass::UnknownStatus | ErrorClass::Setup => Retry::LaterWithHelp,
            ErrorClass::LinkExpired => Retry::NewLink,
            ErrorClass::LinkUnusable => Retry::NewLinkFewTimes,
            ErrorClass::NotResumable => Retry::StartOver,
            ErrorClass::CoolOff => Retry::CoolOff,
            ErrorClass::DailyLimit => Retry::NextDay,
            ErrorClass::ClockOrSignature | ErrorClass::Account => Retry::StopAll,
            ErrorClass::Refused | ErrorClass::LinkRefused => Retry::Never,
        }
    }

    /// What kind of failure it is.
    ///
    /// Transient is whatever may end without anybody's help: a name that does not
    /// resolve, a refused connection, a failed TLS handshake, stalls, slow answers,
    /// a broken connection, an answer that is not HTTP, HTTP 408, 425, 429 and 5xx,
    /// a success other than 200, and a body that is not an answer of the vendor.
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
            // An unexpected success comes from a gateway, and ends once that works again.
            Self::Http { http, .. } if passes(*http) || http.is_success() => ErrorClass::Transient,
            Self::Http { .. } | Self::EchoDiffers(_) => ErrorClass::Setup,
            Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::WrongOrder { .. }
            | Self::Encoded { .. } => ErrorClass::Transient,
            Self::LinkRefused(LinkFault::NotAUrl) => ErrorClass::LinkUnusable,
            Self::LinkRefused(_) => ErrorClass::LinkRefused,
            Self::LinkExpired => ErrorClass::LinkExpired,
            Self::Storage { http, .. } if passes(*http) => ErrorClass::Transient,
            Self::Storage { .. } => ErrorClass::LinkExpired,
            Self::NotResumable => ErrorClass::NotResumable,
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

    /// How long a 429 or 503 asks to wait, by its `Retry-After`; an hour at most.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Http { retry_after, .. } | Self::Storage { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the other side may have seen the request.
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::LinkRefused(_) => false,
            Self::Transport(error) => error.kind().may_have_arrived(),
            _ => true,
        }
    }
}

/// The callback URL as the vendor echoed it.
///
/// Its path may be a secret, so neither `Display` of an error nor `Debug` shows it.
/// Show it only to the person who set the URL.
#[derive(Clone, PartialEq, Eq)]
pub struct EchoedUrl(Box<str>);

impl EchoedUrl {
    /// What the vendor echoed.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text as it came. It may contain a secret path.
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
