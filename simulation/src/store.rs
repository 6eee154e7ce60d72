//! Our store, on a disk that outlives the process, behind an interface that fails.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use qcc_proto::{ListedOrder, OrderNo, ShanghaiTime, UnzipPassword};
use qcc_sync::{
    Account, Apply, Burst, Claim, Commit, Decision, Gap, Lease, Life, Listing, NotedList, Order,
    OrderFilter, Overview, Rank, Reason, ReasonCode, RecordFilter, Row, SetAside, Sha256, Snapshot,
    State, Store, StoreError, StoredRecord, Versioned, Want, Worker, Written,
};

use crate::{
    mutation::Mutation,
    stage::{Hand, Op},
};

/// The store as one actor sees it.
pub(crate) struct Faulty<S> {
    pub(crate) inner: Arc<S>,
    pub(crate) hand: Arc<Hand>,
}

const fn read(name: &'static str) -> Op {
    Op { name, writes: false, reading: false }
}

const fn write(name: &'static str) -> Op {
    Op { name, writes: true, reading: false }
}

macro_rules! perform {
    ($self:ident, $op:expr, $done:expr) => {{
        let op = $op;
        let fate = $self.hand.enter(op).await?;
        let done = $self.hand.at_disk(op, $done).await;
        (op, fate, done)
    }};
}

macro_rules! pass {
    ($self:ident, $op:expr, $done:expr) => {{
        let (op, fate, done) = perform!($self, $op, $done);
        $self.hand.leave(op, fate, done).await
    }};
}

/// Longer than any failing order may delay another.
const SLEEP: Duration = Duration::from_secs(2 * 3600);

#[async_trait]
impl<S: Store> Store for Faulty<S> {
    async fn note_list(
        &self,
        listed: &[ListedOrder],
        listing: &Listing,
    ) -> Result<NotedList, StoreError> {
        // The witness judges by what the vendor showed.
        let noticed = self.mutated_list(listed);
        let (op, fate, mut done) =
            perform!(self, write("note_list"), self.inner.note_list(&noticed, listing));
        if let Ok(noted) = &mut done {
            noted.gap = self.mutated_gap(listed, listing, noted);
            let witness = &self.hand.stage.witness;
            let lost = witness.listing(listed, noted.gap.as_ref());
            if let Some(place) = lost.filter(|_| !self.hand.stage.plan.jumps()) {
                witness.lost(place);
            }
            let kept = self.hand.at_disk(op, self.inner.overview()).await?.last_listing;
            if let Some(kept) = kept {
                witness.shown(listed, &self.mutated_rate(kept));
            }
            if self.hand.stage.mutated(Mutation::SetAsideForgotten) {
                let all = Decision::AcknowledgeRecords { order_no: None };
                self.inner.decide(&all, listing.at).await?;
            }
        }
        self.hand.leave(op, fate, done).await
    }

    async fn note_call(&self, order_no: &OrderNo, now: Timestamp) -> Result<bool, StoreError> {
        let (op, fate, done) =
            perform!(self, write("note_call"), self.inner.note_call(order_no, now));
        if done.is_ok() {
            self.hand.stage.witness.seen().noted.insert(order_no.clone());
            if self.hand.stage.mutated(Mutation::LocateAtEveryCall) {
                let add = Decision::AddOrder { order_no: order_no.clone() };
                self.inner.decide(&add, now).await?;
            }
        }
        self.hand.leave(op, fate, done).await
    }

    async fn claim(
        &self,
        worker: &Worker,
        want: Want,
        in_hand: &[OrderNo],
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let name = match want {
            Want::Confirmed => "claim confirmed",
            Want::Unconfirmed => "claim unconfirmed",
            Want::Kept => "claim kept",
        };
        let nothing = Claim::Nothing { next_due: None };
        if self.hand.stage.mutated(Mutation::SleepInWorker) && !in_hand.is_empty() {
            return Ok(nothing);
        }
        if self.hand.stage.mutated(Mutation::ApplyAfterAll)
            && want == Want::Kept
            && self.is_any_unfetched().await?
        {
            return Ok(nothing);
        }
        let claimed = pass!(self, write(name), self.inner.claim(worker, want, in_hand, now))?;
        if let Claim::Leased(lease) = &claimed
            && let State::Waiting { until, .. } = &lease.order.state
            && self.hand.stage.mutated(Mutation::FutureTrusted)
            && *until > now
        {
            self.inner.release(lease).await?;
            return Ok(nothing);
        }
        Ok(claimed)
    }

    async fn renew(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        pass!(self, write("renew"), self.inner.renew(lease, now))
    }

    async fn save(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        let order = self.mutated_order(&lease.order, now);
        if let Some(password) = &order.password {
            self.hand.stage.witness.seen().secrets.insert(password.reveal().to_owned());
        }
        self.hand.note(format_args!("{} is {}", order.no, order.state.name()));
        let waits = matches!(order.state, State::Waiting { .. });
        if self.hand.stage.mutated(Mutation::SleepInWorker) && waits {
            tokio::time::sleep(SLEEP).await;
        }
        let lease = Lease { order, ..lease.clone() };
        let (op, fate, done) = perform!(self, write("save"), self.inner.save(&lease, now));
        if done.is_ok() {
            let kept = &mut self.hand.stage.witness.seen().kept;
            match lease.order.archive {
                Some(_) => kept.insert(lease.order.no.clone()),
                None => kept.remove(&lease.order.no),
            };
        }
        self.hand.leave(op, fate, done).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        pass!(self, write("release"), self.inner.release(lease))
    }

