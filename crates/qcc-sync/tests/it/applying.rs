//! Archives that a person brings: what speaks against one keeps it out of the table,
//! and what was done is counted.

use std::{io::Cursor, sync::Mutex, time::Duration};

use jiff::SignedDuration;
use qcc_proto::{OrderNo, ShanghaiTime, UnzipPassword};
use qcc_sim::{ArchiveSpec, SimRecord, VendorConfig, sample_records, write_archive};
use qcc_sync::{
    Archives, CountMismatch, Decision, Engine, EngineError, Event, KeptArchive, Observer, Order,
    Parts, Policy, ReasonCode, Report, State, Store, SystemClock, Worker,
};

use crate::world::{World, paused};

const MADE: &str = "2026-01-05 09:00:00";

/// Keeps what it was told.
#[derive(Default)]
struct Told(Mutex<Vec<Event>>);

impl Observer for Told {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Told {
    /// How many records each step of an apply had reached.
    fn steps(&self) -> Vec<u64> {
        let events = self.0.lock().unwrap();
        let steps = events.iter().filter_map(|event| match event {
            Event::Applying { records, .. } => Some(*records),
            _ => None,
        });
        steps.collect()
    }
}

fn no(n: u32) -> OrderNo {
    format!("DDMON20260105090000{n:08}").parse().unwrap()
}

fn made() -> ShanghaiTime {
    MADE.parse().unwrap()
}

fn later(by: SignedDuration) -> ShanghaiTime {
    ShanghaiTime::from_timestamp(made().timestamp() + by)
}

/// Records of their own for each seed; so many at the end have no id.
fn records(seed: u64, good: usize, bad: usize) -> Vec<SimRecord> {
    let bad = sample_records(seed + 1000)
        .take(bad)
        .map(|record| SimRecord { id: String::new(), ..record });
    sample_records(seed).take(good).chain(bad).collect()
}

struct Story {
    world: World,
    policy: Policy,
}

impl Story {
    fn new(policy: Policy) -> Self {
        Self { world: World::new(VendorConfig { seed: 5, ..VendorConfig::default() }), policy }
    }

    fn engine(&self) -> Engine {
        Engine::new(Parts {
            client: self.world.client(),
            store: self.world.store.clone(),
            archives: self.world.archives.clone(),
            clock: std::sync::Arc::new(self.world.clock),
            worker: Worker { name: "w".into(), term: Duration::from_secs(600) },
            policy: self.policy.clone(),
        })
    }

    async fn keep(
        &self,
        push_date: ShanghaiTime,
        total: u64,
        records: Vec<SimRecord>,
    ) -> KeptArchive {
        let spec = ArchiveSpec::new(push_date, total, "p");
        let bytes = write_archive(&spec, records, Cursor::new(Vec::new())).unwrap().into_inner();
        let mut partial = self.world.archives.begin(&no(1)).await.unwrap();
        partial.append(&bytes).await.unwrap();
        partial.keep().await.unwrap()
    }

    async fn add(&self, n: u32, archive: KeptArchive) {
        let password = UnzipPassword::new("p");
        let add = Decision::AddArchive { order_no: no(n), archive, password };
        assert!(self.decide(add).await);
    }

    async fn decide(&self, decision: Decision) -> bool {
        self.world.store.decide(&decision, self.world.now()).await.unwrap()
    }

    async fn settle(&self, told: &Told) -> Report {
        self.engine().settle(Duration::ZERO, told).await.unwrap()
    }

    async fn order(&self, n: u32) -> Order {
        self.world.store.order(&no(n)).await.unwrap().unwrap()
    }

    /// Settles, and sees the order quarantined for that, with nothing of it applied.
    async fn check_refused(&self, n: u32, code: ReasonCode, said: &str) {
        let before = self.world.table().await;
        self.settle(&Told::default()).await;
        let order = self.order(n).await;
        assert!(matches!(order.state, State::Quarantined { .. }), "{order:?}");
        let reason = order.state.reason().unwrap();
        assert_eq!(reason.code, code, "{reason}");
        assert!(reason.detail.contains(said), "{reason}");
        assert_eq!(self.world.table().await, before);
    }

