//! What an error says to a person.

use std::fmt;

use http::StatusCode;
use jiff::SignedDuration;
use qcc_proto::Endpoint;

use super::{Error, ErrorClass, LinkFault, passes};

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
            Self::Http { endpoint, http, seen, leads_to, .. } => {
                write!(f, "{}: HTTP {http} instead of an answer ({seen})", endpoint.as_str())?;
                match leads_to {
                    Some(place) => write!(
                        f,
                        ", which leads to {place}; redirects are not followed: if that is the \
                         vendor, set the base URL to it"
                    ),
                    None => write!(f, "; {}", http_advice(*http)),
                }
            }
            Self::Malformed { endpoint, http, seen, .. } => write!(
                f,
                "{}: HTTP {http}, but no answer of the vendor's ({seen}); \
                 if it stays, see whether the base URL and the proxy are right",
                endpoint.as_str()
            ),
            Self::TooLarge { endpoint, limit } => write!(
                f,
                "{}: the answer is longer than {limit} bytes; see whether the base URL is right",
                endpoint.as_str()
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
            Self::Storage { http, code, leads_to, .. } => {
                write!(f, "the file host refused the download: HTTP {http}")?;
                if let Some(code) = code {
                    write!(f, ", {code}")?;
                }
                match leads_to {
                    Some(place) => write!(
                        f,
                        ", which leads to {place}; redirects are not followed, except to https of \
                         the same host where the settings allow it"
                    ),
                    None => Ok(()),
                }
            }
            Self::NotResumable => f.write_str(
                "the file host cannot continue the download: start over from the beginning",
            ),
            Self::Encoded { endpoint, coding } => write!(
                f,
                "{}: the answer came compressed ({coding}), which was not asked for: something on \
                 the way interferes, try again later",
                endpoint.map_or("download", Endpoint::as_str)
            ),
            // A wrapper without words of its own: its cause is the next one.
            Self::Transport(error) => error.fmt(f),
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
        _ if status.is_success() => {
            "the vendor answers with HTTP 200 only: see whether the base URL is right and nothing \
             on the way changes answers"
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