    async fn begin_apply(
        &self,
        lease: &Lease,
        push_date: ShanghaiTime,
    ) -> Result<Box<dyn Apply>, StoreError> {
        let op = Op { name: "begin_apply", writes: true, reading: true };
        let begun = pass!(self, op, self.inner.begin_apply(lease, push_date))?;
        let (hand, order_no) = (Arc::clone(&self.hand), lease.order.no.clone());
        Ok(Box::new(FaultyApply {
            inner: begun,
            hand,
            order_no,
            push_date,
            rows: Vec::new(),
            dropping: false,
        }))
    }

    async fn retry(&self, orders: &[OrderNo], now: Timestamp) -> Result<Vec<OrderNo>, StoreError> {
        pass!(self, write("retry"), self.inner.retry(orders, now))
    }

    async fn orders_named(&self, orders: &[OrderNo]) -> Result<Vec<Order>, StoreError> {
        pass!(self, read("orders_named"), self.inner.orders_named(orders))
    }

    async fn orders(&self, filter: &OrderFilter) -> Result<Vec<Order>, StoreError> {
        pass!(self, read("orders"), self.inner.orders(filter))
    }

    async fn records(
        &self,
        filter: &RecordFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        pass!(self, read("records"), self.inner.records(filter, after, limit))
    }

    async fn set_aside(
        &self,
        order_no: &OrderNo,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<SetAside>, StoreError> {
        pass!(self, read("set_aside"), self.inner.set_aside(order_no, after, limit))
    }

    async fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        pass!(self, read("gaps"), self.inner.gaps())
    }

    async fn decide(&self, decision: &Decision, now: Timestamp) -> Result<bool, StoreError> {
        pass!(self, write("decide"), self.inner.decide(decision, now))
    }

    async fn note_life(&self, life: &Life) -> Result<(), StoreError> {
        pass!(self, write("note_life"), self.inner.note_life(life))
    }

    async fn other_with_archive(
        &self,
        archive: &Sha256,
        other_than: &OrderNo,
    ) -> Result<Option<Order>, StoreError> {
        // While the archive's reader waits for it.
        let op = Op { name: "other_with_archive", writes: false, reading: true };
        pass!(self, op, self.inner.other_with_archive(archive, other_than))
    }

    async fn account(&self) -> Result<Versioned<Account>, StoreError> {
        pass!(self, read("account"), self.inner.account())
    }

    async fn put_account(&self, version: u64, account: &Account) -> Result<bool, StoreError> {
        pass!(self, write("put_account"), self.inner.put_account(version, account))
    }

    async fn overview(&self) -> Result<Overview, StoreError> {
        let mut overview = pass!(self, read("overview"), self.inner.overview())?;
        overview.last_listing = overview.last_listing.map(|listing| self.mutated_rate(listing));
        Ok(overview)
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.inner.snapshot().await
    }

    async fn adopt(
        &self,
        orders: &[Order],
        worker: &Worker,
        now: Timestamp,
    ) -> Result<Vec<OrderNo>, StoreError> {
        pass!(self, write("adopt"), self.inner.adopt(orders, worker, now))
    }

    async fn reopen(
        &self,
        order_no: &OrderNo,
        worker: &Worker,
        now: Timestamp,
    ) -> Result<Option<Lease>, StoreError> {
        pass!(self, write("reopen"), self.inner.reopen(order_no, worker, now))
    }

    async fn count_records_before(&self, before: ShanghaiTime) -> Result<u64, StoreError> {
        pass!(self, read("count_records_before"), self.inner.count_records_before(before))
    }

    async fn remove_records_before(
        &self,
        before: ShanghaiTime,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let op = write("remove_records_before");
        pass!(self, op, self.inner.remove_records_before(before, limit))
    }
}

/// An archive on its way into the table, as one actor sees it.
pub(crate) struct FaultyApply {
    inner: Box<dyn Apply>,
    hand: Arc<Hand>,
    order_no: OrderNo,
    push_date: ShanghaiTime,
    /// What a mutation commits in its own way.
    rows: Vec<Row>,
    /// Whether a mutation drops what is still to come.
    dropping: bool,
}

#[async_trait]
impl Apply for FaultyApply {
    async fn write(&mut self, batch: Vec<Row>) -> Result<(), StoreError> {
        let op = Op { name: "write", writes: true, reading: true };
        match self.hand.stage.mutation {
            Some(Mutation::HalfCommit) => self.shadow(batch.clone()),
            Some(Mutation::LastApplied | Mutation::RankInverted) => {
                self.rows.extend(batch.iter().cloned());
            }
            _ => {}
        }
        let batch = if self.dropping { Vec::new() } else { batch };
        pass!(self, op, self.inner.write(batch))
    }

