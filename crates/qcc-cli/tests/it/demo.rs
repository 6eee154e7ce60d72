//! `qcc demo`: the main job, offline, without account.

use std::fs;

use crate::support::{Ran, bare, run_in};

#[test]
fn the_demo_ends_with_the_vendors_truth() {
    let folder = tempfile::tempdir().unwrap();
    // What it advises at the end can be typed as it stands.
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_qcc"), bin.join("qcc")).unwrap();
    let mut command = bare(folder.path());
    command.args(["demo", "--dir", "here"]).env("PATH", &bin);
    let ran = Ran::from(command.output().unwrap()).ends(0);
    let ran = ran.prints("✓ 6.2.1").prints("8 callbacks received").prints("8 orders applied");
    let ran = ran.prints("the table equals the vendor's truth").prints("SELECT monitor_level");
    assert_eq!(ran.err, "");

    let status = run_in(folder.path(), &["--store", "sqlite:here/qcc.db", "status"]).ends(0);
    status.prints("8 applied").prints("Nothing to do.");
    run_in(folder.path(), &["demo", "--dir", "here"]).ends(2).says("holds a database already");

    // Whoever came by `cargo run` has no `qcc` to type, and is told what to type instead.
    let mut command = bare(folder.path());
    command.args(["demo", "--orders", "1", "--dir", "there"]).env("PATH", "/nowhere");
    let ran = Ran::from(command.output().unwrap()).ends(0);
    ran.says("cargo install --path crates/qcc-cli").says(env!("CARGO_BIN_EXE_qcc"));
}

#[test]
fn the_same_seed_shows_the_same_records() {
    let folder = tempfile::tempdir().unwrap();
    let run = |dir: &str, seed: &str| {
        let arguments = ["demo", "--json", "--orders", "3", "--dir", dir, "--seed", seed];
        run_in(folder.path(), &arguments).ends(0).json()
    };
    let (one, two) = (run("a", "1"), run("b", "1"));
    assert_eq!(one["equal"], true);
    assert_eq!(one["records"], two["records"]);
    assert_ne!(one["records"], run("c", "2")["records"]);
}

#[test]
fn proxies_of_the_environment_do_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = bare(folder.path());
    command.args(["demo", "--json", "--orders", "1", "--dir", "here"]);
    command.env("HTTP_PROXY", "http://127.0.0.1:9").env("ALL_PROXY", "http://127.0.0.1:9");
    Ran::from(command.output().unwrap()).ends(0);
}
