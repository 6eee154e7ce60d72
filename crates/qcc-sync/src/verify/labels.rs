//! What the labels in the archive folder say, compared with the ledger: archives
//! that are kept beside those that were applied.

use std::collections::{BTreeMap, BTreeSet};

use qcc_proto::{OrderNo, UnzipPassword};

use super::{Finding, PAGE, Proof, VerifyError, blocking, reading};
use crate::{Archives, KeptArchive, Label, Order, Sha256, State};

/// What opens which archive of an order, by the labels.
pub(super) type Labels = BTreeMap<OrderNo, Vec<Opener>>;

/// What a label says, as far as it matters here.
pub(super) struct Opener {
    pub(super) archive: KeptArchive,
    pub(super) password: UnzipPassword,
    /// Whether a list had named the order.
    pub(super) listed: bool,
}

/// Whether the ledger waits for an order of which it has nothing. One that is being
/// fetched is labelled a moment before the ledger knows; one that rests is not
/// being fetched.
fn rests_bare(order: &Order) -> bool {
    order.is_bare() && matches!(order.state, State::Waiting { .. } | State::Quarantined { .. })
}

impl Proof<'_> {
    /// Looks at what is kept of an order beside the archive the ledger names.
    pub(super) async fn look_beside(
        &mut self,
        order: &Order,
        archives: &dyn Archives,
    ) -> Result<(), VerifyError> {
        self.verdict.waiting += u64::from(order.applied.is_none());
        if let Some(kept) = order.archive {
            self.strays.remove(&kept.sha256);
        }
        let Some(labels) = self.labels.remove(&order.no) else { return Ok(()) };
        let mut opens = None;
        for opener in labels.into_iter().filter(|label| order.archive != Some(label.archive)) {
            let (archive, password) = (opener.archive, opener.password);
            // What the disk does not give back now is nobody's loss: nothing stands on it.
            let Ok(Some(file)) = archives.open(&archive).await else { continue };
            let settings = self.settings.clone();
            let opened =
                blocking(move || reading::opens(&file, &archive, &password, &settings)).await?;
            match opened {
                Some(true) => opens = Some(archive.sha256),
                Some(false) if self.refused.insert(archive.sha256) => {
                    self.verdict.refused_kept += 1;
                    self.verdict.refused_bytes += archive.size;
                }
                _ => {}
            }
        }
        if let Some(sha256) = opens.filter(|_| rests_bare(order)) {
            self.verdict.recoverable += 1;
            let (order_no, state) = (order.no.clone(), order.state.name());
            let reason = order.state.reason().cloned();
            self.tell(Finding::NotApplied { order_no, sha256, state, reason });
        }
        Ok(())
    }

    /// Labels of which the ledger knows no order: it was lost, or is an older one. And
    /// what has no label, and the ledger does not name.
    pub(super) fn name_unapplied(&mut self) {
        self.verdict.strays = self.strays.len() as u64;
        self.verdict.stray_bytes = self.strays.values().sum();
        for (order_no, labels) in std::mem::take(&mut self.labels) {
            let pruned = |label: &Opener| self.retention.has_pruned(&order_no, &label.archive);
            if labels.iter().all(pruned) {
                continue;
            }
            self.verdict.unapplied += 1;
            if let Some(Opener { archive, .. }) = labels.last() {
                self.tell(Finding::Unapplied { order_no, sha256: archive.sha256 });
            }
        }
    }
}

/// Archives that were found not to open: one may bear several labels.
pub(super) type RefusedArchives = BTreeSet<Sha256>;

/// Archives without a label, and their sizes.
pub(super) type Strays = BTreeMap<Sha256, u64>;

pub(super) async fn labels(archives: &dyn Archives) -> Result<(Labels, Strays), VerifyError> {
    let (mut labels, mut strays) = (Labels::new(), Strays::new());
    let mut after = None;
    loop {
        let page = archives.shelved(after.as_ref(), PAGE as usize).await?;
        let Some(last) = page.last() else { return Ok((labels, strays)) };
        after = Some(last.archive.sha256);
        for shelved in page {
            if shelved.labels.is_empty() && shelved.unreadable == 0 {
                strays.insert(shelved.archive.sha256, shelved.archive.size);
            }
            for Label { order_no, password, listed_at, .. } in shelved.labels {
                let (archive, listed) = (shelved.archive, listed_at.is_some());
                let known = labels.entry(order_no).or_default();
                known.push(Opener { archive, password, listed });
            }
        }
    }
}
