//! The flags that every command takes.

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgAction, Args};

/// Flags of every command. Each overrides its environment variable, which
/// overrides `qcc.toml`.
#[derive(Debug, Default, Clone, Args)]
#[command(next_help_heading = "Configuration (flags win over environment over qcc.toml)")]
pub(crate) struct GlobalArgs {
    /// The configuration file [env: QCC_CONFIG] [default: qcc.toml, if there is one]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The account's key; the SecretKey cannot be passed as a flag [env: QCC_KEY]
    #[arg(long, global = true, hide_short_help = true, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Base URL of the vendor's API [env: QCC_BASE_URL] [default: pro.qcc.com over https]
    #[arg(long, global = true, hide_short_help = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Hosts that archives may be downloaded from, separated by commas [env: QCC_DOWNLOAD_HOSTS]
    #[arg(long, global = true, hide_short_help = true, value_name = "HOSTS")]
    pub(crate) download_hosts: Option<String>,
    /// The database [env: QCC_STORE] [default: sqlite:qcc.db]
    #[arg(long, global = true, hide_short_help = true, value_name = "sqlite:PATH")]
    pub(crate) store: Option<OsString>,
    /// The folder of the raw archives [env: QCC_ARCHIVE_DIR] [default: qcc-archives beside the database]
    #[arg(long, global = true, hide_short_help = true, value_name = "DIR")]
    pub(crate) archive_dir: Option<PathBuf>,
    /// Log to standard error: -v info, -vv debug, -vvv trace [env: QCC_LOG]
    #[arg(short, long, global = true, hide_short_help = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// No notes and no progress; errors still show
    #[arg(short, long, global = true, hide_short_help = true)]
    pub(crate) quiet: bool,
}
