//! The four signed calls, as data: what goes out, byte for byte.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{OrderNo, PushSetting};

/// What RFC 3986 leaves unreserved stays; everything else is escaped.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where the vendor's signed calls go.
pub const DEFAULT_BASE_URL: &str = "https://pro.qcc.com";

/// The host every download link of the manual's samples names.
pub const DEFAULT_DOWNLOAD_HOST: &str = "pro-files.qichacha.com";

/// One of the vendor's signed calls. All are `GET`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// 6.2.1: sets whether, where and when the vendor calls.
    SetPush,
    /// 6.2.3: makes the vendor call again after it gave up.
    Activate,
    /// 6.2.4: the newest orders, 30 at most.
    ListOrders,
    /// 6.2.5: where an order's archive lies, and its password.
    Locate,
}

impl Endpoint {
    /// All of them, in the manual's order.
    pub const ALL: [Self; 4] = [Self::SetPush, Self::Activate, Self::ListOrders, Self::Locate];

    /// The path on the vendor's host.
    pub const fn path(self) -> &'static str {
        match self {
            Self::SetPush => "/api/dd_risk_mnr/setDdRiskApiPushSetting",
            Self::Activate => "/api/dd_risk_mnr/activeDdRiskCallCallbackUrl",
            Self::ListOrders => "/api/dd_risk_mnr/listDdRiskLatestOrderNo",
            Self::Locate => "/api/dd_risk_mnr/getDdRiskDownloadUrl",
        }
    }

    /// The section of the manual that describes it.
    pub const fn manual_section(self) -> &'static str {
        match self {
            Self::SetPush => "6.2.1",
            Self::Activate => "6.2.3",
            Self::ListOrders => "6.2.4",
            Self::Locate => "6.2.5",
        }
    }

    /// A short name for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SetPush => "set_push",
            Self::Activate => "activate",
            Self::ListOrders => "list_orders",
            Self::Locate => "locate",
        }
    }
}

/// A call with its parameters, all but the key and the signature.
///
/// ```
/// use qcc_proto::ApiRequest;
///
/// let request = ApiRequest::Locate("DDMON2021031616145803273367".parse()?);
/// assert_eq!(
///     request.path_and_query("AppKey"),
///     "/api/dd_risk_mnr/getDdRiskDownloadUrl?key=AppKey&orderNo=DDMON2021031616145803273367",
/// );
/// # Ok::<(), qcc_proto::InvalidOrderNo>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiRequest {
    /// 6.2.1 with the whole setting.
    SetPush(PushSetting),
    /// 6.2.3.
    Activate,
    /// 6.2.4.
    ListOrders,
    /// 6.2.5 for one order.
    Locate(OrderNo),
}

impl ApiRequest {
    /// The endpoint it goes to.
    pub const fn endpoint(&self) -> Endpoint {
        match self {
            Self::SetPush(_) => Endpoint::SetPush,
            Self::Activate => Endpoint::Activate,
            Self::ListOrders => Endpoint::ListOrders,
            Self::Locate(_) => Endpoint::Locate,
        }
    }

    /// Path and query, each value percent-encoded exactly once.
    ///
    /// The order of the parameters is the manual's. `key` is the account's
    /// AppKey in clear; the result carries it, so keep it out of logs.
    pub fn path_and_query(&self, key: &str) -> String {
        let mut target = format!("{}?", self.endpoint().path());
        push_pair(&mut target, "key", key);
        match self {
            Self::SetPush(setting) => {
                push_pair(&mut target, "enablePush", setting.enabled.as_str());
                push_pair(&mut target, "callbackUrl", setting.callback_url.as_str());
                if let Some(window) = setting.window {
                    push_pair(&mut target, "pushPeriodTime", &window.start_hour().to_string());
                }
            }
            Self::Locate(order_no) => push_pair(&mut target, "orderNo", order_no.as_str()),
            Self::Activate | Self::ListOrders => {}
        }
        target
    }
}

/// Appends `name=value`, with a `&` where something stands before it.
pub(crate) fn push_pair(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() && !query.ends_with('?') {
        query.push('&');
    }
    query.push_str(name);
    query.push('=');
    query.extend(utf8_percent_encode(value, STRICT));
}
