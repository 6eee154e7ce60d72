//! One life from its beginning to the last check.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use qcc_http::Client;
use qcc_proto::{OrderNo, PushSetting};
use qcc_sim::{Fault as Theirs, FaultPlan, SimTransport, Vendor};
use qcc_sync::{
    AccountExt as _, Clock, MemoryStore, Order, OrderFilter, Overview, State, StateName, Store,
    StoreError,
};
use rand::RngExt;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    calls::{self, Door},
    chance::stream,
    check,
    clock::{OurClock, later},
    disk::{Disk, File},
    fault::{Count, Fault, Faults},
    logs,
    mutation::Mutation,
    plan::{self, Event, Plan},
    power::{Actor, JUDGE, OUTSIDE, Power, SUPERVISOR, Stop, Turn, first},
    process::{End, Process},
    shelves::Shelves,
    stage::{PER_PROCESS, Record, Stage},
    witness::{Figures, Witness},
};

/// What came of a life.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) violations: Vec<String>,
    pub(crate) digest: u64,
    pub(crate) lines: Vec<String>,
    pub(crate) figures: Figures,
    pub(crate) ours: BTreeMap<Fault, Count>,
    pub(crate) theirs: BTreeMap<Theirs, u32>,
    pub(crate) orders: u64,
    pub(crate) gaps: u64,
    /// How long it was lived, by the vendor's clock.
    pub(crate) lived: Duration,
}

/// Lives the life of a seed.
pub(crate) fn live(
    seed: u64,
    kind: Kind,
    mutation: Option<Mutation>,
    trace: bool,
) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .max_blocking_threads(4)
        .build()?;
    drop(logs::take());
    runtime.block_on(async {
        match kind {
            Kind::Memory => Life::new(seed, mutation, trace, MemoryStore::default()).live().await,
            Kind::Sqlite => Life::new(seed, mutation, trace, File::new()?).live().await,
        }
    })
}

/// Which store a life has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Memory,
    Sqlite,
}

/// Everything that outlives a process.
pub(crate) struct Life<D> {
    pub(crate) stage: Arc<Stage>,
    pub(crate) disk: D,
    pub(crate) shelves: Shelves,
    door: Door,
    power: Mutex<Arc<Power>>,
    stop: Mutex<Arc<Stop>>,
    start: Instant,
}

impl<D: Disk> Life<D> {
    fn new(seed: u64, mutation: Option<Mutation>, trace: bool, disk: D) -> Self {
        let faults = Faults::draw(seed);
        let plan = Plan::draw(seed, &faults);
        // A Monday morning in Shanghai.
        let start = later(Timestamp::UNIX_EPOCH, 1_767_574_800);
        let stage = Stage {
            seed,
            clock: OurClock::starting_at(start),
            turn: Turn::default(),
            vendor: Arc::new(Mutex::new(Vendor::new(plan::vendor(seed)))),
            witness: Witness::default(),
            record: Record::new(trace),
            plan,
            mutation,
            faults,
            real: D::REAL,
        };
        Self {
            stage: Arc::new(stage),
            disk,
            shelves: Shelves::default(),
            door: Door::default(),
            power: Mutex::new(Arc::new(Power::on(None))),
            stop: Mutex::default(),
            start: Instant::now(),
        }
    }

    async fn live(self) -> anyhow::Result<Outcome> {
        self.expect_calls().await;
        self.stage.vendor().set_faults(plan::vendor_faults(self.stage.seed));
        self.stage.clock.jump(self.stage.plan.skew);
        let outside = calls::vendor_side(&self.stage, &self.door);
        first(self.story(), first(outside, self.supervise())).await;
        Ok(self.outcome().await?)
    }

    /// Has something done with the store.
    pub(crate) async fn at_store<T>(
        &self,
        who: Actor,
        work: impl AsyncFnOnce(&D::Store) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let work = async { work(&*self.disk.open().await?).await };
        self.stage.at_disk(who, work).await
    }

    /// An operator told the vendor where to call, before anything went wrong.
    async fn expect_calls(&self) {
        if !self.stage.plan.callbacks {
            return;
        }
        let clock = self.stage.clock.clone();
        let wire = SimTransport::new(Arc::clone(&self.stage.vendor), move || clock.truth());
        let credentials = self.stage.vendor().config().account.credentials().clone();
        let client = Client::with_transport(credentials, wire);
        let Ok(url) = "https://receiver.example/callback".parse() else { return };
        let setting = PushSetting::new(url);
        if let Err(error) = client.set_push(&setting, self.stage.clock.now()).await {
            self.stage.witness.violation(format!("the push could not be set: {error}"));
        }
        let now = self.stage.clock.now();
        if let Err(error) = self.at_store(JUDGE, async |store| store.expect_calls(now).await).await
        {
            self.stage.witness.violation(format!("calls could not be expected: {error}"));
        }
    }

