//! What can be checked without the vendor: settings, proxies, database, disk.

use std::path::Path;

use qcc_sync::Store;

use super::finding::Finding;
use crate::{
    commands::serve,
    config::{Config, Origin, Sourced},
    exit::{Exit, Usage},
    output::{bytes, many},
    wiring,
};

/// Less room than this is worth a word.
const LITTLE_ROOM: u64 = 1 << 30;

/// Each setting, where it came from, and whether it can be one.
pub(super) fn settings(config: &Config) -> Vec<Finding> {
    let file = match &config.file {
        Some(path) => format!("{} was read", path.display()),
        None => "no qcc.toml; environment and flags only".to_owned(),
    };
    let mut findings = vec![Finding::fine("configuration", file)];
    let problem = |problem: &Usage| Finding::of_problem("configuration", problem);
    findings.extend(config.problems.iter().map(problem));
    findings.extend(config.remarks.iter().map(|remark| Finding::doubtful("configuration", remark)));
    findings.push(match config.app_key() {
        Ok(_) => Finding::fine("key", from(config.key.as_ref().map(|key| &key.origin))),
        Err(error) => Finding::of_error("key", &error.into()),
    });
    findings.push(match config.secret() {
        Ok(_) => Finding::fine("SecretKey", from(config.secret_origin())),
        Err(error) => Finding::of_error("SecretKey", &error.into()),
    });
    findings.extend(swapped(config));
    findings.push(match wiring::base_url(config) {
        Ok(url) if url.is_https() => Finding::fine("base URL", told(&config.base_url)),
        Ok(_) => Finding::doubtful(
            "base URL",
            format!(
                "{}: calls travel unencrypted; fine for a simulator only",
                told(&config.base_url)
            ),
        ),
        Err(error) => Finding::of_error("base URL", &error.into()),
    });
    findings.push(match wiring::download_hosts(config) {
        Ok(_) => Finding::fine("download hosts", told(&config.download_hosts)),
        Err(error) => Finding::of_error("download hosts", &error.into()),
    });
    findings
        .extend(wiring::redirects(config).err().map(|e| Finding::of_error("redirects", &e.into())));
    findings.extend(config.concurrency.as_ref().map(|setting| {
        Finding::fine("concurrency", format!("{} ({})", setting.value, setting.origin))
    }));
    findings.push(authorities(config));
    findings.extend(daemon(config));
    findings
}

/// Whom TLS trusts, and who said so.
fn authorities(config: &Config) -> Finding {
    if let Err(error) = wiring::roots(config) {
        return Finding::of_error("authorities", &error.into());
    }
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
    let mut told: Vec<String> = named
        .iter()
        .filter_map(|name| Some(format!("{} ({name})", config.vars.value(name)?)))
        .collect();
    if told.is_empty() {
        told.push("this machine's".to_owned());
    }
    told.extend(config.ca_file.as_ref().map(|s| format!("{} ({})", s.value.display(), s.origin)));
    Finding::fine("authorities", format!("the bundled ones, {}", told.join(", ")))
}

/// Whether key and SecretKey look swapped.
///
/// The manual does not say what they look like. The vendor writes a key in small
/// and a SecretKey in capital hexadecimal digits, as far as is known.
fn swapped(config: &Config) -> Option<Finding> {
    const CHECK: &str = "key, SecretKey";
    let key = config.key.as_ref()?.value.as_str();
    let secret = config.secret_text()?;
    let hex = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let capital = |text: &str| text.bytes().any(|byte| byte.is_ascii_uppercase());
    let small = |text: &str| text.bytes().any(|byte| byte.is_ascii_lowercase());
    let only = |text: &str, one: &dyn Fn(&str) -> bool, other: &dyn Fn(&str) -> bool| {
        hex(text) && one(text) && !other(text)
    };
    if key == secret.reveal() {
        let told = "both are the same: copy each again from the settings centre";
        return Some(Finding::bad(CHECK, Exit::Usage, told));
    }
    let looks = only(key, &capital, &small) && only(secret.reveal(), &small, &capital);
    looks.then(|| {
        Finding::doubtful(
            CHECK,
            "they look swapped: compare both with the settings centre before you go on, for a key \
             is shown in every URL",
        )
    })
}

/// The settings of `qcc serve`, where there are any.
fn daemon(config: &Config) -> Option<Finding> {
    let said = config.serve.said();
    let shown: Vec<String> =
        said.iter().map(|(name, value, origin)| format!("{name} = {value} ({origin})")).collect();
    match serve::check(&config.serve) {
        Err(error) => Some(Finding::of_error("qcc serve", &error.into())),
        Ok(()) if shown.is_empty() => None,
        Ok(()) => Some(Finding::fine("qcc serve", shown.join(", "))),
    }
}

