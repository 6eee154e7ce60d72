//! The two standard streams.

use std::{
    fmt,
    io::{self, BufWriter, IsTerminal, Write},
};

use super::shown::plain;

/// Standard output: buffered, and tagged, so that a closed pipe there is told
/// apart from one anywhere else.
pub(crate) struct Out {
    inner: BufWriter<Tagged<io::Stdout>>,
    /// Whether a person looks at it.
    pub(super) terminal: bool,
}

impl Out {
    pub(crate) fn stdout() -> Self {
        Self {
            inner: BufWriter::with_capacity(64 * 1024, Tagged(io::stdout())),
            terminal: io::stdout().is_terminal(),
        }
    }

    /// One line.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> io::Result<()> {
        writeln!(self.inner, "{text}")
    }

    /// What a record says, its line end included: byte for byte, but where it
    /// could steer a terminal.
    pub(crate) fn record(&mut self, text: &str) -> io::Result<()> {
        if !self.terminal {
            return self.inner.write_all(text.as_bytes());
        }
        let line = text.trim_end_matches(['\r', '\n']);
        writeln!(self.inner, "{}", plain(line))
    }

    /// One JSON value on a line of its own.
    pub(crate) fn json(&mut self, value: &serde_json::Value) -> io::Result<()> {
        self.line(value)
    }

    /// Makes everything written so far visible.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Standard output without a buffer, for large writes: line buffering would
/// search each of them for its last line end.
pub(crate) fn raw_stdout() -> io::Result<impl Write + Send + 'static> {
    #[cfg(unix)]
    let duplicate = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?;
    #[cfg(windows)]
    let duplicate =
        std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned()?;
    Ok(Tagged(std::fs::File::from(duplicate)))
}

struct Tagged<W>(W);

impl<W: Write> Write for Tagged<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(StdoutError::tag)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(StdoutError::tag)
    }
}

/// Writing to standard output failed.
#[derive(Debug)]
pub(crate) struct StdoutError(io::Error);

impl StdoutError {
    fn tag(error: io::Error) -> io::Error {
        match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, Self(error)),
        }
    }
}

impl fmt::Display for StdoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("writing to standard output failed")
    }
}

impl std::error::Error for StdoutError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Standard error: words for a person, none with `--quiet`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notes {
    quiet: bool,
    /// Whether log lines go to standard error, too.
    logs: bool,
}

impl Notes {
    pub(crate) fn new(quiet: bool, logs: bool) -> Self {
        Self { quiet, logs }
    }

    /// Says something that is not an error.
    pub(crate) fn say(self, text: impl fmt::Display) {
        if !self.quiet {
            complain(&text.to_string());
        }
    }

    /// Whether a progress bar would be unwanted, or would run into log lines.
    pub(super) fn forbids_bar(self) -> bool {
        self.quiet || self.logs
    }
}

/// A line on standard error, even with `--quiet`. A closed standard error is not
/// a failure.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
