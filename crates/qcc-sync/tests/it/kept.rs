//! Kept archives prove the table, and bring it back.

use std::{collections::BTreeSet, sync::Arc};

use qcc_proto::{ListedOrder, OrderNo};
use qcc_sim::{Fault, FaultPlan, Rate, VendorConfig};
use qcc_sync::{
    Archives, Decision, Finding, KeptArchive, Label, Lease, Listing, MemoryArchives, MemoryStore,
    Order, OrderFilter, Policy, Replay, ReplayReport, ReplayScope, Setback, State, StateName,
    Store, Verdict, VerifySettings, Want, Worker, verify,
};

use crate::world::{World, bytes_of, no, paused};

/// The proof, in next to no memory.
pub(crate) async fn proof(store: &MemoryStore, archives: &MemoryArchives) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = VerifySettings::new(&Policy::default(), folder.path());
    settings.memory = 4096;
    verify(store, archives, &settings, &|_| {}).await.unwrap()
}

fn replay(world: &World, store: &Arc<MemoryStore>) -> Replay {
    Replay {
        store: store.clone(),
        archives: world.archives.clone(),
        clock: Arc::new(world.clock),
        worker: Worker { name: "replay".into(), term: std::time::Duration::from_secs(600) },
        policy: Policy::default(),
    }
}

pub(crate) async fn replayed(
    world: &World,
    store: &Arc<MemoryStore>,
    scope: &ReplayScope,
) -> ReplayReport {
    replay(world, store).run(scope, &()).await.unwrap()
}

pub(crate) async fn applied(store: &MemoryStore) -> BTreeSet<OrderNo> {
    let mut filter = OrderFilter::default();
    filter.state = Some(StateName::Applied);
    store.orders(&filter).await.unwrap().into_iter().map(|order| order.no).collect()
}

pub(crate) async fn kept(store: &MemoryStore, order_no: &OrderNo) -> KeptArchive {
    store.order(order_no).await.unwrap().unwrap().archive.unwrap()
}

/// However the world came about: its table is proven, a second store built from
/// its archives alone is the same, and applying everything once more changes
/// nothing.
pub(crate) async fn check(world: &World) {
    let verdict = proof(&world.store, &world.archives).await;
    assert!(verdict.is_equal(), "{verdict:#?}");
    let orders = applied(&world.store).await;
    assert_eq!(verdict.orders, orders.len() as u64);

    let rebuilt = Arc::new(MemoryStore::default());
    let report = replayed(world, &rebuilt, &ReplayScope::Unapplied).await;
    assert_eq!(report.strays, []);
    assert_eq!(applied(&rebuilt).await, orders, "{report:#?}");
    let again = proof(&rebuilt, &world.archives).await;
    assert!(again.is_equal(), "{again:#?}");
    assert_eq!(again.digest, verdict.digest);

    replayed(world, &world.store, &ReplayScope::All).await;
    assert_eq!(applied(&world.store).await, orders);
    assert_eq!(proof(&world.store, &world.archives).await, again);
}

pub(crate) async fn settled(orders: u32) -> World {
    let world = World::new(VendorConfig { seed: 7, bad_records: 0.05, ..VendorConfig::default() });
    world.push(orders);
    world.settle().await;
    world
}

#[test]
fn superseded_repeated_and_set_aside_records_are_proven() {
    paused(async {
        let world = settled(6).await;
        let overview = world.store.overview().await.unwrap();
        let verdict = proof(&world.store, &world.archives).await;
        assert!(verdict.is_equal(), "{verdict:#?}");
        assert_eq!((verdict.orders, verdict.rows), (6, overview.records));
        assert!(verdict.records > verdict.rows, "nothing was superseded");
        assert_eq!(verdict.set_aside, overview.set_aside);
        assert!(verdict.set_aside > 0, "nothing was set aside");
        check(&world).await;
    });
}

