//! Settings: `qcc.toml`, then the environment, then flags; the last one wins,
//! and each value remembers where it came from.

mod duration;
mod file;
mod flags;
mod layer;
mod log;
mod origin;
mod secret;
mod serve;
mod small_file;
mod store;
mod vars;

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use qcc_sign::{AppKey, Credentials, SecretKey};

pub(crate) use duration::duration;
pub(crate) use flags::GlobalArgs;
pub(crate) use origin::{Origin, Setting, Sourced};
pub(crate) use secret::Secret;
pub(crate) use serve::ServeSettings;
pub(crate) use store::path_of as store_path;
pub(crate) use vars::Vars;

use crate::exit::Usage;
use layer::Layer;

/// The settings in force.
#[derive(Debug)]
pub(crate) struct Config {
    /// The configuration file that was read.
    pub(crate) file: Option<PathBuf>,
    /// The account's key.
    pub(crate) key: Option<Sourced<String>>,
    secret_key: Option<Sourced<SecretFrom>>,
    /// Where the vendor's API is.
    pub(crate) base_url: Sourced<String>,
    /// Hosts archives may come from, as a comma list.
    pub(crate) download_hosts: Sourced<String>,
    /// A file with authorities to trust beside the usual ones.
    pub(crate) ca_file: Option<Sourced<PathBuf>>,
    /// Which redirects are followed.
    pub(crate) redirects: Option<Sourced<String>>,
    /// The database.
    pub(crate) store: Sourced<OsString>,
    /// Where raw archives are kept.
    pub(crate) archive_dir: Sourced<PathBuf>,
    /// The password for `archive …` and nothing else.
    pub(crate) archive_password: Option<Sourced<Secret>>,
    /// How many orders the vendor's list shows at most.
    pub(crate) window: Option<Sourced<u32>>,
    /// How many orders are located and downloaded at the same time at most.
    pub(crate) concurrency: Option<Sourced<NonZeroUsize>>,
    /// A log filter.
    pub(crate) log: Option<Sourced<String>>,
    /// The settings of `qcc serve` from file and environment.
    pub(crate) serve: ServeSettings,
    /// How often `-v` was given.
    pub(crate) verbosity: u8,
    /// Whether notes and progress stay away.
    pub(crate) quiet: bool,
    /// What `doctor` should mention: doubtful modes, unknown variables.
    pub(crate) remarks: Vec<String>,
    /// What cannot be read, in the order it was met. Only `doctor` ever sees any.
    pub(crate) problems: Vec<Usage>,
    /// Whether a default replaces one of them.
    pub(crate) incomplete: bool,
    /// The usual proxy variables, for the transport.
    pub(crate) vars: Vars,
    flags: GlobalArgs,
}

/// Flags and environment: where all settings begin.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    flags: GlobalArgs,
    vars: Vars,
}

impl Sources {
    /// Reads all layers again, the configuration file included.
    ///
    /// # Errors
    /// As for [`Config::load`].
    pub(crate) fn read(&self) -> Result<Config, Usage> {
        Config::load(&self.flags, &self.vars)
    }
}

/// A secret at hand, or the file it is still to be read from.
#[derive(Debug, Clone)]
enum SecretFrom {
    Text(Secret),
    File(PathBuf),
}

impl Config {
    /// Reads all layers.
    ///
    /// # Errors
    /// [`Usage`] where a named file is not there, is not TOML, holds a key this
    /// version does not know, or leaves a secret readable to others, or where a
    /// value cannot be what it has to be.
    pub(crate) fn load(flags: &GlobalArgs, vars: &Vars) -> Result<Self, Usage> {
        let mut config = Self::gather(flags, vars);
        match config.problems.is_empty() {
            true => Ok(config),
            false => Err(config.problems.swap_remove(0)),
        }
    }

