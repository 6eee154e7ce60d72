//! The four signed calls, each with the type of its answer.

use crate::{
    Endpoint, Envelope, EnvelopeError, Location, OrderList, OrderNo, PushEcho, PushSetting, Status,
    query::push_pair,
};

/// One of the vendor's signed calls: what to send, and how to read the answer.
///
/// The four calls are [`SetPush`] (6.2.1), [`Activate`] (6.2.3), [`ListOrders`]
/// (6.2.4) and [`Locate`] (6.2.5). No other type implements this trait.
///
/// Check the HTTP status before you read the answer: the vendor reports its own
/// errors with HTTP 200, a proxy does not.
///
/// ```
/// use qcc_proto::{Call, ListOrders, Locate, Status};
///
/// let request = Locate("DDMON2021031616145803273367".parse()?);
/// assert_eq!(
///     request.path_and_query("AppKey"),
///     "/api/dd_risk_mnr/getDdRiskDownloadUrl?key=AppKey&orderNo=DDMON2021031616145803273367",
/// );
///
/// let refused = ListOrders::read_answer(br#"{"Status":107,"Message":"x"}"#)?;
/// let refusal = refused.into_payload().unwrap_err();
/// assert_eq!(refusal.status, Status::ADDRESS_OR_SIGNATURE);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Call: sealed::Sealed {
    /// What a successful answer carries.
    type Payload;

    /// The name of the call.
    const ENDPOINT: Endpoint;

    /// Path and query of the request, each value percent-encoded exactly once.
    ///
    /// The parameters come in the manual's order. `key` is the account's AppKey in
    /// clear text, so keep the result out of logs.
    fn path_and_query(&self, key: &str) -> String;

    /// Reads the body of the answer.
    ///
    /// # Errors
    /// [`EnvelopeError`] where the body is not an answer of the vendor, or where
    /// its status is 200 and the payload is missing or unreadable.
    fn read_answer(body: &[u8]) -> Result<Envelope<Self::Payload>, EnvelopeError>;
}

mod sealed {
    #[expect(unnameable_types, reason = "nobody else implements a call")]
    pub trait Sealed {}
}

/// 6.2.1: sets whether, where and when the vendor calls back.
///
/// An answer without `callbackUrl` is not an error, because the setting took
/// effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPush(pub PushSetting);

/// 6.2.3: makes the vendor call back again after five failed callbacks.
///
/// The `result` of the answer has no meaning and is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activate;

/// 6.2.4: lists the newest orders, at most 30.
///
/// A list that is empty or `null` is an empty list, and so is status 201 without
/// a list. A bad line does not affect the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListOrders;

/// 6.2.5: gets the link to an order's archive, and its password.
///
/// The answer must have link and password. A missing order number and an
/// unreadable expiry are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locate(pub OrderNo);

impl sealed::Sealed for SetPush {}
impl sealed::Sealed for Activate {}
impl sealed::Sealed for ListOrders {}
impl sealed::Sealed for Locate {}

impl Call for SetPush {
    type Payload = PushEcho;
    const ENDPOINT: Endpoint = Endpoint::SetPush;

    fn path_and_query(&self, key: &str) -> String {
        let Self(setting) = self;
        let mut target = target(Self::ENDPOINT, key);
        push_pair(&mut target, "enablePush", setting.enabled.as_str());
        push_pair(&mut target, "callbackUrl", setting.callback_url.as_str());
        if let Some(window) = setting.window {
            push_pair(&mut target, "pushPeriodTime", &window.start_hour().to_string());
        }
        target
    }

    fn read_answer(body: &[u8]) -> Result<Envelope<PushEcho>, EnvelopeError> {
        Envelope::read(body, PushEcho::read)
    }
}

impl Call for Activate {
    type Payload = ();
    const ENDPOINT: Endpoint = Endpoint::Activate;

    fn path_and_query(&self, key: &str) -> String {
        target(Self::ENDPOINT, key)
    }

    fn read_answer(body: &[u8]) -> Result<Envelope<()>, EnvelopeError> {
        Envelope::read(body, |_| Ok(()))
    }
}

impl Call for ListOrders {
    type Payload = OrderList;
    const ENDPOINT: Endpoint = Endpoint::ListOrders;

    fn path_and_query(&self, key: &str) -> String {
        target(Self::ENDPOINT, key)
    }

    fn read_answer(body: &[u8]) -> Result<Envelope<OrderList>, EnvelopeError> {
        Envelope::read_where(body, |status, fields| match status {
            Status::OK => OrderList::read(fields).map(Some),
            Status::NO_RESULT => Ok(Some(OrderList::read(fields).unwrap_or_default())),
            _ => Ok(None),
        })
    }
}

impl Call for Locate {
    type Payload = Location;
    const ENDPOINT: Endpoint = Endpoint::Locate;

    fn path_and_query(&self, key: &str) -> String {
        let mut target = target(Self::ENDPOINT, key);
        push_pair(&mut target, "orderNo", self.0.as_str());
        target
    }

    fn read_answer(body: &[u8]) -> Result<Envelope<Location>, EnvelopeError> {
        Envelope::read(body, Location::read)
    }
}

fn target(endpoint: Endpoint, key: &str) -> String {
    let mut target = format!("{}?", endpoint.path());
    push_pair(&mut target, "key", key);
    target
}
