//! The store in memory: the trait's meaning in its plainest form.

mod rebuild;

pub use rebuild::MemorySnapshot;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use qcc_proto::{ListedOrder, MonitorLevel, MonitorType, OrderNo, RiskRecord, ShanghaiTime};

use crate::{
    Activation, AnswerErrors, Apply, Callbacks, Changes, Continuity, DENIED_FORGOTTEN_AFTER,
    Decision, FORGOTTEN_AFTER, Gap, Hold, Life, Listing, MOST_UNCONFIRMED, NotedListing, Order,
    OrderFilter, Overview, Rank, ReasonCode, RecordFilter, Row, SecretPath, SetAside, Sha256,
    State, Store, StoreError, StoreErrorKind, StoredRecord, UnknownWord, Want, Worker, Written,
    gap_by_now, is_resting, oldest_before,
};

/// A [`Store`] in memory, for tests, simulation and as the reference that other
/// stores are compared with. Clones share it; nothing outlives the process.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Tables>>);

#[derive(Debug, Clone, Default)]
struct Tables {
    orders: BTreeMap<OrderNo, Order>,
    leases: BTreeMap<OrderNo, (String, Timestamp)>,
    records: BTreeMap<String, (Rank, RiskRecord)>,
    set_aside: BTreeMap<OrderNo, Vec<SetAside>>,
    unknown: BTreeMap<OrderNo, Vec<UnknownWord>>,
    gaps: Vec<Gap>,
    listing: Option<Listing>,
    hold: Option<Hold>,
    calls_expected_since: Option<Timestamp>,
    activation: Option<Activation>,
    secret_path: Option<SecretPath>,
    errors: Option<AnswerErrors>,
    forgotten: u64,
    unreadable_open: u64,
    acknowledged: BTreeSet<OrderNo>,
    life: Option<Life>,
}

impl MemoryStore {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    type Apply = MemoryApply;

    async fn continuity(&self, listed: &[ListedOrder]) -> Result<Continuity, StoreError> {
        Ok(self.tables().continuity(listed))
    }

    async fn note_listing(
        &self,
        listed: &[ListedOrder],
        listing: &Listing,
        gap: Option<&Gap>,
    ) -> Result<NotedListing, StoreError> {
        let mut tables = self.tables();
        let gap = gap_by_now(gap, listed, &tables.continuity(listed), listing.at);
        let mut new = 0;
        for line in listed {
            let order = tables.orders.entry(line.order_no.clone()).or_insert_with(|| {
                new += 1;
                Order::seen(line.order_no.clone(), listing.at)
            });
            *order = order.clone().listed(line.created_at, listing.at);
        }
        tables.listing = Some(listing.clone());
        tables.unreadable_open = tables.unreadable_open.max(listing.unreadable.into());
        let forgotten = tables.forget(listing.at);
        let is_kept = |gap: &Gap| {
            let ends = (&gap.after.order_no, &gap.before.order_no);
            tables.gaps.iter().any(|g| (&g.after.order_no, &g.before.order_no) == ends)
        };
        let id = i64::try_from(tables.gaps.len()).unwrap_or(i64::MAX).saturating_add(1);
        let gap = gap.filter(|gap| !is_kept(gap)).map(|gap| Gap { id, ..gap });
        tables.gaps.extend(gap.clone());
        Ok(NotedListing { fresh: new, gap, forgotten })
    }

