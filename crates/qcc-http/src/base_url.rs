//! Where the signed calls go: the vendor, or a stand-in.

use std::{fmt, str::FromStr};

use http::Uri;
use qcc_proto::DEFAULT_BASE_URL;

/// Scheme, host and an optional path prefix that the calls are appended to.
///
/// `http` or `https`, without user name, query or fragment. Slashes at the end
/// are dropped. Over plain `http` anyone on the way reads the token, which is
/// good for any call until it is too old: for simulators and trusted networks.
///
/// ```
/// use qcc_http::BaseUrl;
///
/// assert_eq!(BaseUrl::default().to_string(), "https://pro.qcc.com");
/// assert_eq!("http://127.0.0.1:8080/vendor/".parse::<BaseUrl>()?.to_string(), "http://127.0.0.1:8080/vendor");
/// assert!("pro.qcc.com".parse::<BaseUrl>().is_err());
/// # Ok::<(), qcc_http::InvalidBaseUrl>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Box<str>);

impl BaseUrl {
    /// The absolute URI of `path_and_query`, which starts with a slash.
    pub(crate) fn join(&self, path_and_query: &str) -> Result<Uri, http::uri::InvalidUri> {
        Uri::try_from(format!("{}{path_and_query}", self.0))
    }

    /// Whether calls travel encrypted.
    pub fn is_https(&self) -> bool {
        self.0.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
    }
}

impl Default for BaseUrl {
    fn default() -> Self {
        Self(DEFAULT_BASE_URL.into())
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| InvalidBaseUrl("it is not a URL"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(InvalidBaseUrl("it must start with http:// or https://"));
        }
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err(InvalidBaseUrl("a user name or password has no place in it"));
        }
        if uri.host().unwrap_or_default().is_empty() || authority.ends_with(':') {
            return Err(InvalidBaseUrl("it names no host"));
        }
        if authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'))
            && uri.port_u16().is_none()
        {
            return Err(InvalidBaseUrl("its port is not one"));
        }
        if text.contains(['?', '#']) {
            return Err(InvalidBaseUrl("a query or fragment has no place in it"));
        }
        Ok(Self(text.trim_end_matches('/').into()))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The text is no base URL. The caller's fault; nothing was sent.
///
/// Says what is wrong, and holds nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the base URL cannot be used: {0}; https://pro.qcc.com is what it looks like")]
pub struct InvalidBaseUrl(&'static str);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, why: &str) {
        let error = text.parse::<BaseUrl>().expect_err(text).to_string();
        assert!(error.contains(why), "{text:?}: {error}");
    }

    #[test]
    fn what_is_no_base_url_is_refused_with_its_reason() {
        refused("", "not a URL");
        refused("pro.qcc.com", "start with http");
        refused("/api", "start with http");
        refused("ftp://pro.qcc.com", "start with http");
        refused("https://me:secret@pro.qcc.com", "user name");
        refused("https://pro.qcc.com?key=1", "query");
        refused("https://pro.qcc.com/#x", "fragment");
        refused("https://pro.qcc.com:99999", "port");
        refused("https://pro.qcc.com:", "no host");
        assert!(!format!("{:?}", "https://me:secret@x".parse::<BaseUrl>()).contains("secret"));
    }

    #[test]
    fn a_prefix_stays_and_slashes_at_the_end_go() {
        let join = |base: &str| base.parse::<BaseUrl>().unwrap().join("/api?a=%2B").unwrap();
        assert_eq!(join("http://h").to_string(), "http://h/api?a=%2B");
        assert_eq!(join("http://h/").to_string(), "http://h/api?a=%2B");
        assert_eq!(join("http://h:1/p/q//").to_string(), "http://h:1/p/q/api?a=%2B");
        assert_eq!(join("http://[::1]:8080").to_string(), "http://[::1]:8080/api?a=%2B");
        assert_eq!(join("http://[::1]").to_string(), "http://[::1]/api?a=%2B");
    }
}
