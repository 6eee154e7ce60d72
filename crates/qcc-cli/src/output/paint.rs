//! Colours: on terminals only, and not where `NO_COLOR` is set.

use std::{fmt, io::IsTerminal};

/// Whether the environment leaves room for colours (<https://no-color.org>).
pub(crate) fn colours_wanted() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Paints words, or leaves them as they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// For standard output.
    pub(crate) fn stdout() -> Self {
        Self { on: std::io::stdout().is_terminal() && colours_wanted() }
    }

    pub(crate) fn good(self, text: impl fmt::Display) -> String {
        self.paint("32", text)
    }

    pub(crate) fn doubtful(self, text: impl fmt::Display) -> String {
        self.paint("33", text)
    }

    pub(crate) fn bad(self, text: impl fmt::Display) -> String {
        self.paint("31", text)
    }

    pub(crate) fn strong(self, text: impl fmt::Display) -> String {
        self.paint("1", text)
    }

    fn paint(self, code: &str, text: impl fmt::Display) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}
