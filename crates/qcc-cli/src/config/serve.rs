//! The settings of `qcc serve`: the table `[serve]`, five variables, six flags.
//!
//! Kept as written. What they mean, and whether they can be what they claim, is
//! for the command to say, which names the origin of each.

use std::path::PathBuf;

use super::{
    origin::{Origin, Sourced},
    vars::{Vars, of_variable},
};

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $kind:ty,)*) => {
        /// What one layer, or all of them together, say about `qcc serve`.
        #[derive(Debug, Default, Clone)]
        pub(crate) struct ServeSettings { $($(#[$doc])* pub(crate) $name: Option<Sourced<$kind>>,)* }

        impl ServeSettings {
            /// These, and where they are silent, those of the layer below.
            #[must_use]
            pub(crate) fn over(self, below: Self) -> Self {
                Self { $($name: self.$name.or(below.$name),)* }
            }

            /// What is said: name, value and origin of each.
            pub(crate) fn said(&self) -> Vec<(&'static str, String, &Origin)> {
                let mut said = Vec::new();
                $(if let Some(Sourced { value, origin }) = &self.$name {
                    said.push((stringify!($name), format!("{value:?}"), origin));
                })*
                said
            }
        }
    };
}

settings! {
    /// Where the vendor's calls arrive.
    listen: String,
    /// The path they come to.
    callback_path: String,
    /// Where health and metrics are served; `off` for nowhere.
    admin_listen: String,
    /// What the vendor calls, as it sees it.
    public_url: String,
    /// How often the order list is read.
    poll_interval: String,
    /// The certificate chain, PEM.
    tls_cert: PathBuf,
    /// Its private key, PEM.
    tls_key: PathBuf,
    /// How the acknowledgement writes its status: `text` or `integer`.
    ack_status: String,
    /// Networks calls may come from, as a comma list; empty for any.
    sources: String,
    /// Networks whose `X-Forwarded-For` is believed, as a comma list.
    trusted_proxies: String,
    /// How many unknown orders one address may name in a minute.
    unknown_per_minute: u32,
    /// How many unknown orders all addresses together may name in a minute.
    unknown_per_minute_in_all: u32,
    /// How many connections are open at most.
    connections: u32,
    /// How long a caller may take for the head of its request.
    header_timeout: String,
    /// How long a connection may wait for its next request.
    idle_timeout: String,
    /// Whether broken delivery is mended by 6.2.3.
    heal: bool,
    /// How long a listed order may go without a call.
    heal_after: String,
    /// Whether the callback path carries a secret segment that can be rotated.
    secret_path: bool,
    /// How long the segment before stays valid.
    secret_path_overlap: String,
    /// After how long the segment is changed by itself.
    secret_path_every: String,
    /// The push window that goes with the URL: 9, 11, 13, 15, 17 or 19.
    push_window: u32,
    /// How log lines are written: `text` or `json`.
    log_format: String,
}

impl ServeSettings {
    pub(super) fn of_vars(vars: &Vars) -> Self {
        Self {
            listen: of_variable(vars, "QCC_LISTEN"),
            callback_path: of_variable(vars, "QCC_CALLBACK_PATH"),
            admin_listen: of_variable(vars, "QCC_ADMIN_LISTEN"),
            public_url: of_variable(vars, "QCC_PUBLIC_URL"),
            poll_interval: of_variable(vars, "QCC_POLL_INTERVAL"),
            ..Self::default()
        }
    }
}
