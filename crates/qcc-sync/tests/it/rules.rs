//! The small rules of the ledger, each alone: who named an order, when a wait is over,
//! what a person's decision changes.

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{DownloadLink, Location, UnzipPassword};
use qcc_sync::{
    Applied, Dismissal, Failure, KeptArchive, LONGEST_HOLD, LONGEST_WAIT, Order, Policy, Reason,
    ReasonCode, Remedy, Sha256, State, StateName, Step, is_resting, next_step,
};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

fn now() -> Timestamp {
    "2026-01-05T01:00:00Z".parse().unwrap()
}

fn seen() -> Order {
    Order::seen("DDMON2026010509000000000001".parse().unwrap(), now())
}

fn kept() -> KeptArchive {
    KeptArchive { sha256: Sha256::new([7; 32]), size: 1 }
}

fn password() -> UnzipPassword {
    UnzipPassword::new("p")
}

fn location() -> Location {
    located_at("http://h/x.zip?Expires=4102444800&Signature=s")
}

fn located_at(link: &str) -> Location {
    Location::new(DownloadLink::new(link), password())
}

fn applied() -> Applied {
    Applied {
        at: now(),
        push_date: "2026-01-05 09:00:00".parse().unwrap(),
        total_size: 1,
        stored: 1,
        changes: None,
        superseded: 0,
        quarantined: 0,
    }
}

fn waiting(code: ReasonCode) -> State {
    State::Waiting { until: now() + SECOND, reason: Reason::new(code, "x") }
}

fn quarantined(code: ReasonCode) -> State {
    State::Quarantined { reason: Reason::new(code, "x") }
}

/// Every state, none of them with a reason that is a rule of its own.
fn states() -> [State; 6] {
    let code = ReasonCode::CountMismatch;
    [State::Seen, State::Located, State::Fetched, State::Applied, waiting(code), quarantined(code)]
}

/// An order that has failed, so that forgetting its failures shows.
fn failing(state: State) -> Order {
    Order { state, failures: 3, failing_since: Some(now()), damaged: 2, ..seen() }
}

#[track_caller]
fn check_unfailed(order: &Order) {
    assert_eq!((order.failures, order.failing_since, order.damaged), (0, None, 0), "{order:?}");
}

#[test]
fn each_state_has_a_name_that_reads_back() {
    let names = ["seen", "located", "fetched", "applied", "waiting", "quarantined"];
    for ((state, name), text) in states().iter().zip(StateName::ALL).zip(names) {
        assert_eq!(state.name(), name);
        assert_eq!((name.as_str(), name.to_string().as_str()), (text, text));
        assert_eq!(format!("{name:>12}"), format!("{text:>12}"));
        assert_eq!(text.parse(), Ok(name));
        let rests = matches!(name, StateName::Waiting | StateName::Quarantined);
        assert_eq!(state.reason().is_some(), rests, "{text}");
    }
    let unknown = "Seen".parse::<StateName>().unwrap_err();
    assert!(unknown.to_string().contains("seen"), "{unknown}");
}

#[test]
fn any_one_thing_the_vendor_or_a_person_did_confirms_an_order() {
    assert!(!seen().is_confirmed());
    let called = Order { called_at: Some(now()), ..seen() };
    assert!(!called.is_confirmed(), "anybody can call");
    let confirmed = [
        Order { listed_at: Some(now()), ..seen() },
        Order { added_at: Some(now()), ..seen() },
        Order { password: Some(password()), ..seen() },
        Order { archive: Some(kept()), ..seen() },
        Order { applied: Some(applied()), ..seen() },
    ];
    for order in confirmed {
        assert!(order.is_confirmed(), "{order:?}");
        assert!(!order.is_awaiting_list() && !order.is_unconfirmed(Some(now())), "{order:?}");
    }
}

#[test]
fn an_order_that_calls_alone_named_is_unconfirmed_once_a_list_was_read_since() {
    for state in states() {
        let named = matches!(state, State::Seen | State::Waiting { .. });
        let order = Order { state, ..seen() };
        assert_eq!(order.is_awaiting_list(), named, "{order:?}");
        assert_eq!(order.is_unconfirmed(Some(now())), named, "{order:?}");
        assert!(!order.is_unconfirmed(None), "no list was read");
        assert!(!order.is_unconfirmed(Some(now() - SECOND)), "the list is older than the call");
        assert_eq!(order.is_unconfirmed(Some(now() + SECOND)), named);
    }
}

