//! Applying: authenticate the whole archive, then stream its records into one
//! transaction that also moves the ledger.

use std::sync::Arc;

use qcc_archive::{Archive, ReadAt, Retry};
use qcc_proto::{
    DocumentError, DocumentHeader, DocumentSummary, Item, RecordReader, RiskRecord, ShanghaiTime,
};
use tokio::sync::mpsc;

use super::{Engine, EngineError, Report, Trouble, keep::keeping, words::Words};
use crate::{
    Apply, Archives, Changes, Clock, Commit, CountMismatch, Document, Event, Failure, KeptArchive,
    Lease, Observer, Order, Policy, ReasonCode, Remedy, Row, SetAside, State, Store, UnknownWord,
};

/// What the reading thread hands to the writing task.
enum Piece {
    Head(DocumentHeader),
    Rows(Vec<Row>, Vec<SetAside>),
    End(DocumentSummary),
}

/// What applying takes: no client, for nobody is called.
#[derive(Clone, Copy)]
pub(crate) struct Applier<'e> {
    pub(crate) store: &'e dyn Store,
    pub(crate) archives: &'e dyn Archives,
    pub(crate) clock: &'e dyn Clock,
    pub(crate) policy: &'e Policy,
}

impl Engine {
    pub(super) fn applier(&self) -> Applier<'_> {
        Applier {
            store: &*self.store,
            archives: &*self.archives,
            clock: &*self.clock,
            policy: &self.policy,
        }
    }
}