    /// Accepts the order, settles, and sees it applied.
    async fn check_accepted(&self, n: u32, stored: u64, set_aside: u64) {
        assert!(self.decide(Decision::Accept { order_no: no(n) }).await);
        let report = self.settle(&Told::default()).await;
        assert_eq!((report.applied, report.stored, report.set_aside), (1, stored, set_aside));
        assert_eq!(self.order(n).await.state, State::Applied);
    }
}

#[test]
fn another_orders_archive_is_refused_until_a_person_accepts_it() {
    paused(async {
        let story = Story::new(Policy::default());
        let kept = story.keep(made(), 3, records(1, 3, 0)).await;
        story.add(1, kept).await;
        assert_eq!(story.settle(&Told::default()).await.applied, 1);
        story.add(2, kept).await;
        story.check_refused(2, ReasonCode::ForeignArchive, no(1).as_str()).await;
        story.check_accepted(2, 3, 0).await;
    });
}

#[test]
fn an_archive_shared_with_an_order_that_is_not_applied_is_nobodys_yet() {
    paused(async {
        let story = Story::new(Policy::default());
        let wrong = story.keep(made(), 9, records(1, 3, 0)).await;
        story.add(1, wrong).await;
        story.check_refused(1, ReasonCode::CountMismatch, "totalSize says 9").await;
        story.add(2, wrong).await;
        story.check_refused(2, ReasonCode::CountMismatch, "holds 3 records").await;
    });
}

#[test]
fn a_push_date_more_than_a_week_from_when_the_order_was_made_is_refused() {
    paused(async {
        let story = Story::new(Policy::default());
        let (week, second) = (SignedDuration::from_hours(7 * 24), SignedDuration::from_secs(1));
        for (n, by) in [(1, week), (2, -week)] {
            let kept = story.keep(later(by), 2, records(n, 2, 0)).await;
            story.add(u32::try_from(n).unwrap(), kept).await;
        }
        assert_eq!(story.settle(&Told::default()).await.applied, 2);
        for (n, by) in [(3, week + second), (4, -week - second)] {
            let kept = story.keep(later(by), 2, records(n.into(), 2, 0)).await;
            story.add(n, kept).await;
            story.check_refused(n, ReasonCode::ForeignArchive, MADE).await;
            story.check_accepted(n, 2, 0).await;
        }
    });
}

#[test]
fn a_wrong_count_is_refused_unless_a_person_or_the_policy_accepts_it() {
    paused(async {
        let story = Story::new(Policy::default());
        for (n, total) in [(1, 4), (2, 6)] {
            let kept = story.keep(made(), total, records(n, 4, 1)).await;
            let n = u32::try_from(n).unwrap();
            story.add(n, kept).await;
            story.check_refused(n, ReasonCode::CountMismatch, "holds 5 records").await;
            story.check_accepted(n, 4, 1).await;
        }
        let mut policy = Policy::default();
        policy.count_mismatch = CountMismatch::Apply;
        let lenient = Story::new(policy);
        let kept = lenient.keep(made(), 6, records(3, 4, 1)).await;
        lenient.add(3, kept).await;
        assert_eq!(lenient.settle(&Told::default()).await.applied, 1);
    });
}

#[test]
fn a_document_without_one_usable_record_is_refused_whatever_the_policy_and_an_empty_one_is_not() {
    paused(async {
        let mut policy = Policy::default();
        policy.count_mismatch = CountMismatch::Apply;
        let story = Story::new(policy);
        let kept = story.keep(made(), 2, records(1, 0, 2)).await;
        story.add(1, kept).await;
        story.check_refused(1, ReasonCode::NoUsableRecords, "not one of its 2 records").await;
        story.check_accepted(1, 0, 2).await;
        let kept = story.keep(made(), 0, Vec::new()).await;
        story.add(2, kept).await;
        assert_eq!(story.settle(&Told::default()).await.applied, 1);
    });
}

#[test]
fn a_run_reports_what_all_its_orders_came_to() {
    paused(async {
        let mut policy = Policy::default();
        policy.batch = 2;
        let story = Story::new(policy);
        // The second brings the records of the first once more, with an earlier date.
        let earlier = later(-SignedDuration::from_hours(1));
        for (n, push_date, good) in [(1, made(), 5), (2, earlier, 7)] {
            let kept = story.keep(push_date, good as u64 + 2, records(1, good, 2)).await;
            story.add(n, kept).await;
        }
        let told = Told::default();
        let report = story.settle(&told).await;
        let counts = (report.fetched, report.applied, report.stored, report.superseded);
        assert_eq!((counts, report.set_aside), ((0, 2, 7, 5), 4));
        assert_eq!(story.world.table().await.len(), 7);
        assert_eq!(told.steps(), [2, 4, 6, 7, 2, 4, 6, 8, 9]);
        story.world.push(3);
        let told = Told::default();
        let report = story.settle(&told).await;
        assert_eq!((report.listed, report.fresh, report.fetched, report.applied), (3, 3, 3, 3));
        let asked = told.0.lock().unwrap();
        let asked = asked.iter().filter(|event| matches!(event, Event::Asked { .. }));
        assert_eq!(asked.count(), 7, "one list, and for each order its link and its file");
    });
}

#[test]
fn an_engine_says_in_its_debug_who_it_is() {
    let world = World::new(VendorConfig { seed: 5, ..VendorConfig::default() });
    let engine = Engine::new(Parts {
        client: world.client(),
        store: world.store.clone(),
        archives: world.archives.clone(),
        clock: std::sync::Arc::new(SystemClock),
        worker: Worker { name: "somebody".into(), term: Duration::from_secs(600) },
        policy: Policy::default(),
    });
    let shown = format!("{engine:?}");
    assert!(shown.starts_with("Engine {") && shown.contains("somebody"), "{shown}");
}

#[test]
fn which_errors_may_pass_and_what_they_say() {
    use qcc_sync::{ArchivesError, StoreErrorKind as Kind};
    let store = |kind| EngineError::from(qcc_sync::StoreError::new(kind, "detail"));
    for (kind, passes) in [
        (Kind::Busy, true),
        (Kind::Unavailable, true),
        (Kind::Full, true),
        (Kind::ReadOnly, false),
        (Kind::NewerSchema, false),
        (Kind::Corrupt, false),
        (Kind::LeaseLost, false),
        (Kind::Other, false),
    ] {
        assert_eq!(store(kind).may_pass(), passes, "{kind:?}");
    }
    let lost = || qcc_http::Error::LinkExpired;
    let hold = qcc_sync::Hold {
        since: made().timestamp(),
        until: None,
        reason: qcc_sync::Reason::new(ReasonCode::Account, "101"),
    };
    let url = "".parse::<qcc_proto::CallbackUrl>().unwrap_err();
    let errors = [
        (store(Kind::Busy), true, "database", "detail"),
        (ArchivesError::new("writing", "full").into(), true, "folder", "writing failed"),
        (EngineError::Vendor(lost()), true, "order list", "link"),
        (EngineError::PushSetting(lost()), true, "rotate once more", "link"),
        (EngineError::Held(hold), true, "account: 101", ""),
        (EngineError::CallbackUrl(url.clone()), false, "secret path", &url.to_string()),
    ];
    for (error, passes, said, caused) in errors {
        assert_eq!(error.may_pass(), passes, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(source.is_some(), !caused.is_empty(), "{error}");
        assert!(source.unwrap_or_default().contains(caused), "{error}");
    }
}
