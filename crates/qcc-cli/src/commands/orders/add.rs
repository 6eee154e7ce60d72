//! `qcc orders add`: order numbers, or an archive, that came by another way than the
//! vendor's list and calls. This is how a gap is filled.

use std::{
    fs,
    io::{Read, stdin},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use qcc_proto::{OrderNo, UnzipPassword};
use qcc_sync::{Archives, Decision, FolderArchives, KeptArchive, Label, Order, State, Store};
use serde_json::json;

use crate::{
    app::App,
    exit::{Exit, Usage},
    output::many,
    wiring::{self, SqliteStore},
};

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Order numbers
    #[arg(value_name = "NO", required_unless_present = "from")]
    orders: Vec<OrderNo>,
    /// A file of order numbers, one per line; `-` for standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The order's archive, obtained from the vendor; its password comes from
    /// --password-file or QCC_ARCHIVE_PASSWORD
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    archive: Option<PathBuf>,
    /// A file with the archive's password
    #[arg(long, value_name = "FILE", requires = "archive")]
    password_file: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Add {
    pub(super) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let orders = self.numbers()?;
        let now = Timestamp::now();
        let store = wiring::open(&wiring::store_path(&app.config)?).await?;
        let brought = match &self.archive {
            None => None,
            Some(file) => Some(self.brought(app, &store, &orders, file).await?),
        };
        let mut added = Vec::new();
        for order_no in &orders {
            let order_no = order_no.clone();
            let decision = match &brought {
                None => Decision::AddOrder { order_no: order_no.clone() },
                Some((archive, password)) => Decision::AddArchive {
                    order_no: order_no.clone(),
                    archive: *archive,
                    password: password.clone(),
                },
            };
            if store.decide(&decision, now).await? {
                added.push(order_no);
            }
        }
        self.tell(app, &orders, &added)?;
        Ok(Exit::Done)
    }

    fn numbers(&self) -> anyhow::Result<Vec<OrderNo>> {
        let mut orders = self.orders.clone();
        if let Some(file) = &self.from {
            orders.extend(read_numbers(file)?);
        }
        if orders.is_empty() {
            return Err(Usage::new("there is no order number to add").into());
        }
        Ok(orders)
    }

    /// Keeps the archive as a downloaded one would be.
    async fn brought(
        &self,
        app: &App,
        store: &SqliteStore,
        orders: &[OrderNo],
        file: &Path,
    ) -> anyhow::Result<(KeptArchive, UnzipPassword)> {
        let [order_no] = orders else {
            return Err(Usage::new("--archive belongs to one order: name one").into());
        };
        let password = app.config.archive_password_from(self.password_file.as_ref())?;
        let password = UnzipPassword::new(password.reveal());
        let now = Timestamp::now();
        let known = store.order(order_no).await?;
        let order = known.unwrap_or_else(|| Order::seen(order_no.clone(), now));
        if order.state == State::Applied {
            return Err(Usage::new(format!("order {order_no} is applied already")).into());
        }
        let folder = &app.config.archive_dir.value;
        let archives = FolderArchives::open(folder)
            .with_context(|| format!("the archive folder {} cannot be used", folder.display()))?;
        let kept = keep(&archives, order_no, file).await?;
        let order = order.with_archive(kept, password.clone(), now);
        if let Some((archive, label)) = order.and_then(|order| Label::of(&order, now)) {
            archives.label(&archive, &label).await?;
        }
        Ok((kept, password))
    }

    fn tell(&self, app: &mut App, orders: &[OrderNo], added: &[OrderNo]) -> anyhow::Result<()> {
        if self.json {
            let numbers: Vec<&str> = added.iter().map(OrderNo::as_str).collect();
            app.out.json(&json!({ "added": numbers }))?;
            return Ok(());
        }
        for order_no in added {
            app.out.line(order_no)?;
        }
        let known = orders.len() - added.len();
        if known > 0 {
            app.notes.say(format_args!("{} known already", many(known as u64, "order")));
        }
        app.notes.say(format_args!(
            "added: {}; `qcc sync` (or the running daemon) processes them",
            many(added.len() as u64, "order")
        ));
        Ok(())
    }
}

/// A larger file is not a list of order numbers.
const LONGEST: u64 = 16 << 20;

fn read_numbers(file: &Path) -> anyhow::Result<Vec<OrderNo>> {
    let shown = file.display();
    let mut text = String::new();
    let read = match file == Path::new("-") {
        true => stdin().lock().take(LONGEST).read_to_string(&mut text),
        false => fs::File::open(file)
            .with_context(|| format!("{shown} cannot be opened"))?
            .take(LONGEST)
            .read_to_string(&mut text),
    };
    read.with_context(|| format!("{shown} cannot be read"))?;
    let lines = text.lines().map(str::trim).zip(1..);
    lines
        .filter(|(line, _)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, number)| {
            line.parse().map_err(|error| {
                Usage::new(format!("{shown}, line {number}: not an order number"))
                    .with_source(error)
                    .into()
            })
        })
        .collect()
}

async fn keep(
    archives: &FolderArchives,
    order_no: &OrderNo,
    file: &Path,
) -> anyhow::Result<KeptArchive> {
    let shown = file.display();
    let opened = fs::File::open(file);
    let mut opened = opened.with_context(|| format!("{shown} cannot be opened"))?;
    if !opened.metadata().is_ok_and(|meta| meta.is_file()) {
        return Err(Usage::new(format!("{shown} is not a file")).into());
    }
    let mut partial = archives.begin(order_no).await?;
    let mut piece = vec![0; 256 << 10];
    loop {
        let read = opened.read(&mut piece).with_context(|| format!("{shown} cannot be read"))?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        partial.append(bytes).await?;
    }
    Ok(partial.keep().await?)
}
