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
