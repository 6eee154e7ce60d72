//! Small files that a person names: configuration and secrets.
//!
//! Such a name may lead to a device that never ends or to a pipe into which
//! nobody writes. Neither may eat the memory nor keep the program waiting.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    path::Path,
    sync::mpsc,
    time::Duration,
};

use zeroize::Zeroizing;

/// No configuration and no secret is longer.
const LONGEST: u64 = 64 * 1024;

/// How long the writer of a pipe may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The text of a file.
///
/// A pipe is taken, too: shells hand over the output of a program as one.
pub(super) fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let meta = fs::metadata(path)?;
    if meta.is_file() {
        text_of(path)
    } else if is_pipe(&meta) {
        text_of_pipe(path)
    } else if meta.is_dir() {
        Err(io::Error::from(io::ErrorKind::IsADirectory))
    } else {
        Err(io::Error::other("it is a device or a socket, not a file"))
    }
}

fn text_of(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it is longer than 64 KiB"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Opening a pipe waits for a writer, so a thread does it. If nobody writes, the thread
/// stays blocked until the program ends.
fn text_of_pipe(path: &Path) -> io::Result<Zeroizing<String>> {
    let (tell, told) = mpsc::channel();
    let path = path.to_owned();
    std::thread::spawn(move || {
        let _ = tell.send(text_of(&path));
    });
    told.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        Err(io::Error::other("it is a pipe, and nothing came out of it for 10 seconds"))
    })
}

/// Whether the path leads to a pipe: what was read from it once does not come again.
pub(super) fn is_pipe_at(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| is_pipe(&meta))
}

#[cfg(unix)]
fn is_pipe(meta: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&meta.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_: &Metadata) -> bool {
    false
}
