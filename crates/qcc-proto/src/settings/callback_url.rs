//! The URL the vendor is told to call: checked before it is sent anywhere.

use std::{fmt, net::IpAddr, str::FromStr};

use url::{Host, Url};

use crate::address::is_public;

/// Where the vendor shall call: an absolute `http` or `https` URL.
///
/// Kept byte for byte as it was given, because the vendor echoes it and the
/// echo is compared. At most 1024 bytes of ASCII, with a host, without user
/// name, password or fragment. A path may serve as a capability, so `Debug`
/// shows only what stands before it.
///
/// ```
/// use qcc_proto::CallbackUrl;
///
/// let url: CallbackUrl = "https://risk.example.com/qcc/callback".parse()?;
/// assert_eq!(url.as_str(), "https://risk.example.com/qcc/callback");
/// assert!(!url.is_probably_private());
/// let error = "risk.example.com/callback".parse::<CallbackUrl>().unwrap_err();
/// assert_eq!(error.to_string(), "the callback URL must start with http:// or https://");
/// # Ok::<(), qcc_proto::InvalidCallbackUrl>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CallbackUrl {
    text: Box<str>,
    parsed: Url,
}

impl CallbackUrl {
    /// The longest URL accepted, in bytes.
    pub const MAX_LEN: usize = 1024;

    /// The URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the vendor's call travels encrypted.
    pub fn is_https(&self) -> bool {
        self.parsed.scheme() == "https"
    }

    /// Whether it has a query of its own.
    ///
    /// The manual appends `?key=…` to the URL (6.2.2) and says nothing of one
    /// that has a query already: better put such a token into the path.
    pub fn has_query(&self) -> bool {
        self.parsed.query().is_some()
    }

    /// Whether the host looks unreachable from the vendor's side.
    ///
    /// True for `localhost`, names without a dot, the endings `.local`,
    /// `.localhost`, `.internal`, `.lan` and `.home.arpa`, and addresses that
    /// are not routed publicly. A warning, not a verdict: no name is resolved.
    pub fn is_probably_private(&self) -> bool {
        match self.parsed.host() {
            Some(Host::Domain(name)) => is_local_name(name),
            Some(Host::Ipv4(address)) => !is_public(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => !is_public(IpAddr::V6(address)),
            None => true,
        }
    }
}

impl FromStr for CallbackUrl {
    type Err = InvalidCallbackUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = check(text).map_err(|kind| InvalidCallbackUrl { kind })?;
        Ok(Self { text: text.into(), parsed })
    }
}

/// The parser repairs what it can (spaces, tabs, backslashes, missing slashes);
/// the vendor sees the text unrepaired, so all of that is refused first.
fn check(text: &str) -> Result<Url, InvalidCallbackUrlKind> {
    use InvalidCallbackUrlKind as Kind;

    if text.is_empty() {
        return Err(Kind::Empty);
    }
    if text.len() > CallbackUrl::MAX_LEN {
        return Err(Kind::TooLong);
    }
    let (scheme, rest) = text.split_once("://").ok_or(Kind::Scheme)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(Kind::Scheme);
    }
    if text.bytes().any(|b| !b.is_ascii_graphic() || b"\\\"<>^`{|}".contains(&b)) {
        return Err(Kind::Character);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.starts_with(':') {
        return Err(Kind::NoHost);
    }
    if authority.contains('@') {
        return Err(Kind::UserInfo);
    }
    if text.contains('#') {
        return Err(Kind::Fragment);
    }
    let parsed = Url::parse(text).map_err(|_| Kind::Malformed)?;
    if parsed.host_str().is_none_or(str::is_empty) {
        return Err(Kind::NoHost);
    }
    Ok(parsed)
}

fn is_local_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let endings = [".local", ".localhost", ".internal", ".lan", ".home.arpa"];
    !name.contains('.') || endings.iter().any(|ending| name.ends_with(ending))
}

impl fmt::Display for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallbackUrl({}/…)", self.parsed.origin().ascii_serialization())
    }
}

/// The text is no URL the vendor could call. The caller's fault; correct it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.kind.message())]
pub struct InvalidCallbackUrl {
    kind: InvalidCallbackUrlKind,
}

