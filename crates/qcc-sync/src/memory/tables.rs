//! What the store in memory holds, and how it changes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use qcc_proto::{ListedOrder, MonitorLevel, MonitorType, OrderNo, RiskRecord, ShanghaiTime};

use crate::{
    Account, Claim, Continuity, DENIED_FORGOTTEN_AFTER, Decision, FORGOTTEN_AFTER, Gap, Lease,
    Life, Listing, MOST_UNCONFIRMED, NotedList, Order, Rank, ReasonCode, RecordFilter, SetAside,
    State, StoreError, StoreErrorKind, UnknownWord, Versioned, Want, Worker, due_at, join_list,
    lease_end, oldest_before,
};

#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    pub(super) orders: BTreeMap<OrderNo, Order>,
    leases: BTreeMap<OrderNo, Held>,
    pub(super) records: BTreeMap<String, (Rank, RiskRecord)>,
    pub(super) set_aside: BTreeMap<OrderNo, Vec<SetAside>>,
    pub(super) unknown: BTreeMap<OrderNo, Vec<UnknownWord>>,
    pub(super) gaps: Vec<Gap>,
    pub(super) listing: Option<Listing>,
    pub(super) account: Versioned<Account>,
    pub(super) forgotten: u64,
    pub(super) unreadable_open: u64,
    pub(super) acknowledged: BTreeSet<OrderNo>,
    pub(super) life: Option<Life>,
}

/// The last lease of an order.
#[derive(Debug, Clone)]
struct Held {
    epoch: u64,
    /// Who holds it, and until when; `None` once it was given back.
    by: Option<(String, Timestamp)>,
}

impl Tables {
    pub(super) fn note_list(&mut self, listed: &[ListedOrder], listing: &Listing) -> NotedList {
        let continuity = self.continuity(listed);
        let joined = join_list(listed, listing, &continuity, self.listing.as_ref());
        let mut new = 0;
        for line in listed {
            let order = self.orders.entry(line.order_no.clone()).or_insert_with(|| {
                new += 1;
                Order::seen(line.order_no.clone(), listing.at)
            });
            *order = order.clone().listed(line.created_at, listing.at);
        }
        if joined.is_latest {
            self.listing = Some(joined.listing);
        }
        self.unreadable_open = self.unreadable_open.max(listing.unreadable.into());
        let forgotten = self.forget(listing.at);
        let is_kept = |gap: &Gap| {
            let ends = (&gap.after.order_no, &gap.before.order_no);
            self.gaps.iter().any(|g| (&g.after.order_no, &g.before.order_no) == ends)
        };
        let id = i64::try_from(self.gaps.len()).unwrap_or(i64::MAX).saturating_add(1);
        let gap = joined.gap.filter(|gap| !is_kept(gap)).map(|gap| Gap { id, ..gap });
        self.gaps.extend(gap.clone());
        NotedList { new, continuity, gap, forgotten }
    }

    /// Forgets what only calls named, where lists read since did not confirm it.
    fn forget(&mut self, now: Timestamp) -> u64 {
        let last_listing = self.listing.as_ref().map(|listing| listing.at);
        let is_denied = |order: &Order| {
            order.state.reason().is_some_and(|reason| reason.code == ReasonCode::UnknownToVendor)
        };
        let mut unconfirmed: Vec<(Timestamp, OrderNo, bool)> = self
            .orders
            .values()
            .filter(|order| order.is_unconfirmed(last_listing))
            .map(|order| (order.first_seen_at, order.no.clone(), is_denied(order)))
            .collect();
        unconfirmed.sort();
        let most = usize::try_from(MOST_UNCONFIRMED).unwrap_or(usize::MAX);
        let excess = unconfirmed.len().saturating_sub(most);
        let before = self.orders.len();
        for (n, (seen_at, no, denied)) in unconfirmed.iter().enumerate() {
            let longest = if *denied { DENIED_FORGOTTEN_AFTER } else { FORGOTTEN_AFTER };
            if n < excess || now.duration_since(*seen_at) >= longest {
                self.orders.remove(no);
                self.leases.remove(no);
            }
        }
        let forgotten = (before - self.orders.len()) as u64;
        self.forgotten += forgotten;
        forgotten
    }

