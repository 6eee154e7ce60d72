//! The greatest version of each id, out of any number of archives, within a fixed
//! amount of memory: sorted runs in scratch files, merged.

use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write},
    path::PathBuf,
};

use super::fingerprint::Fingerprint;

/// What decides between two versions of a record. Compares as
/// [`Rank`](crate::Rank) does: orders are numbered in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// `pushDate` in Unix seconds.
    pub(super) pushed: i64,
    /// Which of the orders it came with.
    pub(super) order: u32,
    /// Its place in `result`.
    pub(super) position: u64,
}

/// One version of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) id: Box<str>,
    pub(super) place: Place,
    pub(super) fingerprint: Fingerprint,
}

impl Version {
    /// By id, and of one id the greatest first.
    fn order(&self, other: &Self) -> Ordering {
        self.id.cmp(&other.id).then_with(|| other.place.cmp(&self.place))
    }

    fn weight(&self) -> usize {
        // The allocator's own share of a small text is about that.
        size_of::<Self>() + self.id.len() + 16
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let length = u16::try_from(self.id.len()).map_err(io::Error::other)?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(self.id.as_bytes())?;
        out.write_all(&self.place.pushed.to_le_bytes())?;
        out.write_all(&self.place.order.to_le_bytes())?;
        out.write_all(&self.place.position.to_le_bytes())?;
        out.write_all(&self.fingerprint)
    }

    /// The next version of a run; `None` at its end.
    fn read(run: &mut impl BufRead) -> io::Result<Option<Self>> {
        if run.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let length = u16::from_le_bytes(bytes(run)?);
        let mut id = String::with_capacity(length.into());
        run.take(length.into()).read_to_string(&mut id)?;
        let place = Place {
            pushed: i64::from_le_bytes(bytes(run)?),
            order: u32::from_le_bytes(bytes(run)?),
            position: u64::from_le_bytes(bytes(run)?),
        };
        Ok(Some(Self { id: id.into(), place, fingerprint: bytes(run)? }))
    }
}

fn bytes<const N: usize>(run: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    run.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// So many runs are merged at a time: each holds a file and a buffer.
const FAN_IN: usize = 64;

/// Takes versions in any order.
pub(super) struct Sorter {
    scratch: PathBuf,
    memory: usize,
    weight: usize,
    versions: Vec<Version>,
    runs: Vec<File>,
}

impl Sorter {
    /// A sorter that holds about so many bytes, and puts what is more into files
    /// without a name in a folder.
    pub(super) fn new(scratch: PathBuf, memory: usize) -> Self {
        Self { scratch, memory, weight: 0, versions: Vec::new(), runs: Vec::new() }
    }

    pub(super) fn push(&mut self, version: Version) -> io::Result<()> {
        self.weight += version.weight();
        self.versions.push(version);
        if self.weight < self.memory {
            return Ok(());
        }
        self.settle();
        // Repetitions gone, there may be room again.
        if self.weight > self.memory / 2 {
            self.spill()?;
        }
        Ok(())
    }

    /// The greatest version of each id, by id.
    pub(super) fn finish(mut self) -> io::Result<Greatest> {
        self.settle();
        let mut runs = Vec::with_capacity(self.runs.len() + 1);
        for run in self.runs {
            runs.push(Run::of(run)?);
        }
        runs.push(Run::Memory(self.versions.into_iter()));
        Greatest::of(runs)
    }

    /// Sorts what is in memory, and leaves the greatest of each id.
    fn settle(&mut self) {
        self.versions.sort_unstable_by(Version::order);
        self.versions.dedup_by(|later, first| later.id == first.id);
        self.weight = self.versions.iter().map(Version::weight).sum();
    }

    fn spill(&mut self) -> io::Result<()> {
        let run = self.write(self.versions.iter().map(Ok))?;
        self.versions.clear();
        self.weight = 0;
        self.runs.push(run);
        if self.runs.len() < FAN_IN {
            return Ok(());
        }
        let runs: io::Result<Vec<Run>> = self.runs.drain(..).map(Run::of).collect();
        let merged = self.write(Greatest::of(runs?)?)?;
        self.runs.push(merged);
        Ok(())
    }

    fn write<V: std::borrow::Borrow<Version>>(
        &self,
        versions: impl Iterator<Item = io::Result<V>>,
    ) -> io::Result<File> {
        let mut out = BufWriter::with_capacity(BUFFER, tempfile::tempfile_in(&self.scratch)?);
        for version in versions {
            version?.borrow().write(&mut out)?;
        }
        out.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

const BUFFER: usize = 64 * 1024;

/// Versions in order, each id once.
enum Run {
    Memory(std::vec::IntoIter<Version>),
    File(BufReader<File>),
}

impl Run {
    fn of(mut file: File) -> io::Result<Self> {
        file.rewind()?;
        Ok(Self::File(BufReader::with_capacity(BUFFER, file)))
    }

    fn next(&mut self) -> io::Result<Option<Version>> {
        match self {
            Self::Memory(versions) => Ok(versions.next()),
            Self::File(run) => Version::read(run),
        }
    }
}

/// The greatest version of each id, by id.
pub(super) struct Greatest {
    runs: Vec<Run>,
    heads: BinaryHeap<Head>,
}

impl Greatest {
    fn of(runs: Vec<Run>) -> io::Result<Self> {
        let mut merged = Self { heads: BinaryHeap::with_capacity(runs.len()), runs };
        for run in 0..merged.runs.len() {
            merged.advance(run)?;
        }
        Ok(merged)
    }

    fn advance(&mut self, run: usize) -> io::Result<()> {
        if let Some(version) = self.runs.get_mut(run).map_or(Ok(None), Run::next)? {
            self.heads.push(Head { version, run });
        }
        Ok(())
    }

    fn step(&mut self) -> io::Result<Option<Version>> {
        let Some(Head { version, run }) = self.heads.pop() else { return Ok(None) };
        self.advance(run)?;
        while self.heads.peek().is_some_and(|head| head.version.id == version.id) {
            if let Some(lesser) = self.heads.pop() {
                self.advance(lesser.run)?;
            }
        }
        Ok(Some(version))
    }
}

impl Iterator for Greatest {
    type Item = io::Result<Version>;

    fn next(&mut self) -> Option<io::Result<Version>> {
        self.step().transpose()
    }
}

/// The next version of a run; the heap's greatest is the one that comes first.
struct Head {
    version: Version,
    run: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        other.version.order(&self.version)
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_greatest_of_each_id_comes_out_by_id(
            all in vec((0u16..300, 0i64..3, 0u32..4, 0u64..40), 0..2000),
            memory in 0usize..6_000,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut sorter = Sorter::new(folder.path().to_owned(), memory);
            let mut model: BTreeMap<String, Place> = BTreeMap::new();
            for (id, pushed, order, position) in all {
                let (id, place) = (format!("id{id}"), Place { pushed, order, position });
                let fingerprint = [u8::try_from(position).unwrap(); 32];
                sorter.push(Version { id: id.as_str().into(), place, fingerprint }).unwrap();
                let standing = model.entry(id).or_insert(place);
                *standing = place.max(*standing);
            }
            let sorted: Vec<Version> = sorter.finish().unwrap().map(Result::unwrap).collect();
            let found: Vec<_> = sorted.iter().map(|v| (v.id.to_string(), v.place)).collect();
            prop_assert!(sorted.iter().all(|v| u64::from(v.fingerprint[0]) == v.place.position));
            prop_assert_eq!(found, model.into_iter().collect::<Vec<_>>());
        }
    }
}
