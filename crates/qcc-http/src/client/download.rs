//! One download: checks the link, judges the answer, counts the body.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::{Buf, Bytes};
use http::{HeaderMap, Request, Response, StatusCode, Uri, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use qcc_proto::DownloadLink;
use tracing::debug;

use super::{
    Client, Error, coding,
    range::{ContentRange, number},
    redirect::Redirect,
    retry_after,
};
use crate::{
    Body, DownloadPolicy, LinkFault, SendOptions, TransportError, TransportErrorKind, limits,
};

/// The longest error page of the file host that is read, in bytes.
const REFUSAL_LIMIT: usize = 64 << 10;

/// An archive as it streams in.
#[derive(Debug)]
#[non_exhaustive]
pub struct Download {
    /// Where in the file the body begins: 0, or where the resume asked for.
    pub offset: u64,
    /// The length of the whole file, where the host said.
    pub total: Option<u64>,
    /// The strong `ETag`, without which the download cannot be resumed.
    pub validator: Option<String>,
    /// The bytes from `offset` on. Ends with an error, never with `None`, where
    /// fewer or more come than the host announced.
    pub body: Body,
}

impl Download {
    /// How to continue after `received` bytes of this file are safe; `None` where
    /// the host gave nothing to tell this file from another by.
    pub fn resume_at(&self, received: u64) -> Option<Resume> {
        let validator = self.validator.clone()?;
        Some(Resume { offset: received, total: self.total, validator })
    }
}

/// Where an earlier attempt stopped, and of which file.
///
/// To resume in another process, keep offset, total and validator beside the bytes,
/// and make it again by [`Resume::new`].
#[derive(Clone, PartialEq, Eq)]
pub struct Resume {
    offset: u64,
    total: Option<u64>,
    validator: String,
}

impl Resume {
    /// Continues after `offset` bytes of the file with this strong `ETag`, quotes
    /// included. `None` where the tag is weak or not a tag.
    pub fn new(offset: u64, total: Option<u64>, validator: impl Into<String>) -> Option<Self> {
        let validator = validator.into();
        is_strong(&validator).then_some(Self { offset, total, validator })
    }

    /// How many bytes are there already.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The length of the whole file, where the host said.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// The strong `ETag` of the file, quotes included.
    pub fn validator(&self) -> &str {
        &self.validator
    }
}

impl fmt::Debug for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume").field("offset", &self.offset).field("total", &self.total).finish()
    }
}

pub(super) async fn start(
    client: &Client,
    link: &DownloadLink,
    resume: Option<&Resume>,
) -> Result<Download, Error> {
    let policy = &client.settings.downloads;
    let uri = allowed(link, policy).map_err(Error::LinkRefused)?;
    // Without a byte received, the whole file is asked for.
    let resume = resume.filter(|resume| resume.offset > 0);
    let mut request = Request::get(uri);
    if let Some(resume) = resume {
        request = request
            .header(header::RANGE, format!("bytes={}-", resume.offset))
            .header(header::IF_RANGE, &resume.validator);
    }
    let request = request
        .body(Bytes::new())
        .map_err(|_| Error::Transport(TransportError::new(TransportErrorKind::Request)))?;

    let started = Instant::now();
    let options = SendOptions::new(client.settings.download_timeouts)
        .with_addresses(policy.addresses().clone());
    let (answer, uri) = client.send(request, &options, |to| policy.check(to).is_ok()).await?;
    debug!(
        file = link.without_query(),
        http = answer.status().as_u16(),
        offset = resume.map_or(0, Resume::offset),
        elapsed = ?started.elapsed(),
        "file host answered"
    );
    accept(answer, &uri, resume).await
}

/// The link as a URI, if it may be followed.
///
/// The same parser reads the host here and connects to it later, so the two
/// cannot disagree.
fn allowed(link: &DownloadLink, policy: &DownloadPolicy) -> Result<Uri, LinkFault> {
    let uri: Uri = link.reveal().parse().map_err(|_| LinkFault::NotAUrl)?;
    policy.check(&uri)?;
    Ok(uri)
}

