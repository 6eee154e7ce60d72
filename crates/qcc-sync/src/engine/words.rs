//! Words the manual does not list, counted while an archive is applied.

use std::collections::BTreeMap;

use qcc_proto::RiskRecord;

use crate::UnknownWord;

/// So many different words of an archive are told apart. A vendor that adds words
/// adds a few; a document that is made of them must not fill memory and ledger.
const MOST: usize = 200;

/// A word is told up to here, in characters.
const LONGEST: usize = 64;

/// What stands for the rest of a word, and for words that are not told apart.
const REST: char = '…';

/// The words of one archive, each with how often it came.
#[derive(Debug, Default)]
pub(super) struct Words(BTreeMap<(&'static str, String), u64>);

impl Words {
    /// Counts the words of a record.
    pub(super) fn count(&mut self, record: &RiskRecord) {
        let level = record.monitor_level.as_ref().filter(|level| !level.is_known());
        if let Some(word) = level {
            self.add("monitorLevel", word.as_str());
        }
        let kind = record.monitor_type.as_ref().filter(|kind| !kind.is_known());
        if let Some(word) = kind {
            self.add("monitorType", word.as_str());
        }
    }

    fn add(&mut self, field: &'static str, word: &str) {
        let mut key = (field, shortened(word));
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            key.1 = REST.into();
        }
        *self.0.entry(key).or_default() += 1;
    }

    pub(super) fn into_counts(self) -> Vec<UnknownWord> {
        let count = |((field, word), count): ((&str, _), _)| UnknownWord {
            field: field.to_owned(),
            word,
            count,
        };
        self.0.into_iter().map(count).collect()
    }
}

fn shortened(word: &str) -> String {
    match word.char_indices().nth(LONGEST) {
        None => word.to_owned(),
        Some((end, _)) => word.get(..end).unwrap_or_default().chars().chain([REST]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_words_and_long_ones_are_counted_in_bounded_memory() {
        let mut words = Words::default();
        for n in 0..5000 {
            words.add("monitorType", &format!("{n:04}"));
            words.add("monitorLevel", &"长".repeat(10_000));
        }
        words.add("monitorType", "0007");
        let counts = words.into_counts();
        assert!(counts.len() <= MOST + 2, "{}", counts.len());
        assert_eq!(counts.iter().map(|word| word.count).sum::<u64>(), 10_001);
        let count = |text: &str| counts.iter().find(|word| word.word == text).unwrap().count;
        assert_eq!(count("0007"), 2);
        assert_eq!(count("…"), 4801);
        assert_eq!(count(&format!("{}…", "长".repeat(LONGEST))), 5000);
    }

    #[test]
    fn only_words_that_the_manual_lacks_are_counted() {
        let usual = qcc_sim::sample_records(1).next().map(RiskRecord::from).unwrap();
        let mut odd = usual.clone();
        odd.monitor_level = Some("level".to_owned().into());
        odd.monitor_type = Some("type".to_owned().into());
        let mut words = Words::default();
        for record in [&usual, &odd, &odd] {
            words.count(record);
        }
        let counts = words.into_counts();
        let counts: Vec<_> = counts
            .iter()
            .map(|word| (word.field.as_str(), word.word.as_str(), word.count))
            .collect();
        assert_eq!(counts, [("monitorLevel", "level", 2), ("monitorType", "type", 2)]);
    }
}
