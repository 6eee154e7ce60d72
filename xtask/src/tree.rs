//! The files of the checkout: what git tracks, and what is new and not ignored.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::run;

/// The files, as paths relative to the root with forward slashes, sorted.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    files: Vec<String>,
}

impl Tree {
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let mut command = Command::new("git");
        command.arg("-C").arg(root).args(["ls-files", "-z", "--cached", "--others"]);
        let listed = run::output(command.arg("--exclude-standard"))
            .context("the checks read the list of files from git: run them in a checkout")?;
        let mut files: Vec<String> = listed
            .split_terminator('\0')
            .filter(|file| root.join(file).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        Ok(Self { root: root.to_owned(), files })
    }

    /// The files under a folder (`""` for all) whose name ends so.
    pub(crate) fn files(&self, folder: &str, ending: &str) -> impl Iterator<Item = &str> {
        self.files
            .iter()
            .map(String::as_str)
            .filter(move |file| file.starts_with(folder) && file.ends_with(ending))
    }

    /// A file's text, or `None` where it is none.
    pub(crate) fn text(&self, file: &str) -> Result<Option<String>> {
        let bytes =
            fs::read(self.root.join(file)).with_context(|| format!("cannot read {file}"))?;
        Ok(String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')))
    }

    /// Every file under a folder with its text, those that are none left out.
    pub(crate) fn texts(&self, folder: &str, ending: &str) -> Result<Vec<(&str, String)>> {
        self.files(folder, ending)
            .filter_map(|file| match self.text(file) {
                Ok(text) => text.map(|text| Ok((file, text))),
                Err(error) => Some(Err(error)),
            })
            .collect()
    }
}
