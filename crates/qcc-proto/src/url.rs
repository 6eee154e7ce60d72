//! Absolute `http` and `https` URLs: whether a text is one, and its parts.
//!
//! Takes nothing that a lenient parser would first have to repair, because the
//! text travels as it is: the vendor echoes a callback URL and signs a link.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The parts of an `http` or `https` URL that decide something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HttpUrl<'a> {
    pub(crate) is_https: bool,
    /// Between `//` and the path: user information, host and port.
    pub(crate) authority: &'a str,
    pub(crate) host: Host<'a>,
    pub(crate) has_query: bool,
    pub(crate) has_fragment: bool,
}

/// The host of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host<'a> {
    Name(&'a str),
    Address(IpAddr),
}

/// Why a text is not such a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UrlFault {
    /// It starts with neither `http://` nor `https://`.
    Scheme,
    NoHost,
    /// The host or the port is malformed.
    Authority,
}

impl<'a> HttpUrl<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, UrlFault> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlFault::Scheme)?;
        let is_https = scheme.eq_ignore_ascii_case("https");
        if !is_https && !scheme.eq_ignore_ascii_case("http") {
            return Err(UrlFault::Scheme);
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at_checked(end).ok_or(UrlFault::Authority)?;
        let host = match authority.rsplit_once('@') {
            Some((_, host)) => host,
            None => authority,
        };
        let (before_fragment, has_fragment) = match tail.split_once('#') {
            Some((before, _)) => (before, true),
            None => (tail, false),
        };
        Ok(Self {
            is_https,
            authority,
            host: Host::parse_with_port(host)?,
            has_query: before_fragment.contains('?'),
            has_fragment,
        })
    }

    /// Whether there is a user name or a password.
    pub(crate) fn has_user_info(&self) -> bool {
        self.authority.contains('@')
    }
}

impl<'a> Host<'a> {
    fn parse_with_port(text: &'a str) -> Result<Self, UrlFault> {
        if text.is_empty() || text.starts_with(':') {
            return Err(UrlFault::NoHost);
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (address, port) = bracketed.split_once(']').ok_or(UrlFault::Authority)?;
                let address: Ipv6Addr = address.parse().map_err(|_| UrlFault::Authority)?;
                (Self::Address(address.into()), port)
            }
            None => {
                let (host, port) = text
                    .split_at_checked(text.find(':').unwrap_or(text.len()))
                    .ok_or(UrlFault::Authority)?;
                (Self::parse_name_or_v4(host).ok_or(UrlFault::Authority)?, port)
            }
        };
        if port.is_empty() || port.strip_prefix(':').is_some_and(is_port) {
            Ok(host)
        } else {
            Err(UrlFault::Authority)
        }
    }

    /// A host name whose last label looks like a number is an IPv4 address, and
    /// of its many notations (`127.1`, `0x7f000001`) only four decimals are taken.
    fn parse_name_or_v4(text: &'a str) -> Option<Self> {
        let labels = text.strip_suffix('.').unwrap_or(text);
        let is_label = |label: &str| {
            let is_letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            (1..=63).contains(&label.len()) && label.bytes().all(is_letter)
        };
        if labels.len() > 253 || !labels.split('.').all(is_label) {
            return None;
        }
        if is_number(labels.rsplit('.').next()?) {
            return text.parse().ok().map(|v4: Ipv4Addr| Self::Address(v4.into()));
        }
        Some(Self::Name(text))
    }
}

/// Digits, or `0x` and hexadecimal digits.
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    label.bytes().all(|b| b.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_port(digits: &str) -> bool {
    digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn host(text: &str) -> Result<Host<'_>, UrlFault> {
        HttpUrl::parse(text).map(|url| url.host)
    }

    #[test]
    fn the_parts_of_a_url_are_told_apart() {
        let url = HttpUrl::parse("HtTps://u:p@h.example:8443/a?b#c").unwrap();
        assert!(url.is_https && url.has_query && url.has_fragment && url.has_user_info());
        assert_eq!((url.authority, url.host), ("u:p@h.example:8443", Host::Name("h.example")));
        let bare = HttpUrl::parse("http://h").unwrap();
        assert!(!(bare.is_https || bare.has_query || bare.has_fragment || bare.has_user_info()));
        assert!(!HttpUrl::parse("http://h/#a?b").unwrap().has_query, "part of the fragment");
        assert!(HttpUrl::parse("http://h?a").unwrap().has_query);
    }

    #[test]
    fn hosts_are_names_or_addresses_in_their_usual_notation() {
        for name in
            ["h", "H.Example", "h.example.", "a-b_c.example", "1.2.3.4a", "xn--fiqs8s.cn", "0x7g"]
        {
            assert_eq!(host(&format!("http://{name}:80/x")), Ok(Host::Name(name)));
        }
        for (text, address) in [
            ("203.0.113.9", "203.0.113.9"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[::ffff:10.0.0.1]", "::ffff:10.0.0.1"),
        ] {
            let expected = Ok(Host::Address(address.parse().unwrap()));
            assert_eq!(host(&format!("http://{text}")), expected);
            assert_eq!(host(&format!("http://{text}:65535?x")), expected);
        }
    }

    #[test]
    fn what_would_have_to_be_repaired_is_refused() {
        for text in ["", "h/x", "//h/x", "http:h", "http:/h", "http:\\\\h", " http://h", "ftp://h"]
        {
            assert_eq!(host(text), Err(UrlFault::Scheme), "{text}");
        }
        for text in [
            "http://",
            "http:///x",
            "http://:80/",
            "http://?x",
            "http://u@/",
            "http://::1/",
            "https://#",
        ] {
            assert_eq!(host(text), Err(UrlFault::NoHost), "{text}");
        }
        let long_label = "a".repeat(64);
        let long_name = ["a".repeat(63).as_str(); 4].join(".");
        for bad in [
            "h:",
            "h:0",
            "h:65536",
            "h:99999",
            "h:port",
            "h:+80",
            "h:80:80",
            "h:８０",
            "[::1",
            "[::1]80",
            "[::1]:",
            "[fe80::1%25eth0]",
            "[]",
            "300.1.1.1",
            "127.1",
            "0x7f000001",
            "1.2.3.0x4",
            "2130706433",
            "1.2.3.4.5",
            "1.2.3.4.",
            "01.2.3.4",
            "h%41",
            "h..x",
            ".h",
            ".",
            "h e",
            "h\\x",
            "主机",
            "h!",
            long_label.as_str(),
            long_name.as_str(),
        ] {
            assert_eq!(host(&format!("http://{bad}/x")), Err(UrlFault::Authority), "{bad}");
        }
    }
}
