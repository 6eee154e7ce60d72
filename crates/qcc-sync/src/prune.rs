//! Removing what is no longer wanted, so that the proof knows of it.
//!
//! What is going to be removed is written down before anything is. A run that is
//! killed leaves archives that are written down as removed and are still there:
//! they prove what they always did, and the next run removes them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{OrderNo, ShanghaiTime, UnzipPassword};

use crate::{
    Discard, KeptArchive, Policy, Pruned, Retention, Sha256, State, Store, VerifyError,
    VerifySettings,
    verify::{blocking, opens},
};

/// Removes archives and records.
pub struct Prune {
    /// The store whose records are removed, and whose ledger says which archives may
    /// be.
    pub store: Arc<dyn Store>,
    /// The archives.
    pub archives: Arc<dyn Discard>,
    /// How archives are read.
    pub policy: Policy,
}

/// What is removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PruneScope {
    /// Archives of applied orders that were pushed, and heard of, before this.
    pub archives_before: Option<Timestamp>,
    /// So many of the newest archives of applied orders stay all the same.
    pub keep: usize,
    /// Records that were pushed before this.
    pub records_before: Option<ShanghaiTime>,
    /// Archives that do not open and that the ledger does not name.
    pub refused: bool,
    /// Archives of which neither a label nor the ledger says whose they are.
    pub strays: bool,
    /// Nothing is removed; the report says what would be.
    pub dry_run: bool,
}

/// What was removed, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PruneReport {
    /// Archives of applied orders.
    pub archives: Vec<PrunedArchive>,
    /// Archives that do not open and that the ledger does not name.
    pub refused: Vec<PrunedArchive>,
    /// Archives of which nothing says whose they are.
    pub strays: Vec<PrunedArchive>,
    /// Rows of the table.
    pub records: u64,
    /// Bytes of archives.
    pub bytes: u64,
    /// Orders of which an archive is kept and which the ledger does not know: those
    /// archives are never removed.
    pub unknown: u64,
}

/// An archive that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrunedArchive {
    /// Whose it was, where that is known.
    pub order_no: Option<OrderNo>,
    /// What it was.
    pub archive: KeptArchive,
}

/// Orders and archives are read so many at a time.
const PAGE: u32 = 256;

/// So many rows are removed in one write, so that nobody waits for long.
const ROWS: u32 = 5000;

/// What was kept more lately may be on its way into the ledger.
const SETTLED: SignedDuration = SignedDuration::from_hours(1);

impl Prune {
    /// Removes what is in scope.
    ///
    /// # Errors
    /// [`VerifyError`] where the folder or the database fails. What was removed until
    /// then is removed, and written down.
    pub async fn run(
        &self,
        scope: &PruneScope,
        now: Timestamp,
    ) -> Result<PruneReport, VerifyError> {
        let mut report = PruneReport::default();
        // Before the ledger: what is kept later is not in question.
        let shelves = self.shelves().await?;
        let ledger = self.ledger().await?;
        report.unknown =
            shelves.labels.keys().filter(|no| !ledger.known.contains(*no)).count() as u64;
        if scope.archives_before.is_some() {
            report.archives = self.aged(scope, &ledger).await?;
        }
        self.remove_aged(scope, &report.archives, &shelves, &ledger, now).await?;
        if scope.refused {
            report.refused = self.refused(&shelves, &ledger, now).await?;
        }
        if scope.strays {
            report.strays = self.strays(&shelves, &ledger, now).await?;
        }
        if !scope.dry_run {
            for PrunedArchive { order_no, archive } in report.refused.iter().chain(&report.strays) {
                self.archives.discard(archive).await?;
                if let Some(order_no) = order_no {
                    self.archives.unlabel(archive, order_no).await?;
                }
            }
        }
        if let Some(before) = scope.records_before {
            report.records = self.records(before, scope.dry_run).await?;
        }
        let removed = report.archives.iter().chain(&report.refused).chain(&report.strays);
        let sizes: BTreeMap<Sha256, u64> =
            removed.map(|pruned| (pruned.archive.sha256, pruned.archive.size)).collect();
        report.bytes = sizes.values().sum();
        Ok(report)
    }

    async fn shelves(&self) -> Result<Shelves, VerifyError> {
        let mut shelves = Shelves::default();
        let mut after = None;
        loop {
            let page = self.archives.shelved(after.as_ref(), PAGE as usize).await?;
            let Some(last) = page.last() else { return Ok(shelves) };
            after = Some(last.archive.sha256);
            for shelved in page {
                if shelved.unreadable > 0 {
                    // It may be anybody's.
                    continue;
                }
                if shelved.labels.is_empty() {
                    shelves.strays.push(shelved.archive);
                }
                for label in shelved.labels {
                    let holders = shelves.holders.entry(shelved.archive.sha256).or_default();
                    holders.push(label.order_no.clone());
                    let kept = shelves.labels.entry(label.order_no).or_default();
                    kept.push((shelved.archive, label.password));
                }
            }
        }
    }

    async fn ledger(&self) -> Result<Ledger, VerifyError> {
        let mut ledger = Ledger::default();
        let mut snapshot = self.store.snapshot().await?;
        let mut after: Option<OrderNo> = None;
        loop {
            let page = snapshot.orders(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(ledger) };
            after = Some(last.no.clone());
            for order in page {
                if let Some(kept) = order.archive {
                    ledger.named.entry(kept.sha256).or_default().insert(order.no.clone());
                }
                let applied = order.applied.filter(|_| order.state == State::Applied);
                if let Some((kept, applied)) = order.archive.zip(applied) {
                    let age = applied.push_date.timestamp().max(order.first_seen_at);
                    ledger.applied.push((age, order.no.clone(), kept));
                }
                ledger.known.insert(order.no);
            }
        }
    }

