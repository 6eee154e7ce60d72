//! `qcc records`: filters and formats.

use qcc_sim::{ArchiveDialect, ArchiveStyle, VendorConfig};

use crate::support::World;

fn world() -> World {
    let config = VendorConfig {
        seed: 3,
        archives: ArchiveStyle::Fixed(ArchiveDialect::default()),
        records_per_order: 60..=60,
        ..VendorConfig::default()
    };
    let world = World::with(config);
    world.push(3);
    world.run(&["sync"]).ends(0);
    world
}

#[test]
fn filters_join_with_and() {
    let world = world();
    let count = |arguments: &[&str]| {
        world.run(&[&["records", "--json"], arguments].concat()).ends(0).lines().len()
    };
    let truth = world.vendor().truth().table;
    let by =
        |keep: &dyn Fn(&qcc_sim::TrueRecord) -> bool| truth.values().filter(|r| keep(r)).count();
    let level = |r: &qcc_sim::TrueRecord| r.record.monitor_level.as_deref() == Some("高风险信息");
    let kind = |r: &qcc_sim::TrueRecord| r.record.monitor_type.as_deref() == Some("红色通道");
    assert!(by(&level) > 0);
    assert_eq!(count(&["--level", "高风险信息"]), by(&level));
    assert_eq!(
        count(&["--level", "高风险信息", "--type", "红色通道"]),
        by(&|r| level(r) && kind(r))
    );
    let newest = truth.values().map(|r| r.push_date).max().unwrap();
    assert_eq!(count(&["--since", &newest.to_string()]), by(&|r| r.push_date == newest));
    let order = truth.values().next().unwrap().order_no.clone();
    assert_eq!(count(&["--order", order.as_str()]), by(&|r| r.order_no == order));
    let corp = truth.values().find_map(|r| r.record.corp_name.clone()).unwrap();
    assert!(count(&["--corp", &corp]) >= 1);
    assert_eq!(count(&["--changed-since", "2999-01-01"]), 0);
    assert_eq!(count(&["--limit", "7"]), 7);
    assert_eq!(count(&[]), truth.len());
}

#[test]
fn csv_has_a_header_and_a_line_for_each() {
    let world = world();
    let total = world.vendor().truth().table.len();
    let ran = world.run(&["records", "--csv"]).ends(0);
    let lines: Vec<&str> = ran.out.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), total + 1);
    assert!(lines[0].starts_with("id,corp_key_no,corp_name,"));
    assert_eq!(world.run(&["records", "--format", "csv"]).ends(0).out, ran.out);
}

#[test]
fn a_table_is_for_people() {
    let world = world();
    let ran = world.run(&["records"]).ends(0).prints("company").says("the first 100 are shown");
    assert!(ran.out.lines().count() >= 100);
    let ran = world.run(&["records", "--limit", "3"]).ends(0);
    assert_eq!(ran.err, "");
    world.run(&["records", "--level", "无"]).ends(0).says("no records fit");
}
