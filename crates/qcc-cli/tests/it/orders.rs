//! `qcc orders`: the vendor's list, one order, one archive.

use std::{fs, path::Path};

use qcc_sim::{Fault, Rate};

use crate::support::{Ran, World};

#[test]
fn the_list_is_the_vendors() {
    let world = World::new();
    world.run(&["orders", "list"]).ends(0).says("lists no orders");
    let pushed = world.push(3);
    let lines = world.run(&["orders", "list", "--json"]).ends(0).lines();
    let numbers: Vec<_> = lines.iter().map(|line| line["order_no"].as_str().unwrap()).collect();
    assert_eq!(numbers.len(), 3);
    assert!(pushed.iter().all(|no| numbers.contains(&no.as_str())));
    assert!(lines[0]["created_at"].is_string());
    world.run(&["orders", "list"]).ends(0).prints(pushed[0].as_str());
    assert!(!world.path("qcc.db").exists(), "listing made a database");
}

#[test]
fn an_order_is_shown_without_its_secrets() {
    let world = World::new();
    let pushed = world.push(1);
    let no = pushed[0].as_str();
    let ran = world.run(&["orders", "show", no]).ends(0).prints("(hidden; --reveal shows it)");
    assert!(!ran.out.contains("Signature"), "{}", ran.out);
    let shown = world.run(&["orders", "show", no, "--json"]).ends(0).json();
    assert_eq!(shown["ledger"], serde_json::Value::Null);
    assert_eq!(shown["vendor"]["password"], serde_json::Value::Null);
    assert!(!shown["vendor"]["link"].as_str().unwrap().contains('?'));

    let revealed = world.run(&["orders", "show", no, "--json", "--reveal"]).ends(0).json();
    assert!(revealed["vendor"]["link"].as_str().unwrap().contains("Signature="));
    let password = revealed["vendor"]["password"].as_str().unwrap();
    assert!(!ran.out.contains(password));

    world.run(&["sync"]).ends(0);
    let shown = world.run(&["orders", "show", no, "--offline", "--json"]).ends(0).json();
    assert_eq!(shown["ledger"]["state"], "applied");
    assert_eq!(shown["vendor"], serde_json::Value::Null);
    let path = shown["ledger"]["archive"]["path"].as_str().unwrap();
    assert!(world.path(path).is_file(), "{path}");
    world.run(&["orders", "show", no, "--offline"]).ends(0).prints("sha256").prints(path);

    // What was kept opens without further ado: its label lies beside it.
    let ran = world.run(&["archive", "records", path, "--count"]).ends(0);
    assert!(ran.out.contains("records, pushed"), "{}", ran.out);
    fs::copy(world.path(path), world.path("copy.zip")).unwrap();
    world.run(&["archive", "records", "copy.zip", "--count"]).ends(2).says("no password");
}

#[test]
fn an_order_the_vendor_does_not_know_is_3() {
    let world = World::new();
    let ran = world.run(&["orders", "show", "DDMON1"]).ends(3).says("there is no order DDMON1");
    let ran = ran.says("the vendor answered 201");
    assert!(!ran.err.contains("Nothing to do"), "{}", ran.err);
    let ran = world.run(&["orders", "fetch", "DDMON1", "-o", "x.zip"]).ends(3);
    ran.says("the vendor answered");
    assert!(!world.path("x.zip").exists());
    world.push(1);
    world.run(&["sync"]).ends(0);
    world.run(&["orders", "show", "DDMON1", "--offline"]).ends(2).says("the ledger has no order");
}

#[test]
fn an_archive_is_fetched_and_opens_with_its_password() {
    let world = World::new();
    let pushed = world.push(2);
    let no = pushed[1].as_str();
    let arguments = ["orders", "fetch", no, "-o", "x.zip", "--password-out", "pw", "--json"];
    let ran = world.run(&arguments).ends(0);
    assert_eq!(ran.json()["password"], serde_json::Value::Null);
    assert_eq!(ran.json()["size"], fs::metadata(world.path("x.zip")).unwrap().len());
    private(&world.path("pw"));
    world.run(&["archive", "records", "x.zip", "--password-file", "pw", "--count"]).ends(0);

    world.run(&arguments).ends(2).says("already exists");
    let ran = world.run(&["orders", "fetch", no, "-o", "y.zip", "--reveal"]).ends(0);
    assert_eq!(ran.out.trim_end(), fs::read_to_string(world.path("pw")).unwrap());
}

