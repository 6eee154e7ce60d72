//! `qcc records`: the table, queried and exported.

use std::io::Write;

use anyhow::Context;
use clap::{Args, ValueEnum};
use qcc_proto::{OrderNo, ShanghaiTime};
use qcc_sync::{RecordFilter, Store, StoredRecord};
use serde_json::Value;

use crate::{
    app::App,
    exit::Exit,
    output::{count, csv_line, json_line, table},
    wiring,
};

#[derive(Debug, Args)]
pub(crate) struct Records {
    /// Exactly this monitorLevel, such as 高风险信息
    #[arg(long, value_name = "WORD")]
    level: Option<String>,
    /// Exactly this monitorType, such as 红色通道
    #[arg(long = "type", value_name = "WORD")]
    monitor_type: Option<String>,
    /// This corpKeyNo, or a part of the company's name
    #[arg(long, value_name = "TEXT")]
    corp: Option<String>,
    /// Pushed at or after this: yyyy-MM-dd or 'yyyy-MM-dd HH:mm:ss', Shanghai time
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<ShanghaiTime>,
    /// Changed on or after this: yyyy-MM-dd
    #[arg(long, value_name = "DATE", value_parser = date)]
    changed_since: Option<String>,
    /// From this order
    #[arg(long, value_name = "NO")]
    order: Option<OrderNo>,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The same as --format jsonl
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// The same as --format csv
    #[arg(long, conflicts_with_all = ["format", "json"])]
    csv: bool,
    /// At most so many [default: 100 in a table, else all]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One JSON object per line
    Jsonl,
    /// For spreadsheets; cells that would be formulas get an apostrophe
    Csv,
}

/// How many records one read of the store asks for.
const PAGE: u32 = 1000;

/// As many as a person reads.
const TABLE_ROWS: u64 = 100;

impl Records {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let store = wiring::store_to_read(&app.config).await?;
        let format = self.format();
        let shown = if format == Format::Table { TABLE_ROWS } else { u64::MAX };
        let mut left = self.limit.unwrap_or(shown);
        let filter = self.filter();
        let mut after: Option<String> = None;
        let mut rows = Vec::new();
        if format == Format::Csv {
            app.out.write_all(csv_line(COLUMNS).as_bytes())?;
        }
        let mut more = false;
        while left > 0 {
            // One more than is shown tells whether there are more.
            let wanted = u32::try_from(left.saturating_add(1)).unwrap_or(PAGE).min(PAGE);
            let page = store.records(&filter, after.as_deref(), wanted).await?;
            let ended = page.len() < wanted as usize;
            after = page.last().map(|stored| stored.record.id.clone());
            for stored in page {
                if left == 0 {
                    more = true;
                    break;
                }
                left -= 1;
                match format {
                    Format::Table => rows.push(row(&stored)),
                    Format::Jsonl => print_json(app, &stored)?,
                    Format::Csv => print_csv(app, &stored)?,
                }
            }
            if ended {
                break;
            }
        }
        if format == Format::Table {
            print_table(app, rows, more && self.limit.is_none())?;
        }
        Ok(Exit::Done)
    }

    fn format(&self) -> Format {
        match (self.json, self.csv) {
            (true, _) => Format::Jsonl,
            (_, true) => Format::Csv,
            _ => self.format,
        }
    }

    fn filter(&self) -> RecordFilter {
        let mut filter = RecordFilter::default();
        filter.level = self.level.clone();
        filter.monitor_type = self.monitor_type.clone();
        filter.corp = self.corp.clone();
        filter.changed_since = self.changed_since.clone();
        filter.pushed_since = self.since;
        filter.order_no = self.order.clone();
        filter
    }
}

/// The columns of the export, as the table names them.
const COLUMNS: [&str; 12] = [
    "id",
    "corp_key_no",
    "corp_name",
    "monitor_content",
    "monitor_level",
    "monitor_type",
    "score",
    "change_date",
    "extra",
    "push_date",
    "order_no",
    "position",
];

fn print_json(app: &mut App, stored: &StoredRecord) -> anyhow::Result<()> {
    let rank = &stored.rank;
    let push_date = Value::from(rank.push_date.to_string()).to_string();
    let order_no = Value::from(rank.order_no.as_str()).to_string();
    let position = rank.position.to_string();
    let more = [("push_date", &*push_date), ("order_no", &*order_no), ("position", &*position)];
    json_line(&mut app.out, &stored.record, &more).context("printing a record failed")
}

fn print_csv(app: &mut App, stored: &StoredRecord) -> anyhow::Result<()> {
    let record = &stored.record;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let cells = [
        record.id.clone(),
        text(&record.corp_key_no),
        text(&record.corp_name),
        text(&record.monitor_content),
        record.monitor_level.as_ref().map(ToString::to_string).unwrap_or_default(),
        record.monitor_type.as_ref().map(ToString::to_string).unwrap_or_default(),
        record.score.map(|score| score.to_string()).unwrap_or_default(),
        text(&record.change_date),
        text(&record.extra),
        stored.rank.push_date.to_string(),
        stored.rank.order_no.to_string(),
        stored.rank.position.to_string(),
    ];
    app.out.write_all(csv_line(cells.iter().map(String::as_str)).as_bytes())?;
    Ok(())
}

fn row(stored: &StoredRecord) -> [String; 6] {
    let record = &stored.record;
    [
        record.change_date.clone().unwrap_or_default(),
        record.monitor_level.as_ref().map(ToString::to_string).unwrap_or_default(),
        record.monitor_type.as_ref().map(ToString::to_string).unwrap_or_default(),
        record.score.map(|score| score.to_string()).unwrap_or_default(),
        record.corp_name.clone().unwrap_or_default(),
        record.monitor_content.clone().unwrap_or_default(),
    ]
}

fn print_table(app: &mut App, rows: Vec<[String; 6]>, more: bool) -> anyhow::Result<()> {
    let shown = rows.len() as u64;
    if shown == 0 {
        app.notes.say("no records fit");
        return Ok(());
    }
    let header = ["changed", "level", "type", "score", "company", "what"];
    app.out.line(table(header, rows))?;
    if more {
        app.notes.say(format_args!(
            "the first {} are shown; --limit N, --json or --csv give more",
            count(shown)
        ));
    }
    Ok(())
}

fn since(text: &str) -> Result<ShanghaiTime, String> {
    let whole = if text.len() == 10 { format!("{text} 00:00:00") } else { text.to_owned() };
    whole.parse().map_err(|_| "yyyy-MM-dd or 'yyyy-MM-dd HH:mm:ss' is expected".to_owned())
}

fn date(text: &str) -> Result<String, String> {
    let real = text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
    if real { Ok(text.to_owned()) } else { Err("yyyy-MM-dd is expected".to_owned()) }
}
