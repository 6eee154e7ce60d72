//! `qcc serve` beside a vendor: calls, polls, health, metrics, the end.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use qcc_proto::OrderNo;
use qcc_sim::{Exchange, Fault, Rate, VendorConfig};

use crate::{
    daemon::{Daemon, get, until},
    support::{Ran, World},
};

/// A list at the start and then none: what arrives, arrives by call.
const CALLS_ONLY: &[&str] = &["--poll-interval", "24h"];

fn world() -> World {
    World::calling(VendorConfig { seed: 5, ..VendorConfig::default() })
}

fn told(world: &World, daemon: &Daemon) {
    world.run(&["push", "set", "--callback-url", &daemon.url()]).ends(0);
}

/// Waits for the second to pass in which receivers began to expect calls: the
/// vendor's times hold whole seconds, so an order of that second proves nothing.
fn next_second() {
    let begun = Timestamp::now().as_second();
    until("the next second", || Timestamp::now().as_second() > begun);
}

fn call_of(world: &World, order_no: &OrderNo) -> String {
    let key = world.account.key();
    format!(
        "/callback?key={key}&orderNo={order_no}&downloadUrl=http%3A%2F%2Fx%2Fy.zip%3FSignature%3DSIGNED\
         &downloadUrlExpiredTime=2026-11-25%2020%3A19%3A00&unzipPassword=S3CR3T"
    )
}

#[test]
fn a_call_becomes_rows_once_a_list_confirms_it() {
    let world = world();
    let daemon = Daemon::start(&world, CALLS_ONLY);
    told(&world, &daemon);
    until("ready", || daemon.ask("/readyz").0 == 200);
    let lists = world.vendor().journal().count(Exchange::ListOrders);
    world.push(3);
    until("applied", || daemon.metric("qcc_orders{state=\"applied\"}") == 3.0);
    let read = world.vendor().journal().count(Exchange::ListOrders) - lists;
    assert!((1..=4).contains(&read), "the list was read {read} times for three calls");
    assert_eq!(daemon.metric("qcc_callbacks_total{result=\"new\"}"), 3.0);
    assert_eq!(daemon.metric("qcc_delivery{state=\"healthy\"}"), 1.0);
    world.assert_true_table();
}

#[test]
fn a_poll_finds_what_no_call_told() {
    let world = world();
    let daemon = Daemon::start(&world, &["--poll-interval", "1s"]);
    world.push(4);
    until("applied", || daemon.metric("qcc_orders_applied_total") == 4.0);
    assert_eq!(daemon.metric("qcc_callbacks_total{result=\"new\"}"), 0.0);
    world.assert_true_table();
}

