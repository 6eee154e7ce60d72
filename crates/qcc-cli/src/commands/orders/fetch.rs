//! `qcc orders fetch`: one archive into a file, whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::PathBuf,
};

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use qcc_archive::{Archive, Options};
use qcc_http::{Client, Error, Resume, Retry};
use qcc_proto::{Location, OrderNo};
use qcc_sync::{Event, Observer};
use serde_json::json;

use super::target::{Target, part_of};
use crate::{
    app::App,
    commands::hold::IgnoreHold,
    exit::{Exit, NoSuchOrder, Usage},
    output::{Progress, bytes},
};

#[derive(Debug, Args)]
pub(crate) struct Fetch {
    /// The order's number
    #[arg(value_name = "NO")]
    order: OrderNo,
    /// Where to write the archive
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    hold: IgnoreHold,
    /// Print the password
    #[arg(long)]
    reveal: bool,
    /// Write the password into this file, readable by its owner only
    #[arg(long, value_name = "FILE")]
    password_out: Option<PathBuf>,
    /// Replace existing files
    #[arg(long)]
    force: bool,
    /// Keep the download even if it is not a valid archive
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
        let client = self.hold.client(app).await?;
        // What cannot be written is found out before anything is asked or downloaded.
        let mut archive = Target::look(&self.output, self.force, &self.part("archive"))?;
        let look = |path: &PathBuf| Target::look(path, self.force, &self.part("password"));
        let password = self.password_out.as_ref().map(look).transpose()?;
        if password.as_ref().is_some_and(|password| password.is(&archive)) {
            bail!(Usage::new("archive and password cannot go into the same file"));
        }
        let location = client.locate(&self.order, Timestamp::now()).await;
        let location = location.map_err(|error| NoSuchOrder::or(&self.order, error))?;
        let progress = Progress::new(app.notes);
        let size = self.download(&client, &location, archive.file(), &progress).await?;
        progress.finish();
        if !self.unverified {
            verify(archive.file(), &location)?;
        }
        self.place(archive, password, &location)?;
        self.tell(app, &location, size)?;
        Ok(Exit::Done)
    }

    fn part(&self, of: &str) -> String {
        part_of(&self.order, of)
    }

    /// Both files or neither: a password is useless without its archive.
    fn place(
        &self,
        archive: Target,
        password: Option<Target>,
        location: &Location,
    ) -> anyhow::Result<()> {
        let mut undo = None;
        if let Some(mut password) = password {
            let text = location.password.reveal().as_bytes();
            password.file().write_all(text).context("writing the password failed")?;
            undo = password.is_new().then(|| password.path().to_owned());
            password.place(&self.part("password"))?;
        }
        archive.place(&self.part("archive")).inspect_err(|_| {
            if let Some(path) = undo {
                let _ = fs::remove_file(path);
            }
        })
    }

    /// Downloads, going on where it broke off.
    async fn download(
        &self,
        client: &Client,
        location: &Location,
        file: &mut File,
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
            match error.retry() {
                Retry::Later { .. } if attempt < ATTEMPTS => {}
                Retry::StartOver if attempt < ATTEMPTS => resume = None,
                _ => return Err(error.into()),
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
        file: &mut File,
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
            app.notes.say("the password is not shown; use --reveal or --password-out FILE");
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

/// Discards what was received after `length`.
fn cut(file: &mut File, length: u64) -> anyhow::Result<()> {
    file.set_len(length).context("writing the archive failed")?;
    file.seek(SeekFrom::Start(length)).context("writing the archive failed")?;
    Ok(())
}

/// Opens and authenticates what was downloaded.
fn verify(file: &File, location: &Location) -> anyhow::Result<()> {
    let password = location.password.reveal().as_bytes();
    Archive::open(file, Options::default())
        .and_then(|archive| archive.authenticate(qcc_proto::DOCUMENT_NAME, password).map(|_| ()))
        .context("the download was refused and not kept (--unverified keeps it)")
}
