//! SIGHUP: another SecretKey in a running daemon.

use std::{fs, thread, time::Duration};

use qcc_sim::{Account, Fault, FaultPlan, Rate, VendorConfig};

use crate::{
    daemon::{Daemon, until},
    support::World,
};

/// Neither shows in any log.
const SECOND: &str = "SECONDSECRET5b4a39281706f5e4d3c2b";
const WRONG: &str = "WRONGSECRET45b4a39281706f5e4d3c2b";

const FAST: &[&str] = &["--poll-interval", "1s"];

fn world() -> World {
    World::with(VendorConfig { seed: 11, ..VendorConfig::default() })
}

/// A daemon that has its SecretKey from the file `secret`.
fn daemon(world: &World) -> Daemon {
    fs::write(world.path("secret"), world.account.secret()).unwrap();
    let mut command = Daemon::command(world, FAST);
    command.env_remove("QCC_SECRET_KEY").env("QCC_SECRET_KEY_FILE", "secret");
    Daemon::of(command)
}

/// From now on the vendor accepts this SecretKey and no other.
fn rotate(world: &World, secret: &str) {
    let account = Account::new(world.account.key(), secret).unwrap();
    world.vendor().config_mut().account = account;
}

fn applied(daemon: &Daemon) -> f64 {
    daemon.metric("qcc_orders{state=\"applied\"}")
}

#[test]
fn a_new_secret_key_is_used_without_a_restart_and_no_order_is_lost() {
    let world = world();
    let daemon = daemon(&world);
    world.push(3);
    until("applied with the first", || applied(&daemon) == 3.0);

    rotate(&world, SECOND);
    world.push(3);
    until("held, for the vendor refuses the first", || daemon.metric("qcc_hold") == 1.0);
    daemon.signal("HUP");
    until("unchanged", || daemon.log().contains("the SecretKey has not changed"));

    fs::write(world.path("secret"), format!("{SECOND}\n")).unwrap();
    daemon.signal("HUP");
    until("replaced", || daemon.log().contains("the SecretKey was replaced"));
    until("applied with the second", || applied(&daemon) == 6.0);
    until("ready", || daemon.ask("/readyz").0 == 200);
    assert_eq!(daemon.metric("qcc_hold"), 0.0);
    let (code, log) = daemon.stop("TERM");
    assert_eq!(code, Some(0));
    for secret in [SECOND, world.account.secret()] {
        assert!(!log.contains(secret), "{log}");
    }
    world.assert_true_table();
}

#[test]
fn a_secret_key_the_vendor_refuses_does_not_replace_the_one_in_use() {
    let world = world();
    let daemon = daemon(&world);
    world.push(1);
    until("applied", || applied(&daemon) == 1.0);
    fs::write(world.path("secret"), WRONG).unwrap();
    daemon.signal("HUP");
    until("refused", || daemon.log().contains("the vendor refuses the new SecretKey"));
    assert!(daemon.log().contains("ERROR"), "{}", daemon.log());
    assert!(!daemon.log().contains(WRONG), "{}", daemon.log());
    world.push(2);
    until("applied as before", || applied(&daemon) == 3.0);
    assert_eq!(daemon.metric("qcc_hold"), 0.0);

    fs::remove_file(world.path("secret")).unwrap();
    daemon.signal("HUP");
    until("not read", || daemon.log().contains("the SecretKey was not replaced"));
    world.push(1);
    until("applied still", || applied(&daemon) == 4.0);
}

#[test]
fn a_new_secret_key_that_cannot_be_tried_is_tried_again() {
    let world = world();
    let daemon = daemon(&world);
    until("ready", || daemon.ask("/readyz").0 == 200);
    rotate(&world, SECOND);
    world.fault(Fault::Http502Html, Rate::ALWAYS);
    fs::write(world.path("secret"), SECOND).unwrap();
    daemon.signal("HUP");
    until("not tried", || daemon.log().contains("the new SecretKey could not be tried"));
    world.vendor().set_faults(FaultPlan::none());
    until("replaced", || daemon.log().contains("the SecretKey was replaced"));
}

#[test]
fn a_secret_key_from_the_environment_or_for_another_account_is_not_replaced() {
    let world = world();
    fs::write(world.path("qcc.toml"), format!("key = '{}'\n", world.account.key())).unwrap();
    let mut command = Daemon::command(&world, FAST);
    command.env_remove("QCC_KEY");
    let daemon = Daemon::of(command);
    until("ready", || daemon.ask("/readyz").0 == 200);
    daemon.signal("HUP");
    until("said so", || daemon.log().contains("the SecretKey cannot be read again"));
    assert!(daemon.log().contains("QCC_SECRET_KEY is part of the environment"), "{}", daemon.log());

    fs::write(world.path("qcc.toml"), "key = 'another'\n").unwrap();
    daemon.signal("HUP");
    until("said so", || daemon.log().contains("holds another key, which is another account"));
    thread::sleep(Duration::from_secs(1));
    assert_eq!(daemon.ask("/readyz").0, 200);
}

#[test]
fn a_new_secret_key_is_not_tried_while_calls_to_the_vendor_rest() {
    let world = world();
    let daemon = daemon(&world);
    world.fault(Fault::Status106, Rate::ALWAYS);
    until("held", || daemon.metric("qcc_hold") == 1.0);
    let calls = world.vendor().journal().entries().count();
    fs::write(world.path("secret"), SECOND).unwrap();
    daemon.signal("HUP");
    until("waits", || daemon.log().contains("the new SecretKey is tried afterwards"));
    assert_eq!(world.vendor().journal().entries().count(), calls, "the vendor was called");
}
