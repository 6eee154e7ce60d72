//! Orders: when they are made, what lies in them, what is true of them.

use std::{collections::BTreeMap, io::Cursor, time::Duration};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp, ToSpan};
use qcc_proto::{OrderNo, ShanghaiTime};
use rand::RngExt;

use super::{Vendor, later};
use crate::{
    ArchiveSpec, Fault, TrueOrder, TrueRecord, Truth,
    archive::{self, Protection},
    record::{Batch, Defect, Item},
    seed,
};

/// When orders are made by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PushSchedule {
    /// When the first is made.
    pub first: Timestamp,
    /// How long after each the next one is.
    pub every: Duration,
    /// How many there will be.
    pub count: u32,
}

/// One order. Its records are drawn anew whenever they are asked for.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) no: OrderNo,
    pub(super) created: ShanghaiTime,
    pub(super) password: String,
    /// The object's path on the file host.
    pub(super) object: String,
    pub(super) spoilt: Option<Fault>,
    pub(super) listed: bool,
    pub(super) called: bool,
    /// Answered with 205 until then.
    pub(super) preparing_until: Option<Timestamp>,
    /// Answered with 201 until then.
    pub(super) unknown_until: Option<Timestamp>,
    /// Its archive is answered with 503 until then.
    pub(super) out_until: Option<Timestamp>,
    push_date: ShanghaiTime,
    missed: bool,
    batch: Batch,
}

impl Vendor {
    /// Makes an order at `now` and returns its number.
    ///
    /// If the push is enabled, the vendor's call about it is due at once. The
    /// archive is built when it is first asked for.
    pub fn push(&mut self, now: Timestamp) -> OrderNo {
        let index = self.orders.len();
        let order = self.make(index, now);
        self.ids = order.batch.ids_after();
        let no = order.no.clone();
        self.orders.push(order);
        if let Some(leaving) = index.checked_sub(self.config.window.max(1))
            && let Some(order) = self.orders.get_mut(leaving)
        {
            order.missed = !order.listed;
        }
        self.caller.announce(index, now, &self.config);
        no
    }

    /// Lets orders be made by themselves; replaces the schedule before.
    ///
    /// They are made when the time is first heard of that they were due at, by
    /// whatever method.
    pub fn push_every(&mut self, schedule: PushSchedule) {
        self.schedule = Some(schedule);
    }

    /// Lets happen what is due by `now`.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some(due) = self.next_push().filter(|due| *due <= now) {
            let mut left = 0;
            if let Some(schedule) = &mut self.schedule {
                schedule.first = later(schedule.first, schedule.every);
                schedule.count -= 1;
                left = schedule.count;
            }
            self.held_back += 1;
            if self.held_back == 1 && self.strikes.hold_back(due).is_some() {
                self.burst_of = self.config.burst;
            }
            if left == 0 || self.held_back >= self.burst_of {
                (0..self.held_back).for_each(|_| drop(self.push(due)));
                (self.held_back, self.burst_of) = (0, 0);
            }
        }
    }

    /// What a table must hold when exactly the orders that `keep` picks are
    /// applied.
    pub fn truth_of(&self, keep: impl Fn(&TrueOrder) -> bool) -> Truth {
        let mut truth = Truth { table: BTreeMap::new(), orders: BTreeMap::new() };
        for order in &self.orders {
            let mut about = order.truth();
            let mut records = Vec::new();
            for (position, item) in (0..).zip(order.batch.items()) {
                match item {
                    Item::Bad(defect, record) => {
                        about.bad += 1;
                        if defect.is_open() {
                            about.open.push((position, record.id));
                        }
                    }
                    Item::Good(record) => {
                        about.good += 1;
                        let (push_date, order_no) = (order.push_date, order.no.clone());
                        records.push(TrueRecord { record, push_date, order_no, position });
                    }
                }
            }
            if keep(&about) {
                records.into_iter().for_each(|record| truth.add(record));
            }
            truth.orders.insert(order.no.clone(), about);
        }
        truth
    }

    /// The next scheduled push, in the window the account has set.
    pub(super) fn next_push(&self) -> Option<Timestamp> {
        let due = self.schedule.as_ref().filter(|schedule| schedule.count > 0)?.first;
        match self.caller.window().filter(|_| self.config.keeps_push_window) {
            Some(hour) => Some(opening(due, hour)),
            None => Some(due),
        }
    }

    pub(super) fn order(&self, no: &str) -> Option<(usize, &Order)> {
        self.orders.iter().enumerate().rfind(|(_, order)| order.no.as_str() == no)
    }

    /// The archive of an order: built once while it is asked for again.
    pub(super) fn archive(&mut self, index: usize) -> Bytes {
        if let Some((_, built)) = self.built.iter().find(|(known, _)| *known == index) {
            return built.clone();
        }
        let built = self.orders.get(index).map(|order| order.build(self.config.seed));
        let built = built.unwrap_or_default();
        if self.built.len() == Self::KEPT_ARCHIVES {
            self.built.pop_front();
        }
        self.built.push_back((index, built.clone()));
        built
    }

    const KEPT_ARCHIVES: usize = 8;

    fn make(&mut self, index: usize, now: Timestamp) -> Order {
        let seed = self.config.seed;
        let number = u64::try_from(index).unwrap_or(u64::MAX);
        let mut rng = seed::derive(seed, "order", number);
        let created = ShanghaiTime::from_timestamp(now);
        let push_date = match self.orders.last() {
            // Two pushes of one second must be told apart by their order numbers.
            Some(before) if rng.random_bool(0.1) => before.push_date,
            _ => {
                let ago = SignedDuration::from_secs(rng.random_range(20..=120));
                ShanghaiTime::from_timestamp(now.saturating_sub(ago).unwrap_or(now))
            }
        };
        let spoilt = self.strikes.spoil(now);
        let compact: String = created.to_string().chars().filter(char::is_ascii_digit).collect();
        let day = compact.get(..8).unwrap_or_default();
        Order {
            no: order_no(&format!("DDMON{compact}{:08}", rng.random_range(0..100_000_000))),
            object: format!("/DdMonitor/{day}{}.zip", seed::hex(&mut rng, 32)),
            password: match self.orders.last().filter(|_| spoilt == Some(Fault::SharedPassword)) {
                Some(before) => before.password.clone(),
                None => seed::letters(&mut rng, LETTERS, 20),
            },
            spoilt,
            listed: false,
            called: false,
            missed: false,
            preparing_until: None,
            unknown_until: None,
            out_until: None,
            batch: Batch {
                seed,
                order: number,
                known_ids: self.ids,
                count: rng.random_range(self.config.records_per_order.clone()),
                repeated: self.config.repeated_ids.clamp(0.0, 1.0),
                bad: self.config.bad_records.clamp(0.0, 1.0),
                day: push_date.date(),
                defect: match spoilt {
                    Some(Fault::HalfSurrogate) => Some(Defect::HalfSurrogate),
                    Some(Fault::WrongEncoding) => Some(Defect::WrongEncoding),
                    _ => None,
                },
                dialect: self.config.archives.dialect(seed, number).in_manner(spoilt),
            },
            created,
            push_date,
        }
    }
}

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[expect(clippy::expect_used, reason = "the caller puts it together from letters and digits")]
pub(super) fn order_no(text: &str) -> OrderNo {
    text.parse().expect("letters and digits are an order number")
}