#[test]
fn a_wait_longer_than_any_can_be_is_over() {
    for (code, longest) in
        [(ReasonCode::Transient, LONGEST_WAIT), (ReasonCode::DailyLimit, LONGEST_HOLD)]
    {
        assert!(is_resting(now() + longest, code, now()), "{code}");
        assert!(!is_resting(now() + longest + SECOND, code, now()), "{code}");
        assert!(is_resting(now() + SECOND, code, now()), "{code}");
        assert!(!is_resting(now(), code, now()), "{code}");
        assert!(!is_resting(now() - SECOND, code, now()), "{code}");
    }
}

#[test]
fn a_list_lifts_what_the_vendor_did_not_know_and_nothing_else() {
    let made = "2026-01-05 08:59:00".parse().unwrap();
    let later = now() + SECOND;
    for code in ReasonCode::ALL {
        let lifts = matches!(code, ReasonCode::UnknownToVendor | ReasonCode::Refused);
        for state in [waiting(*code), quarantined(*code)] {
            let order = failing(state.clone()).listed(Some(made), later);
            assert_eq!((order.created_at, order.listed_at), (Some(made), Some(later)));
            if lifts {
                assert_eq!(order.state, State::Seen, "{code}");
                check_unfailed(&order);
            } else {
                assert_eq!((&order.state, order.failures), (&state, 3), "{code}");
            }
            let before = Order { listed_at: Some(now()), ..failing(state.clone()) };
            let again = before.listed(None, later);
            assert_eq!((again.state, again.failures), (state, 3), "{code}: it was listed before");
            assert_eq!((again.created_at, again.listed_at), (None, Some(now())));
        }
    }
    let order = failing(State::Seen).listed(None, later);
    assert_eq!((order.state, order.failures), (State::Seen, 3));
}

#[test]
fn progress_forgets_failures_and_only_the_table_forgets_damage() {
    let fetched = failing(State::Located).fetched(kept());
    assert_eq!((fetched.failures, fetched.failing_since, fetched.damaged), (0, None, 2));
    let order = failing(State::Fetched).applied(applied());
    assert_eq!((&order.state, &order.applied), (&State::Applied, &Some(applied())));
    check_unfailed(&order);
    let located = failing(State::Seen).located(location(), now());
    assert_eq!((located.failures, located.damaged), (3, 2), "a link is no progress");
    assert!(located.password.is_some() && located.location.is_some());
    assert_eq!(located.fetched(kept()).location, None);
}

#[test]
fn a_retry_keeps_an_archive_unless_the_archive_was_at_fault() {
    for state in [State::Seen, State::Located, State::Fetched, State::Applied] {
        assert_eq!(failing(state).retried(), None, "it does not rest");
    }
    for code in ReasonCode::ALL {
        let at_fault = matches!(
            code,
            ReasonCode::ArchiveDamaged
                | ReasonCode::WrongPassword
                | ReasonCode::ArchiveMissing
                | ReasonCode::ForeignArchive
        );
        for state in [waiting(*code), quarantined(*code)] {
            let dismissed = Some(Dismissal { at: now(), note: "n".into() });
            let order = Order { archive: Some(kept()), dismissed, ..failing(state.clone()) };
            let order = order.retried().unwrap();
            let (archive, next) =
                if at_fault { (None, State::Seen) } else { (Some(kept()), State::Fetched) };
            assert_eq!((order.archive, &order.state), (archive, &next), "{code}");
            assert_eq!(order.dismissed, None);
            check_unfailed(&order);
            let order = failing(state).retried().unwrap();
            assert_eq!((&order.state, order.archive), (&State::Seen, None), "{code}");
        }
    }
}

