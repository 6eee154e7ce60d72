//! Records: what the vendor's data would be, drawn from a seed.

use jiff::{
    ToSpan,
    civil::{Date, date},
};
use qcc_proto::RiskRecord;
use rand::RngExt;

use crate::{
    ArchiveDialect,
    seed::{self, Rng},
    words::{self, CHANNELS, CLASSES, Class, UNKNOWN},
};

/// One record as the simulator means it, field by field as in the manual.
///
/// `None` stands for a `null` in the document; no field is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimRecord {
    /// `id`: 32 lower-case hexadecimal digits, or the decimal ones of a whole number.
    pub id: String,
    /// `corpKeyNo`.
    pub corp_key_no: Option<String>,
    /// `corpName`.
    pub corp_name: Option<String>,
    /// `monitorContent`.
    pub monitor_content: Option<String>,
    /// `monitorLevel`.
    pub monitor_level: Option<String>,
    /// `monitorType`.
    pub monitor_type: Option<String>,
    /// `score`.
    pub score: Option<i32>,
    /// `changeDate`: `yyyy-MM-dd`.
    pub change_date: Option<String>,
    /// Fields the manual lacks: a compact JSON object of scalars, names in
    /// alphabetical order, ASCII only; or `None`.
    pub extra: Option<String>,
}

impl From<SimRecord> for RiskRecord {
    fn from(record: SimRecord) -> Self {
        let mut taken = Self::new(record.id);
        taken.corp_key_no = record.corp_key_no;
        taken.corp_name = record.corp_name;
        taken.monitor_content = record.monitor_content;
        taken.monitor_level = record.monitor_level.map(Into::into);
        taken.monitor_type = record.monitor_type.map(Into::into);
        taken.score = record.score;
        taken.change_date = record.change_date;
        taken.extra = record.extra;
        taken
    }
}

/// Endless records like the vendor's, each with an id of its own.
///
/// ```
/// let records: Vec<_> = qcc_sim::sample_records(1).take(3).collect();
/// assert_eq!(records[0].id.len(), 32);
/// assert_ne!(records[0].id, records[1].id);
/// ```
pub fn sample_records(seed: u64) -> impl Iterator<Item = SimRecord> {
    let dialect = ArchiveDialect::default();
    (0..).map(move |serial| {
        let mut rng = seed::derive(seed, "sample", serial);
        draw(seed, serial, date(2022, 6, 7), &dialect, &mut rng)
    })
}

/// One place of a document's `result`.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// A record as the manual describes it.
    Good(SimRecord),
    /// Something else in its place, made from a record.
    Bad(Defect, SimRecord),
}

/// What is wrong with a bad record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Defect {
    /// It has no `id`.
    #[default]
    NoId,
    /// Its `id` is `null`.
    NullId,
    /// Its `id` is longer than any id may be.
    LongId,
    /// Its `monitorLevel` is an empty word.
    EmptyLevel,
    /// Its `score` is a word.
    WordScore,
    /// It is an array of the values, in the manual's order.
    Array,
    /// It is a text.
    Text,
    /// It is `null`.
    Null,
    /// Its `monitorContent` ends in half a surrogate.
    HalfSurrogate,
    /// Its `monitorContent` is in another encoding than the document.
    WrongEncoding,
}

impl Defect {
    /// Whether a receiver may read the record all the same, with what cannot be read
    /// replaced and noted.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::HalfSurrogate | Self::WrongEncoding)
    }
}

const DEFECTS: &[Defect] = &[
    Defect::NoId,
    Defect::NullId,
    Defect::LongId,
    Defect::EmptyLevel,
    Defect::WordScore,
    Defect::Array,
    Defect::Text,
    Defect::Null,
];

/// The records of one order: not held, but drawn again whenever asked for.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) seed: u64,
    /// Which order, counted from 0.
    pub(crate) order: u64,
    /// How many ids the orders before it used.
    pub(crate) known_ids: u64,
    /// How many records it has.
    pub(crate) count: u32,
    /// The share of records whose id was used before.
    pub(crate) repeated: f64,
    /// The share of bad records.
    pub(crate) bad: f64,
    /// What is wrong with the one record in the middle.
    pub(crate) defect: Option<Defect>,
    /// The day of the push, in Shanghai.
    pub(crate) day: Date,
    pub(crate) dialect: ArchiveDialect,
}

impl Batch {
    /// The records, in the document's order.
    pub(crate) fn items(&self) -> impl Iterator<Item = Item> + use<> {
        let batch = self.clone();
        let mut content = seed::derive(self.seed, "content", self.order);
        (0..).zip(self.serials()).map(move |(position, serial)| {
            let record = draw(batch.seed, serial, batch.day, &batch.dialect, &mut content);
            let bad = content.random_bool(batch.bad);
            match batch.defect.filter(|_| position == batch.count / 2) {
                Some(defect) => Item::Bad(defect, record),
                None if bad => Item::Bad(seed::pick(&mut content, DEFECTS), record),
                None => Item::Good(record),
            }
        })
    }