    /// What happens to us, until everything is well again and has come to rest.
    async fn story(&self) {
        for (number, (at, event)) in (0..).zip(&self.stage.plan.events) {
            sleep_until(self.start + Duration::from_secs(*at)).await;
            self.happen(*event, number).await;
        }
        sleep_until(self.start + Duration::from_secs(self.stage.plan.healthy_at)).await;
        self.stage.turn.wait(OUTSIDE).await;
        self.stage.note(OUTSIDE, format_args!("all is well"));
        self.stage.faults.lift();
        {
            let mut vendor = self.stage.vendor();
            self.stage.witness.seen().theirs.extend(vendor.faults_struck());
            vendor.set_faults(FaultPlan::none());
        }
        self.stage.clock.correct();
        let well_since = self.stage.clock.now();
        sleep(check::SOON).await;
        self.stage.turn.wait(OUTSIDE).await;
        check::sound_orders_are_applied(self).await;
        if self.comes_to_rest(well_since).await {
            check::quarantines_are_true(self).await;
            // Where a kept archive is gone, the first retry finds that out.
            let spoilt = !self.stage.witness.seen().spoilt.is_empty();
            for _ in 0..1 + u32::from(spoilt) {
                self.retry().await;
                if !self.comes_to_rest(well_since).await {
                    return;
                }
            }
            if self.calls_come_again().await {
                check::at_the_end(self).await;
            }
        }
    }

    /// A vendor that fell silent while things went wrong calls again: an order that
    /// does not come by call shows it, it is asked to, and the next one comes.
    async fn calls_come_again(&self) -> bool {
        let plan = &self.stage.plan;
        let silent = self.stage.vendor().callbacks_silenced();
        if !silent || !plan.callbacks || plan.own_url == Some(false) {
            return true;
        }
        if plan.jumps() {
            // When the vendor agreed last is known by a clock that may have been wrong:
            // only an order made after that tells.
            sleep(LONGEST_JUMP).await;
        }
        self.push().await;
        let mut tries = 0;
        while self.stage.vendor().callbacks_silenced() {
            tries += 1;
            if tries > QUIET_TRIES {
                self.stage.witness.violation("the vendor is silent and nobody asks it to call");
                return false;
            }
            sleep(QUIET_EVERY).await;
        }
        let last = self.push().await;
        if !self.comes_to_rest(self.stage.clock.now()).await {
            return false;
        }
        match self.at_store(JUDGE, async |store| store.order(&last).await).await {
            Ok(Some(order)) if order.called_at.is_some() => true,
            _ => {
                self.stage.witness.violation("the vendor was asked to call again and is not heard");
                false
            }
        }
    }

    /// The vendor makes one more order.
    async fn push(&self) -> OrderNo {
        self.stage.turn.wait(OUTSIDE).await;
        let made = self.stage.vendor().push(self.stage.clock.truth());
        self.stage.note(OUTSIDE, format_args!("{made} is made"));
        self.stage.witness.seen().made.push(made.clone());
        // The vendor's side looks up now and then; a call is due at once.
        self.door.knock();
        sleep(Duration::from_secs(2)).await;
        made
    }

    async fn happen(&self, event: Event, number: u64) {
        self.stage.turn.wait(JUDGE).await;
        self.stage.note(OUTSIDE, format_args!("{event:?}"));
        match event {
            Event::Kill => self.power().cut(),
            Event::Stop => locked(&self.stop).ask(),
            Event::Rot(which) | Event::Vanish(which) => {
                let delete = matches!(event, Event::Vanish(_));
                let spoilt = self.shelves.spoil(which, delete);
                self.stage.witness.seen().spoilt.extend(spoilt);
            }
            Event::Jump(seconds) => self.stage.clock.jump(seconds),
            Event::Retry => self.retry().await,
            Event::ForgedKey => calls::forge(&self.stage, &self.door, number, false).await,
            Event::ForgedOrder => calls::forge(&self.stage, &self.door, number, true).await,
            Event::Flood(calls, knows_key) => {
                for n in 0..u64::from(calls) {
                    let knows_key = knows_key || n % 8 == 0;
                    calls::forge(&self.stage, &self.door, number << 16 | n, knows_key).await;
                }
            }
        }
    }

    /// A person retries whatever waits or is quarantined.
    async fn retry(&self) {
        self.stage.turn.wait(OUTSIDE).await;
        let now = self.stage.clock.now();
        let retried = self.at_store(JUDGE, async |store| {
            let changed = store.retry(&[], now).await?;
            let mut emptied = Vec::new();
            for no in changed {
                let order = store.order(&no).await?;
                if order.is_none_or(|order| order.archive.is_none()) {
                    emptied.push(no);
                }
            }
            Ok(emptied)
        });
        match retried.await {
            Ok(emptied) => self.stage.witness.seen().kept.retain(|no| !emptied.contains(no)),
            Err(error) => {
                self.stage.witness.violation(format!("a person could not retry: {error}"));
            }
        }
    }

