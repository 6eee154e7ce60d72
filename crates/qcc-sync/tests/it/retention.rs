//! What is removed on purpose is no alarm, and what is left is proven.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::SignedDuration;
use qcc_proto::{OrderNo, ShanghaiTime};
use qcc_sync::{
    Archives, Discard, Label, MemoryArchives, MemoryStore, Policy, Prune, PruneReport, PruneScope,
    Pruned, ReplayScope, Retention, Store,
};

use crate::{
    kept::{applied, keep_damaged, kept, proof, replayed, settled},
    world::{World, no, paused},
};

async fn pruned(world: &World, store: &Arc<MemoryStore>, scope: &PruneScope) -> PruneReport {
    let archives: Arc<MemoryArchives> = Arc::clone(&world.archives);
    let prune = Prune { store: store.clone(), archives, policy: Policy::default() };
    prune.run(scope, world.now()).await.unwrap()
}

fn all_but(world: &World, keep: usize) -> PruneScope {
    let archives_before = Some(world.now() + SignedDuration::from_hours(1));
    PruneScope { archives_before, keep, ..PruneScope::default() }
}

fn numbers(report: &PruneReport) -> BTreeSet<OrderNo> {
    report.archives.iter().filter_map(|pruned| pruned.order_no.clone()).collect()
}

/// Days of orders, four of them.
async fn days() -> World {
    let world = settled(3).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
        world.push(3);
        world.settle().await;
    }
    world
}

#[test]
fn pruned_archives_are_no_alarm_and_the_rest_is_proven() {
    paused(async {
        let world = days().await;
        let table = world.table().await;
        let scope = PruneScope {
            archives_before: Some(world.now() - SignedDuration::from_hours(36)),
            ..PruneScope::default()
        };
        let dry =
            pruned(&world, &world.store, &PruneScope { dry_run: true, ..scope.clone() }).await;
        assert_eq!(proof(&world.store, &world.archives).await.pruned, 0, "nothing was removed");
        let report = pruned(&world, &world.store, &scope).await;
        assert_eq!(report, dry, "as announced");
        assert_eq!(report.archives.len(), 6);
        assert!(report.bytes > 0);

        let verdict = proof(&world.store, &world.archives).await;
        assert!(verdict.is_equal(), "{verdict:#?}");
        assert_eq!((verdict.orders, verdict.pruned, verdict.missing), (12, 6, 0));
        assert!(verdict.unproven > 0 && verdict.unproven == verdict.unproven_pruned);

        let replay = replayed(&world, &world.store, &ReplayScope::All).await;
        assert_eq!((replay.applied, replay.pruned), (6, 6));
        assert_eq!((replay.labelled, replay.setbacks.len()), (0, 0), "{replay:#?}");
        assert_eq!(world.table().await, table);
        let again = pruned(&world, &world.store, &scope).await;
        assert_eq!(again.archives, [], "once");
        assert!(proof(&world.store, &world.archives).await.is_equal());
        assert_eq!(world.archives.shelved(None, 100).await.unwrap().len(), 6);

        let rebuilt = Arc::new(MemoryStore::default());
        replayed(&world, &rebuilt, &ReplayScope::All).await;
        let verdict = proof(&rebuilt, &world.archives).await;
        assert!(verdict.is_equal(), "{verdict:#?}");
        assert_eq!((verdict.orders, verdict.pruned), (6, 0));
    });
}

#[test]
fn an_archive_that_is_lost_after_pruning_is_still_named() {
    paused(async {
        let world = days().await;
        let report = pruned(&world, &world.store, &all_but(&world, 4)).await;
        let left = applied(&world.store).await;
        let lost = left.difference(&numbers(&report)).next().unwrap().clone();
        world.archives.remove(&kept(&world.store, &lost).await.sha256);
        let verdict = proof(&world.store, &world.archives).await;
        assert_eq!((verdict.missing, verdict.pruned), (1, 8));
        assert!(!verdict.is_equal());
    });
}

#[test]
fn where_every_archive_was_pruned_nothing_is_proven() {
    paused(async {
        let world = days().await;
        pruned(&world, &world.store, &all_but(&world, 0)).await;
        let verdict = proof(&world.store, &world.archives).await;
        assert!(verdict.is_empty(), "{verdict:#?}");
        assert_eq!((verdict.pruned, verdict.held()), (12, 0));
        assert_eq!(verdict.unproven_pruned, verdict.rows);
    });
}

