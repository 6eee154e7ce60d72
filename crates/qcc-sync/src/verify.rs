//! The proof: what the kept archives say, against what the store holds.
//!
//! It shares the reader of archives with what applies them, and nothing of the
//! rest. Which version of a record stands is not asked of a database here: all
//! versions are sorted, the greatest of each id is taken, and the outcome is
//! compared with the table id by id, both ways. Memory is bounded by the
//! settings, and by a few hundred bytes for each order.

mod error;
mod finding;
mod fingerprint;
mod join;
mod labels;
mod reading;
mod settings;
mod sorter;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use qcc_proto::{OrderNo, RiskRecord};

use crate::{
    Applied, ArchiveFile, Archives, KeptArchive, Order, Retention, Sha256, Snapshot, Store,
    StoredRecord,
};

pub use error::VerifyError;
pub use finding::{AsideFault, Difference, Finding, Verdict};
use join::{Join, Suspect};
use labels::{Labels, Opener, RefusedArchives, Strays, labels};
use reading::{Reading, Refused, Source};
pub(crate) use reading::{digest, opens};
pub use settings::{VerifySettings, VerifyStage};
use sorter::Sorter;

/// Orders, rows and records set aside are asked for so many at a time.
const PAGE: u32 = 2048;

/// Proves a store against the kept archives: every applied order's archive is
/// compared with its SHA-256, authenticated and read, and ledger, records set
/// aside and table must be what follows from them.
///
/// Work that blocks runs on threads of its own; call it within a tokio runtime.
///
/// # Errors
/// [`VerifyError`] where a database or disk fails. An archive that is gone or
/// refused is a finding, not an error.
pub async fn verify(
    store: &dyn Store,
    archives: &dyn Archives,
    settings: &VerifySettings,
    watch: &(dyn Fn(VerifyStage) + Send + Sync),
) -> Result<Verdict, VerifyError> {
    let mut proof = Proof::new(settings);
    // Before the snapshot: what is labelled later may not be in it.
    (proof.labels, proof.strays) = labels(archives).await?;
    proof.retention = archives.retention().await?;
    let mut snapshot = store.snapshot().await?;
    proof.read_archives(&mut *snapshot, archives, watch).await?;
    proof.name_unapplied();
    proof.compare_rows(&mut *snapshot, archives, watch).await?;
    Ok(proof.verdict)
}

struct Proof<'s> {
    settings: &'s VerifySettings,
    labels: Labels,
    /// Kept archives that do not open and that the ledger does not name.
    refused: RefusedArchives,
    /// Kept archives without a label that the ledger was not seen to name.
    strays: Strays,
    /// What was removed on purpose.
    retention: Retention,
    /// The applied orders, by their archives.
    holders: BTreeMap<Sha256, OrderNo>,
    /// Applied orders in the order of their numbers.
    sources: Vec<Source>,
    /// An empty one while another thread has it.
    sorter: Sorter,
    verdict: Verdict,
}

impl<'s> Proof<'s> {
    fn new(settings: &'s VerifySettings) -> Self {
        Self {
            settings,
            labels: Labels::new(),
            refused: RefusedArchives::new(),
            strays: Strays::new(),
            retention: Retention::default(),
            holders: BTreeMap::new(),
            sources: Vec::new(),
            sorter: empty_sorter(settings),
            verdict: Verdict {
                findings: Vec::new(),
                differences: 0,
                missing: 0,
                refused: 0,
                pruned: 0,
                shared: 0,
                orders: 0,
                bytes: 0,
                records: 0,
                set_aside: 0,
                rows: 0,
                standing: 0,
                pruned_records: 0,
                unproven: 0,
                unproven_pruned: 0,
                unlabelled: 0,
                unapplied: 0,
                recoverable: 0,
                waiting: 0,
                refused_kept: 0,
                refused_bytes: 0,
                strays: 0,
                stray_bytes: 0,
                digest: Sha256::new([0; 32]),
            },
        }
    }

