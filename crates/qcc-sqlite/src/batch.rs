//! Records gathered in memory, laid out so that they are sorted, spilled and
//! bound without another copy.

use std::ops::Range;

use qcc_proto::{MonitorLevel, MonitorType};
use qcc_sync::Row;

/// So much makes a batch. One is filled while another is sorted.
const FULL: usize = 8 * 1024 * 1024;

/// The columns of a record that hold text; `id` is the first.
const TEXTS: usize = 8;

/// Position, score, and the length of each text.
const HEADER: usize = 8 + 8 + 4 * TEXTS;

/// The length of a text that was not sent.
const ABSENT: u32 = u32::MAX;

/// The score of a record without one; no `i32` is as small.
const UNSCORED: i64 = i64::MIN;

/// Records, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    /// Nearly always decides, and lies at hand.
    prefix: u64,
    at: Range<usize>,
}

/// A text of 4 GiB or more; SQLite takes a quarter of that.
#[derive(Debug)]
pub(crate) struct TooLong;

impl Batch {
    /// Takes a record.
    pub(crate) fn push(&mut self, row: &Row) -> Result<(), TooLong> {
        let Row { position, record } = row;
        let texts = [
            Some(record.id.as_str()),
            record.corp_key_no.as_deref(),
            record.corp_name.as_deref(),
            record.monitor_content.as_deref(),
            record.monitor_level.as_ref().map(MonitorLevel::as_str),
            record.monitor_type.as_ref().map(MonitorType::as_str),
            record.change_date.as_deref(),
            record.extra.as_deref(),
        ];
        let from = self.bytes.len();
        self.bytes.extend_from_slice(&position.to_le_bytes());
        let score = record.score.map_or(UNSCORED, i64::from);
        self.bytes.extend_from_slice(&score.to_le_bytes());
        for text in texts {
            let length = text.map_or(Ok(ABSENT), |text| match u32::try_from(text.len()) {
                Ok(length) if length != ABSENT => Ok(length),
                _ => Err(TooLong),
            })?;
            self.bytes.extend_from_slice(&length.to_le_bytes());
        }
        texts.into_iter().flatten().for_each(|text| self.bytes.extend_from_slice(text.as_bytes()));
        let at = from..self.bytes.len();
        self.places.push(Place { prefix: prefix(record.id.as_bytes()), at });
        Ok(())
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() + self.places.len() * size_of::<Place>() >= FULL
    }

    /// Forgets the records and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
    }

    /// The records by id, of equal ids that of the greatest position first.
    pub(crate) fn sorted(&mut self) -> impl Iterator<Item = &[u8]> {
        let Self { bytes, places } = self;
        let record = |place: &Place| bytes.get(place.at.clone()).unwrap_or_default();
        let rank = |place: &Place| Entry::read(record(place)).map(Entry::rank);
        places.sort_unstable_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| rank(a).cmp(&rank(b))));
        places.iter().map(record)
    }
}

/// The first bytes of an id, as a number that sorts as they do.
pub(crate) fn prefix(id: &[u8]) -> u64 {
    let mut prefix = [0; 8];
    prefix.iter_mut().zip(id).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(prefix)
}

/// One record of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) position: u64,
    pub(crate) score: Option<i64>,
    /// In the order of the table's columns; `id` is the first.
    pub(crate) texts: [Option<&'a [u8]>; TEXTS],
}

impl<'a> Entry<'a> {
    /// Reads the record that `bytes` begin with; `None` where they break off.
    pub(crate) fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let position = u64::from_le_bytes(take(&mut bytes)?);
        let score = i64::from_le_bytes(take(&mut bytes)?);
        let mut lengths = [ABSENT; TEXTS];
        for length in &mut lengths {
            *length = u32::from_le_bytes(take(&mut bytes)?);
        }
        let mut texts = [None; TEXTS];
        for (text, length) in texts.iter_mut().zip(lengths) {
            if length != ABSENT {
                let (found, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
                (*text, bytes) = (Some(found), rest);
            }
        }
        Some(Self { position, score: (score != UNSCORED).then_some(score), texts })
    }

    pub(crate) fn id(self) -> &'a [u8] {
        self.texts.into_iter().next().flatten().unwrap_or_default()
    }

    /// How many bytes it was read from.
    pub(crate) fn size(self) -> usize {
        HEADER + self.texts.into_iter().flatten().map(<[u8]>::len).sum::<usize>()
    }

    /// What records are merged by.
    pub(crate) fn rank(self) -> (&'a [u8], std::cmp::Reverse<u64>) {
        (self.id(), std::cmp::Reverse(self.position))
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use qcc_proto::RiskRecord;

    use super::*;

    fn row(id: &str, position: u64, score: Option<i32>) -> Row {
        let mut record = RiskRecord::new(id);
        record.corp_name = Some(String::new());
        record.monitor_content = Some("内容".into());
        record.monitor_type = Some("红色通道".to_owned().into());
        record.score = score;
        record.extra = Some("{}".into());
        Row { position, record }
    }

    #[test]
    fn a_record_comes_back_as_it_was_and_its_prefixes_do_not() {
        for score in [None, Some(0), Some(i32::MIN)] {
            let mut batch = Batch::default();
            batch.push(&row("a", u64::MAX, score)).unwrap();
            let bytes = batch.sorted().next().unwrap().to_vec();
            let entry = Entry::read(&bytes).unwrap();
            assert_eq!((entry.position, entry.score), (u64::MAX, score.map(i64::from)));
            let texts = ["a", "", "", "内容", "", "红色通道", "", "{}"].map(str::as_bytes);
            assert_eq!(entry.texts.map(Option::unwrap_or_default), texts);
            let absent = [false, true, false, false, true, false, true, false];
            assert_eq!(entry.texts.map(|text| text.is_none()), absent);
            assert_eq!(entry.size(), bytes.len());
            for cut in 0..bytes.len() {
                assert!(Entry::read(&bytes[..cut]).is_none(), "cut at {cut}");
            }
        }
    }

    #[test]
    fn records_are_sorted_by_id_as_bytes_and_the_last_place_first() {
        let ids = ["id-00000002", "b", "", "id-00000001", "B", "ba", "id-0", "b", "乙", "b\u{1}"];
        let mut batch = Batch::default();
        for (position, id) in (0..).zip(ids) {
            batch.push(&row(id, position, None)).unwrap();
        }
        let mut expected: Vec<_> = (0..).zip(ids).map(|(at, id)| (id.as_bytes(), at)).collect();
        expected.sort_by_key(|&(id, at)| (id, std::cmp::Reverse(at)));
        let sorted = batch.sorted().map(|bytes| Entry::read(bytes).unwrap());
        let sorted: Vec<_> = sorted.map(|entry| (entry.id(), entry.position)).collect();
        assert_eq!(sorted, expected);
    }
}