    /// Archives of applied orders that are old enough, and still there.
    async fn aged(
        &self,
        scope: &PruneScope,
        ledger: &Ledger,
    ) -> Result<Vec<PrunedArchive>, VerifyError> {
        let mut applied = ledger.applied.clone();
        applied.sort_unstable_by(|one, other| (other.0, &other.1).cmp(&(one.0, &one.1)));
        let mut aged = Vec::new();
        for (age, order_no, archive) in applied.into_iter().skip(scope.keep) {
            let old = scope.archives_before.is_some_and(|before| age < before);
            if old && self.archives.kept_at(&archive).await?.is_some() {
                aged.push(PrunedArchive { order_no: Some(order_no), archive });
            }
        }
        Ok(aged)
    }

    async fn remove_aged(
        &self,
        scope: &PruneScope,
        aged: &[PrunedArchive],
        shelves: &Shelves,
        ledger: &Ledger,
        now: Timestamp,
    ) -> Result<(), VerifyError> {
        if scope.dry_run || (aged.is_empty() && scope.records_before.is_none()) {
            return Ok(());
        }
        let removed = aged.iter().filter_map(|PrunedArchive { order_no, archive }| {
            Some((order_no.clone()?, Pruned { archive: *archive, at: now }))
        });
        let retention =
            Retention { pruned: removed.collect(), records_before: scope.records_before };
        self.archives.note_pruned(&retention).await?;
        for (order_no, Pruned { archive, .. }) in &retention.pruned {
            // The same bytes may have come for an order that keeps them.
            let named = ledger.named.get(&archive.sha256).into_iter().flatten();
            let labelled = shelves.holders.get(&archive.sha256).into_iter().flatten();
            let mut holders = named.chain(labelled);
            let free = |no: &OrderNo| retention.has_pruned(no, archive);
            if holders.all(free) {
                self.archives.discard(archive).await?;
            }
            self.archives.unlabel(archive, order_no).await?;
        }
        Ok(())
    }

    /// Archives of known orders that do not open, beside the one the ledger names.
    async fn refused(
        &self,
        shelves: &Shelves,
        ledger: &Ledger,
        now: Timestamp,
    ) -> Result<Vec<PrunedArchive>, VerifyError> {
        // What opens with any label's password is nobody's to remove.
        let (mut refused, mut good) = (Vec::new(), BTreeSet::new());
        for (order_no, kept) in &shelves.labels {
            for (archive, password) in kept {
                let theirs = ledger.named.contains_key(&archive.sha256);
                let known = ledger.known.contains(order_no);
                if theirs || !known || !self.is_settled(archive, now).await? {
                    good.insert(archive.sha256);
                } else {
                    match self.opens(archive, password).await? {
                        Some(false) => refused.push(PrunedArchive {
                            order_no: Some(order_no.clone()),
                            archive: *archive,
                        }),
                        _ => drop(good.insert(archive.sha256)),
                    }
                }
            }
        }
        refused.retain(|pruned| !good.contains(&pruned.archive.sha256));
        Ok(refused)
    }

    async fn strays(
        &self,
        shelves: &Shelves,
        ledger: &Ledger,
        now: Timestamp,
    ) -> Result<Vec<PrunedArchive>, VerifyError> {
        let mut strays = Vec::new();
        for archive in &shelves.strays {
            if !ledger.named.contains_key(&archive.sha256) && self.is_settled(archive, now).await? {
                strays.push(PrunedArchive { order_no: None, archive: *archive });
            }
        }
        Ok(strays)
    }

    async fn is_settled(&self, archive: &KeptArchive, now: Timestamp) -> Result<bool, VerifyError> {
        let kept_at = self.archives.kept_at(archive).await?;
        Ok(kept_at.is_some_and(|at| now.duration_since(at) >= SETTLED))
    }

    async fn opens(
        &self,
        archive: &KeptArchive,
        password: &UnzipPassword,
    ) -> Result<Option<bool>, VerifyError> {
        let Ok(Some(file)) = self.archives.open(archive).await else { return Ok(None) };
        let settings = VerifySettings::new(&self.policy, PathBuf::new());
        let (archive, password) = (*archive, password.clone());
        blocking(move || opens(&file, &archive, &password, &settings)).await
    }

    async fn records(&self, before: ShanghaiTime, dry_run: bool) -> Result<u64, VerifyError> {
        if dry_run {
            return Ok(self.store.count_records_before(before).await?);
        }
        let mut removed = 0;
        loop {
            let rows = self.store.remove_records_before(before, ROWS).await?;
            removed += rows;
            if rows == 0 {
                return Ok(removed);
            }
        }
    }
}

/// What lies in the archive folder.
#[derive(Debug, Default)]
struct Shelves {
    labels: BTreeMap<OrderNo, Vec<(KeptArchive, UnzipPassword)>>,
    /// The orders whose labels an archive bears.
    holders: BTreeMap<Sha256, Vec<OrderNo>>,
    strays: Vec<KeptArchive>,
}

/// What the ledger says of archives.
#[derive(Debug, Default)]
struct Ledger {
    /// Every order.
    known: BTreeSet<OrderNo>,
    /// Every archive that is some order's, in whatever state.
    named: BTreeMap<Sha256, BTreeSet<OrderNo>>,
    /// Applied orders that have an archive, by age.
    applied: Vec<(Timestamp, OrderNo, KeptArchive)>,
}

impl fmt::Debug for Prune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prune").finish_non_exhaustive()
    }
}
