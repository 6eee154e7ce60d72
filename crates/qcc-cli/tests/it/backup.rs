//! `qcc backup` and `qcc restore`: beside a daemon that works, and proven.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use qcc_sim::VendorConfig;

use crate::{
    daemon::{Daemon, until},
    support::{Ran, World},
};

fn world() -> World {
    World::with(VendorConfig { seed: 21, ..VendorConfig::default() })
}

/// Runs the program on the database in a folder, with the archives beside it.
fn on(world: &World, folder: &str, arguments: &[&str]) -> Ran {
    let store = format!("sqlite:{folder}/qcc.db");
    world.run(&[&["--store", &store], arguments].concat())
}

fn archives(folder: &Path) -> usize {
    let shelves = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let files = shelves.filter(|shelf| shelf.path().is_dir());
    files
        .map(|shelf| {
            let names = fs::read_dir(shelf.path()).unwrap().map(|file| file.unwrap().file_name());
            names.filter(|name| name.to_string_lossy().ends_with(".zip")).count()
        })
        .sum()
}

#[test]
fn a_backup_beside_a_daemon_that_applies_is_proven_and_restored() {
    let world = world();
    let daemon = Daemon::start(&world, &["--poll-interval", "1s"]);
    world.push(3);
    until("applied", || daemon.metric("qcc_orders{state=\"applied\"}") >= 3.0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                world.vendor().push(jiff::Timestamp::now());
                thread::sleep(Duration::from_millis(150));
            }
        });
        for _ in 0..4 {
            world.run(&["backup", "saved"]).ends(0).prints("saved: the store as of 2");
            on(&world, "saved", &["verify"]).ends(0).prints("equal");
        }
        done.store(true, Ordering::Relaxed);
    });
    daemon.stop("TERM");
    // Proving it left nothing beside it.
    let mut left: Vec<String> = fs::read_dir(world.path("saved"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort_unstable();
    assert_eq!(left, ["backup.json", "backup.lock", "qcc-archives", "qcc.db"]);

    fs::create_dir(world.path("new")).unwrap();
    on(&world, "new", &["restore", "saved"]).ends(0).prints("the store as of 2");
    on(&world, "new", &["verify"]).ends(0).prints("equal");
    let (saved, restored) =
        (on(&world, "saved", &["records", "--json"]), on(&world, "new", &["records", "--json"]));
    assert!(!saved.out.is_empty() && saved.out == restored.out);
    // It goes on from there.
    on(&world, "new", &["sync"]).ends(0);
    assert_eq!(
        on(&world, "new", &["records", "--json"]).lines().len(),
        world.vendor().truth().table.len()
    );
}

#[test]
fn a_second_backup_copies_what_is_new_and_a_link_costs_no_room() {
    let world = world();
    world.push(3);
    world.run(&["sync"]).ends(0);
    let copied = |ran: Ran| {
        let told = ran.ends(0).json();
        (told["archives"].as_u64().unwrap(), told["copied"].as_u64().unwrap())
    };
    assert_eq!(copied(world.run(&["backup", "saved", "--json"])), (3, 3));
    assert_eq!(copied(world.run(&["backup", "saved", "--json"])), (3, 0));
    world.push(2);
    world.run(&["sync"]).ends(0);
    assert_eq!(copied(world.run(&["backup", "saved", "--json"])), (5, 2));
    assert_eq!(archives(&world.path("saved/qcc-archives")), 5);
    assert_eq!(copied(world.run(&["backup", "linked", "--link", "--json"])), (5, 5));
    on(&world, "linked", &["verify"]).ends(0).prints("equal");

    world.run(&["prune", "--archives-older-than", "0s", "--keep", "1"]).ends(0);
    world.run(&["backup", "pruned"]).ends(0);
    on(&world, "pruned", &["verify"]).ends(0).prints("equal");
    world.run(&["backup", "saved"]).ends(0);
    on(&world, "saved", &["verify"]).ends(0).prints("equal");
}

#[test]
fn a_backup_takes_only_a_folder_that_is_its_own() {
    let world = world();
    world.push(1);
    world.run(&["backup", "saved"]).ends(2).says("there is no database");
    world.run(&["sync"]).ends(0);
    fs::create_dir(world.path("mine")).unwrap();
    fs::write(world.path("mine/letter"), "dear").unwrap();
    world.run(&["backup", "mine"]).ends(2).says("holds other files and no backup");
    world.run(&["backup", "no/such"]).ends(1).says("no/such cannot be written");
    world.run(&["backup", "saved"]).ends(0);
    fs::create_dir(world.path("other")).unwrap();
    on(&world, "other", &["sync"]).ends(0);
    on(&world, "other", &["backup", "saved"]).ends(2).says("is a backup of ");
    assert_eq!(fs::read_to_string(world.path("mine/letter")).unwrap(), "dear");
    // A run that was killed is taken up again.
    fs::create_dir(world.path("killed")).unwrap();
    let begun = fs::read_to_string(world.path("saved/backup.json")).unwrap();
    let begun = begun.replace("\"complete\": true", "\"complete\": false");
    fs::write(world.path("killed/backup.json"), begun).unwrap();
    fs::write(world.path("killed/qcc.db.new"), "half").unwrap();
    on(&world, "killed", &["restore", "killed"]).ends(2).says("was never completed");
    world.run(&["backup", "killed"]).ends(0);
    on(&world, "killed", &["verify"]).ends(0).prints("equal");
}

#[test]
fn a_restore_replaces_nothing_and_refuses_what_is_damaged() {
    let world = world();
    world.push(2);
    world.run(&["sync"]).ends(0);
    world.run(&["backup", "saved"]).ends(0);
    world.run(&["restore", "saved"]).ends(2).says("is there already");
    world.run(&["restore", "."]).ends(2).says("is not a backup");

    fs::create_dir(world.path("new")).unwrap();
    let shelf = fs::read_dir(world.path("saved/qcc-archives"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    let files = fs::read_dir(shelf).unwrap().map(|entry| entry.unwrap().path());
    let archive = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "zip"));
    let archive = archive.unwrap();
    let sound = fs::read(&archive).unwrap();
    let mut damaged = sound.clone();
    damaged[10] ^= 1;
    fs::write(&archive, damaged).unwrap();
    on(&world, "new", &["restore", "saved"])
        .ends(1)
        .says("the backup is damaged: 1 of its archives");
    assert!(!world.path("new/qcc.db").exists());
    fs::write(&archive, sound).unwrap();

    let database = world.path("saved/qcc.db");
    let bytes = fs::read(&database).unwrap();
    fs::remove_file(&database).unwrap();
    fs::write(&database, &bytes[..bytes.len() - 1]).unwrap();
    on(&world, "new", &["restore", "saved"])
        .ends(1)
        .says("not the file that backup.json describes");
    fs::write(&database, bytes).unwrap();
    on(&world, "new", &["restore", "saved"]).ends(0);
    on(&world, "new", &["verify"]).ends(0).prints("equal");
}
