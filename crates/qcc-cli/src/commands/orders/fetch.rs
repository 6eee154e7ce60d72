//! `qcc orders fetch`: one archive into a file, whole or not at all.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use qcc_archive::{Archive, Options};
use qcc_http::{Client, Error, Resume};
use qcc_proto::{Location, OrderNo};
use qcc_sync::{Event, Observer};
use serde_json::json;
use tempfile::NamedTempFile;

use crate::{
    app::App,
    exit::{Exit, Usage},
    output::{Progress, bytes},
    wiring,
};

#[derive(Debug, Args)]
pub(crate) struct Fetch {
    /// The order's number
    #[arg(value_name = "NO")]
    order: OrderNo,
    /// Where to write the archive
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Print the password
    #[arg(long)]
    reveal: bool,
    /// Write the password into this file, readable by its owner only
    #[arg(long, value_name = "FILE")]
    password_out: Option<PathBuf>,
    /// Keep what was downloaded even if it is no sound archive
    #[arg(long)]
    unverified: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// How often a broken download is taken up again.
const ATTEMPTS: u32 = 8;

/// The largest archive that is downloaded.
const LARGEST: u64 = 4 << 30;

impl Fetch {
    pub(super) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let client = wiring::client(&app.config)?;
        let location = client.locate(&self.order, Timestamp::now()).await?;
        let mut file = temporary_beside(&self.output)?;
        let progress = Progress::new(app.notes, &app.config);
        let size = self.download(&client, &location, &mut file, &progress).await?;
        progress.finish();
        if !self.unverified {
            verify(&file, &location)?;
        }
        file.as_file().sync_all().context("writing the archive failed")?;
        let written = || format!("{} cannot be written", self.output.display());
        file.persist(&self.output).map_err(|error| error.error).with_context(written)?;
        if let Some(path) = &self.password_out {
            keep_password(path, &location)?;
        }
        self.tell(app, &location, size)?;
        Ok(Exit::Done)
    }

    /// Downloads, going on where it broke off.
    async fn download(
        &self,
        client: &Client,
        location: &Location,
        file: &mut NamedTempFile,
        progress: &Progress,
    ) -> anyhow::Result<u64> {
        let mut resume = None;
        let mut attempt = 1;
        loop {
            let error = match self.receive(client, location, file, &mut resume, progress).await {
                Ok(size) => return Ok(size),
                Err(Trouble::Here(error)) => return Err(error),
                Err(Trouble::There(error)) => error,
            };
            let again = error.is_transient() || matches!(error, Error::NotResumable);
            if !again || attempt == ATTEMPTS {
                return Err(error.into());
            }
            if matches!(error, Error::NotResumable) {
                resume = None;
            }
            tracing::info!(%error, attempt, "the download broke off, going on");
            tokio::time::sleep(std::time::Duration::from_millis(250) * attempt).await;
            attempt += 1;
        }
    }

    /// One attempt; `resume` is where the next one goes on.
    async fn receive(
        &self,
        client: &Client,
        location: &Location,
        file: &mut NamedTempFile,
        resume: &mut Option<Resume>,
        progress: &Progress,
    ) -> Result<u64, Trouble> {
        let mut download =
            client.download(&location.link, resume.as_ref()).await.map_err(Trouble::There)?;
        let mut received = download.offset;
        cut(file, received)?;
        loop {
            let piece = match download.body.chunk().await {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok(received),
                Err(error) => {
                    *resume = download.resume_at(received);
                    return Err(Trouble::There(error.into()));
                }
            };
            received += piece.len() as u64;
            if received > LARGEST {
                return Err(Trouble::Here(anyhow::anyhow!("the archive is larger than 4 GiB")));
            }
            file.write_all(&piece).map_err(not_written)?;
            let (order_no, total) = (self.order.clone(), download.total);
            progress.event(&Event::Downloading { order_no, received, total });
        }
    }

    fn tell(&self, app: &mut App, location: &Location, size: u64) -> anyhow::Result<()> {
        let password = self.reveal.then(|| location.password.reveal());
        if self.json {
            return Ok(app.out.json(&json!({
                "order_no": self.order.as_str(),
                "file": self.output.display().to_string(),
                "size": size,
                "verified": !self.unverified,
                "password": password,
            }))?);
        }
        if let Some(password) = password {
            app.out.line(password)?;
        }
        app.notes.say(format_args!("{}: {}", self.output.display(), bytes(size)));
        if password.is_none() && self.password_out.is_none() {
            app.notes
                .say("the password is not shown; --reveal or --password-out FILE hands it out");
        }
        Ok(())
    }
}

/// Where an attempt failed: at the other end, or at this one.
enum Trouble {
    There(Error),
    Here(anyhow::Error),
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self::Here(error)
    }
}

fn not_written(error: io::Error) -> Trouble {
    Trouble::Here(anyhow::Error::new(error).context("writing the archive failed"))
}

/// Forgets what was received behind `length`.
fn cut(file: &mut NamedTempFile, length: u64) -> anyhow::Result<()> {
    use std::io::{Seek, SeekFrom};
    file.as_file().set_len(length).context("writing the archive failed")?;
    file.seek(SeekFrom::Start(length)).context("writing the archive failed")?;
    Ok(())
}

/// A file in the target's folder, so that it can become the target by renaming.
fn temporary_beside(target: &Path) -> anyhow::Result<NamedTempFile> {
    if target.is_dir() {
        bail!(Usage::new(format!("{} is a folder: name a file", target.display())));
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!(Usage::new(format!("there is no folder {}", folder.display())));
    }
    NamedTempFile::with_prefix_in(".qcc-", folder)
        .with_context(|| format!("nothing can be written into {}", folder.display()))
}

/// Opens and authenticates what was downloaded.
fn verify(file: &NamedTempFile, location: &Location) -> anyhow::Result<()> {
    let password = location.password.reveal().as_bytes();
    Archive::open(file.as_file(), Options::default())
        .and_then(|archive| archive.authenticate("dd_risk_corp.json", password).map(|_| ()))
        .context("what was downloaded is refused and not kept (--unverified keeps it)")
}

/// Writes the password for its owner only.
fn keep_password(path: &Path, location: &Location) -> anyhow::Result<()> {
    let failed = || format!("the password cannot be written to {}", path.display());
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(mut file) => file.write_all(location.password.reveal().as_bytes()).with_context(failed),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            bail!(Usage::new(format!("{} is there already: not replaced", path.display())))
        }
        Err(error) => Err(error).with_context(failed),
    }
}