impl Order {
    pub(super) fn index_of(&self) -> u64 {
        self.batch.order
    }

    /// Builds the archive as the file host keeps it, faults at rest included.
    fn build(&self, seed: u64) -> Bytes {
        let mut spec =
            ArchiveSpec::new(self.push_date, u64::from(self.batch.count), self.password.as_str())
                .in_dialect(self.batch.dialect.clone());
        spec.seed = seed::number(seed, "archive", self.batch.order);
        match self.spoilt {
            Some(Fault::UnencryptedArchive) => spec.protection = Protection::None,
            Some(Fault::WeakArchive) => spec.protection = Protection::Aes128,
            Some(Fault::BrokenDocument) => spec.broken_off = true,
            Some(Fault::WrongTotal) => spec.total_size += 1,
            _ => {}
        }
        if spec.protection == Protection::None {
            // What makes AE-2 of AE-1 has nothing to do here, and no CRC to spare.
            spec.dialect.container = crate::Container::Ae1;
        }
        let written = archive::write_items(&spec, self.batch.items(), Cursor::new(Vec::new()));
        let mut bytes = written.map(Cursor::into_inner).unwrap_or_default();
        if self.spoilt == Some(Fault::CorruptArchive) {
            let at = encrypted_at(&bytes).unwrap_or_default();
            bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0x10);
        }
        bytes.into()
    }

    fn truth(&self) -> TrueOrder {
        TrueOrder {
            created_at: self.created,
            push_date: self.push_date,
            good: 0,
            bad: 0,
            spoilt: self.spoilt.filter(|fault| !fault.passes()),
            odd: self.spoilt.filter(|fault| fault.is_odd()),
            open: Vec::new(),
            listed: self.listed,
            called: self.called,
            missed: self.missed,
        }
    }
}

/// Where the document's encrypted bytes start: behind the first header that names
/// it, the extra fields, the salt and the password's verifier.
fn encrypted_at(archive: &[u8]) -> Option<usize> {
    let name = archive::DOCUMENT.as_bytes();
    let named = archive.windows(name.len()).position(|bytes| bytes == name)?;
    let extra = archive.get(named.checked_sub(2)?..)?.first_chunk()?;
    Some(named + name.len() + usize::from(u16::from_le_bytes(*extra)) + 16 + 2)
}

/// The first instant from `at` on that lies in the two hours from `hour` on.
fn opening(at: Timestamp, hour: u8) -> Timestamp {
    let offset = jiff::tz::Offset::constant(8);
    let local = offset.to_datetime(at);
    let start = i8::try_from(hour).unwrap_or(9);
    if (start..start + 2).contains(&local.hour()) {
        return at;
    }
    let day =
        if local.hour() < start { local.date() } else { local.date().saturating_add(1.day()) };
    offset.to_timestamp(day.at(start, 0, 0, 0)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_waits_for_its_window() {
        let opening = |text: &str, hour| {
            let at: ShanghaiTime = text.parse().unwrap();
            ShanghaiTime::from_timestamp(opening(at.timestamp(), hour)).to_string()
        };
        assert_eq!(opening("2022-06-07 10:29:11", 9), "2022-06-07 10:29:11");
        assert_eq!(opening("2022-06-07 08:00:00", 9), "2022-06-07 09:00:00");
        assert_eq!(opening("2022-06-07 11:00:00", 9), "2022-06-08 09:00:00");
        assert_eq!(opening("2022-06-07 00:30:00", 19), "2022-06-07 19:00:00");
    }
}
