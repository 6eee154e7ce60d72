use std::io::Cursor;

use qcc_sim::{ArchiveSpec, SimRecord, sample_records, write_archive};

use super::*;

#[test]
fn records_are_handed_over_by_their_bytes_too() {
    const LONG: usize = 500_000;
    let long = |record| SimRecord { monitor_content: Some("x".repeat(LONG)), ..record };
    let spec = ArchiveSpec::new("2022-06-07 10:13:42".parse().unwrap(), 20, "secret");
    let records = sample_records(1).take(20).map(long);
    let archive = write_archive(&spec, records, Cursor::new(Vec::new())).unwrap().into_inner();
    // As compressible as nothing that is sent, and let through for once.
    let options = qcc_archive::Options::default().with_max_ratio(u64::MAX);
    let policy = Policy { archive: options, ..Policy::default() };
    let (send, mut pieces) = mpsc::channel(100);
    assert!(read(Arc::new(archive), b"secret", &policy, &send).is_ok());
    drop(send);
    let (mut records, mut most) = (0, 0);
    while let Ok(piece) = pieces.try_recv() {
        if let Piece::Rows(rows, _) = piece {
            records += rows.len();
            most = most.max(rows.iter().map(|row| size(&row.record)).sum());
        }
    }
    assert_eq!(records, 20);
    assert!(most > LONG && most < 4_000_000, "{most} of 10,000,000 bytes at once");
}

/// How many records, and how many set aside, each piece of a document holds.
fn pieces_of(records: impl Iterator<Item = SimRecord>, count: u64) -> Vec<(usize, usize)> {
    let spec = ArchiveSpec::new("2022-06-07 10:13:42".parse().unwrap(), count, "secret");
    let archive = write_archive(&spec, records, Cursor::new(Vec::new())).unwrap().into_inner();
    let options = qcc_archive::Options::default().with_max_ratio(u64::MAX);
    let policy = Policy { archive: options, ..Policy::default() };
    let (send, mut pieces) = mpsc::channel(100);
    assert!(read(Arc::new(archive), b"secret", &policy, &send).is_ok());
    drop(send);
    let mut counts = Vec::new();
    while let Ok(piece) = pieces.try_recv() {
        if let Piece::Rows(rows, aside) = piece {
            counts.push((rows.len(), aside.len()));
        }
    }
    counts
}

#[test]
fn a_piece_is_handed_over_once_it_holds_two_mebibytes_of_records_good_or_bad() {
    let long = |length: usize| {
        move |record| SimRecord { monitor_content: Some("x".repeat(length)), ..record }
    };
    let good = sample_records(1).take(12).map(long(500_000));
    assert_eq!(pieces_of(good, 12), [(5, 0), (5, 0), (2, 0)]);
    // Of a record that is set aside 64 KiB are kept.
    let bad = sample_records(1).take(33).map(long(70_000));
    let bad = bad.map(|record| SimRecord { id: String::new(), ..record });
    assert_eq!(pieces_of(bad, 33), [(0, 32), (0, 1)]);
}

#[test]
fn a_record_takes_what_its_texts_take() {
    let mut record = RiskRecord::new("1".repeat(32));
    record.corp_key_no = Some("k".into());
    record.corp_name = Some("nn".into());
    record.monitor_content = Some("c".repeat(4));
    record.monitor_level = Some("l".repeat(8).into());
    record.monitor_type = Some("t".repeat(16).into());
    record.extra = Some("e".repeat(64));
    assert_eq!(size(&record), 32 + 1 + 2 + 4 + 8 + 16 + 64);
}
