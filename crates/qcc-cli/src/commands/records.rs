//! `qcc records`: the table, queried and exported.

mod columns;
mod moment;
mod order;

use std::{cmp::Reverse, collections::BTreeMap};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use qcc_proto::OrderNo;
use qcc_sync::{RecordFilter, Store, StoredRecord};
use serde_json::Value;

use crate::{
    app::App,
    exit::{Exit, Usage},
    output::{count, csv_line, json_record, plain, table_of},
    wiring::{self, SqliteStore},
};
use columns::Column;
use moment::Moment;
use order::{First, Sort};

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
    /// Pushed at or after this: yyyy-MM-dd, 'yyyy-MM-dd HH:mm:ss', HH:mm, today, yesterday, 24h, 7d (Shanghai time)
    #[arg(long, value_name = "TIME", value_parser = Moment::read)]
    since: Option<Moment>,
    /// Pushed at or before this; a date includes the whole day
    #[arg(long, value_name = "TIME", value_parser = Moment::read)]
    until: Option<Moment>,
    /// Changed on or after this day
    #[arg(long, value_name = "DATE", value_parser = Moment::read)]
    changed_since: Option<Moment>,
    /// From this order
    #[arg(long, value_name = "NO")]
    order: Option<OrderNo>,
    /// Sort order [default: pushed in a table, else id]
    #[arg(long, value_enum)]
    sort: Option<Sort>,
    /// Only these columns, in this order, separated by commas
    #[arg(long, value_name = "NAMES", value_enum, value_delimiter = ',')]
    columns: Option<Vec<Column>>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The same as --format jsonl
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// The same as --format csv
    #[arg(long, conflicts_with_all = ["format", "json"])]
    csv: bool,
    /// Begin the CSV with a byte order mark, so that Excel reads UTF-8
    #[arg(long)]
    bom: bool,
    /// Print at most N records [default: 100 in a table, else all]
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

/// How many records one read of the store asks for. Records of one archive have the same
/// `push_date`, and each page sorts those that are left of them.
const PAGE: u32 = 5000;

/// As many as a person reads.
const TABLE_ROWS: u64 = 100;

/// How many words are listed if none matches.
const WORDS: usize = 20;

impl Records {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let format = self.format();
        if self.bom && format != Format::Csv {
            bail!(Usage::new("--bom is for CSV: add --csv"));
        }
        let now = Timestamp::now();
        let mut filter = self.filter(now)?;
        let store = wiring::store_to_read(&app.config).await?;
        let all = format != Format::Table;
        let most = self.limit.unwrap_or(if all { u64::MAX } else { TABLE_ROWS });
        let sort = self.sort.unwrap_or(if all { Sort::Id } else { Sort::Pushed });
        let columns = self.columns.as_deref().unwrap_or(match format {
            Format::Table => &Column::SHOWN,
            _ => &Column::ALL,
        });
        let mut print = Print { format, columns, whole: self.columns.is_none(), rows: Vec::new() };
        if format == Format::Csv {
            let mark = if self.bom { "\u{feff}" } else { "" };
            let names = csv_line(columns.iter().map(|column| column.name()));
            app.out.record(&format!("{mark}{names}"))?;
        }
        let (mut printed, mut more) = (0, false);
        let mut first = First::new(sort, most);
        filter.newest_first = sort == Sort::Pushed;
        let mut pages = Pages::new(&store, filter);
        pages.ended = most == 0;
        'all: while let Some(page) = pages.next().await? {
            for stored in page {
                if sort.is_in_memory() {
                    first.put(stored);
                } else if printed == most {
                    more = true;
                    break 'all;
                } else {
                    printed += 1;
                    print.one(app, &stored)?;
                }
            }
        }
        more |= first.more;
        for stored in first.into_rows() {
            printed += 1;
            print.one(app, &stored)?;
        }
        if printed == 0 && most > 0 {
            self.say_what_there_is(app, &store).await?;
        } else if let Some(table) = print.table() {
            app.out.line(table)?;
        }
        if more && !all && self.limit.is_none() {
            app.notes.say(format_args!(
                "the first {} are shown; --limit N, --json or --csv give more",
                count(printed)
            ));
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

    fn filter(&self, now: Timestamp) -> Result<RecordFilter, Usage> {
        let mut filter = RecordFilter::default();
        filter.level = self.level.clone();
        filter.monitor_type = self.monitor_type.clone();
        filter.corp = self.corp.clone();
        filter.changed_since =
            self.changed_since.map(|since| moment(moment::date(since, now))).transpose()?;
        filter.pushed_since = self.since.map(|since| moment(since.first(now))).transpose()?;
        filter.pushed_until = self.until.map(|until| moment(until.last(now))).transpose()?;
        filter.order_no = self.order.clone();
        Ok(filter)
    }

    /// The words are the vendor's, so after a filter that matches nothing, those that occur
    /// are listed.
    async fn say_what_there_is(&self, app: &App, store: &SqliteStore) -> anyhow::Result<()> {
        app.notes.say("no records fit");
        if self.level.is_none() && self.monitor_type.is_none() {
            return Ok(());
        }
        let (mut levels, mut types) = (BTreeMap::new(), BTreeMap::new());
        let mut pages = Pages::new(store, RecordFilter::default());
        while let Some(page) = pages.next().await? {
            for stored in page {
                *levels.entry(Column::MonitorLevel.text(&stored)).or_insert(0) += 1;
                *types.entry(Column::MonitorType.text(&stored)).or_insert(0) += 1;
            }
        }
        for (what, wanted, found) in
            [("level", &self.level, levels), ("type", &self.monitor_type, types)]
        {
            if let Some(wanted) = wanted.as_ref().filter(|wanted| !found.contains_key(*wanted)) {
                let words: Vec<String> = sorted(found)
                    .iter()
                    .map(|(word, number)| format!("{} ({})", plain(word), count(*number)))
                    .collect();
                app.notes.say(format_args!(
                    "no record has the {what} {}; there are: {}",
                    plain(wanted),
                    words.join(", ")
                ));
            }
        }
        Ok(())
    }
}

