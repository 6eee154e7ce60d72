//! Of two versions of a record the one of greater rank stands.

use super::{
    Fresh,
    given::{Archive, local, no, ok, record, row, versions},
};
use crate::{Changes, RecordFilter, Written};

pub(super) async fn the_greatest_rank_stands_in_any_order(fresh: &Fresh<'_>) {
    let archive = |order_no: &str, pushed, position| {
        let rows = vec![
            row(position, record("shared", order_no)),
            row(position + 1, record(order_no, order_no)),
        ];
        Archive::new(order_no, pushed, rows).repeatable()
    };
    let archives = [archive("Z9", 10, 900), archive("A1", 20, 50), archive("a0", 20, 0)];
    let expected = [("A1", "A1"), ("Z9", "Z9"), ("a0", "a0"), ("shared", "a0")];
    for permutation in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for repeated in 0..3 {
            let store = &*fresh().await;
            let (mut greatest, mut applied) = (None, [false; 3]);
            let sequence = permutation.iter().chain([&permutation[repeated]]);
            for &which in sequence.clone() {
                let written = archives[which].apply(store, 0).await;
                let wins = greatest.is_none_or(|greatest| which >= greatest);
                greatest = greatest.max(Some(which));
                let (again, is_first) = (applied[which], !applied.contains(&true));
                applied[which] = true;
                // Its own record, and the one that all three have.
                let new = u64::from(!again) + u64::from(is_first);
                let unchanged = u64::from(again) + u64::from(again && wins);
                let updated = u64::from(wins && !again && !is_first);
                assert_eq!(
                    written,
                    Written {
                        changes: Changes { new, updated, unchanged },
                        superseded: u64::from(!wins),
                    },
                    "archive {which} of {:?}",
                    sequence.clone().collect::<Vec<_>>()
                );
            }
            let expected = expected.map(|(id, version)| (id.to_owned(), version.to_owned()));
            assert_eq!(
                versions(store).await,
                expected,
                "applied as {:?}",
                sequence.collect::<Vec<_>>()
            );
            let shared = ok(store.records(&RecordFilter::default(), Some("a0"), 9).await);
            let rank = &shared[0].rank;
            assert_eq!((rank.push_date, &rank.order_no, rank.position), (local(20), &no("a0"), 0));
        }
    }
}

pub(super) async fn the_later_place_in_an_archive_stands(fresh: &Fresh<'_>) {
    let early = || row(3, record("a", "early"));
    let late = || row(70, record("a", "late"));
    for batches in [
        vec![vec![early(), late()]],
        vec![vec![late(), early()]],
        vec![vec![early()], vec![late()]],
        vec![vec![late()], vec![early()]],
        vec![vec![early()], vec![early(), late()]],
    ] {
        let store = &*fresh().await;
        let mut archive = Archive::new("A1", 0, Vec::new()).repeatable();
        let rows = batches.iter().map(|batch| batch.len() as u64).sum::<u64>();
        archive.batches = batches;
        for new in [1, 0] {
            let written = archive.apply(store, 0).await;
            assert_eq!(versions(store).await, [("a".to_owned(), "late".to_owned())]);
            let changes = Changes { new, updated: 0, unchanged: 1 - new };
            assert_eq!(written, Written { changes, superseded: rows - 1 });
        }
        assert_eq!(ok(store.overview().await).records, 1);
    }
}
