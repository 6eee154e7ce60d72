//! Which requests go through which proxy, as the usual variables say it.

use std::{fmt, sync::Arc};

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// Which requests go through which proxy.
///
/// `http`, `https`, `socks4`, `socks4a`, `socks5` and `socks5h` proxies, with or
/// without user name and password in their URL. Plain requests are put to an
/// HTTP proxy as such, encrypted ones go through it by `CONNECT`. The `a` and
/// `h` forms leave names to the proxy, `socks4` and `socks5` resolve them here.
#[derive(Clone)]
pub struct Proxies {
    matcher: Arc<Matcher>,
}

impl Proxies {
    /// No proxy at all.
    pub fn none() -> Self {
        Self { matcher: Arc::new(Matcher::builder().build()) }
    }

    /// One proxy for everything.
    ///
    /// # Errors
    /// [`InvalidProxy`] where `url` is no proxy's.
    pub fn all(url: &str) -> Result<Self, InvalidProxy> {
        check("proxy", url)?;
        Ok(Self { matcher: Arc::new(Matcher::builder().all(url).build()) })
    }

    /// What the usual variables say; `lookup` is asked for each by name.
    ///
    /// `http_proxy` for plain targets, `https_proxy` for encrypted ones,
    /// `all_proxy` for what is left, and `no_proxy`: a comma list of domains
    /// (with all below them), addresses, networks (`10.0.0.0/8`), or `*`. Each
    /// in lower case first, else in upper case. Under CGI, told by
    /// `REQUEST_METHOD`, the upper-case `HTTP_PROXY` is a visitor's header and
    /// left alone.
    ///
    /// ```
    /// use qcc_http::Proxies;
    ///
    /// let proxies = Proxies::from_vars(|name| match name {
    ///     "HTTPS_PROXY" => Some("http://me:secret@proxy.corp.example:3128".to_owned()),
    ///     "NO_PROXY" => Some("localhost,127.0.0.1,10.0.0.0/8".to_owned()),
    ///     _ => None,
    /// })?;
    /// assert!(!format!("{proxies:?}").contains("secret"));
    /// # Ok::<(), qcc_http::InvalidProxy>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidProxy`] with the variable's name, where its value is no proxy's
    /// URL: going without it could send past a proxy what must not.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidProxy> {
        let is_cgi = lookup("REQUEST_METHOD").is_some();
        let either = |lower: &'static str, upper: &'static str| {
            let of = |name| lookup(name).map(|value| (name, value.trim().to_owned()));
            of(lower).or_else(|| of(upper).filter(|_| !(is_cgi && upper == "HTTP_PROXY")))
        };
        let proxy = |lower, upper| match either(lower, upper) {
            Some((name, url)) if !url.is_empty() => check(name, &url).map(|()| url),
            _ => Ok(String::new()),
        };
        let matcher = Matcher::builder()
            .all(proxy("all_proxy", "ALL_PROXY")?)
            .http(proxy("http_proxy", "HTTP_PROXY")?)
            .https(proxy("https_proxy", "HTTPS_PROXY")?)
            .no(either("no_proxy", "NO_PROXY").map(|(_, list)| list).unwrap_or_default())
            .build();
        Ok(Self { matcher: Arc::new(matcher) })
    }

    pub(super) fn intercept(&self, dst: &Uri) -> Option<Intercept> {
        self.matcher.intercept(dst)
    }

    /// The `Proxy-Authorization` of a request that is put to the proxy itself.
    ///
    /// Behind `CONNECT` and SOCKS it belongs to the handshake, never to the
    /// request: the target would read it.
    pub(super) fn authorization_for(&self, dst: &Uri) -> Option<HeaderValue> {
        if dst.scheme_str() != Some("http") {
            return None;
        }
        self.intercept(dst)?.basic_auth().cloned()
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The matcher keeps user name and password apart and does not show them.
        self.matcher.fmt(f)
    }
}

/// The matcher ignores what it cannot read, so it is asked for each value alone.
fn check(name: &'static str, url: &str) -> Result<(), InvalidProxy> {
    let anywhere = Uri::from_static("http://target.example/");
    let read = Matcher::builder().all(url).build().intercept(&anywhere);
    match read {
        Some(proxy) if proxy.uri().host().is_some_and(|host| !host.is_empty()) => Ok(()),
        _ => Err(InvalidProxy { name }),
    }
}

/// A proxy is set to what is no proxy's URL. The operator's fault; nothing was sent.
///
/// Names the variable, and nothing of its value, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name} is not the URL of a proxy: http://host:port or socks5h://host:port is expected \
     (schemes: http, https, socks4, socks4a, socks5, socks5h)"
)]
pub struct InvalidProxy {
    name: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_vars(vars: &[(&str, &str)], target: &str, expected: Option<&str>) {
        let lookup = |name: &str| {
            vars.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        };
        let proxies = Proxies::from_vars(lookup).unwrap();
        let hit = proxies.intercept(&target.parse().unwrap());
        assert_eq!(hit.map(|hit| hit.uri().to_string()).as_deref(), expected, "{vars:?} {target}");
    }

    #[test]
    fn the_usual_variables_mean_what_they_usually_mean() {
        let p = Some("http://p:1/");
        check_vars(&[], "http://a.example/", None);
        check_vars(&[("HTTP_PROXY", "http://p:1")], "http://a.example/", p);
        check_vars(&[("HTTP_PROXY", "p:1")], "http://a.example/", p);
        check_vars(&[("HTTP_PROXY", "http://p:1")], "https://a.example/", None);
        check_vars(&[("https_proxy", "http://p:1")], "https://a.example/", p);
        check_vars(&[("ALL_PROXY", "socks5h://p:1")], "https://a.example/", Some("socks5h://p:1/"));
        check_vars(&[("http_proxy", "http://p:1"), ("HTTP_PROXY", "http://q:2")], "http://a/", p);
        check_vars(&[("http_proxy", ""), ("HTTP_PROXY", "http://q:2")], "http://a/", None);
        check_vars(&[("HTTP_PROXY", "http://p:1"), ("REQUEST_METHOD", "GET")], "http://a/", None);
        check_vars(&[("http_proxy", "http://p:1"), ("REQUEST_METHOD", "GET")], "http://a/", p);
    }

    #[test]
    fn no_proxy_knows_domains_addresses_and_networks() {
        let vars =
            [("ALL_PROXY", "http://p:1"), ("NO_PROXY", "corp.example, 127.0.0.1,10.0.0.0/8,::1")];
        let p = Some("http://p:1/");
        for (target, expected) in [
            ("http://corp.example/", None),
            ("https://files.corp.example/", None),
            ("http://notcorp.example/", p),
            ("http://127.0.0.1:8080/", None),
            ("http://127.0.0.2/", p),
            ("http://10.200.0.1/", None),
            ("http://11.0.0.1/", p),
            ("http://[::1]:80/", None),
        ] {
            check_vars(&vars, target, expected);
        }
        check_vars(&[("ALL_PROXY", "http://p:1"), ("NO_PROXY", "*")], "http://a/", None);
    }

    #[test]
    fn a_value_that_is_no_proxy_is_refused_by_name_only() {
        for bad in ["ftp://me:hunter2@p:1", "http://", "hunter2 x", "http://me:hunter2@", "://"] {
            let error = Proxies::from_vars(|name| (name == "HTTPS_PROXY").then(|| bad.to_owned()))
                .expect_err(bad);
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("HTTPS_PROXY") && !shown.contains("hunter2"), "{shown}");
        }
    }
}
