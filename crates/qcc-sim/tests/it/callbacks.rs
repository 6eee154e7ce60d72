//! The vendor's own calls, and when they stop.

use bytes::Bytes;
use jiff::SignedDuration;
use qcc_proto::CallbackQuery;
use qcc_sim::{CallbackCall, CallbackOutcome, Exchange, Vendor, VendorConfig};

use crate::support::*;

fn enabled(config: VendorConfig) -> Vendor {
    let mut vendor = vendor(config);
    set(&mut vendor, "A");
    vendor
}

fn set(vendor: &mut Vendor, state: &str) {
    let query = format!("&enablePush={state}&callbackUrl=http%3A%2F%2Fus.example%2Fcallback");
    let reply = vendor.handle(&signed("setDdRiskApiPushSetting", &query, at(0)), at(0));
    assert_eq!(status(&reply), "200");
}

fn answer(status: u16, body: &'static str) -> CallbackOutcome {
    CallbackOutcome::Answered { status, body: Bytes::from_static(body.as_bytes()) }
}

fn query(call: &CallbackCall) -> CallbackQuery {
    let (base, query) = call.url.split_once('?').unwrap();
    assert_eq!(base, "http://us.example/callback");
    CallbackQuery::parse(query).unwrap()
}

#[test]
fn a_call_carries_what_the_manual_says() {
    let ahead = std::time::Duration::from_secs(12_542);
    let mut vendor = enabled(VendorConfig { callback_expiry_ahead: ahead, ..Default::default() });
    let order = vendor.push(at(0));
    let calls = vendor.due_callbacks(at(0));
    let [call] = calls.as_slice() else { panic!("{calls:?}") };
    let said = query(call);
    assert_eq!(said.order_no, order);
    assert_eq!(said.key.reveal(), vendor.config().account.key());
    assert_eq!(said.location.link.expires_at(), Some(at(3600)));
    assert_eq!(said.location.stated_expiry.unwrap().timestamp(), at(3600 + 12_542));
    assert!(call.url.contains("downloadUrl=http%3A%2F%2Fpro-files.qichacha.com%2FDdMonitor%2F"));
    assert!(call.url.contains("%253D&downloadUrlExpiredTime=2022-06-07%20"), "{}", call.url);
    let shown = format!("{call:?}");
    assert!(!shown.contains(said.location.password.reveal()) && !shown.contains("Signature"));

    let reply = vendor.handle(&get(said.location.link.reveal()), at(1));
    assert_eq!(reply.response.status(), 200);
    let document = unzip(reply.response.body(), said.location.password.reveal()).unwrap();
    assert!(!document.is_empty());
}