/// The most frequent words first, not all of them.
fn sorted(found: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut words: Vec<(String, u64)> =
        found.into_iter().filter(|(word, _)| !word.is_empty()).collect();
    words.sort_by_key(|(_, number)| Reverse(*number));
    words.truncate(WORDS);
    words
}

fn moment<T>(found: Option<T>) -> Result<T, Usage> {
    found.ok_or_else(|| Usage::new("that time does not exist"))
}

/// The records that fit, page by page.
struct Pages<'a> {
    store: &'a SqliteStore,
    filter: RecordFilter,
    after: Option<String>,
    ended: bool,
}

impl<'a> Pages<'a> {
    fn new(store: &'a SqliteStore, filter: RecordFilter) -> Self {
        Self { store, filter, after: None, ended: false }
    }

    async fn next(&mut self) -> anyhow::Result<Option<Vec<StoredRecord>>> {
        if self.ended {
            return Ok(None);
        }
        let page = self.store.records(&self.filter, self.after.as_deref(), PAGE).await?;
        self.ended = page.len() < PAGE as usize;
        if let Some(last) = page.last() {
            self.after = Some(last.record.id.clone());
            if self.filter.newest_first {
                self.filter.pushed_until = Some(last.rank.push_date);
            }
        }
        Ok(Some(page))
    }
}

/// How a record gets onto the screen or into a file.
struct Print<'a> {
    format: Format,
    columns: &'a [Column],
    /// Whether nobody chose among the columns.
    whole: bool,
    rows: Vec<Vec<String>>,
}

impl Print<'_> {
    fn one(&mut self, app: &mut App, stored: &StoredRecord) -> anyhow::Result<()> {
        let cells = || self.columns.iter().map(|column| column.text(stored)).collect::<Vec<_>>();
        match self.format {
            Format::Table => self.rows.push(cells()),
            Format::Csv => app.out.record(&csv_line(cells().iter().map(String::as_str)))?,
            Format::Jsonl if self.whole => print_json(app, stored)?,
            Format::Jsonl => {
                let members: Vec<String> = self
                    .columns
                    .iter()
                    .map(|column| format!("\"{}\":{}", column.name(), column.json(stored)))
                    .collect();
                app.out.record(&format!("{{{}}}\n", members.join(",")))?;
            }
        }
        Ok(())
    }

    fn table(self) -> Option<String> {
        let header = self.columns.iter().map(|column| column.title());
        (self.format == Format::Table).then(|| table_of(header, self.rows))
    }
}

fn print_json(app: &mut App, stored: &StoredRecord) -> anyhow::Result<()> {
    let rank = &stored.rank;
    let push_date = Value::from(rank.push_date.to_string()).to_string();
    let order_no = Value::from(rank.order_no.as_str()).to_string();
    let position = rank.position.to_string();
    let more = [("push_date", &*push_date), ("order_no", &*order_no), ("position", &*position)];
    json_record(&mut app.out, &stored.record, &more).context("printing a record failed")
}
