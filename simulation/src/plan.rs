//! One life, as its seed has it: what the vendor makes, what happens when.

use std::{ops::RangeInclusive, time::Duration};

use qcc_proto::StatusForm;
use qcc_sim::{
    ArchiveDialect, ArchiveStyle, Casing, Container, Fault as Theirs, FaultPlan, Nesting, Rate,
    VendorConfig, WireDialect,
};
use rand::RngExt;

use crate::{
    chance::{Rng, stream},
    fault::{Fault, Faults},
};

/// One life.
#[derive(Debug)]
pub(crate) struct Plan {
    /// When orders are made, in seconds from the start.
    pub(crate) pushes: Vec<u64>,
    /// What else happens, and when.
    pub(crate) events: Vec<(u64, Event)>,
    /// When everything is well again, in seconds from the start.
    pub(crate) healthy_at: u64,
    /// Whether the vendor was told to call us.
    pub(crate) callbacks: bool,
    /// Whether our own public URL reaches us, where it is known.
    pub(crate) own_url: Option<bool>,
    /// How often the list is read, in seconds; `None`: as the window asks for.
    pub(crate) poll: Option<u64>,
    /// How many workers share the store.
    pub(crate) workers: u32,
    /// How far our clock is ahead from the start, in seconds.
    pub(crate) skew: i64,
    /// How many records are written at a time.
    pub(crate) batch: usize,
}

/// Something that happens to us at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Kill,
    Stop,
    Rot(u64),
    Vanish(u64),
    Jump(i64),
    Retry,
    ForgedKey,
    ForgedOrder,
    /// So many calls, all of them with the key or few.
    Flood(u32, bool),
}

impl Plan {
    pub(crate) fn draw(seed: u64, faults: &Faults) -> Self {
        let mut rng = stream(seed, "plan", 0);
        let healthy_at = rng.random_range(1_800..18_000);
        let mut events = Vec::new();
        let mut now_and_then =
            |fault: Fault, times: RangeInclusive<u32>, event: fn(&mut Rng) -> Event| {
                for _ in 0..rng.random_range(times) {
                    if faults.strikes(fault, &mut rng) {
                        events.push((rng.random_range(0..healthy_at), event(&mut rng)));
                    }
                }
            };
        now_and_then(Fault::Kill, 0..=4, |_| Event::Kill);
        now_and_then(Fault::Stop, 0..=2, |_| Event::Stop);
        now_and_then(Fault::ArchiveRot, 0..=3, |rng| Event::Rot(rng.random()));
        now_and_then(Fault::ArchiveVanished, 0..=1, |rng| Event::Vanish(rng.random()));
        now_and_then(Fault::ClockForward, 0..=2, |rng| Event::Jump(rng.random_range(1..7_200)));
        now_and_then(Fault::ClockBack, 0..=2, |rng| Event::Jump(-rng.random_range(1..7_200)));
        now_and_then(Fault::EarlyRetry, 0..=2, |_| Event::Retry);
        now_and_then(Fault::ForgedKey, 0..=3, |_| Event::ForgedKey);
        now_and_then(Fault::ForgedOrder, 0..=2, |_| Event::ForgedOrder);
        now_and_then(Fault::Flood, 0..=1, |rng| {
            Event::Flood(rng.random_range(10..40), rng.random())
        });
        if faults.strikes(Fault::ClockAhead, &mut rng) {
            let (ahead, set) = (rng.random_range(60..7_200), rng.random_range(0..healthy_at - 600));
            events.push((set, Event::Jump(ahead)));
            events.push((rng.random_range(set..healthy_at), Event::Jump(-ahead)));
        }
        events.sort_by_key(|(at, _)| *at);
        let pushes = match is_bursting(seed) {
            true => quiet_then_bursts(&mut rng, healthy_at, vendor(seed).window),
            false => pushes(&mut rng, healthy_at),
        };
        let skewed = faults.strikes(Fault::ClockSkew, &mut rng);
        Self {
            pushes,
            events,
            healthy_at,
            // Calls make the list be read at once: who has none depends on its window.
            callbacks: rng.random_bool(if is_bursting(seed) { 0.4 } else { 0.85 }),
            own_url: rng.random_bool(0.7).then(|| rng.random_bool(0.8)),
            poll: rng.random_bool(0.8).then(|| rng.random_range(120..900)),
            workers: 1 + u32::from(faults.strikes(Fault::TwoWorkers, &mut rng)),
            skew: if skewed { rng.random_range(-3_600..3_600) } else { 0 },
            batch: if rng.random() { 2 } else { 2048 },
        }
    }
}