    async fn set_aside(&mut self, batch: Vec<SetAside>) -> Result<(), StoreError> {
        let op = Op { name: "set_aside", writes: true, reading: true };
        self.dropping = self.hand.stage.mutated(Mutation::RestDropped);
        let lost = self.hand.stage.mutated(Mutation::SetAsideLost);
        let batch = if lost { Vec::new() } else { batch };
        pass!(self, op, self.inner.set_aside(batch))
    }

    async fn commit(mut self: Box<Self>, mut commit: Commit) -> Result<Written, StoreError> {
        let rows = std::mem::take(&mut self.rows);
        let (hand, order_no, push_date) = (self.hand, self.order_no, self.push_date);
        let unmoved = hand.stage.mutated(Mutation::AppliedTwice)
            && !hand.stage.witness.seen().commits.contains_key(&order_no);
        let op = write("commit");
        let fate = hand.enter(op).await?;
        if unmoved {
            commit.order.state = State::Fetched;
        }
        let done = hand.at_disk(op, self.inner.commit(commit)).await;
        if done.is_ok() {
            *hand.stage.witness.seen().commits.entry(order_no.clone()).or_default() += 1;
            hand.note(format_args!("{order_no} is committed"));
            shadow(&hand, &order_no, push_date, rows);
        }
        hand.leave(op, fate, done).await
    }
}

impl FaultyApply {
    fn shadow(&self, rows: Vec<Row>) {
        shadow(&self.hand, &self.order_no, self.push_date, rows);
    }
}

/// The table as a mutation keeps it.
fn shadow(hand: &Hand, order_no: &OrderNo, push_date: ShanghaiTime, rows: Vec<Row>) {
    let mut seen = hand.stage.witness.seen();
    for Row { position, record } in rows {
        let rank = Rank { push_date, order_no: order_no.clone(), position };
        let standing = seen.shadow.get(&record.id).map(|(standing, _)| standing.clone());
        let stands = match (hand.stage.mutation, &standing) {
            (Some(Mutation::RankInverted), Some(standing)) => rank < *standing,
            (Some(Mutation::HalfCommit), Some(standing)) => rank >= *standing,
            _ => true,
        };
        if stands {
            seen.shadow.insert(record.id.clone(), (rank, record));
        }
    }
}

/// The rate of orders as the average of a whole window.
fn whole_window(listing: &Listing) -> Option<Burst> {
    let (oldest, newest) = listing.oldest.zip(listing.newest)?;
    let within = newest.timestamp().duration_since(oldest.timestamp());
    Some(Burst { orders: listing.listed, within, at: listing.at })
}

/// Invariants broken on purpose.
impl<S: Store> Faulty<S> {
    async fn is_any_unfetched(&self) -> Result<bool, StoreError> {
        let orders = self.inner.orders(&OrderFilter::default()).await?;
        let rests = |state: &State| matches!(state, State::Applied | State::Quarantined { .. });
        Ok(orders.iter().any(|order| order.archive.is_none() && !rests(&order.state)))
    }

    fn mutated_order(&self, order: &Order, now: Timestamp) -> Order {
        let mut order = order.clone();
        let State::Waiting { reason, .. } = order.state.clone() else {
            if self.hand.stage.mutated(Mutation::PasswordLogged) {
                let password = order.password.as_ref().map(UnzipPassword::reveal);
                tracing::info!(password, "saving an order");
            }
            return order;
        };
        match self.hand.stage.mutation {
            Some(Mutation::FailedDropped) => order.state = State::Applied,
            Some(Mutation::QuarantinedAtOnce) => {
                order.state =
                    State::Quarantined { reason: Reason::new(ReasonCode::GaveUp, reason.detail) };
            }
            Some(Mutation::NoBackOff) => order.state = State::Waiting { until: now, reason },
            _ => {}
        }
        order
    }

    fn mutated_list(&self, listed: &[ListedOrder]) -> Vec<ListedOrder> {
        let mut listed = listed.to_vec();
        if self.hand.stage.mutated(Mutation::LineSkipped) && listed.len() > 1 {
            let oldest = listed.iter().map(|line| line.created_at).min().flatten();
            listed.retain(|line| line.created_at != oldest);
        }
        listed
    }

    fn mutated_gap(
        &self,
        listed: &[ListedOrder],
        listing: &Listing,
        noted: &NotedList,
    ) -> Option<Gap> {
        match self.hand.stage.mutation {
            Some(Mutation::GapSuppressed) => None,
            Some(Mutation::GapInvented) if noted.new > 0 => {
                listed.first().zip(listed.last()).map(|(before, after)| Gap {
                    id: 0,
                    found_at: listing.at,
                    after: after.clone(),
                    before: before.clone(),
                    closed_at: None,
                    note: None,
                })
            }
            _ => noted.gap.clone(),
        }
    }

    fn mutated_rate(&self, listing: Listing) -> Listing {
        match self.hand.stage.mutated(Mutation::RateOfWholeWindow) {
            true => Listing { burst: whole_window(&listing), ..listing },
            false => listing,
        }
    }
}

impl<S> std::fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faulty")
    }
}