#[test]
fn a_link_is_used_until_half_a_minute_before_its_end_or_after_it_was_given() {
    let end = |seconds: i64| {
        let second = (now() + SignedDuration::from_secs(seconds)).as_second();
        located_at(&format!("http://h/x.zip?Expires={second}&Signature=s"))
    };
    // Seconds since it was given, seconds until it ends, whether it is used.
    for (age, left, used) in [
        (0, -9, true),
        (29, 29, true),
        (30, 29, false),
        (30, 30, true),
        (-1, 29, false),
        (-1, 30, true),
    ] {
        let order = seen().located(end(left), now() - SignedDuration::from_secs(age));
        let expected = if used { Step::Fetch } else { Step::Locate };
        assert_eq!(next_step(&order, now()), expected, "{age} s old, {left} s left");
    }
    let endless = seen().located(located_at("http://h/x.zip"), now() - LONGEST_HOLD);
    assert_eq!(next_step(&endless, now()), Step::Fetch, "a link that names no end");
}

#[test]
fn adding_an_order_wakes_it_unless_it_was_applied_before() {
    let later = now() + SECOND;
    for state in states() {
        let rests = state.reason().is_some();
        let order = failing(state.clone()).added(later);
        assert_eq!(order.added_at, Some(later));
        let expected = if rests { State::Seen } else { state.clone() };
        assert_eq!((&order.state, order.failures == 0), (&expected, rests));

        let before = Order { applied: Some(applied()), ..failing(state.clone()) };
        assert_eq!(before.added(later).state, state, "it was applied before");
        let twice = failing(state).added(now()).added(later);
        assert_eq!(twice.added_at, Some(now()), "the first time counts");
    }
}

#[test]
fn an_archive_that_a_person_brings_is_applied_next_unless_the_order_is_applied() {
    for state in states() {
        let is_applied = state == State::Applied;
        let dismissed = Some(Dismissal { at: now(), note: "n".into() });
        let order = Order { dismissed, ..failing(state) };
        let Some(order) = order.with_archive(kept(), password(), now()) else {
            assert!(is_applied);
            continue;
        };
        assert!(!is_applied);
        assert_eq!((&order.state, order.archive), (&State::Fetched, Some(kept())));
        assert_eq!((order.added_at, &order.dismissed), (Some(now()), &None));
        assert_eq!(order.password.as_ref().map(|p| p.reveal().to_owned()), Some("p".to_owned()));
        check_unfailed(&order);
    }
    let known = Order { added_at: Some(now()), ..seen() };
    let known = known.with_archive(kept(), password(), now() + SECOND).unwrap();
    assert_eq!(known.added_at, Some(now()), "the first time counts");
}

#[test]
fn accepting_an_order_keeps_its_archive_even_where_a_retry_would_not() {
    for state in states() {
        let rests = state.reason().is_some();
        assert_eq!(failing(state.clone()).accepted(), None, "no archive is kept");
        let order = Order { archive: Some(kept()), ..failing(state) };
        assert_eq!(order.accepted().is_some(), rests);
    }
    let state = quarantined(ReasonCode::ForeignArchive);
    let order = Order { archive: Some(kept()), ..failing(state) }.accepted().unwrap();
    assert_eq!((order.state, order.archive, order.accepted), (State::Fetched, Some(kept()), true));
}

#[test]
fn only_what_rests_is_dismissed_and_once() {
    for state in states() {
        let rests = state.reason().is_some();
        let Some(order) = failing(state).dismissed("a test".into(), now()) else {
            assert!(!rests);
            continue;
        };
        assert!(rests);
        assert!(matches!(order.state, State::Quarantined { .. }), "{order:?}");
        assert_eq!(order.dismissed, Some(Dismissal { at: now(), note: "a test".into() }));
        assert_eq!(order.clone().dismissed("again".into(), now() + SECOND), None);
    }
}

#[test]
fn the_time_and_the_count_must_both_be_used_up() {
    let policy = Policy::default();
    let lost = Failure::new(ReasonCode::Transient, "reset", Remedy::BackOff);
    let begun = now() - policy.budget;
    let after = |failures, since| {
        Order { failures, failing_since: Some(since), ..seen() }.failed(&lost, &policy, now())
    };
    let given_up = after(policy.least_failures - 1, begun);
    let reason = given_up.state.reason().unwrap();
    assert!(matches!(given_up.state, State::Quarantined { .. }), "{given_up:?}");
    assert_eq!(reason.code, ReasonCode::GaveUp);
    assert!(reason.detail.contains("reset"), "the last failure is told: {}", reason.detail);
    for order in [
        after(policy.least_failures - 2, begun),
        after(policy.least_failures - 1, begun + SECOND),
        after(u32::MAX, begun + SECOND),
    ] {
        assert!(matches!(order.state, State::Waiting { .. }), "{order:?}");
    }
}

