//! Our store, on a disk that outlives the process, behind an interface that fails.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use qcc_proto::{ListedOrder, OrderNo, ShanghaiTime, UnzipPassword};
use qcc_sync::{
    Activation, AnswerErrors, Apply, Burst, Continuity, Decision, Gap, Hold, Life, Listing,
    NotedListing, Order, OrderFilter, Overview, Rank, Reason, ReasonCode, RecordFilter, Row,
    SecretPath, SetAside, Sha256, State, Store, StoreError, StoredRecord, UnknownWord, Want,
    Worker, Written,
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

impl<S: Store> Store for Faulty<S> {
    type Apply = FaultyApply<S::Apply>;

    async fn continuity(&self, listed: &[ListedOrder]) -> Result<Continuity, StoreError> {
        pass!(self, read("continuity"), self.inner.continuity(listed))
    }

    async fn note_listing(
        &self,
        listed: &[ListedOrder],
        listing: &Listing,
        gap: Option<&Gap>,
    ) -> Result<NotedListing, StoreError> {
        let (listed, gap) = self.mutated_listing(listed, listing, gap);
        let whole = Listing { burst: whole_window(listing), ..listing.clone() };
        let judged = self.hand.stage.mutated(Mutation::RateOfWholeWindow);
        let listing = if judged { &whole } else { listing };
        let (op, fate, done) = perform!(
            self,
            write("note_listing"),
            self.inner.note_listing(&listed, listing, gap.as_ref())
        );
        if done.is_ok() {
            let witness = &self.hand.stage.witness;
            let lost = witness.listing(&listed, gap.as_ref());
            if let Some(place) = lost.filter(|_| !self.hand.stage.plan.jumps()) {
                witness.lost(place);
            }
            witness.shown(&listed, listing);
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
    ) -> Result<Option<Order>, StoreError> {
        let name = match want {
            Want::Confirmed => "claim confirmed",
            Want::Unconfirmed => "claim unconfirmed",
            Want::Kept => "claim kept",
        };
        if self.hand.stage.mutated(Mutation::SleepInWorker) && !in_hand.is_empty() {
            return Ok(None);
        }
        if self.hand.stage.mutated(Mutation::ApplyAfterAll)
            && want == Want::Kept
            && self.is_any_unfetched().await?
        {
            return Ok(None);
        }
        let claimed = pass!(self, write(name), self.inner.claim(worker, want, in_hand, now))?;
        if let Some(Order { no, state: State::Waiting { until, .. }, .. }) = &claimed
            && self.hand.stage.mutated(Mutation::FutureTrusted)
            && *until > now
        {
            self.inner.release(no, worker).await?;
            return Ok(None);
        }
        Ok(claimed)
    }

    async fn save(&self, order: &Order, worker: &Worker, now: Timestamp) -> Result<(), StoreError> {
        let order = self.mutated_order(order, now);
        if let Some(password) = &order.password {
            self.hand.stage.witness.seen().secrets.insert(password.reveal().to_owned());
        }
        self.hand.note(format_args!("{} is {}", order.no, order.state.name()));
        let waits = matches!(order.state, State::Waiting { .. });
        if self.hand.stage.mutated(Mutation::SleepInWorker) && waits {
            tokio::time::sleep(SLEEP).await;
        }
        let (op, fate, done) = perform!(self, write("save"), self.inner.save(&order, worker, now));
        if done.is_ok() {
            let kept = &mut self.hand.stage.witness.seen().kept;
            match order.archive {
                Some(_) => kept.insert(order.no.clone()),
                None => kept.remove(&order.no),
            };
        }
        self.hand.leave(op, fate, done).await
    }

    async fn release(&self, order_no: &OrderNo, worker: &Worker) -> Result<(), StoreError> {
        pass!(self, write("release"), self.inner.release(order_no, worker))
    }

    async fn begin_apply(
        &self,
        order_no: &OrderNo,
        push_date: ShanghaiTime,
        worker: &Worker,
    ) -> Result<Self::Apply, StoreError> {
        let op = Op { name: "begin_apply", writes: true, reading: true };
        let begun = pass!(self, op, self.inner.begin_apply(order_no, push_date, worker))?;
        let (hand, order_no) = (Arc::clone(&self.hand), order_no.clone());
        Ok(FaultyApply {
            inner: begun,
            hand,
            order_no,
            push_date,
            rows: Vec::new(),
            dropping: false,
        })
    }

    async fn retry(&self, orders: &[OrderNo], now: Timestamp) -> Result<Vec<OrderNo>, StoreError> {
        pass!(self, write("retry"), self.inner.retry(orders, now))
    }

    async fn order(&self, order_no: &OrderNo) -> Result<Option<Order>, StoreError> {
        pass!(self, read("order"), self.inner.order(order_no))
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

    async fn set_aside(&self, order_no: &OrderNo) -> Result<Vec<SetAside>, StoreError> {
        pass!(self, read("set_aside"), self.inner.set_aside(order_no))
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

    async fn set_hold(&self, hold: Option<&Hold>) -> Result<(), StoreError> {
        pass!(self, write("set_hold"), self.inner.set_hold(hold))
    }

    async fn hold(&self) -> Result<Option<Hold>, StoreError> {
        pass!(self, read("hold"), self.inner.hold())
    }

    async fn expect_calls(&self, now: Timestamp) -> Result<(), StoreError> {
        pass!(self, write("expect_calls"), self.inner.expect_calls(now))
    }

    async fn note_activation(&self, activation: &Activation) -> Result<(), StoreError> {
        pass!(self, write("note_activation"), self.inner.note_activation(activation))
    }

    async fn begin_activation(
        &self,
        before: Option<&Activation>,
        attempt: &Activation,
    ) -> Result<bool, StoreError> {
        pass!(self, write("begin_activation"), self.inner.begin_activation(before, attempt))
    }

    async fn note_answer_errors(&self, errors: Option<AnswerErrors>) -> Result<(), StoreError> {
        pass!(self, write("note_answer_errors"), self.inner.note_answer_errors(errors))
    }

    async fn set_secret_path(&self, path: Option<&SecretPath>) -> Result<(), StoreError> {
        pass!(self, write("set_secret_path"), self.inner.set_secret_path(path))
    }

    async fn secret_path(&self) -> Result<Option<SecretPath>, StoreError> {
        pass!(self, read("secret_path"), self.inner.secret_path())
    }

    async fn overview(&self) -> Result<Overview, StoreError> {
        pass!(self, read("overview"), self.inner.overview())
    }
}

/// An archive on its way into the table, as one actor sees it.
pub(crate) struct FaultyApply<A> {
    inner: A,
    hand: Arc<Hand>,
    order_no: OrderNo,
    push_date: ShanghaiTime,
    /// What a mutation commits in its own way.
    rows: Vec<Row>,
    /// Whether a mutation drops what is still to come.
    dropping: bool,
}

impl<A: Apply> Apply for FaultyApply<A> {
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

    async fn commit(
        mut self,
        unknown: &[UnknownWord],
        order: impl FnOnce(Written) -> Order + Send + 'static,
    ) -> Result<Written, StoreError> {
        let rows = std::mem::take(&mut self.rows);
        let (hand, order_no, push_date) = (self.hand, self.order_no, self.push_date);
        let unmoved = hand.stage.mutated(Mutation::AppliedTwice)
            && !hand.stage.witness.seen().commits.contains_key(&order_no);
        let op = write("commit");
        let fate = hand.enter(op).await?;
        let order = move |written| {
            let order = order(written);
            if unmoved { Order { state: State::Fetched, ..order } } else { order }
        };
        let done = hand.at_disk(op, self.inner.commit(unknown, order)).await;
        if done.is_ok() {
            *hand.stage.witness.seen().commits.entry(order_no.clone()).or_default() += 1;
            hand.note(format_args!("{order_no} is committed"));
            shadow(&hand, &order_no, push_date, rows);
        }
        hand.leave(op, fate, done).await
    }
}

impl<A> FaultyApply<A> {
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

    fn mutated_listing(
        &self,
        listed: &[ListedOrder],
        listing: &Listing,
        gap: Option<&Gap>,
    ) -> (Vec<ListedOrder>, Option<Gap>) {
        let (mut listed, mut gap) = (listed.to_vec(), gap.cloned());
        match self.hand.stage.mutation {
            Some(Mutation::LineSkipped) if listed.len() > 1 => {
                let oldest = listed.iter().map(|line| line.created_at).min().flatten();
                listed.retain(|line| line.created_at != oldest);
            }
            Some(Mutation::GapSuppressed) => gap = None,
            Some(Mutation::GapInvented) if listing.fresh > 0 => {
                gap = listed.first().zip(listed.last()).map(|(before, after)| Gap {
                    id: 0,
                    found_at: listing.at,
                    after: after.clone(),
                    before: before.clone(),
                    closed_at: None,
                    note: None,
                });
            }
            _ => {}
        }
        (listed, gap)
    }
}

impl<S> std::fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faulty")
    }
}
