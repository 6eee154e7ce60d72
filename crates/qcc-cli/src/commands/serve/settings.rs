//! What `qcc serve` was told, checked: each refusal names where the value came
//! from and what one looks like.

use std::{
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use jiff::SignedDuration;
use qcc_proto::{CallbackUrl, PushSetting, PushWindow, StatusForm};
use qcc_sync::PathWish;

use crate::{
    config::{Origin, ServeSettings, Setting, Sourced, duration},
    exit::Usage,
};

/// The settings, each of which can be what it claims.
#[derive(Debug)]
pub(super) struct Settings {
    /// Where the vendor's calls arrive.
    pub(super) listen: SocketAddr,
    /// How the two addresses are set, where this one came from.
    pub(super) listen_setting: String,
    pub(super) admin_setting: String,
    /// The path they come to, before a secret segment.
    pub(super) path: String,
    /// Where health and metrics are served.
    pub(super) admin: Option<SocketAddr>,
    /// What the vendor calls, as it sees it.
    pub(super) public_url: Option<CallbackUrl>,
    /// How often the order list is read; `None` adapts to the window.
    pub(super) poll_interval: Option<Duration>,
    /// Certificate chain and private key.
    pub(super) tls: Option<(PathBuf, PathBuf)>,
    /// How the acknowledgement writes its status.
    pub(super) form: StatusForm,
    /// Networks calls may come from; empty for any.
    pub(super) sources: Vec<IpNet>,
    /// Networks whose `X-Forwarded-For` is believed.
    pub(super) proxies: Vec<IpNet>,
    /// How many unknown orders one address may name in a minute.
    pub(super) unknown_per_minute: NonZeroU32,
    /// How many all addresses together may name in a minute.
    pub(super) unknown_per_minute_in_all: NonZeroU32,
    /// How many connections are open at most.
    pub(super) connections: usize,
    /// How long a caller may take for the head of its request.
    pub(super) header_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub(super) idle_timeout: Duration,
    /// Whether broken delivery is mended by 6.2.3.
    pub(super) heal: bool,
    /// How long a listed order may go without a call, where that is set.
    pub(super) heal_after: Option<SignedDuration>,
    /// Whether and how the callback path carries a secret segment.
    pub(super) secret_path: Option<PathWish>,
}

impl Settings {
    /// Checks what file, environment and flags say together.
    ///
    /// # Errors
    /// [`Usage`] where a value cannot be one, or two do not go together.
    pub(super) fn of(said: &ServeSettings) -> Result<Self, Usage> {
        let public_url = said.public_url.as_ref().map(public_url).transpose()?;
        let unknown_per_minute = number(&said.unknown_per_minute, 300)?;
        let twice = unknown_per_minute.get().saturating_mul(2);
        Ok(Self {
            listen: address(&said.listen, "127.0.0.1:8090")?,
            listen_setting: spelling(&said.listen, Setting::LISTEN),
            admin_setting: spelling(&said.admin_listen, Setting::ADMIN_LISTEN),
            path: path(&said.callback_path)?,
            admin: admin(&said.admin_listen)?,
            poll_interval: said.poll_interval.as_ref().map(positive).transpose()?,
            tls: tls(said)?,
            form: said.ack_status.as_ref().map_or(Ok(StatusForm::Text), form)?,
            sources: said.sources.as_ref().map_or(Ok(Vec::new()), networks)?,
            proxies: said.trusted_proxies.as_ref().map_or(Ok(Vec::new()), networks)?,
            unknown_per_minute,
            unknown_per_minute_in_all: number(&said.unknown_per_minute_in_all, twice)?,
            connections: number(&said.connections, 512)?.get() as usize,
            header_timeout: span(&said.header_timeout, Duration::from_secs(10))?,
            idle_timeout: span(&said.idle_timeout, Duration::from_secs(150))?,
            heal: said.heal.as_ref().is_none_or(|wanted| wanted.value),
            heal_after: heal_after(said)?,
            secret_path: secret_path(said, public_url.as_ref())?,
            public_url,
        })
    }
}

fn spelling(said: &Option<Sourced<String>>, setting: Setting) -> String {
    said.as_ref().map_or(&Origin::Default, |said| &said.origin).spelling(setting)
}

/// How long a listed order may go without a call, where that is set.
///
/// # Errors
/// [`Usage`] if it is not a duration.
pub(in crate::commands) fn heal_after(
    said: &ServeSettings,
) -> Result<Option<SignedDuration>, Usage> {
    let set = said.heal_after.as_ref().map(positive).transpose()?;
    Ok(set.map(|set| SignedDuration::try_from(set).unwrap_or(SignedDuration::MAX)))
}

fn secret_path(
    said: &ServeSettings,
    public_url: Option<&CallbackUrl>,
) -> Result<Option<PathWish>, Usage> {
    if !said.secret_path.as_ref().is_some_and(|wanted| wanted.value) {
        return Ok(None);
    }
    let callback_url = public_url
        .cloned()
        .ok_or_else(|| Usage::new("a secret path requires the public URL: set QCC_PUBLIC_URL"))?;
    let window = said.push_window.as_ref().map(window).transpose()?;
    let long = |span| SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    let every = said.secret_path_every.as_ref().map(positive).transpose()?;
    Ok(Some(PathWish {
        setting: PushSetting::new(callback_url).with_window(window),
        overlap: long(span(&said.secret_path_overlap, Duration::from_secs(24 * 3600))?),
        every: every.map(long),
    }))
}

fn window(setting: &Sourced<u32>) -> Result<PushWindow, Usage> {
    let hour = setting.value.to_string();
    hour.parse().map_err(|_| refused(setting, "9, 11, 13, 15, 17 or 19"))
}

fn refused<T>(setting: &Sourced<T>, expected: &str) -> Usage {
    Usage::new(format!("{} must be {expected}", setting.origin))
}

fn number(setting: &Option<Sourced<u32>>, default: u32) -> Result<NonZeroU32, Usage> {
    let setting = setting.clone().unwrap_or_else(|| Sourced::default_of(default));
    NonZeroU32::new(setting.value).ok_or_else(|| refused(&setting, "1 or more"))
}

fn address(setting: &Option<Sourced<String>>, default: &str) -> Result<SocketAddr, Usage> {
    let default = || Sourced::default_of(default.to_owned());
    let setting = setting.clone().unwrap_or_else(default);
    let expected = "an address with its port, such as 127.0.0.1:8090 or [::]:8090";
    setting.value.parse().map_err(|_| refused(&setting, expected))
}

pub(super) fn admin(setting: &Option<Sourced<String>>) -> Result<Option<SocketAddr>, Usage> {
    match setting {
        Some(off) if off.value == "off" => Ok(None),
        setting => address(setting, "127.0.0.1:9090").map(Some),
    }
}

/// A path is compared byte for byte, so nothing in it may need an escape.
fn path(setting: &Option<Sourced<String>>) -> Result<String, Usage> {
    let Some(setting) = setting else { return Ok("/callback".to_owned()) };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let rooted = setting.value.starts_with('/') && !setting.value.contains("//");
    // Clients resolve these, so no call would ever reach such a path.
    let dotted = setting.value.split('/').any(|segment| matches!(segment, "." | ".."));
    if !rooted || dotted || !setting.value.bytes().all(plain) {
        return Err(refused(
            setting,
            "a path such as /callback, of letters, digits and -._~ only, without . and .. as parts",
        ));
    }
    Ok(match setting.value.trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.to_owned(),
    })
}

