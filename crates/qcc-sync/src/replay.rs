//! Applying again what is kept: into the store it came from, or into a new one
//! that knows nothing yet.
//!
//! Nothing but the archives and their labels is needed, and nobody is called. An
//! order is opened again, applied and committed before the next one is touched,
//! so a run that is killed leaves a store like any other: the next run, of this
//! or of the engine, goes on from there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use qcc_archive::{Archive, Retry};
use qcc_proto::OrderNo;

use crate::{
    Archives, ArchivesError, Changes, Clock, EngineError, KeptArchive, Label, Observer, Order,
    Policy, Reason, ReasonCode, Report, Retention, Sha256, State, Store, StoreErrorKind, Worker,
    engine::{Applier, Trouble},
    verify::digest,
};

/// Applies kept archives again.
pub struct Replay {
    /// Where they are applied.
    pub store: Arc<dyn Store>,
    /// Where they are kept.
    pub archives: Arc<dyn Archives>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Who this is to the others on the same store.
    pub worker: Worker,
    /// How archives are read.
    pub policy: Policy,
}

/// Which orders are applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayScope {
    /// Every order with a kept archive, applied before or not.
    All,
    /// Those that are not applied yet.
    Unapplied,
    /// These, applied before or not.
    Orders(BTreeSet<OrderNo>),
}

/// What a replay did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayReport {
    /// Labels written, for archives that had none, or an outdated one.
    pub labelled: u64,
    /// Orders the ledger learnt of from labels.
    pub adopted: u64,
    /// Orders applied.
    pub applied: u64,
    /// Those of them that the ledger learnt of from labels in this run.
    pub applied_from_labels: u64,
    /// Those of them that had been applied before.
    pub repeated: u64,
    /// Orders in scope whose archive was removed on purpose: they stay as they are.
    pub pruned: u64,
    /// Records that now stand from them.
    pub stored: u64,
    /// What became of those.
    pub changes: Changes,
    /// Records that lost against a later version.
    pub superseded: u64,
    /// Records set aside.
    pub set_aside: u64,
    /// Archives of which neither a label nor the ledger says whose they are.
    pub strays: Vec<Sha256>,
    /// Orders that could not be applied.
    pub setbacks: Vec<Setback>,
}

/// Why an order could not be applied again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setback {
    /// Its archive is gone. What the ledger and the table hold of it stays.
    Missing(OrderNo),
    /// Its archive's bytes are not those that were kept. What the ledger and the
    /// table hold of it stays.
    Damaged(OrderNo),
    /// The disk does not give its archive back; the detail says why. What the ledger
    /// and the table hold of it stays.
    Unreadable(OrderNo, String),
    /// Its archive or the document in it was refused, now or before. An order that the
    /// ledger had keeps its state and its failures.
    Refused(OrderNo, Reason),
    /// Another worker is at it.
    Busy(OrderNo),
}

/// Orders are read and adopted so many at a time.
const PAGE: u32 = 256;

/// So many rows are removed in one write.
const ROWS: u32 = 5000;

impl Replay {
    /// Labels what has no label, adopts orders of which only a label knows, and
    /// applies the orders in scope, the oldest number first.
    ///
    /// # Errors
    /// [`EngineError`] where the folder or the database fails. What was done until
    /// then stands. An archive that is gone, refused or cannot be read is a
    /// [`Setback`].
    pub async fn run(
        &self,
        scope: &ReplayScope,
        observer: &dyn Observer,
    ) -> Result<ReplayReport, EngineError> {
        let mut report = ReplayReport::default();
        let mut shelves = self.shelves().await?;
        let records_before = shelves.retention.records_before;
        let due = self.walk_ledger(scope, &mut shelves, &mut report).await?;
        report.strays = std::mem::take(&mut shelves.strays).into_iter().collect();
        let adopted = self.adopt(scope, shelves, &mut report).await?;
        let mut sum = Report::default();
        for (order_no, origin) in merged(due, adopted) {
            self.apply(order_no, origin, &mut sum, &mut report, observer).await?;
        }
        report.applied = sum.applied;
        report.stored = sum.stored;
        report.changes = sum.changes;
        report.superseded = sum.superseded;
        report.set_aside = sum.set_aside;
        if let Some(before) = records_before.filter(|_| report.applied > 0) {
            // Archives that are kept bring back rows that were removed on purpose.
            while self.store.remove_records_before(before, ROWS).await? > 0 {}
        }
        Ok(report)
    }

