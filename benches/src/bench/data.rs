//! The files that are measured, made once and kept below `target/`.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use zip::{AesMode, ZipWriter, write::SimpleFileOptions};

use super::document;
use xtask::run;

/// The entry's name, as in the vendor's archives.
pub(super) const ENTRY: &str = "dd_risk_corp.json";

/// What opens the archive. It protects nothing: the data is made up.
pub(super) const PASSWORD: &str = "bench-password";

/// One document, packed.
pub(super) struct Data {
    pub(super) records: u32,
    /// Not packed.
    pub(super) document: PathBuf,
    /// AES-256 and Deflate, as the vendor packs.
    pub(super) archive: PathBuf,
    /// The same without encryption: what is left of the work is the inflating.
    pub(super) plain: PathBuf,
    /// The 7-Zip that packed it; else the `zip` crate did.
    pub(super) zipper: Option<&'static str>,
    /// Bytes of the document.
    pub(super) unpacked: u64,
    /// Bytes of the archive.
    pub(super) packed: u64,
}

impl Data {
    /// Makes what is not there from an earlier run.
    pub(super) fn prepare(
        folder: &Path,
        records: u32,
        zipper: Option<&'static str>,
    ) -> Result<Self> {
        let folder = folder.join(format!("{records}-{}", zipper.unwrap_or("zip")));
        fs::create_dir_all(&folder)?;
        let document = folder.join(ENTRY);
        finished(&document, |path| {
            let mut out = BufWriter::new(File::create(path)?);
            document::write(&mut out, records)?;
            Ok(out.flush()?)
        })?;
        let archive = folder.join("order.zip");
        let plain = folder.join("plain.zip");
        finished(&archive, |path| pack(zipper, &document, path, true))?;
        finished(&plain, |path| pack(zipper, &document, path, false))?;
        let (unpacked, packed) = (fs::metadata(&document)?.len(), fs::metadata(&archive)?.len());
        Ok(Self { records, document, archive, plain, zipper, unpacked, packed })
    }
}

/// The 7-Zip that is installed, if one is.
pub(super) fn zipper() -> Option<&'static str> {
    ["7zz", "7z"].into_iter().find(|name| run::is_there(name, &["i"]))
}

/// Makes a file under another name first: a run that was broken off leaves
/// nothing that looks whole.
fn finished(path: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let unfinished = path.with_extension("part");
    let _ = fs::remove_file(&unfinished);
    make(&unfinished)?;
    fs::rename(&unfinished, path).with_context(|| format!("cannot make {}", path.display()))
}

fn pack(zipper: Option<&str>, document: &Path, archive: &Path, encrypted: bool) -> Result<()> {
    let Some(zipper) = zipper else { return pack_by_crate(document, archive, encrypted) };
    let password = format!("-p{PASSWORD}");
    let encryption: &[&str] = if encrypted { &["-mem=AES256", &password] } else { &[] };
    let mut command = super::measure::command(zipper, &["a", "-tzip", "-bso0", "-bsp0"]);
    run::show(command.args(encryption).arg(archive).arg(document))
}

fn pack_by_crate(document: &Path, archive: &Path, encrypted: bool) -> Result<()> {
    let options = SimpleFileOptions::default().large_file(true);
    let options = match encrypted {
        true => options.with_aes_encryption(AesMode::Aes256, PASSWORD),
        false => options,
    };
    let mut writer = ZipWriter::new(File::create(archive)?);
    writer.start_file(ENTRY, options)?;
    std::io::copy(&mut File::open(document)?, &mut writer)?;
    writer.finish()?;
    Ok(())
}
