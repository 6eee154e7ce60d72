//! `qcc sync`: the exact table, or the truth about why not.

use std::{fs, process::Command, time::Duration};

use qcc_proto::OrderNo;
use qcc_sim::{Fault, FaultPlan, Rate, VendorConfig};

use crate::support::{Ran, World};

#[test]
fn the_table_is_what_the_vendor_meant_to_send() {
    let world = World::new();
    world.push(8);
    let ran = world.run(&["sync"]).ends(0);
    let ran = ran.prints("8 orders listed, 8 new; 8 fetched, 8 applied").says("records applied");
    assert!(!ran.err.contains("error"), "{}", ran.err);
    world.assert_true_table();

    let again = world.run(&["sync", "--json"]).ends(0).json();
    assert_eq!((&again["fresh"], &again["applied"]), (&0.into(), &0.into()));
    assert_eq!(again["exit"], 0);
    world.assert_true_table();

    world.push(2);
    world.run(&["sync", "-q"]).ends(0).prints("2 new");
    world.assert_true_table();
}

#[test]
fn trouble_that_passes_is_outlived() {
    for seed in 1..=2 {
        let world = World::with(VendorConfig { seed, ..VendorConfig::default() });
        world.push(5);
        let plan: FaultPlan = "truncated-download*2, corrupt-download*1, reset-after*1, \
                               status-203*1, list-junk-line, duplicate-order-in-list"
            .parse()
            .unwrap();
        world.vendor().set_faults(plan);
        world.run(&["sync", "--patience", "5m"]).ends(0);
        world.assert_true_table();
    }
}

#[test]
fn an_order_that_is_spoilt_for_good_ends_with_5_and_is_told() {
    let world = World::new();
    world.vendor().set_faults(FaultPlan::none().with(Fault::WrongTotal, Rate::first(1)));
    world.push(4);
    let ran = world.run(&["sync", "--json"]).ends(5).says("QUARANTINED");
    assert_eq!(ran.json()["applied"], 3);
    world.assert_true_table();
    let status = world.run(&["status", "--json"]).ends(5).json();
    assert_eq!(status["orders"]["quarantined"], 1);
    assert_eq!(status["reasons"]["count_mismatch"], 1);
    assert_eq!(status["stuck"][0]["state"], "quarantined");
    assert_eq!(status["stuck"][0]["reason"]["code"], "count_mismatch");
    let no = status["stuck"][0]["order_no"].as_str().unwrap();
    world.run(&["status"]).ends(5).prints(&format!("{no}: count_mismatch: totalSize says"));

    let ran = world.run(&["retry", "--all", "--json"]).ends(0).says("qcc sync");
    assert_eq!(ran.json()["retried"].as_array().unwrap().len(), 1);
    world.run(&["sync"]).ends(5);
}

#[test]
fn an_order_that_waits_ends_with_5() {
    let world = World::new();
    let pushed = world.push(2);
    world.vendor().config_mut().preparing_for = Duration::from_secs(1);
    world.fault(Fault::Status205, Rate::first(1));
    world.run(&["sync", "--patience", "0s"]).ends(5).says("waits until");
    let status = world.run(&["status"]).ends(5);
    status
        .prints("1 waiting")
        .prints("1 applied")
        .prints("the next waiting order is tried again at");

    world.vendor().set_faults(FaultPlan::none());
    let ran = world.run(&["retry", pushed[0].as_str(), pushed[1].as_str()]).ends(0);
    let ran = ran.says("not changed");
    assert_eq!(ran.out.lines().count(), 1);
    world.run(&["sync", "--patience", "3m"]).ends(0);
    world.assert_true_table();
    world.run(&["retry", "DDMON1"]).ends(2).says("the ledger has no order DDMON1");
}

#[test]
fn a_refusal_of_the_account_is_3_and_nothing_is_lost() {
    let world = World::new();
    world.push(2);
    let ran: Ran =
        world.command(&["sync"]).env("QCC_SECRET_KEY", "another").output().unwrap().into();
    ran.ends(3).says("107").says("the clocks agree");
    world.run(&["sync"]).ends(0);
    world.assert_true_table();
}