#[test]
fn what_is_written_down_as_removed_and_is_still_there_proves_what_it_did() {
    paused(async {
        let world = days().await;
        let mut retention = Retention::default();
        for order_no in applied(&world.store).await {
            let archive = kept(&world.store, &order_no).await;
            retention.pruned.insert(order_no, Pruned { archive, at: world.now() });
        }
        // Killed before it removed the first of them.
        world.archives.note_pruned(&retention).await.unwrap();
        let verdict = proof(&world.store, &world.archives).await;
        assert_eq!((verdict.held(), verdict.pruned, verdict.unproven), (12, 0, 0));
        let replay = replayed(&world, &world.store, &ReplayScope::All).await;
        assert_eq!((replay.applied, replay.pruned), (12, 0));
        let report = pruned(&world, &world.store, &all_but(&world, 0)).await;
        assert_eq!(report.archives.len(), 12, "the next run removes them");
    });
}

#[test]
fn only_archives_of_applied_orders_are_pruned() {
    paused(async {
        let world = settled(3).await;
        let stranger: OrderNo = "DDMONSTRANGER".parse().unwrap();
        let first = applied(&world.store).await.pop_first().unwrap();
        let order = world.store.order(&first).await.unwrap().unwrap();
        // The same bytes are labelled for an order the ledger does not have.
        let (archive, label) = Label::of(&order, world.now()).unwrap();
        world.archives.label(&archive, &Label { order_no: stranger, ..label }).await.unwrap();
        let scope = PruneScope { refused: true, strays: true, ..all_but(&world, 0) };
        let report = pruned(&world, &world.store, &scope).await;
        assert_eq!((report.archives.len(), report.unknown), (3, 1));
        assert!(world.archives.open(&archive).await.unwrap().is_some(), "another may need it");
        assert_eq!(world.archives.shelved(None, 100).await.unwrap().len(), 1);
    });
}

#[test]
fn refused_archives_are_removed_and_whatever_opens_stays() {
    paused(async {
        let world = settled(3).await;
        let first = applied(&world.store).await.pop_first().unwrap();
        let order = world.store.order(&first).await.unwrap().unwrap();
        let damaged = keep_damaged(&world, &order, &first).await;
        let mut stray = world.archives.begin(&no("A1")).await.unwrap();
        stray.append(b"PK and no more").await.unwrap();
        let stray = stray.keep().await.unwrap();
        // Of an order the ledger does not have, nothing is removed.
        let foreign: OrderNo = "DDMONSTRANGER".parse().unwrap();
        let (_, label) = Label::of(&order, world.now()).unwrap();
        let mut partial = world.archives.begin(&no("A1")).await.unwrap();
        partial.append(b"PK of somebody else").await.unwrap();
        let theirs = partial.keep().await.unwrap();
        world.archives.label(&theirs, &Label { order_no: foreign, ..label }).await.unwrap();

        let verdict = proof(&world.store, &world.archives).await;
        assert_eq!((verdict.refused_kept, verdict.refused_bytes), (1, damaged.size));
        assert_eq!((verdict.strays, verdict.stray_bytes), (1, stray.size));
        let scope = PruneScope { refused: true, ..PruneScope::default() };
        let report = pruned(&world, &world.store, &scope).await;
        let names: Vec<_> = report.refused.iter().map(|pruned| pruned.archive).collect();
        assert_eq!((names, report.strays.len(), report.bytes), (vec![damaged], 0, damaged.size));
        assert_eq!(world.archives.kept_at(&damaged).await.unwrap(), None);
        assert!(world.archives.kept_at(&stray).await.unwrap().is_some());
        assert_eq!(proof(&world.store, &world.archives).await.refused_kept, 0);

        let scope = PruneScope { strays: true, ..PruneScope::default() };
        assert_eq!(pruned(&world, &world.store, &scope).await.strays[0].archive, stray);
        assert!(world.archives.kept_at(&theirs).await.unwrap().is_some());
        assert_eq!(world.archives.shelved(None, 100).await.unwrap().len(), 4);
    });
}

#[test]
fn records_that_were_removed_by_age_are_no_difference() {
    paused(async {
        let world = days().await;
        let before = ShanghaiTime::from_timestamp(world.now() - SignedDuration::from_hours(36));
        let scope = PruneScope { records_before: Some(before), ..PruneScope::default() };
        let old = world.table().await.values().filter(|(rank, _)| rank.push_date < before).count();
        assert!(old > 0);
        let dry =
            pruned(&world, &world.store, &PruneScope { dry_run: true, ..scope.clone() }).await;
        let report = pruned(&world, &world.store, &scope).await;
        assert_eq!((report.records, dry.records), (old as u64, old as u64));
        let verdict = proof(&world.store, &world.archives).await;
        assert!(verdict.is_equal(), "{verdict:#?}");
        assert_eq!(verdict.pruned_records, old as u64);
        assert_eq!(verdict.standing, verdict.rows + verdict.pruned_records);

        let table = world.table().await;
        replayed(&world, &world.store, &ReplayScope::All).await;
        assert_eq!(world.table().await, table, "a replay does not bring them back");
        assert!(proof(&world.store, &world.archives).await.is_equal());
    });
}
