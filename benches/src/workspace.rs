//! Where the checkout is, and where cargo builds to.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The two folders that the measurements read and write.
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// The checkout this program was built from, and the target folder it was built into.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no root folder")?;
        let program = env::current_exe()?;
        let target = program.ancestors().nth(2).context("the program is in no target folder")?;
        Ok(Self { root: root.to_owned(), target: target.to_owned() })
    }

    /// A file's text.
    pub(crate) fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.root.join(path)).with_context(|| format!("cannot read {path}"))
    }
}
