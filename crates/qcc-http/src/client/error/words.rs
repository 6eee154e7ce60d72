//! What an error says to a person: one line, and what to do in a sentence of
//! its own.

use std::{borrow::Cow, fmt};

use http::StatusCode;
use jiff::SignedDuration;
use qcc_proto::Endpoint;

use super::{Error, ErrorClass, passes};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected { refusal, skew, .. } => {
                write!(f, "{refusal}")?;
                match skew.filter(|_| self.class() == ErrorClass::ClockOrSignature) {
                    Some(skew) => write!(f, " ({})", Skew(skew)),
                    None => Ok(()),
                }
            }
            Self::Http { endpoint, http, seen, leads_to, .. } => {
                write!(f, "{}: HTTP {http} instead of an answer ({seen})", endpoint.as_str())?;
                redirect(f, leads_to.as_deref())
            }
            Self::Malformed { endpoint, http, seen, .. } => write!(
                f,
                "{}: HTTP {http}, but the body is not an answer of the vendor ({seen})",
                endpoint.as_str()
            ),
            Self::TooLarge { endpoint, limit } => {
                write!(f, "{}: the answer is longer than {limit} bytes", endpoint.as_str())
            }
            Self::WrongOrder { asked, answered } => {
                write!(f, "the vendor was asked about order {asked} and answered about {answered}")
            }
            Self::EchoDiffers(_) => {
                f.write_str("the vendor echoed another callback URL than it was sent")
            }
            Self::LinkRefused(fault) => write!(f, "the download link was not followed: {fault}"),
            Self::LinkExpired => f.write_str("the download link has expired"),
            Self::Storage { http, code, leads_to, .. } => {
                write!(f, "the file host refused the download: HTTP {http}")?;
                if let Some(code) = code {
                    write!(f, ", {code}")?;
                }
                redirect(f, leads_to.as_deref())
            }
            Self::NotResumable => {
                f.write_str("the file host cannot continue the download where it stopped")
            }
            Self::Encoded { endpoint, coding } => write!(
                f,
                "{}: the answer came compressed ({coding}), which was not asked for",
                endpoint.map_or("download", Endpoint::as_str)
            ),
            // A wrapper without words of its own: its cause is the next one.
            Self::Transport(error) => error.fmt(f),
        }
    }
}

fn redirect(f: &mut fmt::Formatter<'_>, leads_to: Option<&str>) -> fmt::Result {
    match leads_to {
        Some(place) => write!(f, ", which leads to {place} and was not followed"),
        None => Ok(()),
    }
}

impl Error {
    /// What a person can do about it, where there is something; one or more whole
    /// sentences.
    pub fn advice(&self) -> Option<Cow<'static, str>> {
        let text = match self {
            Self::Rejected { refusal, skew, .. } => {
                match skew.filter(|_| self.class() == ErrorClass::ClockOrSignature) {
                    // The measured skew says more than the table, which begins with the clock.
                    Some(skew) => return Some(Skew(skew).advice().into()),
                    None => refusal.status.advice(),
                }
            }
            Self::Http { leads_to: Some(_), .. } => {
                "Redirects are not followed: if this address is the vendor's, set the base URL to it."
            }
            Self::Http { http, .. } => http_advice(*http),
            Self::Malformed { .. } => "If it persists, check the base URL and the proxy.",
            Self::TooLarge { .. } => "Check the base URL.",
            Self::WrongOrder { .. } => "Nothing of the answer was used. Ask again later.",
            Self::EchoDiffers(_) => {
                "The vendor may call the wrong place. Set the URL again, without unusual characters."
            }
            Self::LinkRefused(crate::LinkFault::Host { named }) => {
                let advice =
                    format!("If archives may come from there, allow {named} for downloads.");
                return Some(advice.into());
            }
            Self::LinkRefused(_) | Self::LinkExpired => "Ask for a new link.",
            Self::Storage { leads_to: Some(_), .. } => {
                "Redirects are not followed, except to https of the same host where the settings \
                 allow it."
            }
            Self::Storage { http, .. } if passes(*http) => "Try again later.",
            Self::Storage { .. } => "Ask for a new link.",
            Self::NotResumable => "Start over from the beginning.",
            Self::Encoded { .. } => {
                "Something between this machine and the vendor changes answers. Try again later."
            }
            Self::Transport(error) => return error.advice(),
        };
        Some(text.into())
    }
}

/// What a person does about an HTTP status that is not the vendor's own.
fn http_advice(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            "The proxy wants a user name and password. Put them into its URL."
        }
        _ if passes(status) => "Try again later.",
        _ if status.is_redirection() => "Redirects are not followed. Check the base URL.",
        _ if status.is_success() => {
            "The vendor answers with HTTP 200 only. Check the base URL, and whether something in \
             between changes answers."
        }
        _ => "Check the base URL, and whether something in between blocks the call.",
    }
}

/// How far the vendor's clock is ahead of ours. Beyond a minute, the call was
/// signed with the vendor's time as well.
struct Skew(SignedDuration);

/// A smaller difference cannot be what the vendor objects to.
const TOLERATED_SECONDS: u64 = 60;

impl Skew {
    fn advice(&self) -> &'static str {
        match self.0.as_secs().unsigned_abs() {
            0..=TOLERATED_SECONDS => {
                "It is not the clock: the secret key is wrong or this machine's address is not \
                 allowed. Compare the SecretKey with the settings centre first, then ask for the \
                 allowlist of addresses."
            }
            _ => {
                "Set the clock right. The call was refused with the vendor's time as well, so the \
                 secret key is wrong or this machine's address is not allowed. Compare the \
                 SecretKey with the settings centre first, then ask for the allowlist of addresses."
            }
        }
    }
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let off = seconds.unsigned_abs();
        match (off, seconds) {
            (0..=TOLERATED_SECONDS, _) => write!(f, "the clocks agree within {} s", off.max(1)),
            (_, 0..) => write!(f, "this machine's clock is {off} s behind the vendor's"),
            _ => write!(f, "this machine's clock is {off} s ahead of the vendor's"),
        }
    }
}