#[cfg(unix)]
#[track_caller]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[cfg(not(unix))]
fn private(_: &Path) {}

#[test]
fn a_download_that_breaks_off_goes_on() {
    let world = World::new();
    let pushed = world.push(1);
    world.fault(Fault::TruncatedDownload, Rate::first(3));
    let ran = world.run(&["orders", "fetch", pushed[0].as_str(), "-o", "x.zip"]);
    ran.ends(0);
    assert!(world.vendor().journal().entries().any(|entry| entry.range.is_some()));
}

#[test]
fn what_is_no_archive_is_4_and_not_kept() {
    let world = World::new();
    let pushed = world.push(1);
    let no = pushed[0].as_str();
    let fetch =
        |more: &[&str]| world.run(&[&["orders", "fetch", no, "-o", "x.zip"], more].concat());
    world.fault(Fault::HtmlInsteadOfZip, Rate::ALWAYS);
    fetch(&[]).ends(4).says("a web page");
    assert_eq!(fs::read_dir(world.folder.path()).unwrap().count(), 0, "something was kept");
    world.fault(Fault::WrongPassword, Rate::ALWAYS);
    fetch(&[]).ends(4).says("wrong password");
    fetch(&["--unverified"]).ends(0);
    assert!(world.path("x.zip").exists());
}

#[test]
fn a_link_elsewhere_is_not_followed() {
    let world = World::new();
    let pushed = world.push(1);
    let mut command = world.command(&["orders", "fetch", pushed[0].as_str(), "-o", "x.zip"]);
    command.env_remove("QCC_DOWNLOAD_HOSTS");
    let ran = Ran::from(command.output().unwrap()).ends(2);
    ran.says(&world.address.to_string()).says("is not an allowed download host");
}

#[test]
fn a_target_that_cannot_be_written_is_named() {
    let world = World::new();
    let pushed = world.push(1);
    let no = pushed[0].as_str();
    world.run(&["orders", "fetch", no, "-o", "."]).ends(2).says("is a folder");
    world.run(&["orders", "fetch", no, "-o", "none/x.zip"]).ends(2).says("there is no folder");
    world.run(&["orders", "fetch", no, "-o", "none/"]).ends(2).says("is a folder");
    assert_eq!(world.vendor().journal().entries().count(), 0, "the vendor was asked");
}

#[test]
fn a_file_that_is_there_is_replaced_only_when_told_so() {
    let world = World::new();
    let pushed = world.push(1);
    let no = pushed[0].as_str();
    fs::write(world.path("x.zip"), "mine").unwrap();
    fs::write(world.path("pw"), "mine").unwrap();
    let fetch = |more: &[&str]| world.run(&[&["orders", "fetch", no], more].concat());
    fetch(&["-o", "x.zip"]).ends(2).says("x.zip already exists: --force replaces it");
    fetch(&["-o", "y.zip", "--password-out", "pw"]).ends(2).says("pw already exists");
    fetch(&["-o", "y.zip", "--password-out", "./y.zip"]).ends(2).says("the same file");
    fetch(&["-o", "y.zip", "--password-out", "none/pw"]).ends(2).says("there is no folder none");
    assert_eq!(world.vendor().journal().entries().count(), 0, "the vendor was asked");
    assert_eq!(names(&world), ["pw", "x.zip"]);
    assert_eq!(fs::read(world.path("x.zip")).unwrap(), b"mine");

    fetch(&["-o", "x.zip", "--password-out", "pw", "--force"]).ends(0);
    world.run(&["archive", "records", "x.zip", "--password-file", "pw", "--count"]).ends(0);
    private(&world.path("pw"));
    private(&world.path("x.zip"));
    assert_eq!(names(&world), ["pw", "x.zip"]);
}

