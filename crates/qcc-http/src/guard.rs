//! Where requests may go: which hosts downloads may come from, and which
//! addresses may be connected to. Links come from outside, so both are ours to
//! decide.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use http::Uri;
use qcc_proto::{DEFAULT_DOWNLOAD_HOST, address::is_public};

use crate::{TransportError, TransportErrorKind};

/// Which hosts downloads may come from; every other link is refused unsent.
///
/// A comma-separated list of `host` (any port) or `host:port` (exactly that one).
/// Names compare without case; addresses are written as in a URL, IPv6 in
/// brackets. The default is the vendor's file host.
///
/// The policy also says which addresses these hosts may have, see
/// [`addresses`](Self::addresses).
///
/// ```
/// use qcc_http::DownloadPolicy;
///
/// let policy: DownloadPolicy = "pro-files.qichacha.com, 127.0.0.1:8080".parse()?;
/// assert!(policy.allows("PRO-files.qichacha.com", 80));
/// assert!(policy.allows("127.0.0.1", 8080) && !policy.allows("127.0.0.1", 22));
/// assert_eq!(policy.hosts().count(), 2);
/// # Ok::<(), qcc_http::InvalidAllowedHost>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadPolicy {
    hosts: Arc<[AllowedHost]>,
    addresses: AddressPolicy,
}

impl DownloadPolicy {
    /// Allows these hosts. Without any, every link is refused.
    pub fn new(hosts: impl IntoIterator<Item = AllowedHost>) -> Self {
        let hosts: Arc<[AllowedHost]> = hosts.into_iter().collect();
        let exceptions = hosts.iter().filter(|host| host.names_an_address()).cloned();
        let addresses = AddressPolicy { public_only: true, exceptions: exceptions.collect() };
        Self { hosts, addresses }
    }

    /// The same with other rules for addresses.
    #[must_use]
    pub fn with_addresses(mut self, addresses: AddressPolicy) -> Self {
        self.addresses = addresses;
        self
    }

    /// The allowed hosts.
    pub fn hosts(&self) -> impl Iterator<Item = &AllowedHost> {
        self.hosts.iter()
    }

    /// Which addresses may be connected to for a download.
    ///
    /// Unless set otherwise, private addresses are refused, except where the list
    /// of hosts names one: by the address itself, as `localhost`, or as a host
    /// *with* its port. A name alone does not vouch for what it resolves to.
    pub fn addresses(&self) -> &AddressPolicy {
        &self.addresses
    }

    /// Whether a link to this host and port may be followed.
    pub fn allows(&self, host: &str, port: u16) -> bool {
        self.hosts.iter().any(|allowed| allowed.matches(host, port))
    }

    /// Whether a link may be followed.
    ///
    /// # Errors
    /// [`LinkFault`] where it may not.
    pub fn check(&self, link: &Uri) -> Result<(), LinkFault> {
        if !matches!(link.scheme_str(), Some("http" | "https")) {
            return Err(LinkFault::NotAUrl);
        }
        let authority = link.authority().ok_or(LinkFault::NotAUrl)?;
        if authority.as_str().contains('@') {
            return Err(LinkFault::UserInfo);
        }
        let host = authority.host();
        let has_port = authority.as_str().strip_prefix(host) != Some("");
        if host.is_empty() || (has_port && authority.port_u16().is_none()) {
            return Err(LinkFault::NotAUrl);
        }
        let port = port_of(link);
        if !self.allows(host, port) {
            return Err(LinkFault::Host { named: format!("{host}:{port}") });
        }
        Ok(())
    }
}

impl Default for DownloadPolicy {
    /// The vendor's file host, as the links in the manual name it.
    fn default() -> Self {
        Self::new([AllowedHost { host: DEFAULT_DOWNLOAD_HOST.into(), port: None }])
    }
}

impl FromStr for DownloadPolicy {
    type Err = InvalidAllowedHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hosts = text.split(',').map(|entry| entry.trim().parse());
        Ok(Self::new(hosts.collect::<Result<Vec<_>, _>>()?))
    }
}

impl fmt::Display for DownloadPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, host) in self.hosts.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{host}")?;
        }
        Ok(())
    }
}

/// What is wrong with a download link.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkFault {
    /// It is not an absolute `http` or `https` URL.
    NotAUrl,
    /// It contains a user name or password.
    UserInfo,
    /// Its host is not among the allowed ones.
    Host {
        /// `host:port`, as the list of download hosts spells it.
        named: String,
    },
}