impl Applier<'_> {
    /// Puts a kept archive into the table; the order is committed with it. The lease is
    /// kept meanwhile, and ends with it.
    pub(crate) async fn apply(
        &self,
        lease: &Lease,
        report: &mut Report,
        observer: &dyn Observer,
    ) -> Result<(), Trouble> {
        let applying = self.apply_leased(lease, report, observer);
        keeping(self.store, self.clock, lease, applying).await?
    }

    async fn apply_leased(
        &self,
        lease: &Lease,
        report: &mut Report,
        observer: &dyn Observer,
    ) -> Result<(), Trouble> {
        let order = &lease.order;
        let (Some(kept), Some(password)) = (order.archive, order.password.clone()) else {
            return Err(missing("its password is not in the ledger"));
        };
        let Some(file) = self.archives.open(&kept).await.map_err(|error| unread(&error))? else {
            return Err(missing("the kept archive is gone"));
        };
        let policy = self.policy.clone();
        let (send, mut pieces) = mpsc::channel(2);
        let reading = tokio::task::spawn_blocking(move || {
            let sent = send.clone();
            read(Arc::new(file), password.reveal().as_bytes(), &policy, &sent)
        });
        let written = self.write(lease, &kept, &mut pieces, observer).await;
        // The reader stops by itself once nobody receives.
        drop(pieces);
        let read = reading
            .await
            .map_err(|e| Trouble::damaged(format!("reading the archive stopped short ({e})")))?;
        // Where writing failed the reader was stopped, and what it says is chance.
        let written = written?;
        read?;
        let Some(Pending { transaction, push_date, summary, unknown }) = written else {
            return Err(Trouble::damaged("the archive ended before its document did"));
        };
        let document = Document {
            at: self.clock.now(),
            push_date,
            total_size: summary.total_size,
            set_aside: summary.set_aside,
        };
        let done = Commit { order: order.clone().in_table(), document, unknown };
        let written = transaction.commit(done).await?;
        let applied = document.applied(written);
        report.applied += 1;
        report.stored += applied.stored;
        report.changes += written.changes;
        report.superseded += applied.superseded;
        report.set_aside += applied.quarantined;
        let Changes { new, updated, unchanged } = written.changes;
        tracing::info!(
            order = %order.no, records = applied.total_size, new, updated, unchanged,
            superseded = applied.superseded, set_aside = applied.quarantined, "order applied"
        );
        observer.event(&Event::Applied { order_no: order.no.clone(), applied });
        Ok(())
    }

    /// Writes what is read; `None` where the reader ended early and says why.
    async fn write(
        &self,
        lease: &Lease,
        kept: &KeptArchive,
        pieces: &mut mpsc::Receiver<Piece>,
        observer: &dyn Observer,
    ) -> Result<Option<Pending>, Trouble> {
        let order = &lease.order;
        let Some(Piece::Head(head)) = pieces.recv().await else { return Ok(None) };
        let (push_date, total) = (head.push_date, Some(head.total_size));
        if !order.accepted {
            self.check_origin(order, kept, push_date).await?;
        }
        let mut transaction = self.store.begin_apply(lease, push_date).await?;
        let mut words = Words::default();
        let mut records = 0;
        while let Some(piece) = pieces.recv().await {
            match piece {
                Piece::Rows(rows, aside) => {
                    rows.iter().for_each(|row| words.count(&row.record));
                    records += (rows.len() + aside.len()) as u64;
                    transaction.write(rows).await?;
                    if !aside.is_empty() {
                        transaction.set_aside(aside).await?;
                    }
                    let order_no = order.no.clone();
                    observer.event(&Event::Applying { order_no, records, total });
                }
                Piece::End(summary) => {
                    if !order.accepted {
                        self.check_count(&summary)?;
                    }
                    let unknown = words.into_counts();
                    return Ok(Some(Pending { transaction, push_date, summary, unknown }));
                }
                Piece::Head(_) => {}
            }
        }
        Ok(None)
    }

    /// Refuses an archive that is another order's. Where orders share a password,
    /// nothing else in it tells.
    async fn check_origin(
        &self,
        order: &Order,
        kept: &KeptArchive,
        push_date: ShanghaiTime,
    ) -> Result<(), Trouble> {
        let other = self.store.other_with_archive(&kept.sha256, &order.no).await?;
        if let Some(other) = other.filter(|other| other.state == State::Applied) {
            return Err(foreign(format!(
                "byte for byte the archive of order {}, which is applied",
                other.no
            )));
        }
        let made = order.created_at.or_else(|| order.no.created_hint());
        let apart = made.map(|made| push_date.timestamp().duration_since(made.timestamp()).abs());
        match apart.filter(|apart| *apart > self.policy.push_date_apart) {
            None => Ok(()),
            Some(_) => Err(foreign(format!(
                "its pushDate is {push_date}, days away from when the order was made{}",
                made.map(|made| format!(" ({made})")).unwrap_or_default()
            ))),
        }
    }

    fn check_count(&self, summary: &DocumentSummary) -> Result<(), Trouble> {
        let found = summary.records + summary.set_aside;
        if summary.records == 0 && found > 0 {
            return Err(Trouble::Failed(Failure::new(
                ReasonCode::NoUsableRecords,
                format!(
                    "not one of its {found} records is as the manual describes; nothing was \
                     applied. `qcc archive records` shows them; `qcc retry --accept NO` sets \
                     them aside and applies the rest"
                ),
                Remedy::Quarantine,
            )));
        }
        if summary.count_matches() || self.policy.count_mismatch == CountMismatch::Apply {
            return Ok(());
        }
        Err(Trouble::Failed(Failure::new(
            ReasonCode::CountMismatch,
            format!(
                "totalSize says {}, but the document holds {found} records; nothing was applied. \
                 Ask the vendor which is right; `qcc retry --accept NO` applies what is there",
                summary.total_size
            ),
            Remedy::Quarantine,
        )))
    }
}

fn foreign(what: String) -> Trouble {
    Trouble::Failed(Failure::new(
        ReasonCode::ForeignArchive,
        format!(
            "the archive may be that of another order: {what}; nothing was applied. `qcc retry \
             NO` downloads it again, `qcc retry --accept NO` applies it as it is"
        ),
        Remedy::Quarantine,
    ))
}

/// A transaction that waits for the reader's last word.
struct Pending {
    transaction: Box<dyn Apply>,
    push_date: ShanghaiTime,
    summary: DocumentSummary,
    unknown: Vec<UnknownWord>,
}

/// How much text is handed over at a time at most, give or take a record: a record
/// may be a thousand times as long as usual.
const PIECE: usize = 2 * 1024 * 1024;

