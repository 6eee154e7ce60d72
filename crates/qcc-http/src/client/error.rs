//! Why a call gave nothing: whose fault, what it means, and what to do.

use std::{error::Error as StdError, fmt};

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
    /// The answer's HTTP status is no success: not the vendor speaks, but its
    /// server or something on the way.
    Http {
        /// The call.
        endpoint: Endpoint,
        /// The status.
        http: StatusCode,
        /// What the body looked like; never a secret of it.
        seen: String,
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
    },
    /// The file host cannot go on where the last attempt stopped.
    NotResumable,
    /// The file host compressed the transfer, which nobody asked for.
    Encoded,
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
    /// Proxy, certificates or addresses on our side: tell a person. It may
    /// also be a network that is about to come back, so a daemon goes on slowly.
    Setup,
}

impl Error {
    /// What to do.
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
            Self::Http { http, .. } if passes(*http) => ErrorClass::Transient,
            Self::Http { .. } | Self::EchoDiffers(_) => ErrorClass::Setup,
            Self::Malformed { .. } | Self::TooLarge { .. } | Self::WrongOrder { .. } => {
                ErrorClass::Transient
            }
            Self::LinkRefused(_) => ErrorClass::LinkRefused,
            Self::LinkExpired => ErrorClass::NewLink,
            Self::Storage { http, .. } if passes(*http) => ErrorClass::Transient,
            Self::Storage { .. } => ErrorClass::NewLink,
            Self::NotResumable => ErrorClass::StartOver,
            Self::Encoded => ErrorClass::Transient,
            Self::Transport(error) => match error.kind() {
                kind if kind.is_transient() => ErrorClass::Transient,
                TransportErrorKind::Forbidden => ErrorClass::LinkRefused,
                _ => ErrorClass::Setup,
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
    pub(super) fn new(text: &str) -> Self {
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected { refusal, skew, .. } => {
                // What was measured says more than the advice, which begins with the clock.
                match skew.filter(|_| self.class() == ErrorClass::ClockOrSignature) {
                    Some(skew) => write!(f, "{refusal}. {}", Skew(skew)),
                    None => write!(f, "{refusal}. {}", refusal.status.advice()),
                }
            }
            Self::Http { endpoint, http, seen } => {
                let name = endpoint.name();
                write!(
                    f,
                    "{name}: HTTP {http} instead of an answer ({seen}); {}",
                    http_advice(*http)
                )
            }
            Self::Malformed { endpoint, http, seen, .. } => write!(
                f,
                "{}: HTTP {http}, but no answer of the vendor's ({seen}); \
                 if it stays, see whether the base URL and the proxy are right",
                endpoint.name()
            ),
            Self::TooLarge { endpoint, limit } => write!(
                f,
                "{}: the answer is longer than {limit} bytes; see whether the base URL is right",
                endpoint.name()
            ),
            Self::WrongOrder { asked, answered } => write!(
                f,
                "asked for order {asked}, the vendor answered about {answered}; \
                 nothing of it was used, ask again later"
            ),
            Self::EchoDiffers(_) => f.write_str(
                "the vendor echoed another callback URL than it was sent and may call the wrong \
                 place: set it again, without unusual characters",
            ),
            Self::LinkRefused(fault) => write!(f, "the download link was not followed: {fault}"),
            Self::LinkExpired => f.write_str("the download link has expired: ask for a new one"),
            Self::Storage { http, code: Some(code) } => {
                write!(f, "the file host refused the download: HTTP {http}, {code}")
            }
            Self::Storage { http, code: None } => {
                write!(f, "the file host refused the download: HTTP {http}")
            }
            Self::NotResumable => f.write_str(
                "the file host cannot continue the download: start over from the beginning",
            ),
            Self::Encoded => f.write_str(
                "the file was sent compressed in transfer, which changes its bytes: \
                 something on the way interferes, try again later",
            ),
            // A wrapper without words of its own: its cause is the next one.
            Self::Transport(error) => error.fmt(f),
        }
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

impl fmt::Display for LinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAUrl => f.write_str("it is no http or https URL"),
            Self::UserInfo => f.write_str("it carries a user name or password"),
            Self::Host { named } => write!(
                f,
                "{named} is not among the allowed download hosts; \
                 if archives shall come from there, add it to them"
            ),
        }
    }
}

/// What a person does about an HTTP status that is none of the vendor's own.
fn http_advice(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            "the proxy wants a user name and password: put them into its URL"
        }
        _ if passes(status) => "try again later",
        _ if status.is_redirection() => {
            "redirects are not followed: see whether the base URL is right"
        }
        _ => "see whether the base URL is right and nothing on the way blocks the call",
    }
}

/// A skew in words. Beyond a minute, the vendor's time was tried as well.
struct Skew(SignedDuration);

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let off = seconds.unsigned_abs();
        let side = match seconds {
            -60..=60 => {
                return write!(
                    f,
                    "The clocks agree within {} s, so it is not the clock: the secret key is \
                     wrong or this machine's address is not allowed. Compare the SecretKey with \
                     the settings centre first, then ask for the allowlist of addresses.",
                    off.max(1)
                );
            }
            61.. => "behind",
            _ => "ahead of",
        };
        write!(
            f,
            "This machine's clock is {off} s {side} the vendor's: set it right. But signed with \
             the vendor's time it was refused too, so the secret key is wrong or this machine's \
             address is not allowed. Compare the SecretKey with the settings centre first, then \
             ask for the allowlist of addresses."
        )
    }
}
