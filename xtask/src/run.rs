//! Runs other programs and shows their output; returns selected lines of it on request.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::{Context, Result, bail};

/// Runs a command whose output goes straight through.
///
/// # Errors
///
/// The command cannot be started, or does not exit with 0.
pub fn show(command: &mut Command) -> Result<()> {
    announce(command);
    let status = command.status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// Runs a command and returns what it wrote to standard output.
///
/// # Errors
///
/// As for [`show`]; or the output is not UTF-8.
pub fn output(command: &mut Command) -> Result<String> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!("`{}` ended with {}", line(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` did not write UTF-8", line(command)))
}

/// Runs a command whose output goes through. Returns the lines of both streams
/// that `keep` selects, without colours.
///
/// # Errors
///
/// As for [`show`].
pub fn show_and_keep(command: &mut Command, keep: fn(&str) -> bool) -> Result<Vec<String>> {
    announce(command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| cannot_start(command))?;
    let kept = Arc::new(Mutex::new(Vec::new()));
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as _),
        child.stderr.take().map(|stream| Box::new(stream) as _),
    ];
    let readers: Vec<_> = streams
        .into_iter()
        .flatten()
        .map(|stream| {
            let kept = Arc::clone(&kept);
            thread::spawn(move || pass_on(stream, keep, &kept))
        })
        .collect();
    for reader in readers {
        reader.join().unwrap_or_else(|_| Err(io::Error::other("a reader thread ended early")))?;
    }
    let status = child.wait()?;
    let kept = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(kept)
}

fn pass_on(stream: impl Read, keep: fn(&str) -> bool, kept: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut raw = Vec::new();
    while stream.read_until(b'\n', &mut raw)? > 0 {
        io::stdout().write_all(&raw)?;
        let plain = without_colours(&String::from_utf8_lossy(&raw));
        if keep(plain.trim()) {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(plain.trim().to_owned());
        }
        raw.clear();
    }
    Ok(())
}

fn without_colours(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or(part, |(_, text)| text));
    }
    plain
}

/// Whether a program is installed: it starts with these arguments and exits with 0.
pub fn is_there(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A cargo command: the cargo that runs this program.
pub fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments);
    command
}

fn announce(command: &Command) {
    println!("$ {}", line(command));
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", line(command))
}

fn line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(without_colours("\x1b[32;1m Summary\x1b[0m 3 passed"), " Summary 3 passed");
        assert_eq!(without_colours("plain"), "plain");
    }

    #[test]
    fn picked_lines_of_both_streams_are_kept() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one passed; echo two; echo three passed >&2"]);
        let mut kept = show_and_keep(&mut command, |line| line.contains("passed")).unwrap();
        kept.sort();
        assert_eq!(kept, ["one passed", "three passed"]);
    }

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let error = show(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert!(error.to_string().contains("sh -c exit 3"), "{error}");
    }
}
