//! What the vendor's signed calls answer: a status, a message, a payload.
//!
//! The manual's tables, its samples and the sibling endpoints of the same host
//! disagree about types, nesting and casing, so each variant is read here, once.

mod body;
mod error;
mod fields;
mod json;

use crate::{
    CallbackUrl, DownloadLink, ListedOrder, Location, ShanghaiTime, Status, UnzipPassword,
    url::HttpUrl,
};

pub use error::{EnvelopeError, EnvelopeErrorKind, Refusal};
use fields::Fields;

/// One answer of the vendor, whatever its status.
///
/// Each endpoint has a `parse` of its own: [`Answer<PushEcho>`](PushEcho) for
/// 6.2.1, `Answer<()>` for 6.2.3, [`Answer<OrderList>`](OrderList) for 6.2.4 and
/// [`Answer<Location>`](Location) for 6.2.5. Judge the HTTP status first: the
/// vendor's own errors come with 200, those of a proxy do not.
///
/// ```
/// use qcc_proto::{Answer, OrderList, Status};
///
/// let body = r#"{"status":"200","msg":"查询成功","resultList":[
///     {"orderNo":"DDMON2022060710291160581293","createDate":"2022-06-07 10:29:11"}]}"#;
/// let answer = Answer::<OrderList>::parse(body.as_bytes())?;
/// assert_eq!(answer.status, Status::OK);
/// assert_eq!(answer.payload.unwrap().orders.len(), 1);
///
/// let refused = Answer::<OrderList>::parse(br#"{"Status":107,"Message":"x"}"#)?;
/// let refusal = refused.into_payload().unwrap_err();
/// assert_eq!(refusal.status, Status::ADDRESS_OR_SIGNATURE);
/// # Ok::<(), qcc_proto::EnvelopeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The code.
    pub status: Status,
    /// `msg` as sent, its first 1,000 characters, or empty; it may differ from the
    /// manual's text.
    pub message: String,
    /// What was asked for: there exactly where the status is 200, and for a
    /// list also where it is 201.
    pub payload: Option<T>,
}

impl<T> Answer<T> {
    /// The payload, or the vendor's refusal as an error.
    ///
    /// # Errors
    /// [`Refusal`] where the status brings no payload: its class says what to do.
    pub fn into_payload(self) -> Result<T, Refusal> {
        let Self { status, message, payload } = self;
        payload.ok_or(Refusal { status, message })
    }

    fn read(
        body: &[u8],
        payload: impl FnOnce(Fields) -> Result<T, EnvelopeError>,
    ) -> Result<Self, EnvelopeError> {
        let (status, message, fields) = fields::open(body)?;
        let payload = (status == Status::OK).then(|| payload(fields)).transpose()?;
        Ok(Self { status, message, payload })
    }
}

/// The payload of 6.2.1: the callback URL as the vendor understood it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushEcho {
    /// `callbackUrl`, untouched; `None` where the answer leaves it out.
    pub callback_url: Option<String>,
}

/// Whether the vendor understood the callback URL that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EchoMatch {
    /// It echoes the same bytes.
    Same,
    /// It echoes another URL: it will call the wrong place.
    Different,
    /// It echoes nothing, so nothing is known.
    Absent,
}

impl PushEcho {
    /// Compares the echo with what was sent, byte for byte.
    pub fn compare(&self, sent: &CallbackUrl) -> EchoMatch {
        match &self.callback_url {
            None => EchoMatch::Absent,
            Some(echo) if echo == sent.as_str() => EchoMatch::Same,
            Some(_) => EchoMatch::Different,
        }
    }
}

impl Answer<PushEcho> {
    /// Reads the answer of 6.2.1.
    ///
    /// A missing `callbackUrl` is no error: the setting took effect all the same.
    ///
    /// # Errors
    /// [`EnvelopeError`] where the body is no answer of the vendor's.
    pub fn parse(body: &[u8]) -> Result<Self, EnvelopeError> {
        Self::read(body, |mut fields| Ok(PushEcho { callback_url: fields.text("callbackUrl")? }))
    }
}

impl Answer<()> {
    /// Reads the answer of 6.2.3; its `result` is to be ignored.
    ///
    /// # Errors
    /// [`EnvelopeError`] where the body is no answer of the vendor's.
    pub fn parse(body: &[u8]) -> Result<Self, EnvelopeError> {
        Self::read(body, |_| Ok(()))
    }
}

