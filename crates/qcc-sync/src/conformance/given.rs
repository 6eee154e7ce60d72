//! What the checks begin with: times, orders, records, archives.

use std::{error::Error as _, fmt::Write as _, time::Duration};

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{ListedOrder, OrderNo, PushSetting, PushWindow, RiskRecord, ShanghaiTime};

use crate::{
    Commit, Decision, Document, Lease, Listing, NotedList, Order, Row, SetAside, State, Store,
    StoreError, StoreErrorKind, UnknownWord, Want, Worker, Written,
};

/// So many seconds into the story.
pub(super) fn at(second: i64) -> Timestamp {
    let begin = Timestamp::from_second(1_704_067_200).unwrap_or_default();
    begin.checked_add(SignedDuration::from_secs(second)).unwrap_or_default()
}

/// The same on the vendor's clock.
pub(super) fn local(second: i64) -> ShanghaiTime {
    ShanghaiTime::from_timestamp(at(second))
}

#[track_caller]
pub(super) fn no(text: &str) -> OrderNo {
    match text.parse() {
        Ok(no) => no,
        Err(error) => panic!("{text}: {error}"),
    }
}

/// A push setting with this window.
#[track_caller]
pub(super) fn setting(window: Option<PushWindow>) -> PushSetting {
    match "https://risk.example.com/callback".parse() {
        Ok(callback_url) => PushSetting::new(callback_url).with_window(window),
        Err(error) => panic!("{error}"),
    }
}

/// A worker whose leases last a minute.
pub(super) fn worker(name: &str) -> Worker {
    Worker { name: name.into(), term: Duration::from_secs(60) }
}

/// A line of the order list.
pub(super) fn line(order_no: &str, created: i64) -> ListedOrder {
    ListedOrder::new(no(order_no), Some(local(created)))
}

/// The facts of a list of these lines.
pub(super) fn listing(second: i64, lines: &[ListedOrder]) -> Listing {
    Listing::of(lines, 30, 0, at(second))
}

/// A record that says which version it is.
pub(super) fn record(id: &str, version: &str) -> RiskRecord {
    let mut record = RiskRecord::new(id);
    record.corp_key_no = Some(format!("k-{id}"));
    record.corp_name = Some("企查查科技".into());
    record.monitor_content = Some(version.into());
    record.monitor_level = Some("高风险信息".into());
    record.monitor_type = Some("红色通道".into());
    record.score = Some(60);
    record.change_date = Some("2024-01-01".into());
    record
}

pub(super) fn row(position: u64, record: RiskRecord) -> Row {
    Row { position, record }
}

/// What an order's archive holds, and what the order is once it is applied.
#[derive(Debug, Clone)]
pub(super) struct Archive {
    pub(super) order_no: OrderNo,
    pub(super) push_date: ShanghaiTime,
    pub(super) batches: Vec<Vec<Row>>,
    pub(super) aside: Vec<SetAside>,
    pub(super) words: Vec<UnknownWord>,
    pub(super) state: State,
}

impl Archive {
    /// An archive of one batch.
    pub(super) fn new(order_no: &str, pushed: i64, rows: Vec<Row>) -> Self {
        Self {
            order_no: no(order_no),
            push_date: local(pushed),
            batches: vec![rows],
            aside: Vec::new(),
            words: Vec::new(),
            state: State::Applied,
        }
    }

    /// The same, but the order stays due, so that it can be leased once more.
    pub(super) fn repeatable(mut self) -> Self {
        self.state = State::Fetched;
        self
    }

    /// What is committed with it.
    pub(super) fn commit(&self, order: &Order, second: i64) -> Commit {
        let records: usize = self.batches.iter().map(Vec::len).sum();
        let document = Document {
            at: at(second),
            push_date: self.push_date,
            total_size: (records + self.aside.len()) as u64,
            set_aside: self.aside.len() as u64,
        };
        let order = Order { state: self.state.clone(), ..order.clone().in_table() };
        Commit { order, document, unknown: self.words.clone() }
    }

    /// Notes the order, leases it and applies the archive.
    pub(super) async fn apply(&self, store: &dyn Store, second: i64) -> Written {
        let hand = worker("hand");
        add(store, &self.order_no, second).await;
        let lease = lease(store, &self.order_no, &hand, second).await;
        let mut apply = ok(store.begin_apply(&lease, self.push_date).await);
        for batch in &self.batches {
            ok(apply.write(batch.clone()).await);
        }
        ok(apply.set_aside(self.aside.clone()).await);
        let written = ok(apply.commit(self.commit(&lease.order, second)).await);
        assert_eq!(
            written.stored() + written.superseded,
            self.batches.iter().map(|batch| batch.len() as u64).sum::<u64>(),
            "every record counts once"
        );
        written
    }
}

