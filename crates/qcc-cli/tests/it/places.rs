//! Databases and archive folders that vanish, are not there, are damaged, or may
//! only be read.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use qcc_sim::VendorConfig;

use crate::{
    daemon::{Daemon, get, until},
    support::World,
};

fn world() -> World {
    World::with(VendorConfig { seed: 5, ..VendorConfig::default() })
}

fn synced(orders: u32) -> World {
    let world = world();
    world.push(orders);
    world.run(&["sync"]).ends(0);
    world
}

fn files_of_the_store(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.folder.path()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("qcc.db")).collect()
}

/// Which files of the store, by name.
type Which = fn(&str) -> bool;

#[test]
fn a_daemon_whose_database_is_removed_takes_no_call_and_is_not_ready() {
    let remove = |path: &PathBuf| fs::remove_file(path).unwrap();
    let cases: [(&str, Which); 4] = [
        ("all of it", |_| true),
        ("the inbox", |name| name.contains("inbox")),
        ("what looks temporary", |name| name.ends_with("-wal") || name.ends_with("-shm")),
        ("the database alone", |name| name == "qcc.db"),
    ];
    for (what, is_removed) in cases {
        let world = world();
        let daemon = Daemon::start(&world, &["--poll-interval", "24h"]);
        until("ready", || daemon.ask("/readyz").0 == 200);
        let order_no = world.push(1).remove(0);
        let key = world.account.key();
        files_of_the_store(&world)
            .iter()
            .filter(|path| is_removed(path.file_name().unwrap().to_str().unwrap()))
            .for_each(remove);
        let call = format!(
            "/callback?key={key}&orderNo={order_no}&downloadUrl=http%3A%2F%2Fx%2F&unzipPassword=a"
        );
        assert_eq!(get(daemon.callback, &call).0, 503, "{what}");
        let (status, health) = daemon.health("/readyz");
        assert_eq!(status, 503, "{what}: {health}");
        assert!(health.to_string().contains("was removed, moved or replaced"), "{health}");
        assert_eq!(daemon.ask("/healthz").0, 200, "{what}: a restart would begin anew");
    }
}

#[test]
fn an_idle_daemon_notices_that_its_database_was_replaced() {
    let world = synced(1);
    fs::copy(world.path("qcc.db"), world.path("older.db")).unwrap();
    let daemon = Daemon::start(&world, &["--poll-interval", "24h"]);
    until("ready", || daemon.ask("/readyz").0 == 200);
    fs::rename(world.path("older.db"), world.path("qcc.db")).unwrap();
    // Nobody asks: the log says so by itself.
    until("told in the log", || daemon.log().contains("not ready"));
    let (code, log) = daemon.stop("TERM");
    assert_eq!(code, Some(0));
    assert!(log.contains("was removed, moved or replaced"), "{log}");
    world.run(&["verify"]).ends(0);
}

/// Names, contents and times of all files below.
fn all_of(folder: &Path) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(all_of(&path));
        } else {
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            found.push((path.clone(), fs::read(&path).unwrap(), modified));
        }
    }
    found.sort();
    found
}

/// Marks everything below as not to be written, or undoes that.
#[cfg(unix)]
fn freeze(folder: &Path, frozen: bool) {
    use std::os::unix::fs::PermissionsExt;
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    if !frozen {
        set(folder, 0o700);
    }
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => freeze(&path, frozen),
            false => set(&path, if frozen { 0o444 } else { 0o600 }),
        }
    }
    if frozen {
        set(folder, 0o555);
    }
}