#[test]
fn what_a_lost_or_damaged_archive_brought_is_neither_proven_nor_blamed() {
    paused(async {
        let world = settled(6).await;
        let orders: Vec<OrderNo> = applied(&world.store).await.into_iter().collect();
        let (lost, damaged) = (&orders[1], &orders[4]);
        world.archives.remove(&kept(&world.store, lost).await.sha256);
        let sha256 = kept(&world.store, damaged).await.sha256;
        world.archives.damage(&sha256, |bytes| bytes[100] ^= 1);

        let verdict = proof(&world.store, &world.archives).await;
        assert!(!verdict.is_equal());
        assert_eq!((verdict.missing, verdict.refused, verdict.differences), (1, 1, 0));
        assert!(verdict.unproven > 0);
        let [
            Finding::ArchiveMissing { order_no: first, .. },
            Finding::ArchiveRefused { order_no: second, detail },
        ] = &*verdict.findings
        else {
            panic!("{:#?}", verdict.findings);
        };
        assert_eq!((first, second), (lost, damaged));
        assert!(detail.contains("not those that were kept"), "{detail}");

        let before = world.table().await;
        let report = replayed(&world, &world.store, &ReplayScope::All).await;
        assert_eq!(report.applied, 4);
        let setbacks = [Setback::Missing(lost.clone()), Setback::Damaged(damaged.clone())];
        assert_eq!(report.setbacks, setbacks);
        assert_eq!(world.table().await, before);
        assert_eq!(applied(&world.store).await.len(), 6, "what is applied stays applied");
    });
}