/// Notes an order that a call and a person named, so that it may be worked on.
pub(super) async fn add(store: &dyn Store, order_no: &OrderNo, second: i64) {
    ok(store.note_call(order_no, at(second)).await);
    let decision = Decision::AddOrder { order_no: order_no.clone() };
    ok(store.decide(&decision, at(second)).await);
}

/// Leases the most urgent order of any kind.
pub(super) async fn claim(store: &dyn Store, worker: &Worker, second: i64) -> Option<Lease> {
    for want in [Want::Confirmed, Want::Kept, Want::Unconfirmed] {
        let claimed = ok(store.claim(worker, want, &[], at(second)).await);
        if let Some(lease) = claimed.lease() {
            return Some(lease);
        }
    }
    None
}

/// Leases the most urgent order of any kind, and says which that was.
pub(super) async fn claim_no(store: &dyn Store, worker: &Worker, second: i64) -> Option<OrderNo> {
    claim(store, worker, second).await.map(|lease| lease.order.no)
}

/// Leases this very order, whatever else is due.
pub(super) async fn lease(
    store: &dyn Store,
    order_no: &OrderNo,
    worker: &Worker,
    second: i64,
) -> Lease {
    let mut before: Vec<Lease> = Vec::new();
    loop {
        let seeker = Worker { name: format!("seeker {}", before.len()), ..worker.clone() };
        let Some(lease) = claim(store, &seeker, second).await else {
            panic!("order {order_no} is not due, though it should be");
        };
        let found = lease.order.no == *order_no;
        before.push(lease);
        if found {
            break;
        }
    }
    ok(store.release(&before.remove(before.len() - 1)).await);
    let Some(lease) = claim(store, worker, second).await else {
        panic!("order {order_no} was given back and is not due any more");
    };
    assert_eq!(lease.order.no, *order_no, "the most urgent order that is free is claimed");
    for other in before {
        ok(store.release(&other).await);
    }
    lease
}

/// The same lease of an order that was changed.
pub(super) fn with(lease: &Lease, change: impl FnOnce(Order) -> Order) -> Lease {
    Lease { order: change(lease.order.clone()), ..lease.clone() }
}

/// Notes an order and saves it in a state of its own, with nobody's lease.
pub(super) async fn put(store: &dyn Store, order_no: &str, change: impl FnOnce(Order) -> Order) {
    add(store, &no(order_no), 0).await;
    let lease = lease(store, &no(order_no), &worker("hand"), 0).await;
    ok(store.save(&with(&lease, change), at(0)).await);
    ok(store.release(&lease).await);
}

/// Notes a list of these lines.
pub(super) async fn list(store: &dyn Store, second: i64, lines: &[ListedOrder]) -> NotedList {
    ok(store.note_list(lines, &listing(second, lines)).await)
}

/// The order, which must be known.
pub(super) async fn known(store: &dyn Store, order_no: &OrderNo) -> Order {
    match ok(store.order(order_no).await) {
        Some(order) => order,
        None => panic!("order {order_no} was noted and is forgotten"),
    }
}

/// Every record, as the ids and versions of [`record`].
pub(super) async fn versions(store: &dyn Store) -> Vec<(String, String)> {
    let all = ok(store.records(&crate::RecordFilter::default(), None, 1000).await);
    all.into_iter()
        .map(|stored| (stored.record.id, stored.record.monitor_content.unwrap_or_default()))
        .collect()
}

/// The value, or a panic with the whole chain of causes.
#[track_caller]
pub(super) fn ok<T>(outcome: Result<T, StoreError>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                let _ = write!(text, ": {error}");
                cause = error.source();
            }
            panic!("the store failed: {text}")
        }
    }
}

/// The lease must have been found lost.
#[track_caller]
pub(super) fn lost<T>(outcome: Result<T, StoreError>) {
    match outcome {
        Ok(_) => panic!("a write without a lease went through"),
        Err(error) => assert_eq!(error.kind(), StoreErrorKind::LeaseLost, "{error}"),
    }
}
