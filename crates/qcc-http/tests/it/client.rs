//! The signed calls, against a server by other hands.

use jiff::{SignedDuration, Timestamp};
use qcc_http::{Client, Error, ErrorClass, PushEchoed};
use qcc_proto::{CallbackUrl, Endpoint, OrderNo, PushSetting, PushWindow, Status};
use qcc_sign::Credentials;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

use crate::support::{Canned, KEY, answer, chain, client, credentials, fixture};

const CALLBACK: &str = "http://test.domain.com/pro/radar/callback";
const ORDER: &str = "DDMON2022060710145913059094";

fn setting() -> PushSetting {
    PushSetting::new(CALLBACK.parse::<CallbackUrl>().unwrap())
        .with_window(PushWindow::try_from(9).unwrap())
}

fn order() -> OrderNo {
    ORDER.parse().unwrap()
}

/// A call by its endpoint, its success in words.
async fn call(client: &Client, endpoint: Endpoint, now: Timestamp) -> Result<String, Error> {
    match endpoint {
        Endpoint::SetPush => client.set_push(&setting(), now).await.map(|echo| format!("{echo:?}")),
        Endpoint::Activate => client.activate(now).await.map(|()| "done".to_owned()),
        Endpoint::ListOrders => {
            client.list_orders(now).await.map(|list| format!("{} orders", list.orders.len()))
        }
        Endpoint::Locate => {
            client.locate(&order(), now).await.map(|found| found.link.without_query().to_owned())
        }
        other => panic!("{other:?} is new: test it"),
    }
}

/// A vendor that answers everything the same.
async fn vendor(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    server
}

fn json(body: impl Into<Vec<u8>>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.into(), "application/json;charset=UTF-8")
}

