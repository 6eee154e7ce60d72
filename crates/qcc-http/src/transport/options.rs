//! What a transport is told beside the request: time limits and address rules.

use std::time::Duration;

use crate::AddressPolicy;

/// What a transport is told beside the request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SendOptions {
    /// How long each part of the exchange may take.
    pub timeouts: Timeouts,
    /// Which addresses may be connected to; public ones only, if unset.
    pub addresses: AddressPolicy,
}

impl SendOptions {
    /// These time limits, and public addresses only.
    pub fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, addresses: AddressPolicy::default() }
    }

    /// The same with other address rules.
    #[must_use]
    pub fn with_addresses(mut self, addresses: AddressPolicy) -> Self {
        self.addresses = addresses;
        self
    }
}

/// How long each part of an exchange may take.
///
/// ```
/// use std::time::Duration;
/// use qcc_http::Timeouts;
///
/// let timeouts = Timeouts::new().with_connect(Duration::from_secs(3));
/// assert_eq!(timeouts.total, Some(Duration::from_secs(60)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// To establish a connection, TLS and proxy included: 10 s by default.
    pub connect: Duration,
    /// From connected to the head of the answer: 30 s by default.
    pub head: Duration,
    /// Between two pieces of the body: 30 s by default. Counts only while
    /// somebody waits for the next piece, so a slow reader is not a slow server.
    pub idle: Duration,
    /// From sending to the last byte of the body, the reader's time included: 60 s
    /// by default, unlimited for downloads.
    pub total: Option<Duration>,
    /// How slowly the body may come: any rate by default, 1 KiB a second over a
    /// minute for downloads.
    pub minimum_rate: Option<MinimumRate>,
}

impl Timeouts {
    /// The limits of a call: connect 10 s, head 30 s, idle 30 s, total 60 s.
    pub const fn new() -> Self {
        Self {
            connect: Duration::from_secs(10),
            head: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            total: Some(Duration::from_secs(60)),
            minimum_rate: None,
        }
    }

    /// The limits of a download, whose size is not known beforehand: as for a
    /// call, but with the default [`MinimumRate`] in place of a total.
    pub const fn for_downloads() -> Self {
        Self::new().with_total(None).with_minimum_rate(Some(MinimumRate::DEFAULT))
    }

    /// The same with another limit to connect.
    #[must_use]
    pub const fn with_connect(mut self, connect: Duration) -> Self {
        self.connect = connect;
        self
    }

    /// The same with another limit for the head of the answer.
    #[must_use]
    pub const fn with_head(mut self, head: Duration) -> Self {
        self.head = head;
        self
    }

    /// The same with another limit between two pieces of the body.
    #[must_use]
    pub const fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// The same with another total, or none.
    #[must_use]
    pub const fn with_total(mut self, total: Option<Duration>) -> Self {
        self.total = total;
        self
    }

    /// The same with another least rate, or none.
    #[must_use]
    pub const fn with_minimum_rate(mut self, rate: Option<MinimumRate>) -> Self {
        self.minimum_rate = rate;
        self
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::new()
    }
}

/// How slowly a body may come before it is given up: fewer bytes a second than
/// this, for as long as `patience`.
///
/// A total limit would have to fit every size. Long enough for 4 GiB on a thin
/// line, it lets a host that sends a byte now and then occupy a worker for days.
/// A rate tells the two apart, at any size, whether or not a length was
/// announced. The body has an account of time that starts at `patience` and never
/// holds more. Waiting for the next piece takes from it; each byte that arrives
/// adds the time a byte takes at this rate. A line at the rate or above it never
/// empties the account, in bursts or evenly, and a fast beginning buys no more
/// than `patience`.
///
/// The default is 1 KiB a second over a minute, less than a line of 9.6 kbit/s
/// carries: 4 GiB may take 48 days, while a byte every 29 s ends after about a
/// minute. Only waiting counts: a slow disk of the reader is not a slow host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinimumRate {
    bytes_per_second: u32,
    patience: Duration,
}

impl MinimumRate {
    const DEFAULT: Self = Self::new(1024, Duration::from_secs(60));

    /// At least `bytes_per_second`, taken over `patience`. With a rate of 0, all
    /// waiting for the body together may take `patience`.
    pub const fn new(bytes_per_second: u32, patience: Duration) -> Self {
        Self { bytes_per_second, patience }
    }

    /// The least rate, in bytes a second.
    pub const fn bytes_per_second(self) -> u32 {
        self.bytes_per_second
    }

    /// How long the body may stay below the rate.
    pub const fn patience(self) -> Duration {
        self.patience
    }

    /// How long this many bytes take at this rate.
    pub(crate) fn time_for(self, bytes: usize) -> Duration {
        let nanos = (bytes as u64).saturating_mul(1_000_000_000);
        nanos.checked_div(self.bytes_per_second.into()).map_or(Duration::ZERO, Duration::from_nanos)
    }
}

impl Default for MinimumRate {
    fn default() -> Self {
        Self::DEFAULT
    }
}