    /// Labels every archive the ledger knows that has no label, or an outdated
    /// one. Returns how many it wrote.
    ///
    /// # Errors
    /// [`EngineError`], as for [`run`](Self::run).
    pub async fn label(&self) -> Result<u64, EngineError> {
        let mut report = ReplayReport::default();
        let mut shelves = self.shelves().await?;
        self.walk_ledger(&ReplayScope::Unapplied, &mut shelves, &mut report).await?;
        Ok(report.labelled)
    }

    /// What the labels say.
    async fn shelves(&self) -> Result<Shelves, EngineError> {
        let mut shelves =
            Shelves { retention: self.archives.retention().await?, ..Shelves::default() };
        let mut after = None;
        loop {
            let page = self.archives.shelved(after.as_ref(), PAGE as usize).await?;
            let Some(last) = page.last() else { return Ok(shelves) };
            after = Some(last.archive.sha256);
            for shelved in page {
                if shelved.labels.is_empty() {
                    shelves.strays.insert(shelved.archive.sha256);
                }
                for label in shelved.labels {
                    if shelves.is_pruned(&label.order_no, &shelved.archive, &*self.archives).await?
                    {
                        continue;
                    }
                    let archives = shelves.labels.entry(label.order_no.clone()).or_default();
                    archives.push((shelved.archive, label));
                }
            }
        }
    }

    /// Compares ledger and labels. Returns the orders in scope that can be applied;
    /// what is left in `shelves` are labels of which the ledger knows nothing.
    async fn walk_ledger(
        &self,
        scope: &ReplayScope,
        shelves: &mut Shelves,
        report: &mut ReplayReport,
    ) -> Result<Vec<OrderNo>, EngineError> {
        let mut due = Vec::new();
        let mut snapshot = self.store.snapshot().await?;
        let mut after: Option<OrderNo> = None;
        loop {
            let page = snapshot.orders(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(due) };
            after = Some(last.no.clone());
            for order in page {
                if order.is_bare() {
                    if shelves.labels.contains_key(&order.no) {
                        shelves.bare.insert(order.no.clone(), order);
                    }
                    continue;
                }
                if let Some(kept) = order.archive
                    && shelves.is_pruned(&order.no, &kept, &*self.archives).await?
                {
                    report.pruned += u64::from(scope.includes(&order));
                    continue;
                }
                let labels = shelves.labels.remove(&order.no).unwrap_or_default();
                if let Some((archive, label)) = Label::of(&order, self.clock.now()) {
                    shelves.strays.remove(&archive.sha256);
                    if !labels.iter().any(|(kept, old)| *kept == archive && label.repeats(old)) {
                        self.archives.label(&archive, &label).await?;
                        report.labelled += 1;
                    }
                }
                if !scope.includes(&order) {
                    continue;
                }
                if order.clone().reopened().is_some() {
                    due.push(order.no);
                } else if let Some(reason) = order.state.reason() {
                    report.setbacks.push(Setback::Refused(order.no, reason.clone()));
                }
            }
        }
    }

    /// Hands the ledger the orders of which only labels know. Returns those it took,
    /// each with what the ledger had of it.
    async fn adopt(
        &self,
        scope: &ReplayScope,
        Shelves { labels, mut bare, .. }: Shelves,
        report: &mut ReplayReport,
    ) -> Result<Vec<(OrderNo, Option<Order>)>, EngineError> {
        let mut adopted = Vec::new();
        let mut found = Vec::new();
        let mut labels = labels.into_iter().filter(|(no, _)| scope.names(no)).peekable();
        while let Some((order_no, archives)) = labels.next() {
            let best = self.best_of(archives, bare.contains_key(&order_no)).await?;
            match (best, bare.get(&order_no)) {
                // The ledger knows why it has none of these.
                (Ok(Best { opens: false, .. }), Some(known)) => {
                    report.setbacks.push(Setback::Refused(order_no, no_archive_opens(known)));
                }
                (Ok(best), _) => found.push(best.order),
                (Err(unfit), _) => report.setbacks.push(unfit.of(order_no)),
            }
            if found.len() >= PAGE as usize || labels.peek().is_none() {
                let taken = self.store.adopt(&found, &self.worker, self.clock.now()).await?;
                let held = found.drain(..).map(|order| order.no);
                let held = held.filter(|no| !taken.contains(no)).map(Setback::Busy);
                report.setbacks.extend(held);
                adopted.extend(taken.into_iter().map(|no| {
                    let known = bare.remove(&no);
                    (no, known)
                }));
            }
        }
        report.adopted = adopted.len() as u64;
        Ok(adopted)
    }