#[test]
fn a_clock_that_is_off_is_measured_and_worked_around() {
    let world = World::new();
    world.push(2);
    world.fault(Fault::ClockSkew, Rate::ALWAYS);
    world.run(&["sync"]).ends(0);
    world.assert_true_table();
}

#[test]
fn a_vendor_that_is_away_is_1() {
    let world = World::new();
    world.fault(Fault::Http502Html, Rate::ALWAYS);
    world.run(&["sync", "--patience", "2s"]).ends(1).says("HTTP 502").says("nothing is lost");
}

#[test]
fn a_link_to_another_host_is_quarantined_with_its_cure() {
    let world = World::new();
    world.push(1);
    let ran: Ran =
        world.command(&["sync"]).env_remove("QCC_DOWNLOAD_HOSTS").output().unwrap().into();
    ran.ends(5);
    world.run(&["status"]).ends(5).prints("add it to QCC_DOWNLOAD_HOSTS");
    world.run(&["retry", "--all"]).ends(0);
    world.run(&["sync"]).ends(0);
    world.assert_true_table();
}

#[test]
fn a_window_that_was_outrun_is_a_gap_until_it_is_closed() {
    let world = World::with(VendorConfig { seed: 3, window: 30, ..VendorConfig::default() });
    world.push(3);
    world.run(&["sync"]).ends(0);
    world.push(40);
    world.run(&["sync"]).ends(5).says("GAP");
    let status = world.run(&["status", "--json"]).ends(5).json();
    assert_eq!(status["gaps"].as_array().unwrap().len(), 1);
    assert_eq!(status["last_listing"]["pressure"], 1.0);
    let status = world.run(&["status"]).ends(5);
    status.prints("unknown: every order of the last list was new").prints("--close-gap 1");
    world.run(&["status", "--close-gap", "2"]).ends(2).says("no open gap 2");
    world.run(&["status", "--close-gap", "1", "--note", "brought by hand"]).ends(0);
    world.run(&["status"]).ends(0);
    world.run(&["status", "--all"]).ends(0).prints("closed gap").prints("brought by hand");
    world.run(&["status", "--reopen-gap", "1"]).ends(5).prints("GAP");
}

#[test]
fn orders_that_left_the_list_are_brought_in_by_hand() {
    let world = World::with(VendorConfig { seed: 3, window: 30, ..VendorConfig::default() });
    world.push(3);
    world.run(&["sync"]).ends(0);
    let missed = world.push(40);
    world.run(&["sync"]).ends(5).says("GAP");
    let numbers: Vec<&str> = missed.iter().take(10).map(OrderNo::as_str).collect();
    fs::write(world.path("missed.txt"), format!("# by mail\n{}\n", numbers.join("\n"))).unwrap();
    let added = world.run(&["orders", "add", "--from", "missed.txt", "--json"]).ends(0).json();
    assert_eq!(added["added"].as_array().unwrap().len(), 10);
    world.run(&["orders", "add", numbers[0]]).ends(0).says("1 order known already");
    world.run(&["sync"]).ends(5);
    world.assert_true_table();
    world.run(&["status", "--close-gap", "1"]).ends(0);
    world.run(&["orders", "add", "--from", "nowhere.txt"]).ends(1).says("nowhere.txt");
    fs::write(world.path("odd.txt"), "DDMON1\n../x\n").unwrap();
    world.run(&["orders", "add", "--from", "odd.txt"]).ends(2).says("line 2");
}

#[test]
fn an_archive_that_came_by_another_way_is_applied() {
    let world = World::new();
    let pushed = world.push(1);
    let order_no = pushed[0].as_str();
    world.run(&["orders", "fetch", order_no, "-o", "x.zip", "--password-out", "pw"]).ends(0);
    let add = ["orders", "add", order_no, "--archive", "x.zip", "--password-file", "pw"];
    world.run(&add).ends(0).prints(order_no);
    let ran = world.run(&["sync", "--json"]).ends(0).json();
    assert_eq!((&ran["fetched"], &ran["applied"]), (&0.into(), &1.into()));
    world.assert_true_table();
    world.run(&["verify"]).ends(0);
    world.run(&add).ends(2).says("applied already");
}

