//! Archives and the truth about them, read by other hands.

use std::{collections::BTreeMap, io::Cursor};

use qcc_sim::{
    ArchiveDialect, ArchiveSpec, ArchiveStyle, Container, Layout, SimRecord, TrueRecord, Vendor,
    VendorConfig, sample_records, write_archive,
};
use serde_json::Value;

use crate::support::*;

/// Id to (pushDate, orderNo, position) and the fields, by the plainest reading.
type Naive = BTreeMap<String, ((String, String, u64), Value)>;

/// Downloads every order and computes the table without any code of the crate.
fn naive_table(vendor: &mut Vendor) -> Naive {
    let mut table = Naive::new();
    let orders: Vec<_> = vendor.truth().orders.into_keys().collect();
    for order in orders {
        let (archive, password) = fetch(vendor, &order, at(100_000));
        let document = json(&unzip(&archive, &password).unwrap());
        let results = document["result"].as_array().unwrap();
        assert_eq!(document["totalSize"], results.len());
        for (position, record) in (0_u64..).zip(results) {
            let Some(id) = record["id"].as_str().filter(|id| id.len() == 32) else { continue };
            if record["monitorLevel"] == "" || record["score"] == "unrated" {
                continue;
            }
            let push_date = document["pushDate"].as_str().unwrap().to_owned();
            let rank = (push_date, order.to_string(), position);
            if table.get(id).is_none_or(|(standing, _)| *standing < rank) {
                table.insert(id.to_owned(), (rank, record.clone()));
            }
        }
    }
    table
}

#[track_caller]
fn same(
    truth: &TrueRecord,
    ((push_date, order, position), record): &((String, String, u64), Value),
) {
    assert_eq!((&truth.push_date.to_string(), truth.position), (push_date, *position));
    assert_eq!(truth.order_no.as_str(), order);
    let SimRecord { id, score, extra, .. } = &truth.record;
    assert_eq!(record["id"], **id);
    for (name, expected) in [
        ("corpKeyNo", &truth.record.corp_key_no),
        ("corpName", &truth.record.corp_name),
        ("monitorContent", &truth.record.monitor_content),
        ("monitorLevel", &truth.record.monitor_level),
        ("monitorType", &truth.record.monitor_type),
        ("changeDate", &truth.record.change_date),
    ] {
        assert_eq!(record[name], Value::from(expected.clone()), "{name} of {id}");
    }
    let said = match &record["score"] {
        Value::String(text) => Some(text.parse().unwrap()),
        number => number.as_i64(),
    };
    assert_eq!(said, score.map(i64::from));
    let unknown = ["batchNo", "remark"].iter().filter(|name| record.get(name).is_some());
    let extra: Option<Value> = extra.as_deref().map(|text| serde_json::from_str(text).unwrap());
    assert_eq!(unknown.count(), extra.map_or(0, |e| e.as_object().unwrap().len()));
}

#[test]
fn the_truth_is_what_a_naive_reading_of_all_archives_gives() {
    for seed in 0..3 {
        let bad_records = if seed % 2 == 0 { 0.0 } else { 0.1 };
        let mut vendor = vendor(VendorConfig { seed, bad_records, ..Default::default() });
        (0..25).for_each(|n| drop(vendor.push(at(n * 30))));
        let truth = vendor.truth();
        let naive = naive_table(&mut vendor);
        assert_eq!(
            truth.table.keys().collect::<Vec<_>>(),
            naive.keys().collect::<Vec<_>>(),
            "seed {seed}"
        );
        truth.table.iter().for_each(|(id, record)| same(record, &naive[id]));
        let bad: u64 = truth.orders.values().map(|order| order.bad).sum();
        assert_eq!(bad > 0, bad_records > 0.0);
        let good: u64 = truth.orders.values().map(|order| order.good).sum();
        assert!((truth.table.len() as u64) < good, "ids come again");
    }
}

