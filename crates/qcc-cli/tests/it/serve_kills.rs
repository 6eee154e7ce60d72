//! `kill -9` of the daemon, again and again, while the vendor pushes, calls and
//! misbehaves: in the end the table is what the vendor meant to send.
//!
//! `QCC_TEST_KILLS` sets how many, `QCC_TEST_SEED` which; `cargo xtask soak` sets them and keeps the figures.

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use qcc_sim::{Exchange, Fault, FaultPlan, Rate, VendorConfig};

use crate::{
    daemon::{Daemon, until},
    support::World,
};

/// Without a wish, as many as a check before each change can bear.
const KILLS: u64 = 36;

/// What goes wrong at the vendor's meanwhile; all of it passes.
const FAULTS: [Fault; 19] = [
    Fault::ResetBefore,
    Fault::ResetAfter,
    Fault::Http502Html,
    Fault::Http503Empty,
    Fault::TruncatedAnswer,
    Fault::EmptyAnswer,
    Fault::Status500,
    Fault::DuplicateOrderInList,
    Fault::ListOutOfOrder,
    Fault::ListJunkLine,
    Fault::WrongPassword,
    Fault::LinkExpired,
    Fault::TruncatedDownload,
    Fault::CorruptDownload,
    Fault::HtmlInsteadOfZip,
    Fault::WrongRange,
    Fault::CallbackLost,
    Fault::CallbackAckLost,
    Fault::CallbackDuplicated,
];

#[test]
fn a_killed_daemon_loses_nothing() {
    let wish = |name: &str| Some(std::env::var(name).ok()?.parse().expect(name));
    let kills = wish("QCC_TEST_KILLS").unwrap_or(KILLS);
    let seed = wish("QCC_TEST_SEED").unwrap_or(17);
    // On a line of its own, whatever the harness wrote before.
    println!("\n{}", Soak::new(kills, seed).run());
}

struct Soak {
    world: World,
    kills: u64,
    dice: Dice,
}

impl Soak {
    fn new(kills: u64, seed: u64) -> Self {
        let config = VendorConfig { seed, records_per_order: 50..=200, ..VendorConfig::default() };
        Self { world: World::calling(config), kills, dice: Dice(seed) }
    }

    fn run(mut self) -> String {
        let began = Instant::now();
        let toml = "[serve]\npoll_interval = '1s'\nheal_after = '2s'\n";
        std::fs::write(self.world.path("qcc.toml"), toml).unwrap();
        let daemon = self.start(None);
        let address = daemon.callback.to_string();
        self.world.run(&["push", "set", "--callback-url", &daemon.url()]).ends(0);
        daemon.kill();

        let (mut killed, mut in_recovery, mut rounds) = (1, 0, 0);
        self.trouble(true);
        while killed < self.kills {
            rounds += 1;
            let daemon = self.start(Some(&address));
            self.push();
            self.dice.rest(250);
            daemon.kill();
            killed += 1;
            // The start that recovers from one kill meets the next.
            for _ in 0..self.dice.below(4) {
                let mut child = self.spawn(&address);
                self.dice.rest(60);
                child.kill().unwrap();
                child.wait().unwrap();
                killed += 1;
                in_recovery += 1;
            }
            if rounds % 6 == 0 {
                self.catch_up(&address);
            }
        }
        let (orders, records) = self.settle(&address);
        let vendor = self.world.vendor();
        format!(
            "{killed} kills ({in_recovery} of them within 60 ms of a start), {orders} orders, \
             {records} records, {} calls, {} faults, {:.0?}: table equal, nothing open",
            vendor.journal().count(Exchange::Callback),
            vendor.journal().entries().filter(|entry| entry.fault.is_some()).count(),
            began.elapsed(),
        )
    }

    fn trouble(&self, on: bool) {
        let plan = FAULTS.into_iter().fold(FaultPlan::none(), |plan, fault| match on {
            true => plan.with(fault, Rate::chance(0.03)),
            false => plan,
        });
        self.world.vendor().set_faults(plan);
    }

    fn command(&self, address: Option<&str>) -> Command {
        let mut command = Daemon::command(&self.world, &[]);
        if let Some(address) = address {
            command.env("QCC_LISTEN", address);
        }
        command
    }

    fn start(&self, address: Option<&str>) -> Daemon {
        Daemon::of(self.command(address))
    }

    fn spawn(&self, address: &str) -> Child {
        let mut command = self.command(Some(address));
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// One to three orders.
    fn push(&mut self) {
        let orders = 1 + self.dice.below(3);
        let now = jiff::Timestamp::now();
        let mut vendor = self.world.vendor();
        for _ in 0..orders {
            vendor.push(now);
        }
    }

    /// Lets a daemon live until it has read a list, before the window of the list
    /// moves on; and has the vendor call again, should it have fallen silent.
    fn catch_up(&self, address: &str) {
        let daemon = self.start(Some(address));
        let lists = |world: &World| {
            let vendor = world.vendor();
            vendor.journal().entries().filter(|e| e.exchange == Exchange::ListOrders).count()
        };
        let before = lists(&self.world);
        let began = daemon.metric("qcc_last_list_timestamp_seconds");
        until("a list", || {
            lists(&self.world) > before
                && daemon.metric("qcc_last_list_timestamp_seconds") > began.max(1.0)
        });
        self.world.run(&["push", "activate"]);
        daemon.kill();
    }

    /// With the vendor healthy again, everything must end in the table.
    fn settle(&self, address: &str) -> (u64, u64) {
        self.trouble(false);
        let daemon = self.start(Some(address));
        let truth = self.world.vendor().truth();
        let orders = truth.orders.len() as u64;
        until("all applied", || {
            self.world.run(&["retry", "--all", "--lift-hold"]);
            daemon.metric("qcc_orders{state=\"applied\"}") == orders as f64
        });
        let (code, log) = daemon.stop("TERM");
        assert_eq!(code, Some(0), "{log}");
        self.world.assert_true_table();
        self.world.run(&["verify"]).ends(0);
        // Lists with a line that names no order are among the troubles.
        self.world.run(&["acknowledge", "--lines"]).ends(0);
        self.world.run(&["status"]).ends(0);
        (orders, truth.table.len() as u64)
    }
}

/// Moments, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % end
    }

    /// Waits for a moment to strike at.
    fn rest(&mut self, most_millis: u64) {
        thread::sleep(Duration::from_millis(self.below(most_millis)));
    }
}
