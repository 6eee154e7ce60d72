//! What an observer is told, in which words.

use std::{sync::Mutex, time::Duration};

use qcc_proto::Status;
use qcc_sim::{Fault, FaultPlan, Rate, VendorConfig};
use qcc_sync::{Answer, Event, Observer, Reason, ReasonCode, Store, VendorCall};

use crate::world::{World, paused};

#[derive(Default)]
struct Told(Mutex<Vec<Event>>);

impl Observer for Told {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Told {
    fn answers(&self) -> Vec<(VendorCall, Answer)> {
        let events = self.0.lock().unwrap();
        let asked = events.iter().filter_map(|event| match event {
            Event::Asked { call, answer } => Some((*call, *answer)),
            _ => None,
        });
        asked.collect()
    }
}

fn settled(faults: FaultPlan) -> Told {
    let told = Told::default();
    paused(async {
        let world = World::new(VendorConfig { seed: 5, faults, ..VendorConfig::default() });
        world.push(1);
        world.engine().settle(Duration::from_secs(600), &told).await.unwrap();
    });
    told
}

#[test]
fn each_call_is_told_with_what_came_back() {
    use VendorCall::{Download, List, Locate};
    let ok = Answer::Status(Status::OK);
    let well = [(List, ok), (Locate, ok), (Download, Answer::Http(200))];
    assert_eq!(settled(FaultPlan::none()).answers(), well);
    let once = |fault| settled(FaultPlan::none().with(fault, Rate::first(1))).answers();
    assert_eq!(once(Fault::Status500)[0], (List, Answer::Status(Status::new(500))));
    assert_eq!(once(Fault::Http503Empty)[0], (List, Answer::Http(503)));
    assert_eq!(once(Fault::ResetBefore)[0], (List, Answer::None));
}

#[test]
fn calls_and_reasons_have_words_of_their_own() {
    let calls = [
        VendorCall::SetPush,
        VendorCall::Activate,
        VendorCall::List,
        VendorCall::Locate,
        VendorCall::Download,
    ];
    let words = calls.map(VendorCall::as_str);
    assert_eq!(words, ["set_push", "activate", "list", "locate", "download"]);
    let reason = Reason::new(ReasonCode::CountMismatch, "ask");
    assert_eq!(reason.to_string(), "count_mismatch: ask");
    assert_eq!(format!("{:>16}", ReasonCode::Storage), "         storage");
    let holds: Vec<_> = ReasonCode::ALL.iter().filter(|code| code.is_hold()).collect();
    let expected =
        [ReasonCode::CoolOff, ReasonCode::DailyLimit, ReasonCode::Signature, ReasonCode::Account];
    assert_eq!(holds, expected.iter().collect::<Vec<_>>());
}

#[test]
fn a_function_is_an_observer() {
    let seen = Mutex::new(0);
    let observer = |_: &Event| *seen.lock().unwrap() += 1;
    observer.event(&Event::Activated);
    assert_eq!(*seen.lock().unwrap(), 1);
    // Who does not care about rounds need not say so.
    Observer::round(&(), Default::default(), None);
}

#[test]
fn an_order_that_waits_or_is_quarantined_is_told_with_its_reason() {
    let reasons = |told: &Told| {
        let events = told.0.lock().unwrap();
        let reasons = events.iter().filter_map(|event| match event {
            Event::Waiting { reason, .. } => Some(("waits", reason.code)),
            Event::Quarantined { reason, .. } => Some(("quarantined", reason.code)),
            _ => None,
        });
        reasons.collect::<Vec<_>>()
    };
    let once = |fault| settled(FaultPlan::none().with(fault, Rate::first(1)));
    let waits = reasons(&once(Fault::Status205));
    assert!(!waits.is_empty());
    assert!(waits.iter().all(|told| *told == ("waits", ReasonCode::NotReady)), "{waits:?}");
    let wrong = settled(FaultPlan::none().with(Fault::WrongTotal, Rate::ALWAYS));
    assert_eq!(reasons(&wrong), [("quarantined", ReasonCode::CountMismatch)]);
}

#[test]
fn lines_that_cannot_be_read_and_orders_that_are_forgotten_are_told_where_there_are_some() {
    paused(async {
        let world = World::new(VendorConfig { seed: 5, ..VendorConfig::default() });
        world.push(2);
        let engine = world.engine();
        let told = async || {
            let told = Told::default();
            engine.list(&told).await.unwrap();
            let events = told.0.into_inner().unwrap();
            let told = events.into_iter().filter_map(|event| match event {
                Event::Unreadable { lines } => Some(("unreadable", u64::from(lines))),
                Event::Forgotten { orders } => Some(("forgotten", orders)),
                _ => None,
            });
            told.collect::<Vec<_>>()
        };
        assert_eq!(told().await, []);
        let junk = FaultPlan::none().with(Fault::ListJunkLine, Rate::ALWAYS);
        world.vendor.lock().unwrap().set_faults(junk);
        let lines = told().await;
        assert!(matches!(lines[..], [("unreadable", 1..)]), "{lines:?}");
        world.vendor.lock().unwrap().set_faults(FaultPlan::none());
        world.store.note_call(&"X9".parse().unwrap(), world.now()).await.unwrap();
        assert_eq!(told().await, []);
        tokio::time::sleep(Duration::from_secs(8 * 24 * 3600)).await;
        assert_eq!(told().await, [("forgotten", 1)]);
    });
}
