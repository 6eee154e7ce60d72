//! `qcc orders show`: an order from both sides.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use qcc_proto::{Location, OrderNo};
use qcc_sync::{KeptArchive, Order, SetAside, State, Store};
use serde_json::{Value, json};

use crate::{
    app::App,
    commands::hold::IgnoreHold,
    exit::{Exit, NoSuchOrder, Usage},
    output::{bytes, changed_in_brackets, count, facts, instant, json_reason, when},
    wiring,
};

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The order's number
    #[arg(value_name = "NO")]
    order: OrderNo,
    /// Do not ask the vendor
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    hold: IgnoreHold,
    /// Show the link's signature and the password
    #[arg(long, conflicts_with = "offline")]
    reveal: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// What the ledger knows.
struct Known {
    order: Order,
    set_aside: Vec<SetAside>,
}

impl Show {
    pub(super) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let known = self.known(app).await?;
        if self.offline && known.is_none() {
            return Err(Usage::new(format!("the ledger has no order {}", self.order)).into());
        }
        let asked = if self.offline {
            None
        } else {
            let client = self.hold.client(app).await?;
            Some(client.locate(&self.order, Timestamp::now()).await)
        };
        let location = asked.as_ref().and_then(|answer| answer.as_ref().ok());
        if self.json {
            app.out.json(&json!({
                "order_no": self.order.as_str(),
                "ledger": known.as_ref().map(|known| {
                    ledger_json(known, &app.config.archive_dir.value)
                }),
                "vendor": location.map(|location| self.location_json(location)),
            }))?;
        } else if known.is_some() || location.is_some() {
            let folder = &app.config.archive_dir.value;
            app.out.line(self.text(known.as_ref(), location, folder))?;
        }
        match asked {
            Some(Err(error)) => Err(NoSuchOrder::or(&self.order, error)),
            _ => Ok(Exit::Done),
        }
    }

    async fn known(&self, app: &App) -> anyhow::Result<Option<Known>> {
        if !self.offline && !wiring::store_path(&app.config)?.exists() {
            return Ok(None);
        }
        let store = wiring::store_to_read(&app.config).await?;
        let Some(order) = store.order(&self.order).await? else { return Ok(None) };
        let set_aside = store.set_aside(&self.order, None, u32::MAX).await?;
        Ok(Some(Known { order, set_aside }))
    }

    fn link<'a>(&self, location: &'a Location) -> &'a str {
        if self.reveal { location.link.reveal() } else { location.link.without_query() }
    }

    fn location_json(&self, location: &Location) -> Value {
        json!({
            "link": self.link(location),
            "expires_at": location.stated_expiry.map(|at| at.to_string()),
            "ends_at": location.expires_at().map(instant),
            "password": self.reveal.then(|| location.password.reveal()),
        })
    }

    fn text(&self, known: Option<&Known>, location: Option<&Location>, folder: &Path) -> String {
        let mut lines = vec![("order", self.order.to_string())];
        match known {
            Some(known) => ledger_lines(known, folder, &mut lines),
            None => lines.push(("ledger", "knows nothing of it".to_owned())),
        }
        if let Some(location) = location {
            let hidden = || "(hidden; --reveal shows it)".to_owned();
            let query = if self.reveal { "" } else { "?… (hidden; --reveal shows it)" };
            lines.push(("link", format!("{}{query}", self.link(location))));
            if let Some(end) = location.expires_at() {
                lines.push(("link ends", when(end)));
            }
            let password =
                if self.reveal { location.password.reveal().to_owned() } else { hidden() };
            lines.push(("password", password));
        }
        facts(&lines)
    }
}

/// How many records set aside are listed.
const LISTED: usize = 20;

/// Where a kept archive lies.
fn kept_at(folder: &Path, archive: &KeptArchive) -> PathBuf {
    let sha256 = archive.sha256.to_string();
    let shelf = sha256.get(..2).unwrap_or_default();
    folder.join(shelf).join(format!("{sha256}.zip"))
}

fn ledger_lines(known: &Known, folder: &Path, lines: &mut Vec<(&'static str, String)>) {
    let Known { order, set_aside } = known;
    lines.push(("state", order.state.name().to_string()));
    if let State::Waiting { until, .. } = &order.state {
        lines.push(("until", when(*until)));
    }
    if let Some(reason) = order.state.reason() {
        lines.push(("why", reason.to_string()));
    }
    let moments = [
        ("created", order.created_at.map(|at| at.to_string())),
        ("first seen", Some(when(order.first_seen_at))),
        ("listed", order.listed_at.map(when)),
        ("called", order.called_at.map(when)),
    ];
    lines.extend(moments.into_iter().filter_map(|(name, at)| Some((name, at?))));
    if order.failures > 0 {
        lines.push(("failures", order.failures.to_string()));
    }
    if let Some(archive) = &order.archive {
        lines.push(("archive", format!("{}, sha256 {}", bytes(archive.size), archive.sha256)));
        lines.push(("kept at", kept_at(folder, archive).display().to_string()));
    }
    if let Some(applied) = &order.applied {
        lines.push(("applied", when(applied.at)));
        lines.push((
            "records",
            format!(
                "{} in all: {} stood then{}, {} superseded, {} set aside; pushed {}",
                count(applied.total_size),
                count(applied.stored),
                changed_in_brackets(applied.changes.unwrap_or_default()),
                count(applied.superseded),
                count(applied.quarantined),
                applied.push_date
            ),
        ));
    }
    for record in set_aside.iter().take(LISTED) {
        lines.push(("set aside", format!("record {}: {}", record.position, record.detail)));
    }
    if set_aside.len() > LISTED {
        lines.push(("set aside", format!("and {} more", set_aside.len() - LISTED)));
    }
}

fn ledger_json(known: &Known, folder: &Path) -> Value {
    let Known { order, set_aside } = known;
    let until = match &order.state {
        State::Waiting { until, .. } => Some(instant(*until)),
        _ => None,
    };
    let aside: Vec<Value> = set_aside
        .iter()
        .map(|record| {
            json!({
                "position": record.position,
                "code": record.code,
                "detail": record.detail,
                "raw": String::from_utf8_lossy(&record.raw),
            })
        })
        .collect();
    json!({
        "state": order.state.name().as_str(),
        "until": until,
        "reason": order.state.reason().map(json_reason),
        "created_at": order.created_at.map(|at| at.to_string()),
        "first_seen_at": instant(order.first_seen_at),
        "listed_at": order.listed_at.map(instant),
        "called_at": order.called_at.map(instant),
        "failures": order.failures,
        "archive": order.archive.map(|archive| {
            json!({
                "sha256": archive.sha256.to_string(),
                "size": archive.size,
                "path": kept_at(folder, &archive).display().to_string(),
            })
        }),
        "applied": order.applied.as_ref().map(|applied| {
            json!({
                "at": instant(applied.at),
                "push_date": applied.push_date.to_string(),
                "total_size": applied.total_size,
                "stored": applied.stored,
                "new": applied.changes.map(|changes| changes.new),
                "updated": applied.changes.map(|changes| changes.updated),
                "unchanged": applied.changes.map(|changes| changes.unchanged),
                "superseded": applied.superseded,
                "set_aside": applied.quarantined,
            })
        }),
        "set_aside": aside,
    })
}