    async fn note_call(&self, order_no: &OrderNo, now: Timestamp) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let new = !tables.orders.contains_key(order_no);
        let order = tables
            .orders
            .entry(order_no.clone())
            .or_insert_with(|| Order::seen(order_no.clone(), now));
        order.called_at = Some(now);
        Ok(new)
    }

    async fn claim(
        &self,
        worker: &Worker,
        want: Want,
        in_hand: &[OrderNo],
        now: Timestamp,
    ) -> Result<Option<Order>, StoreError> {
        Ok(self.tables().claim(worker, want, in_hand, now))
    }

    async fn save(&self, order: &Order, worker: &Worker, now: Timestamp) -> Result<(), StoreError> {
        let mut tables = self.tables();
        tables.write(order, worker)?;
        tables.lease(&order.no, worker, now);
        Ok(())
    }

    async fn release(&self, order_no: &OrderNo, worker: &Worker) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if tables.leases.get(order_no).is_some_and(|(who, _)| *who == worker.name) {
            tables.leases.remove(order_no);
        }
        Ok(())
    }

    async fn begin_apply(
        &self,
        order_no: &OrderNo,
        push_date: ShanghaiTime,
        worker: &Worker,
    ) -> Result<MemoryApply, StoreError> {
        self.tables().holds(order_no, worker)?;
        Ok(MemoryApply {
            store: self.clone(),
            order_no: order_no.clone(),
            push_date,
            worker: worker.clone(),
            rows: 0,
            greatest: BTreeMap::new(),
            set_aside: Vec::new(),
        })
    }

    async fn retry(&self, orders: &[OrderNo], _: Timestamp) -> Result<Vec<OrderNo>, StoreError> {
        let mut tables = self.tables();
        let named = |order: &&mut Order| match orders.is_empty() {
            true => order.dismissed.is_none(),
            false => orders.contains(&order.no),
        };
        let mut changed = Vec::new();
        for order in tables.orders.values_mut().filter(named) {
            if let Some(retried) = order.clone().retried() {
                changed.push(order.no.clone());
                *order = retried;
            }
        }
        Ok(changed)
    }

    async fn order(&self, order_no: &OrderNo) -> Result<Option<Order>, StoreError> {
        Ok(self.tables().orders.get(order_no).cloned())
    }

    async fn orders(&self, filter: &OrderFilter) -> Result<Vec<Order>, StoreError> {
        let tables = self.tables();
        let mut orders: Vec<Order> = tables
            .orders
            .values()
            .filter(|order| filter.state.is_none_or(|state| order.state.name() == state))
            .cloned()
            .collect();
        orders.sort_by(|a, b| age(b).cmp(&age(a)));
        orders.truncate(filter.limit.map_or(usize::MAX, |limit| limit as usize));
        Ok(orders)
    }

    async fn records(
        &self,
        filter: &RecordFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let tables = self.tables();
        let is_after = |id: &str, rank: &Rank| {
            let is_tied = !filter.newest_first || Some(rank.push_date) == filter.pushed_until;
            !is_tied || after.is_none_or(|after| id > after)
        };
        let mut page: Vec<StoredRecord> = tables
            .records
            .iter()
            .filter(|(id, (rank, record))| is_after(id, rank) && matches(filter, rank, record))
            .map(|(_, (rank, record))| StoredRecord { record: record.clone(), rank: rank.clone() })
            .collect();
        if filter.newest_first {
            // Stable: they stay by id among equal ones.
            page.sort_by_key(|stored| Reverse(stored.rank.push_date));
        }
        page.truncate(limit as usize);
        Ok(page)
    }

    async fn set_aside(&self, order_no: &OrderNo) -> Result<Vec<SetAside>, StoreError> {
        Ok(self.tables().set_aside.get(order_no).cloned().unwrap_or_default())
    }

    async fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        let mut gaps = self.tables().gaps.clone();
        gaps.sort_by_key(|gap| (gap.closed_at.is_some(), gap.id));
        Ok(gaps)
    }

    async fn decide(&self, decision: &Decision, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.tables().decide(decision, now))
    }

    async fn note_life(&self, life: &Life) -> Result<(), StoreError> {
        self.tables().life = Some(life.clone());
        Ok(())
    }

    async fn other_with_archive(
        &self,
        archive: &Sha256,
        other_than: &OrderNo,
    ) -> Result<Option<Order>, StoreError> {
        let tables = self.tables();
        let has = |order: &&Order| order.archive.is_some_and(|kept| kept.sha256 == *archive);
        let others = tables.orders.values().filter(|order| order.no != *other_than);
        Ok(others.filter(has).min_by_key(|order| order.state != State::Applied).cloned())
    }

    async fn set_hold(&self, hold: Option<&Hold>) -> Result<(), StoreError> {
        self.tables().hold = hold.cloned();
        Ok(())
    }

    async fn hold(&self) -> Result<Option<Hold>, StoreError> {
        Ok(self.tables().hold.clone())
    }

    async fn expect_calls(&self, now: Timestamp) -> Result<(), StoreError> {
        self.tables().calls_expected_since.get_or_insert(now);
        Ok(())
    }

    async fn note_activation(&self, activation: &Activation) -> Result<(), StoreError> {
        self.tables().activation = Some(activation.clone());
        Ok(())
    }

    async fn begin_activation(
        &self,
        before: Option<&Activation>,
        attempt: &Activation,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let is_first = tables.activation.as_ref() == before;
        if is_first {
            tables.activation = Some(attempt.clone());
        }
        Ok(is_first)
    }

    async fn note_answer_errors(&self, errors: Option<AnswerErrors>) -> Result<(), StoreError> {
        self.tables().errors = errors;
        Ok(())
    }

    async fn set_secret_path(&self, path: Option<&SecretPath>) -> Result<(), StoreError> {
        self.tables().secret_path = path.cloned();
        Ok(())
    }

    async fn secret_path(&self) -> Result<Option<SecretPath>, StoreError> {
        Ok(self.tables().secret_path.clone())
    }

    async fn overview(&self) -> Result<Overview, StoreError> {
        let tables = self.tables();
        let mut overview = Overview::empty();
        let last_listing = tables.listing.as_ref().map(|listing| listing.at);
        let (unconfirmed, orders): (Vec<_>, Vec<_>) =
            tables.orders.values().partition(|order| order.is_unconfirmed(last_listing));
        let (dismissed, orders): (Vec<_>, Vec<_>) =
            orders.into_iter().partition(|order| order.dismissed.is_some());
        overview.unconfirmed = unconfirmed.len() as u64;
        overview.awaiting_list =
            orders.iter().filter(|order| order.is_awaiting_list()).count() as u64;
        overview.forgotten = tables.forgotten;
        overview.dismissed = dismissed.len() as u64;
        for order in &orders {
            *overview.orders.entry(order.state.name()).or_default() += 1;
            if let Some(reason) = order.state.reason() {
                *overview.reasons.entry(reason.code).or_default() += 1;
            }
            if let State::Waiting { until, .. } = &order.state {
                overview.next_due = Some(overview.next_due.map_or(*until, |due| due.min(*until)));
            }
        }
        overview.oldest_pending = orders
            .iter()
            .filter(|order| order.state != State::Applied)
            .min_by_key(|order| (order.first_seen_at, &order.no))
            .map(|order| (order.no.clone(), order.first_seen_at));
        overview.records = tables.records.len() as u64;
        overview.set_aside = tables.set_aside.values().map(|set| set.len() as u64).sum();
        let open = tables.set_aside.iter().filter(|(no, _)| !tables.acknowledged.contains(*no));
        overview.set_aside_open = open.map(|(_, set)| set.len() as u64).sum();
        overview.unreadable_open = tables.unreadable_open;
        overview.life = tables.life.clone();
        overview.unknown_words = tables.unknown_words();
        overview.gaps = tables.gaps.iter().filter(|g| g.closed_at.is_none()).cloned().collect();
        overview.last_listing = tables.listing.clone();
        let listed = tables.orders.values().filter(|order| order.listed_at.is_some());
        overview.last_call = listed.filter_map(|order| order.called_at).max();
        overview.last_applied =
            tables.orders.values().filter_map(|order| Some(order.applied.as_ref()?.at)).max();
        overview.hold = tables.hold.clone();
        overview.callbacks = tables.callbacks();
        Ok(overview)
    }
}

