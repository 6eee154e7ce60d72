//! Every row of the registries, and the addresses around each.

use super::*;

const PUBLIC: bool = true;
const SPECIAL: bool = false;

/// The IANA IPv4 Special-Purpose Address Registry, row by row, and multicast.
const IPV4: &[(&str, bool, &str)] = &[
    ("0.0.0.0/8", SPECIAL, "this network"),
    ("0.0.0.0/32", SPECIAL, "this host on this network"),
    ("10.0.0.0/8", SPECIAL, "private use"),
    ("100.64.0.0/10", SPECIAL, "shared address space"),
    ("127.0.0.0/8", SPECIAL, "loopback"),
    ("169.254.0.0/16", SPECIAL, "link local"),
    ("172.16.0.0/12", SPECIAL, "private use"),
    ("192.0.0.0/24", SPECIAL, "IETF protocol assignments"),
    ("192.0.0.0/29", SPECIAL, "IPv4 service continuity prefix"),
    ("192.0.0.8/32", SPECIAL, "IPv4 dummy address"),
    ("192.0.0.9/32", SPECIAL, "port control protocol anycast; the registry: global"),
    ("192.0.0.10/32", SPECIAL, "TURN anycast; the registry: global"),
    ("192.0.0.170/32", SPECIAL, "NAT64/DNS64 discovery"),
    ("192.0.0.171/32", SPECIAL, "NAT64/DNS64 discovery"),
    ("192.0.2.0/24", SPECIAL, "documentation (TEST-NET-1)"),
    ("192.31.196.0/24", PUBLIC, "AS112-v4"),
    ("192.52.193.0/24", PUBLIC, "AMT"),
    ("192.88.99.0/24", SPECIAL, "deprecated 6to4 relay anycast"),
    ("192.88.99.2/32", SPECIAL, "6a44 relay anycast"),
    ("192.168.0.0/16", SPECIAL, "private use"),
    ("192.175.48.0/24", PUBLIC, "direct delegation AS112 service"),
    ("198.18.0.0/15", SPECIAL, "benchmarking"),
    ("198.51.100.0/24", SPECIAL, "documentation (TEST-NET-2)"),
    ("203.0.113.0/24", SPECIAL, "documentation (TEST-NET-3)"),
    ("224.0.0.0/4", SPECIAL, "multicast"),
    ("240.0.0.0/4", SPECIAL, "reserved"),
    ("255.255.255.255/32", SPECIAL, "limited broadcast"),
];

/// The IANA IPv6 Special-Purpose Address Registry, row by row, and the blocks of
/// the IPv6 address space that the registry of that name sets apart.
const IPV6: &[(&str, bool, &str)] = &[
    ("::1/128", SPECIAL, "loopback"),
    ("::/128", SPECIAL, "unspecified"),
    ("64:ff9b:1::/48", SPECIAL, "local-use IPv4/IPv6 translation"),
    ("100::/64", SPECIAL, "discard only"),
    ("100:0:0:1::/64", SPECIAL, "dummy prefix"),
    ("2001::/23", SPECIAL, "IETF protocol assignments"),
    ("2001::/32", SPECIAL, "Teredo"),
    ("2001:1::1/128", SPECIAL, "port control protocol anycast; the registry: global"),
    ("2001:1::2/128", SPECIAL, "TURN anycast; the registry: global"),
    ("2001:1::3/128", SPECIAL, "DNS-SD service registration anycast; the registry: global"),
    ("2001:2::/48", SPECIAL, "benchmarking"),
    ("2001:3::/32", SPECIAL, "AMT; the registry: global"),
    ("2001:4:112::/48", SPECIAL, "AS112-v6; the registry: global"),
    ("2001:10::/28", SPECIAL, "deprecated ORCHID"),
    ("2001:20::/28", SPECIAL, "ORCHIDv2: identifiers; the registry: global"),
    ("2001:30::/28", SPECIAL, "drone identifiers; the registry: global"),
    ("2001:db8::/32", SPECIAL, "documentation"),
    ("2620:4f:8000::/48", PUBLIC, "direct delegation AS112 service"),
    ("3fff::/20", SPECIAL, "documentation"),
    ("5f00::/16", SPECIAL, "segment routing identifiers"),
    ("fc00::/7", SPECIAL, "unique local"),
    ("fe80::/10", SPECIAL, "link-local unicast"),
    // The IPv6 address space outside 2000::/3.
    ("::/96", SPECIAL, "IPv4-compatible, deprecated"),
    ("::ffff:0:0:0/96", SPECIAL, "IPv4-translated"),
    ("200::/7", SPECIAL, "reserved, once NSAP"),
    ("400::/6", SPECIAL, "reserved"),
    ("800::/5", SPECIAL, "reserved"),
    ("1000::/4", SPECIAL, "reserved"),
    ("2000::/16", PUBLIC, "global unicast"),
    ("2001:200::/23", PUBLIC, "global unicast, APNIC"),
    ("2400::/12", PUBLIC, "global unicast, APNIC"),
    ("3000::/8", PUBLIC, "global unicast"),
    ("4000::/3", SPECIAL, "reserved"),
    ("6000::/3", SPECIAL, "reserved"),
    ("8000::/3", SPECIAL, "reserved"),
    ("a000::/3", SPECIAL, "reserved"),
    ("c000::/3", SPECIAL, "reserved"),
    ("e000::/4", SPECIAL, "reserved"),
    ("f000::/5", SPECIAL, "reserved"),
    ("f800::/6", SPECIAL, "reserved"),
    ("fe00::/9", SPECIAL, "reserved"),
    ("fec0::/10", SPECIAL, "deprecated site-local"),
    ("ff00::/8", SPECIAL, "multicast"),
];

