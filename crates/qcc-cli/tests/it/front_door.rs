//! What comes to the daemon and is no call: counted, limited, and never in the way.
#![cfg(unix)]

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    process::Command,
};

use jiff::{SignedDuration, Timestamp};
use qcc_sim::VendorConfig;

use crate::{
    daemon::{Daemon, answer, ask, get, until},
    support::{Ran, World},
};

const CALLS_ONLY: &[&str] = &["--poll-interval", "24h"];

fn call(world: &World, order_no: &str) -> String {
    let key = world.account.key();
    format!("/callback?key={key}&orderNo={order_no}&downloadUrl=http%3A%2F%2Fx%2Fy&unzipPassword=p")
}

#[test]
fn what_never_becomes_a_request_is_counted_and_shown() {
    let world = World::new();
    let daemon = Daemon::start(&world, CALLS_ONLY);
    let head = format!("GET {} HTTP/1.1\r\n", call(&world, "DDMON1"));
    for text in ["nonsense\r\n\r\n".to_owned(), format!("{head}{}\r\n", "X-A: b\r\n".repeat(65))] {
        let mut stream = TcpStream::connect(daemon.callback).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    let counted = |reason: &str| {
        daemon.metric(&format!("qcc_connections_refused_total{{reason=\"{reason}\"}}"))
    };
    until("counted", || counted("no_request") == 1.0 && counted("head_too_large") == 1.0);
    let status = |arguments: &[&str]| {
        let mut command = world.command(&["status"]);
        command.args(arguments).env("QCC_ADMIN_LISTEN", daemon.admin.to_string());
        Ran::from(command.output().unwrap())
    };
    status(&[]).prints("no request").prints("head_too_large: 1, no_request: 1");
    let seen = status(&["--json"]).json();
    assert_eq!(seen["daemon"]["connections_refused"]["no_request"], 1, "{seen}");
}

#[test]
fn who_closes_its_half_is_answered_on_both_listeners() {
    let world = World::new();
    let daemon = Daemon::start(&world, CALLS_ONLY);
    let targets = [(daemon.callback, call(&world, "DDMON1")), (daemon.admin, "/metrics".into())];
    for (address, target) in targets {
        for _ in 0..10 {
            let mut stream = TcpStream::connect(address).unwrap();
            ask(&mut stream, &target);
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(answer(stream).0, 200);
        }
    }
    let (_, log) = daemon.stop("TERM");
    assert!(!log.contains("not_noted") && !log.contains("could not be noted"), "{log}");
}

#[test]
fn a_flood_of_unknown_orders_is_one_line() {
    let world = World::new();
    let toml = "[serve]\nunknown_per_minute = 100\nunknown_per_minute_in_all = 3\n";
    fs::write(world.path("qcc.toml"), toml).unwrap();
    let daemon = Daemon::start(&world, CALLS_ONLY);
    let statuses: Vec<u16> =
        (0..30).map(|n| get(daemon.callback, &call(&world, &format!("DDMON{n}"))).0).collect();
    assert_eq!(statuses[..3], [200; 3]);
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert!(refused > 20, "{statuses:?}");
    let counted = daemon.metric("qcc_callbacks_total{result=\"limited_in_all\"}");
    assert_eq!(counted, refused as f64);
    let (_, log) = daemon.stop("TERM");
    let told = log.lines().filter(|line| line.contains("too many unknown orders"));
    assert_eq!(told.count(), 1, "{log}");
}

/// The daemon under a limit of open files.
fn limited(world: &World, limit: &str) -> Daemon {
    let daemon = Daemon::command(world, CALLS_ONLY);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")]);
    command.arg(daemon.get_program()).args(daemon.get_args());
    command.env_clear().current_dir(world.folder.path());
    command.envs(daemon.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Daemon::of(command)
}

#[test]
fn idle_clients_never_take_the_last_open_file() {
    for (limit, calls) in [("ulimit -n 32", 0), ("ulimit -n 64", 5)] {
        let world = World::new();
        let daemon = limited(&world, limit);
        let idle: Vec<TcpStream> =
            (0..100).map(|_| TcpStream::connect(daemon.callback).unwrap()).collect();
        for _ in 0..5 {
            assert_eq!(daemon.ask("/metrics").0, 200, "{limit}");
        }
        for n in 0..calls {
            let order_no = format!("DDMON{n}");
            assert_eq!(get(daemon.callback, &call(&world, &order_no)).0, 200, "{limit}");
        }
        assert_eq!(daemon.ask("/healthz").0, 200);
        drop(idle);
        let (code, log) = daemon.stop("TERM");
        assert_eq!(code, Some(0));
        assert!(log.contains("allows fewer connections"), "{log}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_limit_of_open_files_is_raised_as_far_as_it_may_be() {
    let world = World::new();
    let daemon = limited(&world, "ulimit -S -n 32; ulimit -H -n 2048");
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert!(line.split_whitespace().filter(|word| *word == "2048").count() == 2, "{line}");
    let (_, log) = daemon.stop("TERM");
    assert!(!log.contains("allows fewer connections"), "{log}");
}

#[test]
fn errors_that_another_process_had_forgotten_are_forgotten() {
    let world = World::with(VendorConfig { seed: 5, ..VendorConfig::default() });
    let daemon = Daemon::start(&world, CALLS_ONLY);
    until("ready", || daemon.ask("/readyz").0 == 200);
    for _ in 0..3 {
        assert_eq!(get(daemon.callback, &call(&world, "..")).0, 400);
    }
    let kept = || world.run(&["status", "--json"]).json()["delivery"]["errors_in_a_row"].clone();
    until("kept", || kept() == 3);
    world.run(&["push", "activate"]).ends(0);
    until("forgotten", || daemon.metric("qcc_callback_errors_in_a_row") == 0.0);
    assert_eq!(get(daemon.callback, &call(&world, "..")).0, 400);
    assert_eq!(daemon.metric("qcc_callback_errors_in_a_row"), 1.0);
}

/// A certificate that ends in so many days.
fn certificate(world: &World, days: i64) -> Timestamp {
    let ends = Timestamp::now() + SignedDuration::from_hours(24 * days);
    let midnight = Timestamp::from_second(ends.as_second().div_euclid(86_400) * 86_400).unwrap();
    let text = midnight.to_string();
    let number = |range: std::ops::Range<usize>| text[range].parse::<u16>().unwrap();
    let (month, day) = (number(5..7).try_into().unwrap(), number(8..10).try_into().unwrap());
    let mut wanted = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    wanted.not_after = rcgen::date_time_ymd(number(0..4).into(), month, day);
    let key = rcgen::KeyPair::generate().unwrap();
    fs::write(world.path("cert.pem"), wanted.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(world.path("key.pem"), key.serialize_pem()).unwrap();
    midnight
}

#[test]
fn a_certificate_that_ends_is_told_before_and_after() {
    let world = World::new();
    let arguments = [CALLS_ONLY, &["--tls-cert", "cert.pem", "--tls-key", "key.pem"]].concat();
    for (days, told) in [(-2, Some("has expired")), (10, Some("expires soon")), (30, None)] {
        let ends = certificate(&world, days);
        let daemon = Daemon::start(&world, &arguments);
        let metric = || daemon.ask("/metrics").1;
        let sample = format!("qcc_tls_certificate_not_after_seconds {}\n", ends.as_second());
        until("shown", || metric().contains(&sample));
        let (code, log) = daemon.stop("TERM");
        assert_eq!(code, Some(0), "{log}");
        match told {
            Some(told) => assert!(log.contains(told), "{log}"),
            None => assert!(!log.contains("expire"), "{log}"),
        }
    }
    let daemon = Daemon::start(&world, CALLS_ONLY);
    assert!(!daemon.ask("/metrics").1.contains("\nqcc_tls_certificate_not_after_seconds "));
}
