//! Labels: what the ledger knows of an order, kept beside its archive.
//!
//! They are written when an archive is kept, before the ledger learns of it, and
//! once more when a list first names the order: whether it was listed is what a
//! rebuilt ledger needs to recognise a gap.

use qcc_proto::ListedOrder;

use super::{Engine, EngineError, Trouble};
use crate::{Archives, Clock, Label, Order, Store};

impl<S: Store, A: Archives, C: Clock> Engine<S, A, C> {
    /// Writes an order's label, if its archive is kept.
    pub(super) async fn label(&self, order: &Order) -> Result<(), Trouble> {
        if let Some((archive, label)) = Label::of(order, self.clock.now()) {
            self.archives.label(&archive, &label).await?;
        }
        Ok(())
    }

    /// Orders that no list had named when their archive was labelled.
    pub(super) async fn kept_but_unlisted(
        &self,
        listed: &[ListedOrder],
    ) -> Result<Vec<ListedOrder>, EngineError> {
        let mut unlisted = Vec::new();
        for line in listed {
            let known = self.store.order(&line.order_no).await?;
            if known.is_some_and(|order| order.archive.is_some() && order.listed_at.is_none()) {
                unlisted.push(line.clone());
            }
        }
        Ok(unlisted)
    }

    /// Labels archives anew with what a list has added.
    pub(super) async fn label_again(&self, orders: &[ListedOrder]) -> Result<(), EngineError> {
        for line in orders {
            let Some(order) = self.store.order(&line.order_no).await? else { continue };
            if let Some((archive, label)) = Label::of(&order, self.clock.now()) {
                self.archives.label(&archive, &label).await?;
            }
        }
        Ok(())
    }
}
