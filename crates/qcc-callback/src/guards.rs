//! Who may call, and how many unknown orders one address may name.

use std::num::NonZeroU32;

use ipnet::IpNet;

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
}

/// A token bucket: so many at once, so many more each second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// At once.
    pub burst: NonZeroU32,
    /// More each second.
    pub per_second: NonZeroU32,
}

impl RateLimit {
    /// So many at once, so many more each second.
    pub const fn new(burst: NonZeroU32, per_second: NonZeroU32) -> Self {
        Self { burst, per_second }
    }
}

impl Default for RateLimit {
    /// 300 at once, ten windows of the vendor's list, and 5 more each second.
    fn default() -> Self {
        const BURST: NonZeroU32 = NonZeroU32::new(300).unwrap();
        const PER_SECOND: NonZeroU32 = NonZeroU32::new(5).unwrap();
        Self::new(BURST, PER_SECOND)
    }
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            proxies: Vec::new(),
            unknown_orders: Some(RateLimit::default()),
        }
    }
}

impl Guards {
    /// None at all, for callers that are guarded otherwise.
    pub fn none() -> Self {
        Self { unknown_orders: None, ..Self::default() }
    }

    /// Only these networks may call.
    #[must_use]
    pub fn with_sources(self, sources: impl IntoIterator<Item = IpNet>) -> Self {
        Self { sources: sources.into_iter().collect(), ..self }
    }

    /// These proxies' `X-Forwarded-For` is believed.
    #[must_use]
    pub fn with_proxies(self, proxies: impl IntoIterator<Item = IpNet>) -> Self {
        Self { proxies: proxies.into_iter().collect(), ..self }
    }

    /// An address may name so many unknown orders.
    #[must_use]
    pub fn with_unknown_orders(self, limit: Option<RateLimit>) -> Self {
        Self { unknown_orders: limit, ..self }
    }
}