    /// The order with the archive that was labelled last among those that open;
    /// where none opens, with the last that is whole, so that applying it says why.
    /// A download that was damaged on its way is kept and labelled too.
    async fn best_of(
        &self,
        mut archives: Vec<(KeptArchive, Label)>,
        known: bool,
    ) -> Result<Result<Best, Unfit>, EngineError> {
        archives.sort_by_key(|(_, label)| std::cmp::Reverse(label.written_at));
        // Applying the only one there is tells as much as opening it.
        let sure = archives.len() == 1 && !known;
        let mut best = Err(Unfit::Missing);
        for (archive, label) in &archives {
            let opens = match self.check(archive).await? {
                Ok(()) if sure => Ok(true),
                Ok(()) => self.opens(archive, label).await?,
                Err(unfit) => Err(unfit),
            };
            match opens {
                Ok(true) => return Ok(Ok(Best { order: label.order(*archive), opens: true })),
                Ok(false) if best.is_err() => {
                    best = Ok(Best { order: label.order(*archive), opens: false });
                }
                Err(unfit) if best.is_err() && !matches!(unfit, Unfit::Missing) => {
                    best = Err(unfit);
                }
                _ => {}
            }
        }
        Ok(best)
    }

    async fn apply(
        &self,
        order_no: OrderNo,
        origin: Origin,
        sum: &mut Report,
        report: &mut ReplayReport,
        observer: &dyn Observer,
    ) -> Result<(), EngineError> {
        if matches!(origin, Origin::Ledger) {
            let order = self.store.order(&order_no).await?;
            let Some(archive) = order.and_then(|order| order.archive) else { return Ok(()) };
            if let Err(unfit) = self.check(&archive).await? {
                report.setbacks.push(unfit.of(order_no));
                return Ok(());
            }
        }
        let now = self.clock.now();
        let Some(mut lease) = self.store.reopen(&order_no, &self.worker, now).await? else {
            report.setbacks.push(Setback::Busy(order_no));
            return Ok(());
        };
        match self.applier().apply(&lease, sum, observer).await {
            Ok(()) => {
                report.repeated += u64::from(lease.order.applied.is_some());
                report.applied_from_labels += u64::from(!matches!(origin, Origin::Ledger));
                Ok(())
            }
            Err(Trouble::Stop(EngineError::Store(e))) if e.kind() == StoreErrorKind::LeaseLost => {
                report.setbacks.push(Setback::Busy(order_no));
                Ok(())
            }
            Err(Trouble::Stop(EngineError::Archives(error))) => {
                self.store.release(&lease).await?;
                report.setbacks.push(Setback::Unreadable(order_no, told(&error)));
                Ok(())
            }
            Err(Trouble::Stop(error)) => {
                let _ = self.store.release(&lease).await;
                Err(error)
            }
            Err(Trouble::Failed(failure)) => {
                let reason = failure.reason.clone();
                report.setbacks.push(match reason.code {
                    ReasonCode::Transient => Setback::Unreadable(order_no, reason.detail),
                    _ => Setback::Refused(order_no, reason),
                });
                let order = lease.order.clone();
                lease.order = match origin {
                    // What it was applied with is in the table, whatever may be
                    // wrong with it today.
                    Origin::Ledger if order.applied.is_some() => {
                        Order { state: State::Applied, ..order }
                    }
                    Origin::Ledger => order,
                    Origin::Label(Some(known)) => *known,
                    Origin::Label(None) => order.failed(&failure, &self.policy, now),
                };
                self.store.save(&lease, self.clock.now()).await?;
                self.store.release(&lease).await?;
                Ok(())
            }
        }
    }

    /// Whether an archive's bytes are those that were kept.
    async fn check(&self, archive: &KeptArchive) -> Result<Result<(), Unfit>, EngineError> {
        let file = match self.archives.open(archive).await {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(Err(Unfit::Missing)),
            Err(error) => return Ok(Err(Unfit::Unreadable(told(&error)))),
        };
        Ok(match reading(move || digest(&file)).await? {
            Ok(found) if found == archive.sha256 => Ok(()),
            Ok(_) => Err(Unfit::Damaged),
            Err(error) => Err(Unfit::Unreadable(error.to_string())),
        })
    }