#[cfg(unix)]
#[test]
fn commands_that_read_change_nothing_in_a_snapshot_and_a_replay_reads_its_archives() {
    let world = synced(4);
    fs::create_dir(world.path("snapshot")).unwrap();
    fs::rename(world.path("qcc.db"), world.path("snapshot/qcc.db")).unwrap();
    fs::rename(world.path("qcc-archives"), world.path("snapshot/qcc-archives")).unwrap();
    fs::remove_file(world.path("snapshot/qcc-archives/worker-1.lock")).unwrap();
    let snapshot = world.path("snapshot");
    freeze(&snapshot, true);
    let before = all_of(&snapshot);
    let run = |arguments: &[&str]| {
        world.run(&[&["--store", "sqlite:snapshot/qcc.db"], arguments].concat())
    };
    let line = run(&["records", "--json"]).ends(0).lines().remove(0);
    run(&["status"]).ends(0);
    run(&["orders", "show", "--offline", line["order_no"].as_str().unwrap()]).ends(0);
    run(&["verify"]).ends(0).prints("equal");
    let replayed = run(&["replay", "--into", "sqlite:new.db"]).ends(0);
    replayed.prints("4 orders applied").says("new database: new.db");
    assert_eq!(all_of(&snapshot), before);
    let new = ["--store", "sqlite:new.db", "--archive-dir", "snapshot/qcc-archives", "verify"];
    world.run(&new).ends(0).prints("equal");
    freeze(&snapshot, false);
}

#[cfg(unix)]
#[test]
fn what_is_none_of_ours_in_the_archive_folder_stops_neither_proof_nor_replay() {
    let world = synced(3);
    let archives = world.path("qcc-archives");
    let shelf = fs::read_dir(&archives)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    let label = fs::read_dir(&shelf)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|kind| kind == "json"))
        .unwrap();
    let name = label.file_name().unwrap().to_str().unwrap().split_once('.').unwrap().0.to_owned();
    let beside = |kind: &str| shelf.join(format!("{name}.{kind}.json"));
    let pipe = |path: &Path| {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    pipe(&beside("PIPE"));
    std::os::unix::fs::symlink("/dev/zero", beside("ZERO")).unwrap();
    fs::create_dir(beside("FOLDER")).unwrap();
    fs::write(archives.join("a note"), "mine").unwrap();
    let shelves = ["00", "01", "02", "03"];
    let free = shelves.into_iter().find(|shelf| !archives.join(shelf).exists()).unwrap();
    fs::write(archives.join(free), "no shelf").unwrap();
    for (command, prints) in [("verify", "equal"), ("replay", "3 orders applied")] {
        let ran = world.run(&[command]).ends(0).prints(prints);
        assert_eq!(ran.err.matches("skipped: ").count(), 5, "{}", ran.err);
        ran.says("a note").says("a pipe or a device").says("it is a link");
    }
    // An archive that cannot be read is named, and the others are proven.
    let zip = shelf.join(format!("{name}.zip"));
    fs::remove_file(&zip).unwrap();
    pipe(&zip);
    world.run(&["verify"]).ends(4).prints("a pipe or a device");
    world.run(&["replay"]).ends(5).prints("2 orders applied");
}

#[test]
fn a_command_that_reads_makes_no_database() {
    let world = world();
    fs::write(world.path("empty.db"), "").unwrap();
    for (store, says) in [
        ("sqlite:mistyped.db", "there is no database mistyped.db"),
        ("sqlite:not/there.db", "there is no database not/there.db"),
        ("sqlite:empty.db", "the file is empty"),
    ] {
        for command in [
            &["records"][..],
            &["status"],
            &["verify"],
            &["orders", "show", "--offline", "DDMON1"],
            &["retry", "--all"],
        ] {
            world.run(&[&["--store", store], command].concat()).ends(2).says(says);
        }
    }
    assert_eq!(all_of(world.folder.path()).len(), 1);
    assert_eq!(fs::metadata(world.path("empty.db")).unwrap().len(), 0);
}

#[test]
fn a_place_that_is_made_is_told_and_a_whole_way_to_it_is_not_made() {
    let world = world();
    let ran = world.run(&["sync"]).ends(0).says("new database: qcc.db");
    ran.says("new archive folder: qcc-archives");
    assert!(!world.run(&["sync"]).ends(0).err.contains("new "));
    for arguments in [
        ["--store", "sqlite:mnt/data/qcc.db", "sync"],
        ["--archive-dir", "mnt/data/archives", "sync"],
        ["--store", "sqlite:mnt/qcc.db", "serve"],
    ] {
        world.run(&arguments).ends(2).says("there is no folder mnt");
    }
    assert!(!world.path("mnt").exists());
}

