//! `qcc sim`: the simulated vendor as a server.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use qcc_proto::{Call, CallbackUrl, PushSetting, RiskRecord, SetPush};
use qcc_sim::{Fault, FaultPlan, PushSchedule, Server, TrueRecord, Vendor, VendorConfig};
use tokio::net::TcpListener;

use crate::{
    app::App,
    config::duration,
    exit::Exit,
    output::{Notes, json_line},
    wiring,
};

#[derive(Debug, Args)]
#[command(after_help = "Example: qcc sim > sim.env &  then: set -a; . ./sim.env; set +a; qcc sync")]
pub(crate) struct Sim {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8099")]
    listen: SocketAddr,
    /// Seed of data, dialects and faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Number of orders at the start, 15 minutes apart
    #[arg(long, value_name = "N", default_value_t = 12)]
    orders: u32,
    /// Largest number of records in an order
    #[arg(long, value_name = "N", default_value_t = 40)]
    records: u32,
    /// Create an order at this interval
    #[arg(long, value_name = "TIME", value_parser = duration)]
    every: Option<Duration>,
    /// Faults: name, name:CHANCE or name*TIMES, separated by commas; or random
    #[arg(long, value_name = "PLAN", default_value = "")]
    faults: FaultPlan,
    /// Duration of faults that last a while [default: from 20 s to 2 h, by fault]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    lasting: Option<Duration>,
    /// Print the names of all faults
    #[arg(long)]
    list_faults: bool,
    /// Call this URL about each new order, whatever URL `qcc push set` names
    #[arg(long, value_name = "URL")]
    callback_url: Option<CallbackUrl>,
    /// Create the orders of `--every` only in the two hours that `qcc push set --window` names
    #[arg(long)]
    keep_window: bool,
    /// Write the table that a receiver must end with, as `qcc records --json` prints it,
    /// at the start and at the end
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
}

/// How far apart the orders are that were made before the start.
const APART: SignedDuration = SignedDuration::from_mins(15);