/// The payload of 6.2.4: the newest orders, in the vendor's order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderList {
    /// The orders; nothing is removed, a repeated one stands twice.
    pub orders: Vec<ListedOrder>,
    /// The first 20 lines that name no order number, each by its place and what
    /// stood there instead, fit for a log: `line 3: …`. Report them; the rest is
    /// good.
    pub unreadable: Vec<String>,
    /// How many such lines there are in all, those behind the
    /// [`MAX_LINES`](Self::MAX_LINES)th line included.
    pub unreadable_count: usize,
}

impl OrderList {
    /// The lines that are read. The manual's list has 30.
    pub const MAX_LINES: usize = 1000;

    /// The unreadable lines that are kept for people to see.
    const KEPT: usize = 20;

    fn of(lines: Vec<fields::Line>) -> Self {
        let mut list = Self::default();
        let beyond = lines.len().saturating_sub(Self::MAX_LINES);
        for (at, line) in lines.into_iter().take(Self::MAX_LINES).enumerate() {
            match line.order() {
                Ok(order) => list.orders.push(order),
                Err(seen) => list.set_aside(at + 1, &seen),
            }
        }
        if beyond > 0 {
            let seen = format!("({beyond} more lines, which are not read)");
            list.set_aside(Self::MAX_LINES + 1, &seen);
            list.unreadable_count += beyond - 1;
        }
        list
    }

    fn set_aside(&mut self, number: usize, seen: &str) {
        self.unreadable_count += 1;
        if self.unreadable.len() < Self::KEPT {
            self.unreadable.push(format!("line {number}: {}", excerpt(seen)));
        }
    }
}

impl Answer<OrderList> {
    /// Reads the answer of 6.2.4.
    ///
    /// An empty list and one of `null` are empty lists, and so is a 201 without a
    /// list. One bad line costs no other.
    ///
    /// # Errors
    /// [`EnvelopeError`] where the body is no answer of the vendor's, or where
    /// the status is 200 and there is no list, or something else in its place.
    pub fn parse(body: &[u8]) -> Result<Self, EnvelopeError> {
        let (status, message, fields) = fields::open(body)?;
        let payload = match status {
            Status::OK => Some(fields.list("resultList", "orderNo")?),
            Status::NO_RESULT => Some(fields.list("resultList", "orderNo").unwrap_or_default()),
            _ => None,
        };
        Ok(Self { status, message, payload: payload.map(OrderList::of) })
    }
}

impl Answer<Location> {
    /// Reads the answer of 6.2.5.
    ///
    /// Link and password are required; a missing order number or an unreadable
    /// expiry is `None`.
    ///
    /// # Errors
    /// [`EnvelopeError`] where the body is no answer of the vendor's, or where
    /// the status is 200 and link or password are missing.
    pub fn parse(body: &[u8]) -> Result<Self, EnvelopeError> {
        Self::read(body, |mut fields| {
            let order_no = fields
                .text("orderNo")?
                .map(|text| text.trim().parse().map_err(|_| EnvelopeError::bad_payload("orderNo")))
                .transpose()?;
            let link = fields.required("downloadUrl")?;
            let expires_at = fields.field("downloadUrlExpiredTime").ok().flatten();
            Ok(Location {
                order_no,
                link: link_of(link.trim())?,
                expires_at: expires_at
                    .and_then(|value| ShanghaiTime::from_json(&value.into_flat())),
                password: UnzipPassword::new(fields.required("unzipPassword")?),
            })
        })
    }
}

/// The link as received, if it is an absolute `http` or `https` URL with a host
/// and without white space or control characters.
fn link_of(text: &str) -> Result<DownloadLink, EnvelopeError> {
    let has_blank = text.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    if has_blank || HttpUrl::parse(text).is_err() {
        let kind = EnvelopeErrorKind::NotAUrl { field: "downloadUrl" };
        return Err(EnvelopeError::of(kind));
    }
    Ok(DownloadLink::new(text))
}

/// One line of an order list, before it is known to be one.
impl fields::Line {
    fn order(self) -> Result<ListedOrder, String> {
        let (order_no, created) = self.into_parts("orderNo", "createDate")?;
        let order_no = order_no.trim().parse().map_err(|_| order_no)?;
        let created_at = created.and_then(|value| ShanghaiTime::from_json(&value.into_flat()));
        Ok(ListedOrder { order_no, created_at })
    }
}

/// A text of unknown origin, made fit for a log line.
fn excerpt(text: &str) -> String {
    text.chars().flat_map(char::escape_debug).take(80).collect()
}