#[test]
fn an_archive_folder_whose_disk_is_not_there_is_not_taken_for_an_empty_one() {
    let world = synced(2);
    fs::rename(world.path("qcc-archives"), world.path("away")).unwrap();
    world.run(&["sync"]).ends(2).says("is the disk mounted");
    assert!(!world.path("qcc-archives").exists());
    fs::create_dir(world.path("qcc-archives")).unwrap();
    world.run(&["sync"]).ends(2).says("holds no archive");
    // They are gone for good, and somebody says so.
    fs::write(world.path("qcc-archives/archives-lost"), "").unwrap();
    world.push(1);
    world.run(&["sync"]);
    fs::remove_file(world.path("qcc-archives/archives-lost")).unwrap();
    world.run(&["sync"]).ends(0);
}

#[test]
fn damage_is_told_before_anything_is_said_of_the_store() {
    let world = synced(5);
    let sound = fs::read(world.path("qcc.db")).unwrap();
    let pages = sound.len() / 8192;
    for page in (1..pages).step_by(pages / 8 + 1) {
        let mut bytes = sound.clone();
        bytes[page * 8192..(page + 1) * 8192].fill(0x5a);
        fs::write(world.path("qcc.db"), bytes).unwrap();
        for command in ["status", "sync", "records", "verify"] {
            let ran = world.run(&[command]).ends(1);
            ran.says("is damaged").says("qcc replay").says("backup");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_database_reached_by_a_link_is_one_database() {
    let world = synced(2);
    fs::create_dir(world.path("links")).unwrap();
    std::os::unix::fs::symlink("../qcc.db", world.path("links/qcc.db")).unwrap();
    let daemon = Daemon::start(&world, &["--poll-interval", "24h"]);
    let linked = ["--store", "sqlite:links/qcc.db", "--archive-dir", "qcc-archives"];
    world.run(&[&linked[..], &["sync"]].concat()).ends(0);
    assert_eq!(fs::read_dir(world.path("links")).unwrap().count(), 1);
    drop(daemon);
}

#[cfg(unix)]
#[test]
fn a_snapshot_is_taken_beside_a_daemon_and_read_by_others() {
    use std::os::unix::fs::PermissionsExt;

    let world = synced(3);
    let daemon = Daemon::start(&world, &["--poll-interval", "24h"]);
    let mode = |name: &str| fs::metadata(world.path(name)).unwrap().permissions().mode() & 0o777;
    world.run(&["snapshot", "copy.db"]).ends(0).prints("copy.db");
    world.run(&["snapshot", "shared.db", "--for-readers"]).ends(0);
    assert_eq!((mode("copy.db"), mode("shared.db")), (0o600, 0o644));
    world.run(&["snapshot", "copy.db"]).ends(2).says("already exists");
    world.run(&["snapshot", "not/there.db"]).ends(1).says("not/there.db");
    let table = world.run(&["records", "--json"]).ends(0).out;
    let passwords = |name: &str| {
        let connection = rusqlite::Connection::open(world.path(name)).unwrap();
        let sql = "SELECT unzip_password FROM orders WHERE unzip_password IS NOT NULL";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>()
    };
    let known = passwords("copy.db");
    assert_eq!((known.len(), passwords("shared.db").len()), (3, 0));
    let shared = fs::read(world.path("shared.db")).unwrap();
    for password in &known {
        let is_found = shared.windows(password.len()).any(|part| part == password.as_bytes());
        assert!(!is_found, "a password is left in the file");
    }
    drop(daemon);
    // Read where nothing may be written, as another user would.
    fs::create_dir(world.path("shared")).unwrap();
    fs::rename(world.path("shared.db"), world.path("shared/qcc.db")).unwrap();
    freeze(&world.path("shared"), true);
    let ran = world.run(&["--store", "sqlite:shared/qcc.db", "records", "--json"]).ends(0);
    assert_eq!(ran.out, table);
    freeze(&world.path("shared"), false);
    world.run(&["--store", "sqlite:copy.db", "verify"]).ends(0).prints("equal");
}