/// The first address of a block, one inside it, and the last.
fn members(block: &str) -> [IpAddr; 3] {
    let (first, length) = block.split_once('/').unwrap();
    let length: u32 = length.parse().unwrap();
    match first.parse().unwrap() {
        IpAddr::V4(v4) => {
            let (first, size) = (u32::from(v4), (1_u64 << (32 - length)) - 1);
            let at = |offset: u64| Ipv4Addr::from(first + u32::try_from(offset).unwrap()).into();
            [at(0), at(size / 3), at(size)]
        }
        IpAddr::V6(v6) => {
            let (first, size) = (u128::from(v6), u128::MAX.checked_shr(length).unwrap_or(0));
            let at = |offset: u128| Ipv6Addr::from(first + offset).into();
            [at(0), at(size / 3), at(size)]
        }
    }
}

#[track_caller]
fn check(address: IpAddr, expected: bool, why: &str) {
    assert_eq!(is_public(address), expected, "{address} ({why})");
}

#[test]
fn each_row_of_the_ipv4_registry_is_judged() {
    for &(block, expected, why) in IPV4 {
        members(block).into_iter().for_each(|address| check(address, expected, why));
    }
}

#[test]
fn each_row_of_the_ipv6_registry_is_judged() {
    for &(block, expected, why) in IPV6 {
        members(block).into_iter().for_each(|address| check(address, expected, why));
    }
}

#[test]
fn the_addresses_beside_a_special_block_are_public() {
    for address in [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "2000::",
        "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:200::",
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::",
        "2003::",
        "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff:1000::",
        "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ] {
        check(address.parse().unwrap(), PUBLIC, "beside a special block");
    }
}

/// `::ffff:0:0/96`, `64:ff9b::/96` and `2002::/16` of the IPv6 registry.
#[test]
fn an_address_that_embeds_an_ipv4_address_is_judged_by_that_address() {
    let blocks = IPV4.iter().map(|&(block, expected, why)| (members(block), expected, why));
    let ordinary = ([[8, 8, 8, 8], [1, 1, 1, 1], [47, 96, 0, 1]].map(IpAddr::from), PUBLIC, "host");
    for (addresses, expected, why) in blocks.chain([ordinary]) {
        for address in addresses {
            let IpAddr::V4(v4) = address else { panic!("{address} is not IPv4") };
            let number = u128::from(u32::from(v4));
            let v6 = |prefix: &str| u128::from(prefix.parse::<Ipv6Addr>().unwrap());
            for embedding in [
                v6("::ffff:0:0") | number,
                v6("64:ff9b::") | number,
                v6("2002::") | number << 80,
                v6("2002::1:2:3:4") | number << 80,
            ] {
                check(Ipv6Addr::from(embedding).into(), expected, why);
            }
        }
    }
}
