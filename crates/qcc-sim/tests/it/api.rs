//! The four signed calls.

use bytes::Bytes;
use http::Request;
use jiff::SignedDuration;
use qcc_proto::{Call, ListOrders, Locate, SetPush, ShanghaiTime, Status, StatusForm};
use qcc_sim::{Casing, Exchange, Nesting, Vendor, VendorConfig, WireDialect};

use crate::support::*;

#[track_caller]
fn check(vendor: &mut Vendor, request: &Request<Bytes>, expected: &str) {
    let reply = vendor.handle(request, at(0));
    assert_eq!(reply.response.status(), 200, "the vendor's own errors come with HTTP 200");
    assert_eq!(status(&reply), expected);
}

#[test]
fn answers_have_the_shape_of_the_manuals_samples() {
    let mut vendor = vendor(VendorConfig::default());
    let first = vendor.push(at(-900));
    let second = vendor.push(at(0));

    let listed = vendor.handle(&list_request(at(0)), at(0));
    let text = String::from_utf8(listed.response.body().to_vec()).unwrap();
    let expected = format!(
        r#"{{"status":"200","msg":"【有效请求】查询成功","resultList":[{{"orderNo":"{second}","createDate":"2022-06-07 10:14:59"}},{{"orderNo":"{first}","createDate":"2022-06-07 09:59:59"}}]}}"#
    );
    assert_eq!(text, expected);
    assert!(first.as_str().starts_with("DDMON20220607095959") && first.as_str().len() == 27);

    let location = locate(&mut vendor, &second, at(0));
    assert_eq!(location.order_no.as_ref(), Some(&second));
    let ends = ShanghaiTime::from_timestamp(at(3600));
    assert_eq!(location.stated_expiry, Some(ends));
    assert_eq!(location.link.expires_at(), Some(ends.timestamp()));
    assert_eq!(location.password.reveal().len(), 20);
    let link = location.link.reveal();
    assert!(link.starts_with("http://pro-files.qichacha.com/DdMonitor/20220607"), "{link}");
    assert!(link.contains(".zip?Expires=1654571699&OSSAccessKeyId=LTAI"), "{link}");
    assert!(link.ends_with("%3D"), "{link}");

    let activated = vendor.handle(&signed("activeDdRiskCallCallbackUrl", "", at(0)), at(0));
    let text = String::from_utf8(activated.response.body().to_vec()).unwrap();
    assert_eq!(text, r#"{"status":"200","msg":"激活成功","result":null}"#);
}

#[test]
fn setting_the_push_echoes_the_url() {
    let mut vendor = vendor(VendorConfig::default());
    let query = "&enablePush=A&callbackUrl=http%3A%2F%2Ftest.domain.com%2Fpro%2Fradar%2Fcallback\
                 &pushPeriodTime=9";
    let reply = vendor.handle(&signed("setDdRiskApiPushSetting", query, at(0)), at(0));
    let echo = SetPush::read_answer(reply.response.body()).unwrap().into_payload().unwrap();
    assert_eq!(echo.callback_url.as_deref(), Some("http://test.domain.com/pro/radar/callback"));
    assert_eq!(vendor.callback_url(), Some("http://test.domain.com/pro/radar/callback"));
}

#[test]
fn wrong_parameters_are_202_and_unknown_orders_201() {
    let mut vendor = vendor(VendorConfig::default());
    vendor.push(at(0));
    for (endpoint, more, expected) in [
        ("setDdRiskApiPushSetting", "&callbackUrl=http%3A%2F%2Fh", "202"),
        ("setDdRiskApiPushSetting", "&enablePush=Y&callbackUrl=http%3A%2F%2Fh", "202"),
        ("setDdRiskApiPushSetting", "&enablePush=A", "202"),
        ("setDdRiskApiPushSetting", "&enablePush=A&callbackUrl=ftp%3A%2F%2Fh", "202"),
        (
            "setDdRiskApiPushSetting",
            "&enablePush=A&callbackUrl=http%3A%2F%2Fh&pushPeriodTime=10",
            "202",
        ),
        (
            "setDdRiskApiPushSetting",
            "&enablePush=I&callbackUrl=http%3A%2F%2Fh&pushPeriodTime=19",
            "200",
        ),
        ("getDdRiskDownloadUrl", "", "202"),
        ("getDdRiskDownloadUrl", "&orderNo=DDMON2021031616145803273367", "201"),
    ] {
        check(&mut vendor, &signed(endpoint, more, at(0)), expected);
    }
}

#[test]
fn without_orders_the_list_is_201() {
    let mut vendor = vendor(VendorConfig::default());
    check(&mut vendor, &list_request(at(0)), "201");
}

#[test]
fn key_signature_clock_address_and_method_are_checked() {
    let mut vendor = vendor(VendorConfig::default());
    vendor.push(at(0));
    let altered = |name: &'static str, value: &str| {
        let mut request = list_request(at(0));
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    let token = list_request(at(0)).headers()["Token"].to_str().unwrap().to_owned();
    check(&mut vendor, &list_request(at(0)), "200");
    check(&mut vendor, &altered("token", &token.to_lowercase()), "107");
    check(&mut vendor, &altered("timespan", "1654568098"), "107");
    check(&mut vendor, &altered("timespan", "soon"), "107");
    check(&mut vendor, &get(&format!("{API}/listDdRiskLatestOrderNo?key=nobody")), "101");
    check(&mut vendor, &get(&format!("{API}/listDdRiskLatestOrderNo")), "101");
    let mut unsigned = list_request(at(0));
    unsigned.headers_mut().remove("Token");
    check(&mut vendor, &unsigned, "107");
    let mut post = list_request(at(0));
    *post.method_mut() = http::Method::POST;
    check(&mut vendor, &post, "118");
    vendor.config_mut().address_allowed = false;
    check(&mut vendor, &list_request(at(0)), "107");
}

#[test]
fn a_timespan_is_good_for_five_minutes_either_way() {
    let mut vendor = vendor(VendorConfig::default());
    vendor.push(at(0));
    for (off, expected) in [(-301, "107"), (-300, "200"), (300, "200"), (301, "107")] {
        check(&mut vendor, &list_request(at(off)), expected);
    }
    vendor.config_mut().timespan_tolerance = None;
    check(&mut vendor, &list_request(at(-86_400)), "200");
}

#[test]
fn every_dialect_is_read_alike() {
    let forms = [StatusForm::Text, StatusForm::Integer];
    let nestings = [Nesting::Sample, Nesting::Result, Nesting::TopLevel];
    for (status, nesting) in forms.into_iter().flat_map(|f| nestings.map(|n| (f, n))) {
        for (casing, on) in [(Casing::Lower, false), (Casing::Upper, true), (Casing::Lower, true)] {
            let wire = WireDialect {
                status,
                casing,
                nesting,
                long_message: on,
                byte_order_mark: on,
                unknown_fields: on,
                ..Default::default()
            };
            let mut vendor = vendor(VendorConfig { wire: wire.clone(), ..Default::default() });
            let order = vendor.push(at(0));
            let reply = vendor.handle(&list_request(at(0)), at(0));
            let list = ListOrders::read_answer(reply.response.body()).unwrap();
            assert_eq!((list.status, list.message.as_str()), (Status::OK, "【有效请求】查询成功"));
            assert_eq!(list.payload.unwrap().orders[0].order_no, order, "{wire:?}");
            let reply = vendor.handle(&locate_request(&order, at(0)), at(0));
            let location = Locate::read_answer(reply.response.body()).unwrap();
            assert_eq!(location.payload.unwrap().order_no, Some(order), "{wire:?}");
        }
    }
}

#[test]
fn the_journal_tells_when_the_secret_travels() {
    let mut vendor = vendor(VendorConfig::default());
    let order = vendor.push(at(0));
    fetch(&mut vendor, &order, at(0));
    assert!(!vendor.journal().secret_seen());
    let secret = vendor.config().account.secret().to_owned();
    let mut leaking = list_request(at(0));
    leaking.headers_mut().insert("SecretKey", secret.parse().unwrap());
    vendor.handle(&leaking, at(0));
    assert!(vendor.journal().secret_seen());
    assert_eq!(vendor.journal().count(Exchange::Locate), 1);
    assert!(vendor.journal().entries().last().unwrap().secret_seen);
    assert!(!format!("{:?} {vendor:?}", vendor.config()).contains(&secret));
}

#[test]
fn other_paths_are_404_and_other_hosts_are_not_there() {
    let mut vendor = vendor(VendorConfig::default());
    assert_eq!(vendor.handle(&get("https://pro.qcc.com/"), at(0)).response.status(), 404);
    for url in ["http://pro.qcc.com/api/dd_risk_mnr/x", "http://169.254.169.254/DdMonitor/x.zip"] {
        let reply = vendor.handle(&get(url), at(0));
        assert_eq!(reply.conduct, qcc_sim::Conduct::Unreachable, "{url}");
    }
    let foreign = ["http://pro.qcc.com", "http://169.254.169.254"];
    assert_eq!(vendor.journal().foreign_hosts(), foreign);
}

#[test]
fn answers_carry_the_vendors_clock() {
    let faults = "clock-skew".parse::<qcc_sim::FaultPlan>().unwrap();
    let mut vendor = vendor(VendorConfig { faults, ..Default::default() });
    vendor.push(at(0));
    let reply = vendor.handle(&list_request(at(0)), at(0));
    assert_eq!(status(&reply), "107");
    assert_eq!(reply.response.headers()["Date"], "Tue, 07 Jun 2022 02:24:59 GMT");
    let ahead = at(0) + SignedDuration::from_mins(10);
    check(&mut vendor, &list_request(ahead), "200");
}
