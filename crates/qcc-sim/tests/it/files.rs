//! The file host.

use bytes::Bytes;
use http::Request;
use qcc_sim::{Vendor, VendorConfig};

use crate::support::*;

/// A vendor with one order, and the link to its archive.
fn located() -> (Vendor, String) {
    let mut vendor = vendor(VendorConfig::default());
    let order = vendor.push(at(0));
    let link = locate(&mut vendor, &order, at(0)).link.reveal().to_owned();
    (vendor, link)
}

#[track_caller]
fn refused(vendor: &mut Vendor, request: &Request<Bytes>, seconds: i64, expected: (u16, &str)) {
    let reply = vendor.handle(request, at(seconds));
    let body = String::from_utf8(reply.response.body().to_vec()).unwrap();
    let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let code = code.map(|(code, _)| code).unwrap_or_default();
    assert_eq!((reply.response.status().as_u16(), code), expected);
    assert_eq!(reply.response.headers()["content-type"], "application/xml");
}

#[test]
fn a_link_lives_an_hour() {
    let (mut vendor, link) = located();
    let whole = vendor.handle(&get(&link), at(3600)).response;
    assert_eq!(whole.status(), 200);
    for name in ["etag", "accept-ranges", "content-length", "last-modified", "date"] {
        assert!(whole.headers().contains_key(name), "{name} is missing");
    }
    refused(&mut vendor, &get(&link), 3601, (403, "AccessDenied"));
    let body = vendor.handle(&get(&link), at(3601)).response.into_body();
    assert!(String::from_utf8_lossy(&body).contains("Request has expired."));
}

#[test]
fn a_link_must_come_back_byte_for_byte() {
    let (mut vendor, link) = located();
    let tampered = |from: &str, to: &str| {
        let changed = link.replace(from, to);
        assert_ne!(changed, link);
        get(&changed)
    };
    let mismatch = (403, "SignatureDoesNotMatch");
    refused(&mut vendor, &tampered("Signature=", "Signature=A"), 1, mismatch);
    refused(&mut vendor, &tampered("%3D", "="), 1, mismatch);
    refused(&mut vendor, &tampered("%3D", "%3d"), 1, mismatch);
    refused(&mut vendor, &tampered("Expires=1654571699", "Expires=1754571699"), 1, mismatch);
    refused(&mut vendor, &tampered("LTAI", "LTAJ"), 1, mismatch);
    refused(&mut vendor, &tampered(".zip?", ".zap?"), 1, (404, "NoSuchKey"));
    refused(&mut vendor, &get(link.split('?').next().unwrap()), 1, (403, "AccessDenied"));
}

#[test]
fn only_get_without_signed_headers_is_let_in() {
    let (mut vendor, link) = located();
    let head = Request::head(&link).body(Bytes::new()).unwrap();
    refused(&mut vendor, &head, 1, (403, "SignatureDoesNotMatch"));
    for name in ["Authorization", "Content-Type", "Content-MD5", "x-oss-date"] {
        let request = Request::get(&link).header(name, "x").body(Bytes::new()).unwrap();
        refused(&mut vendor, &request, 1, (403, "SignatureDoesNotMatch"));
    }
    let request = Request::get(&link).header("User-Agent", "x").body(Bytes::new()).unwrap();
    assert_eq!(vendor.handle(&request, at(1)).response.status(), 200);
}

#[test]
fn parts_join_to_the_whole() {
    let (mut vendor, link) = located();
    let whole = vendor.handle(&get(&link), at(1)).response;
    let (etag, length) = (whole.headers()["etag"].clone(), whole.body().len());
    let mut ask = |range: &str, if_range: &str| {
        let request = Request::get(&link).header("Range", range).header("If-Range", if_range);
        vendor.handle(&request.body(Bytes::new()).unwrap(), at(2)).response
    };
    let etag = etag.to_str().unwrap();
    let first = ask("bytes=0-99", etag);
    let rest = ask("bytes=100-", etag);
    assert_eq!((first.status().as_u16(), rest.status().as_u16()), (206, 206));
    assert_eq!(first.headers()["content-range"], format!("bytes 0-99/{length}"));
    assert_eq!([first.body().as_ref(), rest.body().as_ref()].concat(), whole.body().as_ref());
    assert_eq!(ask("bytes=100-", "\"another\"").body(), whole.body());
    assert_eq!(ask("pages=1", etag).status(), 200);
    let outside = ask(&format!("bytes={length}-"), etag);
    assert_eq!(outside.status(), 416);
    assert_eq!(outside.headers()["content-range"], format!("bytes */{length}"));
}

#[test]
fn an_archive_is_the_same_bytes_whenever_it_is_asked_for() {
    let mut vendor = vendor(VendorConfig::default());
    let orders: Vec<_> = (0..12).map(|n| vendor.push(at(n))).collect();
    let first: Vec<_> = orders.iter().map(|o| fetch(&mut vendor, o, at(20)).0).collect();
    let again: Vec<_> = orders.iter().map(|o| fetch(&mut vendor, o, at(21)).0).collect();
    assert_eq!(first, again);
}
