//! `qcc status`: the facts, for people and machines.

use crate::{
    daemon::{Daemon, until},
    support::World,
};

#[test]
fn a_store_where_all_is_well_says_so() {
    let world = World::new();
    world.push(3);
    world.run(&["sync"]).ends(0);
    let ran = world.run(&["status"]).ends(0).prints("3 applied").prints("last callback  never");
    let ran = ran.prints("Nothing to do.");
    assert!(!ran.out.contains("waiting"), "{}", ran.out);
}

#[test]
fn the_json_has_every_member_always() {
    let world = World::new();
    world.run(&["sync"]).ends(0);
    let status = world.run(&["status", "--json"]).ends(0).json();
    let mut names: Vec<&str> = status.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "advice",
            "daemon",
            "delivery",
            "dismissed",
            "downtime_allowance_seconds",
            "forgotten",
            "gaps",
            "hold",
            "last_applied",
            "last_callback",
            "last_listing",
            "next_due",
            "oldest_pending",
            "orders",
            "poll_interval_seconds",
            "reasons",
            "receiver",
            "records",
            "running",
            "set_aside",
            "set_aside_open",
            "stuck",
            "unconfirmed",
            "unknown_words",
            "unreadable_lines_open"
        ]
    );
    let orders = status["orders"].as_object().unwrap();
    assert_eq!(orders.len(), 6);
    assert_eq!(status["last_listing"]["window"], 30);
}

#[test]
fn a_receiver_that_was_killed_is_told_at_once() {
    let world = World::new();
    let daemon = Daemon::start(&world, &[]);
    until("ready", || daemon.ask("/readyz").0 == 200);
    world.run(&["status"]).ends(0).prints("worker-1 is alive");
    daemon.kill();
    let ran = world.run(&["status"]).ends(5).prints("worker-1 is DEAD: it was last alive");
    ran.prints("start it again");
    let stopped = Daemon::start(&world, &[]);
    until("ready", || stopped.ask("/readyz").0 == 200);
    stopped.stop("TERM");
    world.run(&["status"]).ends(0).prints("stopped normally");
}