fn names(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.folder.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[cfg(target_os = "linux")]
mod kinds {
    use std::os::unix::fs::{FileTypeExt, symlink};

    use super::*;

    #[test]
    fn links_are_followed_and_stay() {
        let world = World::new();
        let pushed = world.push(1);
        let no = pushed[0].as_str();
        let fetch = |more: &[&str]| world.run(&[&["orders", "fetch", no], more].concat());
        symlink("nowhere", world.path("dangling")).unwrap();
        fetch(&["-o", "dangling", "--force"]).ends(2).says("is a dangling link");
        fs::create_dir(world.path("sub")).unwrap();
        fs::write(world.path("sub/real.zip"), "mine").unwrap();
        symlink("sub/real.zip", world.path("x.zip")).unwrap();
        fetch(&["-o", "x.zip"]).ends(2).says("already exists");
        assert_eq!(fs::read(world.path("sub/real.zip")).unwrap(), b"mine");
        fetch(&["-o", "x.zip", "--force"]).ends(0);
        assert!(fs::symlink_metadata(world.path("x.zip")).unwrap().is_symlink());
        assert!(fs::read(world.path("sub/real.zip")).unwrap().starts_with(b"PK"));
    }

    #[test]
    fn devices_and_pipes_are_written_into_and_stay_what_they_are() {
        let world = World::new();
        let pushed = world.push(1);
        let no = pushed[0].as_str();
        let fetch = |more: &[&str]| world.run(&[&["orders", "fetch", no], more].concat());
        fetch(&["-o", "whole.zip"]).ends(0);
        let whole = fs::read(world.path("whole.zip")).unwrap();

        symlink("/dev/null", world.path("null")).unwrap();
        fetch(&["-o", "null"]).ends(0);
        assert!(fs::symlink_metadata(world.path("null")).unwrap().is_symlink());
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        symlink("/dev/full", world.path("full")).unwrap();
        fetch(&["-o", "full"]).ends(1).says("full cannot be written").says("No space left");

        let fifo = world.path("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let reader = std::thread::spawn({
            let fifo = fifo.clone();
            move || fs::read(fifo)
        });
        fetch(&["-o", "fifo"]).ends(0);
        assert_eq!(reader.join().unwrap().unwrap(), whole);
        assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());

        let mut command = world.command(&["orders", "fetch", no, "-o", "/dev/stdout"]);
        let output = command.output().unwrap();
        assert_eq!((output.status.code(), output.stdout), (Some(0), whole.clone()));
        let file = fs::File::create(world.path("redirected.zip")).unwrap();
        let mut command = world.command(&["orders", "fetch", no, "-o", "/dev/stdout"]);
        assert!(command.stdout(file).status().unwrap().success());
        assert_eq!(fs::read(world.path("redirected.zip")).unwrap(), whole);
    }

    #[test]
    fn a_fetch_that_is_killed_leaves_nothing_behind() {
        let world = World::new();
        let pushed = world.push(1);
        world.fault(Fault::StalledDownload, Rate::ALWAYS);
        let no = pushed[0].as_str();
        let mut child =
            world.start(&["orders", "fetch", no, "-o", "x.zip", "--password-out", "pw"]);
        crate::daemon::until("the download begins", || {
            world.vendor().journal().count(qcc_sim::Exchange::Download) > 0
        });
        // Some of it has arrived, in a file that has no name.
        let open = format!("/proc/{}/fd", child.id());
        crate::daemon::until("a part is written", || {
            let mut files = fs::read_dir(&open).unwrap().filter_map(Result::ok);
            files.any(|file| {
                let deleted = fs::read_link(file.path())
                    .is_ok_and(|path| path.to_string_lossy().contains("(deleted)"));
                deleted && fs::metadata(file.path()).is_ok_and(|meta| meta.len() > 0)
            })
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(names(&world), [""; 0]);
    }
}
