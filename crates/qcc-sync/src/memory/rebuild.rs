//! The store in memory, proven and rebuilt.

use std::ops::Bound;

use jiff::Timestamp;
use qcc_proto::{OrderNo, ShanghaiTime};

use super::{MemoryStore, Tables};
use crate::{Order, Rebuild, SetAside, Snapshot, State, StoreError, StoredRecord, Worker};

impl Rebuild for MemoryStore {
    type Snapshot = MemorySnapshot;

    async fn snapshot(&self) -> Result<MemorySnapshot, StoreError> {
        Ok(MemorySnapshot(self.tables().clone()))
    }

    async fn adopt(
        &self,
        orders: &[Order],
        worker: &Worker,
        now: Timestamp,
    ) -> Result<Vec<OrderNo>, StoreError> {
        let mut tables = self.tables();
        let mut adopted = Vec::new();
        for found in orders.iter().filter(|found| found.state == State::Fetched) {
            let lease = tables.leases.get(&found.no);
            let theirs = lease.is_some_and(|(who, until)| *who != worker.name && *until > now);
            let taken = match tables.orders.get(&found.no) {
                Some(_) if theirs => None,
                Some(known) => known.clone().adopting(found),
                None => Some(found.clone()),
            };
            if let Some(order) = taken {
                adopted.push(order.no.clone());
                tables.orders.insert(order.no.clone(), order);
            }
        }
        Ok(adopted)
    }

    async fn reopen(
        &self,
        order_no: &OrderNo,
        worker: &Worker,
        now: Timestamp,
    ) -> Result<Option<Order>, StoreError> {
        let mut tables = self.tables();
        let theirs = tables
            .leases
            .get(order_no)
            .is_some_and(|(who, until)| *who != worker.name && *until > now);
        let known = tables.orders.get(order_no).filter(|_| !theirs).cloned();
        let Some(order) = known.and_then(Order::reopened) else { return Ok(None) };
        tables.orders.insert(order_no.clone(), order.clone());
        tables.lease(order_no, worker, now);
        Ok(Some(order))
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

/// A [`MemoryStore`] at one moment: a copy of it.
#[derive(Debug)]
pub struct MemorySnapshot(Tables);

impl Snapshot for MemorySnapshot {
    async fn orders(
        &mut self,
        after: Option<&OrderNo>,
        limit: u32,
    ) -> Result<Vec<Order>, StoreError> {
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page =
            self.0.orders.range::<OrderNo, _>((behind, Bound::Unbounded)).take(limit as usize);
        Ok(page.map(|(_, order)| order.clone()).collect())
    }

    async fn records(
        &mut self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = self.0.records.range::<str, _>((behind, Bound::Unbounded)).take(limit as usize);
        Ok(page
            .map(|(_, (rank, record))| StoredRecord { record: record.clone(), rank: rank.clone() })
            .collect())
    }

    async fn set_aside(
        &mut self,
        order_no: &OrderNo,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<SetAside>, StoreError> {
        let all = self.0.set_aside.get(order_no).map(Vec::as_slice).unwrap_or_default();
        let page = all.iter().filter(|aside| after.is_none_or(|after| aside.position > after));
        Ok(page.take(limit as usize).cloned().collect())
    }

    async fn counted(&mut self) -> Result<u64, StoreError> {
        Ok(self.0.records.len() as u64)
    }
}