#[test]
fn every_dialect_unpacks_to_the_same_records() {
    let plain = ArchiveDialect::default();
    let mut dialects = vec![plain.clone()];
    for container in [Container::Ae1, Container::Ae2, Container::Ae2Streamed] {
        for layout in [Layout::Compact, Layout::Pretty, Layout::Ascii] {
            let (stored, comment) = (layout == Layout::Ascii, layout == Layout::Pretty);
            let dialect = ArchiveDialect { container, layout, stored, comment, ..plain.clone() };
            dialects.push(dialect.clone());
            dialects.push(ArchiveDialect {
                other_entries: true,
                byte_order_mark: true,
                shuffled_fields: true,
                result_first: true,
                score_as_text: true,
                ..dialect
            });
        }
    }
    for dialect in dialects {
        let archives = ArchiveStyle::Fixed(dialect.clone());
        let mut vendor = vendor(VendorConfig { seed: 3, archives, ..Default::default() });
        (0..2).for_each(|n| drop(vendor.push(at(n))));
        let truth = vendor.truth();
        let naive = naive_table(&mut vendor);
        assert_eq!(truth.table.len(), naive.len(), "{dialect:?}");
        truth.table.iter().for_each(|(id, record)| same(record, &naive[id]));
    }
}

/// Version and CRC of the first entry, as its local header has them.
fn local_header(archive: &[u8]) -> (u16, u32, u16) {
    let extra = archive.windows(4).position(|w| w == [0x01, 0x99, 7, 0]).unwrap();
    let number = |at: usize| u16::from_le_bytes([archive[at], archive[at + 1]]);
    let crc = u32::from_le_bytes(archive[14..18].try_into().unwrap());
    (number(extra + 4), crc, number(6))
}

#[test]
fn containers_are_what_they_are_called() {
    let write = |container| {
        let dialect = ArchiveDialect { container, ..Default::default() };
        let spec = ArchiveSpec::new("2022-06-07 10:13:42".parse().unwrap(), 5, "password");
        let records = sample_records(1).take(5);
        let target = Cursor::new(Vec::new());
        write_archive(&spec.in_dialect(dialect), records, target).unwrap().into_inner()
    };
    let (version, crc, _) = local_header(&write(Container::Ae1));
    assert_eq!(version, 1);
    assert_ne!(crc, 0);
    assert_eq!(local_header(&write(Container::Ae2)), (2, 0, 1));
    let (version, crc, flags) = local_header(&write(Container::Ae2Streamed));
    assert_eq!((version, crc, flags & 8), (2, 0, 8));
    assert_eq!(write(Container::Ae1), write(Container::Ae1), "the same input, the same bytes");
}

#[test]
fn a_wrong_password_opens_nothing() {
    let mut vendor = vendor(VendorConfig::default());
    let order = vendor.push(at(0));
    let (archive, password) = fetch(&mut vendor, &order, at(1));
    assert!(unzip(&archive, &password).is_ok());
    assert!(unzip(&archive, "wrong").is_err());
}

#[test]
fn seeds_decide_everything() {
    let run = |seed| {
        let mut vendor = vendor(VendorConfig { seed, ..Default::default() });
        let orders: Vec<_> = (0..3).map(|n| vendor.push(at(n))).collect();
        let archives: Vec<_> = orders.iter().map(|o| fetch(&mut vendor, o, at(9))).collect();
        (vendor.truth(), archives)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn pushes_of_one_second_and_older_pushes_occur() {
    let mut vendor = vendor(VendorConfig::default());
    (0..60).for_each(|n| drop(vendor.push(at(n * 30))));
    let truth = vendor.truth();
    let dates: Vec<_> = truth.orders.values().map(|order| order.push_date).collect();
    assert!(dates.windows(2).any(|pair| pair[0] == pair[1]), "no two push dates are equal");
    assert!(dates.windows(2).any(|pair| pair[0] > pair[1]), "push dates follow the order numbers");
}
