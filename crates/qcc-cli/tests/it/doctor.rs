//! `qcc doctor`: what is fine, what is not, and what to do.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use qcc_sim::{Fault, Rate};
use serde_json::Value;

use crate::{
    daemon::{Daemon, until},
    support::{Ran, World, run_in},
};

fn verdict<'a>(lines: &'a [Value], check: &str) -> &'a str {
    let line = lines.iter().find(|line| line["check"] == check);
    line.unwrap_or_else(|| panic!("{check} was not checked: {lines:?}"))["verdict"]
        .as_str()
        .unwrap()
}

#[test]
fn a_sound_setup_is_0_and_shows_where_each_setting_came_from() {
    let world = World::new();
    world.push(2);
    let ran = world.run(&["doctor"]).ends(0);
    let ran = ran
        .prints("from QCC_SECRET_KEY")
        .prints("2 orders listed")
        .prints("the first sync makes it");
    assert!(!ran.out.contains(world.vendor().config().account.secret()));
    assert!(!world.path("qcc.db").exists() && !world.path("qcc-archives").exists());
    let lines = world.run(&["doctor", "--json"]).ends(0).lines();
    assert_eq!(verdict(&lines, "clock"), "ok");
    assert_eq!(verdict(&lines, "base URL"), "warn");
}

#[test]
fn what_is_missing_is_2() {
    let folder = tempfile::tempdir().unwrap();
    let lines = run_in(folder.path(), &["doctor", "--offline", "--json"]).ends(2).lines();
    assert_eq!(verdict(&lines, "key"), "fail");
    assert_eq!(verdict(&lines, "SecretKey"), "fail");
    assert_eq!(verdict(&lines, "database"), "ok");
}

#[test]
fn a_107_is_3_and_explained() {
    let world = World::new();
    let mut command = world.command(&["doctor"]);
    let ran = Ran::from(command.env("QCC_SECRET_KEY", "another").output().unwrap()).ends(3);
    let ran = ran.prints("It is not the clock").prints("allowlist");
    assert!(!ran.out.contains("Check the clock"), "{}", ran.out);
    assert_eq!(ran.out.matches("SecretKey with the settings centre").count(), 1, "{}", ran.out);
    let mut command = world.command(&["sync"]);
    let ran = Ran::from(command.env("QCC_SECRET_KEY", "another").output().unwrap()).ends(3);
    assert_eq!(ran.err.matches("the vendor answered 107").count(), 1, "{}", ran.err);
}

#[test]
fn no_network_is_1() {
    let world = World::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = world.run(&["--base-url", &format!("http://{closed}"), "doctor"]).ends(1);
    ran.prints("cannot connect to 127.0.0.1:");
}

#[test]
fn a_proxy_is_shown_without_its_password() {
    let world = World::new();
    let mut command = world.command(&["doctor", "--offline"]);
    command.env("HTTPS_PROXY", "http://me:S3CR3T@proxy.example:3128");
    let ran = Ran::from(command.output().unwrap()).ends(0);
    let ran = ran.prints("HTTPS_PROXY=http://proxy.example:3128");
    assert!(!ran.out.contains("S3CR3T"));
}

#[test]
fn a_callback_url_is_looked_at() {
    let world = World::new();
    let ran = world.run(&["doctor", "--offline", "--callback-url", "http://localhost/cb"]).ends(0);
    ran.prints("looks private");
    let ran = world.run(&["doctor", "--offline", "--callback-url", "localhost"]).ends(2);
    ran.prints("must start with http://");
    let mut command = world.command(&["doctor", "--offline"]);
    command.env("QCC_SECRETKEY", "x").env("QCC_PUBLIC_URL", "https://risk.example.com/cb");
    let ran = Ran::from(command.output().unwrap()).ends(0);
    ran.prints("https://risk.example.com/cb").prints("QCC_SECRETKEY is set, but");
}