    pub(super) fn decide(&mut self, decision: &Decision, now: Timestamp) -> bool {
        let change = |order: Option<&mut Order>, to: &dyn Fn(Order) -> Option<Order>| {
            let Some(order) = order else { return false };
            let Some(changed) = to(order.clone()) else { return false };
            let is_new = changed != *order;
            *order = changed;
            is_new
        };
        let seen = |no: &OrderNo| Order::seen(no.clone(), now);
        match decision {
            Decision::AddOrder { order_no } => {
                let order = self.orders.entry(order_no.clone()).or_insert_with(|| seen(order_no));
                change(Some(order), &|order| Some(order.added(now)))
            }
            Decision::AddArchive { order_no, archive, password } => {
                let order = self.orders.entry(order_no.clone()).or_insert_with(|| seen(order_no));
                change(Some(order), &|order| order.with_archive(*archive, password.clone(), now))
            }
            Decision::Accept { order_no } => {
                change(self.orders.get_mut(order_no), &|order| order.accepted())
            }
            Decision::Dismiss { order_no, note } => {
                change(self.orders.get_mut(order_no), &|order| order.dismissed(note.clone(), now))
            }
            Decision::CloseGap { id, note } => {
                let gap = self.gaps.iter_mut().find(|gap| gap.id == *id);
                let open = gap.filter(|gap| gap.closed_at.is_none());
                open.map(|gap| (gap.closed_at, gap.note) = (Some(now), note.clone())).is_some()
            }
            Decision::ReopenGap { id, note } => {
                let gap = self.gaps.iter_mut().find(|gap| gap.id == *id);
                let closed = gap.filter(|gap| gap.closed_at.is_some());
                closed.map(|gap| (gap.closed_at, gap.note) = (None, note.clone())).is_some()
            }
            Decision::AcknowledgeRecords { order_no } => {
                let named = |no: &OrderNo| order_no.as_ref().is_none_or(|only| only == no);
                let kept = self.set_aside.iter().filter(|(no, set)| named(no) && !set.is_empty());
                let open: Vec<OrderNo> = kept.map(|(no, _)| no.clone()).collect();
                let before = self.acknowledged.len();
                self.acknowledged.extend(open);
                self.acknowledged.len() > before
            }
            Decision::AcknowledgeLines => std::mem::take(&mut self.unreadable_open) > 0,
        }
    }

    pub(super) fn claim(
        &mut self,
        worker: &Worker,
        want: Want,
        in_hand: &[OrderNo],
        now: Timestamp,
    ) -> Claim {
        let last_listing = self.listing.as_ref().map(|listing| listing.at);
        let wanted = |order: &Order| match want {
            Want::Kept => order.archive.is_some(),
            Want::Confirmed => order.archive.is_none() && order.is_confirmed(),
            Want::Unconfirmed => order.is_unconfirmed(last_listing),
        };
        let due = self
            .orders
            .values()
            .filter(|order| wanted(order) && !in_hand.contains(&order.no))
            .filter_map(|order| {
                let theirs = self.lease_of_another(&order.no, worker, now);
                Some((due_at(order, theirs, now)?, order))
            });
        let urgent = due.clone().filter(|(due, _)| *due <= now).map(|(_, order)| order).min_by_key(
            |order| match want {
                // Each gets its turn, however many there are.
                Want::Unconfirmed => (order.failures, age(order)),
                Want::Confirmed | Want::Kept => (u32::from(order.failures > 0), age(order)),
            },
        );
        match urgent.cloned() {
            Some(order) => Claim::Leased(Box::new(self.lease(order, worker, now))),
            None => Claim::Nothing { next_due: due.map(|(due, _)| due).min() },
        }
    }

    /// Until when another worker has the order.
    fn lease_of_another(
        &self,
        order_no: &OrderNo,
        worker: &Worker,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let (who, until) = self.leases.get(order_no)?.by.as_ref()?;
        (*who != worker.name && *until > now).then_some(*until)
    }

    fn lease(&mut self, order: Order, worker: &Worker, now: Timestamp) -> Lease {
        let until = lease_end(worker, now);
        let held = self.leases.entry(order.no.clone()).or_insert(Held { epoch: 0, by: None });
        held.epoch = held.epoch.saturating_add(1);
        held.by = Some((worker.name.clone(), until));
        Lease { order, worker: worker.clone(), epoch: held.epoch, until }
    }

    /// Fails where the lease is not the last one of its order, or was given back.
    pub(super) fn check(&self, lease: &Lease) -> Result<(), StoreError> {
        let is_ours = self.leases.get(&lease.order.no).is_some_and(|held| {
            let owner = held.by.as_ref().map(|(who, _)| who);
            held.epoch == lease.epoch && owner == Some(&lease.worker.name)
        });
        if is_ours {
            return Ok(());
        }
        let no = &lease.order.no;
        let detail = format!("the lease of order {no} was lost; nothing was changed");
        Err(StoreError::new(StoreErrorKind::LeaseLost, detail))
    }