impl fmt::Display for LinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAUrl => f.write_str("it is not an http or https URL"),
            Self::UserInfo => f.write_str("it contains a user name or password"),
            Self::Host { named } => write!(f, "{named} is not an allowed download host"),
        }
    }
}

/// Which addresses a request may be sent to.
///
/// A link from outside may name a host that resolves into the own network. A
/// transport checks each address right before it connects to it, so that the name
/// cannot resolve to something else in between. The default is
/// [`public_only`](Self::public_only).
///
/// ```
/// use qcc_http::AddressPolicy;
///
/// let policy = AddressPolicy::public_only();
/// assert!(policy.allows("files.example", 80, [8, 8, 8, 8].into()));
/// assert!(!policy.allows("files.example", 80, [169, 254, 169, 254].into()));
///
/// let policy = policy.with_exception("mirror.corp.example:8080".parse()?);
/// assert!(policy.allows("mirror.corp.example", 8080, [10, 1, 2, 3].into()));
/// # Ok::<(), qcc_http::InvalidAllowedHost>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AddressPolicy {
    public_only: bool,
    exceptions: Arc<[AllowedHost]>,
}

impl AddressPolicy {
    /// Every address is allowed: for hosts the operator named.
    pub fn any() -> Self {
        Self { public_only: false, exceptions: Arc::default() }
    }

    /// Only addresses of the public internet, as
    /// [`is_public`](qcc_proto::address::is_public) knows them: no loopback,
    /// private, link-local or otherwise special ones.
    pub fn public_only() -> Self {
        Self { public_only: true, exceptions: Arc::default() }
    }

    /// The same, and whatever address this host has; for a host that is an
    /// address, that address under every name.
    #[must_use]
    pub fn with_exception(mut self, host: AllowedHost) -> Self {
        self.exceptions = self.exceptions.iter().cloned().chain([host]).collect();
        self
    }

    /// Whether every address is allowed.
    pub fn allows_any(&self) -> bool {
        !self.public_only
    }

    /// The hosts that may have any address.
    pub fn exceptions(&self) -> impl Iterator<Item = &AllowedHost> {
        self.exceptions.iter()
    }

    /// Whether `address` may be connected to on behalf of `host` and `port`.
    ///
    /// `host` is as in the URL, brackets of IPv6 included.
    pub fn allows(&self, host: &str, port: u16, address: IpAddr) -> bool {
        !self.public_only
            || is_public(address)
            || self.exceptions.iter().any(|exception| {
                exception.matches(host, port)
                    || (exception.address() == Some(address)
                        && exception.port.is_none_or(|only| only == port))
            })
    }

    /// The same as [`allows`](Self::allows), with the error a transport returns.
    ///
    /// # Errors
    /// [`TransportErrorKind::Forbidden`] where the address is refused.
    pub fn check(&self, host: &str, port: u16, address: IpAddr) -> Result<(), TransportError> {
        if self.allows(host, port, address) {
            return Ok(());
        }
        let why = format!("{host} has the address {address}, which is not public");
        Err(TransportError::new(TransportErrorKind::Forbidden).with_source(why))
    }

    /// The same for an address that is written out in a URI. A name passes.
    ///
    /// # Errors
    /// [`TransportErrorKind::Forbidden`] where the address is refused.
    pub fn check_literal(&self, uri: &Uri) -> Result<(), TransportError> {
        let host = uri.host().unwrap_or_default();
        match literal(host) {
            Some(address) => self.check(host, port_of(uri), address),
            None => Ok(()),
        }
    }
}

impl Default for AddressPolicy {
    fn default() -> Self {
        Self::public_only()
    }
}

/// A host, with or without a port: `files.example`, `files.example:8080`,
/// `10.1.2.3`, `[::1]:80`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AllowedHost {
    /// In lower case, brackets kept.
    host: Box<str>,
    port: Option<u16>,
}

impl AllowedHost {
    /// The host, in lower case; IPv6 in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The only port, where one is named.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether this host and port are meant.
    pub fn matches(&self, host: &str, port: u16) -> bool {
        self.host.eq_ignore_ascii_case(host) && self.port.is_none_or(|only| only == port)
    }

