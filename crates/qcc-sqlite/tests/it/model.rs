//! The rank rule against a map that keeps the greatest.

use std::collections::{HashMap, HashSet};

use proptest::{collection::vec, prelude::*};
use qcc_sync::{Changes, Rank, RecordFilter, Row, Store, Written};

use crate::given::{apply, local, no, record, store};

/// What one archive says of a few ids: order number, push date, ids by position.
#[derive(Debug, Clone)]
struct Archive {
    order_no: String,
    pushed: i64,
    ids: Vec<u8>,
}

fn archives() -> impl Strategy<Value = Vec<Archive>> {
    let contents = (0..4_i64, vec(0..6_u8, 0..12));
    vec(contents, 1..6)
        .prop_map(|all| {
            let numbered = all.into_iter().enumerate().map(|(n, (pushed, ids))| Archive {
                order_no: format!("A{n}"),
                pushed,
                ids,
            });
            numbered.collect::<Vec<_>>()
        })
        .prop_shuffle()
}

fn rows(archive: &Archive) -> Vec<Row> {
    let version = |position: usize| format!("{}/{position}", archive.order_no);
    let ids = archive.ids.iter().enumerate();
    ids.map(|(position, id)| Row {
        position: position as u64,
        record: record(&format!("id{id}"), &version(position)),
    })
    .collect()
}

fn written(new: u64, updated: u64, unchanged: u64, superseded: u64) -> Written {
    Written { changes: Changes { new, updated, unchanged }, superseded }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_table_is_the_greatest_of_each_id(archives in archives(), cut in 1..8_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_folder, store) = store().await;
            let mut model: HashMap<String, (Rank, String)> = HashMap::new();
            for archive in &archives {
                let rows = rows(archive);
                let before: HashSet<String> = model.keys().cloned().collect();
                let total = rows.len() as u64;
                for Row { position, record } in &rows {
                    let rank = Rank {
                        push_date: local(archive.pushed),
                        order_no: no(&archive.order_no),
                        position: *position,
                    };
                    let version = record.monitor_content.clone().unwrap();
                    let standing = model.entry(record.id.clone());
                    let standing = standing.or_insert_with(|| (rank.clone(), version.clone()));
                    if standing.0 <= rank {
                        *standing = (rank, version);
                    }
                }
                let batches = rows.chunks(cut).map(<[Row]>::to_vec).collect();
                let written = apply(&store, &archive.order_no, archive.pushed, batches).await;
                let stands = model.values().filter(|(r, _)| r.order_no == no(&archive.order_no));
                let stands: Vec<_> = stands.collect();
                prop_assert_eq!(written.stored(), stands.len() as u64);
                prop_assert_eq!(written.stored() + written.superseded, total);
                let new = model.len() - before.len();
                prop_assert_eq!(written.changes.new, new as u64);
                prop_assert_eq!(written.changes.unchanged, 0);
            }
            let all = store.records(&RecordFilter::default(), None, 100).await.unwrap();
            prop_assert_eq!(all.len(), model.len());
            prop_assert_eq!(store.overview().await.unwrap().records, model.len() as u64);
            for stored in all {
                let (rank, version) = &model[&stored.record.id];
                prop_assert_eq!(&stored.rank, rank);
                prop_assert_eq!(stored.record.monitor_content.as_ref(), Some(version));
            }
            Ok(())
        })?;
    }
}

/// More than memory takes at once: the archive is merged from a file.
#[tokio::test]
async fn an_archive_larger_than_memory_counts_and_stands_as_a_small_one() {
    let (folder, store) = store().await;
    let long = "长".repeat(40_000);
    let rows = |ids: std::ops::Range<u64>, version: &str| -> Vec<Row> {
        let versions = ids.map(|n| record(&format!("id{:03}", n * 37 % 200), version));
        (0..).zip(versions).map(|(position, record)| Row { position, record }).collect()
    };
    let old = apply(&store, "A1", 0, vec![rows(150..200, "old")]).await;
    assert_eq!(old, written(50, 0, 0, 0));
    let newer = apply(&store, "A3", 90, vec![rows(190..200, "newer")]).await;
    assert_eq!(newer, written(0, 10, 0, 0));
    // Each id twice, far apart.
    let twice = rows(0..400, &long);
    let batches = twice.chunks(50).map(<[Row]>::to_vec).collect();
    let large = apply(&store, "A2", 50, batches).await;
    assert_eq!(large, written(150, 40, 0, 210));
    let order = store.order(&no("A2")).await.unwrap().unwrap();
    assert_eq!(order.applied.unwrap().changes, Some(large.changes), "and the ledger says so");
    let all = store.records(&RecordFilter::default(), None, 1000).await.unwrap();
    assert_eq!(all.len(), 200);
    for stored in all {
        let version = stored.record.monitor_content.unwrap();
        match stored.rank.order_no.as_str() {
            "A2" => assert!(version == long && stored.rank.position >= 200),
            _ => assert_eq!(version, "newer"),
        }
    }
    let names = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| name.to_string_lossy().starts_with("qcc.db")));
}
