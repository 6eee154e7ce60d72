//! Token buckets: one per client address and one for all clients, in bounded memory.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::Instant,
};

use crate::RateLimit;

/// The maximum number of addresses with a bucket of their own. All further addresses
/// share one bucket, so a flood from many addresses is still limited.
const MAX_ADDRESSES: usize = 4096;

/// The buckets of all addresses.
#[derive(Debug)]
pub(crate) struct Buckets {
    limit: RateLimit,
    own: HashMap<IpAddr, Bucket>,
    shared: Bucket,
    swept: Instant,
    all: Option<(RateLimit, Bucket)>,
}

/// Whether a token could be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// A token was taken.
    Within,
    /// The bucket of this address is empty.
    OverOwn,
    /// The bucket for all addresses is empty.
    OverAll,
}

/// The tokens left at an instant.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Buckets {
    pub(crate) fn new(limit: RateLimit, all: Option<RateLimit>, now: Instant) -> Self {
        let shared = Bucket::full(limit, now);
        let all = all.map(|limit| (limit, Bucket::full(limit, now)));
        Self { limit, own: HashMap::new(), shared, swept: now, all }
    }

    /// Takes a token from both buckets. If the address has none left, the bucket for
    /// all addresses is not touched.
    pub(crate) fn take(&mut self, client: Option<IpAddr>, now: Instant) -> Taken {
        let limit = self.limit;
        if !self.bucket(client, now).take(limit, now) {
            return Taken::OverOwn;
        }
        if self.all.as_mut().is_none_or(|(limit, all)| all.take(*limit, now)) {
            return Taken::Within;
        }
        self.bucket(client, now).give_back(limit);
        Taken::OverAll
    }

    /// Returns a token that was not needed.
    pub(crate) fn give_back(&mut self, client: Option<IpAddr>, now: Instant) {
        let limit = self.limit;
        self.bucket(client, now).give_back(limit);
        if let Some((limit, all)) = &mut self.all {
            all.give_back(*limit);
        }
    }

    fn bucket(&mut self, client: Option<IpAddr>, now: Instant) -> &mut Bucket {
        let Some(client) = client.map(holder) else { return &mut self.shared };
        if !self.own.contains_key(&client) && self.own.len() >= MAX_ADDRESSES {
            self.sweep(now);
        }
        if self.own.len() >= MAX_ADDRESSES && !self.own.contains_key(&client) {
            return &mut self.shared;
        }
        let limit = self.limit;
        self.own.entry(client).or_insert_with(|| Bucket::full(limit, now))
    }

    /// Removes buckets that are full again. Runs at most once per second, because a
    /// flood would otherwise trigger it for every request.
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

    fn give_back(&mut self, limit: RateLimit) {
        self.left = (self.left + 1.0).min(f64::from(limit.burst.get()));
    }
}

