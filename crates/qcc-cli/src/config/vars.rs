//! The environment, as far as it concerns this program.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use super::origin::{Origin, Sourced};
use crate::{exit::Usage, output::plain};

/// A variable's text and its name.
pub(super) fn of_variable(vars: &Vars, name: &'static str) -> Option<Sourced<String>> {
    let value = vars.value(name)?.to_owned();
    Some(Sourced { value, origin: Origin::Environment(name) })
}

/// Names this version reads.
const KNOWN: [&str; 18] = [
    "QCC_CONFIG",
    "QCC_KEY",
    "QCC_SECRET_KEY",
    "QCC_SECRET_KEY_FILE",
    "QCC_BASE_URL",
    "QCC_DOWNLOAD_HOSTS",
    "QCC_CA_FILE",
    "QCC_REDIRECTS",
    "QCC_STORE",
    "QCC_ARCHIVE_DIR",
    "QCC_ARCHIVE_PASSWORD",
    "QCC_LOG",
    "QCC_CONCURRENCY",
    "QCC_LISTEN",
    "QCC_CALLBACK_PATH",
    "QCC_ADMIN_LISTEN",
    "QCC_PUBLIC_URL",
    "QCC_POLL_INTERVAL",
];

/// Those whose value is a path, which may be any bytes the system allows.
const PATHS: [&str; 4] = ["QCC_CONFIG", "QCC_SECRET_KEY_FILE", "QCC_STORE", "QCC_ARCHIVE_DIR"];

/// The proxy variables people set, in either case.
const PROXY: [&str; 8] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// The usual variables for authorities to trust.
const AUTHORITIES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The environment, as far as it concerns this program. `Debug` shows names.
#[derive(Clone, Default)]
pub(crate) struct Vars(BTreeMap<String, OsString>);

impl Vars {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        let ours = |name: &str| {
            name.starts_with("QCC_")
                || PROXY.contains(&name)
                || AUTHORITIES.contains(&name)
                || name == "REQUEST_METHOD"
        };
        let named = std::env::vars_os().filter_map(|(name, value)| {
            // A name that is not UTF-8 is not ours, but may look like one.
            let name = name.to_string_lossy().into_owned();
            ours(&name).then_some((name, value))
        });
        Self(named.collect())
    }

    /// A variable's text; one that is empty counts as not set.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.raw(name)?.to_str()
    }

    /// A variable's bytes; one that is empty counts as not set.
    pub(super) fn raw(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The variables that must be text and are not. They would else count as not
    /// set, and a default would take their place.
    pub(super) fn no_text(&self) -> impl Iterator<Item = Usage> + '_ {
        let names = KNOWN.iter().filter(|name| !PATHS.contains(name)).chain(PROXY.iter());
        names
            .filter(|name| self.raw(name).is_some_and(|value| value.to_str().is_none()))
            .map(|name| Usage::new(format!("the value of {name} is not UTF-8 text: set it again")))
    }

    /// Remarks about variables that look like ours and are not.
    pub(super) fn unknown(&self) -> Vec<String> {
        let ours = self.0.keys().filter(|name| name.starts_with("QCC_"));
        let unknown = ours.filter(|name| !KNOWN.contains(&name.as_str()));
        unknown
            .map(|name| format!("{} is set, but no setting has that name", plain(name)))
            .collect()
    }
}

impl std::fmt::Debug for Vars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Vars {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }
}