impl Sim {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        if self.list_faults {
            for fault in Fault::ALL {
                app.out.line(fault)?;
            }
            return Ok(Exit::Done);
        }
        let listener = TcpListener::bind(self.listen).await.with_context(|| {
            format!("cannot listen on {}: choose another address with --listen", self.listen)
        })?;
        let address = listener.local_addr()?;
        let vendor = Arc::new(Mutex::new(self.vendor(address)?));
        print_environment(app, &lock(&vendor), address)?;
        self.write_truth(&vendor)?;
        let calls = wiring::local_transport()?;
        let server = Server::start(listener, Arc::clone(&vendor), Timestamp::now, Some(calls))?;
        app.notes.say(format_args!("the simulated vendor listens on {address}; Ctrl-C ends it"));
        tokio::select! {
            () = wiring::asked_to_stop() => {}
            () = tell(&vendor, app.notes) => {}
        }
        server.shutdown().await;
        self.write_truth(&vendor)?;
        for (fault, times) in lock(&vendor).faults_struck() {
            app.notes.say(format_args!("{fault} struck {times}×"));
        }
        Ok(Exit::Done)
    }

    /// A vendor with a past, healthy until it is set up.
    fn vendor(&self, address: SocketAddr) -> anyhow::Result<Vendor> {
        let config = VendorConfig {
            seed: self.seed,
            records_per_order: 1..=self.records.max(1),
            keeps_push_window: self.keep_window,
            calls_only: self.callback_url.as_ref().map(|url| url.as_str().to_owned()),
            ..VendorConfig::default()
        };
        let config = match self.lasting {
            Some(lasting) => config.lasting(lasting),
            None => config,
        };
        let mut vendor = Vendor::new(config.at(address));
        let now = Timestamp::now();
        vendor.set_faults(self.faults.clone());
        for ago in (1..=self.orders).rev() {
            let ago = i32::try_from(ago).unwrap_or(i32::MAX);
            vendor.push(now.checked_sub(APART.saturating_mul(ago)).unwrap_or(now));
        }
        vendor.set_faults(FaultPlan::none());
        if let Some(url) = &self.callback_url {
            enable_push(&mut vendor, url.clone(), now)?;
        }
        vendor.set_faults(self.faults.clone());
        if let Some(every) = self.every {
            let first = now.checked_add(every).unwrap_or(now);
            vendor.push_every(PushSchedule { first, every, count: u32::MAX });
        }
        Ok(vendor)
    }

    fn write_truth(&self, vendor: &Mutex<Vendor>) -> anyhow::Result<()> {
        let Some(path) = &self.truth else { return Ok(()) };
        let truth = lock(vendor).truth();
        write_records(path, truth.table.values())
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// Sets the push as a client would, in memory.
fn enable_push(
    vendor: &mut Vendor,
    callback_url: CallbackUrl,
    now: Timestamp,
) -> anyhow::Result<()> {
    let config = vendor.config();
    let signed = config.account.credentials().sign(now.as_second());
    let setting = PushSetting::new(callback_url);
    let target = SetPush(setting).path_and_query(config.account.key());
    let request = Request::get(target)
        .header("Timespan", signed.timespan)
        .header("Token", signed.token.reveal())
        .body(Bytes::new())?;
    vendor.handle(&request, now);
    anyhow::ensure!(vendor.callback_url().is_some(), "the vendor did not take the callback URL");
    Ok(())
}

/// What a client needs to know, as a file of variables.
fn print_environment(app: &mut App, vendor: &Vendor, address: SocketAddr) -> anyhow::Result<()> {
    let account = &vendor.config().account;
    app.out.line(format_args!("QCC_BASE_URL=http://{address}"))?;
    app.out.line(format_args!("QCC_DOWNLOAD_HOSTS={address}"))?;
    app.out.line(format_args!("QCC_KEY={}", account.key()))?;
    app.out.line(format_args!("QCC_SECRET_KEY={}", account.secret()))?;
    app.out.finish()?;
    Ok(())
}

fn write_records<'a>(
    path: &Path,
    records: impl Iterator<Item = &'a TrueRecord>,
) -> anyhow::Result<()> {
    let mut file = std::io::BufWriter::new(fs::File::create(path)?);
    for known in records {
        let record = RiskRecord::from(known.record.clone());
        let push_date = serde_json::to_string(&known.push_date)?;
        let order_no = serde_json::to_string(&known.order_no)?;
        let position = known.position.to_string();
        let more = [("push_date", &*push_date), ("order_no", &*order_no), ("position", &*position)];
        json_line(&mut file, &record, &more)?;
    }
    Ok(file.flush()?)
}

/// Says what reaches the vendor, and when it stops calling, for as long as it is asked.
async fn tell(vendor: &Mutex<Vendor>, notes: Notes) {
    let (mut told, mut was_silent) = (0_u64, false);
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (lines, total, silent) = {
            let vendor = lock(vendor);
            let (journal, entries) = (vendor.journal(), vendor.journal().entries());
            // The journal forgets its oldest entries, so it is counted from its end.
            let fresh = usize::try_from(journal.total().saturating_sub(told)).unwrap_or(usize::MAX);
            let old = entries.len().saturating_sub(fresh);
            let lines: Vec<_> = entries.skip(old).map(|entry| format!("{entry:?}")).collect();
            (lines, journal.total(), vendor.callbacks_silenced())
        };
        told = total;
        lines.iter().for_each(|line| notes.say(line));
        if silent && !was_silent {
            notes.say(
                "the vendor stops calling after so many errors in a row; `qcc push activate` \
                 makes it call again",
            );
        }
        was_silent = silent;
    }
}

fn lock(vendor: &Mutex<Vendor>) -> MutexGuard<'_, Vendor> {
    vendor.lock().unwrap_or_else(PoisonError::into_inner)
}
