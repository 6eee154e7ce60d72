//! The table beside what the archives say, id by id.

use std::{cmp::Ordering, io, iter::Peekable, sync::Arc};

use sha2::{Digest, Sha256 as Hasher};

use super::{
    fingerprint::fingerprint,
    reading::Source,
    sorter::{Greatest, Place, Version},
};
use crate::{Rank, Retention, Sha256, StoredRecord};

/// A row that is not what the archives say.
#[derive(Debug)]
pub(super) enum Suspect {
    /// A version should stand, and none does.
    Missing { id: Box<str>, place: Place },
    /// A row stands, and no archive holds its id.
    Extra { row: StoredRecord },
    /// Another version stands, or it was changed.
    Differs { row: StoredRecord, place: Place },
}

/// Walks both sides in step. The rows come in pages, in order.
pub(super) struct Join {
    expected: Peekable<Greatest>,
    sources: Arc<[Source]>,
    hasher: Hasher,
    told: usize,
    /// The first `told` of them.
    pub(super) suspects: Vec<Suspect>,
    /// How many there are.
    pub(super) differences: u64,
    /// Rows looked at.
    pub(super) rows: u64,
    /// Rows that only an archive that did not hold could prove.
    pub(super) unproven: u64,
    /// Those of them that only a pruned archive could prove.
    pub(super) of_pruned: u64,
    /// Records that no longer stand because they were pruned.
    pub(super) pruned: u64,
    /// Rows that should stand, by what archives say.
    pub(super) standing: u64,
    /// Records that were pushed before this need not stand.
    cut_off: Option<i64>,
}

impl Join {
    pub(super) fn new(
        expected: Greatest,
        sources: Arc<[Source]>,
        told: usize,
        retention: &Retention,
    ) -> Self {
        Self {
            expected: expected.peekable(),
            sources,
            hasher: Hasher::new(),
            told,
            suspects: Vec::new(),
            differences: 0,
            rows: 0,
            unproven: 0,
            of_pruned: 0,
            pruned: 0,
            standing: 0,
            cut_off: retention.records_before.map(|before| before.timestamp().as_second()),
        }
    }

    /// The next rows of the table.
    pub(super) fn rows(&mut self, page: Vec<StoredRecord>) -> io::Result<()> {
        for row in page {
            while let Some(version) = self.before(Some(&row.record.id))? {
                self.missing(version);
            }
            self.row(row)?;
        }
        Ok(())
    }

    /// The table has ended. Returns the digest of all its rows.
    pub(super) fn end(&mut self) -> io::Result<Sha256> {
        while let Some(version) = self.before(None)? {
            self.missing(version);
        }
        Ok(Sha256::new(std::mem::take(&mut self.hasher).finalize().into()))
    }

    fn row(&mut self, row: StoredRecord) -> io::Result<()> {
        self.rows += 1;
        let found = fingerprint(&(&row.record).into());
        self.digest(&row.rank, &found);
        let version = match self.order_of(&row.record.id)? {
            Some(Ordering::Equal) => self.take()?,
            _ => None,
        };
        let place = self.place(&row.rank);
        match version {
            Some(version) if place == Some(version.place) && found == version.fingerprint => {
                if !self.is_proven(version.place.order) {
                    self.unproven += 1;
                }
            }
            // What an archive that did not hold may have brought is not judged.
            Some(version) if self.may_come_from_unproven(&row.rank, Some(&version)) => {
                self.leave(place);
            }
            None if self.may_come_from_unproven(&row.rank, None) => self.leave(place),
            Some(version) => self.suspect(Suspect::Differs { row, place: version.place }),
            None => self.suspect(Suspect::Extra { row }),
        }
        Ok(())
    }

    fn missing(&mut self, version: Version) {
        // An archive that broke off while it was read may have said more.
        if !self.is_proven(version.place.order) {
            return;
        }
        if self.cut_off.is_some_and(|before| version.place.pushed < before) {
            self.pruned += 1;
            return;
        }
        self.suspect(Suspect::Missing { id: version.id, place: version.place });
    }

    fn suspect(&mut self, suspect: Suspect) {
        self.differences += 1;
        if self.suspects.len() < self.told {
            self.suspects.push(suspect);
        }
    }

    /// The next expected version, if its id comes before this one.
    fn before(&mut self, id: Option<&str>) -> io::Result<Option<Version>> {
        let comes = match id {
            Some(id) => self.order_of(id)? == Some(Ordering::Less),
            None => true,
        };
        if comes { self.take() } else { Ok(None) }
    }

    fn take(&mut self) -> io::Result<Option<Version>> {
        let version = self.expected.next().transpose()?;
        let proven = version.as_ref().is_some_and(|v| self.is_proven(v.place.order));
        self.standing += u64::from(proven);
        Ok(version)
    }

    /// Counts a row that is not judged.
    fn leave(&mut self, place: Option<Place>) {
        self.unproven += 1;
        let source = place.and_then(|place| self.sources.get(place.order as usize));
        self.of_pruned += u64::from(source.is_some_and(|source| source.pruned.is_some()));
    }

    /// How the next expected id compares with this one.
    fn order_of(&mut self, id: &str) -> io::Result<Option<Ordering>> {
        match self.expected.peek() {
            None => Ok(None),
            Some(Ok(version)) => Ok(Some((*version.id).cmp(id))),
            // Taking it is what makes the error ours.
            Some(Err(_)) => Err(match self.expected.next() {
                Some(Err(error)) => error,
                _ => io::ErrorKind::Other.into(),
            }),
        }
    }

    /// Where a row says it came from; `None` where no applied order is called so.
    fn place(&self, rank: &Rank) -> Option<Place> {
        let order = self.sources.binary_search_by(|source| source.no.cmp(&rank.order_no)).ok()?;
        Some(Place {
            pushed: rank.push_date.timestamp().as_second(),
            order: u32::try_from(order).ok()?,
            position: rank.position,
        })
    }

    fn may_come_from_unproven(&self, rank: &Rank, expected: Option<&Version>) -> bool {
        let Some(place) = self.place(rank) else { return false };
        let source = self.sources.get(place.order as usize);
        // The ledger says what an archive that was removed on purpose had said.
        let pruned = source.and_then(|source| source.pruned);
        if pruned.is_some_and(|push_date| push_date != rank.push_date) {
            return false;
        }
        !self.is_proven(place.order) && expected.is_none_or(|version| place >= version.place)
    }

    fn is_proven(&self, order: u32) -> bool {
        self.sources.get(order as usize).is_some_and(|source| source.proven)
    }

    fn digest(&mut self, rank: &Rank, fingerprint: &[u8]) {
        self.hasher.update(fingerprint);
        self.hasher.update(rank.push_date.timestamp().as_second().to_le_bytes());
        self.hasher.update((rank.order_no.as_str().len() as u64).to_le_bytes());
        self.hasher.update(rank.order_no.as_str());
        self.hasher.update(rank.position.to_le_bytes());
    }
}