/// What a record's texts take in memory.
fn size(record: &RiskRecord) -> usize {
    let texts = [
        &record.corp_key_no,
        &record.corp_name,
        &record.monitor_content,
        &record.change_date,
        &record.extra,
    ];
    let words = [
        record.monitor_level.as_ref().map_or(0, |word| word.as_str().len()),
        record.monitor_type.as_ref().map_or(0, |word| word.as_str().len()),
    ];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    record.id.len() + texts + words.iter().sum::<usize>()
}

/// Reads an archive's document to its end, on a thread that may block.
fn read<R: ReadAt>(
    file: Arc<R>,
    password: &[u8],
    policy: &Policy,
    pieces: &mpsc::Sender<Piece>,
) -> Result<(), Trouble> {
    let archive = Archive::open(file, policy.archive.clone()).map_err(refused)?;
    let verified = archive.authenticate(&policy.entry, password).map_err(refused)?;
    let head = DocumentHeader::read(verified.reader(), policy.document).map_err(unreadable)?;
    let head = Piece::Head(head);
    if pieces.blocking_send(head).is_err() {
        return Ok(());
    }
    let mut reader = RecordReader::new(verified.reader(), policy.document);
    let (mut rows, mut aside) = (Vec::with_capacity(policy.batch), Vec::new());
    let mut bytes = 0;
    while let Some(item) = reader.next_ref().map_err(unreadable)? {
        match item.into_item() {
            Item::Record { position, record } => {
                bytes += size(&record);
                rows.push(Row { position, record });
            }
            Item::SetAside(bad) => {
                bytes += bad.raw.len();
                aside.push(SetAside {
                    position: bad.position,
                    code: bad.reason.as_str().into(),
                    detail: bad.reason.to_string(),
                    raw: bad.raw,
                });
            }
        }
        if rows.len() + aside.len() >= policy.batch || bytes >= PIECE {
            bytes = 0;
            let full = std::mem::replace(&mut rows, Vec::with_capacity(policy.batch));
            if pieces.blocking_send(Piece::Rows(full, std::mem::take(&mut aside))).is_err() {
                return Ok(());
            }
        }
    }
    let Some(summary) = reader.summary() else { return Ok(()) };
    let rest = Piece::Rows(rows, aside);
    if pieces.blocking_send(rest).is_ok() {
        let _ = pieces.blocking_send(Piece::End(summary));
    }
    Ok(())
}

fn refused(error: qcc_archive::Error) -> Trouble {
    use qcc_archive::ErrorKind as Kind;
    let (code, remedy) = match (error.kind(), error.retry()) {
        (_, Retry::ReadAgain) => return unread(&error),
        (Kind::WrongPassword, _) => (ReasonCode::WrongPassword, Remedy::DownloadAgain),
        (_, Retry::FetchAgain) => (ReasonCode::ArchiveDamaged, Remedy::DownloadAgain),
        (_, Retry::Never) => (ReasonCode::ArchiveRefused, Remedy::Quarantine),
    };
    Trouble::Failed(Failure::new(code, error.to_string(), remedy))
}

/// The archive held, so what is wrong with the document was sent that way.
fn unreadable(error: DocumentError) -> Trouble {
    if let DocumentError::Source(source) = &error
        && let Some(error) = qcc_archive::Error::from_io(source)
    {
        return refused(error.clone());
    }
    Trouble::Failed(Failure::new(
        ReasonCode::DocumentRefused,
        error.to_string(),
        Remedy::Quarantine,
    ))
}

/// The disk's fault, and this archive's alone as far as anybody knows: the orders
/// behind it must not wait for it.
fn unread(error: &dyn std::error::Error) -> Trouble {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    Trouble::Failed(Failure::new(
        ReasonCode::Transient,
        format!("its kept archive cannot be read: {error}{cause}"),
        Remedy::BackOff,
    ))
}

fn missing(what: &str) -> Trouble {
    Trouble::Failed(Failure::new(
        ReasonCode::ArchiveMissing,
        format!("{what}; it is downloaded again"),
        Remedy::DownloadAgain,
    ))
}

impl From<crate::StoreError> for Trouble {
    fn from(error: crate::StoreError) -> Self {
        Self::Stop(EngineError::Store(error))
    }
}

#[cfg(test)]
mod tests;