fn public_url(setting: &Sourced<String>) -> Result<CallbackUrl, Usage> {
    let expected = "the URL the vendor calls, such as https://receiver.example.com/callback";
    setting.value.parse().map_err(|error| refused(setting, expected).with_source(error))
}

pub(super) fn positive(setting: &Sourced<String>) -> Result<Duration, Usage> {
    duration(&setting.value)
        .ok()
        .filter(|span| !span.is_zero())
        .ok_or_else(|| refused(setting, "a duration above 0 such as 30s or 10m"))
}

fn span(setting: &Option<Sourced<String>>, default: Duration) -> Result<Duration, Usage> {
    setting.as_ref().map_or(Ok(default), positive)
}

fn form(setting: &Sourced<String>) -> Result<StatusForm, Usage> {
    match setting.value.as_str() {
        "text" => Ok(StatusForm::Text),
        "integer" => Ok(StatusForm::Integer),
        _ => Err(refused(setting, "text or integer")),
    }
}

/// A comma list of networks; an address alone is the network of just that one.
fn networks(setting: &Sourced<String>) -> Result<Vec<IpNet>, Usage> {
    let expected = "a list of networks such as 10.0.0.0/8 or 2001:db8::1";
    let named = setting.value.split(',').map(str::trim).filter(|text| !text.is_empty());
    named
        .map(|text| {
            let network: Option<IpNet> = text.parse().ok();
            network.or_else(|| Some(IpNet::from(text.parse::<std::net::IpAddr>().ok()?)))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| refused(setting, expected))
}

fn tls(said: &ServeSettings) -> Result<Option<(PathBuf, PathBuf)>, Usage> {
    match (&said.tls_cert, &said.tls_key) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => Ok(Some((cert.value.clone(), key.value.clone()))),
        (Some(only), None) => Err(halved(only, Setting::TLS_KEY)),
        (None, Some(only)) => Err(halved(only, Setting::TLS_CERT)),
    }
}