#[test]
fn an_order_is_dismissed_with_a_note_and_taken_up_again() {
    let world = World::new();
    world.push(1);
    world.fault(Fault::UnencryptedArchive, Rate::ALWAYS);
    let pushed = world.push(1);
    let order_no = pushed[0].as_str();
    world.run(&["sync"]).ends(5);
    world.run(&["orders", "dismiss", order_no]).ends(2);
    world.run(&["orders", "dismiss", "DDMON1", "--note", "x"]).ends(2).says("no order DDMON1");
    world.run(&["orders", "dismiss", order_no, "--note", "a test order"]).ends(0);
    world.run(&["status"]).ends(0).prints("dismissed      1 order");
    world
        .run(&["orders", "dismiss", order_no, "--note", "again"])
        .ends(2)
        .says("dismissed already");
    world.run(&["retry", "--all"]).ends(0).says("due now: 0 orders");
    world.run(&["retry", order_no]).ends(0).prints(order_no);
    world.run(&["sync"]).ends(5);
}

#[test]
fn an_order_with_a_wrong_count_is_accepted_by_hand() {
    let world = World::new();
    world.fault(Fault::WrongTotal, Rate::ALWAYS);
    let pushed = world.push(1);
    let order_no = pushed[0].as_str();
    world.run(&["sync"]).ends(5);
    world.run(&["status"]).ends(5).prints("count_mismatch").prints("qcc retry --accept");
    world.run(&["retry", "--accept", order_no]).ends(0).prints(order_no);
    world.run(&["sync"]).ends(0);
    world.run(&["status"]).ends(0).prints("1 applied");
}

#[test]
fn a_hold_is_lifted_alone() {
    let world = World::new();
    world.push(1);
    world.fault(Fault::Status106, Rate::first(1));
    world.run(&["sync"]).ends(3);
    let status = world.run(&["status"]).ends(5);
    assert!(!status.out.contains("run `qcc sync`"), "{}", status.out);
    world.run(&["retry", "--lift-hold"]).ends(0).says("the hold is lifted");
    world.run(&["retry", "--lift-hold"]).ends(0).says("there was no hold to lift");
    world.run(&["sync"]).ends(0);
}

#[test]
fn a_database_that_is_none_or_newer_is_named() {
    let world = World::new();
    fs::write(world.path("qcc.db"), "this is a letter, not a database".repeat(40)).unwrap();
    world.run(&["sync"]).ends(1).says("qcc.db cannot be used");
    fs::remove_file(world.path("qcc.db")).unwrap();
    world.run(&["sync"]).ends(0);
    let newer = Command::new("python3")
        .arg("-c")
        .arg("import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('PRAGMA user_version=9999'); c.commit()")
        .arg(world.path("qcc.db"))
        .status();
    if newer.is_ok_and(|status| status.success()) {
        world.run(&["sync"]).ends(2).says("newer");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let world = World::new();
    fs::write(world.path("file"), "").unwrap();
    world.run(&["--store", "sqlite:file/qcc.db", "sync"]).ends(2).says("file/qcc.db");
    let ran = world.run(&["--archive-dir", "file", "sync"]);
    ran.ends(2).says("a file, not an archive folder");
    assert!(!world.path("qcc.db").exists(), "a database was made in vain");
    assert!(world.vendor().journal().entries().next().is_none(), "the vendor was called in vain");
}

#[cfg(unix)]
#[test]
fn following_ends_politely_when_asked() {
    let world = World::new();
    let pushed: Vec<OrderNo> = world.push(3);
    let child = world.start(&["sync", "--follow", "--json"]);
    // The first round is over when its line is printed.
    let mut child = child;
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
    let round: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(round["applied"], pushed.len());
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    world.assert_true_table();
}

#[test]
fn two_at_once_share_the_work() {
    let world = World::new();
    world.push(12);
    let children = [world.start(&["sync"]), world.start(&["sync"])];
    for child in children {
        let ran = Ran::from(child.wait_with_output().unwrap());
        // Whoever is done first may find orders still in the other's hands.
        assert!(ran.code == 0 || ran.code == 5, "{ran:?}");
    }
    world.run(&["sync"]).ends(0);
    world.assert_true_table();
    world.run(&["status"]).ends(0).prints("12 applied");
}