    async fn read_archives(
        &mut self,
        snapshot: &mut dyn Snapshot,
        archives: &dyn Archives,
        watch: &(dyn Fn(VerifyStage) + Send + Sync),
    ) -> Result<(), VerifyError> {
        let mut after: Option<OrderNo> = None;
        loop {
            let page = snapshot.orders(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.no.clone());
            for order in page {
                // What was applied once has its records in the table, whatever
                // happened to the order since.
                let reading = match &order.applied {
                    Some(applied) => self.read_order(&order, applied, archives).await?,
                    None => Read::NothingDue,
                };
                self.compare_aside(snapshot, &order, &reading).await?;
                self.look_beside(&order, archives).await?;
                let Verdict { orders, records, .. } = self.verdict;
                watch(VerifyStage::Reading { orders, records });
            }
        }
    }

    async fn read_order(
        &mut self,
        order: &Order,
        applied: &Applied,
        archives: &dyn Archives,
    ) -> Result<Read, VerifyError> {
        self.verdict.orders += 1;
        let source = Source::of(order);
        let file = match &order.archive {
            Some(kept) => archives.open(kept).await,
            None => Ok(None),
        };
        let file = match file {
            Ok(file) => file,
            Err(error) => {
                self.refuse(&order.no, reading::unread(&error));
                self.sources.push(source);
                return Ok(Read::Nothing);
            }
        };
        let Some(file) = file else {
            if order.archive.is_some_and(|kept| self.retention.has_pruned(&order.no, &kept)) {
                self.verdict.pruned += 1;
                self.sources.push(Source { pruned: Some(applied.push_date), ..source });
                return Ok(Read::Nothing);
            }
            self.verdict.missing += 1;
            let sha256 = order.archive.map(|kept| kept.sha256);
            self.tell(Finding::ArchiveMissing { order_no: order.no.clone(), sha256 });
            self.sources.push(source);
            return Ok(Read::Nothing);
        };
        let (source, read) = self.read_file(file, source).await?;
        self.sources.push(source);
        Ok(match read {
            Ok(reading) => {
                self.verdict.bytes += order.archive.map_or(0, |kept| kept.size);
                self.verdict.records += reading.records;
                self.verdict.set_aside += reading.aside.len() as u64;
                self.compare_ledger(order, applied, &reading);
                self.check_whose(order, &reading);
                self.verdict.unlabelled += u64::from(!self.is_labelled(order));
                Read::Held(reading)
            }
            Err(refused) => {
                self.refuse(&order.no, refused);
                Read::Nothing
            }
        })
    }

    fn refuse(&mut self, order_no: &OrderNo, Refused(detail): Refused) {
        self.verdict.refused += 1;
        self.tell(Finding::ArchiveRefused { order_no: order_no.clone(), detail });
    }

    /// Whether the order would come back from its archive alone.
    fn is_labelled(&self, order: &Order) -> bool {
        let labels = self.labels.get(&order.no).map(Vec::as_slice).unwrap_or_default();
        let own = order.archive.zip(order.password.as_ref());
        labels.iter().any(|Opener { archive, password, listed }| {
            Some((*archive, password)) == own && *listed == order.listed_at.is_some()
        })
    }

    /// Reads an archive on another thread, which has the sorter meanwhile.
    async fn read_file(
        &mut self,
        file: ArchiveFile,
        mut source: Source,
    ) -> Result<(Source, Result<Reading, Refused>), VerifyError> {
        let number = u32::try_from(self.sources.len()).map_err(VerifyError::scratch)?;
        let (settings, mut sorter) = (self.settings.clone(), self.take_sorter());
        let (source, sorter, read) = blocking(move || {
            let read = reading::read(&file, &source, number, &settings, &mut sorter);
            if let Ok(Ok(reading)) = &read {
                source.proven = true;
                source.push_date = Some(reading.push_date);
            }
            (source, sorter, read)
        })
        .await?;
        self.sorter = sorter;
        Ok((source, read?))
    }