    pub(super) fn renew(&mut self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        self.check(lease)?;
        if let Some(held) = self.leases.get_mut(&lease.order.no) {
            held.by = Some((lease.worker.name.clone(), lease_end(&lease.worker, now)));
        }
        Ok(())
    }

    pub(super) fn end_lease(&mut self, order_no: &OrderNo) {
        if let Some(held) = self.leases.get_mut(order_no) {
            held.by = None;
        }
    }

    /// Takes over what a worker may know; what lists, calls and persons noted stays.
    pub(super) fn write(&mut self, order: &Order) {
        let mut order = Order { location: None, ..order.clone() };
        if let Some(noted) = self.orders.get(&order.no) {
            order.created_at = noted.created_at;
            order.first_seen_at = noted.first_seen_at;
            order.listed_at = noted.listed_at;
            order.called_at = noted.called_at;
            order.added_at = noted.added_at;
        }
        self.orders.insert(order.no.clone(), order);
    }

    pub(super) fn adopt(
        &mut self,
        orders: &[Order],
        worker: &Worker,
        now: Timestamp,
    ) -> Vec<OrderNo> {
        let mut adopted = Vec::new();
        for found in orders.iter().filter(|found| found.state == State::Fetched) {
            let taken = match self.orders.get(&found.no) {
                Some(_) if self.lease_of_another(&found.no, worker, now).is_some() => None,
                Some(known) => known.clone().adopting(found),
                None => Some(found.clone()),
            };
            if let Some(order) = taken {
                adopted.push(order.no.clone());
                self.orders.insert(order.no.clone(), order);
            }
        }
        adopted
    }

    pub(super) fn reopen(
        &mut self,
        order_no: &OrderNo,
        worker: &Worker,
        now: Timestamp,
    ) -> Option<Lease> {
        if self.lease_of_another(order_no, worker, now).is_some() {
            return None;
        }
        let order = self.orders.get(order_no).cloned().and_then(Order::reopened)?;
        self.orders.insert(order_no.clone(), order.clone());
        Some(self.lease(order, worker, now))
    }

    pub(super) fn aside_page(
        &self,
        order_no: &OrderNo,
        after: Option<u64>,
        limit: u32,
    ) -> Vec<SetAside> {
        let all = self.set_aside.get(order_no).map(Vec::as_slice).unwrap_or_default();
        let page = all.iter().filter(|aside| after.is_none_or(|after| aside.position > after));
        page.take(limit as usize).cloned().collect()
    }

    fn continuity(&self, listed: &[ListedOrder]) -> Continuity {
        let known = |no: &OrderNo| self.orders.get(no).is_some_and(|o| o.listed_at.is_some());
        let before = listed.iter().filter(|listed| known(&listed.order_no)).count();
        let named = self.orders.values().filter(|order| order.listed_at.is_some());
        let newest = named
            .max_by_key(|order| age(order))
            .map(|order| ListedOrder::new(order.no.clone(), order.created_at));
        let kept = self.orders.values().filter(|order| order.archive.is_some()).cloned();
        Continuity {
            listed_before: u32::try_from(before).unwrap_or(u32::MAX),
            oldest_kept: if newest.is_none() { oldest_before(listed, kept) } else { None },
            newest_listed: newest,
        }
    }
}

pub(super) fn age(order: &Order) -> (Timestamp, &OrderNo) {
    (order.created_at.map_or(order.first_seen_at, ShanghaiTime::timestamp), &order.no)
}

pub(super) fn matches(filter: &RecordFilter, rank: &Rank, record: &RiskRecord) -> bool {
    let same = |wanted: &Option<String>, word: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| word == Some(wanted))
    };
    same(&filter.level, record.monitor_level.as_ref().map(MonitorLevel::as_str))
        && same(&filter.monitor_type, record.monitor_type.as_ref().map(MonitorType::as_str))
        && filter.corp.as_deref().is_none_or(|corp| {
            record.corp_key_no.as_deref() == Some(corp)
                || record.corp_name.as_deref().is_some_and(|name| name.contains(corp))
        })
        && filter.changed_since.as_deref().is_none_or(|since| {
            record.change_date.as_deref().is_some_and(|changed| changed >= since)
        })
        && filter.pushed_since.is_none_or(|since| rank.push_date >= since)
        && filter.pushed_until.is_none_or(|until| rank.push_date <= until)
        && filter.order_no.as_ref().is_none_or(|no| rank.order_no == *no)
}
