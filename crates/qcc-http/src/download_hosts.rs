//! Where archives may be fetched from: links name hosts, we decide which.

use std::{fmt, net::IpAddr, str::FromStr};

use http::Uri;
use qcc_proto::DEFAULT_DOWNLOAD_HOST;

use crate::AddressRules;

/// The hosts that downloads may go to; every other link is refused unsent.
///
/// A comma list of `host` (any port) or `host:port` (exactly that one). Names
/// compare without case; addresses are written as in a URL, IPv6 in brackets.
///
/// ```
/// use qcc_http::DownloadHosts;
///
/// let hosts: DownloadHosts = "pro-files.qichacha.com, 127.0.0.1:8080".parse()?;
/// assert!(hosts.allows("PRO-files.qichacha.com", 80));
/// assert!(hosts.allows("127.0.0.1", 8080) && !hosts.allows("127.0.0.1", 22));
/// # Ok::<(), qcc_http::InvalidDownloadHosts>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadHosts(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// In lower case, brackets kept.
    pub(crate) host: Box<str>,
    pub(crate) port: Option<u16>,
}

impl DownloadHosts {
    /// Whether a link to this host and port may be followed.
    pub fn allows(&self, host: &str, port: u16) -> bool {
        self.0.iter().any(|entry| entry.fits(host, port))
    }

    /// The address rules that go with the list, for the transport of the files.
    ///
    /// Private addresses are refused, except where an entry names one: by the
    /// address itself, as `localhost`, or as a host *with* its port. A bare name
    /// does not vouch for where it resolves to.
    pub fn address_rules(&self) -> AddressRules {
        self.0
            .iter()
            .filter(|entry| {
                entry.port.is_some() || entry.is_address() || &*entry.host == "localhost"
            })
            .fold(AddressRules::public_only(), |rules, entry| rules.allow_entry(entry.clone()))
    }
}

impl Entry {
    pub(crate) fn fits(&self, host: &str, port: u16) -> bool {
        self.host.eq_ignore_ascii_case(host) && self.port.is_none_or(|only| only == port)
    }

    fn is_address(&self) -> bool {
        self.address().is_some()
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.trim_matches(['[', ']']).parse().ok()
    }
}

impl FromStr for Entry {
    type Err = InvalidDownloadHosts;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidDownloadHosts { entry: text.chars().take(100).collect() };
        let shaped = !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b));
        let uri: Uri = format!("http://{text}/").parse().map_err(|_| invalid())?;
        let host = uri.host().unwrap_or_default();
        let whole = match uri.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        // What does not print as it was written was a port with zeros, or none.
        if !shaped || host.is_empty() || whole != text {
            return Err(invalid());
        }
        Ok(Self { host: host.to_ascii_lowercase().into(), port: uri.port_u16() })
    }
}

impl Default for DownloadHosts {
    /// The vendor's file host, as the manual's links name it.
    fn default() -> Self {
        Self(vec![Entry { host: DEFAULT_DOWNLOAD_HOST.into(), port: None }])
    }
}

impl FromStr for DownloadHosts {
    type Err = InvalidDownloadHosts;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',').map(|entry| entry.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for DownloadHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, entry) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{}", entry.host)?;
            if let Some(port) = entry.port {
                write!(f, ":{port}")?;
            }
        }
        Ok(())
    }
}

/// The text is no list of hosts. The caller's fault; nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a download host: {entry:?}; a comma list of host or host:port is expected")]
pub struct InvalidDownloadHosts {
    entry: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_is_no_host_is_refused_by_name() {
        for bad in [
            "",
            ",",
            "a,,b",
            "http://a",
            "a/b",
            "a b",
            "a:",
            "a:x",
            "a:70000",
            "me@a",
            "*.a",
            "a:080",
            "::1",
            "企查查",
        ] {
            assert!(bad.parse::<DownloadHosts>().is_err(), "{bad:?} was taken");
        }
        let error = "good.example,bad/one".parse::<DownloadHosts>().unwrap_err();
        assert!(error.to_string().contains("\"bad/one\""));
    }

    #[test]
    fn a_host_means_any_port_and_a_host_with_port_that_one() {
        let hosts: DownloadHosts = "a.example,b.example:8443, [::1]:9".parse().unwrap();
        for (host, port, expected) in [
            ("a.example", 80, true),
            ("A.Example", 8080, true),
            ("b.example", 8443, true),
            ("b.example", 443, false),
            ("x.a.example", 80, false),
            ("a.example.", 80, false),
            ("a.example.evil.example", 80, false),
            ("[::1]", 9, true),
            ("[::1]", 10, false),
        ] {
            assert_eq!(hosts.allows(host, port), expected, "{host}:{port}");
        }
        assert_eq!(hosts.to_string(), "a.example,b.example:8443,[::1]:9");
    }

    #[test]
    fn only_what_names_a_private_address_lets_one_through() {
        let rules = "files.example,mirror.example:8080,10.1.2.3,localhost"
            .parse::<DownloadHosts>()
            .unwrap()
            .address_rules();
        let loopback = [127, 0, 0, 1].into();
        for (host, port, address, expected) in [
            ("files.example", 80, [192, 0, 2, 1].into(), false),
            ("files.example", 80, [8, 8, 8, 8].into(), true),
            ("files.example", 80, loopback, false),
            ("files.example", 80, [10, 1, 2, 3].into(), true),
            ("mirror.example", 8080, loopback, true),
            ("mirror.example", 80, loopback, false),
            ("localhost", 1, loopback, true),
            ("10.1.2.3", 1, [10, 1, 2, 3].into(), true),
            ("10.1.2.4", 1, [10, 1, 2, 4].into(), false),
        ] {
            assert_eq!(rules.allows(host, port, address), expected, "{host}:{port} {address}");
        }
    }
}
