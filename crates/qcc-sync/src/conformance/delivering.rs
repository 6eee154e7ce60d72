//! Whether the vendor calls, what was done about it, and where it may call.

use futures_util::future::join;
use qcc_proto::PushWindow;

use super::{
    Fresh,
    given::{at, line, list, no, ok, setting},
};
use crate::{
    Account, AccountExt as _, Activation, AnswerErrors, Callbacks, Hold, PathSegment, Reason,
    ReasonCode, SecretPath, Store, Versioned,
};

pub(super) async fn calls_are_expected_from_the_first_time(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    assert_eq!(ok(store.overview().await).callbacks, Callbacks::default());
    for second in [100, 50, 200] {
        ok(store.expect_calls(at(second)).await);
        assert_eq!(ok(store.overview().await).callbacks.expected_since, Some(at(100)));
    }
}

/// Notes a list of orders, each made at a second, and listed at another.
async fn listed(store: &dyn Store, orders: &[(&str, i64)], second: i64) {
    let lines: Vec<_> = orders.iter().map(|(order_no, made)| line(order_no, *made)).collect();
    list(store, second, &lines).await;
}

pub(super) async fn what_should_have_come_by_call_is_counted(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let uncalled = async |count, since: Option<i64>, why: &str| {
        let callbacks = ok(store.overview().await).callbacks;
        let found = (callbacks.uncalled, callbacks.uncalled_since);
        assert_eq!(found, (count, since.map(at)), "{why}");
    };
    listed(store, &[("A1", 10), ("A2", 20)], 30).await;
    uncalled(0, None, "nobody expects calls").await;
    ok(store.expect_calls(at(20)).await);
    uncalled(0, None, "they were made before calls were expected").await;
    listed(store, &[("A1", 10), ("A2", 20), ("A3", 40), ("A5", 60)], 70).await;
    uncalled(2, Some(70), "made since").await;
    ok(store.note_call(&no("X1"), at(75)).await);
    uncalled(2, Some(70), "a call about an order that no list names proves nothing").await;
    ok(store.note_call(&no("A1"), at(76)).await);
    uncalled(2, Some(70), "nor does one about an older order").await;
    ok(store.note_call(&no("A3"), at(80)).await);
    uncalled(1, Some(70), "one is left").await;
    listed(store, &[("A3", 40), ("A4", 55), ("A5", 60), ("A6", 60)], 90).await;
    uncalled(3, Some(70), "they were made since the last that came by call").await;
    ok(store.note_call(&no("A5"), at(95)).await);
    uncalled(0, None, "none was made after the newest that came by call").await;
    listed(store, &[("A7", 100), ("A8", 110)], 120).await;
    uncalled(2, Some(120), "made since").await;
    let activation = Activation { tried_at: at(105), tries: 1, agreed_at: None };
    assert!(ok(store.begin_activation(None, &activation).await));
    uncalled(2, Some(120), "the vendor has not agreed").await;
    let agreed = activation.clone().agreed(at(105));
    ok(store.end_activation(&activation, &agreed).await);
    uncalled(1, Some(120), "the vendor owes calls from then on").await;
    ok(store.note_call(&no("A8"), at(130)).await);
    uncalled(0, None, "it called").await;
}

pub(super) async fn an_account_is_kept_as_it_was_put(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let segment = |byte| PathSegment::from_random([byte; 16]);
    let first = SecretPath::rotated(None, segment(1), &setting(None), at(0)).tried(at(1));
    let confirmed = first.clone().confirmed(setting(None), at(5));
    let second = SecretPath::rotated(Some(confirmed.clone()), segment(2), &setting(None), at(10));
    let windowed =
        second.clone().tried(at(11)).confirmed(setting(PushWindow::ALL.first().copied()), at(12));
    let doubted = windowed.clone().doubted().tried(at(13)).tried(at(14));
    let hold = |until, code| Hold { since: at(0), until, reason: Reason::new(code, "等待 'x'") };
    let activation = |agreed_at| Some(Activation { tried_at: at(20), tries: 2, agreed_at });
    let errors = |in_a_row| Some(AnswerErrors { in_a_row, last_at: at(20) });
    let empty = Versioned { version: 0, value: Account::default() };
    assert_eq!(ok(store.account().await), empty, "nothing is known of a new account");
    let mut version = 0;
    for (path, hold, activation, errors) in [
        (Some(first), Some(hold(None, ReasonCode::Account)), None, errors(3)),
        (Some(confirmed), None, activation(None), errors(5)),
        (None, Some(hold(Some(at(600)), ReasonCode::CoolOff)), activation(Some(at(21))), None),
        (Some(second), None, None, None),
        (Some(windowed), Some(hold(None, ReasonCode::Signature)), None, None),
        (Some(doubted), None, activation(None), errors(1)),
        (None, None, None, None),
    ] {
        let account = Account {
            secret_path: path,
            hold,
            activation,
            errors,
            calls_expected_since: errors.is_some().then(|| at(7)),
        };
        assert!(ok(store.put_account(version, &account).await));
        let kept = ok(store.account().await);
        assert!(kept.version > version, "every write raises the version");
        assert_eq!(kept.value, account);
        version = kept.version;
        let overview = ok(store.overview().await);
        assert_eq!(overview.hold, account.hold);
        let Callbacks { expected_since, activation, errors, .. } = overview.callbacks;
        assert_eq!(expected_since, account.calls_expected_since);
        assert_eq!((activation, errors), (account.activation, account.errors));
    }
}

pub(super) async fn an_account_is_not_put_over_a_change_of_another(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let hold = |code| Hold { since: at(0), until: None, reason: Reason::new(code, "ask") };
    let held = |code| Account { hold: Some(hold(code)), ..Account::default() };
    let before = ok(store.account().await).version;
    assert!(ok(store.put_account(before, &held(ReasonCode::Account)).await));
    for version in [before, before + 7] {
        assert!(!ok(store.put_account(version, &Account::default()).await), "{version}");
    }
    let kept = ok(store.account().await);
    assert_eq!(kept.value, held(ReasonCode::Account), "a hold that another worker set stays");
    assert!(!ok(store.lift_hold(&hold(ReasonCode::Signature)).await), "it is another hold");
    assert!(ok(store.lift_hold(&hold(ReasonCode::Account)).await));
    assert_eq!(ok(store.account().await).value, Account::default());

    let now = ok(store.account().await).version;
    let both = [held(ReasonCode::Account), held(ReasonCode::Signature)];
    let (one, two) = join(store.put_account(now, &both[0]), store.put_account(now, &both[1])).await;
    let (one, two) = (ok(one), ok(two));
    assert!(one != two, "of two writes at once, one is made");
    let winner = if one { &both[0] } else { &both[1] };
    assert_eq!(ok(store.account().await).value, *winner);
}

pub(super) async fn an_activation_is_begun_once(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    let first = Activation { tried_at: at(10), tries: 1, agreed_at: None };
    let second = Activation { tried_at: at(20), tries: 2, agreed_at: None };
    assert!(ok(store.begin_activation(None, &first).await));
    assert!(!ok(store.begin_activation(None, &second).await), "it saw none");
    assert_eq!(ok(store.overview().await).callbacks.activation, Some(first.clone()));
    assert!(ok(store.begin_activation(Some(&first), &second).await));
    ok(store.end_activation(&first, &first.clone().agreed(at(21))).await);
    let kept = ok(store.overview().await).callbacks.activation;
    assert_eq!(kept, Some(second), "what comes of an older attempt is no news");
}