#[test]
fn the_answer_is_the_manuals_to_the_byte_and_the_log_holds_no_query() {
    let world = world();
    let daemon = Daemon::start(&world, CALLS_ONLY);
    // After the first list, so that the call brings news.
    until("ready", || daemon.ask("/readyz").0 == 200);
    let order_no = world.push(1).remove(0);
    let call = call_of(&world, &order_no);
    for _ in 0..2 {
        assert_eq!(get(daemon.callback, &call), (200, r#"{"status":"200","msg":"成功"}"#.into()));
    }
    let forged = call.replace(world.account.key(), "another");
    assert_eq!(get(daemon.callback, &forged).0, 403);
    assert_eq!(get(daemon.callback, &format!("/elsewhere{call}")).0, 404);
    until("applied", || daemon.metric("qcc_orders_applied_total") == 1.0);
    let (_, page) = daemon.ask("/metrics");
    let (code, log) = daemon.stop("TERM");
    assert_eq!(code, Some(0));
    assert!(log.contains("callback accepted"), "{log}");
    for text in [&log, &page] {
        for secret in ["S3CR3T", "SIGNED", "key=", world.account.secret(), world.account.key()] {
            assert!(!text.contains(secret), "{secret:?} shows in\n{text}");
        }
    }
}

#[test]
fn it_stops_when_asked_and_the_next_start_goes_on() {
    let world = world();
    for signal in ["TERM", "INT"] {
        let daemon = Daemon::start(&world, &["--poll-interval", "1s"]);
        world.push(2);
        let (code, log) = daemon.stop(signal);
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("stopped"), "{log}");
    }
    world.run(&["sync"]).ends(0);
    world.assert_true_table();
}

#[test]
fn a_vendor_that_hangs_does_not_hold_up_the_end() {
    let world = world();
    world.fault(Fault::NoAnswer, Rate::ALWAYS);
    let lists = || world.vendor().journal().count(Exchange::ListOrders);
    let hanging = || {
        let before = lists();
        let daemon = Daemon::start(&world, &[]);
        until("asked", || lists() > before);
        daemon.signal("TERM");
        until("stopping", || daemon.log().contains("stopping"));
        (daemon, Instant::now())
    };
    let (daemon, begun) = hanging();
    let (code, log) = daemon.stop("TERM");
    assert!(log.contains("second signal"), "a second signal ends it at once: {log}");
    assert!(begun.elapsed() < Duration::from_secs(5) && code == Some(0), "{code:?}: {log}");

    let (mut daemon, begun) = hanging();
    assert_eq!(daemon.wait(), Some(0), "{}", daemon.log());
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
}

#[test]
fn health_says_what_is_wrong() {
    let world = World::with(VendorConfig { address_allowed: false, ..VendorConfig::default() });
    let daemon = Daemon::start(&world, &[]);
    until("a hold", || daemon.metric("qcc_hold") == 1.0);
    let (status, health) = daemon.health("/readyz");
    assert_eq!((status, &health["ready"]), (503, &false.into()));
    assert_eq!(health["reasons"][0]["code"], "hold");
    assert!(health["reasons"][0]["detail"].as_str().unwrap().contains("signature"), "{health}");
    assert_eq!(daemon.ask("/healthz").0, 200, "a restart would not help");
    assert_eq!(daemon.ask("/").0, 404);

    // Calls are received nevertheless.
    let order_no = world.push(1).remove(0);
    assert_eq!(get(daemon.callback, &call_of(&world, &order_no)).0, 200);
}

#[test]
fn a_vendor_that_fell_silent_is_asked_to_call_again() {
    let world = world();
    let toml = "[serve]\nheal_after = '1s'\npoll_interval = '1s'\n";
    fs::write(world.path("qcc.toml"), toml).unwrap();
    let daemon = Daemon::start(&world, &[]);
    until("ready", || daemon.ask("/readyz").0 == 200);
    // The vendor was never told where to call, and so it does not.
    next_second();
    world.push(1);
    until("asked", || daemon.metric("qcc_activations_total{result=\"agreed\"}") == 1.0);
    assert_eq!(world.vendor().journal().count(Exchange::Activate), 1);
    let admin = daemon.admin.to_string();
    let status = |arguments: &[&str]| {
        let mut command = world.command(&["status"]);
        Ran::from(command.args(arguments).env("QCC_ADMIN_LISTEN", &admin).output().unwrap())
    };
    let seen = status(&["--json"]).json();
    assert_eq!(seen["delivery"]["state"], "activated", "{seen}");
    assert_eq!(seen["delivery"]["activation"]["tries"], 1);
    assert_eq!(seen["daemon"]["vendor_answers"]["activate 200"], 1, "{seen}");
    status(&[]).prints("counted since then").prints("activate 200: 1");
    assert!(world.run(&["status", "--json"]).json()["daemon"].is_null(), "none is asked there");
    world.run(&["status"]).prints("the vendor agreed to call again");
}

#[test]
fn our_errors_are_counted_across_a_restart_and_the_fifth_is_healed() {
    let world = world();
    fs::write(world.path("qcc.toml"), "[serve]\npoll_interval = '1s'\n").unwrap();
    let refused = |daemon: &Daemon, times: u32| {
        for _ in 0..times {
            let order_no = "DDMON1".parse().unwrap();
            let call = call_of(&world, &order_no).replace("orderNo=DDMON1", "orderNo=..");
            assert_eq!(get(daemon.callback, &call).0, 400);
        }
    };
    let errors = |daemon: &Daemon| daemon.metric("qcc_callback_errors_in_a_row");
    let daemon = Daemon::start(&world, &[]);
    until("ready", || daemon.ask("/readyz").0 == 200);
    refused(&daemon, 3);
    let (_, log) = daemon.stop("TERM");
    assert!(log.contains("stops calling after five errors in a row"), "{log}");
    world.run(&["status"]).prints("3 in a row").prints("our last 3 answers");
    world.run(&["push", "activate"]).ends(0);
    let delivery = || world.run(&["status", "--json"]).json()["delivery"].clone();
    assert_eq!(delivery()["errors_in_a_row"], 0, "the vendor counts from nothing again");

    let daemon = Daemon::start(&world, &[]);
    until("ready", || daemon.ask("/readyz").0 == 200);
    refused(&daemon, 3);
    daemon.stop("TERM");

    let daemon = Daemon::start(&world, &[]);
    until("ready", || daemon.ask("/readyz").0 == 200);
    assert_eq!(errors(&daemon), 3.0);
    refused(&daemon, 2);
    until("asked", || daemon.metric("qcc_activations_total{result=\"agreed\"}") == 1.0);
    until("forgotten", || errors(&daemon) == 0.0);
    daemon.stop("TERM");
    assert_eq!(delivery()["errors_in_a_row"], 0);
    assert_eq!(delivery()["state"], "activated");
}

#[test]
fn an_own_url_that_leads_nowhere_burns_no_activation() {
    let world = world();
    let toml = "[serve]\nheal_after = '1s'\npoll_interval = '1s'\n";
    fs::write(world.path("qcc.toml"), toml).unwrap();
    // The vendor answers there, which is not us.
    let url = format!("http://{}/callback", world.address);
    let daemon = Daemon::start(&world, &["--public-url", &url]);
    until("ready", || daemon.ask("/readyz").0 == 200);
    next_second();
    world.push(1);
    until("tried", || daemon.metric("qcc_probes_total{result=\"failed\"}") >= 1.0);
    until("broken", || daemon.metric("qcc_delivery{state=\"broken\"}") == 1.0);
    assert_eq!(world.vendor().journal().count(Exchange::Activate), 0);
    world.run(&["status"]).prints("BROKEN: 1 order").prints("qcc push activate");
}

#[test]
fn a_secret_path_is_told_to_the_vendor_and_no_other_is_received() {
    let world = world();
    let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = probe.local_addr().unwrap();
    drop(probe);
    let toml = format!(
        "[serve]\nsecret_path = true\nsecret_path_overlap = '1s'\n\
         public_url = 'http://{address}/callback'\npoll_interval = '24h'\n"
    );
    fs::write(world.path("qcc.toml"), toml).unwrap();
    let mut command = Daemon::command(&world, &[]);
    command.env("QCC_LISTEN", address.to_string());
    let daemon = Daemon::of(command);
    until("told", || world.vendor().callback_url().is_some());
    let first = world.vendor().callback_url().unwrap().to_owned();
    assert!(first.len() > daemon.url().len() + 32, "{first}");
    world.push(1);
    until("applied", || daemon.metric("qcc_orders_applied_total") == 1.0);

    daemon.signal("USR1");
    until("told again", || world.vendor().callback_url().is_some_and(|url| *url != *first));
    world.push(1);
    until("applied", || daemon.metric("qcc_orders_applied_total") == 2.0);
    let (_, log) = daemon.stop("TERM");
    let segment = first.rsplit('/').next().unwrap();
    assert!(!log.contains(segment), "the secret path shows in\n{log}");
}

#[test]
fn a_secret_path_that_goes_and_comes_back_keeps_no_call_out() {
    let world = world();
    let address = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().to_string()
    };
    let bare = format!("http://{address}/callback");
    let start = |secret: bool| {
        let toml = format!(
            "[serve]\nsecret_path = {secret}\npublic_url = '{bare}'\npoll_interval = '24h'\n"
        );
        fs::write(world.path("qcc.toml"), toml).unwrap();
        let mut command = Daemon::command(&world, &[]);
        command.env("QCC_LISTEN", &address);
        Daemon::of(command)
    };
    let told = || world.vendor().callback_url().map(str::to_owned);
    let calls_arrive = |daemon: &Daemon| {
        let before = daemon.metric("qcc_orders_applied_total");
        world.push(1);
        until("applied", || daemon.metric("qcc_orders_applied_total") > before);
    };
    for _ in 0..2 {
        let daemon = start(true);
        until("told a segment", || told().is_some_and(|url| url.starts_with(&bare) && url != bare));
        calls_arrive(&daemon);
        daemon.stop("TERM");

        let daemon = start(false);
        until("told the bare URL", || told().as_ref() == Some(&bare));
        daemon.signal("USR1");
        calls_arrive(&daemon);
        let (code, log) = daemon.stop("TERM");
        assert_eq!(code, Some(0), "SIGUSR1 ended it:\n{log}");
        assert!(log.contains("SIGUSR1 changes the secret path, and none is configured"), "{log}");
    }

    // Somebody sets another URL by hand, while the daemon is down.
    let daemon = start(true);
    until("told a segment", || told().is_some_and(|url| url != bare));
    daemon.stop("TERM");
    world.run(&["push", "set", "--callback-url", &bare, "--disable"]).ends(0);
    let daemon = start(true);
    until("ready", || daemon.ask("/readyz").0 == 200);
    daemon.stop("TERM");
    assert_eq!(told(), None, "what a person disabled stays so");
    world.run(&["push", "set", "--callback-url", &bare]).ends(0).says("had a secret path");
    let daemon = start(true);
    until("told another", || told().is_some_and(|url| url != bare));
    calls_arrive(&daemon);
}

