//! Which requests go through which proxy, as the usual variables say it.

mod exceptions;
mod url;

use std::{fmt, sync::Arc};

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use exceptions::Exceptions;

/// Which requests go through which proxy.
///
/// `http`, `https`, `socks4`, `socks4a`, `socks5` and `socks5h` proxies, with or
/// without user name and password in their URL. Plain requests are put to an
/// HTTP proxy as such, encrypted ones go through it by `CONNECT`. The `a` and
/// `h` forms leave names to the proxy, `socks4` and `socks5` resolve them here.
///
/// A URL is read strictly, because its password must not be taken for a host or
/// a path and shown: `/`, `?`, `#` and `\` in user name or password have to be
/// escaped, and nothing may follow host and port.
#[derive(Clone)]
pub struct Proxies {
    matcher: Arc<Matcher>,
    exceptions: Arc<Exceptions>,
    is_none: bool,
}

impl Proxies {
    /// No proxy at all.
    pub fn none() -> Self {
        let (matcher, exceptions) = (Arc::new(Matcher::builder().build()), Arc::default());
        Self { matcher, exceptions, is_none: true }
    }

    /// One proxy for everything.
    ///
    /// # Errors
    /// [`InvalidProxy`] where `url` is no proxy's.
    pub fn all(url: &str) -> Result<Self, InvalidProxy> {
        let url = canonical("proxy", url)?;
        Ok(Self::of(Matcher::builder().all(url).build(), Exceptions::default()))
    }

    fn of(matcher: Matcher, exceptions: Exceptions) -> Self {
        Self { matcher: Arc::new(matcher), exceptions: Arc::new(exceptions), is_none: false }
    }

    /// What the usual variables say; `lookup` is asked for each by name.
    ///
    /// `http_proxy` for plain targets, `https_proxy` for encrypted ones,
    /// `all_proxy` for what is left. Each in lower case first, else in upper
    /// case. Under CGI, told by `REQUEST_METHOD`, the upper-case `HTTP_PROXY` is
    /// a visitor's header and left alone.
    ///
    /// `no_proxy` lists what is reached without one, separated by commas or
    /// blanks, in any case: `corp.example` and `.corp.example` (the domain and
    /// all below it), `*.corp.example` (all below it), addresses (IPv6 with or
    /// without brackets), networks (`10.0.0.0/8`), any of these with a port
    /// (`corp.example:8080`), or `*` for everything. It is read where there is
    /// a proxy.
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
    /// URL or no list of exceptions: to go on without it could send past a proxy,
    /// or to one, what must not.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidProxy> {
        let is_cgi = lookup("REQUEST_METHOD").is_some();
        let either = |lower: &'static str, upper: &'static str| {
            let of = |name| lookup(name).map(|value| (name, value.trim().to_owned()));
            of(lower).or_else(|| of(upper).filter(|_| !(is_cgi && upper == "HTTP_PROXY")))
        };
        let proxy = |lower, upper| match either(lower, upper) {
            Some((name, url)) if !url.is_empty() => canonical(name, &url),
            _ => Ok(String::new()),
        };
        let all = proxy("all_proxy", "ALL_PROXY")?;
        let http = proxy("http_proxy", "HTTP_PROXY")?;
        let https = proxy("https_proxy", "HTTPS_PROXY")?;
        if [&all, &http, &https].iter().all(|url| url.is_empty()) {
            return Ok(Self::none());
        }
        let exceptions = match either("no_proxy", "NO_PROXY") {
            Some((name, list)) => Exceptions::parse(&list)
                .map_err(|entry| InvalidProxy { name, fault: Fault::Exception(entry) })?,
            None => Exceptions::default(),
        };
        Ok(Self::of(Matcher::builder().all(all).http(http).https(https).build(), exceptions))
    }

    /// Whether every request goes without a proxy.
    pub fn is_none(&self) -> bool {
        self.is_none
    }

    pub(super) fn intercept(&self, dst: &Uri) -> Option<Intercept> {
        if self.exceptions.contain(dst) { None } else { self.matcher.intercept(dst) }
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
        f.debug_struct("Proxies")
            .field("matcher", &self.matcher)
            .field("exceptions", &self.exceptions)
            .finish()
    }
}

/// The URL in the one spelling the matcher cannot misread: it ignores what it
/// cannot read, and takes a part of a password for a host.
fn canonical(name: &'static str, url: &str) -> Result<String, InvalidProxy> {
    let refused = |why| InvalidProxy { name, fault: Fault::Url(why) };
    let url = url::canonical(url).map_err(refused)?;
    let anywhere = Uri::from_static("http://target.example/");
    match Matcher::builder().all(url.as_str()).build().intercept(&anywhere) {
        Some(_) => Ok(url),
        None => Err(refused("it is longer than a URL may be")),
    }
}

/// A proxy, or the list of what goes without one, is set to what is none. The
/// operator's fault; nothing was sent.
///
/// Names the variable, and nothing of a proxy's URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {fault}")]
pub struct InvalidProxy {
    name: &'static str,
    fault: Fault,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error(
        "is not the URL of a proxy: {0}. http://host:port or socks5h://user:password@host:port is expected (schemes: http, \
         https, socks4, socks4a, socks5, socks5h)"
    )]
    Url(&'static str),
    #[error(
        "cannot be used: {0} is not understood. Domains (corp.example, .corp.example, *.corp.example), addresses, \
         networks (10.0.0.0/8), host:port, or * for everything are expected, separated by commas"
    )]
    Exception(String),
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
        check_vars(&[("ALL_PROXY", "http://p:1"), ("NO_PROXY", "*")], "http://127.0.0.1/", None);
    }

    #[test]
    fn exceptions_matter_only_where_there_is_a_proxy() {
        let vars = |proxy: &'static str| {
            move |name: &str| match name {
                "ALL_PROXY" => Some(proxy.to_owned()),
                "no_proxy" => Some("a.example,10.*".to_owned()),
                _ => None,
            }
        };
        assert!(Proxies::from_vars(vars("")).is_ok());
        let error = Proxies::from_vars(vars("http://p:1")).unwrap_err().to_string();
        assert!(
            error.starts_with("no_proxy cannot be used: \"10.*\" is not understood"),
            "{error}"
        );
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
