//! What the labels in the archive folder say, to be compared with the ledger.

use std::collections::BTreeMap;

use qcc_proto::{OrderNo, UnzipPassword};

use super::{PAGE, VerifyError};
use crate::{Archives, KeptArchive, Label, Order, State};

/// What opens which archive of an order, by the labels.
pub(super) type Labels = BTreeMap<OrderNo, Vec<Opener>>;

/// What a label says, as far as it matters here.
pub(super) struct Opener {
    pub(super) archive: KeptArchive,
    pub(super) password: UnzipPassword,
    /// Whether a list had named the order.
    pub(super) listed: bool,
}

/// Whether the ledger waits for an order of which it has nothing.
pub(super) fn rests_bare(order: &Order) -> bool {
    order.is_bare() && matches!(order.state, State::Waiting { .. } | State::Quarantined { .. })
}

pub(super) async fn labels<A: Archives>(archives: &A) -> Result<Labels, VerifyError> {
    let mut labels = Labels::new();
    let mut after = None;
    loop {
        let page = archives.shelved(after.as_ref(), PAGE as usize).await?;
        let Some(last) = page.last() else { return Ok(labels) };
        after = Some(last.archive.sha256);
        for shelved in page {
            for Label { order_no, password, listed_at, .. } in shelved.labels {
                let (archive, listed) = (shelved.archive, listed_at.is_some());
                let known = labels.entry(order_no).or_default();
                known.push(Opener { archive, password, listed });
            }
        }
    }
}
