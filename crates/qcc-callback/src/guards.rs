//! Who may call, and how many unknown orders one address, and all together, may name.

use std::num::NonZeroU32;

use ipnet::{IpNet, Ipv4Net};

/// What a [`CallbackService`](crate::CallbackService) is guarded with.
///
/// By default every address may call, no proxy is believed, and unknown orders
/// are limited.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Guards {
    /// The networks that callbacks may come from; empty, everybody may.
    pub sources: Vec<IpNet>,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpNet>,
    /// How many unknown orders an address may name; `None`, as many as it likes.
    pub unknown_orders: Option<RateLimit>,
    /// How many unknown orders all addresses together may name; `None`, as many as
    /// they like. Without `unknown_orders` it does not hold.
    pub unknown_orders_in_all: Option<RateLimit>,
}

/// A token bucket: so many at once, so many more each minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// At once.
    pub burst: NonZeroU32,
    /// More each minute, one by one.
    pub per_minute: NonZeroU32,
}

impl RateLimit {
    /// So many at once, so many more each minute.
    pub const fn new(burst: NonZeroU32, per_minute: NonZeroU32) -> Self {
        Self { burst, per_minute }
    }

    /// Twice as many.
    #[must_use]
    pub const fn doubled(self) -> Self {
        const TWO: NonZeroU32 = NonZeroU32::new(2).unwrap();
        Self::new(self.burst.saturating_mul(TWO), self.per_minute.saturating_mul(TWO))
    }
}

impl Default for RateLimit {
    /// 300 at once, ten windows of the vendor's list, and as many more each minute.
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
    /// None at all, for callers that are guarded otherwise.
    pub fn none() -> Self {
        Self { unknown_orders: None, unknown_orders_in_all: None, ..Self::default() }
    }

    /// Only these networks may call.
    #[must_use]
    pub fn with_sources(self, sources: impl IntoIterator<Item = IpNet>) -> Self {
        Self { sources: sources.into_iter().map(canonical).collect(), ..self }
    }

    /// These proxies' `X-Forwarded-For` is believed.
    #[must_use]
    pub fn with_proxies(self, proxies: impl IntoIterator<Item = IpNet>) -> Self {
        Self { proxies: proxies.into_iter().map(canonical).collect(), ..self }
    }

    /// An address may name so many unknown orders.
    #[must_use]
    pub fn with_unknown_orders(self, limit: Option<RateLimit>) -> Self {
        Self { unknown_orders: limit, ..self }
    }

    /// All addresses together may name so many unknown orders.
    #[must_use]
    pub fn with_unknown_orders_in_all(self, limit: Option<RateLimit>) -> Self {
        Self { unknown_orders_in_all: limit, ..self }
    }
}

/// A network of IPv4 that is written as one of IPv6: addresses are compared as
/// IPv4, however a socket shows them.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let v4 = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96));
    v4.and_then(|(address, length)| Ipv4Net::new(address, length).ok()).map_or(network, IpNet::V4)
}
