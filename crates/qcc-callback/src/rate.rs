//! Token buckets, one for each address, in bounded memory.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::Instant,
};

use crate::RateLimit;

/// So many addresses have a bucket of their own. Whoever comes when all are in
/// use shares one, so that a flood from many addresses is limited as a whole.
const MOST: usize = 4096;

/// The buckets of all addresses.
#[derive(Debug)]
pub(crate) struct Buckets {
    limit: RateLimit,
    own: HashMap<IpAddr, Bucket>,
    shared: Bucket,
    swept: Instant,
}

/// What is left for one address, as of an instant.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Buckets {
    pub(crate) fn new(limit: RateLimit, now: Instant) -> Self {
        let shared = Bucket::full(limit, now);
        Self { limit, own: HashMap::new(), shared, swept: now }
    }

    /// Takes one, if there is one.
    pub(crate) fn take(&mut self, client: Option<IpAddr>, now: Instant) -> bool {
        let limit = self.limit;
        self.bucket(client, now).take(limit, now)
    }

    /// Gives one back that was not needed.
    pub(crate) fn give_back(&mut self, client: Option<IpAddr>, now: Instant) {
        let limit = self.limit;
        let bucket = self.bucket(client, now);
        bucket.left = (bucket.left + 1.0).min(f64::from(limit.burst.get()));
    }

    fn bucket(&mut self, client: Option<IpAddr>, now: Instant) -> &mut Bucket {
        let Some(client) = client.map(holder) else { return &mut self.shared };
        if !self.own.contains_key(&client) && self.own.len() >= MOST {
            self.sweep(now);
        }
        if self.own.len() >= MOST && !self.own.contains_key(&client) {
            return &mut self.shared;
        }
        let limit = self.limit;
        self.own.entry(client).or_insert_with(|| Bucket::full(limit, now))
    }

    /// Forgets buckets that are full again: a new one would be no different.
    /// At most once a second, because a flood asks for it with every request.
    fn sweep(&mut self, now: Instant) {
        if now.saturating_duration_since(self.swept).as_secs() < 1 {
            return;
        }
        self.swept = now;
        let limit = self.limit;
        self.own.retain(|_, bucket| bucket.filled(limit, now) < f64::from(limit.burst.get()));
    }
}

impl Bucket {
    fn full(limit: RateLimit, now: Instant) -> Self {
        Self { left: f64::from(limit.burst.get()), at: now }
    }

    fn filled(&self, limit: RateLimit, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        let more = passed * f64::from(limit.per_minute.get()) / 60.0;
        (self.left + more).min(f64::from(limit.burst.get()))
    }

    fn take(&mut self, limit: RateLimit, now: Instant) -> bool {
        self.left = self.filled(limit, now);
        self.at = now;
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }
}

/// Who an address stands for: one host of IPv4, but a /64 of IPv6, which is what
/// a single subscriber is given.
fn holder(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMIT: RateLimit = RateLimit::new(
        std::num::NonZeroU32::new(3).unwrap(),
        std::num::NonZeroU32::new(60).unwrap(),
    );

    fn v4(n: u32) -> Option<IpAddr> {
        Some(IpAddr::V4(n.into()))
    }

    #[test]
    fn a_flood_from_many_addresses_fits_in_bounded_memory_and_is_limited_as_a_whole() {
        let now = Instant::now();
        let mut buckets = Buckets::new(LIMIT, now);
        let passed = (0..100_000).filter(|n| buckets.take(v4(*n), now)).count();
        assert_eq!(buckets.own.len(), MOST);
        assert_eq!(passed, MOST + 3);
        assert!(buckets.take(v4(0), now), "who had a bucket before keeps it");
    }

    #[test]
    fn addresses_at_rest_make_room() {
        let now = Instant::now();
        let mut buckets = Buckets::new(LIMIT, now);
        for n in 0..5000 {
            buckets.take(v4(n), now);
        }
        let later = now + Duration::from_secs(10);
        assert!((5000..8000).all(|n| buckets.take(v4(n), later)));
        assert!(buckets.own.len() <= MOST);
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_address_and_the_nameless_are_one() {
        let now = Instant::now();
        let mut buckets = Buckets::new(LIMIT, now);
        let host = |text: &str| Some(text.parse().unwrap());
        for n in 0..3 {
            assert!(buckets.take(host(&format!("2001:db8::{n}")), now));
            assert!(buckets.take(None, now));
        }
        assert!(!buckets.take(host("2001:db8::ffff"), now));
        assert!(buckets.take(host("2001:db8:0:1::"), now));
        assert!(!buckets.take(None, now));
        buckets.give_back(None, now);
        assert!(buckets.take(None, now));
    }

    #[test]
    fn one_a_minute_is_one_a_minute() {
        let now = Instant::now();
        let one = std::num::NonZeroU32::MIN;
        let mut buckets = Buckets::new(RateLimit::new(one, one), now);
        let passed = |seconds| now + Duration::from_secs(seconds);
        let taken = (0..=120).filter(|n| buckets.take(v4(1), passed(*n)));
        assert_eq!(taken.collect::<Vec<_>>(), [0, 60, 120]);
    }

    #[test]
    fn a_clock_that_stands_or_goes_back_gives_nothing() {
        let now = Instant::now();
        let mut buckets = Buckets::new(LIMIT, now);
        let earlier = now.checked_sub(Duration::from_secs(9)).unwrap_or(now);
        assert!((0..3).all(|_| buckets.take(None, earlier)));
        assert!(!buckets.take(None, earlier));
    }
}
