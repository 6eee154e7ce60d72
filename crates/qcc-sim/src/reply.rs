//! An answer, and what the connection does while it is given.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

/// What the vendor answers, down to the connection's behaviour.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reply {
    /// The whole answer, as it would be if nothing went wrong on the way.
    pub response: Response<Bytes>,
    /// What the connection does.
    pub conduct: Conduct,
    /// How long the head is held back.
    pub delay: Duration,
    /// In which pieces the body comes; `None` for all at once.
    pub pace: Option<Pace>,
}

/// What a connection does with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conduct {
    /// Carries it, whole.
    Answer,
    /// Is reset before the request was read.
    ResetBefore,
    /// Is reset after the request took effect, before a byte of the answer.
    ResetAfter,
    /// Carries the head and so many bytes of the body, then closes.
    Truncate {
        /// Bytes of the body.
        after: usize,
    },
    /// Carries the head and so many bytes of the body, then nothing more.
    Stall {
        /// Bytes of the body.
        after: usize,
    },
    /// Stays open and carries nothing.
    Silence,
    /// There is nobody at this address.
    Unreachable,
}

/// How a slow body comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Bytes in a piece, at least 1.
    pub piece: usize,
    /// The pause before each.
    pub pause: Duration,
}

impl Reply {
    pub(crate) fn new(status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { response, conduct: Conduct::Answer, delay: Duration::ZERO, pace: None }
    }

    pub(crate) fn html(status: StatusCode, title: &str) -> Self {
        let body = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1>\
             </center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        Self::new(status, "text/html", body.into())
    }

    /// An answer that is never seen.
    pub(crate) fn unseen(conduct: Conduct) -> Self {
        Self::new(StatusCode::OK, "text/plain", Bytes::new()).with_conduct(conduct)
    }

    pub(crate) fn with_conduct(mut self, conduct: Conduct) -> Self {
        self.conduct = conduct;
        self
    }

    /// Sets a header whose value is known to be one.
    pub(crate) fn with_header(mut self, name: header::HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.response.headers_mut().insert(name, value);
        }
        self
    }

    /// The body's length, set as a header too.
    pub(crate) fn with_length(self) -> Self {
        let length = self.response.body().len().to_string();
        self.with_header(header::CONTENT_LENGTH, &length)
    }
}
