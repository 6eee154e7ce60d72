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
    world.run(&["records", "--corp", "无"]).ends(0).says("no records fit");
}

#[test]
fn a_word_that_does_not_occur_is_answered_with_those_that_do() {
    let world = world();
    let ran = world.run(&["records", "--level", "high"]).ends(0);
    ran.says("no record has the level high; there are: ").says("高风险信息 (");
    let ran = world.run(&["records", "--type", "red", "--json"]).ends(0);
    ran.says("no record has the type red; there are: ").says("红色通道 (");
    let ran = world.run(&["records", "--level", "高风险信息", "--since", "2999-01-01"]).ends(0);
    assert!(!ran.err.contains("there are"), "{}", ran.err);
}

#[test]
fn records_are_sorted_cut_off_and_shown_by_column() {
    let world = world();
    let lines = |arguments: &[&str]| {
        world.run(&[&["records", "--json"], arguments].concat()).ends(0).lines()
    };
    let truth = world.vendor().truth().table;
    let scores = |lines: &[serde_json::Value]| -> Vec<i64> {
        lines.iter().map(|line| line["score"].as_i64().unwrap_or(i64::MIN)).collect()
    };
    let all = scores(&lines(&["--sort", "score"]));
    assert_eq!(all.len(), truth.len());
    assert!(all.is_sorted_by(|one, next| one >= next), "{all:?}");
    assert_eq!(scores(&lines(&["--sort", "score", "--limit", "5"])), all[..5]);
    let pushed: Vec<String> = lines(&["--sort", "pushed"])
        .iter()
        .map(|line| line["push_date"].as_str().unwrap().to_owned())
        .collect();
    assert!(pushed.is_sorted_by(|one, next| one >= next), "{pushed:?}");

    let (first, last) = (pushed.last().unwrap().as_str(), pushed[0].as_str());
    assert!(first < last);
    let count = |push: &dyn Fn(&str) -> bool| pushed.iter().filter(|date| push(date)).count();
    assert_eq!(lines(&["--until", first]).len(), count(&|date| date <= first));
    assert_eq!(lines(&["--since", last, "--until", last]).len(), count(&|date| date == last));
    assert_eq!(lines(&["--since", &last.replace(' ', "T")]).len(), count(&|date| date >= last));
    assert_eq!(lines(&["--since", "yesterday", "--until", "today"]).len(), truth.len());
    assert_eq!(lines(&["--since", "7d"]).len(), truth.len());
    assert_eq!(lines(&["--until", "8d"]).len(), 0);

    let chosen = lines(&["--columns", "score,corp_name,extra", "--limit", "3"]);
    for line in &chosen {
        let names: Vec<_> = line.as_object().unwrap().keys().collect();
        assert_eq!(names.len(), 3, "{names:?}");
    }
    let ran = world.run(&["records", "--csv", "--columns", "id,score", "--limit", "1"]).ends(0);
    assert!(ran.out.starts_with("id,score\r\n"), "{}", ran.out);
    let ran = world.run(&["records", "--limit", "2"]).ends(0).prints("pushed");
    assert!(ran.out.contains(last), "{}", ran.out);
}

#[test]
fn excel_gets_a_byte_order_mark_when_asked_for() {
    let world = world();
    let plain = world.run(&["records", "--csv"]).ends(0).out;
    assert_eq!(world.run(&["records", "--csv", "--bom"]).ends(0).out, format!("\u{feff}{plain}"));
}

/// `script` gives a program a terminal of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_gets_no_control_character_of_a_record() {
    let world = world();
    let rows = "UPDATE risk_records SET corp_name = 'x' || char(27) || '[2J' || char(155) || 'y'";
    rusqlite::Connection::open(world.path("qcc.db")).unwrap().execute(rows, []).unwrap();
    for format in ["--csv", "--json"] {
        let raw = world.run(&["records", format, "--limit", "1"]).ends(0).out;
        assert!(raw.contains('\u{9b}'), "{raw}");
        let program = env!("CARGO_BIN_EXE_qcc");
        let line = format!("{program} records {format} --limit 1");
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).current_dir(world.folder.path());
        let Ok(output) = command.output() else { return };
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains("[2J") && shown.contains("corp_name"), "{shown:?}");
        assert!(!shown.contains(['\u{1b}', '\u{9b}']), "{shown:?}");
    }
}

#[test]
fn a_damaged_database_names_both_ways_back() {
    let world = world();
    let path = world.path("qcc.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let ran = world.run(&["records"]).ends(1);
    ran.says("is damaged").says("restore a backup").says("`qcc replay`");
}