    /// Whether its label's password opens an archive.
    async fn opens(
        &self,
        archive: &KeptArchive,
        label: &Label,
    ) -> Result<Result<bool, Unfit>, EngineError> {
        let file = match self.archives.open(archive).await {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(Err(Unfit::Missing)),
            Err(error) => return Ok(Err(Unfit::Unreadable(told(&error)))),
        };
        let (policy, password) = (self.policy.clone(), label.password.clone());
        let opened = reading(move || {
            Archive::open(file, policy.archive)?
                .authenticate(&policy.entry, password.reveal().as_bytes())
                .map(drop)
        });
        Ok(match opened.await? {
            Ok(()) => Ok(true),
            Err(error) => match error.retry() {
                Retry::ReadAgain => Err(Unfit::Unreadable(told(&error))),
                Retry::FetchAgain | Retry::Never => Ok(false),
            },
        })
    }

    fn applier(&self) -> Applier<'_> {
        Applier {
            store: &*self.store,
            archives: &*self.archives,
            clock: &*self.clock,
            policy: &self.policy,
        }
    }
}

/// Why an archive is not applied.
#[derive(Debug)]
enum Unfit {
    Missing,
    Damaged,
    Unreadable(String),
}

impl Unfit {
    fn of(self, order_no: OrderNo) -> Setback {
        match self {
            Self::Missing => Setback::Missing(order_no),
            Self::Damaged => Setback::Damaged(order_no),
            Self::Unreadable(why) => Setback::Unreadable(order_no, why),
        }
    }
}

/// What lies in the archive folder.
#[derive(Debug, Default)]
struct Shelves {
    labels: BTreeMap<OrderNo, Vec<(KeptArchive, Label)>>,
    strays: BTreeSet<Sha256>,
    /// Labelled orders of which the ledger has no more than the name.
    bare: BTreeMap<OrderNo, Order>,
    /// What was removed on purpose.
    retention: Retention,
}

impl Shelves {
    /// Whether an archive is gone because it was removed on purpose.
    async fn is_pruned(
        &self,
        order_no: &OrderNo,
        kept: &KeptArchive,
        archives: &dyn Archives,
    ) -> Result<bool, EngineError> {
        let written = self.retention.has_pruned(order_no, kept);
        Ok(written && archives.open(kept).await?.is_none())
    }
}

/// The order an archive makes.
#[derive(Debug)]
struct Best {
    order: Order,
    opens: bool,
}

/// Where an order that is applied came from.
#[derive(Debug)]
enum Origin {
    /// The ledger has its archive.
    Ledger,
    /// A label named its archive, which was just found whole; with what the ledger
    /// had of the order before.
    Label(Option<Box<Order>>),
}

/// Why an order keeps resting beside archives of its own.
fn no_archive_opens(known: &Order) -> Reason {
    let why = known.state.reason().map(|reason| format!(": {}", reason.detail));
    let detail = format!(
        "no archive kept for it opens; the order stays as it is, {}{}",
        known.state.name(),
        why.unwrap_or_default()
    );
    Reason::new(ReasonCode::ArchiveDamaged, detail)
}

impl ReplayScope {
    fn includes(&self, order: &Order) -> bool {
        match self {
            Self::All => true,
            Self::Unapplied => order.state != State::Applied,
            Self::Orders(_) => self.names(&order.no),
        }
    }

    fn names(&self, order_no: &OrderNo) -> bool {
        match self {
            Self::All | Self::Unapplied => true,
            Self::Orders(orders) => orders.contains(order_no),
        }
    }
}

/// Has an archive read on a thread that may block.
async fn reading<T: Send + 'static>(
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|error| ArchivesError::new("reading a kept archive", error).into())
}

/// An error and its cause in one line.
fn told(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Both lists by number.
fn merged(due: Vec<OrderNo>, adopted: Vec<(OrderNo, Option<Order>)>) -> BTreeMap<OrderNo, Origin> {
    let due = due.into_iter().map(|no| (no, Origin::Ledger));
    let adopted = adopted.into_iter().map(|(no, known)| (no, Origin::Label(known.map(Box::new))));
    due.chain(adopted).collect()
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").finish_non_exhaustive()
    }
}
