//! Where the vendor's signed calls go, and where its archives come from.

use std::fmt;

/// The vendor's server for signed calls, unless another one is set.
pub const DEFAULT_BASE_URL: &str = "https://pro.qcc.com";

/// The host of every download link in the manual's samples.
pub const DEFAULT_DOWNLOAD_HOST: &str = "pro-files.qichacha.com";

/// The name of one of the vendor's signed calls. All are `GET` requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// 6.2.1: sets whether, where and when the vendor calls back.
    SetPush,
    /// 6.2.3: makes the vendor call back again after it stopped.
    Activate,
    /// 6.2.4: lists the newest orders, at most 30.
    ListOrders,
    /// 6.2.5: gets the link to an order's archive, and its password.
    Locate,
}

impl Endpoint {
    /// All four, in the manual's order.
    pub const ALL: [Self; 4] = [Self::SetPush, Self::Activate, Self::ListOrders, Self::Locate];

    /// The path on the vendor's server.
    pub const fn path(self) -> &'static str {
        match self {
            Self::SetPush => "/api/dd_risk_mnr/setDdRiskApiPushSetting",
            Self::Activate => "/api/dd_risk_mnr/activeDdRiskCallCallbackUrl",
            Self::ListOrders => "/api/dd_risk_mnr/listDdRiskLatestOrderNo",
            Self::Locate => "/api/dd_risk_mnr/getDdRiskDownloadUrl",
        }
    }

    /// The manual's section.
    pub const fn manual_section(self) -> &'static str {
        match self {
            Self::SetPush => "6.2.1",
            Self::Activate => "6.2.3",
            Self::ListOrders => "6.2.4",
            Self::Locate => "6.2.5",
        }
    }

    /// The name in logs and metrics: `set_push`, `activate`, `list_orders`, `locate`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SetPush => "set_push",
            Self::Activate => "activate",
            Self::ListOrders => "list_orders",
            Self::Locate => "locate",
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