/// FNV-1a of 32 bits, in the words of its authors, over number and count.
fn hash(no: &str, failures: u32) -> u32 {
    let mut hash = 2_166_136_261_u32;
    for byte in no.bytes().chain(failures.to_le_bytes()) {
        hash = (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    }
    hash
}

#[test]
fn a_wait_doubles_up_to_the_longest_and_lies_in_its_upper_half_by_a_hash_of_the_order() {
    let policy = Policy::default();
    let no = seen().no;
    let fulls = [5, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800];
    let counts = (0..).zip(fulls).chain([(20, 1800), (21, 1800), (22, 1800), (u32::MAX, 1800)]);
    for (failures, full) in counts {
        let half = std::time::Duration::from_secs(full) / 2;
        let share = f64::from(hash(no.as_str(), failures)) / 4_294_967_296.0;
        assert_eq!(policy.wait(&no, failures), half + half.mul_f64(share), "{failures}");
    }
    let waits = (0..200).map(|n| policy.wait(&format!("A{n}").parse().unwrap(), 30).as_secs());
    let (low, high): (Vec<u64>, Vec<u64>) = waits.partition(|wait| *wait < 1350);
    assert!(low.len() > 60 && high.len() > 60, "{} and {}", low.len(), high.len());
}

#[test]
fn a_failed_order_waits_for_whichever_count_is_greater_and_for_a_pause_of_an_hour_at_most() {
    let policy = Policy::default();
    let until = |order: &Order| match &order.state {
        State::Waiting { until, .. } => *until,
        other => panic!("{other:?}"),
    };
    let wait = |failures| {
        let wait = policy.wait(&seen().no, failures);
        now() + SignedDuration::try_from(wait).unwrap()
    };
    let lost = Failure::new(ReasonCode::Transient, "reset", Remedy::BackOff);
    let cut = Failure::new(ReasonCode::ArchiveDamaged, "cut", Remedy::DownloadAgain);
    let order = Order { failures: 1, damaged: 4, ..seen() }.failed(&lost, &policy, now());
    assert_eq!((until(&order), order.failures, order.damaged), (wait(4), 2, 4));
    let order = Order { failures: 7, damaged: 1, ..seen() }.failed(&cut, &policy, now());
    assert_eq!((until(&order), order.failures, order.damaged), (wait(8), 8, 2));
    assert_eq!(order.failing_since, Some(now()));

    for (asked, seconds) in [(900, 900), (3600, 3600), (99_999, 3600)] {
        let pause = Some(std::time::Duration::from_secs(asked));
        let order = seen().failed(&Failure { pause, ..lost.clone() }, &policy, now());
        assert_eq!(until(&order), now() + SignedDuration::from_secs(seconds), "{asked} s");
    }
    let rest = Failure::new(ReasonCode::UnknownToVendor, "201", Remedy::Rest);
    assert_eq!(until(&seen().failed(&rest, &policy, now())), wait(u32::MAX));
    let hold = Failure::new(ReasonCode::Account, "101", Remedy::HoldAll(None));
    assert_eq!(until(&seen().failed(&hold, &policy, now())), wait(1));
    let order = Order { archive: Some(kept()), ..seen() };
    assert_eq!(order.clone().failed(&lost, &policy, now()).archive, Some(kept()));
    assert_eq!(order.failed(&cut, &policy, now()).archive, None);
}

#[test]
fn what_only_calls_named_is_forgotten_after_a_day_or_a_week() {
    assert_eq!(qcc_sync::DENIED_FORGOTTEN_AFTER, SignedDuration::from_secs(86_400));
    assert_eq!(qcc_sync::FORGOTTEN_AFTER, SignedDuration::from_secs(7 * 86_400));
}
