//! Redirects: told, and followed in one case only.

use http::{HeaderMap, StatusCode, Uri, header, uri::PathAndQuery};

/// Which redirects are followed.
///
/// None, if unset: a redirect may lead anywhere, with a signed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RedirectPolicy {
    /// No redirect is followed.
    #[default]
    Never,
    /// From `http` to `https` of the same host, with the same path and query,
    /// once: what a server does that was given encryption later. The request
    /// reaches nobody it has not reached already.
    ToHttps,
}

/// Where a redirect leads, if anywhere.
pub(super) struct Redirect {
    from: Uri,
    to: Uri,
}

impl Redirect {
    /// Reads a redirect off an answer to `from`.
    pub(super) fn of(from: &Uri, http: StatusCode, headers: &HeaderMap) -> Option<Self> {
        if !matches!(http.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let place = headers.get(header::LOCATION)?.to_str().ok()?;
        let to: Uri = place.parse().ok()?;
        // A place without a host is on this one.
        let to = match to.authority() {
            Some(_) => to,
            None => from.clone(),
        };
        Some(Self { from: from.clone(), to })
    }

    /// Scheme, host and port, and nothing of path, query or user name.
    pub(super) fn place(&self) -> String {
        let host: String = self.to.host().unwrap_or_default().chars().take(200).collect();
        let scheme = self.to.scheme_str().unwrap_or_default();
        match self.to.port_u16() {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }
    }

    /// The target, where the policy lets us go there.
    pub(super) fn followed(self, policy: RedirectPolicy) -> Option<Uri> {
        let is_upgrade = self.from.scheme_str() == Some("http")
            && self.to.scheme_str() == Some("https")
            && match (self.from.host(), self.to.host()) {
                (Some(from), Some(to)) => from.eq_ignore_ascii_case(to),
                _ => false,
            }
            && self.to.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && self.from.path_and_query().map(PathAndQuery::as_str)
                == self.to.path_and_query().map(PathAndQuery::as_str);
        match policy {
            RedirectPolicy::ToHttps if is_upgrade => Some(self.to),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(from: &str, place: &str) -> Option<Redirect> {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, place.parse().unwrap());
        Redirect::of(&from.parse().unwrap(), StatusCode::FOUND, &headers)
    }

    #[test]
    fn only_https_of_the_same_host_and_target_is_followed() {
        let from = "http://a.example/x?Signature=1";
        for (place, expected) in [
            ("https://a.example/x?Signature=1", true),
            ("https://A.EXAMPLE:8443/x?Signature=1", true),
            ("https://a.example/x?Signature=2", false),
            ("https://a.example/y?Signature=1", false),
            ("https://a.example/x", false),
            ("https://b.example/x?Signature=1", false),
            ("https://a.example.evil/x?Signature=1", false),
            ("https://me@a.example/x?Signature=1", false),
            ("https://a.example@evil.example/x?Signature=1", false),
            ("http://a.example/x?Signature=1", false),
            ("ftp://a.example/x?Signature=1", false),
            ("/x?Signature=1", false),
        ] {
            let to = redirect(from, place).and_then(|to| to.followed(RedirectPolicy::ToHttps));
            assert_eq!(to.is_some(), expected, "{place}");
            let never = redirect(from, place).and_then(|to| to.followed(RedirectPolicy::Never));
            assert_eq!(never, None, "{place}");
        }
        let down = redirect("https://a.example/x", "https://a.example/x").unwrap();
        assert_eq!(down.followed(RedirectPolicy::ToHttps), None);
    }

    #[test]
    fn a_place_is_told_without_path_query_and_user() {
        for (place, told) in [
            ("https://a.example/x?Signature=1", "https://a.example"),
            ("http://me:pw@b.example:81/x?Signature=1", "http://b.example:81"),
            ("/login?x=1", "http://a.example:80"),
        ] {
            assert_eq!(redirect("http://a.example:80/x", place).unwrap().place(), told);
        }
        assert!(redirect("http://a.example/", "not a url").is_none());
    }
}