/// What is wrong with a callback URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidCallbackUrlKind {
    /// Nothing was given.
    Empty,
    /// More than [`CallbackUrl::MAX_LEN`] bytes.
    TooLong,
    /// Not absolute, or neither `http` nor `https`.
    Scheme,
    /// No host.
    NoHost,
    /// A user name or password.
    UserInfo,
    /// A `#` part.
    Fragment,
    /// White space, a control, a non-ASCII or another character that must be
    /// percent-encoded.
    Character,
    /// Something else no URL has: a bad port, a bad address.
    Malformed,
}

impl InvalidCallbackUrl {
    /// What is wrong.
    pub fn kind(&self) -> InvalidCallbackUrlKind {
        self.kind
    }
}

impl InvalidCallbackUrlKind {
    fn message(self) -> &'static str {
        match self {
            Self::Empty => "the callback URL is empty",
            Self::TooLong => "the callback URL is longer than 1024 bytes",
            Self::Scheme => "the callback URL must start with http:// or https://",
            Self::NoHost => "the callback URL names no host",
            Self::UserInfo => "the callback URL must not carry a user name or password",
            Self::Fragment => "the callback URL must not have a fragment (the part after '#')",
            Self::Character => {
                "the callback URL holds a character that no URL may: percent-encode it \
                 (and write an international host name in its xn-- form)"
            }
            Self::Malformed => "the callback URL is malformed: check its host and port",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidCallbackUrlKind as Kind, *};

    #[track_caller]
    fn refused(text: &str, kind: Kind) {
        assert_eq!(text.parse::<CallbackUrl>().unwrap_err().kind(), kind, "{text:?}");
    }

    #[test]
    fn the_text_is_kept_as_given() {
        for text in [
            "http://test.domain.com/pro/radar/callback",
            "HTTPS://Example.COM:8443/a/../b?x=%2f",
            "http://203.0.113.9",
            "https://[2001:db8::1]:8443/cb",
        ] {
            assert_eq!(text.parse::<CallbackUrl>().unwrap().as_str(), text);
        }
        let longest = format!("http://h.example/{}", "a".repeat(1007));
        assert_eq!(longest.len(), CallbackUrl::MAX_LEN);
        assert!(longest.parse::<CallbackUrl>().is_ok());
        refused(&format!("{longest}a"), Kind::TooLong);
    }

    #[test]
    fn each_refusal_says_what_is_wrong() {
        refused("", Kind::Empty);
        for text in ["/callback", "example.com/cb", "ftp://h/cb", "http:h", "http:/h/cb", "x"] {
            refused(text, Kind::Scheme);
        }
        for text in ["http://", "http:///cb", "https://:80/", "http://?x"] {
            refused(text, Kind::NoHost);
        }
        for text in ["http://u@h/", "http://u:p@h/", "http://@h/"] {
            refused(text, Kind::UserInfo);
        }
        refused("http://h/cb#top", Kind::Fragment);
        for text in ["http://h/a b", "http://h/a\n", "http://h/回调", "http://h\\cb", "http://h/ "]
        {
            refused(text, Kind::Character);
        }
        for text in ["http://h:99999/", "http://h:port/", "http://300.1.1.1/", "http://[::1/"] {
            refused(text, Kind::Malformed);
        }
    }

    #[test]
    fn private_hosts_are_told_apart() {
        let private = |text: &str| text.parse::<CallbackUrl>().unwrap().is_probably_private();
        for host in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "nas",
            "box.lan",
            "10.0.0.1",
            "127.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "[::1]",
            "[fc00::1]",
            "[fe80::1]",
            "[::ffff:10.0.0.1]",
            "192.0.0.1",
            "[64:ff9b::a00:1]",
            "[2002:7f00:1::]",
            "[fec0::1]",
            "0x7f000001",
            "203.0.113.9",
        ] {
            assert!(private(&format!("http://{host}/cb")), "{host}");
        }
        for host in ["pro.qcc.com", "8.8.8.8", "172.32.0.1", "[2400:3200::1]", "100.128.0.1"] {
            assert!(!private(&format!("http://{host}/cb")), "{host}");
        }
    }

    #[test]
    fn debug_hides_the_path() {
        let url: CallbackUrl = "https://h.example:8443/cb/9f2c?t=1".parse().unwrap();
        assert_eq!(format!("{url:?}"), "CallbackUrl(https://h.example:8443/…)");
        assert!(url.is_https() && url.has_query());
    }
}
