//! Labels: what the ledger knows of an order, kept beside its archive.
//!
//! They are written when an archive is kept, before the ledger learns of it, and
//! once more when a list first names the order: whether it was listed is what a
//! rebuilt ledger needs to recognise a gap.

use std::collections::BTreeMap;

use jiff::Timestamp;
use qcc_proto::ListedOrder;

use super::{Engine, EngineError, Trouble};
use crate::{Label, Order};

impl Engine {
    /// Writes an order's label, if its archive is kept.
    pub(super) async fn label(&self, order: &Order) -> Result<(), Trouble> {
        if let Some((archive, label)) = Label::of(order, self.clock.now()) {
            self.archives.label(&archive, &label).await?;
        }
        Ok(())
    }

    /// Labels anew the archives of orders that a list names for the first time.
    /// Before the ledger is told: a crash between the two must leave the label that
    /// says more, for the next list finds nothing new.
    pub(super) async fn label_as_listed(
        &self,
        listed: &[ListedOrder],
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let numbers: Vec<_> = listed.iter().map(|line| line.order_no.clone()).collect();
        let known = self.store.orders_named(&numbers).await?;
        let mut known: BTreeMap<_, _> =
            known.into_iter().map(|order| (order.no.clone(), order)).collect();
        for line in listed {
            let Some(known) = known.remove(&line.order_no) else { continue };
            if known.archive.is_none() || known.listed_at.is_some() {
                continue;
            }
            let created_at = known.created_at.or(line.created_at);
            let order = Order { listed_at: Some(now), created_at, ..known };
            if let Some((archive, label)) = Label::of(&order, now) {
                self.archives.label(&archive, &label).await?;
            }
        }
        Ok(())
    }

    /// A list may have named the order while its archive was fetched, and found no
    /// archive to label.
    pub(super) async fn label_if_listed_since(&self, kept: &Order) -> Result<(), EngineError> {
        let known = self.store.order(&kept.no).await?;
        let Some(known) = known.filter(|known| known.listed_at != kept.listed_at) else {
            return Ok(());
        };
        if let Some((archive, label)) = Label::of(&known, self.clock.now()) {
            self.archives.label(&archive, &label).await?;
        }
        Ok(())
    }
}