    /// Starts a process whenever none runs, as an init system does.
    async fn supervise<T>(&self) -> T {
        let mut rng = stream(self.stage.seed, "supervisor", 0);
        let mut recovering = false;
        for number in 1.. {
            let faults = &self.stage.faults;
            let fails = recovering && faults.strikes(Fault::CrashInRecovery, &mut rng);
            let power = Arc::new(Power::on(fails.then(|| rng.random_range(0..12))));
            *locked(&self.power) = Arc::clone(&power);
            *locked(&self.stop) = Arc::default();
            self.stage.note(OUTSIDE, format_args!("process {number} starts"));
            let end = self.run(number, &power).await;
            self.bury(number, end);
            check::between_processes(self).await;
            recovering = true;
            let downtime = match () {
                () if faults.strikes(Fault::LongDowntime, &mut rng) => rng.random_range(600..9_000),
                () => rng.random_range(1..20),
            };
            let healthy_at = self.start + Duration::from_secs(self.stage.plan.healthy_at);
            let until = Instant::now() + Duration::from_secs(downtime);
            sleep_until(until.min(healthy_at.max(Instant::now() + Duration::from_secs(1)))).await;
            self.stage.turn.wait(OUTSIDE).await;
        }
        std::future::pending().await
    }

    /// One process; `None` where it was killed or died.
    async fn run(&self, number: u32, power: &Arc<Power>) -> Option<End> {
        let opened = self.stage.at_disk(SUPERVISOR, self.disk.open()).await;
        let Ok(disk) = opened else { return Some(End::Failed) };
        let bell = self.door.open();
        let process = Process {
            stage: Arc::clone(&self.stage),
            power: Arc::clone(power),
            number,
            disk,
            shelves: self.shelves.clone(),
        };
        let dying = async {
            power.gone().await;
            None
        };
        let stop = Arc::clone(&locked(&self.stop));
        first(dying, async { Some(process.run(bell, &stop).await) }).await
    }

    fn bury(&self, number: u32, end: Option<End>) {
        self.door.close();
        self.power().cut();
        self.stage.turn.give(|holder| holder / PER_PROCESS == number);
        self.stage.note(OUTSIDE, format_args!("process {number} ends: {end:?}"));
        self.shelves.settle(end.is_none() && self.stage.mutated(Mutation::KeepNotDurable));
        let mut seen = self.stage.witness.seen();
        seen.figures.starts += 1;
        seen.figures.crashes += u64::from(end.is_none());
        seen.figures.failed_exits += u64::from(end == Some(End::Failed));
    }

    /// For how long so far.
    pub(crate) fn lived(&self) -> Duration {
        Instant::now() - self.start
    }

    fn power(&self) -> Arc<Power> {
        Arc::clone(&locked(&self.power))
    }

    /// Waits until nothing is left to do; `false` where that takes too long, or
    /// something is wrong already.
    async fn comes_to_rest(&self, well_since: Timestamp) -> bool {
        for _ in 0..QUIET_TRIES {
            sleep(QUIET_EVERY).await;
            self.stage.turn.wait(OUTSIDE).await;
            if !self.stage.witness.seen().violations.is_empty() {
                return false;
            }
            let seen = self.at_store(JUDGE, async |store| {
                Ok((store.overview().await?, store.orders(&OrderFilter::default()).await?))
            });
            if let Ok((overview, orders)) = seen.await
                && is_quiet(&overview, well_since)
                && self.nothing_genuine_moves(&orders)
            {
                return true;
            }
        }
        self.stage.witness.violation("it never came to rest");
        false
    }

    /// Orders that only calls named are told apart here: those the vendor made must
    /// arrive, too.
    fn nothing_genuine_moves(&self, orders: &[Order]) -> bool {
        let seen = self.stage.witness.seen();
        let is_moving =
            |order: &&Order| !matches!(order.state, State::Applied | State::Quarantined { .. });
        !orders.iter().filter(is_moving).any(|order| seen.made.contains(&order.no))
    }

    async fn outcome(&self) -> Result<Outcome, StoreError> {
        self.stage.turn.give(|_| true);
        let gaps = self.at_store(JUDGE, async |store| store.gaps().await).await?.len() as u64;
        let seen = self.stage.witness.seen();
        Ok(Outcome {
            violations: seen.violations.clone(),
            digest: self.stage.record.digest(),
            lines: self.stage.record.lines(),
            figures: seen.figures,
            ours: self.stage.faults.counts(),
            theirs: seen.theirs.clone(),
            orders: seen.made.len() as u64,
            gaps,
            lived: Instant::now() - self.start,
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything is applied or needs a person, and the list was read since all is well.
fn is_quiet(overview: &Overview, well_since: Timestamp) -> bool {
    let moving = [StateName::Seen, StateName::Located, StateName::Fetched, StateName::Waiting];
    let listed = overview.last_listing.as_ref().is_some_and(|listing| listing.at >= well_since);
    listed && moving.iter().all(|state| overview.count(*state) == 0)
}

/// The daily limit holds everything until midnight, and clocks that were wrong
/// have made orders wait for two hours more: after a day and a half nothing is left.
const QUIET_TRIES: u32 = 36 * 6;
const QUIET_EVERY: Duration = Duration::from_secs(600);

/// More than three jumps of the clock and a skew come to.
const LONGEST_JUMP: Duration = Duration::from_secs(8 * 3600);
