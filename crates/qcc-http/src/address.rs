//! Which addresses may be connected to: a name is only as good as what it resolves to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::download_hosts::Entry;

/// Whether private addresses may be connected to, and which exceptions hold.
///
/// A link from outside may name a host that resolves into the own network. A
/// transport that takes these rules checks each address right before it connects
/// to it, so that a name cannot change its mind in between.
///
/// ```
/// use qcc_http::AddressRules;
///
/// let rules = AddressRules::public_only();
/// assert!(rules.allows("files.example", 80, [8, 8, 8, 8].into()));
/// assert!(!rules.allows("files.example", 80, [169, 254, 169, 254].into()));
/// ```
#[derive(Debug, Clone, Default)]
pub struct AddressRules {
    public_only: bool,
    exceptions: Vec<Entry>,
}

impl AddressRules {
    /// Every address is fine: for hosts the operator named.
    pub fn any() -> Self {
        Self::default()
    }

    /// Only addresses that are routed publicly.
    ///
    /// Refused are loopback, private, link-local, unspecified, multicast,
    /// shared (100.64/10), documentation, benchmark and reserved ranges, the
    /// unique-local ones of IPv6, and all of these embedded in an IPv6 address.
    /// See [`DownloadHosts::address_rules`](crate::DownloadHosts::address_rules)
    /// for the same with exceptions.
    pub fn public_only() -> Self {
        Self { public_only: true, exceptions: Vec::new() }
    }

    pub(crate) fn allow_entry(mut self, entry: Entry) -> Self {
        self.exceptions.push(entry);
        self
    }

    /// Whether `address` may be connected to on behalf of `host` and `port`.
    ///
    /// `host` is as it stands in the URL, brackets of IPv6 included.
    pub fn allows(&self, host: &str, port: u16, address: IpAddr) -> bool {
        !self.public_only
            || is_public(address)
            || self.exceptions.iter().any(|entry| {
                entry.fits(host, port)
                    || (entry.address() == Some(address) && entry.port.is_none_or(|p| p == port))
            })
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => embedded(v6).map_or_else(|| is_public_v6(v6), is_public_v4),
    }
}

/// By the special-purpose registries of IANA (RFC 6890 and its successors).
fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18..=19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [224..=255, ..]
    )
}

/// Global unicast is 2000::/3 today; what lies outside is special.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let teredo_and_friends = first == 0x2001 && second < 0x0200;
    let documentation =
        (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
    first & 0xe000 == 0x2000 && !teredo_and_friends && !documentation
}

/// The IPv4 address an IPv6 one stands for: mapped, compatible, NAT64, 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] if high != 0 => Some(v4(high, low)),
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(v4(high, low)),
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_means_routed_publicly() {
        for public in [
            "1.1.1.1",
            "47.96.0.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2400:3200::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public} was refused");
        }
        for private in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:0.0.0.0",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private} was taken");
        }
    }

    #[test]
    fn without_rules_every_address_is_fine() {
        assert!(AddressRules::any().allows("x", 1, [127, 0, 0, 1].into()));
        assert!(!AddressRules::public_only().allows("localhost", 1, [127, 0, 0, 1].into()));
    }
}