#[test]
fn an_archive_whose_order_the_ledger_has_lost_is_named() {
    paused(async {
        let world = settled(4).await;
        let emptied = MemoryStore::default();
        let verdict = proof(&emptied, &world.archives).await;
        assert!(!verdict.is_equal());
        assert_eq!((verdict.unapplied, verdict.orders, verdict.waiting), (4, 0, 0));
        let named: BTreeSet<OrderNo> = verdict
            .findings
            .into_iter()
            .map(|finding| match finding {
                Finding::Unapplied { order_no, .. } => order_no,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(named, applied(&world.store).await);

        // The vendor forgot it meanwhile: the ledger heard of it, and got no further.
        let order_no = named.first().unwrap();
        let add = Decision::AddOrder { order_no: order_no.clone() };
        emptied.decide(&add, world.now()).await.unwrap();
        assert_eq!(proof(&emptied, &world.archives).await.unapplied, 3, "it may be on its way");
        let hand = Worker { name: "hand".into(), term: std::time::Duration::from_secs(60) };
        let claim = emptied.claim(&hand, Want::Confirmed, &[], world.now()).await.unwrap();
        let mut lease = claim.lease().unwrap();
        let reason = qcc_sync::Reason::new(qcc_sync::ReasonCode::Refused, "forgotten");
        lease.order.state = State::Quarantined { reason };
        emptied.save(&lease, world.now()).await.unwrap();
        emptied.release(&lease).await.unwrap();
        let verdict = proof(&emptied, &world.archives).await;
        assert!(!verdict.is_equal());
        let told = (verdict.unapplied, verdict.recoverable, verdict.waiting);
        assert_eq!(told, (3, 1, 1), "known and unknown are told apart");
        let Finding::NotApplied { order_no: known, state, reason, .. } = &verdict.findings[0]
        else {
            panic!("{:#?}", verdict.findings);
        };
        assert_eq!((known, *state), (order_no, StateName::Quarantined));
        assert_eq!(reason.as_ref().unwrap().detail, "forgotten");
        let emptied = Arc::new(emptied);
        let report = replayed(&world, &emptied, &ReplayScope::All).await;
        assert_eq!((report.applied, report.applied_from_labels, report.repeated), (4, 4, 0));
        assert!(proof(&emptied, &world.archives).await.is_equal());
    });
}

/// An order that the ledger knows, and that has waited for the vendor three times.
async fn waiting(world: &World, store: &MemoryStore, order_no: &OrderNo) -> Order {
    let add = Decision::AddOrder { order_no: order_no.clone() };
    store.decide(&add, world.now()).await.unwrap();
    let hand = Worker { name: "hand".into(), term: std::time::Duration::from_secs(60) };
    let claim = store.claim(&hand, Want::Confirmed, &[], world.now()).await.unwrap();
    let mut lease = claim.lease().unwrap();
    let until = world.now() + jiff::SignedDuration::from_hours(5);
    let reason = qcc_sync::Reason::new(qcc_sync::ReasonCode::NotReady, "packed on demand");
    let state = State::Waiting { until, reason };
    let failing_since = Some(world.now());
    lease.order = Order { state, failures: 3, failing_since, ..lease.order };
    store.save(&lease, world.now()).await.unwrap();
    store.release(&lease).await.unwrap();
    store.order(order_no).await.unwrap().unwrap()
}

/// The same archive with a byte flipped, kept for an order.
pub(crate) async fn keep_damaged(world: &World, of: &Order, order_no: &OrderNo) -> KeptArchive {
    let good = of.archive.unwrap();
    let mut bytes = bytes_of(&*world.archives, &good).await;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let mut partial = world.archives.begin(&no("A1")).await.unwrap();
    partial.append(&bytes).await.unwrap();
    let damaged = partial.keep().await.unwrap();
    let (_, label) = Label::of(of, world.now()).unwrap();
    let label = Label { order_no: order_no.clone(), ..label };
    world.archives.label(&damaged, &label).await.unwrap();
    damaged
}

#[test]
fn an_order_that_waits_beside_a_damaged_download_is_no_alarm_and_stays_as_it_is() {
    paused(async {
        let world = settled(2).await;
        let first = applied(&world.store).await.pop_first().unwrap();
        let first = world.store.order(&first).await.unwrap().unwrap();
        let order_no: OrderNo = "DDMONWAITS".parse().unwrap();
        let before = waiting(&world, &world.store, &order_no).await;
        let damaged = keep_damaged(&world, &first, &order_no).await;

        let verdict = proof(&world.store, &world.archives).await;
        assert!(verdict.is_equal(), "{verdict:#?}");
        assert_eq!((verdict.unapplied, verdict.recoverable, verdict.waiting), (0, 0, 1));
        assert_eq!((verdict.refused_kept, verdict.refused_bytes), (1, damaged.size));

        let report = replayed(&world, &world.store, &ReplayScope::All).await;
        assert_eq!((report.applied, report.adopted, report.repeated), (2, 0, 2));
        let [Setback::Refused(refused, reason)] = &*report.setbacks else { panic!("{report:#?}") };
        assert_eq!(*refused, order_no);
        assert!(reason.detail.contains("packed on demand"), "{}", reason.detail);
        assert_eq!(world.store.order(&order_no).await.unwrap().unwrap(), before);
    });
}

#[test]
fn a_known_order_whose_document_is_refused_in_replay_keeps_its_state_and_failures() {
    paused(async {
        let faults = FaultPlan::none().with(Fault::WrongTotal, Rate::first(1));
        let world = World::new(VendorConfig { seed: 7, faults, ..VendorConfig::default() });
        world.push(3);
        world.settle().await;
        let mut filter = OrderFilter::default();
        filter.state = Some(StateName::Quarantined);
        let order_no = world.store.orders(&filter).await.unwrap().remove(0).no;

        let store = Arc::new(MemoryStore::default());
        let before = waiting(&world, &store, &order_no).await;
        let report = replayed(&world, &store, &ReplayScope::All).await;
        assert_eq!((report.applied, report.applied_from_labels), (2, 2));
        let [Setback::Refused(refused, reason)] = &*report.setbacks else { panic!("{report:#?}") };
        assert_eq!((refused, reason.code.as_str()), (&order_no, "count_mismatch"));
        let after = store.order(&order_no).await.unwrap().unwrap();
        let kept = (after.state, after.failures, after.failing_since, after.archive);
        assert_eq!(kept, (before.state, 3, before.failing_since, None));
    });
}

#[test]
fn a_replay_that_changes_nothing_moves_nothing() {
    paused(async {
        let world = settled(5).await;
        let all = || async { world.store.orders(&OrderFilter::default()).await.unwrap() };
        let before = (all().await, world.store.overview().await.unwrap().last_applied);
        tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
        let report = replayed(&world, &world.store, &ReplayScope::All).await;
        assert_eq!((report.applied, report.repeated), (5, 5));
        let after = (all().await, world.store.overview().await.unwrap().last_applied);
        assert_eq!(after, before);
        let verdict = proof(&world.store, &world.archives).await;
        let held = report.stored + report.superseded + report.set_aside;
        assert_eq!(held, verdict.records + verdict.set_aside, "the numbers add up");
    });
}

#[test]
fn what_the_archives_hold_adds_up() {
    paused(async {
        let world = settled(6).await;
        let verdict = proof(&world.store, &world.archives).await;
        assert_eq!(verdict.standing, verdict.rows);
        assert!(verdict.records > verdict.standing, "nothing was superseded");
    });
}

#[test]
fn nothing_to_prove_is_no_proof() {
    paused(async {
        let world = settled(1).await;
        assert!(!proof(&world.store, &world.archives).await.is_empty());
        let empty = proof(&MemoryStore::default(), &MemoryArchives::default()).await;
        assert!(empty.is_empty(), "{empty:#?}");
        let lost = proof(&MemoryStore::default(), &world.archives).await;
        assert!(!lost.is_empty() && !lost.is_equal(), "that is worse than nothing");
    });
}

#[test]
fn an_archive_applied_for_another_order_is_named() {
    paused(async {
        let world = settled(2).await;
        let first = applied(&world.store).await.pop_first().unwrap();
        let order = world.store.order(&first).await.unwrap().unwrap();
        let (archive, label) = Label::of(&order, world.now()).unwrap();
        let other: OrderNo = "DDMON0OTHER".parse().unwrap();
        let label = Label { order_no: other.clone(), created_at: None, ..label };
        world.archives.label(&archive, &label).await.unwrap();
        // As a version that does not look whose an archive is would have left it.
        let store = Arc::clone(&world.store);
        let order = Order { no: other.clone(), created_at: None, ..order };
        store.decide(&Decision::AddOrder { order_no: other.clone() }, world.now()).await.unwrap();
        let hand = Worker { name: "hand".into(), term: std::time::Duration::from_secs(60) };
        let claim = store.claim(&hand, Want::Confirmed, &[], world.now()).await.unwrap();
        let lease = Lease { order, ..claim.lease().unwrap() };
        store.save(&lease, world.now()).await.unwrap();

        let verdict = proof(&store, &world.archives).await;
        assert!(!verdict.is_equal());
        assert_eq!((verdict.shared, verdict.differences), (1, 0), "{verdict:#?}");
        let [Finding::SharedArchive { order_no, with, dates: None, .. }] = &*verdict.findings
        else {
            panic!("{:#?}", verdict.findings);
        };
        assert_eq!((order_no, with.as_ref()), (&first, Some(&other)));
    });
}

#[test]
fn an_archive_that_was_pushed_long_before_its_order_is_named() {
    paused(async {
        let world = settled(2).await;
        let first = applied(&world.store).await.pop_first().unwrap();
        let order = world.store.order(&first).await.unwrap().unwrap();
        let (archive, label) = Label::of(&order, world.now()).unwrap();
        let later = world.now() + jiff::SignedDuration::from_hours(200);
        let created_at = Some(qcc_proto::ShanghaiTime::from_timestamp(later));
        // Applied before a list said when the order was made.
        world.archives.label(&archive, &Label { created_at: None, ..label }).await.unwrap();
        let store = Arc::new(MemoryStore::default());
        replayed(&world, &store, &ReplayScope::All).await;
        let listed = [ListedOrder::new(first.clone(), created_at)];
        let listing = Listing::of(&listed, 30, 0, world.now());
        store.note_list(&listed, &listing).await.unwrap();
        let verdict = proof(&store, &world.archives).await;
        let [Finding::SharedArchive { order_no, with: None, dates: Some(dates), .. }] =
            &*verdict.findings
        else {
            panic!("{:#?}", verdict.findings);
        };
        assert_eq!((order_no, Some(dates.0)), (&first, created_at));
    });
}

#[test]
fn a_rebuilt_ledger_still_sees_gaps() {
    paused(async {
        let world = settled(5).await;
        let rebuilt = Arc::new(MemoryStore::default());
        let report = replayed(&world, &rebuilt, &ReplayScope::All).await;
        assert_eq!((report.adopted, report.applied), (5, 5));
        let world = World { store: rebuilt, ..world };
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        world.push(31);
        let _ = world.engine().settle(std::time::Duration::ZERO, &()).await;
        assert_eq!(world.store.gaps().await.unwrap().len(), 1);
    });
}

#[test]
fn an_order_called_about_before_it_was_listed_is_labelled_as_listed() {
    paused(async {
        let world = settled(0).await;
        world.push(1);
        let order_no = world.vendor.lock().unwrap().truth().orders.keys().next().unwrap().clone();
        world.store.note_call(&order_no, world.now()).await.unwrap();
        let add = Decision::AddOrder { order_no: order_no.clone() };
        world.store.decide(&add, world.now()).await.unwrap();
        while world.engine().work(&mut Default::default(), &()).await.unwrap() {}
        assert_eq!(world.store.order(&order_no).await.unwrap().unwrap().listed_at, None);
        world.settle().await;
        world.engine().list(&()).await.unwrap();
        let rebuilt = Arc::new(MemoryStore::default());
        replayed(&world, &rebuilt, &ReplayScope::All).await;
        let order = rebuilt.order(&order_no).await.unwrap().unwrap();
        assert!(order.listed_at.is_some() && order.called_at.is_some());
        assert!(order.created_at.is_some());
    });
}

#[test]
fn quarantined_orders_are_left_to_a_person_and_spoilt_ones_become_so_again() {
    paused(async {
        let faults = FaultPlan::none().with(Fault::WrongTotal, Rate::first(1));
        let world = World::new(VendorConfig { seed: 7, faults, ..VendorConfig::default() });
        world.push(4);
        world.settle().await;
        for _ in 0..2 {
            let report = replayed(&world, &world.store, &ReplayScope::All).await;
            assert_eq!(report.applied, 3);
            assert!(matches!(&*report.setbacks, [Setback::Refused(..)]), "told each time");
        }
        assert_eq!(proof(&world.store, &world.archives).await.waiting, 1);

        let rebuilt = Arc::new(MemoryStore::default());
        let report = replayed(&world, &rebuilt, &ReplayScope::All).await;
        assert_eq!((report.adopted, report.applied), (4, 3));
        let [Setback::Refused(order_no, reason)] = &*report.setbacks else {
            panic!("{:?}", report.setbacks);
        };
        assert_eq!(reason.code.as_str(), "count_mismatch");
        let order = rebuilt.order(order_no).await.unwrap().unwrap();
        assert!(matches!(order.state, State::Quarantined { .. }));
        assert!(proof(&rebuilt, &world.archives).await.is_equal());
    });
}

#[test]
fn an_order_another_worker_is_at_is_left_to_it() {
    paused(async {
        let world = settled(3).await;
        let orders: Vec<OrderNo> = applied(&world.store).await.into_iter().collect();
        let other = Worker { name: "other".into(), term: std::time::Duration::from_secs(600) };
        world.store.reopen(&orders[1], &other, world.now()).await.unwrap().unwrap();
        let report = replayed(&world, &world.store, &ReplayScope::All).await;
        assert_eq!(report.applied, 2);
        assert_eq!(report.setbacks, [Setback::Busy(orders[1].clone())]);
        let verdict = proof(&world.store, &world.archives).await;
        assert!(verdict.is_equal(), "an order opened again was applied all the same");
    });
}

#[test]
fn a_named_order_alone_is_applied_again() {
    paused(async {
        let world = settled(3).await;
        let orders: Vec<OrderNo> = applied(&world.store).await.into_iter().collect();
        let scope = ReplayScope::Orders(orders[..1].iter().cloned().collect());
        assert_eq!(replayed(&world, &world.store, &scope).await.applied, 1);
        let rebuilt = Arc::new(MemoryStore::default());
        let report = replayed(&world, &rebuilt, &scope).await;
        assert_eq!((report.adopted, report.applied), (1, 1));
    });
}

#[test]
fn of_two_archives_of_an_order_the_one_that_opens_is_adopted() {
    paused(async {
        let world = settled(2).await;
        let order_no = applied(&world.store).await.pop_first().unwrap();
        let order = world.store.order(&order_no).await.unwrap().unwrap();
        let good = order.archive.unwrap();
        let mut bytes = bytes_of(&*world.archives, &good).await;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let mut partial = world.archives.begin(&no("A1")).await.unwrap();
        partial.append(&bytes).await.unwrap();
        let damaged = partial.keep().await.unwrap();
        let later = world.now() + jiff::SignedDuration::from_hours(1);
        let (_, label) = Label::of(&order, later).unwrap();
        world.archives.label(&damaged, &label).await.unwrap();

        let rebuilt = Arc::new(MemoryStore::default());
        let report = replayed(&world, &rebuilt, &ReplayScope::All).await;
        assert_eq!((report.applied, report.setbacks.len()), (2, 0), "{report:#?}");
        assert_eq!(kept(&rebuilt, &order_no).await, good);

        world.archives.remove(&good.sha256);
        let rebuilt = Arc::new(MemoryStore::default());
        let report = replayed(&world, &rebuilt, &ReplayScope::All).await;
        let [Setback::Refused(refused, _)] = &*report.setbacks else { panic!("{report:#?}") };
        assert_eq!(*refused, order_no, "where none opens, why is told");
    });
}
