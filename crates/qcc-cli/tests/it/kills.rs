//! `kill -9` in the middle of a run: the next one ends as if nothing had been.

use std::{
    thread,
    time::{Duration, Instant},
};

use qcc_sim::VendorConfig;

use crate::support::World;

#[test]
fn a_killed_run_leaves_nothing_half_done() {
    let config = VendorConfig { seed: 11, records_per_order: 200..=400, ..VendorConfig::default() };
    let world = World::with(config.clone());
    world.push(6);
    let began = Instant::now();
    world.run(&["sync"]).ends(0);
    let whole = began.elapsed();

    // Moments spread over a run as long as this machine takes for one.
    const MOMENTS: u32 = 8;
    for moment in 0..MOMENTS {
        let world = World::with(VendorConfig { seed: u64::from(moment), ..config.clone() });
        world.push(6);
        for round in 0..2 {
            let mut child = world.start(&["sync"]);
            let share = f64::from(2 * moment + round + 1) / f64::from(2 * MOMENTS + 1);
            thread::sleep(whole.mul_f64(share).max(Duration::from_millis(1)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        world.run(&["sync"]).ends(0);
        world.assert_true_table();
        world.run(&["status"]).ends(0).prints("6 applied");
    }
}