    fn address(&self) -> Option<IpAddr> {
        literal(&self.host)
    }

    /// Whether the operator who wrote this had one address in mind.
    fn names_an_address(&self) -> bool {
        self.port.is_some() || self.address().is_some() || &*self.host == "localhost"
    }
}

impl FromStr for AllowedHost {
    type Err = InvalidAllowedHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidAllowedHost { entry: text.chars().take(100).collect() };
        let shaped = !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b));
        let uri: Uri = format!("http://{text}/").parse().map_err(|_| invalid())?;
        let host = uri.host().unwrap_or_default();
        let whole = match uri.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        // What does not print as it was written had a port with zeros, or none.
        if !shaped || host.is_empty() || whole != text {
            return Err(invalid());
        }
        Ok(Self { host: host.to_ascii_lowercase().into(), port: uri.port_u16() })
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// The text is not a host, or not a list of hosts. The caller's fault; nothing
/// was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{entry:?} is not a host: host or host:port is expected, several with commas between them")]
pub struct InvalidAllowedHost {
    entry: String,
}

/// The port of a URI, or its scheme's.
pub(crate) fn port_of(uri: &Uri) -> u16 {
    let by_scheme = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    uri.port_u16().unwrap_or(by_scheme)
}

/// The address a host is, where it is written out.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_is_not_a_host_is_refused_by_name() {
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
            assert!(bad.parse::<DownloadPolicy>().is_err(), "{bad:?} was taken");
        }
        let error = "good.example,bad/one".parse::<DownloadPolicy>().unwrap_err();
        assert!(error.to_string().contains("\"bad/one\""));
    }

    #[test]
    fn a_host_means_any_port_and_a_host_with_port_that_one() {
        let hosts: DownloadPolicy = "a.example,b.example:8443, [::1]:9".parse().unwrap();
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
        let policy = "files.example,mirror.example:8080,10.1.2.3,localhost"
            .parse::<DownloadPolicy>()
            .unwrap();
        let rules = policy.addresses();
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

    #[test]
    fn a_policy_is_made_of_hosts_and_lists_them() {
        let hosts = ["a.example", "b.example:81"].map(|host| host.parse::<AllowedHost>().unwrap());
        let policy = DownloadPolicy::new(hosts.clone());
        assert!(policy.hosts().eq(&hosts));
        assert_eq!((hosts[1].host(), hosts[1].port()), ("b.example", Some(81)));
        // Only the one with a port may have a private address.
        assert!(policy.addresses().exceptions().eq(&hosts[1..]));
        assert!(!DownloadPolicy::new([]).allows("pro-files.qichacha.com", 80));
        let open = policy.with_addresses(AddressPolicy::any());
        assert!(open.addresses().allows_any());
    }

    #[test]
    fn an_exception_may_be_a_name_or_an_address() {
        let private = [10, 0, 0, 1].into();
        for (exception, host, port, expected) in [
            ("mirror.example", "Mirror.example", 1, true),
            ("mirror.example", "other.example", 1, false),
            ("mirror.example:80", "mirror.example", 81, false),
            ("10.0.0.1", "any.example", 1, true),
            ("10.0.0.1:80", "any.example", 81, false),
        ] {
            let policy = AddressPolicy::public_only().with_exception(exception.parse().unwrap());
            assert_eq!(policy.allows(host, port, private), expected, "{exception} {host}:{port}");
        }
    }

    #[test]
    fn an_address_written_out_is_checked_without_a_connection() {
        let policy = AddressPolicy::default().with_exception("10.0.0.2:80".parse().unwrap());
        for (uri, expected) in [
            ("http://10.0.0.1/", false),
            ("http://[::1]/", false),
            ("http://[::ffff:10.0.0.1]/", false),
            ("http://10.0.0.2/", true),
            ("https://10.0.0.2/", false),
            ("http://8.8.8.8/", true),
            ("http://localhost/", true),
            ("/relative", true),
        ] {
            assert_eq!(policy.check_literal(&uri.parse().unwrap()).is_ok(), expected, "{uri}");
        }
    }

    #[test]
    fn any_address_is_allowed_only_where_that_is_said() {
        assert!(AddressPolicy::any().allows("x", 1, [127, 0, 0, 1].into()));
        assert!(!AddressPolicy::default().allows("localhost", 1, [127, 0, 0, 1].into()));
    }
}
