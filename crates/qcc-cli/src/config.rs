//! Settings: `qcc.toml`, then the environment, then flags; the last one wins,
//! and each value remembers where it came from.

mod duration;
mod file;
mod layer;
mod origin;
mod secret;
mod serve;

use std::path::{Path, PathBuf};

use qcc_sign::{AppKey, Credentials, SecretKey};

pub(crate) use duration::duration;
pub(crate) use layer::Vars;
pub(crate) use origin::{Origin, Sourced};
pub(crate) use secret::{Secret, password_from};
pub(crate) use serve::ServeSettings;

use crate::{cli::GlobalArgs, exit::Usage};
use layer::Layer;

/// The settings in force.
#[derive(Debug)]
pub(crate) struct Config {
    /// The configuration file that was read.
    pub(crate) file: Option<PathBuf>,
    /// The account's key.
    pub(crate) key: Option<Sourced<String>>,
    secret_key: Option<Sourced<Secret>>,
    /// Where the vendor's API is.
    pub(crate) base_url: Sourced<String>,
    /// Hosts archives may come from, as a comma list.
    pub(crate) download_hosts: Sourced<String>,
    /// A file with authorities to trust beside the usual ones.
    pub(crate) ca_file: Option<Sourced<PathBuf>>,
    /// Which redirects are followed.
    pub(crate) redirects: Option<Sourced<String>>,
    /// The database.
    pub(crate) store: Sourced<String>,
    /// Where raw archives are kept.
    pub(crate) archive_dir: Sourced<PathBuf>,
    /// The password for `archive …` and nothing else.
    pub(crate) archive_password: Option<Sourced<Secret>>,
    /// How many orders the vendor's list shows at most.
    pub(crate) window: Option<Sourced<u32>>,
    /// A log filter.
    pub(crate) log: Option<Sourced<String>>,
    /// What `qcc serve` is told by file and environment.
    pub(crate) serve: ServeSettings,
    /// How often `-v` was given.
    pub(crate) verbosity: u8,
    /// Whether notes and progress stay away.
    pub(crate) quiet: bool,
    /// What `doctor` should mention: doubtful modes, unknown variables.
    pub(crate) remarks: Vec<String>,
    /// The usual proxy variables, for the transport.
    pub(crate) vars: Vars,
}

impl Config {
    /// Reads all layers.
    ///
    /// # Errors
    /// [`Usage`] where a named file is not there, is no TOML, holds a key this
    /// version does not know, or leaves a secret readable to others.
    pub(crate) fn load(flags: &GlobalArgs, vars: &Vars) -> Result<Self, Usage> {
        let mut remarks = vars.unknown();
        let file = file_to_read(flags, vars)?;
        let from_file = file.as_deref().map(file::read).transpose()?;
        let layers = [from_file.unwrap_or_default(), Layer::of_vars(vars), Layer::of_flags(flags)];
        let secret_key = secret_key(&layers, &mut remarks)?;
        let store = last(&layers, |l| l.store.as_ref())
            .unwrap_or_else(|| Sourced::default_of("sqlite:qcc.db".to_owned()));
        let archive_dir = last(&layers, |l| l.archive_dir.as_ref())
            .unwrap_or_else(|| Sourced::default_of(beside(&store.value)));
        let or_default = |found: Option<Sourced<String>>, text: &str| {
            found.unwrap_or_else(|| Sourced::default_of(text.to_owned()))
        };
        Ok(Self {
            key: last(&layers, |l| l.key.as_ref()),
            secret_key,
            base_url: or_default(
                last(&layers, |l| l.base_url.as_ref()),
                qcc_proto::DEFAULT_BASE_URL,
            ),
            download_hosts: or_default(
                last(&layers, |l| l.download_hosts.as_ref()),
                qcc_proto::DEFAULT_DOWNLOAD_HOST,
            ),
            ca_file: last(&layers, |l| l.ca_file.as_ref()),
            redirects: last(&layers, |l| l.redirects.as_ref()),
            store,
            archive_dir,
            archive_password: last(&layers, |l| l.archive_password.as_ref()),
            window: last(&layers, |l| l.window.as_ref()),
            log: last(&layers, |l| l.log.as_ref()).filter(|_| flags.verbose == 0),
            serve: layers
                .iter()
                .fold(ServeSettings::default(), |below, layer| layer.serve.clone().over(below)),
            verbosity: flags.verbose,
            quiet: flags.quiet,
            remarks,
            file,
            vars: vars.clone(),
        })
    }

