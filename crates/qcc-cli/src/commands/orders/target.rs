//! Where `qcc orders fetch` writes: looked at before anything is asked of the
//! vendor, and changed by one step once all of it is there.
//!
//! What is not complete has no name where the system can do that, so a process
//! that is killed leaves nothing behind. Elsewhere it is called as [`part_of`]
//! says, and the next run removes it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use crate::exit::Usage;

/// What a name leads to, and so how it is written.
#[derive(Debug)]
enum Way {
    /// Nothing is there: the file appears whole.
    New,
    /// A file is there and may be replaced, whole.
    Replace,
    /// A device or a pipe: the bytes go into it, it stays what it is.
    Into,
}

/// A place to write to, and the file that waits to get there.
#[derive(Debug)]
pub(super) struct Target {
    /// As the caller wrote it.
    named: PathBuf,
    /// Where a link led.
    path: PathBuf,
    way: Way,
    /// What is to become the target, beside it.
    file: File,
    /// Its name, where it has one.
    part: Option<Part>,
}

impl Target {
    /// Looks at a name, and makes the file whose content is to get there.
    ///
    /// `part` is what that file is called where it must have a name.
    ///
    /// # Errors
    /// [`Usage`] where nothing may or can be written there.
    pub(super) fn look(named: &Path, replace: bool, part: &str) -> anyhow::Result<Self> {
        let (path, way) = way_to(named, replace)?;
        if matches!(way, Way::Into) {
            let file = tempfile::tempfile().context("no temporary file can be made")?;
            return Ok(Self { named: named.to_owned(), path, way, file, part: None });
        }
        let folder = folder_of(&path);
        if !folder.is_dir() {
            bail!(Usage::new(format!("there is no folder {}", folder.display())));
        }
        let part = folder.join(part);
        let (file, part) = match without_a_name(folder)? {
            Some(file) => (file, None),
            None => Part::make(part).map(|(file, part)| (file, Some(part)))?,
        };
        Ok(Self { named: named.to_owned(), path, way, file, part })
    }

    /// What to write into.
    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Whether both lead to the same place.
    pub(super) fn is(&self, other: &Self) -> bool {
        let real = |path: &Path| match path.file_name() {
            Some(name) => folder_of(path).canonicalize().map(|folder| folder.join(name)).ok(),
            None => None,
        };
        let same = self.path == other.path || real(&self.path) == real(&other.path);
        same && !matches!(self.way, Way::Into)
    }

    /// Whether there was nothing.
    pub(super) fn is_new(&self) -> bool {
        matches!(self.way, Way::New)
    }

    /// Where it leads, links followed.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes what was written the target's content.
    pub(super) fn place(mut self, part: &str) -> anyhow::Result<()> {
        let shown = self.named.display().to_string();
        let written = || format!("{shown} cannot be written");
        if matches!(self.way, Way::Into) {
            self.file.seek(SeekFrom::Start(0)).with_context(written)?;
            let mut into = OpenOptions::new().write(true).open(&self.path).with_context(written)?;
            io::copy(&mut self.file, &mut into).with_context(written)?;
            return Ok(());
        }
        self.file.sync_all().with_context(written)?;
        match &self.way {
            Way::New => self.appear(),
            _ => self.replace(part),
        }
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Usage::new(format!("{shown} was created meanwhile: not replaced")).into()
            }
            _ => anyhow::Error::new(error).context(written()),
        })?;
        if let Ok(folder) = File::open(folder_of(&self.path)) {
            // Some systems cannot sync a folder; the name then lasts a little later.
            let _ = folder.sync_all();
        }
        Ok(())
    }

    /// Gives the file its name, unless something has it by now.
    fn appear(&mut self) -> io::Result<()> {
        match &self.part {
            None => link(&self.file, &self.path),
            Some(part) => match fs::hard_link(&part.path, &self.path) {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    // A file system without links: look, then move.
                    if self.path.exists() {
                        return Err(io::ErrorKind::AlreadyExists.into());
                    }
                    fs::rename(&part.path, &self.path)
                }
                linked => linked,
            },
        }
    }

    /// Takes the name from the file that has it.
    fn replace(&mut self, part: &str) -> io::Result<()> {
        if self.part.is_none() {
            let path = folder_of(&self.path).join(part);
            remove_leftover(&path)?;
            link(&self.file, &path)?;
            self.part = Some(Part { path });
        }
        match &self.part {
            Some(part) => fs::rename(&part.path, &self.path),
            None => Ok(()),
        }
    }
}

/// A file that has a name before it is complete; gone when this is dropped.
#[derive(Debug)]
struct Part {
    path: PathBuf,
}

