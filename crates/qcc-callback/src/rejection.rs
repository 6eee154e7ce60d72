//! Why a request is refused, and how it is answered.

use http::StatusCode;
use qcc_proto::{Acknowledgement, CallbackError, Status};

use crate::InboxError;

/// Why a request is not accepted as a callback.
///
/// It contains no part of the request. Each variant has an HTTP status, a stable
/// code for metrics, and an answer in the vendor's format.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The path is not a callback path (404).
    #[error("this is not the callback path")]
    Path,
    /// The method is not `GET` (405).
    #[error("a callback must be a GET request")]
    Method,
    /// The body is longer than 16 KiB (413). A shorter body is ignored.
    #[error("the request body is longer than 16 KiB")]
    Body,
    /// The client's address is not in [`Guards::sources`](crate::Guards::sources) (403).
    #[error("this address is not allowed to call")]
    Source,
    /// The query is not one the vendor sends (400, or 414 if it is too long).
    #[error(transparent)]
    Query(CallbackError),
    /// The key is not this account's key (403).
    #[error("the key is not ours")]
    Key,
    /// This address named too many unknown orders (429).
    #[error("too many unknown orders from this address")]
    Limited,
    /// All addresses together named too many unknown orders (429).
    #[error("too many unknown orders from all addresses together")]
    LimitedInAll,
    /// The inbox could not store the order number (503).
    #[error(transparent)]
    Inbox(InboxError),
}

impl Rejection {
    /// Whether the same request may be accepted later, because this side failed.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Inbox(_) | Self::Limited | Self::LimitedInAll)
    }

    /// The HTTP status of the answer.
    pub fn http_status(&self) -> StatusCode {
        match self {
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Body => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Source | Self::Key => StatusCode::FORBIDDEN,
            Self::Query(CallbackError::TooLong) => StatusCode::URI_TOO_LONG,
            Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::Limited | Self::LimitedInAll => StatusCode::TOO_MANY_REQUESTS,
            Self::Inbox(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A stable code for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Path => "wrong_path",
            Self::Method => "wrong_method",
            Self::Body => "body",
            Self::Source => "source",
            Self::Key => "wrong_key",
            Self::Limited => "limited",
            Self::LimitedInAll => "limited_in_all",
            Self::Inbox(_) => "not_noted",
            Self::Query(CallbackError::TooLong) => "too_long",
            Self::Query(CallbackError::Repeated { .. }) => "repeated",
            Self::Query(CallbackError::Encoding { .. }) => "encoding",
            Self::Query(CallbackError::Control { .. }) => "control",
            Self::Query(CallbackError::Missing { .. }) => "missing",
            Self::Query(CallbackError::OrderNo(_)) => "order_number",
            Self::Query(_) => "query",
        }
    }

    /// All values of [`code`](Self::code), so that metrics can start at zero.
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

    /// The answer, with the vendor's own status codes where one fits.
    pub fn acknowledgement(&self) -> Acknowledgement {
        let status = match self {
            Self::Path | Self::Body | Self::Query(_) => Status::BAD_PARAMETER,
            Self::Method => Status::new(118),
            Self::Source => Status::ADDRESS_OR_SIGNATURE,
            Self::Key => Status::UNKNOWN_KEY,
            Self::Limited | Self::LimitedInAll => Status::new(108),
            Self::Inbox(_) => Status::UNKNOWN_ERROR,
        };
        Acknowledgement::refused(status, self.to_string())
    }
}
