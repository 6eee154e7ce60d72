//! An archive on its way into memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use qcc_proto::{RiskRecord, ShanghaiTime};

use super::MemoryStore;
use crate::{Apply, Changes, Commit, Lease, Rank, Row, SetAside, StoreError, Written};

/// An archive on its way into memory.
#[derive(Debug)]
pub(super) struct MemoryApply {
    store: MemoryStore,
    lease: Lease,
    push_date: ShanghaiTime,
    rows: u64,
    greatest: BTreeMap<String, (Rank, RiskRecord)>,
    set_aside: Vec<SetAside>,
}

impl MemoryApply {
    pub(super) fn new(store: MemoryStore, lease: Lease, push_date: ShanghaiTime) -> Self {
        let (greatest, set_aside) = (BTreeMap::new(), Vec::new());
        Self { store, lease, push_date, rows: 0, greatest, set_aside }
    }
}

#[async_trait]
impl Apply for MemoryApply {
    async fn write(&mut self, batch: Vec<Row>) -> Result<(), StoreError> {
        self.rows += batch.len() as u64;
        for Row { position, record } in batch {
            let (push_date, order_no) = (self.push_date, self.lease.order.no.clone());
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

    async fn commit(mut self: Box<Self>, commit: Commit) -> Result<Written, StoreError> {
        let mut tables = self.store.tables();
        tables.check(&self.lease)?;
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
        tables.write(&commit.order(written));
        tables.records.extend(self.greatest);
        self.set_aside.sort_by_key(|record| record.position);
        let no = &self.lease.order.no;
        tables.acknowledged.remove(no);
        tables.set_aside.insert(no.clone(), self.set_aside);
        tables.unknown.insert(no.clone(), commit.unknown);
        tables.end_lease(no);
        Ok(written)
    }
}
