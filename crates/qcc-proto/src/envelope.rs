//! The vendor's answers to signed calls: a status, a message, a payload.
//!
//! The manual's tables, its samples and the sibling endpoints of the same host
//! disagree about types, nesting and casing. Every variant is read here, once.

mod body;
mod error;
mod fields;

use crate::{
    CallbackUrl, DownloadLink, ListedOrder, Location, ShanghaiTime, Status, UnzipPassword,
    url::HttpUrl,
};

pub use error::{EnvelopeError, EnvelopeErrorKind, Refusal};
pub(crate) use fields::Fields;

/// One answer of the vendor, whatever its status.
///
/// [`Call::read_answer`](crate::Call::read_answer) reads one from a body.
///
/// ```
/// use qcc_proto::{Call, ListOrders, Status};
///
/// let body = r#"{"status":"200","msg":"查询成功","resultList":[
///     {"orderNo":"DDMON2022060710291160581293","createDate":"2022-06-07 10:29:11"}]}"#;
/// let envelope = ListOrders::read_answer(body.as_bytes())?;
/// assert_eq!(envelope.status, Status::OK);
/// assert_eq!(envelope.payload.unwrap().orders.len(), 1);
/// # Ok::<(), qcc_proto::EnvelopeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope<T> {
    /// The status code.
    pub status: Status,
    /// The first 1,000 characters of `msg`, or an empty text. It may differ from
    /// the manual's text.
    pub message: String,
    /// The payload: `Some` if the status is 200, and for a list also if it is 201.
    pub payload: Option<T>,
}

impl<T> Envelope<T> {
    /// An answer with these parts.
    pub fn new(status: Status, message: impl Into<String>, payload: Option<T>) -> Self {
        Self { status, message: message.into(), payload }
    }

    /// The payload, or the vendor's refusal as an error.
    ///
    /// # Errors
    /// [`Refusal`] where there is no payload: [`Refusal::class`] says what to do.
    pub fn into_payload(self) -> Result<T, Refusal> {
        let Self { status, message, payload } = self;
        payload.ok_or(Refusal { status, message })
    }

    /// Reads a body whose payload is there if the status is 200.
    pub(crate) fn read(
        body: &[u8],
        payload: impl FnOnce(Fields) -> Result<T, EnvelopeError>,
    ) -> Result<Self, EnvelopeError> {
        Self::read_where(body, |status, fields| {
            (status == Status::OK).then(|| payload(fields)).transpose()
        })
    }

    /// Reads a body whose payload depends on the status.
    pub(crate) fn read_where(
        body: &[u8],
        payload: impl FnOnce(Status, Fields) -> Result<Option<T>, EnvelopeError>,
    ) -> Result<Self, EnvelopeError> {
        let (status, message, fields) = fields::open(body)?;
        let payload = payload(status, fields)?;
        Ok(Self { status, message, payload })
    }
}

/// The payload of 6.2.1: the callback URL as the vendor understood it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PushEcho {
    /// `callbackUrl` as received; `None` if the answer does not have it.
    pub callback_url: Option<String>,
}

/// Whether the vendor understood the callback URL that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EchoMatch {
    /// The echo is the same, byte for byte.
    Same,
    /// The echo is another URL: the vendor will call the wrong place.
    Different,
    /// There is no echo, so nothing is known.
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

    pub(crate) fn read(mut fields: Fields) -> Result<Self, EnvelopeError> {
        Ok(Self { callback_url: fields.text("callbackUrl")? })
    }
}

/// The payload of 6.2.4: the newest orders, in the vendor's order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct OrderList {
    /// The orders, duplicates included.
    pub orders: Vec<ListedOrder>,
    /// The first 20 lines without a readable order number, each with its number
    /// and an excerpt, safe for a log: `line 3: …`. Report them; the other lines
    /// are good.
    pub unreadable: Vec<String>,
    /// How many unreadable lines there are, including all lines after the first
    /// [`MAX_LINES`](Self::MAX_LINES).
    pub unreadable_count: usize,
}

impl OrderList {
    /// How many lines are read. The manual's list has 30.
    pub const MAX_LINES: usize = 1000;

    /// How many unreadable lines are kept.
    const KEPT: usize = 20;

    pub(crate) fn read(fields: Fields) -> Result<Self, EnvelopeError> {
        let lines = fields.list("resultList", "orderNo")?;
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
        Ok(list)
    }

    fn set_aside(&mut self, number: usize, seen: &str) {
        self.unreadable_count += 1;
        if self.unreadable.len() < Self::KEPT {
            self.unreadable.push(format!("line {number}: {}", excerpt(seen)));
        }
    }
}

impl Location {
    pub(crate) fn read(mut fields: Fields) -> Result<Self, EnvelopeError> {
        let order_no = fields
            .text("orderNo")?
            .map(|text| text.trim().parse().map_err(|_| EnvelopeError::bad_payload("orderNo")))
            .transpose()?;
        let link = fields.required("downloadUrl")?;
        let stated_expiry = fields.field("downloadUrlExpiredTime").ok().flatten();
        Ok(Self {
            order_no,
            link: link_of(link.trim())?,
            stated_expiry: stated_expiry
                .and_then(|value| ShanghaiTime::from_json(&value.into_flat())),
            password: UnzipPassword::new(fields.required("unzipPassword")?),
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
