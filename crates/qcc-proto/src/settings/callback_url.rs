//! The URL that the vendor calls, checked before it is sent.

use std::{fmt, str::FromStr};

use crate::{
    address::is_public,
    text::{checked_text, deserialize_by_parsing},
    url::{Host, HttpUrl, UrlFault},
};

/// The URL that the vendor calls: an absolute `http` or `https` URL.
///
/// Kept byte for byte as given, because the vendor echoes it and the echo is
/// compared. At most 1024 bytes of ASCII, with a host, without user name,
/// password or fragment. The host is a name of letters, digits, `-`, `_` and
/// dots, an IPv6 address in brackets, or an IPv4 address in four decimal
/// numbers. The path may be secret, so `Debug` shows scheme, host and port only.
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
    is_https: bool,
    has_query: bool,
    is_probably_private: bool,
    /// Where the path begins, or the end of the text.
    path_at: usize,
}

impl CallbackUrl {
    /// The longest URL accepted, in bytes.
    pub const MAX_LEN: usize = 1024;

    /// The URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the scheme is `https`, so that the callback is encrypted.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether the URL has a query.
    ///
    /// The vendor appends `?key=…` to the URL (6.2.2). The manual does not say
    /// what happens if the URL already has a query, so put a token into the path
    /// instead.
    pub fn has_query(&self) -> bool {
        self.has_query
    }

    /// Whether the vendor probably cannot reach the host.
    ///
    /// True for `localhost`, names without a dot, names that end in `.local`,
    /// `.localhost`, `.internal`, `.lan` or `.home.arpa`, and addresses that are
    /// not [public](is_public). No name is resolved, so use this for a warning.
    pub fn is_probably_private(&self) -> bool {
        self.is_probably_private
    }
}

impl FromStr for CallbackUrl {
    type Err = InvalidCallbackUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = check(text).map_err(|kind| InvalidCallbackUrl { kind })?;
        Ok(Self {
            is_https: url.is_https,
            has_query: url.has_query,
            is_probably_private: match url.host {
                Host::Name(name) => is_local_name(name),
                Host::Address(address) => !is_public(address),
            },
            path_at: (if url.is_https { "https://" } else { "http://" }).len()
                + url.authority.len(),
            text: text.into(),
        })
    }
}

fn check(text: &str) -> Result<HttpUrl<'_>, InvalidCallbackUrlKind> {
    use InvalidCallbackUrlKind as Kind;

    if text.is_empty() {
        return Err(Kind::Empty);
    }
    if text.len() > CallbackUrl::MAX_LEN {
        return Err(Kind::TooLong);
    }
    let url = HttpUrl::parse(text);
    if matches!(url, Err(UrlFault::Scheme)) {
        return Err(Kind::Scheme);
    }
    if text.bytes().any(|b| !b.is_ascii_graphic() || b"\\\"<>^`{|}".contains(&b)) {
        return Err(Kind::Character);
    }
    let url = url.map_err(|fault| match fault {
        UrlFault::Scheme => Kind::Scheme,
        UrlFault::NoHost => Kind::NoHost,
        UrlFault::Authority => Kind::Malformed,
    })?;
    if url.has_user_info() {
        return Err(Kind::UserInfo);
    }
    if url.has_fragment {
        return Err(Kind::Fragment);
    }
    Ok(url)
}

fn is_local_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let endings = [".local", ".localhost", ".internal", ".lan", ".home.arpa"];
    !name.contains('.') || endings.iter().any(|ending| name.ends_with(ending))
}

checked_text!(CallbackUrl, InvalidCallbackUrl);
deserialize_by_parsing!(CallbackUrl);

impl fmt::Debug for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallbackUrl({}/…)", self.text.get(..self.path_at).unwrap_or_default())
    }
}

/// The text is not a callback URL. Nothing was sent; correct the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidCallbackUrl {
    kind: InvalidCallbackUrlKind,
}

/// What is wrong with a callback URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidCallbackUrlKind {
    /// The text is empty.
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
    /// White space, a control character, a character outside ASCII, or another
    /// one that must be percent-encoded.
    Character,
    /// The host or the port is malformed.
    Malformed,
}

impl InvalidCallbackUrl {
    /// What is wrong.
    pub fn kind(&self) -> InvalidCallbackUrlKind {
        self.kind
    }
}

impl fmt::Display for InvalidCallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use InvalidCallbackUrlKind as Kind;

        f.write_str(match self.kind {
            Kind::Empty => "the callback URL is empty",
            Kind::TooLong => "the callback URL is longer than 1024 bytes",
            Kind::Scheme => "the callback URL must start with http:// or https://",
            Kind::NoHost => "the callback URL has no host",
            Kind::UserInfo => "the callback URL must not contain a user name or password",
            Kind::Fragment => "the callback URL must not have a fragment (the part after '#')",
            Kind::Character => {
                "the callback URL contains a character that is not allowed in a URL: \
                 percent-encode it (and write an international host name in its xn-- form)"
            }
            Kind::Malformed => {
                "the callback URL has a malformed host or port: write an IPv4 address as four \
                 decimal numbers and an IPv6 address in brackets"
            }
        })
    }
}

impl std::error::Error for InvalidCallbackUrl {}

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
        for text in [
            "http://h:99999/",
            "http://h:port/",
            "http://300.1.1.1/",
            "http://[::1/",
            "http://127.1/",
            "http://0x7f000001/",
            "http://h%2eexample/",
            "http://h..example/",
        ] {
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
            "127.0.0.1",
            "BOX.LAN",
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
        let bare: CallbackUrl = "HTTP://h.example".parse().unwrap();
        assert_eq!(format!("{bare:?}"), "CallbackUrl(HTTP://h.example/…)");
        let query: CallbackUrl = "http://h.example?t=1".parse().unwrap();
        assert_eq!(format!("{query:?}"), "CallbackUrl(http://h.example/…)");
    }
}
