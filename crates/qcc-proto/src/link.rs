//! Where an order's archive is, and the two secrets that open it.

use std::fmt;

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::{OrderNo, ShanghaiTime};

/// A presigned download link, byte for byte as the vendor wrote it.
///
/// Its query contains a signature: `Debug` shows only host and path, and there is no
/// `Display`. Do not store or log it; a call gets a new one.
#[derive(Clone, PartialEq, Eq)]
pub struct DownloadLink(Zeroizing<String>);

impl DownloadLink {
    /// A link as received: decoded from JSON, otherwise unchanged.
    pub fn new(link: impl Into<String>) -> Self {
        Self(Zeroizing::new(link.into()))
    }

    /// The whole link, signature included.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The link without its query, safe for logs.
    pub fn without_query(&self) -> &str {
        self.0.split(['?', '#']).next().unwrap_or_default()
    }

    /// When the link expires by its own `Expires` parameter, if it has one.
    pub fn expires_at(&self) -> Option<Timestamp> {
        let (_, query) = self.0.split_once('?')?;
        let seconds = query.split('&').find_map(|pair| pair.strip_prefix("Expires="))?;
        Timestamp::from_second(seconds.parse().ok()?).ok()
    }
}

impl fmt::Debug for DownloadLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DownloadLink({}?…)", self.without_query())
    }
}

/// The password of one archive. Hidden in `Debug`, wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct UnzipPassword(Zeroizing<String>);

impl UnzipPassword {
    /// Wraps a password.
    pub fn new(password: impl Into<String>) -> Self {
        Self(Zeroizing::new(password.into()))
    }

    /// The password itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UnzipPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnzipPassword(…)")
    }
}

/// The payload of 6.2.5: where an order's archive is, until when, and its password.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Location {
    /// The order in the answer; `None` if the answer has none.
    pub order_no: Option<OrderNo>,
    /// The presigned link.
    pub link: DownloadLink,
    /// `downloadUrlExpiredTime`; `None` if it is absent or not a time. Use
    /// [`expires_at`](Self::expires_at) to decide how long the link is valid.
    pub stated_expiry: Option<ShanghaiTime>,
    /// The archive's password.
    pub password: UnzipPassword,
}

impl Location {
    /// A location with this link and password, and nothing else stated.
    pub fn new(link: DownloadLink, password: UnzipPassword) -> Self {
        Self { order_no: None, link, stated_expiry: None, password }
    }

    /// The same location for this order.
    #[must_use]
    pub fn with_order_no(mut self, order_no: OrderNo) -> Self {
        self.order_no = Some(order_no);
        self
    }

    /// The same location with this `downloadUrlExpiredTime`.
    #[must_use]
    pub fn with_stated_expiry(mut self, at: ShanghaiTime) -> Self {
        self.stated_expiry = Some(at);
        self
    }

    /// When the link expires: the earlier of the stated and the link's own expiry.
    ///
    /// The two disagree in the manual's own sample (6.2.2).
    pub fn expires_at(&self) -> Option<Timestamp> {
        match (self.stated_expiry.map(ShanghaiTime::timestamp), self.link.expires_at()) {
            (Some(said), Some(signed)) => Some(said.min(signed)),
            (said, signed) => said.or(signed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "http://pro-files.qichacha.com/DdMonitor/x.zip?Expires=1615884598&OSSAccessKeyId=L&Signature=D0%2BS%3D";

    #[test]
    fn the_earlier_end_counts() {
        let location = |said: Option<&str>| Location {
            order_no: None,
            link: DownloadLink::new(SAMPLE),
            stated_expiry: said.map(|s| s.parse().unwrap()),
            password: UnzipPassword::new("p"),
        };
        let second = |l: Location| l.expires_at().map(Timestamp::as_second);
        assert_eq!(second(location(Some("2021-03-16 20:19:00"))), Some(1_615_884_598));
        assert_eq!(second(location(Some("2021-03-16 16:00:00"))), Some(1_615_881_600));
        assert_eq!(second(location(None)), Some(1_615_884_598));
    }

    #[test]
    fn debug_shows_neither_signature_nor_password() {
        let shown = format!("{:?} {:?}", DownloadLink::new(SAMPLE), UnzipPassword::new("9Tkw"));
        assert!(shown.contains("/DdMonitor/x.zip"));
        assert!(
            !shown.contains("Signature") && !shown.contains("D0%2BS") && !shown.contains("9Tkw")
        );
    }
}
