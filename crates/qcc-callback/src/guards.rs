//! Who may call, and how many unknown orders they may name.

use std::num::NonZeroU32;

use ipnet::{IpNet, Ipv4Net};

/// Limits on the clients of a [`CallbackService`](crate::CallbackService).
///
/// By default every address may call, no proxy is trusted, and unknown orders are
/// limited to 300 per minute for each address and 600 for all addresses together.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Guards {
    /// The networks that callbacks may come from. If empty, every address may call.
    pub sources: Vec<IpNet>,
    /// The proxies whose `X-Forwarded-For` header is trusted.
    pub proxies: Vec<IpNet>,
    /// How many unknown orders each address may name; `None` for no limit.
    pub unknown_orders: Option<RateLimit>,
    /// How many unknown orders all addresses together may name; `None` for no limit.
    /// Ignored if `unknown_orders` is `None`.
    pub unknown_orders_in_all: Option<RateLimit>,
}

/// A token bucket: `burst` at once, refilled with `per_minute` tokens per minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many at once.
    pub burst: NonZeroU32,
    /// How many per minute in the long run. Tokens are added one at a time.
    pub per_minute: NonZeroU32,
}

impl RateLimit {
    /// A limit of `burst` at once and `per_minute` in the long run.
    pub const fn new(burst: NonZeroU32, per_minute: NonZeroU32) -> Self {
        Self { burst, per_minute }
    }

    /// The limit doubled.
    #[must_use]
    pub const fn doubled(self) -> Self {
        const TWO: NonZeroU32 = NonZeroU32::new(2).unwrap();
        Self::new(self.burst.saturating_mul(TWO), self.per_minute.saturating_mul(TWO))
    }
}

impl Default for RateLimit {
    /// 300 at once and 300 per minute. The order list shows at most 30 orders.
    fn default() -> Self {
        const MANY: NonZeroU32 = NonZeroU32::new(300).unwrap();
        Self::new(MANY, MANY)
    }
}

impl Default for Guards {
    fn default() -> Self {
        let each = RateLimit::default();
        Self {
            sources: Vec::new(),
            proxies: Vec::new(),
            unknown_orders: Some(each),
            unknown_orders_in_all: Some(each.doubled()),
        }
    }
}

impl Guards {
    /// No rate limits, for services that are protected in another way.
    pub fn none() -> Self {
        Self { unknown_orders: None, unknown_orders_in_all: None, ..Self::default() }
    }

    /// Allows callbacks from these networks only.
    #[must_use]
    pub fn with_sources(self, sources: impl IntoIterator<Item = IpNet>) -> Self {
        Self { sources: sources.into_iter().map(canonical).collect(), ..self }
    }

    /// Trusts the `X-Forwarded-For` header of these proxies.
    #[must_use]
    pub fn with_proxies(self, proxies: impl IntoIterator<Item = IpNet>) -> Self {
        Self { proxies: proxies.into_iter().map(canonical).collect(), ..self }
    }

    /// Limits how many unknown orders each address may name.
    #[must_use]
    pub fn with_unknown_orders(self, limit: Option<RateLimit>) -> Self {
        Self { unknown_orders: limit, ..self }
    }

    /// Limits how many unknown orders all addresses together may name.
    #[must_use]
    pub fn with_unknown_orders_in_all(self, limit: Option<RateLimit>) -> Self {
        Self { unknown_orders_in_all: limit, ..self }
    }
}

/// Turns an IPv4-mapped IPv6 network into an IPv4 network, because client addresses
/// are always compared as IPv4.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let v4 = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96));
    v4.and_then(|(address, length)| Ipv4Net::new(address, length).ok()).map_or(network, IpNet::V4)
}