impl Part {
    fn make(path: PathBuf) -> anyhow::Result<(File, Self)> {
        let written = || format!("nothing can be written into {}", folder_of(&path).display());
        remove_leftover(&path).with_context(written)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        private(&mut options);
        let file = options.open(&path).with_context(written)?;
        Ok((file, Self { path }))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// What a run that was killed may have left.
fn remove_leftover(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The name of what is not complete, where it must have one.
pub(super) fn part_of(order_no: impl std::fmt::Display, of: &str) -> String {
    format!(".qcc-{order_no}.{of}.part")
}

/// Follows links, and finds out what lies at their end.
fn way_to(named: &Path, replace: bool) -> anyhow::Result<(PathBuf, Way)> {
    let shown = named.display();
    // What a process has open is written into, whatever it is: `-o /dev/stdout`.
    let open = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc/self/fd"];
    if open.iter().any(|above| named.starts_with(above)) && named.exists() {
        return Ok((named.to_owned(), Way::Into));
    }
    let is_link = fs::symlink_metadata(named).is_ok_and(|meta| meta.is_symlink());
    let meta = match fs::metadata(named) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_link => {
            bail!(Usage::new(format!("{shown} is a dangling link: remove it")))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if named.as_os_str().as_encoded_bytes().ends_with(b"/") {
                bail!(Usage::new(format!("{shown} is a folder: name a file")));
            }
            return Ok((named.to_owned(), Way::New));
        }
        Err(error) => {
            bail!(Usage::new(format!("{shown} cannot be inspected")).with_source(error))
        }
    };
    let path = match is_link {
        true => fs::canonicalize(named).with_context(|| format!("{shown} cannot be followed"))?,
        false => named.to_owned(),
    };
    if meta.is_dir() {
        bail!(Usage::new(format!("{shown} is a folder: name a file")));
    }
    if meta.is_file() {
        if !replace {
            bail!(Usage::new(format!("{shown} already exists: --force replaces it")));
        }
        return Ok((path, Way::Replace));
    }
    if is_disk(&meta) && !replace {
        bail!(Usage::new(format!("{shown} is a disk: --force writes onto it")));
    }
    Ok((path, Way::Into))
}

#[cfg(unix)]
fn is_disk(meta: &fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_block_device(&meta.file_type())
}

#[cfg(not(unix))]
fn is_disk(_: &fs::Metadata) -> bool {
    false
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// For its owner only: an archive holds what others may not read.
fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// A file of that folder that has no name yet; `None` where the system or the
/// file system knows no such thing.
#[cfg(target_os = "linux")]
fn without_a_name(folder: &Path) -> anyhow::Result<Option<File>> {
    use rustix::{
        fs::{Mode, OFlags},
        io::Errno,
    };
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    // It gets its name by way of this folder.
    if !Path::new("/proc/self/fd").is_dir() {
        return Ok(None);
    }
    match rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok(Some(File::from(file))),
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => Ok(None),
        Err(error) => Err(io::Error::from(error))
            .with_context(|| format!("nothing can be written into {}", folder.display())),
    }
}

#[cfg(not(target_os = "linux"))]
fn without_a_name(_: &Path) -> anyhow::Result<Option<File>> {
    Ok(None)
}

/// Gives a file without a name one, which must be free.
#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{AtFlags, CWD, linkat};
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, unnamed.as_str(), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The target as it is where files cannot be without a name.
    fn with_a_name(path: &Path, replace: bool) -> Target {
        let (path, way) = way_to(path, replace).unwrap();
        let (file, part) = Part::make(folder_of(&path).join(".part")).unwrap();
        Target { named: path.clone(), path, way, file, part: Some(part) }
    }

    #[test]
    fn where_files_need_names_the_next_run_takes_away_what_was_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.zip");
        fs::write(folder.path().join(".part"), "left by a run that was killed").unwrap();
        let mut target = with_a_name(&path, false);
        target.file().write_all(b"new").unwrap();
        target.place(".part").unwrap();
        assert_eq!(
            (names(folder.path()), fs::read(&path).unwrap()),
            (vec!["x.zip".into()], b"new".to_vec())
        );

        let mut target = with_a_name(&path, true);
        target.file().write_all(b"newer").unwrap();
        target.place(".part").unwrap();
        assert_eq!(
            (names(folder.path()), fs::read(&path).unwrap()),
            (vec!["x.zip".into()], b"newer".to_vec())
        );

        drop(with_a_name(&folder.path().join("y.zip"), false));
        assert_eq!(names(folder.path()), ["x.zip"]);
    }

    #[test]
    fn what_came_to_be_meanwhile_is_not_replaced() {
        for look in [
            |path: &Path| Target::look(path, false, ".part").unwrap(),
            |path: &Path| with_a_name(path, false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.zip");
            let mut target = look(&path);
            target.file().write_all(b"new").unwrap();
            fs::write(&path, "old").unwrap();
            let error = target.place(".part").unwrap_err().to_string();
            assert!(error.contains("was created meanwhile"), "{error}");
            assert_eq!(
                (names(folder.path()), fs::read(&path).unwrap()),
                (vec!["x.zip".into()], b"old".to_vec())
            );
        }
    }
}