    /// How many ids this order and those before it used.
    pub(crate) fn ids_after(&self) -> u64 {
        self.serials().map(|serial| serial + 1).fold(self.known_ids, u64::max)
    }

    /// Which id each record has: a new one counts on, an old one is any before.
    fn serials(&self) -> impl Iterator<Item = u64> + use<> {
        let mut rng = seed::derive(self.seed, "ids", self.order);
        let (mut known, repeated) = (self.known_ids, self.repeated);
        (0..self.count).map(move |_| {
            if rng.random_bool(repeated) && known > 0 {
                return rng.random_range(0..known);
            }
            known += 1;
            known - 1
        })
    }
}

/// How many companies the vendor watches.
const COMPANIES: u64 = 600;

/// A record with the id `serial`: the company follows from it, the news is new.
fn draw(seed: u64, serial: u64, day: Date, dialect: &ArchiveDialect, rng: &mut Rng) -> SimRecord {
    let company = seed::number(seed, "company of", serial) % COMPANIES;
    let mut about = seed::derive(seed, "company", company);
    let (old, new) = change(dialect, rng);
    let verb = if old.score <= new.score { "上升" } else { "下降" };
    let changed = day.saturating_sub(rng.random_range(0..8_i64).days());
    let score = new.score + rng.random_range(0..20);
    let mut unless_null = |share: f64| !(dialect.nulls && rng.random_bool(share));
    let id = match dialect.numeric_ids {
        // No more digits than a double holds, which is what some readers make of it.
        true => (seed::number(seed, "numeric id", serial) >> 12).to_string(),
        false => seed::hex(&mut seed::derive(seed, "id", serial), 32),
    };
    SimRecord {
        id,
        corp_key_no: Some(seed::hex(&mut about, 32)).filter(|_| unless_null(0.05)),
        corp_name: Some(words::company(&mut about)).filter(|_| unless_null(0.05)),
        monitor_content: Some(format!("该企业由原“{}”{verb}至“{}”", old.word, new.word))
            .filter(|_| unless_null(0.1)),
        monitor_level: Some(new.level.to_owned()).filter(|_| unless_null(0.05)),
        monitor_type: Some(new.word.to_owned()).filter(|_| unless_null(0.05)),
        score: Some(score).filter(|_| unless_null(0.15)),
        change_date: Some(changed.to_string()).filter(|_| unless_null(0.05)),
        extra: dialect.unknown_fields.then(|| extra(rng)),
    }
}

/// From which class to which, never the same.
fn change(dialect: &ArchiveDialect, rng: &mut Rng) -> (Class, Class) {
    let scale = if rng.random_bool(0.8) { CLASSES } else { CHANNELS };
    let from = rng.random_range(0..scale.len());
    let to = (from + rng.random_range(1..scale.len())) % scale.len();
    let class = |at: usize| scale.get(at).copied().unwrap_or_default();
    if dialect.unknown_words && rng.random_bool(0.1) {
        return (class(from), UNKNOWN);
    }
    (class(from), class(to))
}

fn extra(rng: &mut Rng) -> String {
    format!(r#"{{"batchNo":"B{:06}","remark":null}}"#, rng.random_range(0..1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(order: u64, known_ids: u64) -> Batch {
        let dialect = ArchiveDialect::default();
        let day = date(2022, 6, 7);
        Batch {
            seed: 5,
            order,
            known_ids,
            count: 400,
            repeated: 0.3,
            bad: 0.0,
            defect: None,
            day,
            dialect,
        }
    }

    #[test]
    fn ids_come_again_in_the_share_asked_for() {
        let first = batch(0, 0);
        let second = batch(1, first.ids_after());
        let fresh = second.ids_after() - first.ids_after();
        assert!((220..340).contains(&fresh), "{fresh} of 400 ids are new");
        let old: Vec<_> = second.serials().filter(|s| *s < first.ids_after()).collect();
        assert!(!old.is_empty());
    }

    #[test]
    fn the_same_batch_is_drawn_twice_alike() {
        let ids = |b: &Batch| -> Vec<_> { b.items().map(|i| format!("{i:?}")).collect() };
        assert_eq!(ids(&batch(3, 10)), ids(&batch(3, 10)));
        assert_ne!(ids(&batch(3, 10)), ids(&batch(4, 10)));
    }

    #[test]
    fn news_reads_like_the_manuals() {
        for record in sample_records(9).take(200) {
            let content = record.monitor_content.unwrap();
            let new = record.monitor_type.unwrap();
            assert!(content.starts_with("该企业由原“") && content.ends_with(&format!("至“{new}”")));
            let class = CLASSES.iter().chain(CHANNELS).find(|c| c.word == new).unwrap();
            assert_eq!(record.monitor_level.unwrap(), class.level);
            assert!((class.score..class.score + 20).contains(&record.score.unwrap()));
        }
    }
}