    /// Whether the archive is that of the order it was applied for. Nothing in it says
    /// so; where passwords repeat, another order's opens as well.
    fn check_whose(&mut self, order: &Order, reading: &Reading) {
        let Some(KeptArchive { sha256, .. }) = order.archive else { return };
        let with = self.holders.get(&sha256).cloned();
        if with.is_none() {
            self.holders.insert(sha256, order.no.clone());
        }
        let far = order.created_at.filter(|created| {
            let apart = reading.push_date.timestamp().duration_since(created.timestamp());
            apart.abs() > self.settings.push_date_slack
        });
        // What a person accepted has been looked at.
        if !order.accepted && (with.is_some() || far.is_some()) {
            self.verdict.shared += 1;
            let dates = far.map(|created_at| (created_at, reading.push_date));
            let order_no = order.no.clone();
            self.tell(Finding::SharedArchive { order_no, sha256, with, dates });
        }
    }

    /// How many records won depends on what stood then; their sum does not.
    fn compare_ledger(&mut self, order: &Order, applied: &Applied, reading: &Reading) {
        let fields = [
            Difference::of("push_date", applied.push_date, reading.push_date),
            Difference::of("total_size", applied.total_size, reading.total_size),
            Difference::of(
                "applied_count + superseded_count",
                applied.stored.saturating_add(applied.superseded),
                reading.records,
            ),
            Difference::of("quarantined_count", applied.quarantined, reading.aside.len()),
        ];
        for field in fields.into_iter().flatten() {
            self.differ(Finding::Ledger { order_no: order.no.clone(), field });
        }
    }

    async fn compare_aside(
        &mut self,
        snapshot: &mut dyn Snapshot,
        order: &Order,
        reading: &Read,
    ) -> Result<(), VerifyError> {
        let expected: &[_] = match reading {
            Read::Held(reading) => &reading.aside,
            Read::NothingDue => &[],
            Read::Nothing => return Ok(()),
        };
        let mut expected = expected.iter().copied().peekable();
        let mut after = None;
        loop {
            let page = snapshot.set_aside(&order.no, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.position);
            for aside in page {
                while let Some((position, _)) = expected.next_if(|(at, _)| *at < aside.position) {
                    self.differ_aside(&order.no, position, AsideFault::Missing);
                }
                match expected.next_if(|(at, _)| *at == aside.position) {
                    None => self.differ_aside(&order.no, aside.position, AsideFault::Extra),
                    Some((_, print)) if print != reading::of_aside(&aside) => {
                        self.differ_aside(&order.no, aside.position, AsideFault::Differs);
                    }
                    Some(_) => {}
                }
            }
        }
        for (position, _) in expected {
            self.differ_aside(&order.no, position, AsideFault::Missing);
        }
        Ok(())
    }

    async fn compare_rows(
        &mut self,
        snapshot: &mut dyn Snapshot,
        archives: &dyn Archives,
        watch: &(dyn Fn(VerifyStage) + Send + Sync),
    ) -> Result<(), VerifyError> {
        let sources: Arc<[Source]> = std::mem::take(&mut self.sources).into();
        let sorter = self.take_sorter();
        let told = self.settings.told.saturating_sub(self.verdict.findings.len());
        let ours = Arc::clone(&sources);
        let retention = std::mem::take(&mut self.retention);
        let mut join = blocking(move || {
            sorter.finish().map(|greatest| Join::new(greatest, ours, told, &retention))
        })
        .await?
        .map_err(VerifyError::Scratch)?;
        let mut after: Option<String> = None;
        loop {
            let page = snapshot.records(after.as_deref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.record.id.clone());
            let (back, done) = blocking(move || {
                let done = join.rows(page);
                (join, done)
            })
            .await?;
            join = back;
            done.map_err(VerifyError::Scratch)?;
            watch(VerifyStage::Comparing { rows: join.rows });
        }
        let (join, digest) = blocking(move || {
            let digest = join.end();
            (join, digest)
        })
        .await?;
        self.verdict.digest = digest.map_err(VerifyError::Scratch)?;
        self.verdict.differences += join.differences;
        self.verdict.rows = join.rows;
        self.verdict.unproven = join.unproven;
        self.verdict.unproven_pruned = join.of_pruned;
        self.verdict.pruned_records = join.pruned;
        self.verdict.standing = join.standing;
        self.explain(join.suspects, &sources, archives).await?;
        let (counted, rows) = (snapshot.counted().await?, self.verdict.rows);
        if counted != rows {
            self.differ(Finding::Count { counted, rows });
        }
        Ok(())
    }

