//! The store in memory at one moment.

use std::ops::Bound;

use async_trait::async_trait;
use qcc_proto::OrderNo;

use super::tables::Tables;
use crate::{Order, SetAside, Snapshot, StoreError, StoredRecord};

/// A [`MemoryStore`](super::MemoryStore) at one moment: a copy of it.
#[derive(Debug)]
pub(super) struct MemorySnapshot(Tables);

impl MemorySnapshot {
    pub(super) fn of(tables: Tables) -> Self {
        Self(tables)
    }
}

#[async_trait]
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
        Ok(self.0.aside_page(order_no, after, limit))
    }

    async fn counted(&mut self) -> Result<u64, StoreError> {
        Ok(self.0.records.len() as u64)
    }
}