/// The address that owns a bucket: an IPv4 address, or the /64 of an IPv6 address,
/// because a single subscriber usually has a whole /64.
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

    fn took(buckets: &mut Buckets, client: Option<IpAddr>, now: Instant) -> bool {
        buckets.take(client, now) == Taken::Within
    }

    #[test]
    fn many_addresses_together_are_limited_and_nobody_uses_up_what_is_not_given() {
        let now = Instant::now();
        let minute = |n| std::num::NonZeroU32::new(n).unwrap();
        let all = RateLimit::new(minute(5), minute(60));
        let mut buckets = Buckets::new(LIMIT, Some(all), now);
        let taken: Vec<Taken> = [1, 1, 1, 1, 2, 2, 3].map(|n| buckets.take(v4(n), now)).into();
        use Taken::{OverAll, OverOwn, Within};
        assert_eq!(taken, [Within, Within, Within, OverOwn, Within, Within, OverAll]);
        // Neither what was refused nor what was given back counts.
        buckets.give_back(v4(2), now);
        assert_eq!(buckets.take(v4(3), now), Within);
        assert_eq!(buckets.take(v4(3), now), OverAll);
        let later = now + Duration::from_secs(2);
        assert_eq!([3, 3, 3].map(|n| buckets.take(v4(n), later)), [Within, Within, OverAll]);
        let full = now + Duration::from_secs(60);
        let passed = (10..99).filter(|n| buckets.take(v4(*n), full) == Within);
        assert_eq!(passed.count(), 5, "no more than the burst gathers");
    }

    #[test]
    fn a_flood_from_many_addresses_fits_in_bounded_memory_and_is_limited_as_a_whole() {
        let now = Instant::now();
        let mut buckets = Buckets::new(LIMIT, None, now);
        let passed = (0..100_000).filter(|n| took(&mut buckets, v4(*n), now)).count();
        assert_eq!(buckets.own.len(), MAX_ADDRESSES);
        assert_eq!(passed, MAX_ADDRESSES + 3);
        assert!(took(&mut buckets, v4(0), now), "who had a bucket before keeps it");
    }

    #[test]
    fn addresses_at_rest_make_room() {
        let now = Instant::now();
        let mut buckets = Buckets::new(LIMIT, None, now);
        for n in 0..5000 {
            took(&mut buckets, v4(n), now);
        }
        let later = now + Duration::from_secs(10);
        assert!((5000..8000).all(|n| took(&mut buckets, v4(n), later)));
        assert!(buckets.own.len() <= MAX_ADDRESSES);
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_address_and_the_nameless_are_one() {
        let now = Instant::now();
        let mut buckets = Buckets::new(LIMIT, None, now);
        let host = |text: &str| Some(text.parse().unwrap());
        for n in 0..3 {
            assert!(took(&mut buckets, host(&format!("2001:db8::{n}")), now));
            assert!(took(&mut buckets, None, now));
        }
        assert!(!took(&mut buckets, host("2001:db8::ffff"), now));
        assert!(took(&mut buckets, host("2001:db8:0:1::"), now));
        assert!(!took(&mut buckets, None, now));
        buckets.give_back(None, now);
        assert!(took(&mut buckets, None, now));
    }

    #[test]
    fn one_a_minute_is_one_a_minute() {
        let now = Instant::now();
        let one = std::num::NonZeroU32::MIN;
        let mut buckets = Buckets::new(RateLimit::new(one, one), None, now);
        let passed = |seconds| now + Duration::from_secs(seconds);
        let taken = (0..=120).filter(|n| took(&mut buckets, v4(1), passed(*n)));
        assert_eq!(taken.collect::<Vec<_>>(), [0, 60, 120]);
    }

    #[test]
    fn a_clock_that_stands_or_goes_back_gives_nothing() {
        let now = Instant::now();
        let mut buckets = Buckets::new(LIMIT, None, now);
        let earlier = now.checked_sub(Duration::from_secs(9)).unwrap_or(now);
        assert!((0..3).all(|_| took(&mut buckets, None, earlier)));
        assert!(!took(&mut buckets, None, earlier));
    }

    #[test]
    fn a_full_table_is_looked_through_after_a_second_for_addresses_at_rest() {
        let now = Instant::now();
        let mut buckets = Buckets::new(LIMIT, None, now);
        let most = u32::try_from(MAX_ADDRESSES).unwrap();
        assert!((0..most).all(|n| took(&mut buckets, v4(n), now)));
        // Each took one of three and has it back a second later.
        let later = now + Duration::from_secs(1);
        for newcomer in [most, most + 1] {
            assert!((0..3).all(|_| took(&mut buckets, v4(newcomer), later)), "it shares one");
        }
        assert_eq!(buckets.own.len(), 2);
    }

    #[test]
    fn looking_for_addresses_at_rest_gives_nobody_more() {
        let now = Instant::now();
        let mut buckets = Buckets::new(LIMIT, None, now);
        let most = u32::try_from(MAX_ADDRESSES).unwrap();
        assert!((0..most).all(|n| (0..3).all(|_| took(&mut buckets, v4(n), now))));
        let later = now + Duration::from_secs(1);
        assert!(took(&mut buckets, v4(most), later), "from the one that is shared");
        assert!(took(&mut buckets, v4(0), later), "one a second");
        assert!(!took(&mut buckets, v4(0), later));
        assert_eq!(buckets.own.len(), MAX_ADDRESSES);
    }
}