fn from(origin: Option<&Origin>) -> String {
    origin.map(|origin| format!("from {origin}")).unwrap_or_default()
}

fn told(setting: &Sourced<String>) -> String {
    format!("{} ({})", setting.value, setting.origin)
}

/// The proxies in force, by variable, without user name and password.
pub(super) fn proxies(config: &Config) -> Vec<Finding> {
    const NAMES: [(&str, &str); 4] = [
        ("https_proxy", "HTTPS_PROXY"),
        ("http_proxy", "HTTP_PROXY"),
        ("all_proxy", "ALL_PROXY"),
        ("no_proxy", "NO_PROXY"),
    ];
    if let Err(error) = wiring::proxies(config) {
        return vec![Finding::of_error("proxy", &error.into())];
    }
    let set: Vec<String> = NAMES
        .iter()
        .filter_map(|(lower, upper)| {
            let name = if config.vars.value(lower).is_some() { lower } else { upper };
            Some(format!("{name}={}", without_user(config.vars.value(name)?)))
        })
        .collect();
    let detail = if set.is_empty() { "none".to_owned() } else { set.join(", ") };
    vec![Finding::fine("proxy", detail)]
}

/// A URL without what comes before the last `@` of its host part.
fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    if scheme.is_empty() { rest.to_owned() } else { format!("{scheme}://{rest}") }
}

/// Whether the database can be opened and written, or could be made.
pub(super) async fn store(config: &Config) -> Finding {
    const CHECK: &str = "database";
    let path = match wiring::store_path(config) {
        Ok(path) => path,
        Err(error) => return Finding::of_error(CHECK, &error.into()),
    };
    let shown = format!("{} ({})", path.display(), config.store.origin);
    if !path.exists() {
        return match writable(folder_of(&path)) {
            Ok(()) => {
                Finding::fine(CHECK, format!("{shown}: not there yet; the first sync makes it"))
            }
            Err(error) => Finding::of_error(CHECK, &error),
        };
    }
    let opened = async {
        let store = wiring::open(&path).await?;
        anyhow::Ok(store.overview().await?)
    };
    match opened.await {
        Ok(overview) => {
            Finding::fine(CHECK, format!("{shown}: {}", many(overview.records, "record")))
        }
        Err(error) => Finding::of_error(CHECK, &error),
    }
}

/// Whether archives can be kept, and for how long there is room.
pub(super) fn archives(config: &Config) -> Finding {
    const CHECK: &str = "archives";
    let path = &config.archive_dir.value;
    let shown = format!("{} ({})", path.display(), config.archive_dir.origin);
    if path.exists() && !path.is_dir() {
        return Finding::bad(CHECK, Exit::Usage, format!("{shown} is not a folder"));
    }
    let existing = if path.exists() { path.as_path() } else { folder_of(path) };
    if let Err(error) = writable(existing) {
        return Finding::of_error(CHECK, &error);
    }
    match room(existing) {
        Some(free) if free < LITTLE_ROOM => {
            Finding::doubtful(CHECK, format!("{shown}: only {} free; make room", bytes(free)))
        }
        Some(free) => Finding::fine(CHECK, format!("{shown}: {} free", bytes(free))),
        None => Finding::fine(CHECK, shown),
    }
}

/// The nearest folder above that exists.
fn folder_of(path: &Path) -> &Path {
    let mut above = path.ancestors().skip(1);
    above.find(|folder| folder.is_dir()).unwrap_or(Path::new("."))
}

fn writable(folder: &Path) -> anyhow::Result<()> {
    match tempfile::tempfile_in(folder) {
        Ok(_) => Ok(()),
        Err(error) => Err(anyhow::Error::new(error)
            .context(format!("nothing can be written into {}: give permission", folder.display()))),
    }
}

/// How much may still be written there.
#[cfg(unix)]
fn room(folder: &Path) -> Option<u64> {
    let room = rustix::fs::statvfs(folder).ok()?;
    Some(room.f_bavail.saturating_mul(room.f_frsize))
}

#[cfg(not(unix))]
fn room(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_proxy_is_not_shown() {
        for (url, shown) in [
            ("http://me:se@cret@proxy:3128", "http://proxy:3128"),
            ("me:secret@proxy:3128", "proxy:3128"),
            ("socks5h://proxy:1080", "socks5h://proxy:1080"),
        ] {
            assert_eq!(without_user(url), shown);
        }
    }
}