async fn accept(
    answer: Response<Body>,
    uri: &Uri,
    resume: Option<&Resume>,
) -> Result<Download, Error> {
    let (head, body) = answer.into_parts();
    match head.status {
        StatusCode::OK => {}
        StatusCode::PARTIAL_CONTENT if resume.is_some() => {}
        StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PRECONDITION_FAILED if resume.is_some() => {
            return Err(Error::NotResumable);
        }
        http => return Err(refusal(http, uri, &head.headers, body).await),
    }
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(coding) = coding::applied(&head.headers) {
        return Err(Error::Encoded { endpoint: None, coding });
    }
    let length = announced(&head.headers, &body);
    let validator = text(header::ETAG).filter(|tag| is_strong(tag)).map(str::to_owned);
    if head.status == StatusCode::OK {
        let body = Counted::body(body, length, uri);
        return Ok(Download { offset: 0, total: length, validator, body });
    }
    let range = text(header::CONTENT_RANGE).and_then(ContentRange::parse);
    let (Some(resume), Some(range)) = (resume, range) else { return Err(Error::NotResumable) };
    let fits = range.first == resume.offset
        && range.last + 1 == range.total
        && resume.total.is_none_or(|total| total == range.total)
        && length.is_none_or(|length| length == range.len())
        && text(header::ETAG).is_none_or(|tag| tag == resume.validator);
    if !fits {
        return Err(Error::NotResumable);
    }
    Ok(Download {
        offset: range.first,
        total: Some(range.total),
        validator: Some(resume.validator.clone()),
        body: Counted::body(body, Some(range.len()), uri),
    })
}

/// The body's length by its header, or as the HTTP stack knows it.
fn announced(headers: &HeaderMap, body: &Body) -> Option<u64> {
    // Where both are there, chunks decide, and the length is of something else.
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return body.content_length();
    }
    let header = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    header.and_then(number).or_else(|| body.content_length())
}

/// What the file host's error page means.
async fn refusal(http: StatusCode, uri: &Uri, headers: &HeaderMap, body: Body) -> Error {
    if http == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        let error = TransportError::new(TransportErrorKind::Proxy);
        return error.with_source("it wants a user name and password (HTTP 407)").into();
    }
    let page = body.read_within(REFUSAL_LIMIT).await.ok().flatten().unwrap_or_default();
    let page = String::from_utf8_lossy(&page);
    let code = element(&page, "Code")
        .filter(|code| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric()));
    let expired = page.contains("<Expires>")
        || element(&page, "Message")
            .is_some_and(|said| said.to_ascii_lowercase().contains("expired"));
    if http == StatusCode::FORBIDDEN && code == Some("AccessDenied") && expired {
        return Error::LinkExpired;
    }
    Error::Storage {
        http,
        code: code.map(str::to_owned),
        leads_to: Redirect::of(uri, http, headers).map(|to| to.place()),
        retry_after: retry_after::wished(http, headers, None),
    }
}

/// The text of the first element of this name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(text, _)| text.trim())
}

/// Only a strong tag promises the same bytes.
fn is_strong(tag: &str) -> bool {
    tag.len() > 2
        && tag.starts_with('"')
        && tag.ends_with('"')
        && tag.bytes().all(|b| b.is_ascii_graphic())
        && tag.bytes().filter(|b| *b == b'"').count() == 2
}

/// A body that must be as long as was announced.
struct Counted {
    inner: Body,
    left: Option<u64>,
    peer: Option<Arc<str>>,
}

impl Counted {
    fn body(inner: Body, length: Option<u64>, uri: &Uri) -> Body {
        Body::new(Self { inner, left: length, peer: limits::peer(uri) })
    }

    fn broken(&self, why: &'static str) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let error = TransportError::new(TransportErrorKind::Broken).with_source(why);
        Poll::Ready(Some(Err(limits::about(&self.peer, error))))
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        let Some(left) = self.left else { return polled };
        match polled {
            Poll::Ready(None) if left > 0 => {
                self.left = Some(0);
                self.broken("fewer bytes came than were announced")
            }
            Poll::Ready(Some(Ok(frame))) => {
                let came = frame.data_ref().map_or(0, Buf::remaining) as u64;
                match left.checked_sub(came) {
                    Some(rest) => {
                        self.left = Some(rest);
                        Poll::Ready(Some(Ok(frame)))
                    }
                    None => self.broken("more bytes came than were announced"),
                }
            }
            other => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        // Asked of a body that owes bytes, only its end can tell.
        self.left.is_none_or(|left| left == 0) && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(|| self.inner.size_hint(), SizeHint::with_exact)
    }
}