/// A server that gives every request the same answer.
pub(crate) fn always(answer: &'static str) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn a_callback_url_is_called_and_who_answers_is_told() {
    let world = World::new();
    let look = |url: &str, listen: &str| -> Ran {
        let mut command = world.command(&["doctor", "--callback-url", url]);
        command.env("QCC_LISTEN", listen).output().unwrap().into()
    };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = look(&format!("http://{closed}/callback"), "127.0.0.1:1").ends(1);
    ran.prints("fail  callback URL").prints("cannot connect to").prints("called from this machine");
    let other = always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
    let ran = look(&format!("http://{other}/callback"), "127.0.0.1:1").ends(1);
    ran.prints("somebody else than `qcc serve` answers there");
    let moved = always(
        "HTTP/1.1 302 Found\r\nLocation: https://x/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    let ran = look(&format!("http://{moved}/callback"), "127.0.0.1:1").ends(1);
    ran.prints("HTTP 302: it leads elsewhere");

    let (daemon, second) = (Daemon::start(&world, &[]), Daemon::start(&world, &[]));
    let (here, there) = (daemon.callback.to_string(), second.callback.to_string());
    let ran = look(&daemon.url(), &here).ends(0);
    ran.prints("leads to the `qcc serve` here").prints("a firewall between");
    look(&daemon.url(), &there).ends(0).prints("but not the one that listens on");
    look(&daemon.url(), &closed.to_string()).ends(0).prints("a `qcc serve` answers");
    look(&format!("http://{here}/elsewhere"), &here).ends(1).prints("HTTP 404: is the path");
    let ran = look(&format!("{}?x=1", daemon.url()), &here).ends(2);
    ran.prints("has a query").prints("into the path");
    assert_eq!(daemon.metric("qcc_callback_errors_in_a_row"), 0.0);
}

#[test]
fn a_callback_url_with_a_secret_path_is_found_and_the_path_not_shown() {
    let world = World::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bare = format!("http://{port}/callback");
    let toml = format!("[serve]\nsecret_path = true\npublic_url = '{bare}'\nlisten = '{port}'\n");
    fs::write(world.path("qcc.toml"), toml).unwrap();
    let mut command = Daemon::command(&world, &[]);
    command.env_remove("QCC_LISTEN");
    let _daemon = Daemon::of(command);
    until("the vendor knows the URL", || world.vendor().callback_url().is_some());
    let told = world.vendor().callback_url().unwrap().to_owned();
    let segment = told.rsplit('/').next().unwrap();
    let ran = world.run(&["doctor"]).ends(0).prints("leads to the `qcc serve` here");
    assert!(segment.len() > 10 && !ran.out.contains(segment), "{}", ran.out);
}

#[test]
fn a_hold_is_heeded_by_every_command_that_calls() {
    let world = World::new();
    let pushed = world.push(1);
    world.fault(Fault::Status106, Rate::ALWAYS);
    world.run(&["sync"]);
    world.vendor().set_faults(qcc_sim::FaultPlan::none());
    let no = pushed[0].as_str();
    let url = "https://risk.example.com/cb";
    let calls = || world.vendor().journal().entries().count();
    let before = calls();
    for arguments in [
        &["orders", "list"][..],
        &["orders", "list", "--json"],
        &["orders", "show", no],
        &["orders", "fetch", no, "-o", "x.zip"],
        &["push", "set", "--callback-url", url],
        &["push", "activate"],
    ] {
        let ran = world.run(arguments).ends(5).says("calls are paused until 2");
        ran.says("--ignore-hold");
    }
    let ran = world.run(&["doctor"]).ends(5);
    ran.prints("fail  vendor").prints("calls are paused until 2").prints("ok    database");
    assert_eq!(calls(), before, "the vendor was called");
    world.run(&["orders", "show", no, "--offline"]).ends(2);
    world.run(&["orders", "list", "--ignore-hold"]).ends(0).prints(no);
    world.run(&["doctor", "--ignore-hold"]).ends(0).prints("1 order listed");
    assert_eq!(calls(), before + 2);
}

#[test]
fn what_cannot_be_read_is_one_line_and_the_rest_goes_on() {
    let world = World::new();
    let look = |edit: &dyn Fn(&mut std::process::Command)| -> Ran {
        let mut command = world.command(&["doctor"]);
        edit(&mut command);
        let ran = Ran::from(command.output().unwrap()).ends(2);
        ran.prints("ok    archives").prints("ok    database")
    };
    let ran = look(&|command| {
        command.env_remove("QCC_SECRET_KEY").env("QCC_SECRET_KEY_FILE", "none");
    });
    ran.prints("fail  SecretKey       there is no file none, which QCC_SECRET_KEY_FILE names");
    let ran = look(&|command| {
        command.env("QCC_LOG", "verbose");
    });
    ran.prints("fail  configuration   QCC_LOG is not a log filter").prints("ok    vendor");

    fs::write(world.path("qcc.toml"), "key = abc").unwrap();
    let ran = look(&|_| ());
    ran.prints("fail  configuration   qcc.toml, line 1, column 7").prints("warn  vendor");
    assert_eq!(world.vendor().journal().entries().count(), 1, "a default was called");
    fs::write(world.path("qcc.toml"), "archive_password = 'x'").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let readable = fs::Permissions::from_mode(0o644);
        fs::set_permissions(world.path("qcc.toml"), readable).unwrap();
        let ran = look(&|_| ());
        ran.prints("fail  configuration   qcc.toml holds a secret").prints("ok    vendor");
    }
}

#[test]
fn a_key_in_quotes_and_one_in_the_secrets_place_are_told() {
    let world = World::new();
    let (key, secret) = (world.account.key().to_owned(), world.account.secret().to_owned());
    let look = |key: &str, secret: &str| -> Ran {
        let mut command = world.command(&["doctor"]);
        command.env("QCC_KEY", key).env("QCC_SECRET_KEY", secret).output().unwrap().into()
    };
    let ran = look(&format!("\"{key}\""), &secret).ends(2);
    ran.prints("fail  key             QCC_KEY holds quotation marks around the value");
    let ran = look(&key, &format!("'{secret}'")).ends(2);
    let ran = ran.prints("fail  SecretKey       QCC_SECRET_KEY holds quotation marks");
    assert!(!ran.out.contains(&secret), "{}", ran.out);
    let ran = look(&secret, &key).ends(3).prints("are key and SecretKey swapped?");
    assert!(!ran.out.contains(&secret), "{}", ran.out);
    look(&key, &key).ends(2).prints("both are the same");
    let (capital, small) = ("A".repeat(32), "b".repeat(32));
    look(&capital, &small).prints("warn  key, SecretKey  they look swapped");
}
