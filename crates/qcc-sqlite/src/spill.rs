//! Batches that do not fit into memory together: sorted, put into a nameless
//! file, and merged.
//!
//! Ids are random, so each record meets another page of the index, and what that
//! costs is pages, not records. Merged by id, an archive touches each page once,
//! however large it is and however little memory there is.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, binary_heap::PeekMut},
    fs::File,
    io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use crate::batch::{Batch, Entry, prefix};

/// Memory for reading all runs back.
const READING: usize = 8 * 1024 * 1024;

/// What is read of a run at a time.
const CHUNKS: std::ops::RangeInclusive<usize> = 16 * 1024..=256 * 1024;

/// Sorted batches in a file that has no name: it is gone with the process,
/// however that ends.
#[derive(Debug)]
pub(crate) struct Spill {
    file: File,
    /// Where each run ends; it begins where the one before it ended.
    ends: Vec<u64>,
}

impl Spill {
    /// Makes the file in a folder, which is the store's: there is the room, and
    /// the right to keep records.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile_in(folder)?, ends: Vec::new() })
    }

    /// Puts a batch away.
    pub(crate) fn add(&mut self, batch: &mut Batch) -> io::Result<()> {
        let mut end = self.ends.last().copied().unwrap_or(0);
        self.file.seek(SeekFrom::Start(end))?;
        let mut out = BufWriter::with_capacity(*CHUNKS.end(), &self.file);
        for record in batch.sorted() {
            out.write_all(record)?;
            end += record.len() as u64;
        }
        out.flush()?;
        self.ends.push(end);
        Ok(())
    }

    /// Shows all records by id, of equal ids that of the greatest position first.
    /// `unread` says what it means that the file cannot be read.
    pub(crate) fn merge<E>(
        self,
        mut visit: impl FnMut(Entry<'_>) -> Result<(), E>,
        unread: impl Fn(io::Error) -> E,
    ) -> Result<(), E> {
        let chunk = (READING / self.ends.len().max(1)).clamp(*CHUNKS.start(), *CHUNKS.end());
        let mut runs = BinaryHeap::with_capacity(self.ends.len());
        let mut from = 0;
        for end in self.ends {
            let mut run = Run { next: from, end, chunk, buffer: Vec::new(), at: 0, prefix: 0 };
            if run.load(&self.file).map_err(&unread)? {
                runs.push(run);
            }
            from = end;
        }
        while let Some(mut run) = runs.peek_mut() {
            let Some(entry) = run.entry() else { break };
            visit(entry)?;
            run.at += entry.size();
            if !run.load(&self.file).map_err(&unread)? {
                PeekMut::pop(run);
            }
        }
        Ok(())
    }
}

/// One sorted batch on its way back.
#[derive(Debug)]
struct Run {
    next: u64,
    end: u64,
    chunk: usize,
    buffer: Vec<u8>,
    /// Where in the buffer the record is that comes next.
    at: usize,
    /// Of its id. Nearly always decides, and lies at hand.
    prefix: u64,
}

impl Run {
    fn entry(&self) -> Option<Entry<'_>> {
        Entry::read(self.buffer.get(self.at..)?)
    }

    /// Sees to it that the next record is in the buffer; `false` at the end.
    fn load(&mut self, mut file: &File) -> io::Result<bool> {
        loop {
            if let Some(entry) = self.entry() {
                self.prefix = prefix(entry.id());
                return Ok(true);
            }
            self.buffer.drain(..self.at);
            self.at = 0;
            // A record longer than a chunk doubles what is read.
            let wanted = (self.chunk.max(self.buffer.len()) as u64).min(self.end - self.next);
            if wanted == 0 && self.buffer.is_empty() {
                return Ok(false);
            }
            file.seek(SeekFrom::Start(self.next))?;
            let found = file.take(wanted).read_to_end(&mut self.buffer)? as u64;
            if found == 0 || found < wanted {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.next += found;
        }
    }
}

/// The greatest run is the one whose record comes next.
impl Ord for Run {
    fn cmp(&self, other: &Self) -> Ordering {
        other.prefix.cmp(&self.prefix).then_with(|| {
            let (ours, theirs) = (self.entry(), other.entry());
            theirs.map(Entry::rank).cmp(&ours.map(Entry::rank))
        })
    }
}

impl PartialOrd for Run {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Run {}

#[cfg(test)]
mod tests {
    use std::{cmp::Reverse, convert::identity};

    use proptest::{collection::vec, prelude::*};
    use qcc_proto::RiskRecord;
    use qcc_sync::Row;

    use super::*;

    fn row(id: &str, position: u64, length: usize) -> Row {
        let mut record = RiskRecord::new(id);
        record.monitor_content = Some("x".repeat(length));
        Row { position, record }
    }

    /// Some longer than what is read at a time.
    fn length() -> impl Strategy<Value = usize> {
        prop_oneof![9 => 0..300_usize, 1 => 100_000..600_000_usize]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn batches_come_back_as_one_sequence(
            batches in vec(vec(("(prefix-ed)?[a-c]{0,2}", length()), 0..20), 0..8)
        ) {
            let folder = tempfile::TempDir::new().unwrap();
            let mut spill = Spill::new(folder.path()).unwrap();
            let (mut expected, mut batch) = (Vec::new(), Batch::default());
            for (id, length) in batches.iter().flatten() {
                let position = expected.len() as u64;
                expected.push((id.as_bytes().to_vec(), Reverse(position), *length));
            }
            let mut positions = 0..;
            for ids in &batches {
                for ((id, length), position) in ids.iter().zip(&mut positions) {
                    batch.push(&row(id, position, *length)).unwrap();
                }
                spill.add(&mut batch).unwrap();
                batch.clear();
            }
            expected.sort();
            let mut merged = Vec::new();
            let visit = |entry: Entry<'_>| {
                let length = entry.texts.iter().flatten().skip(1).map(|text| text.len()).sum();
                merged.push((entry.id().to_vec(), Reverse(entry.position), length));
                Ok(())
            };
            spill.merge(visit, identity).unwrap();
            prop_assert_eq!(merged, expected);
            prop_assert_eq!(folder.path().read_dir().unwrap().count(), 0, "it has no name");
        }
    }

    #[test]
    fn a_file_cut_short_is_an_error() {
        let mut spill = Spill::new(&std::env::temp_dir()).unwrap();
        let mut batch = Batch::default();
        batch.push(&row("a", 0, 1000)).unwrap();
        spill.add(&mut batch).unwrap();
        spill.file.set_len(500).unwrap();
        let error = spill.merge(|_| Ok(()), identity).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
