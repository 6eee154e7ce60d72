//! `NO_PROXY`: the targets that are reached without a proxy, in every form that
//! curl or Go knows. The manner of `hyper-util` is to ignore what it cannot
//! read, which sends to a proxy what its operator wanted kept from it.

use std::net::IpAddr;

use http::Uri;
use ipnet::IpNet;

use crate::guard::{literal, port_of};

/// A list of exceptions; empty by default.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Exceptions(Vec<Exception>);

#[derive(Debug, PartialEq, Eq)]
enum Exception {
    Everything,
    Network(IpNet, Option<u16>),
    Domain {
        /// In lower case, without dots at its ends.
        name: Box<str>,
        /// Whether the domain itself is meant, too, and not only what is below it.
        itself: bool,
        port: Option<u16>,
    },
}

impl Exceptions {
    /// Reads a list, separated by commas or blanks.
    ///
    /// # Errors
    /// The entry that has no known form, or its number where it may hold a secret.
    pub(super) fn parse(list: &str) -> Result<Self, String> {
        list.split(|c: char| c == ',' || c.is_whitespace())
            .filter(|entry| !entry.is_empty())
            .enumerate()
            .map(|(at, entry)| {
                exception(entry).ok_or_else(|| match entry.contains('@') {
                    true => format!("entry {}", at + 1),
                    false => format!("{:?}", entry.chars().take(100).collect::<String>()),
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether this target is reached without a proxy.
    pub(super) fn contain(&self, target: &Uri) -> bool {
        let host = target.host().unwrap_or_default();
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let at = port_of(target);
        let address = literal(&host).map(|address| address.to_canonical());
        self.0.iter().any(|exception| match exception {
            Exception::Everything => true,
            Exception::Network(network, port) => {
                port.is_none_or(|port| port == at)
                    && address.is_some_and(|address| network.contains(&address))
            }
            Exception::Domain { name, itself, port } => {
                let below = host.strip_suffix(&**name);
                port.is_none_or(|port| port == at)
                    && address.is_none()
                    && below.is_some_and(|below| match below {
                        "" => *itself,
                        below => below.ends_with('.'),
                    })
            }
        })
    }
}

/// `None` for what has no form that curl or Go knows.
fn exception(entry: &str) -> Option<Exception> {
    if entry == "*" {
        return Some(Exception::Everything);
    }
    if let Some(network) = network(entry) {
        return Some(Exception::Network(network, None));
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => {
            let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
            (host, Some(port.parse::<u16>().ok().filter(|port| digits && *port > 0)?))
        }
        None => (entry, None),
    };
    // With a port, an IPv6 address needs its brackets.
    if let Some(network) = network(host).filter(|_| !host.contains(':') || host.starts_with('[')) {
        return Some(Exception::Network(network, port));
    }
    let (name, itself) = match host.strip_prefix("*.") {
        Some(name) => (name, false),
        None => (host.strip_prefix('.').unwrap_or(host), true),
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    // What ends in a number is half an address, and no domain.
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|b| b.is_ascii_digit());
    (name.split('.').all(is_label) && !is_number).then(|| Exception::Domain {
        name: name.into(),
        itself,
        port,
    })
}

/// An address or a network, an IPv6 address with or without brackets.
fn network(text: &str) -> Option<IpNet> {
    if let Ok(network) = text.parse::<IpNet>() {
        return Some(network);
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(bare) => IpAddr::V6(bare.parse().ok()?),
        None => text.parse().ok()?,
    };
    Some(address.to_canonical().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(list: &str, straight: &[&str], proxied: &[&str]) {
        let exceptions = Exceptions::parse(list).unwrap();
        for (targets, expected) in [(straight, true), (proxied, false)] {
            for target in targets {
                assert_eq!(
                    exceptions.contain(&target.parse().unwrap()),
                    expected,
                    "{list:?} {target}"
                );
            }
        }
    }

    #[test]
    fn every_form_that_curl_or_go_knows_is_understood() {
        check(
            "*",
            &["http://a.example/", "http://127.0.0.1/", "https://[::1]:8443/", "http://a/"],
            &[],
        );
        check("a.example, *", &["http://b/", "http://192.0.2.1:81/"], &[]);
        check(
            "corp.example",
            &["http://corp.example/", "https://FILES.Corp.Example:81/", "http://corp.example./"],
            &["http://notcorp.example/", "http://corp.example.evil/", "http://example/"],
        );
        check("CORP.example.", &["http://corp.example/", "http://a.corp.example/"], &["http://c/"]);
        check(
            ".corp.example",
            &["http://a.corp.example/", "http://corp.example/"],
            &["http://xcorp.example/"],
        );
        check(
            "*.corp.example",
            &["http://a.b.corp.example/"],
            &["http://corp.example/", "http://xcorp.example/"],
        );
        check(
            "corp.example:8080",
            &["http://corp.example:8080/", "https://a.corp.example:8080/"],
            &["http://corp.example/", "https://corp.example:443/"],
        );
        check("corp.example:443", &["https://corp.example/"], &["http://corp.example/"]);
        check("*.corp.example:80", &["http://a.corp.example/"], &["https://a.corp.example/"]);
        check("localhost", &["http://localhost:1/", "http://LOCALHOST/"], &["http://127.0.0.1/"]);
        check("127.0.0.1", &["http://127.0.0.1:8080/"], &["http://127.0.0.2/", "http://a/"]);
        check("127.0.0.1:81", &["http://127.0.0.1:81/"], &["http://127.0.0.1/"]);
        check("10.0.0.0/8", &["http://10.200.0.1/"], &["http://11.0.0.1/", "http://a.10/"]);
        check("10.1.2.3/8", &["http://10.200.0.1/"], &["http://11.0.0.1/"]);
        check("::1", &["http://[::1]/", "http://[0:0::1]:81/"], &["http://[::2]/"]);
        check("[::1]", &["http://[::1]/", "http://[::1]:81/"], &["http://[::2]/"]);
        check("[::1]:81", &["http://[::1]:81/"], &["http://[::1]/"]);
        check("2001:db8::/32", &["http://[2001:db8:9::1]/"], &["http://[2001:db9::1]/"]);
        check("192.0.2.1", &["http://[::ffff:192.0.2.1]/"], &[]);
    }

    #[test]
    fn a_list_has_commas_or_blanks_or_both() {
        for list in [
            "a.example,127.0.0.1",
            " a.example ,\t127.0.0.1 ",
            "a.example 127.0.0.1",
            ",a.example,,127.0.0.1,",
        ] {
            check(list, &["http://a.example/", "http://127.0.0.1/"], &["http://b.example/"]);
        }
        check("", &[], &["http://a/"]);
    }

    #[test]
    fn what_is_no_form_is_refused_by_name() {
        for (list, named) in [
            ("a.example,10.*", "\"10.*\""),
            ("192.168.", "\"192.168.\""),
            ("10.0.0.0/33", "\"10.0.0.0/33\""),
            ("300.1.1.1", "\"300.1.1.1\""),
            ("a.*.example", "\"a.*.example\""),
            ("*:80", "\"*:80\""),
            ("<local>", "\"<local>\""),
            ("http://a.example", "\"http://a.example\""),
            ("a.example/8", "\"a.example/8\""),
            ("a.example;b.example", "\"a.example;b.example\""),
            ("a.example:http", "\"a.example:http\""),
            ("a.example:0", "\"a.example:0\""),
            ("a.example:99999", "\"a.example:99999\""),
            ("a..example", "\"a..example\""),
            ("fe80::1%eth0", "\"fe80::1%eth0\""),
            ("[::1", "\"[::1\""),
            ("\u{4f01}.cn", "\"\u{4f01}.cn\""),
            ("a, http://me:hunter2@p:1", "entry 2"),
        ] {
            assert_eq!(Exceptions::parse(list), Err(named.to_owned()), "{list}");
        }
    }
}
