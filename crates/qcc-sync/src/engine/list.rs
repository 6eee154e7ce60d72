//! Reading the order list (6.2.4), and noting what it shows.

use qcc_proto::ListedOrder;

use super::{Engine, EngineError, tell_answer};
use crate::{Event, Gap, Listing, Observer, VendorCall};

impl Engine {
    /// Reads the order list once and notes what it shows: how many orders it named,
    /// and how many of them are new.
    ///
    /// # Errors
    /// [`EngineError`], as for [`settle`](Self::settle).
    pub async fn list(&self, observer: &dyn Observer) -> Result<(u32, u32), EngineError> {
        let now = self.clock.now();
        let answer = self.client.list_orders(now).await;
        tell_answer(VendorCall::List, &answer, observer);
        let answer = answer.map_err(EngineError::Vendor)?;
        let unreadable = u32::try_from(answer.unreadable_count).unwrap_or(u32::MAX);
        if unreadable > 0 {
            tracing::error!(
                unreadable,
                lines = ?answer.unreadable,
                "lines of the order list could not be read: orders may be missing"
            );
            observer.event(&Event::Unreadable { lines: unreadable });
        }
        let listed = unique(answer.orders);
        let listing = Listing::of(&listed, self.policy.window.get(), unreadable, now);
        let count = listing.listed;
        self.label_as_listed(&listed, now).await?;
        let noted = self.store.note_list(&listed, &listing).await?;
        let fresh = noted.new;
        observer.event(&Event::Listed { listed: count, fresh });
        if noted.forgotten > 0 {
            tracing::warn!(
                orders = noted.forgotten,
                "forgot orders that only calls had named: the vendor does not know them"
            );
            observer.event(&Event::Forgotten { orders: noted.forgotten });
        }
        if let Some(gap) = noted.gap {
            report_gap(&gap);
            observer.event(&Event::Gap(gap));
        }
        Ok((count, fresh))
    }
}

/// The list without repetitions, in its order.
fn unique(listed: Vec<ListedOrder>) -> Vec<ListedOrder> {
    let mut seen = std::collections::BTreeSet::new();
    listed.into_iter().filter(|order| seen.insert(order.order_no.clone())).collect()
}

fn report_gap(gap: &Gap) {
    tracing::error!(
        after = %gap.after.order_no, before = %gap.before.order_no,
        "orders may be missing: the list no longer reaches back to the last one known"
    );
}
