//! One stage at a time, in a process of its own: ours on one thread, and what
//! a Rust user would put together otherwise.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use flate2::{Decompress, FlushDecompress, Status};
use qcc_archive::{Archive, Content, Options};
use qcc_proto::{ItemRef, ReaderLimits, RecordReader};
use serde::Deserialize;
use zip::{ZipArchive, read::ZipFile};

use super::{ENTRY, PASSWORD};

/// As large as the pieces that `qcc-archive` unpacks at a time.
const PIECE: usize = 256 * 1024;

pub(super) fn run(stage: &str, file: &Path) -> Result<()> {
    match stage {
        "authenticate" => authenticate(file).map(drop),
        "unpack" => {
            authenticate(file)?.finish()?;
            Ok(())
        }
        "parse" => read(BufReader::with_capacity(PIECE, File::open(file)?)),
        "records" => read(authenticate(file)?),
        "inflate" => inflate(file),
        "zip" => unzip(file, |mut entry| {
            io::copy(&mut entry, &mut io::sink())?;
            Ok(())
        }),
        "serde" => unzip(file, |entry| {
            let document: Document = serde_json::from_reader(BufReader::new(entry))?;
            ensure!(document.total_size == document.result.len() as u64, "records are missing");
            Ok(())
        }),
        other => bail!("no stage `{other}`"),
    }
}

fn authenticate(archive: &Path) -> Result<Content<File>> {
    let archive = Archive::open(File::open(archive)?, Options::default())?;
    Ok(archive.into_authenticated(ENTRY, PASSWORD.as_bytes())?.into_reader())
}

/// Every record checked and counted.
fn read(document: impl BufRead) -> Result<()> {
    let mut reader = RecordReader::new(document, ReaderLimits::default());
    let mut records = 0;
    while let Some(item) = reader.next_ref()? {
        records += u64::from(matches!(item, ItemRef::Record { .. }));
    }
    let summary = reader.finish()?;
    ensure!(summary.records == records && summary.set_aside == 0, "records are missing");
    Ok(())
}

/// The limit of all that reads Deflate with this library: one stream, from
/// memory, with no MAC, no cipher and no checksum.
fn inflate(plain: &Path) -> Result<()> {
    let mut archive = ZipArchive::new(BufReader::new(File::open(plain)?))?;
    let (mut raw, mut packed) = (archive.by_index_raw(0)?, Vec::new());
    io::copy(&mut raw, &mut packed)?;
    let (mut stream, mut piece) = (Decompress::new(false), vec![0; PIECE]);
    let (mut rest, mut status) = (packed.as_slice(), Status::Ok);
    while status != Status::StreamEnd {
        let taken = stream.total_in();
        status = stream.decompress(rest, &mut piece, FlushDecompress::None)?;
        ensure!(status != Status::BufError, "the stream breaks off");
        let taken = (stream.total_in() - taken) as usize;
        rest = rest.get(taken..).context("the stream ran past its end")?;
    }
    ensure!(stream.total_out() == raw.size(), "the stream is incomplete");
    Ok(())
}

fn unzip(
    archive: &Path,
    read: impl FnOnce(ZipFile<'_, BufReader<File>>) -> Result<()>,
) -> Result<()> {
    let mut archive = ZipArchive::new(BufReader::new(File::open(archive)?))?;
    let index = archive.index_for_name(ENTRY).context("the entry is not there")?;
    read(archive.by_index_decrypt(index, PASSWORD.as_bytes())?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its reading is measured")]
struct Document {
    push_date: String,
    total_size: u64,
    result: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its reading is measured")]
struct Record {
    id: String,
    corp_key_no: Option<String>,
    corp_name: Option<String>,
    monitor_content: Option<String>,
    monitor_level: Option<String>,
    monitor_type: Option<String>,
    score: Option<i32>,
    change_date: Option<String>,
}
