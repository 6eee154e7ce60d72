//! The rank rule against a map that keeps the greatest.

use std::collections::HashMap;

use proptest::{collection::vec, prelude::*};
use qcc_sync::{Rank, RecordFilter, Row, Store};

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
                prop_assert_eq!(written.stored, stands.count() as u64);
                prop_assert_eq!(written.stored + written.superseded, total);
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