    /// Key and secret, for commands that call the vendor.
    ///
    /// # Errors
    /// [`Usage`] where one is missing or cannot be one.
    pub(crate) fn credentials(&self) -> Result<Credentials, Usage> {
        Ok(Credentials::new(self.app_key()?, self.secret()?))
    }

    /// The key, checked.
    pub(crate) fn app_key(&self) -> Result<AppKey, Usage> {
        let key = self.key.as_ref().ok_or_else(|| {
            Usage::new("no key: set QCC_KEY, or `key` in qcc.toml (`qcc demo` needs none)")
        })?;
        key.value
            .parse()
            .map_err(|e| Usage::new(format!("{} is no key", key.origin)).with_source(e))
    }

    /// The secret, checked.
    pub(crate) fn secret(&self) -> Result<SecretKey, Usage> {
        let secret = self.secret_key.as_ref().ok_or_else(|| {
            Usage::new(
                "no SecretKey: set QCC_SECRET_KEY, or QCC_SECRET_KEY_FILE to a file that holds it \
                 (`secret_key_file` in qcc.toml)",
            )
        })?;
        secret
            .value
            .reveal()
            .parse()
            .map_err(|e| Usage::new(format!("{} is no SecretKey", secret.origin)).with_source(e))
    }

    /// Where the secret came from.
    pub(crate) fn secret_origin(&self) -> Option<&Origin> {
        self.secret_key.as_ref().map(|secret| &secret.origin)
    }
}

fn last<T: Clone>(
    layers: &[Layer],
    pick: impl Fn(&Layer) -> Option<&Sourced<T>>,
) -> Option<Sourced<T>> {
    layers.iter().rev().find_map(|layer| pick(layer).cloned())
}

/// The secret of the topmost layer that has one, as text or as a file.
fn secret_key(
    layers: &[Layer],
    remarks: &mut Vec<String>,
) -> Result<Option<Sourced<Secret>>, Usage> {
    for layer in layers.iter().rev() {
        match (&layer.secret_key, &layer.secret_key_file) {
            (Some(text), Some(file)) => {
                return Err(Usage::new(format!(
                    "{} and {} both name the SecretKey: remove one",
                    text.origin, file.origin
                )));
            }
            (Some(text), None) => return Ok(Some(text.clone())),
            (None, Some(file)) => {
                let (value, remark) = secret::from_file(&file.value)?;
                remarks.extend(remark);
                let origin = file.origin.clone();
                return Ok(Some(Sourced { value, origin }));
            }
            (None, None) => {}
        }
    }
    Ok(None)
}

/// The file named by flag or environment, else `qcc.toml` where there is one.
fn file_to_read(flags: &GlobalArgs, vars: &Vars) -> Result<Option<PathBuf>, Usage> {
    let named = flags.config.clone().or_else(|| vars.value("QCC_CONFIG").map(PathBuf::from));
    if let Some(path) = named {
        return Ok(Some(path));
    }
    let usual = PathBuf::from("qcc.toml");
    Ok(usual.is_file().then_some(usual))
}

/// The default archive folder: beside the database.
fn beside(store: &str) -> PathBuf {
    let path = store.strip_prefix("sqlite:").unwrap_or_default();
    Path::new(path).parent().unwrap_or(Path::new("")).join("qcc-archives")
}

#[cfg(test)]
mod tests;
