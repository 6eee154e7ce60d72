//! Whether the vendor calls, what was done about it, and where it may call.

use std::future::Future;

use qcc_proto::PushWindow;

use super::given::{at, line, listing, no, ok, setting};
use crate::{Activation, AnswerErrors, Callbacks, PathSegment, SecretPath, Store};

/// Since when calls are expected is said once, however often a receiver starts.
pub async fn calls_are_expected_from_the_first_time<S: Store, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    assert_eq!(ok(store.overview().await).callbacks, Callbacks::default());
    for second in [100, 50, 200] {
        ok(store.expect_calls(at(second)).await);
        assert_eq!(ok(store.overview().await).callbacks.expected_since, Some(at(100)));
    }
}

/// Notes a list of orders, each made at a second, and listed at another.
async fn list<S: Store>(store: &S, orders: &[(&str, i64)], second: i64) {
    let lines: Vec<_> = orders.iter().map(|(order_no, made)| line(order_no, *made)).collect();
    ok(store.note_listing(&lines, &listing(second, &lines), None).await);
}

/// Uncalled are listed orders that were made after every other that came by call,
/// after calls were first expected, and after the vendor agreed to call again.
pub async fn what_should_have_come_by_call_is_counted<S: Store, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let uncalled = async |count, since: Option<i64>, why: &str| {
        let callbacks = ok(store.overview().await).callbacks;
        let found = (callbacks.uncalled, callbacks.uncalled_since);
        assert_eq!(found, (count, since.map(at)), "{why}");
    };
    list(&store, &[("A1", 10), ("A2", 20)], 30).await;
    uncalled(0, None, "nobody expects calls").await;
    ok(store.expect_calls(at(20)).await);
    uncalled(0, None, "they were made before calls were expected").await;
    list(&store, &[("A1", 10), ("A2", 20), ("A3", 40), ("A5", 60)], 70).await;
    uncalled(2, Some(70), "made since").await;
    ok(store.note_call(&no("X1"), at(75)).await);
    uncalled(2, Some(70), "a call about an order that no list names proves nothing").await;
    ok(store.note_call(&no("A1"), at(76)).await);
    uncalled(2, Some(70), "nor does one about an older order").await;
    ok(store.note_call(&no("A3"), at(80)).await);
    uncalled(1, Some(70), "one is left").await;
    list(&store, &[("A3", 40), ("A4", 55), ("A5", 60), ("A6", 60)], 90).await;
    uncalled(3, Some(70), "they were made since the last that came by call").await;
    ok(store.note_call(&no("A5"), at(95)).await);
    uncalled(0, None, "none was made after the newest that came by call").await;
    list(&store, &[("A7", 100), ("A8", 110)], 120).await;
    uncalled(2, Some(120), "made since").await;
    let activation = Activation { tried_at: at(105), tries: 1, agreed_at: None };
    ok(store.note_activation(&activation).await);
    uncalled(2, Some(120), "the vendor has not agreed").await;
    ok(store.note_activation(&activation.agreed(at(105))).await);
    uncalled(1, Some(120), "the vendor owes calls from then on").await;
    ok(store.note_call(&no("A8"), at(130)).await);
    uncalled(0, None, "it called").await;
}

/// The last activation is kept as it was noted.
pub async fn an_activation_is_kept<S: Store, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let first = Activation { tried_at: at(10), tries: 1, agreed_at: None };
    let second = Activation { tried_at: at(20), tries: 2, agreed_at: Some(at(21)) };
    for activation in [first.clone(), second, first] {
        ok(store.note_activation(&activation).await);
        assert_eq!(ok(store.overview().await).callbacks.activation, Some(activation));
    }
}

/// Of two workers that would ask the vendor at once, one does.
pub async fn an_activation_is_begun_once<S: Store, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let first = Activation { tried_at: at(10), tries: 1, agreed_at: None };
    let second = Activation { tried_at: at(20), tries: 2, agreed_at: None };
    assert!(ok(store.begin_activation(None, &first).await));
    assert!(!ok(store.begin_activation(None, &second).await), "it saw none");
    assert_eq!(ok(store.overview().await).callbacks.activation, Some(first.clone()));
    assert!(ok(store.begin_activation(Some(&first), &second).await));
    assert_eq!(ok(store.overview().await).callbacks.activation, Some(second));
}

/// Our errors in a row are kept as they were noted, until there are none.
pub async fn our_errors_are_kept<S: Store, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let errors = |in_a_row| Some(AnswerErrors { in_a_row, last_at: at(20) });
    for noted in [None, errors(3), errors(5), None] {
        ok(store.note_answer_errors(noted).await);
        assert_eq!(ok(store.overview().await).callbacks.errors, noted);
    }
}

/// The secret path replaces the one before it and goes when it is taken away.
pub async fn a_secret_path_is_kept<S: Store, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    assert_eq!(ok(store.secret_path().await), None);
    let segment = |byte| PathSegment::from_random([byte; 16]);
    let first = SecretPath::rotated(None, segment(1), &setting(None), at(0)).tried(at(1));
    let confirmed = first.clone().confirmed(setting(None), at(5));
    let second = SecretPath::rotated(Some(confirmed.clone()), segment(2), &setting(None), at(10));
    let windowed =
        second.clone().tried(at(11)).confirmed(setting(PushWindow::ALL.first().copied()), at(12));
    let doubted = windowed.clone().doubted().tried(at(13)).tried(at(14));
    for path in [first, confirmed, second, windowed, doubted] {
        ok(store.set_secret_path(Some(&path)).await);
        assert_eq!(ok(store.secret_path().await), Some(path));
    }
    ok(store.set_secret_path(None).await);
    assert_eq!(ok(store.secret_path().await), None);
}
