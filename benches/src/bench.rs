//! Time and memory of the released program, next to its peers.
//!
//! Whole runs, start and end included, as a user has them. Ours and the peers
//! run in turn, round after round, and a ratio is that of two runs of the same
//! round: what else the machine does then weighs on both.

mod data;
mod document;
mod measure;
mod order;
mod page;
mod stages;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use self::{
    data::{Data, ENTRY, PASSWORD},
    measure::{Contender, Measured, command, compete},
    order::Vendor,
    page::{Page, Row},
};
use xtask::run;

use crate::workspace::Workspace;

/// How many records the published table is about.
const RECORDS: u32 = 1_000_000;

/// Timed rounds: of what takes less than a second, a few, and twenty.
const QUICK: usize = 7;
const MIDDLING: usize = 5;
const SLOW: usize = 3;

/// Measures, prints the table, and keeps it in docs/performance.md where it is
/// about as many records as the page says.
pub(crate) fn run(workspace: &Workspace, records: Option<&str>) -> Result<()> {
    let records = match records {
        Some(text) => {
            text.parse().with_context(|| format!("`{text}` is not a number of records"))?
        }
        None => RECORDS,
    };
    build()?;
    let bench = Bench::prepare(workspace, records)?;
    let mut page = Page::new(&bench.data);
    let limit = bench.read(&mut page)?;
    bench.read_on_one_thread(&mut page, &limit)?;
    bench.store(&mut page, &limit)?;
    bench.read_little(&mut page)?;
    page.print();
    if records == RECORDS {
        page.keep(workspace)?;
    }
    Ok(())
}

/// Builds what is measured: both programs at once, as each alone would be built
/// with other features of their common dependencies.
pub(crate) fn build() -> Result<()> {
    let words = ["build", "--release", "--package", "qcc-cli", "--package", "benches"];
    run::show(&mut run::cargo(&words))
}

/// One stage in this process: what is started again and again.
pub(crate) fn stage(name: &str, file: &str) -> Result<()> {
    stages::run(name, Path::new(file))
}

/// A document and its archive, the same on every machine but for the salt.
pub(crate) fn sample(folder: &Path, records: u32) -> Result<(PathBuf, PathBuf)> {
    let Data { document, archive, .. } = Data::prepare(folder, records, None)?;
    Ok((document, archive))
}

/// The programs and what they read.
struct Bench {
    folder: PathBuf,
    released: PathBuf,
    migrations: PathBuf,
    peer: PathBuf,
    data: Data,
    /// A tenth of it: memory must not grow with the archive.
    little: Data,
}

impl Bench {
    fn prepare(workspace: &Workspace, records: u32) -> Result<Self> {
        let (folder, zipper) = (workspace.target.join("bench"), data::zipper());
        Ok(Self {
            data: Data::prepare(&folder, records, zipper)?,
            little: Data::prepare(&folder, records.div_ceil(10), zipper)?,
            released: workspace.target.join("release"),
            migrations: workspace.root.join("crates/qcc-sqlite/migrations"),
            peer: workspace.root.join("benches/peers/sqlite_peer.py"),
            folder,
        })
    }

    fn qcc(&self, arguments: &[&str], data: &Data) -> Contender {
        let program = self.released.join("qcc");
        let mut words = arguments.to_vec();
        let archive = data.archive.display().to_string();
        words.push(&archive);
        let mut command = command(program, &words);
        command.env("QCC_ARCHIVE_PASSWORD", PASSWORD);
        Contender::new(format!("`qcc {}`", arguments.join(" ")), command)
    }

    fn stage(&self, name: &str, label: &str, archive: &Path) -> Contender {
        let archive = archive.display().to_string();
        let words = ["bench-stage", name, archive.as_str()];
        Contender::new(label, command(self.released.join("measure"), &words))
    }

