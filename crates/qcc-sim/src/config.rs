//! What a simulated vendor is told before it starts.

use std::{fmt, net::SocketAddr, ops::RangeInclusive, time::Duration};

use qcc_sign::{AppKey, Credentials, InvalidKey, SecretKey};

use crate::{ArchiveStyle, FaultPlan, WireDialect};

/// Everything that decides how a [`Vendor`](crate::Vendor) behaves.
///
/// The defaults are the manual's figures where it has any, else what is known
/// second-hand of the vendor. Equal configurations behave equally.
///
/// ```
/// use qcc_sim::{Vendor, VendorConfig};
///
/// let vendor = Vendor::new(VendorConfig { seed: 42, window: 10, ..VendorConfig::default() });
/// assert_eq!(vendor.config().window, 10);
/// ```
#[derive(Debug, Clone)]
pub struct VendorConfig {
    /// Decides data, order numbers, passwords, dialects and faults.
    pub seed: u64,
    /// The one account the vendor knows.
    pub account: Account,
    /// How many orders 6.2.4 lists: 30.
    pub window: usize,
    /// How long a download link lives: 1 hour, as in the samples.
    pub link_lifetime: Duration,
    /// How far `Timespan` may be from the vendor's clock: 5 minutes. `None`
    /// lets any number pass.
    pub timespan_tolerance: Option<Duration>,
    /// Whether the caller's address is on the allowlist. If not, every signed
    /// call answers 107.
    pub address_allowed: bool,
    /// Errors in a row after which the vendor stops calling: 5.
    pub callback_error_limit: u32,
    /// How often a failed call is made again, a minute later each time: 0.
    pub callback_retries: u32,
    /// How much later `downloadUrlExpiredTime` claims to be in calls than the
    /// link's own `Expires`; the manual's sample of 6.2.2 has such a difference.
    pub callback_expiry_ahead: Duration,
    /// Where every call goes, whatever URL 6.2.1 names; `None` for that URL.
    pub calls_only: Option<String>,
    /// Whether scheduled pushes wait for the window set by `pushPeriodTime`.
    pub keeps_push_window: bool,
    /// How many records an order has.
    pub records_per_order: RangeInclusive<u32>,
    /// The share of records whose id an earlier record had: 0.3.
    pub repeated_ids: f64,
    /// The share of records that are not as the manual describes: 0.
    pub bad_records: f64,
    /// How the archives are written.
    pub archives: ArchiveStyle,
    /// How the signed calls are answered.
    pub wire: WireDialect,
    /// Scheme, host and port of the signed calls, without a final slash.
    pub api_base: String,
    /// Scheme, host and port of the download links, without a final slash.
    pub files_base: String,
    /// What goes wrong.
    pub faults: FaultPlan,
    /// How long [`Fault::Status205`](crate::Fault::Status205) holds an order back: 90 s.
    pub preparing_for: Duration,
    /// How long [`Fault::LateReplica`](crate::Fault::LateReplica) lasts: 20 s.
    pub replica_late_by: Duration,
    /// How long the file host is out where it is out for hours: 2 h.
    pub outage: Duration,
    /// How many calls [`Fault::CallbackFlood`](crate::Fault::CallbackFlood) makes: 300.
    pub flood: u32,
    /// How many scheduled orders [`Fault::BurstAfterQuiet`](crate::Fault::BurstAfterQuiet) makes
    /// at once: 20.
    pub burst: u32,
    /// What a slow answer waits for, and the pause between pieces of a slow
    /// body: 5 s.
    pub slow_by: Duration,
}

impl Default for VendorConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            account: Account::default(),
            window: 30,
            link_lifetime: Duration::from_secs(3600),
            timespan_tolerance: Some(Duration::from_secs(300)),
            address_allowed: true,
            callback_error_limit: 5,
            callback_retries: 0,
            callback_expiry_ahead: Duration::ZERO,
            calls_only: None,
            keeps_push_window: false,
            records_per_order: 1..=40,
            repeated_ids: 0.3,
            bad_records: 0.0,
            archives: ArchiveStyle::Varied,
            wire: WireDialect::default(),
            api_base: "https://pro.qcc.com".to_owned(),
            files_base: "http://pro-files.qichacha.com".to_owned(),
            faults: FaultPlan::none(),
            preparing_for: Duration::from_secs(90),
            replica_late_by: Duration::from_secs(20),
            outage: Duration::from_secs(2 * 3600),
            flood: 300,
            burst: 20,
            slow_by: Duration::from_secs(5),
        }
    }
}

impl VendorConfig {
    /// The same, with each fault that lasts a while lasting so long.
    #[must_use]
    pub fn lasting(mut self, time: Duration) -> Self {
        self.preparing_for = time;
        self.replica_late_by = time;
        self.outage = time;
        self
    }

    /// The same, with API and files both on plain HTTP at `address`.
    #[must_use]
    pub fn at(mut self, address: SocketAddr) -> Self {
        self.api_base = format!("http://{address}");
        self.files_base = self.api_base.clone();
        self
    }
}

/// The account of a simulated vendor: a key and its secret.
///
/// Nothing here is worth hiding, yet `Debug` hides the secret, so that a test
/// that searches for it finds only what others let slip.
#[derive(Clone)]
pub struct Account {
    credentials: Credentials,
    secret: String,
}

impl Account {
    /// An account of these two.
    ///
    /// # Errors
    /// [`InvalidKey`] where either is none: the caller's fault.
    pub fn new(key: &str, secret: &str) -> Result<Self, InvalidKey> {
        let (parsed_key, parsed_secret) = (key.parse::<AppKey>()?, secret.parse::<SecretKey>()?);
        let credentials = Credentials::new(parsed_key, parsed_secret);
        Ok(Self { credentials, secret: secret.to_owned() })
    }

    /// What a client signs with.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The key.
    pub fn key(&self) -> &str {
        self.credentials.key().as_str()
    }

    /// The secret, for tests that search for it.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl Default for Account {
    /// A made-up account, the same for every simulation.
    #[expect(clippy::expect_used, reason = "both constants are visible ASCII of 32 characters")]
    fn default() -> Self {
        Self::new("51b0c9e2f7a84d3696e1d0c4b7a25f38", "8F0D3C6A91E74B25B8C41D7E603FA952")
            .expect("the sample keys are keys")
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.credentials.fmt(f)
    }
}