    /// The same, but it continues after what cannot be read, and lists it.
    pub(crate) fn gather(flags: &GlobalArgs, vars: &Vars) -> Self {
        let mut remarks = vars.unknown();
        let mut problems: Vec<Usage> = vars.no_text().collect();
        let mut incomplete = !problems.is_empty();
        let file = file_to_read(flags, vars);
        let from_file = file.as_deref().and_then(|path| {
            let read = file::read(path, &mut problems);
            incomplete |= read.is_err();
            read.map_err(|problem| problems.push(problem)).ok()
        });
        let layers = [from_file.unwrap_or_default(), Layer::of_vars(vars), Layer::of_flags(flags)];
        let secret_key = secret_key(&layers, &mut remarks, &mut problems);
        let store = last(&layers, |l| l.store.as_ref())
            .unwrap_or_else(|| Sourced::default_of("sqlite:qcc.db".into()));
        let archive_dir = last(&layers, |l| l.archive_dir.as_ref())
            .unwrap_or_else(|| Sourced::default_of(beside(&store.value)));
        let log = last(&layers, |l| l.log.as_ref());
        problems.extend(log.as_ref().and_then(|log| log::check(log).err()));
        let concurrency = last(&layers, |l| l.concurrency.as_ref())
            .and_then(|said| checked_concurrency(said).map_err(|e| problems.push(e)).ok());
        let or_default = |found: Option<Sourced<String>>, text: &str| {
            found.unwrap_or_else(|| Sourced::default_of(text.to_owned()))
        };
        Self {
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
            concurrency,
            log: log.filter(|_| flags.verbose == 0),
            serve: layers
                .iter()
                .fold(ServeSettings::default(), |below, layer| layer.serve.clone().over(below)),
            verbosity: flags.verbose,
            quiet: flags.quiet,
            remarks,
            problems,
            incomplete,
            file,
            vars: vars.clone(),
            flags: flags.clone(),
        }
    }

    /// Takes a flag of `sync` or `serve`, which wins over environment and file.
    pub(crate) fn with_concurrency(&mut self, flag: Option<NonZeroUsize>) {
        let origin = Origin::Flag("concurrency");
        self.concurrency =
            flag.map(|value| Sourced { value, origin }).or_else(|| self.concurrency.take());
    }

    /// What the layers are read from, to read them again later.
    pub(crate) fn sources(&self) -> Sources {
        Sources { flags: self.flags.clone(), vars: self.vars.clone() }
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
        unquoted(&key.value, &key.origin)?;
        key.value
            .parse()
            .map_err(|e| Usage::new(format!("{} is not a key", key.origin)).with_source(e))
    }

    /// The secret, checked.
    pub(crate) fn secret(&self) -> Result<SecretKey, Usage> {
        let (text, origin) = self.secret_and_origin()?;
        unquoted(text.reveal(), &origin)?;
        text.reveal()
            .parse()
            .map_err(|e| Usage::new(format!("{origin} is not a SecretKey")).with_source(e))
    }

    /// The secret as it is written, where there is one.
    pub(crate) fn secret_text(&self) -> Option<Secret> {
        self.secret_and_origin().ok().map(|(text, _)| text)
    }

    fn secret_and_origin(&self) -> Result<(Secret, Origin), Usage> {
        let secret = self.secret_key.as_ref().ok_or_else(|| {
            Usage::new(
                "no SecretKey: set QCC_SECRET_KEY, or QCC_SECRET_KEY_FILE to a file that holds it \
                 (`secret_key_file` in qcc.toml)",
            )
        })?;
        let text = match &secret.value {
            SecretFrom::Text(text) => text.clone(),
            SecretFrom::File(path) => secret::from_file(path, &secret.origin)?,
        };
        Ok((text, secret.origin.clone()))
    }

    /// The password for an archive: from the file named, else from the environment or the
    /// configuration file.
    ///
    /// # Errors
    /// [`Usage`] where there is none, or the file cannot be read.
    pub(crate) fn archive_password_from(&self, file: Option<&PathBuf>) -> Result<Secret, Usage> {
        if let Some(path) = file {
            return secret::from_file(path, &Origin::Flag("password-file"));
        }
        let known = self.archive_password.as_ref().map(|password| password.value.clone());
        known.ok_or_else(|| {
            Usage::new(
                "no password: set QCC_ARCHIVE_PASSWORD, or name a file with --password-file (an \
                 archive that `qcc` kept has it in the label beside it)",
            )
        })
    }