fn halved(only: &Sourced<PathBuf>, missing: Setting) -> Usage {
    let missing = only.origin.spelling(missing);
    Usage::new(format!("{} requires {missing}", only.origin))
}

/// A flag's value.
pub(super) fn flag<T: Clone>(value: &Option<T>, name: &'static str) -> Option<Sourced<T>> {
    value.clone().map(|value| Sourced { value, origin: Origin::Flag(name) })
}

/// A flag that names a file.
pub(super) fn file_flag(value: Option<&Path>, name: &'static str) -> Option<Sourced<PathBuf>> {
    flag(&value.map(Path::to_owned), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(edit: impl FnOnce(&mut ServeSettings)) -> ServeSettings {
        let mut said = ServeSettings::default();
        edit(&mut said);
        said
    }

    fn text(value: &str) -> Option<Sourced<String>> {
        Some(Sourced { value: value.to_owned(), origin: Origin::Environment("QCC_X") })
    }

    #[test]
    fn nothing_said_means_the_documented_defaults() {
        let settings = Settings::of(&ServeSettings::default()).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8090");
        assert_eq!(settings.admin.unwrap().to_string(), "127.0.0.1:9090");
        assert_eq!((settings.path.as_str(), settings.heal), ("/callback", true));
        assert!(settings.poll_interval.is_none() && settings.secret_path.is_none());
        assert_eq!(settings.header_timeout, Duration::from_secs(10));
        assert_eq!(settings.idle_timeout, Duration::from_secs(150));
    }

    #[test]
    fn all_addresses_together_may_name_twice_what_one_may_unless_told_otherwise() {
        let number = |value| Some(Sourced::default_of(value));
        let in_all = |edit: fn(&mut ServeSettings)| {
            Settings::of(&said(edit)).unwrap().unknown_per_minute_in_all.get()
        };
        assert_eq!(in_all(|_| ()), 600);
        let few = said(|s| s.unknown_per_minute = number(7));
        assert_eq!(Settings::of(&few).unwrap().unknown_per_minute_in_all.get(), 14);
        let told = said(|s| s.unknown_per_minute_in_all = number(9));
        assert_eq!(Settings::of(&told).unwrap().unknown_per_minute_in_all.get(), 9);
    }

    #[test]
    fn a_value_that_cannot_be_one_is_refused_by_its_origin() {
        type Edit = fn(&mut ServeSettings);
        let wrong: [(Edit, &str); 12] = [
            (|s| s.listen = text("8090"), "an address with its port"),
            (|s| s.callback_path = text("callback"), "a path such as /callback"),
            (|s| s.callback_path = text("/a%20b"), "a path such as /callback"),
            (|s| s.callback_path = text("/../x"), "without . and .."),
            (|s| s.callback_path = text("/a/."), "without . and .."),
            (|s| s.public_url = text("receiver.example.com"), "the URL the vendor calls"),
            (|s| s.poll_interval = text("0s"), "a duration above 0"),
            (|s| s.ack_status = text("number"), "text or integer"),
            (|s| s.sources = text("10.0.0.0/33"), "a list of networks"),
            (|s| s.header_timeout = text("5"), "a duration above 0"),
            (|s| s.idle_timeout = text("0s"), "a duration above 0"),
            (|s| s.admin_listen = text("none"), "an address with its port"),
        ];
        for (edit, expected) in wrong {
            let error = Settings::of(&said(edit)).unwrap_err().to_string();
            assert!(error.starts_with("QCC_X must be ") && error.contains(expected), "{error}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let secret = Settings::of(&said(|s| s.secret_path = Some(Sourced::default_of(true))));
        assert!(secret.unwrap_err().to_string().contains("set QCC_PUBLIC_URL"));
        let cert =
            Settings::of(&said(|s| s.tls_cert = file_flag(Some(Path::new("c")), "tls-cert")));
        assert_eq!(cert.unwrap_err().to_string(), "--tls-cert requires --tls-key");
    }

    #[test]
    fn a_network_may_be_a_single_address() {
        let settings = Settings::of(&said(|s| s.sources = text("10.0.0.0/8, ::1"))).unwrap();
        let shown: Vec<String> = settings.sources.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8", "::1/128"]);
        assert!(Settings::of(&said(|s| s.admin_listen = text("off"))).unwrap().admin.is_none());
    }
}