impl Plan {
    /// Whether our clock is ever set.
    pub(crate) fn jumps(&self) -> bool {
        self.skew != 0 || self.events.iter().any(|(_, event)| matches!(event, Event::Jump(_)))
    }
}

/// Orders in bursts, at least a second apart, since nothing else tells them apart.
fn pushes(rng: &mut Rng, healthy_at: u64) -> Vec<u64> {
    let orders = rng.random_range(1..=8);
    let mut pushes = Vec::new();
    while pushes.len() < orders {
        let start = rng.random_range(0..healthy_at - 600);
        let apart = rng.random_range(1..120);
        let burst = rng.random_range(1..=4);
        pushes.extend((0..burst).map(|n| start + n * apart));
    }
    pushes.truncate(orders);
    pushes.sort_unstable();
    pushes.dedup();
    pushes
}

/// Whether orders come slowly in a life, and then one every few seconds.
fn is_bursting(seed: u64) -> bool {
    stream(seed, "bursts", 0).random_bool(0.15)
}

/// Few orders in a long time, then as many as some windows hold at an even pace, most
/// often with a pause in which the list may be read.
fn quiet_then_bursts(rng: &mut Rng, healthy_at: u64, window: usize) -> Vec<u64> {
    let window = u64::try_from(window).unwrap_or(1);
    let begins = rng.random_range(healthy_at / 3..healthy_at - 600);
    let quiet = window + rng.random_range(0..=2);
    let mut pushes: Vec<u64> = (0..quiet).map(|n| begins * n / quiet).collect();
    let (apart, pause) = (rng.random_range(1..=8), rng.random_range(0..=600));
    let mut at = begins;
    for orders in [rng.random_range(2..=window), rng.random_range(window..=2 * window)] {
        pushes.extend((0..orders).map(|n| at + n * apart));
        at += orders * apart + pause;
    }
    pushes.retain(|at| *at < healthy_at);
    pushes.sort_unstable();
    pushes.dedup();
    pushes
}

/// The vendor of one life. Its window is small, so that few orders overrun it.
pub(crate) fn vendor(seed: u64) -> VendorConfig {
    let mut rng = stream(seed, "vendor", 0);
    VendorConfig {
        seed,
        window: match () {
            () if is_bursting(seed) => rng.random_range(3..=7),
            () if rng.random_bool(0.3) => 30,
            () => rng.random_range(2..=5),
        },
        link_lifetime: Duration::from_secs(rng.random_range(45..3_600)),
        callback_retries: rng.random_range(0..=2),
        replica_late_by: Duration::from_secs(rng.random_range(10..1_200)),
        outage: Duration::from_secs(rng.random_range(1_800..10_800)),
        flood: rng.random_range(20..60),
        records_per_order: 0..=6,
        repeated_ids: 0.5,
        archives: ArchiveStyle::Fixed(dialect(&mut rng)),
        bad_records: if rng.random_bool(0.3) { 0.1 } else { 0.0 },
        wire: WireDialect {
            status: if rng.random() { StatusForm::Text } else { StatusForm::Integer },
            casing: if rng.random_bool(0.2) { Casing::Upper } else { Casing::Lower },
            nesting: match rng.random_range(0..4) {
                0 => Nesting::Result,
                1 => Nesting::TopLevel,
                _ => Nesting::Sample,
            },
            long_message: rng.random_bool(0.1),
            byte_order_mark: rng.random_bool(0.1),
            unknown_fields: rng.random_bool(0.1),
            ..WireDialect::default()
        },
        ..VendorConfig::default()
    }
}

/// One dialect for all archives of a life, seldom one with other entries: each of
/// them costs as many rounds of key derivation as the document.
fn dialect(rng: &mut Rng) -> ArchiveDialect {
    ArchiveDialect {
        container: match rng.random_range(0..3) {
            0 => Container::Ae1,
            1 => Container::Ae2Streamed,
            _ => Container::Ae2,
        },
        stored: rng.random_bool(0.1),
        other_entries: rng.random_bool(0.05),
        byte_order_mark: rng.random_bool(0.1),
        result_first: rng.random_bool(0.1),
        nulls: rng.random_bool(0.2),
        score_as_text: rng.random_bool(0.2),
        unknown_words: rng.random_bool(0.1),
        ..ArchiveDialect::default()
    }
}

