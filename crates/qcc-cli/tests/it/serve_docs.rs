//! What `docs/operations` says about metrics is what the program shows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::Value;

use crate::{
    daemon::{Daemon, until},
    support::World,
};

fn document(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// A family's kind and its labels.
type Families = BTreeMap<String, (String, BTreeSet<String>)>;

/// The families on a page. Those without a sample have no labels to show.
fn on_the_page(page: &str) -> (Families, BTreeSet<String>) {
    let (mut families, mut sampled) = (Families::new(), BTreeSet::new());
    for line in page.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            let (name, kind) = head.split_once(' ').unwrap();
            let twice = families.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
            assert!(twice.is_none(), "{name} is on the page twice");
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let _: f64 = value.parse().expect(line);
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let names = labels.split("\",").filter_map(|pair| pair.split_once("=\""));
            let family = families.get_mut(name).unwrap_or_else(|| panic!("{name} has no head"));
            family.1.extend(names.map(|(label, _)| label.to_owned()));
            sampled.insert(name.to_owned());
        }
    }
    (families, sampled)
}

/// The rows of the table in `metrics.md`.
fn in_the_table(text: &str) -> Families {
    let rows = text.lines().filter(|line| line.starts_with("| `qcc_"));
    rows.map(|row| {
        let mut cells = row.split(" | ");
        let mut cell = || cells.next().expect(row);
        let names = |cell: &str| -> BTreeSet<String> {
            cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        };
        let name = names(cell()).pop_first().expect(row);
        (name, (cell().to_owned(), names(cell())))
    })
    .collect()
}

/// Every name of ours in an expression.
fn named_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c)).filter(|word| word.starts_with("qcc_"));
    words.map(str::to_owned).collect()
}

#[test]
fn the_metrics_are_those_of_the_documents() {
    let world = World::new();
    world.push(2);
    let daemon = Daemon::start(&world, &[]);
    until("applied", || daemon.metric("qcc_orders_applied_total") == 2.0);
    let (_, page) = daemon.ask("/metrics");
    let (shown, sampled) = on_the_page(&page);

    let documented = in_the_table(&document("metrics.md"));
    let names = |families: &Families| families.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&shown), names(&documented));
    for (name, (kind, labels)) in &shown {
        let (documented_kind, documented_labels) = &documented[name];
        assert_eq!(kind, documented_kind, "{name}");
        if sampled.contains(name) {
            assert_eq!(labels, documented_labels, "{name}");
        }
    }

    let dashboard: Value = serde_json::from_str(&document("dashboard.json")).unwrap();
    let targets = dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| {
        panel["targets"].as_array().unwrap().iter().map(|target| target["expr"].as_str().unwrap())
    });
    let on_the_dashboard: BTreeSet<String> = targets.flat_map(named_in).collect();
    let alerts = document("alerts.yml");
    let expressions = alerts.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    let in_alerts: BTreeSet<String> = expressions.flat_map(named_in).collect();
    for name in on_the_dashboard.union(&in_alerts) {
        assert!(shown.contains_key(name), "{name} is used and not shown");
    }
    assert!(on_the_dashboard.len() > 10 && in_alerts.len() > 10);
}

#[test]
fn every_alert_is_tested_and_explained_to_operators_in_both_languages() {
    let alerts = document("alerts.yml");
    let names: Vec<&str> =
        alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 10);
    for guide in ["README.md", "README.zh-CN.md"] {
        let text = document(guide);
        for name in &names {
            assert!(text.contains(&format!("`{name}`")), "{guide} does not explain {name}");
        }
    }
    let tests = document("alerts.test.yml");
    for name in &names {
        assert!(tests.contains(&format!("- alertname: {name}\n")), "{name} is not tested");
    }
}

#[test]
fn the_example_configuration_is_read_with_every_setting_in_it() {
    let world = World::new();
    let uncommented: String = document("qcc.toml")
        .lines()
        .map(|line| match line.strip_prefix("# ").filter(|rest| rest.contains(" = ")) {
            Some(setting) if setting.split(' ').next().is_some_and(is_key) => setting,
            _ => line,
        })
        .filter(|line| !line.contains("/etc/qcc") && !line.starts_with("base_url"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(world.path("qcc.toml"), &uncommented).unwrap();
    let ran = world.run(&["doctor", "--offline", "--json"]);
    assert!(!ran.err.contains("qcc.toml"), "{}\n{uncommented}", ran.err);
    ran.prints("\"qcc serve\"").prints("header_timeout").prints("unknown_per_minute");
    let keys = uncommented.lines().filter(|line| line.split(' ').next().is_some_and(is_key));
    assert!(keys.count() > 20, "{uncommented}");
}

fn is_key(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}