impl Tables {
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

    fn decide(&mut self, decision: &Decision, now: Timestamp) -> bool {
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

    fn claim(
        &mut self,
        worker: &Worker,
        want: Want,
        in_hand: &[OrderNo],
        now: Timestamp,
    ) -> Option<Order> {
        let last_listing = self.listing.as_ref().map(|listing| listing.at);
        let wanted = |order: &Order| match want {
            Want::Kept => order.archive.is_some(),
            Want::Confirmed => order.archive.is_none() && order.is_confirmed(),
            Want::Unconfirmed => order.is_unconfirmed(last_listing),
        };
        let theirs = |no: &OrderNo| {
            self.leases.get(no).is_some_and(|(who, until)| *who != worker.name && *until > now)
        };
        let due = |order: &&Order| match &order.state {
            State::Seen | State::Located | State::Fetched => true,
            State::Waiting { until, reason } => !is_resting(*until, reason.code, now),
            State::Applied | State::Quarantined { .. } => false,
        };
        let urgent = self
            .orders
            .values()
            .filter(|order| due(order) && wanted(order))
            .filter(|order| !theirs(&order.no) && !in_hand.contains(&order.no))
            .min_by_key(|order| match want {
                // Each gets its turn, however many there are.
                Want::Unconfirmed => (order.failures, age(order)),
                Want::Confirmed | Want::Kept => (u32::from(order.failures > 0), age(order)),
            })
            .cloned();
        if let Some(order) = &urgent {
            self.lease(&order.no, worker, now);
        }
        urgent
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

    fn callbacks(&self) -> Callbacks {
        let uncalled = self.uncalled();
        Callbacks {
            expected_since: self.calls_expected_since,
            uncalled: uncalled.len() as u64,
            uncalled_since: uncalled.iter().filter_map(|order| order.listed_at).min(),
            activation: self.activation.clone(),
            errors: self.errors,
        }
    }

    fn uncalled(&self) -> Vec<&Order> {
        let Some(expected_since) = self.calls_expected_since else { return Vec::new() };
        let made = |order: &Order| age(order).0;
        let listed = || self.orders.values().filter(|order| order.listed_at.is_some());
        let newest_called = listed().filter(|order| order.called_at.is_some()).map(made).max();
        let agreed_at = self.activation.as_ref().and_then(|activation| activation.agreed_at);
        let bound = Some(expected_since).max(newest_called).max(agreed_at);
        listed().filter(|o| o.called_at.is_none() && Some(made(o)) > bound).collect()
    }

    fn lease(&mut self, order_no: &OrderNo, worker: &Worker, now: Timestamp) {
        let until = now.checked_add(worker.term).unwrap_or(Timestamp::MAX);
        self.leases.insert(order_no.clone(), (worker.name.clone(), until));
    }

    fn holds(&self, order_no: &OrderNo, worker: &Worker) -> Result<(), StoreError> {
        match self.leases.get(order_no) {
            Some((who, _)) if *who == worker.name => Ok(()),
            _ => Err(StoreError::new(
                StoreErrorKind::LeaseLost,
                format!("another worker holds order {order_no} now"),
            )),
        }
    }

    /// Takes over what a worker may know; what lists and calls noted stays.
    fn write(&mut self, order: &Order, worker: &Worker) -> Result<(), StoreError> {
        self.holds(&order.no, worker)?;
        let noted = self.orders.get(&order.no);
        let mut order = Order { location: None, ..order.clone() };
        if let Some(noted) = noted {
            order.created_at = noted.created_at;
            order.listed_at = noted.listed_at;
            order.called_at = noted.called_at;
            order.added_at = noted.added_at;
        }
        self.orders.insert(order.no.clone(), order);
        Ok(())
    }

    fn unknown_words(&self) -> Vec<UnknownWord> {
        let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for UnknownWord { field, word, count } in self.unknown.values().flatten() {
            *counts.entry((field, word)).or_default() += count;
        }
        let mut words: Vec<UnknownWord> = counts
            .into_iter()
            .map(|((field, word), count)| UnknownWord {
                field: field.into(),
                word: word.into(),
                count,
            })
            .collect();
        words.sort_by_key(|word| Reverse(word.count));
        words.truncate(100);
        words
    }
}

fn age(order: &Order) -> (Timestamp, &OrderNo) {
    (order.created_at.map_or(order.first_seen_at, ShanghaiTime::timestamp), &order.no)
}

fn matches(filter: &RecordFilter, rank: &Rank, record: &RiskRecord) -> bool {
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

/// An archive on its way into memory.
#[derive(Debug)]
pub struct MemoryApply {
    store: MemoryStore,
    order_no: OrderNo,
    push_date: ShanghaiTime,
    worker: Worker,
    rows: u64,
    greatest: BTreeMap<String, (Rank, RiskRecord)>,
    set_aside: Vec<SetAside>,
}

impl Apply for MemoryApply {
    async fn write(&mut self, batch: Vec<Row>) -> Result<(), StoreError> {
        self.rows += batch.len() as u64;
        for Row { position, record } in batch {
            let (push_date, order_no) = (self.push_date, self.order_no.clone());
            let rank = Rank { push_date, order_no, position };
            if self.greatest.get(&record.id).is_none_or(|(greatest, _)| *greatest <= rank) {
                self.greatest.insert(record.id.clone(), (rank, record));
            }
        }
        Ok(())
    }

    async fn set_aside(&mut self, batch: Vec<SetAside>) -> Result<(), StoreError> {
        self.set_aside.extend(batch);
        Ok(())
    }

    async fn commit(
        mut self,
        unknown: &[UnknownWord],
        order: impl FnOnce(Written) -> Order + Send + 'static,
    ) -> Result<Written, StoreError> {
        let mut tables = self.store.tables();
        let mut changes = Changes::default();
        self.greatest.retain(|id, this| {
            let number = match tables.records.get(id) {
                None => &mut changes.new,
                Some(standing) if standing == this => &mut changes.unchanged,
                Some((rank, _)) if *rank <= this.0 => &mut changes.updated,
                Some(_) => return false,
            };
            *number += 1;
            true
        });
        let written = Written { changes, superseded: self.rows - changes.stored() };
        tables.write(&order(written), &self.worker)?;
        tables.records.extend(self.greatest);
        self.set_aside.sort_by_key(|record| record.position);
        tables.acknowledged.remove(&self.order_no);
        tables.set_aside.insert(self.order_no.clone(), self.set_aside);
        tables.unknown.insert(self.order_no.clone(), unknown.to_vec());
        tables.leases.remove(&self.order_no);
        Ok(written)
    }
}