/// What goes wrong at the vendor: the mix its seed draws, in some lives orders that
/// are spoilt for good, and the manners that no rehearsal meets unless they are named.
pub(crate) fn vendor_faults(seed: u64) -> FaultPlan {
    let mut rng = stream(seed, "vendor faults", 0);
    let spoilt = Theirs::ALL.iter().filter(|fault| !fault.passes());
    let plan = spoilt.fold(FaultPlan::random(), |plan, fault| match rng.random_bool(0.15) {
        true => plan.with(*fault, Rate::chance(0.1)),
        false => plan,
    });
    // These bring everything to a rest for hours: in few lives, or little is lived.
    let resting = [(Theirs::Status106, 0.15), (Theirs::Status107, 0.15), (Theirs::Status109, 0.04)];
    let plan = resting.into_iter().fold(plan, |plan, (fault, share)| {
        plan.with(fault, Rate::first(u32::from(rng.random_bool(share))))
    });
    let lived = Theirs::UNMIXED.iter().filter(|fault| !NEVER_LIVED.contains(fault));
    lived.fold(plan, |plan, fault| match manner(*fault, &mut rng) {
        Some(rate) => plan.with(*fault, rate),
        None => plan,
    })
}

/// Manners that no life meets.
const NEVER_LIVED: &[Theirs] = &[
    // It holds back what the vendor's own schedule makes, and a life makes its orders
    // itself: see `quiet_then_bursts`.
    Theirs::BurstAfterQuiet,
    // The archive of another order opens with it, and nobody can tell that it is another's.
    Theirs::SharedPassword,
];

/// How often a manner strikes in a life, if it does.
fn manner(fault: Theirs, rng: &mut Rng) -> Option<Rate> {
    let (share, most, times) = match fault {
        // These last for hours, or cost hundreds of steps.
        Theirs::FileHost503 | Theirs::FileHostResets | Theirs::Archive503 => (0.06, 0.5, Some(1)),
        Theirs::CallbackFlood | Theirs::ClockWrong => (0.06, 0.5, Some(1)),
        Theirs::DrippingAnswer => (0.06, 0.1, Some(2)),
        fault if fault.is_odd() => (0.2, 0.3, None),
        _ => (0.2, 0.1, None),
    };
    let (chosen, chance) = (rng.random_bool(share), rng.random_range(0.01..most));
    let mut rate = Rate::chance(chance);
    rate.times = times;
    chosen.then_some(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manner_is_met_in_some_life_but_those_that_cannot_be_judged() {
        for fault in Theirs::ALL.iter().filter(|fault| !NEVER_LIVED.contains(fault)) {
            let is_named = |seed: u64| vendor_faults(seed).rate(*fault).is_some();
            let named = Theirs::UNMIXED.contains(fault) || !fault.passes();
            assert!(!named || (0..300).any(is_named), "{fault}");
        }
        for fault in NEVER_LIVED {
            assert!((0..300).all(|seed| vendor_faults(seed).rate(*fault).is_none()), "{fault}");
        }
    }

    #[test]
    fn in_some_lives_a_quiet_stretch_ends_in_more_orders_than_a_window_holds() {
        let bursting: Vec<u64> = (0..400).filter(|seed| is_bursting(*seed)).collect();
        assert!((40..80).contains(&bursting.len()), "{} of 400", bursting.len());
        let mut overrun = 0;
        for seed in bursting {
            let pushes = Plan::draw(seed, &Faults::draw(seed)).pushes;
            let apart: Vec<_> = pushes.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let window = vendor(seed).window;
            assert!(
                apart.iter().take(window - 1).all(|seconds| *seconds > 30),
                "{seed}: {apart:?}"
            );
            let is_fast = |row: &[u64]| row.iter().all(|seconds| *seconds <= 8);
            overrun += usize::from(apart.windows(window - 1).any(is_fast));
        }
        assert!(overrun > 30, "{overrun} lives have a burst that fills the window");
    }
}
