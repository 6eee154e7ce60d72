//! `qcc doctor`: what is fine, what is not, and what to do.

use serde_json::Value;

use crate::support::{Ran, World, run_in};

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
    ran.prints("One code, two causes").prints("allowlist");
}

#[test]
fn no_network_is_1() {
    let world = World::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
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
