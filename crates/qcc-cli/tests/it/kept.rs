//! `qcc verify` and `qcc replay`: what the kept archives prove, and bring back.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use qcc_sim::{Fault, Rate, VendorConfig};
use rusqlite::Connection;
use serde_json::Value;

use crate::support::World;

/// A vendor whose records repeat and are now and then wrong, and its orders
/// in the table.
fn synced(orders: u32) -> World {
    let world = World::with(VendorConfig { seed: 5, bad_records: 0.03, ..VendorConfig::default() });
    world.push(orders);
    world.run(&["sync"]);
    world
}

fn verified(world: &World, code: i32) -> Vec<Value> {
    world.run(&["verify", "--json"]).ends(code).lines()
}

/// Archives in the folder, by their order.
fn archive_of(world: &World, order_no: &str) -> PathBuf {
    let label = files(&world.path("qcc-archives"), &format!(".{order_no}.json")).remove(0);
    let name = label.file_name().unwrap().to_str().unwrap();
    let (sha256, _) = name.split_once('.').unwrap();
    label.with_file_name(format!("{sha256}.zip"))
}

fn files(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, suffix));
        } else if path.to_str().unwrap().ends_with(suffix) {
            found.push(path);
        }
    }
    found
}

/// A download that was refused, as an older version kept it: garbage with a label.
fn keep_garbage(world: &World, order_no: &str) {
    let garbage = b"PK\x03\x04 and then nothing of the kind";
    let sha256 = sha256(garbage);
    let shelf = world.path("qcc-archives").join(&sha256[..2]);
    fs::create_dir_all(&shelf).unwrap();
    fs::write(shelf.join(format!("{sha256}.zip")), garbage).unwrap();
    let label = files(&world.path("qcc-archives"), ".json").remove(0);
    let mut label: Value = serde_json::from_slice(&fs::read(label).unwrap()).unwrap();
    let said = label.as_object_mut().unwrap();
    said.insert("order_no".into(), order_no.into());
    said.insert("size".into(), garbage.len().into());
    let label = serde_json::to_vec(&label).unwrap();
    fs::write(shelf.join(format!("{sha256}.{order_no}.json")), label).unwrap();
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn remove_database(world: &World) {
    for path in files(world.folder.path(), "")
        .into_iter()
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("qcc.db"))
    {
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_table_that_is_right_is_proven() {
    let world = synced(6);
    let table = world.run(&["records", "--json"]).ends(0).lines();
    let first = verified(&world, 0);
    assert_eq!(first.len(), 1, "{first:?}");
    let sum = &first[0];
    assert_eq!(
        (&sum["equal"], &sum["orders"], &sum["differences"]),
        (&true.into(), &6.into(), &0.into())
    );
    assert_eq!(sum["rows"], table.len());
    assert!(sum["records"].as_u64() > sum["rows"].as_u64(), "nothing was superseded");
    assert!(sum["set_aside"].as_u64() > Some(0), "nothing was set aside");
    assert_eq!(verified(&world, 0), first, "the digest is the same");
    world.run(&["verify"]).ends(0).prints("equal: the table is what the kept archives say");
    assert_eq!(files(world.folder.path(), ".tmp"), [""; 0].map(PathBuf::from));
}

#[test]
fn whatever_is_changed_in_the_database_is_named() {
    let world = synced(6);
    let database = world.path("qcc.db");
    let sound = fs::read(&database).unwrap();
    let connection = || Connection::open(world.path("qcc.db")).unwrap();
    let text = |sql: &str| connection().query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    let id = text("SELECT id FROM risk_records ORDER BY id LIMIT 1 OFFSET 7");
    let order_no = text("SELECT order_no FROM quarantined_records LIMIT 1");
    let other =
        text(&format!("SELECT order_no FROM orders WHERE order_no <> '{order_no}' LIMIT 1"));
    let at = format!("WHERE id = '{id}'");
    let of = format!("WHERE order_no = '{order_no}'");
    let cases: Vec<(String, Vec<(&str, &str)>)> = vec![
        (format!("UPDATE risk_records SET score = 101 {at}"), vec![("row_differs", "score")]),
        (
            format!("UPDATE risk_records SET corp_name = NULL {at}"),
            vec![("row_differs", "corp_name")],
        ),
        (
            format!("UPDATE risk_records SET monitor_content = monitor_content || ' ' {at}"),
            vec![("row_differs", "monitor_content")],
        ),
        (
            format!("UPDATE risk_records SET position = position + 1 {at}"),
            vec![("row_differs", "position")],
        ),
        (
            format!("UPDATE risk_records SET push_date = '2001-01-01 00:00:00' {at}"),
            vec![("row_differs", "push_date")],
        ),
        (format!("DELETE FROM risk_records {at}"), vec![("row_missing", "")]),
        (
            "INSERT INTO risk_records (id, push_date, order_no, position)
             SELECT 'forged', push_date, order_no, 0 FROM risk_records LIMIT 1"
                .into(),
            vec![("row_extra", ""), ("count", "")],
        ),
        (
            format!("UPDATE risk_records SET id = 'zzz' {at}"),
            vec![("row_missing", ""), ("row_extra", "")],
        ),
        ("UPDATE facts SET records = 3".into(), vec![("count", "")]),
        (format!("UPDATE orders SET total_size = 1 {of}"), vec![("ledger", "total_size")]),
        (
            format!("UPDATE orders SET push_date = '2001-01-01 00:00:00' {of}"),
            vec![("ledger", "push_date")],
        ),
        (
            format!("UPDATE orders SET applied_count = applied_count + 1 {of}"),
            vec![("ledger", "applied_count + superseded_count")],
        ),
        (
            format!(
                "DELETE FROM quarantined_records {of} AND position =
                     (SELECT min(position) FROM quarantined_records {of})"
            ),
            vec![("set_aside_missing", "")],
        ),
        (
            format!(
                "UPDATE quarantined_records SET raw = x'00' {of} AND position =
                     (SELECT min(position) FROM quarantined_records {of})"
            ),
            vec![("set_aside_differs", "")],
        ),
        (
            format!(
                "INSERT INTO quarantined_records (order_no, position, code, detail, raw)
                 VALUES ('{other}', 999999, 'x', 'x', x'00')"
            ),
            vec![("set_aside_extra", "")],
        ),
    ];
    for (sql, expected) in cases {
        assert!(connection().execute(&sql, []).unwrap() > 0, "{sql}");
        let lines = verified(&world, 5);
        let (sum, findings) = lines.split_last().unwrap();
        let found: Vec<(&str, &str)> = findings
            .iter()
            .map(|line| {
                let field = line["fields"][0]["field"].as_str().unwrap_or_default();
                (line["finding"].as_str().unwrap(), field)
            })
            .collect();
        assert_eq!(found, expected, "{sql}: {findings:#?}");
        assert_eq!(sum["differences"], expected.len(), "{sql}");
        world.run(&["verify"]).ends(5).prints("NOT EQUAL");
        fs::write(&database, &sound).unwrap();
    }
    verified(&world, 0);
}

#[test]
fn more_differences_than_are_told_are_counted() {
    let world = synced(4);
    let connection = Connection::open(world.path("qcc.db")).unwrap();
    let rows = connection.execute("UPDATE risk_records SET score = 101", []).unwrap();
    drop(connection);
    let lines = world.run(&["verify", "--json", "--limit", "2"]).ends(5).lines();
    assert_eq!((lines.len(), &lines[2]["differences"]), (3, &rows.into()));
    let ran = world.run(&["verify", "--limit", "2"]).ends(5);
    ran.prints("score is \"101\", should be").prints(&format!("{} more", rows - 2));
}

#[test]
fn an_archive_that_was_changed_is_4_and_one_that_is_gone_is_5() {
    let world = synced(4);
    let orders = world.run(&["status", "--json"]);
    drop(orders);
    let order_no: String = Connection::open(world.path("qcc.db"))
        .unwrap()
        .query_row("SELECT order_no FROM orders ORDER BY order_no LIMIT 1", [], |row| row.get(0))
        .unwrap();
    let path = archive_of(&world, &order_no);
    let sound = fs::read(&path).unwrap();
    let mut bytes = sound.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let lines = verified(&world, 4);
    assert_eq!(
        (&lines[0]["finding"], &lines[0]["order_no"]),
        (&"archive_refused".into(), &order_no.clone().into())
    );
    assert_eq!((&lines[1]["refused"], &lines[1]["differences"]), (&1.into(), &0.into()));
    assert!(lines[1]["unproven"].as_u64() > Some(0));
    let ran = world.run(&["replay"]).ends(4).says("not those that were kept");
    ran.prints("3 orders applied");

    fs::remove_file(&path).unwrap();
    let lines = verified(&world, 5);
    assert_eq!(lines[0]["finding"], "archive_missing");
    assert_eq!((&lines[1]["missing"], &lines[1]["differences"]), (&1.into(), &0.into()));
    world.run(&["replay"]).ends(5).says("its archive is gone");
    fs::write(&path, &sound).unwrap();
    verified(&world, 0);
    world.run(&["replay"]).ends(0);
}

#[test]
fn a_proof_beside_a_working_sync_finds_nothing() {
    let config = VendorConfig { seed: 8, records_per_order: 300..=400, ..VendorConfig::default() };
    let world = World::with(config);
    world.push(2);
    world.run(&["sync"]).ends(0);
    world.push(24);
    let mut sync = world.start(&["sync"]);
    let mut proofs = 0;
    while sync.try_wait().unwrap().is_none() {
        let lines = verified(&world, 0);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        proofs += 1;
    }
    assert!(proofs > 1, "the sync was too fast to be watched");
    assert_eq!(verified(&world, 0)[0]["orders"], 26);
}

#[test]
fn a_database_that_is_lost_comes_back_from_the_archives_alone() {
    let world = synced(6);
    let before = verified(&world, 0);
    let status = world.run(&["status", "--json"]).json();
    remove_database(&world);
    world.run(&["verify"]).ends(2).says("there is no database");
    // Neither account nor network is needed.
    let ran = crate::support::run_in(world.folder.path(), &["replay", "--json"]).ends(0).json();
    assert_eq!((&ran["adopted"], &ran["applied"]), (&6.into(), &6.into()));
    world.assert_true_table();
    assert_eq!(verified(&world, 0), before);
    let rebuilt = world.run(&["status", "--json"]).json();
    for fact in ["orders", "records", "set_aside", "unknown_words"] {
        assert_eq!(rebuilt[fact], status[fact], "{fact}");
    }
    world.run(&["sync"]).ends(5).says("acknowledge");
    world.run(&["acknowledge", "--records"]).ends(0);
    let again = world.run(&["sync", "--json"]).ends(0).json();
    assert_eq!(
        (&again["fresh"], &again["fetched"]),
        (&0.into(), &0.into()),
        "nothing is asked for twice"
    );

    // The rebuilt ledger knows what lists had named.
    world.push(40);
    world.run(&["sync"]).ends(5).says("GAP");
}

#[test]
fn a_replay_that_is_killed_is_gone_on_with() {
    let config = VendorConfig { seed: 11, records_per_order: 200..=400, ..VendorConfig::default() };
    let world = World::with(config);
    world.push(8);
    world.run(&["sync"]).ends(0);
    let before = verified(&world, 0);
    let began = Instant::now();
    world.run(&["replay"]).ends(0);
    let whole = began.elapsed();

    const MOMENTS: u32 = 6;
    for moment in 0..MOMENTS {
        if moment % 2 == 0 {
            remove_database(&world);
        }
        for round in 0..2 {
            let mut child = world.start(&["replay"]);
            let share = f64::from(2 * moment + round + 1) / f64::from(2 * MOMENTS + 1);
            thread::sleep(whole.mul_f64(share).max(Duration::from_millis(1)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        world.run(&["replay"]).ends(0);
        assert_eq!(verified(&world, 0), before);
        world.assert_true_table();
        world.run(&["status"]).ends(0).prints("8 applied");
    }
}

#[test]
fn a_new_store_is_built_beside_one_that_was_tampered_with() {
    let world = synced(5);
    let connection = Connection::open(world.path("qcc.db")).unwrap();
    connection
        .execute_batch(
            "INSERT INTO risk_records (id, push_date, order_no, position)
                 VALUES ('forged', '2999-01-01 00:00:00', 'X', 0);
             UPDATE risk_records SET score = 101, push_date = '2999-01-01 00:00:00'
                 WHERE id = (SELECT min(id) FROM risk_records)",
        )
        .unwrap();
    drop(connection);
    let lines = verified(&world, 5);
    assert_eq!(lines.len(), 4, "two rows and a count: {lines:#?}");
    // Old archives have no label; the database at hand knows what opens them.
    assert_eq!(lines[3]["unlabelled"], 0);
    for label in files(&world.path("qcc-archives"), ".json") {
        fs::remove_file(label).unwrap();
    }
    assert_eq!(verified(&world, 5)[3]["unlabelled"], 5);
    world.run(&["verify"]).ends(5).prints("no label  5 archives");
    world.run(&["replay", "--into", "sqlite:qcc.db"]).ends(2).says("names the database at hand");
    let ran =
        world.run(&["replay", "--into", "sqlite:new.db"]).ends(0).says("labelled: 5 archives");
    ran.prints("5 orders applied");
    let lines = verified(&world, 5);
    assert_eq!(lines.len(), 4, "the one at hand is not touched");
    assert_eq!(lines[3]["unlabelled"], 0);
    let new = ["--store", "sqlite:new.db", "--archive-dir", "qcc-archives"];
    let run = |arguments: &[&str]| world.run(&[&new[..], arguments].concat());
    run(&["verify"]).ends(0).prints("equal");
    let again = run(&["replay", "--into", "sqlite:new.db"]);
    again.ends(2);
    world.run(&["replay", "--into", "sqlite:new.db"]).ends(0).prints("0 orders applied");
    run(&["verify"]).ends(0);
}

#[test]
fn a_row_that_was_changed_or_deleted_is_mended() {
    let world = synced(5);
    let before = verified(&world, 0);
    let connection = Connection::open(world.path("qcc.db")).unwrap();
    connection
        .execute_batch(
            "UPDATE risk_records SET score = 101 WHERE id = (SELECT min(id) FROM risk_records);
             DELETE FROM risk_records WHERE id = (SELECT max(id) FROM risk_records);
             DELETE FROM quarantined_records",
        )
        .unwrap();
    drop(connection);
    verified(&world, 5);
    world.run(&["replay"]).ends(0).prints("5 orders applied, 0 of them from labels alone");
    assert_eq!(verified(&world, 0), before);
    world.assert_true_table();
}

#[test]
fn archives_that_nothing_is_known_of_are_named_and_left() {
    let world = synced(3);
    remove_database(&world);
    for label in files(&world.path("qcc-archives"), ".json") {
        fs::remove_file(label).unwrap();
    }
    let ran = world.run(&["replay"]).ends(5).says("no label and no order names it");
    ran.prints("0 orders applied");
    assert_eq!(files(&world.path("qcc-archives"), ".zip").len(), 3);
    world.run(&["sync"]);
    verified(&world, 0);
    world.run(&["replay"]).ends(0);
}

#[test]
fn one_order_can_be_named() {
    let world = synced(3);
    let line = world.run(&["records", "--json"]).lines().remove(0);
    let order_no = line["order_no"].as_str().unwrap();
    world.run(&["replay", order_no]).ends(0).prints("1 order applied");
    world.run(&["replay", "DDMON1"]).ends(2).says("no archive of order DDMON1 is kept");
    verified(&world, 0);
}

fn order_rows(world: &World) -> Vec<String> {
    let connection = Connection::open(world.path("qcc.db")).unwrap();
    let sql = "SELECT order_no || ' ' || state || ' ' || attempts || ' ' ||
                   coalesce(applied_at, '-') || ' ' || coalesce(applied_count, '-')
               FROM orders ORDER BY order_no";
    let mut rows = connection.prepare(sql).unwrap();
    let rows = rows.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn waiting_orders_beside_damaged_downloads_are_no_false_alarm() {
    let world = synced(3);
    world.fault(Fault::CorruptArchive, Rate::first(1));
    let pushed = world.push(1);
    world.run(&["sync", "--patience", "0s"]).ends(5);
    world.fault(Fault::Status205, Rate::chance(1.0));
    world.run(&["retry", "--all"]).ends(0);
    world.run(&["sync", "--patience", "0s"]).ends(5);

    let lines = verified(&world, 0);
    let sum = lines.last().unwrap();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let told = ["waiting", "unapplied", "not_applied", "refused_kept"].map(|name| &sum[name]);
    assert_eq!(told, [1, 0, 0, 0].map(Value::from).each_ref(), "it is not kept: {sum}");
    keep_garbage(&world, pushed[0].as_str());
    world.run(&["verify"]).ends(0).prints("refused archives kept: 1, ").prints("waiting");

    let before =
        (order_rows(&world), world.run(&["status", "--json"]).json()["last_applied"].clone());
    let ran = world.run(&["replay"]).ends(4).says("no archive kept for it opens");
    ran.prints("3 orders applied, 0 of them from labels alone, 3 once more");
    let after =
        (order_rows(&world), world.run(&["status", "--json"]).json()["last_applied"].clone());
    assert_eq!(after, before, "nothing changed, so nothing moved");
    verified(&world, 0);
}

#[test]
fn the_numbers_add_up_to_what_the_archives_hold() {
    let world = synced(6);
    let sum = verified(&world, 0).remove(0);
    let number = |of: &Value, name: &str| of[name].as_u64().unwrap();
    assert_eq!(number(&sum, "latest"), number(&sum, "rows"));
    assert_eq!(number(&sum, "latest") + number(&sum, "superseded"), number(&sum, "records"));
    let replay = world.run(&["replay", "--json"]).ends(0).json();
    let parts = ["stored", "superseded", "set_aside"].map(|name| number(&replay, name));
    assert_eq!(parts.iter().sum::<u64>(), number(&replay, "held"));
    let changes = ["new", "updated", "unchanged"].map(|name| number(&replay, name));
    assert_eq!(changes, [0, 0, number(&replay, "stored")], "what stands already is not written");
    assert_eq!(number(&replay, "held"), number(&sum, "records") + number(&sum, "set_aside"));
}

#[test]
fn an_empty_store_is_no_proof() {
    let world = World::new();
    world.run(&["sync"]).ends(0);
    let ran = world.run(&["verify"]).ends(5).prints("nothing to prove");
    ran.says("qcc.db").says("QCC_STORE");
    let sum = world.run(&["verify", "--json"]).ends(5).json();
    let told = (&sum["equal"], &sum["nothing_to_prove"], &sum["exit"]);
    assert_eq!(told, (&false.into(), &true.into(), &5.into()));
}

#[test]
fn what_is_pruned_is_known_to_the_proof() {
    let world = synced(6);
    world.run(&["prune"]).ends(2);
    world.run(&["prune", "--archives-older-than", "soon"]).ends(2).says("400d");
    let arguments = ["prune", "--archives-older-than", "0s", "--keep", "2"];
    let dry = world.run(&[&arguments[..], &["--dry-run", "--json"]].concat()).ends(0).json();
    assert_eq!(files(&world.path("qcc-archives"), ".zip").len(), 6);
    let done = world.run(&[&arguments[..], &["--json"]].concat()).ends(0).json();
    assert_eq!((&done["archives"], &done["bytes"]), (&dry["archives"], &dry["bytes"]));
    assert_eq!(files(&world.path("qcc-archives"), ".zip").len(), 2);
    assert_eq!(files(&world.path("qcc-archives"), ".json").len(), 3, "two labels and a note");

    let sum = verified(&world, 0).remove(0);
    assert_eq!((&sum["pruned"], &sum["held"], &sum["missing"]), (&4.into(), &2.into(), &0.into()));
    assert!(sum["unproven_pruned"].as_u64() > Some(0));
    world.run(&["verify"]).ends(0).prints("pruned    4 archives").prints("equal");
    world.run(&["replay"]).ends(0).prints("2 orders applied").says("pruned: 4 orders");

    let done = world.run(&["prune", "--records-older-than", "20m", "--json"]).ends(0).json();
    assert!(done["records"].as_u64() > Some(0));
    let table = world.run(&["records", "--json"]).ends(0).lines();
    let sum = verified(&world, 0).remove(0);
    assert_eq!((&sum["rows"], &sum["differences"]), (&table.len().into(), &0.into()));
    world.run(&["acknowledge", "--records"]).ends(0);
    world.run(&["sync"]).ends(0);

    let note = world.path("qcc-archives").join("retention.json");
    let sound = fs::read(&note).unwrap();
    fs::write(&note, "{").unwrap();
    world.run(&["verify"]).ends(1).says("retention.json");
    fs::write(&note, sound).unwrap();

    // No row can hide behind a pruned order that did not push it, or that a kept archive
    // outranks.
    let database = world.path("qcc.db");
    let sound = fs::read(&database).unwrap();
    for (sql, finding) in [
        (
            "INSERT INTO risk_records (id, push_date, order_no, position)
             SELECT 'forged', '2001-01-01 00:00:00', order_no, 0 FROM orders
             ORDER BY order_no LIMIT 1",
            "row_extra",
        ),
        (
            "UPDATE risk_records SET (order_no, push_date, position) =
                 (SELECT order_no, push_date, 0 FROM orders ORDER BY order_no LIMIT 1)
             WHERE id = (SELECT min(id) FROM risk_records
                         WHERE order_no = (SELECT max(order_no) FROM orders))",
            "row_differs",
        ),
    ] {
        let connection = Connection::open(&database).unwrap();
        assert_eq!(connection.execute(sql, []).unwrap(), 1);
        drop(connection);
        assert_eq!(verified(&world, 5)[0]["finding"], finding);
        fs::write(&database, &sound).unwrap();
    }
}

#[test]
fn a_prune_that_is_killed_leaves_what_can_be_proven() {
    let world = synced(9);
    for keep in (1..9).rev() {
        let keep = keep.to_string();
        let arguments = ["prune", "--archives-older-than", "0s", "--keep", &keep];
        let mut child = world.start(&arguments);
        thread::sleep(Duration::from_millis(4 * keep.parse::<u64>().unwrap()));
        child.kill().unwrap();
        child.wait().unwrap();
        verified(&world, 0);
    }
    world.run(&["prune", "--archives-older-than", "0s", "--keep", "1"]).ends(0);
    let sum = verified(&world, 0).remove(0);
    assert_eq!((&sum["held"], &sum["pruned"]), (&1.into(), &8.into()));
    assert_eq!(files(&world.path("qcc-archives"), ".zip").len(), 1);
}

#[test]
fn an_order_whose_times_are_far_apart_is_named_unless_told_otherwise() {
    let world = synced(2);
    let connection = Connection::open(world.path("qcc.db")).unwrap();
    let sql = "UPDATE orders SET created_at = '2022-06-07 10:13:42'
               WHERE order_no = (SELECT min(order_no) FROM orders)";
    assert_eq!(connection.execute(sql, []).unwrap(), 1);
    drop(connection);
    let lines = verified(&world, 5);
    assert_eq!((&lines[0]["finding"], &lines[1]["shared"]), (&"shared_archive".into(), &1.into()));
    world.run(&["verify"]).ends(5).prints("seems to be another order's").prints("NOT EQUAL");
    world.run(&["verify", "--push-date-slack", "100000h"]).ends(0).prints("equal");
}

#[test]
fn refused_downloads_are_removed_by_a_command() {
    let world = synced(2);
    let pushed = world.push(1);
    world.fault(Fault::Status205, Rate::chance(1.0));
    world.run(&["sync", "--patience", "0s"]).ends(5);
    keep_garbage(&world, pushed[0].as_str());
    assert_eq!(files(&world.path("qcc-archives"), ".zip").len(), 3);
    let young = world.run(&["prune", "--refused", "--json"]).ends(0).json();
    assert_eq!(young["refused"], serde_json::json!([]), "it may be on its way into the ledger");
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(2 * 3600);
    for path in files(&world.path("qcc-archives"), ".zip") {
        fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
    }
    let ran = world.run(&["prune", "--refused"]).ends(0).prints("refused: archive ");
    ran.prints("removed: 1 archive");
    assert_eq!(files(&world.path("qcc-archives"), ".zip").len(), 2);
    verified(&world, 0);
}

#[test]
fn without_an_archive_folder_there_is_nothing_to_prove_or_replay() {
    let world = synced(1);
    let arguments = ["--archive-dir", "elsewhere"];
    for command in ["verify", "replay"] {
        let ran = world.run(&[&arguments[..], &[command]].concat());
        ran.ends(2).says("there is no archive folder elsewhere");
    }
    assert!(!world.path("elsewhere").exists());
}
