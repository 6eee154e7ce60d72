//! Which IP addresses are reachable over the public internet.
//!
//! The workspace has one answer to this question: the check of a callback URL
//! and the guard of a download must never disagree.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an ordinary host on the public internet can have this address.
///
/// Follows the special-purpose address registries of IANA (RFC 6890) for
/// [IPv4](https://www.iana.org/assignments/iana-ipv4-special-registry) and
/// [IPv6](https://www.iana.org/assignments/iana-ipv6-special-registry).
/// Not public are:
///
/// - loopback, unspecified, private, shared (100.64.0.0/10), link-local,
///   site-local and unique-local addresses;
/// - multicast, broadcast and reserved addresses, and all of IPv6 outside the
///   global unicast block 2000::/3;
/// - documentation, benchmarking and discard-only addresses;
/// - 192.0.0.0/24 and 2001::/23 as a whole, which holds Teredo. The registries
///   call some of their addresses globally reachable, but these are anycast
///   addresses that the nearest NAT answers, or identifiers that no host has.
///
/// An IPv6 address that stands for an IPv4 address is judged by that address:
/// IPv4-mapped (`::ffff:0:0/96`), NAT64 (`64:ff9b::/96`) and 6to4 (`2002::/16`).
///
/// ```
/// use qcc_proto::address::is_public;
///
/// assert!(is_public([8, 8, 8, 8].into()));
/// assert!(!is_public([169, 254, 169, 254].into()));
/// assert!(!is_public("64:ff9b::10.0.0.1".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => embedded_v4(v6).map_or_else(|| is_public_v6(v6), is_public_v4),
    }
}

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

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

/// The IPv4 address that an IPv6 address stands for.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => (high, low),
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => (high, low),
        [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests;