async fn requests(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

fn sent(request: &Request, name: &str) -> String {
    request.headers.get(name).unwrap().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_call_goes_out_as_the_manual_has_it() {
    for (endpoint, body, target) in [
        (
            Endpoint::SetPush,
            "set-push.json",
            format!(
                "/api/dd_risk_mnr/setDdRiskApiPushSetting?key={KEY}&enablePush=A&callbackUrl=\
                 http%3A%2F%2Ftest.domain.com%2Fpro%2Fradar%2Fcallback&pushPeriodTime=9"
            ),
        ),
        (
            Endpoint::Activate,
            "activate.json",
            format!("/api/dd_risk_mnr/activeDdRiskCallCallbackUrl?key={KEY}"),
        ),
        (
            Endpoint::ListOrders,
            "list.json",
            format!("/api/dd_risk_mnr/listDdRiskLatestOrderNo?key={KEY}"),
        ),
        (
            Endpoint::Locate,
            "locate.json",
            format!("/api/dd_risk_mnr/getDdRiskDownloadUrl?key={KEY}&orderNo={ORDER}"),
        ),
    ] {
        let server = Canned::start([answer(200, "", fixture(body))]).await;
        let now = Timestamp::from_second(1_654_573_158).unwrap();
        call(&client(&server.url("/prefix/")), endpoint, now).await.unwrap();
        let heads = server.heads();
        assert_eq!(heads.len(), 1);
        let head = &heads[0];
        assert_eq!(head.lines().next().unwrap(), format!("GET /prefix{target} HTTP/1.1"));
        let value = |name| head.lines().find_map(|line| line.strip_prefix(name));
        assert_eq!(value("Timespan: "), Some("1654573158"), "{head}");
        assert!(credentials().verify("1654573158", value("Token: ").unwrap()));
        assert!(!head.to_ascii_lowercase().contains("secret"));
    }
}

#[track_caller]
fn judged(name: &str, seen: &Result<String, Error>, expected: &Result<&str, ErrorClass>) {
    let seen = seen.as_ref().map(String::as_str).map_err(Error::class);
    assert_eq!(seen, *expected, "{name}");
}

#[tokio::test]
async fn every_recorded_answer_is_read_for_what_it_is() {
    use Endpoint::{Activate, ListOrders, Locate, SetPush};

    let file =
        Ok("http://pro-files.qichacha.com/DdMonitor/20220607484ed739c6ff4f74907c040d445a01fd.zip");
    for (name, endpoint, expected) in [
        ("set-push.json", SetPush, Ok("Yes")),
        ("set-push-top-level.json", SetPush, Ok("Yes")),
        ("set-push-no-echo.json", SetPush, Ok("No")),
        ("set-push-other-url.json", SetPush, Err(ErrorClass::Setup)),
        ("activate.json", Activate, Ok("done")),
        ("activate-result-text.json", Activate, Ok("done")),
        ("list.json", ListOrders, Ok("2 orders")),
        ("list-bom.json", ListOrders, Ok("2 orders")),
        ("list-upper-case.json", ListOrders, Ok("2 orders")),
        ("list-int-status.json", ListOrders, Ok("2 orders")),
        ("list-full-window.json", ListOrders, Ok("30 orders")),
        ("no-result-201.json", ListOrders, Ok("0 orders")),
        ("no-result-201.json", Locate, Err(ErrorClass::Refused)),
        ("locate.json", Locate, file),
        ("locate-top-level.json", Locate, file),
        ("locate-upper-case.json", Locate, file),
        ("locate-int-status.json", Locate, file),
        ("locate-null-result.json", Locate, Err(ErrorClass::Transient)),
        ("locate-empty-password.json", Locate, Err(ErrorClass::Transient)),
        ("not-ready-205.json", Locate, Err(ErrorClass::NotYet)),
        ("refused-101.json", ListOrders, Err(ErrorClass::Account)),
        ("refused-107.json", ListOrders, Err(ErrorClass::ClockOrSignature)),
        ("refused-107-message.json", SetPush, Err(ErrorClass::ClockOrSignature)),
        ("refused-199.json", Activate, Err(ErrorClass::Transient)),
        ("unknown-299.json", Locate, Err(ErrorClass::UnknownStatus)),
        ("array.json", ListOrders, Err(ErrorClass::Transient)),
        ("empty.txt", Activate, Err(ErrorClass::Transient)),
        ("deep.json", ListOrders, Err(ErrorClass::Transient)),
        ("status-missing.json", Locate, Err(ErrorClass::Transient)),
        ("truncated.json", Locate, Err(ErrorClass::Transient)),
        ("proxy-502.html", ListOrders, Err(ErrorClass::Transient)),
    ] {
        let server = vendor(json(fixture(name))).await;
        let seen = call(&client(&server.uri()), endpoint, Timestamp::now()).await;
        judged(name, &seen, &expected);
        assert_eq!(requests(&server).await.len(), 1, "{name} was asked for again");
    }
}

#[tokio::test]
async fn a_status_decides_what_to_do() {
    for (code, class) in [
        (200, None),
        (205, Some(ErrorClass::NotYet)),
        (203, Some(ErrorClass::Transient)),
        (500, Some(ErrorClass::Transient)),
        (106, Some(ErrorClass::CoolOff)),
        (116, Some(ErrorClass::DailyLimit)),
        (115, Some(ErrorClass::ClockOrSignature)),
        (112, Some(ErrorClass::Account)),
        (202, Some(ErrorClass::Refused)),
        (777, Some(ErrorClass::UnknownStatus)),
    ] {
        let server = vendor(json(format!(r#"{{"status":"{code}","msg":"m"}}"#))).await;
        let seen = client(&server.uri()).activate(Timestamp::now()).await;
        assert_eq!(seen.as_ref().err().map(Error::class), class, "{code}");
        assert_eq!(seen.err().and_then(|error| error.status()), class.map(|_| Status::new(code)));
    }
}

#[tokio::test]
async fn the_http_status_comes_before_the_envelope() {
    for (http, class) in [
        (500, ErrorClass::Transient),
        (502, ErrorClass::Transient),
        (429, ErrorClass::Transient),
        (302, ErrorClass::Setup),
        (403, ErrorClass::Setup),
        (404, ErrorClass::Setup),
        (407, ErrorClass::Setup),
    ] {
        let template = ResponseTemplate::new(http)
            .insert_header("location", "/elsewhere")
            .set_body_raw(fixture("list.json"), "application/json");
        let server = vendor(template).await;
        let error = client(&server.uri()).list_orders(Timestamp::now()).await.unwrap_err();
        assert_eq!(error.class(), class, "{http}");
        let Error::Http { http: seen, .. } = &error else { panic!("{error:?}") };
        assert_eq!(seen.as_u16(), http);
        assert_eq!(requests(&server).await.len(), 1, "{http} was followed or repeated");
    }
}

#[tokio::test]
async fn an_envelope_counts_with_http_200_alone() {
    for http in [201, 202, 203, 204, 206, 299] {
        let body = if http == 204 { Vec::new() } else { fixture("list.json") };
        let server = Canned::start([answer(http, "Content-Range: bytes 0-1/2\r\n", body)]).await;
        let error = client(&server.url("")).list_orders(Timestamp::now()).await.unwrap_err();
        let Error::Http { http: seen, .. } = &error else { panic!("{http}: {error:?}") };
        assert_eq!((seen.as_u16(), error.class()), (http, ErrorClass::Transient));
        assert!(error.advice().unwrap().contains("answers with HTTP 200 only"), "{error}");
        assert_eq!(server.heads().len(), 1);
    }
}

#[tokio::test]
async fn a_compressed_answer_is_said_to_be_one() {
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56\0\0".as_slice();
    for (headers, coding) in
        [("Content-Encoding: gzip\r\n", "gzip"), ("", "gzip"), ("Content-Encoding: br\r\n", "br")]
    {
        let server = Canned::start([answer(200, headers, gzip)]).await;
        let error = client(&server.url("")).list_orders(Timestamp::now()).await.unwrap_err();
        assert!(error.is_transient());
        let text = error.to_string();
        assert!(text.contains(&format!("compressed ({coding})")), "{text}");
    }
    // A header that lies about a plain answer does no harm.
    let lying = answer(200, "Content-Encoding: gzip\r\n", fixture("list.json"));
    let server = Canned::start([lying]).await;
    client(&server.url("")).list_orders(Timestamp::now()).await.unwrap();
}

#[tokio::test]
async fn the_page_of_a_proxy_keeps_its_status_and_its_words() {
    let template = ResponseTemplate::new(502).set_body_raw(fixture("proxy-502.html"), "text/html");
    let server = vendor(template).await;
    let error = client(&server.uri()).list_orders(Timestamp::now()).await.unwrap_err();
    assert!(error.is_transient());
    let text = chain(&error);
    assert!(text.contains("HTTP 502") && text.contains("nginx"), "{text}");

    let server =
        vendor(ResponseTemplate::new(200).set_body_raw("<h1>Please log in</h1>", "text/html"));
    let error = client(&server.await.uri()).activate(Timestamp::now()).await.unwrap_err();
    let text = chain(&error);
    assert!(text.contains("Please log in") && text.contains("not JSON"), "{text}");
}

/// `Date` as the vendor's server writes it.
fn date(at: Timestamp) -> String {
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[tokio::test]
async fn a_wrong_clock_is_made_up_for_once() {
    let (ours, theirs) = (at(1_700_000_000), at(1_700_000_600));
    let header = format!("Date: {}\r\n", date(theirs));
    let refused = answer(200, &header, fixture("refused-107.json"));
    let server = Canned::start([refused, answer(200, &header, fixture("list.json"))]).await;
    let list = client(&server.url("")).list_orders(ours).await.unwrap();
    assert_eq!(list.orders.len(), 2);
    let timespans: Vec<_> = server
        .heads()
        .iter()
        .map(|head| {
            let value = |name| head.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            assert!(credentials().verify(value("Timespan: "), value("Token: ")));
            value("Timespan: ").to_owned()
        })
        .collect();
    assert_eq!(timespans, ["1700000000", "1700000600"]);
}

#[track_caller]
fn check_refusal(error: &Error, skew: Option<i64>, words: &str) {
    assert_eq!(error.class(), ErrorClass::ClockOrSignature);
    assert_eq!(error.skew(), skew.map(SignedDuration::from_secs));
    assert!(error.to_string().contains(words), "{error}");
}

#[tokio::test]
async fn a_signature_that_stays_refused_is_reported_with_the_skew() {
    let ours = at(1_700_000_000);
    for (theirs, attempts, words) in [
        (1_700_000_600, 2, "600 s behind the vendor's"),
        (1_699_999_000, 2, "1000 s ahead of the vendor's"),
        (1_700_000_060, 1, "agree within 60 s"),
        (1_699_999_990, 1, "agree within 10 s"),
        (1_700_000_000, 1, "agree within 1 s"),
    ] {
        let header = format!("Date: {}\r\n", date(at(theirs)));
        let server = Canned::start([answer(200, &header, fixture("refused-107.json"))]).await;
        let error = client(&server.url("")).list_orders(ours).await.unwrap_err();
        check_refusal(&error, Some(theirs - ours.as_second()), words);
        assert_eq!(server.heads().len(), attempts, "{theirs}");
    }
    for header in ["", "Date: yesterday\r\n"] {
        let server = Canned::start([answer(200, header, fixture("refused-107.json"))]).await;
        let error = client(&server.url("")).list_orders(ours).await.unwrap_err();
        check_refusal(&error, None, "107");
        assert_eq!(server.heads().len(), 1);
    }
}

#[tokio::test]
async fn only_a_refused_signature_is_signed_again() {
    let header = format!("Date: {}\r\n", date(at(1_700_009_999)));
    for name in ["refused-101.json", "refused-199.json", "not-ready-205.json"] {
        let server = Canned::start([answer(200, &header, fixture(name))]).await;
        client(&server.url("")).list_orders(at(1_700_000_000)).await.unwrap_err();
        assert_eq!(server.heads().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn an_answer_about_another_order_is_refused() {
    let server = vendor(json(fixture("locate.json"))).await;
    let asked: OrderNo = "DDMON1".parse().unwrap();
    let error = client(&server.uri()).locate(&asked, Timestamp::now()).await.unwrap_err();
    let Error::WrongOrder { answered, .. } = &error else { panic!("{error:?}") };
    assert_eq!(answered, &order());
    assert!(!chain(&error).contains("9TkwzCSilJpsLZyXImLK"));
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let page = format!("{{\"status\":\"200\",\"x\":\"{}\"}}", "x".repeat(5 << 20));
    let server = vendor(json(page)).await;
    let error = client(&server.uri()).list_orders(Timestamp::now()).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 4_194_304, .. }), "{error:?}");
}

#[tokio::test]
async fn a_broken_answer_may_have_arrived_and_is_not_repeated() {
    let whole = answer(200, "", fixture("list.json"));
    for cut in [0, 10, 40, whole.len() - 1] {
        let server = Canned::start([&whole[..cut]]).await;
        let error = client(&server.url("")).list_orders(Timestamp::now()).await.unwrap_err();
        assert!(error.is_transient(), "{cut}: {error:?}");
        assert!(error.may_have_arrived());
        assert_eq!(server.heads().len(), 1);
    }
}

#[tokio::test]
async fn an_unreachable_vendor_got_nothing() {
    let server = Canned::start([""]).await;
    let url = server.url("");
    drop(server);
    let error = client(&url).list_orders(Timestamp::now()).await.unwrap_err();
    assert_eq!((error.class(), error.may_have_arrived()), (ErrorClass::Transient, false));
    let error = client("http://no-such-host.invalid").activate(Timestamp::now()).await.unwrap_err();
    let text = chain(&error);
    assert!(text.starts_with("the host name no-such-host.invalid does not resolve: "), "{text}");
}

#[tokio::test]
async fn signatures_are_made_for_now() {
    let server = vendor(json(fixture("activate.json"))).await;
    let now = at(1_234_567_890);
    client(&server.uri()).activate(now).await.unwrap();
    assert_eq!(sent(&requests(&server).await[0], "timespan"), "1234567890");
}

#[tokio::test]
async fn an_echo_is_compared_byte_for_byte() {
    for (echo, expected) in [
        (format!("{CALLBACK}/"), None),
        (CALLBACK.replace("http", "https"), None),
        (CALLBACK.to_owned(), Some(PushEchoed::Yes)),
    ] {
        let body = format!(r#"{{"status":"200","msg":"","result":{{"callbackUrl":"{echo}"}}}}"#);
        let server = vendor(json(body)).await;
        let seen = client(&server.uri()).set_push(&setting(), Timestamp::now()).await;
        assert_eq!(seen.ok(), expected, "{echo}");
    }
}

#[tokio::test]
async fn a_message_that_repeats_the_key_is_cleaned() {
    let server = vendor(json(format!(r#"{{"status":"101","msg":"KEY {KEY} 无效"}}"#))).await;
    let error = client(&server.uri()).activate(Timestamp::now()).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("KEY … 无效") && !text.contains(KEY), "{text}");
}

#[test]
fn calls_may_move_between_threads() {
    fn is_send<T: Send>(future: T) {
        drop(future);
    }
    let client = client("http://127.0.0.1:1");
    let now = at(0);
    is_send(client.set_push(&setting(), now));
    is_send(client.activate(now));
    is_send(client.list_orders(now));
    is_send(client.locate(&order(), now));
    is_send(client.download(&qcc_proto::DownloadLink::new(""), None));
}

#[tokio::test]
async fn a_renewed_secret_signs_in_every_clone_and_another_account_is_refused() {
    let server = Canned::start([answer(200, "", fixture("activate.json"))]).await;
    let client = client(&server.url(""));
    let clone = client.clone();
    let renewed = Credentials::new(KEY.parse().unwrap(), "renewed".parse().unwrap());
    client.set_credentials(renewed.clone()).unwrap();
    let other = Credentials::new("another".parse().unwrap(), "renewed2".parse().unwrap());
    let error = client.set_credentials(other).unwrap_err().to_string();
    assert!(!error.contains("renewed2"), "{error}");
    clone.activate(at(1_654_573_158)).await.unwrap();
    let head = &server.heads()[0];
    let token = crate::support::header(head, "token").unwrap();
    assert!(renewed.verify("1654573158", token), "{head}");
    assert!(head.contains(&format!("key={KEY}")));
}