#[test]
fn only_http_200_with_status_200_is_a_success() {
    for (outcome, expected) in [
        (answer(200, r#"{"status":"200","msg":"成功"}"#), true),
        (answer(200, r#"{"status":200}"#), true),
        (answer(200, r#"{"status":"500"}"#), false),
        (answer(200, r#"{"msg":"成功"}"#), false),
        (answer(200, ""), false),
        (answer(200, "成功"), false),
        (answer(204, ""), false),
        (answer(500, r#"{"status":"200"}"#), false),
        (CallbackOutcome::Failed, false),
    ] {
        assert_eq!(outcome.is_success(), expected, "{outcome:?}");
        let mut vendor = enabled(VendorConfig::default());
        let order = vendor.push(at(0));
        let call = vendor.due_callbacks(at(0)).remove(0);
        vendor.callback_answered(&call, &outcome, at(1));
        assert_eq!(vendor.callback_errors(), u32::from(!expected));
        assert_eq!(vendor.truth().orders[&order].called, expected);
        assert!(vendor.due_callbacks(at(86_400)).is_empty(), "a call is never repeated");
    }
}

#[test]
fn five_errors_in_a_row_silence_the_vendor_until_it_is_activated() {
    let mut vendor = enabled(VendorConfig::default());
    for n in 0..7 {
        vendor.push(at(n));
        for call in vendor.due_callbacks(at(n)) {
            vendor.callback_answered(&call, &CallbackOutcome::Failed, at(n));
        }
    }
    assert!(vendor.callbacks_silenced());
    assert_eq!(vendor.journal().count(Exchange::Callback), 5);

    let reply = vendor.handle(&signed("activeDdRiskCallCallbackUrl", "", at(10)), at(10));
    assert_eq!(status(&reply), "200");
    assert!(vendor.due_callbacks(at(11)).is_empty(), "orders made in silence are not called about");
    let next = vendor.push(at(12));
    assert_eq!(vendor.due_callbacks(at(12))[0].order_no, next);
}

#[test]
fn a_success_starts_the_count_over() {
    let mut vendor = enabled(VendorConfig::default());
    for n in 0..40 {
        vendor.push(at(n));
        let call = vendor.due_callbacks(at(n)).remove(0);
        let good = answer(200, r#"{"status":"200"}"#);
        let outcome = if n % 5 == 4 { good } else { CallbackOutcome::Failed };
        vendor.callback_answered(&call, &outcome, at(n));
    }
    assert!(!vendor.callbacks_silenced());
}

#[test]
fn calls_made_at_once_do_not_pass_the_limit() {
    let mut vendor = enabled(VendorConfig::default());
    (0..20).for_each(|n| drop(vendor.push(at(n))));
    let calls = vendor.due_callbacks(at(30));
    assert_eq!(calls.len(), 5);
    assert!(vendor.due_callbacks(at(31)).is_empty(), "no more before one of them is answered");
    assert!(vendor.due_callbacks(at(30 + 60)).is_empty(), "a minute of silence is an error");
    assert!(vendor.callbacks_silenced());
}

#[test]
fn without_a_setting_or_when_disabled_there_is_no_call() {
    let mut vendor = vendor(VendorConfig::default());
    vendor.push(at(0));
    assert!(vendor.due_callbacks(at(0)).is_empty());
    set(&mut vendor, "A");
    set(&mut vendor, "I");
    vendor.push(at(1));
    assert!(vendor.due_callbacks(at(1)).is_empty());
    assert_eq!(list(&mut vendor, at(2)).len(), 2);
}

#[test]
fn a_failed_call_is_repeated_where_told_to() {
    let mut vendor = enabled(VendorConfig { callback_retries: 1, ..Default::default() });
    vendor.push(at(0));
    let call = vendor.due_callbacks(at(0)).remove(0);
    vendor.callback_answered(&call, &CallbackOutcome::Failed, at(1));
    assert_eq!(vendor.next_due(), Some(at(61)));
    let again = vendor.due_callbacks(at(61)).remove(0);
    assert_eq!(again.order_no, call.order_no);
    vendor.callback_answered(&again, &CallbackOutcome::Failed, at(62));
    assert!(vendor.due_callbacks(at(600)).is_empty());
}

#[test]
fn calls_get_lost_doubled_late_and_forged_by_name() {
    let calls = |fault: &str, seconds: i64| {
        let faults = format!("{fault}:1").parse().unwrap();
        let mut vendor = enabled(VendorConfig { faults, ..Default::default() });
        vendor.push(at(0));
        let calls = vendor.due_callbacks(at(0));
        let later = vendor.due_callbacks(at(0) + SignedDuration::from_secs(seconds));
        (calls, later.len())
    };
    assert_eq!(calls("callback-lost", 3600), (Vec::new(), 0));
    let (doubled, _) = calls("callback-duplicated", 1);
    assert_eq!(doubled.len(), 2);
    assert_eq!(doubled[0].url, doubled[1].url);
    assert_eq!(calls("callback-reordered", 119), (Vec::new(), 0));
    assert_eq!(calls("callback-reordered", 120), (Vec::new(), 1));
    let (with_forged, _) = calls("callback-forged", 1);
    assert_eq!(with_forged.iter().map(|c| c.forged).collect::<Vec<_>>(), [false, true]);
    assert_ne!(query(&with_forged[1]).key.reveal(), query(&with_forged[0]).key.reveal());
}

#[test]
fn an_answer_that_is_lost_counts_as_an_error() {
    let faults = "callback-ack-lost*1".parse().unwrap();
    let mut vendor = enabled(VendorConfig { faults, ..Default::default() });
    let order = vendor.push(at(0));
    let call = vendor.due_callbacks(at(0)).remove(0);
    vendor.callback_answered(&call, &answer(200, r#"{"status":"200"}"#), at(1));
    assert_eq!(vendor.callback_errors(), 1);
    assert!(vendor.truth().orders[&order].called);
}

#[test]
fn calls_go_where_the_configuration_says_whatever_was_set() {
    let config = VendorConfig {
        calls_only: Some("http://127.0.0.1:1/own".to_owned()),
        ..Default::default()
    };
    let mut vendor = enabled(config);
    vendor.push(at(0));
    let calls = vendor.due_callbacks(at(0));
    assert!(calls[0].url.starts_with("http://127.0.0.1:1/own?key="), "{}", calls[0].url);
    set(&mut vendor, "I");
    vendor.push(at(1));
    assert!(vendor.due_callbacks(at(1)).is_empty(), "disabled is disabled");
}