    /// One archive to plaintext and to checked records, next to other programs.
    /// Returns one inflate stream alone.
    fn read(&self, page: &mut Page) -> Result<Measured> {
        let archive = self.data.archive.display().to_string();
        let mut contenders = vec![
            self.qcc(&["archive", "cat"], &self.data),
            self.qcc(&["archive", "records", "--count"], &self.data),
            self.stage("inflate", "zlib-rs alone, from memory", &self.data.plain),
            self.stage("zip", "the `zip` crate", &self.data.archive),
        ];
        if let Some(zipper) = self.data.zipper {
            let password = format!("-p{PASSWORD}");
            let words = ["x", "-so", &password, &archive, ENTRY];
            contenders.push(Contender::new(format!("`{zipper} x -so`"), command(zipper, &words)));
        } else {
            page.note("7-Zip is not installed: no ratio to it is known.");
        }
        if run::is_there("bsdtar", &["--version"]) {
            let words = ["-xOf", &archive, "--passphrase", PASSWORD];
            contenders.push(Contender::new("`bsdtar -xO`", command("bsdtar", &words)));
        } else {
            page.note("bsdtar is not installed: its row is missing.");
        }
        let mut measured = compete(contenders, QUICK)?.into_iter();
        let mut next = || measured.next().context("a contender did not run");
        let (cat, count, limit, zip) = (next()?, next()?, next()?, next()?);
        let seven = self.data.zipper.map(|_| next()).transpose()?;
        let (what, seven) = ("archive → plaintext", seven.as_ref());
        page.row(&Row::new(what, &cat).against(seven).reach(0.6), &limit);
        page.row(&Row::new(what, &zip).against(seven), &limit);
        for other in &measured.collect::<Vec<_>>() {
            page.row(&Row::new(what, other).against(seven), &limit);
        }
        if let Some(seven) = seven {
            page.row(&Row::new(what, seven), &limit);
        }
        page.row(&Row::new("one inflate stream, nothing else", &limit), &limit);
        let what = "archive → checked and counted records";
        page.row(&Row::new(what, &count).against(seven).reach(0.6), &limit);
        page.memory(what, &count, Some(32));
        Ok(limit)
    }

    /// The same into typed records on one thread, next to the usual crates.
    fn read_on_one_thread(&self, page: &mut Page, limit: &Measured) -> Result<()> {
        let archive = &self.data.archive;
        let measured = compete(
            vec![
                self.stage("records", "`qcc-archive`, `qcc-proto`", archive),
                self.stage("serde", "`zip`, `serde_json::from_reader`", archive),
            ],
            MIDDLING,
        )?;
        if let [ours, peer] = measured.as_slice() {
            let what = "archive → typed records, one thread";
            page.row(&Row::new(what, ours).against(Some(peer)).reach(0.35), limit);
            page.row(&Row::new(what, peer), limit);
            page.memory(what, ours, Some(32));
            page.memory(what, peer, None);
        }
        Ok(())
    }

    fn read_little(&self, page: &mut Page) -> Result<()> {
        let count = self.qcc(&["archive", "records", "--count"], &self.little);
        for measured in compete(vec![count], 1)? {
            page.memory("a tenth as many records", &measured, Some(32));
        }
        Ok(())
    }

    /// One archive to a table with its indexes.
    fn store(&self, page: &mut Page, limit: &Measured) -> Result<()> {
        let python = |needed| run::is_there("python3", &["-c", needed]);
        if !python("") {
            page.note("Python is not installed. It plays the vendor: no table was filled.");
            return Ok(());
        }
        let vendor = Vendor::start(&self.folder, &self.data.archive)?;
        let program = self.released.join("qcc");
        let mut contenders = vec![vendor.replay(&program)?, vendor.sync(&program)];
        if python("import orjson, pyzipper") {
            contenders.push(self.python());
        } else {
            page.note("pyzipper or orjson is not installed: no ratio to Python is known.");
        }
        let measured = compete(contenders, SLOW)?;
        let what = "archive → SQLite table, indexed";
        let (ours, peer) = (measured.get(..2).context("nothing ran")?, measured.get(2));
        for ours in ours {
            page.row(&Row::new(what, ours).against(peer).reach(0.25), limit);
            page.memory(what, ours, Some(64));
        }
        if let Some(peer) = peer {
            page.row(&Row::new(what, peer), limit);
            page.memory(what, peer, None);
        }
        Ok(())
    }

    fn python(&self) -> Contender {
        let database = self.folder.join("peer.db");
        let [script, archive, store, migrations] =
            [&self.peer, &self.data.archive, &database, &self.migrations]
                .map(|path| path.display().to_string());
        let words = [script.as_str(), &archive, PASSWORD, &store, &migrations];
        Contender::new("Python: pyzipper, orjson, sqlite3", command("python3", &words))
            .on_fresh(database)
    }
}
