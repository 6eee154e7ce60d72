//! What goes out, against the manual's own samples.

use qcc_proto::{
    Activate, Call, CallbackUrl, DEFAULT_BASE_URL, Endpoint, ListOrders, Locate, PushSetting,
    PushState, PushWindow, SetPush,
};

fn setting(url: &str, enabled: PushState, window: Option<u8>) -> SetPush {
    SetPush(
        PushSetting::new(url.parse().unwrap())
            .with_state(enabled)
            .with_window(window.map(|hour| PushWindow::try_from(hour).unwrap())),
    )
}

#[track_caller]
fn check<C: Call>(request: &C, key: &str, expected: &str) {
    let target = request.path_and_query(key);
    assert_eq!(format!("{DEFAULT_BASE_URL}{target}"), expected);
    assert!(target.starts_with(C::ENDPOINT.path()));
}

/// The request samples of 6.2.1, 6.2.3, 6.2.4 and 6.2.5, without their line breaks.
#[test]
fn the_manuals_samples_come_out_byte_for_byte() {
    check(
        &setting("http://test.domain.com/pro/radar/callback", PushState::Enabled, Some(9)),
        "AppKey",
        "https://pro.qcc.com/api/dd_risk_mnr/setDdRiskApiPushSetting?key=AppKey&enablePush=A\
         &callbackUrl=http%3A%2F%2Ftest.domain.com%2Fpro%2Fradar%2Fcallback&pushPeriodTime=9",
    );
    check(
        &Activate,
        "AppKey",
        "https://pro.qcc.com/api/dd_risk_mnr/activeDdRiskCallCallbackUrl?key=AppKey",
    );
    check(
        &ListOrders,
        "AppKey",
        "https://pro.qcc.com/api/dd_risk_mnr/listDdRiskLatestOrderNo?key=AppKey",
    );
    check(
        &Locate("DDMON2021031616145803273367".parse().unwrap()),
        "AppKey",
        "https://pro.qcc.com/api/dd_risk_mnr/getDdRiskDownloadUrl?key=AppKey\
         &orderNo=DDMON2021031616145803273367",
    );
}

#[test]
fn escapes_in_a_value_are_escaped_once_more() {
    check(
        &setting("https://h.example/a%20b?x=1&y=~-._", PushState::Disabled, None),
        "a+b&c=d/%#",
        "https://pro.qcc.com/api/dd_risk_mnr/setDdRiskApiPushSetting?key=a%2Bb%26c%3Dd%2F%25%23\
         &enablePush=I&callbackUrl=https%3A%2F%2Fh.example%2Fa%2520b%3Fx%3D1%26y%3D~-._",
    );
}

#[test]
fn a_request_shows_no_path_of_the_callback_in_debug() {
    let request = setting("https://h.example/cb/9f2c71", PushState::Enabled, None);
    assert!(!format!("{request:?}").contains("9f2c71"));
}

#[test]
fn each_endpoint_is_named_once() {
    for property in [Endpoint::path, Endpoint::manual_section, Endpoint::as_str] {
        let mut values = Endpoint::ALL.map(property).to_vec();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), Endpoint::ALL.len());
    }
}

#[test]
fn a_refused_callback_url_is_not_repeated_in_the_error() {
    let error = "https://user:hunter2@h.example/".parse::<CallbackUrl>().unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}