    /// Says of each suspect row what is wrong with it. What should stand in its
    /// place is read once more, an archive at a time.
    async fn explain(
        &mut self,
        suspects: Vec<Suspect>,
        sources: &[Source],
        archives: &dyn Archives,
    ) -> Result<(), VerifyError> {
        let mut wanted: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
        for suspect in &suspects {
            if let Suspect::Differs { place, .. } = suspect {
                wanted.entry(place.order).or_default().insert(place.position);
            }
        }
        let mut records = BTreeMap::new();
        for (order, positions) in wanted {
            let Some(source) = sources.get(order as usize) else { continue };
            let found = self.look_up(source, positions, archives).await?;
            records.extend(found.into_iter().map(|(position, r)| ((order, position), r)));
        }
        for suspect in suspects {
            if let Some(finding) = finding(suspect, sources, &mut records) {
                self.tell(finding);
            }
        }
        Ok(())
    }

    async fn look_up(
        &self,
        source: &Source,
        positions: BTreeSet<u64>,
        archives: &dyn Archives,
    ) -> Result<BTreeMap<u64, RiskRecord>, VerifyError> {
        let Some(kept) = source.archive else { return Ok(BTreeMap::new()) };
        let Ok(Some(file)) = archives.open(&kept).await else { return Ok(BTreeMap::new()) };
        let settings = self.settings.clone();
        let source = Source { no: source.no.clone(), password: source.password.clone(), ..*source };
        let found =
            blocking(move || reading::look_up(&file, &source, &settings, &positions)).await??;
        // It held a moment ago; where it does no more, the rows stay unexplained.
        Ok(found.unwrap_or_default())
    }

    fn take_sorter(&mut self) -> Sorter {
        std::mem::replace(&mut self.sorter, empty_sorter(self.settings))
    }

    fn differ_aside(&mut self, order_no: &OrderNo, position: u64, fault: AsideFault) {
        self.differ(Finding::SetAside { order_no: order_no.clone(), position, fault });
    }

    fn differ(&mut self, finding: Finding) {
        self.verdict.differences += 1;
        self.tell(finding);
    }

    fn tell(&mut self, finding: Finding) {
        if self.verdict.findings.len() < self.settings.told {
            self.verdict.findings.push(finding);
        }
    }
}

fn empty_sorter(settings: &VerifySettings) -> Sorter {
    Sorter::new(settings.scratch.clone(), settings.memory)
}

/// What is known of an order's document.
enum Read {
    /// All of it.
    Held(Reading),
    /// The order is not applied, so it has none that counts.
    NothingDue,
    /// Its archive is gone or refused.
    Nothing,
}

fn finding(
    suspect: Suspect,
    sources: &[Source],
    records: &mut BTreeMap<(u32, u64), RiskRecord>,
) -> Option<Finding> {
    let rank = |place: sorter::Place| finding::rank(place, sources.get(place.order as usize)?);
    Some(match suspect {
        Suspect::Missing { id, place } => Finding::RowMissing { id: id.into(), rank: rank(place)? },
        Suspect::Extra { row } => Finding::RowExtra { id: row.record.id, rank: row.rank },
        Suspect::Differs { row, place } => {
            let record = records.remove(&(place.order, place.position));
            let fields = match (record, rank(place)) {
                (Some(record), Some(rank)) => {
                    finding::differences(&row, &StoredRecord { record, rank })
                }
                _ => Vec::new(),
            };
            Finding::RowDiffers { id: row.record.id, fields }
        }
    })
}

/// Has work done on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, VerifyError> {
    tokio::task::spawn_blocking(work).await.map_err(VerifyError::scratch)
}