#[test]
fn what_cannot_be_is_refused_before_anything_listens() {
    let world = World::new();
    let with = |arguments: &[&str]| {
        let mut command: Command = Daemon::command(&world, arguments);
        Ran::from(command.output().unwrap())
    };
    with(&["--listen", "nowhere"]).ends(2).says("--listen must be an address");
    with(&["--tls-cert", "c.pem"]).ends(2).says("requires --tls-key");
    with(&["--tls-cert", "c.pem", "--tls-key", "k.pem"]).ends(2).says("c.pem cannot be read");
    fs::write(world.path("qcc.toml"), "[serve]\nlissen = 'x'").unwrap();
    with(&[]).ends(2).says("no setting `lissen`; there are: listen, callback_path");
    fs::remove_file(world.path("qcc.toml")).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = with(&["--listen", &address]).ends(1).says("cannot listen on");
    ran.says("for the vendor's calls").says("or set --listen to another one");
}

#[test]
fn log_lines_can_be_json() {
    let world = world();
    let (code, log) = Daemon::start(&world, &["--log-format", "json"]).stop("TERM");
    assert_eq!(code, Some(0), "{log}");
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect(line);
        assert!(line["message"].is_string() && line["level"].is_string(), "{line}");
    }
}

#[test]
fn two_processes_on_one_store_are_told_in_both_logs_and_by_status() {
    let world = world();
    let first = Daemon::start(&world, CALLS_ONLY);
    until("ready", || first.ask("/readyz").0 == 200);
    assert!(!world.run(&["status"]).ends(0).out.contains("running"));
    let second = Daemon::start(&world, CALLS_ONLY);
    until("the second says so", || {
        second.log().contains("another process works on the same store")
    });
    until("the first says so", || first.log().contains("another process works on the same store"));
    assert!(first.log().contains("WARN") && first.log().contains("worker-2"), "{}", first.log());
    let status = world.run(&["status"]).ends(0).prints("2 processes on this store");
    status.prints("worker-1 (qcc serve, process ").prints("worker-2 (qcc serve, process ");
    second.stop("TERM");
    let status = world.run(&["status", "--json"]).ends(0).json();
    assert_eq!(status["running"].as_array().unwrap().len(), 1);

    let following = world.start(&["sync", "--follow"]);
    until("both are listed", || {
        let running = world.run(&["status", "--json"]).json()["running"].clone();
        running.as_array().is_some_and(|running| running.len() == 2)
    });
    world.run(&["status"]).prints("worker-2 (qcc sync --follow, process ");
    crate::daemon::signal(following.id(), "INT");
    let told = Ran::from(following.wait_with_output().unwrap());
    assert!(told.err.contains("another process works on the same store"), "{}", told.err);
}
