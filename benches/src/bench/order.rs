//! The archive as an order of a vendor: for `qcc sync`, and for `qcc replay` of
//! what it kept.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{Contender, PASSWORD, command};

const KEY: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const SECRET: &str = "FEDCBA98765432100123456789ABCDEF";
const VENDOR: &str = include_str!("../../../fixtures/vendor/vendor.py");

/// The vendor of the foreign-vendor test, with one order; ends when dropped.
pub(super) struct Vendor {
    child: Child,
    address: String,
    folder: PathBuf,
}

impl Vendor {
    pub(super) fn start(folder: &Path, archive: &Path) -> Result<Self> {
        let folder = folder.join("sync");
        fs::create_dir_all(&folder)?;
        let script = folder.join("vendor.py");
        fs::write(&script, VENDOR)?;
        fs::copy(archive, folder.join("order.zip"))?;
        let order = json!([{
            "orderNo": "DDMON0", "createDate": "2022-06-07 10:13:42",
            "file": "order.zip", "password": PASSWORD,
        }]);
        fs::write(folder.join("orders.json"), order.to_string())?;
        let mut child = Command::new("python3")
            .arg(script)
            .args([KEY, SECRET, "string", "none"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the vendor")?;
        let output = child.stdout.take();
        let mut vendor = Self { child, address: String::new(), folder };
        let mut port = String::new();
        BufReader::new(output.context("the vendor has no output")?).read_line(&mut port)?;
        vendor.address = format!("127.0.0.1:{}", port.trim());
        Ok(vendor)
    }

    /// Lists, locates, downloads, checks and applies into a fresh store.
    pub(super) fn sync(&self, program: &Path) -> Contender {
        let (store, archives) = (self.folder.join("qcc.db"), self.folder.join("archives"));
        Contender::new("`qcc sync`, download included", self.syncing(program, &store, &archives))
            .on_fresh(store)
            .on_fresh(archives)
    }

    /// Checks and applies into a fresh store what is kept already, as the peer does.
    pub(super) fn replay(&self, program: &Path) -> Result<Contender> {
        let (store, archives) = (self.folder.join("kept.db"), self.folder.join("kept"));
        let synced = self.syncing(program, &store, &archives).status()?;
        ensure!(synced.success(), "no archive could be kept: {synced}");
        let store = self.folder.join("replayed.db");
        let into = format!("sqlite:{}", store.display());
        let mut replay = command(program, &["replay", "--into", &into]);
        replay.current_dir(&self.folder).env("QCC_ARCHIVE_DIR", &archives);
        Ok(Contender::new("`qcc replay --into`", replay).on_fresh(store))
    }

    fn syncing(&self, program: &Path, store: &Path, archives: &Path) -> Command {
        let mut sync = command(program, &["sync"]);
        sync.current_dir(&self.folder)
            .env("QCC_KEY", KEY)
            .env("QCC_SECRET_KEY", SECRET)
            .env("QCC_BASE_URL", format!("http://{}", self.address))
            .env("QCC_DOWNLOAD_HOSTS", &self.address)
            .env("QCC_STORE", format!("sqlite:{}", store.display()))
            .env("QCC_ARCHIVE_DIR", archives);
        sync
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
