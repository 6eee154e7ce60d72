//! One layer of settings, and the two that are no file: environment and flags.

use std::{ffi::OsString, path::PathBuf};

use super::{
    flags::GlobalArgs,
    origin::{Origin, Sourced},
    secret::Secret,
    serve::ServeSettings,
    vars::{Vars, of_variable},
};

/// What one layer says; most of it usually nothing.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) key: Option<Sourced<String>>,
    pub(super) secret_key: Option<Sourced<Secret>>,
    pub(super) secret_key_file: Option<Sourced<PathBuf>>,
    pub(super) base_url: Option<Sourced<String>>,
    pub(super) download_hosts: Option<Sourced<String>>,
    pub(super) ca_file: Option<Sourced<PathBuf>>,
    pub(super) redirects: Option<Sourced<String>>,
    pub(super) store: Option<Sourced<OsString>>,
    pub(super) archive_dir: Option<Sourced<PathBuf>>,
    pub(super) archive_password: Option<Sourced<Secret>>,
    pub(super) window: Option<Sourced<u32>>,
    pub(super) concurrency: Option<Sourced<String>>,
    pub(super) log: Option<Sourced<String>>,
    pub(super) serve: ServeSettings,
}

impl Layer {
    pub(super) fn of_vars(vars: &Vars) -> Self {
        let text = |name| of_variable(vars, name);
        let path = |name| {
            let value = PathBuf::from(vars.raw(name)?);
            Some(Sourced { value, origin: Origin::Environment(name) })
        };
        let store = vars.raw("QCC_STORE").map(|value| Sourced {
            value: value.to_owned(),
            origin: Origin::Environment("QCC_STORE"),
        });
        let secret = |name| {
            let value = Secret::new(vars.value(name)?);
            Some(Sourced { value, origin: Origin::Environment(name) })
        };
        Self {
            key: text("QCC_KEY"),
            secret_key: secret("QCC_SECRET_KEY"),
            secret_key_file: path("QCC_SECRET_KEY_FILE"),
            base_url: text("QCC_BASE_URL"),
            download_hosts: text("QCC_DOWNLOAD_HOSTS"),
            ca_file: path("QCC_CA_FILE"),
            redirects: text("QCC_REDIRECTS"),
            store,
            archive_dir: path("QCC_ARCHIVE_DIR"),
            archive_password: secret("QCC_ARCHIVE_PASSWORD"),
            window: None,
            concurrency: text("QCC_CONCURRENCY"),
            log: text("QCC_LOG"),
            serve: ServeSettings::of_vars(vars),
        }
    }

    pub(super) fn of_flags(flags: &GlobalArgs) -> Self {
        let text = |value: &Option<String>, name| {
            let value = value.clone()?;
            Some(Sourced { value, origin: Origin::Flag(name) })
        };
        let store =
            flags.store.clone().map(|value| Sourced { value, origin: Origin::Flag("store") });
        let archive_dir = flags
            .archive_dir
            .clone()
            .map(|value| Sourced { value, origin: Origin::Flag("archive-dir") });
        Self {
            key: text(&flags.key, "key"),
            base_url: text(&flags.base_url, "base-url"),
            download_hosts: text(&flags.download_hosts, "download-hosts"),
            store,
            archive_dir,
            ..Self::default()
        }
    }
}
