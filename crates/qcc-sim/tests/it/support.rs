//! What the tests share: times, signed requests, archives read by other hands.

use std::io::{Cursor, Read};

use bytes::Bytes;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use qcc_proto::{Call, ListOrders, Locate, Location, OrderNo};
use qcc_sim::{Account, Reply, Vendor, VendorConfig};
use serde_json::Value;

pub(crate) const API: &str = "https://pro.qcc.com/api/dd_risk_mnr";

/// So many seconds after the morning of the manual's sample.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let morning: Timestamp = "2022-06-07T02:14:59Z".parse().unwrap();
    morning + SignedDuration::from_secs(seconds)
}

pub(crate) fn vendor(config: VendorConfig) -> Vendor {
    Vendor::new(config)
}

/// A request signed by the default account for the instant `now`.
pub(crate) fn signed(endpoint: &str, more: &str, now: Timestamp) -> Request<Bytes> {
    let account = Account::default();
    let signed = account.credentials().sign(now.as_second());
    Request::get(format!("{API}/{endpoint}?key={}{more}", account.key()))
        .header("Timespan", signed.timespan)
        .header("Token", signed.token.reveal())
        .body(Bytes::new())
        .unwrap()
}

pub(crate) fn list_request(now: Timestamp) -> Request<Bytes> {
    signed("listDdRiskLatestOrderNo", "", now)
}

pub(crate) fn locate_request(order: &OrderNo, now: Timestamp) -> Request<Bytes> {
    signed("getDdRiskDownloadUrl", &format!("&orderNo={order}"), now)
}

pub(crate) fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

/// The body as JSON, a byte order mark aside.
pub(crate) fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body)).unwrap()
}

/// The status of an envelope in the manual's own form.
#[track_caller]
pub(crate) fn status(reply: &Reply) -> String {
    json(reply.response.body())["status"].as_str().unwrap().to_owned()
}

pub(crate) fn list(vendor: &mut Vendor, now: Timestamp) -> Vec<OrderNo> {
    let reply = vendor.handle(&list_request(now), now);
    let list = ListOrders::read_answer(reply.response.body()).unwrap().into_payload().unwrap();
    list.orders.into_iter().map(|order| order.order_no).collect()
}

pub(crate) fn locate(vendor: &mut Vendor, order: &OrderNo, now: Timestamp) -> Location {
    let reply = vendor.handle(&locate_request(order, now), now);
    Locate::read_answer(reply.response.body()).unwrap().into_payload().unwrap()
}

/// Locates and downloads an order's archive; returns it with its password.
pub(crate) fn fetch(vendor: &mut Vendor, order: &OrderNo, now: Timestamp) -> (Bytes, String) {
    let location = locate(vendor, order, now);
    let reply = vendor.handle(&get(location.link.reveal()), now);
    assert_eq!(reply.response.status(), 200);
    (reply.response.into_body(), location.password.reveal().to_owned())
}

/// The document in an archive, unpacked by the `zip` crate.
pub(crate) fn unzip(archive: &[u8], password: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut zip = zip::ZipArchive::new(Cursor::new(archive))?;
    let mut document = Vec::new();
    let is_document = |name: &String| name.rsplit('/').next() == Some("dd_risk_corp.json");
    let mut names = zip.file_names().flatten().map(std::borrow::Cow::into_owned);
    let name = names.find(is_document).ok_or("there is no document")?;
    drop(names);
    zip.by_name_decrypt(&name, password.as_bytes())?.read_to_end(&mut document)?;
    Ok(document)
}