    /// Why the secret cannot be read again in a running process, where that is so.
    pub(crate) fn secret_is_fixed(&self) -> Option<String> {
        let Sourced { value, origin } = self.secret_key.as_ref()?;
        match (value, origin) {
            (SecretFrom::Text(_), Origin::Environment(_)) => Some(format!(
                "{origin} is part of the environment, which does not change in a running process"
            )),
            (SecretFrom::File(path), _) if small_file::is_pipe_at(path) => {
                Some(format!("{origin} names a pipe, which can be read only once"))
            }
            _ => None,
        }
    }

    /// Where the secret came from.
    pub(crate) fn secret_origin(&self) -> Option<&Origin> {
        self.secret_key.as_ref().map(|secret| &secret.origin)
    }
}

/// More downloads at once than this help nobody, and use up files and memory.
const MOST_CONCURRENT: usize = 128;

/// How many orders may be under way at once.
pub(crate) fn concurrency(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|n: &NonZeroUsize| n.get() <= MOST_CONCURRENT);
    number.ok_or_else(|| format!("a whole number from 1 to {MOST_CONCURRENT}"))
}

fn checked_concurrency(said: Sourced<String>) -> Result<Sourced<NonZeroUsize>, Usage> {
    let Sourced { value, origin } = said;
    match concurrency(&value) {
        Ok(value) => Ok(Sourced { value, origin }),
        Err(expected) => Err(Usage::new(format!("{origin} must be {expected}"))),
    }
}

/// Files of variables are read with the quotes by some programs, and no key has any.
fn unquoted(text: &str, origin: &Origin) -> Result<(), Usage> {
    const QUOTES: [char; 7] = ['"', '\'', '`', '“', '”', '‘', '’'];
    if text.starts_with(QUOTES) || text.ends_with(QUOTES) {
        return Err(Usage::new(format!(
            "{origin} holds quotation marks around the value, which are taken as part of it: \
             remove them"
        )));
    }
    Ok(())
}

fn last<T: Clone>(
    layers: &[Layer],
    pick: impl Fn(&Layer) -> Option<&Sourced<T>>,
) -> Option<Sourced<T>> {
    layers.iter().rev().find_map(|layer| pick(layer).cloned())
}

/// The secret of the topmost layer that has one, as text or as a file. The file
/// is read when the secret is wanted: who only reads the database need not be
/// allowed to see it.
fn secret_key(
    layers: &[Layer],
    remarks: &mut Vec<String>,
    problems: &mut Vec<Usage>,
) -> Option<Sourced<SecretFrom>> {
    let layer = layers.iter().rev().find(|l| l.secret_key.is_some() || l.secret_key_file.is_some());
    let layer = layer?;
    if let (Some(text), Some(file)) = (&layer.secret_key, &layer.secret_key_file) {
        problems.push(Usage::new(format!(
            "{} and {} both name the SecretKey: remove one",
            text.origin, file.origin
        )));
    }
    if let Some(Sourced { value, origin }) = layer.secret_key.clone() {
        return Some(Sourced { value: SecretFrom::Text(value), origin });
    }
    let Sourced { value, origin } = layer.secret_key_file.clone()?;
    remarks.extend(secret::remark_on(&value));
    Some(Sourced { value: SecretFrom::File(value), origin })
}

/// The file named by flag or environment, else `qcc.toml` where there is one.
fn file_to_read(flags: &GlobalArgs, vars: &Vars) -> Option<PathBuf> {
    let named = flags.config.clone().or_else(|| vars.raw("QCC_CONFIG").map(PathBuf::from));
    named.or_else(|| {
        // What lies there and cannot be read is an error, not a reason to use defaults.
        let usual = PathBuf::from("qcc.toml");
        let absent = fs::symlink_metadata(&usual)
            .is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        (!absent).then_some(usual)
    })
}

/// The default archive folder: beside the database.
fn beside(store: &OsStr) -> PathBuf {
    let path = store_path(store).unwrap_or_default();
    path.parent().unwrap_or(Path::new("")).join("qcc-archives")
}

#[cfg(test)]
mod tests;
