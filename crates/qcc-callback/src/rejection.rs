//! Why a request is refused, and what is said about it.

use http::StatusCode;
use qcc_proto::{Acknowledgement, CallbackError, Status};

use crate::NotNoted;

/// Why a request is not accepted as a callback.
///
/// Holds nothing of the request. Each has an HTTP status, a code for metrics
/// that stays the same from version to version, and an honest answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// Nothing is received under this path.
    #[error("no callback is received under this path")]
    Path,
    /// A method other than `GET`.
    #[error("a callback is a GET")]
    Method,
    /// A request with a long body. A short one is ignored.
    #[error("a callback has no body of this length")]
    Body,
    /// The client's address is not among those that may call.
    #[error("this address may not call")]
    Source,
    /// The query is none the vendor would send.
    #[error(transparent)]
    Query(CallbackError),
    /// The key is not ours.
    #[error("the key is not ours")]
    Key,
    /// Too many unknown orders from this address.
    #[error("too many unknown orders from this address")]
    Limited,
    /// Too many unknown orders from all addresses together.
    #[error("too many unknown orders from all addresses together")]
    LimitedInAll,
    /// The store is down.
    #[error(transparent)]
    NotNoted(NotNoted),
}

/// Whose fault it is that a callback was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The caller's: nothing is wrong on this side.
    Caller,
    /// Ours: the same call may be accepted once we are well again.
    Ours,
}

impl Rejection {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotNoted(_) => Fault::Ours,
            _ => Fault::Caller,
        }
    }

    /// The HTTP status it is answered with.
    pub fn http_status(&self) -> StatusCode {
        match self {
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Body => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Source | Self::Key => StatusCode::FORBIDDEN,
            Self::Query(CallbackError::TooLong) => StatusCode::URI_TOO_LONG,
            Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::Limited | Self::LimitedInAll => StatusCode::TOO_MANY_REQUESTS,
            Self::NotNoted(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A word for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Path => "wrong_path",
            Self::Method => "wrong_method",
            Self::Body => "body",
            Self::Source => "source",
            Self::Key => "wrong_key",
            Self::Limited => "limited",
            Self::LimitedInAll => "limited_in_all",
            Self::NotNoted(_) => "not_noted",
            Self::Query(CallbackError::TooLong) => "too_long",
            Self::Query(CallbackError::Repeated { .. }) => "repeated",
            Self::Query(CallbackError::Encoding { .. }) => "encoding",
            Self::Query(CallbackError::Control { .. }) => "control",
            Self::Query(CallbackError::Missing { .. }) => "missing",
            Self::Query(CallbackError::OrderNo(_)) => "order_number",
            Self::Query(_) => "query",
        }
    }

    /// Every word that [`code`](Self::code) may give, for metrics that show zeros.
    pub const CODES: &[&str] = &[
        "wrong_path",
        "wrong_method",
        "body",
        "source",
        "wrong_key",
        "limited",
        "limited_in_all",
        "not_noted",
        "too_long",
        "repeated",
        "encoding",
        "control",
        "missing",
        "order_number",
        "query",
    ];

    /// The answer, in the vendor's own vocabulary as far as it goes.
    pub fn acknowledgement(&self) -> Acknowledgement {
        let status = match self {
            Self::Path | Self::Body | Self::Query(_) => Status::BAD_PARAMETER,
            Self::Method => Status::new(118),
            Self::Source => Status::ADDRESS_OR_SIGNATURE,
            Self::Key => Status::UNKNOWN_KEY,
            Self::Limited | Self::LimitedInAll => Status::new(108),
            Self::NotNoted(_) => Status::UNKNOWN_ERROR,
        };
        Acknowledgement::refused(status, self.to_string())
    }
}
