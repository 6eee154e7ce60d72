//! The store in memory: the trait's meaning in its plainest form.

mod apply;
mod overview;
mod snapshot;
mod tables;

use std::{
    cmp::Reverse,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;
use qcc_proto::{ListedOrder, OrderNo, ShanghaiTime};

use apply::MemoryApply;
use snapshot::MemorySnapshot;
use tables::{Tables, age, matches};

use crate::{
    Account, Apply, Claim, Decision, Gap, Lease, Life, Listing, NotedList, Order, OrderFilter,
    Overview, Rank, RecordFilter, SetAside, Sha256, Snapshot, State, Store, StoreError,
    StoredRecord, Versioned, Want, Worker,
};

/// A [`Store`] in memory, for tests, simulation and as the reference that other
/// stores are compared with. Clones share it; nothing outlives the process.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Tables>>);

impl MemoryStore {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn note_list(
        &self,
        listed: &[ListedOrder],
        listing: &Listing,
    ) -> Result<NotedList, StoreError> {
        Ok(self.tables().note_list(listed, listing))
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
    ) -> Result<Claim, StoreError> {
        Ok(self.tables().claim(worker, want, in_hand, now))
    }

    async fn renew(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        self.tables().renew(lease, now)
    }

    async fn save(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        let mut tables = self.tables();
        tables.renew(lease, now)?;
        tables.write(&lease.order);
        Ok(())
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if tables.check(lease).is_ok() {
            tables.end_lease(&lease.order.no);
        }
        Ok(())
    }

    async fn begin_apply(
        &self,
        lease: &Lease,
        push_date: ShanghaiTime,
    ) -> Result<Box<dyn Apply>, StoreError> {
        self.tables().check(lease)?;
        Ok(Box::new(MemoryApply::new(self.clone(), lease.clone(), push_date)))
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

    async fn decide(&self, decision: &Decision, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.tables().decide(decision, now))
    }

    async fn note_life(&self, life: &Life) -> Result<(), StoreError> {
        self.tables().life = Some(life.clone());
        Ok(())
    }

    async fn account(&self) -> Result<Versioned<Account>, StoreError> {
        Ok(self.tables().account.clone())
    }

    async fn put_account(&self, version: u64, account: &Account) -> Result<bool, StoreError> {
        let kept = &mut self.tables().account;
        let is_same = kept.version == version;
        if is_same {
            *kept = Versioned { version: version.saturating_add(1), value: account.clone() };
        }
        Ok(is_same)
    }

    async fn orders_named(&self, orders: &[OrderNo]) -> Result<Vec<Order>, StoreError> {
        let tables = self.tables();
        Ok(orders.iter().filter_map(|no| tables.orders.get(no)).cloned().collect())
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

    async fn set_aside(
        &self,
        order_no: &OrderNo,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<SetAside>, StoreError> {
        Ok(self.tables().aside_page(order_no, after, limit))
    }

    async fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        let mut gaps = self.tables().gaps.clone();
        gaps.sort_by_key(|gap| (gap.closed_at.is_some(), gap.id));
        Ok(gaps)
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

    async fn overview(&self) -> Result<Overview, StoreError> {
        Ok(self.tables().overview())
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(MemorySnapshot::of(self.tables().clone())))
    }

    async fn adopt(
        &self,
        orders: &[Order],
        worker: &Worker,
        now: Timestamp,
    ) -> Result<Vec<OrderNo>, StoreError> {
        Ok(self.tables().adopt(orders, worker, now))
    }

    async fn reopen(
        &self,
        order_no: &OrderNo,
        worker: &Worker,
        now: Timestamp,
    ) -> Result<Option<Lease>, StoreError> {
        Ok(self.tables().reopen(order_no, worker, now))
    }

    async fn count_records_before(&self, before: ShanghaiTime) -> Result<u64, StoreError> {
        let tables = self.tables();
        let old = tables.records.values().filter(|(rank, _)| rank.push_date < before);
        Ok(old.count() as u64)
    }

    async fn remove_records_before(
        &self,
        before: ShanghaiTime,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let old = tables.records.iter().filter(|(_, (rank, _))| rank.push_date < before);
        let ids: Vec<String> = old.map(|(id, _)| id.clone()).take(limit as usize).collect();
        for id in &ids {
            tables.records.remove(id);
        }
        Ok(ids.len() as u64)
    }
}
