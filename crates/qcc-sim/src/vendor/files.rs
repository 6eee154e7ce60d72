//! The file host: presigned links to archives (6.2.6), as an object store has them.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use qcc_proto::ShanghaiTime;

use super::{Outcome, Vendor, http_date, later, orders::Order, own_header, request};
use crate::{Conduct, Fault, Pace, Reply, seed};

/// Where the archives lie.
pub(super) const FOLDER: &str = "/DdMonitor/";

const ACCESS_KEY: &str = "LTAIvmt6mWz2ZQqu";

/// Path and query of a presigned link.
///
/// The signature is drawn, not computed, but is as good as one: it follows from
/// object and end, and looks like the base64 of a SHA-1.
pub(super) fn link(order: &Order, seed: u64, expires: ShanghaiTime) -> String {
    let ends = expires.timestamp().as_second();
    format!("{}?{}", order.object, signed_query(order, seed, ends))
}

fn signed_query(order: &Order, seed: u64, ends: i64) -> String {
    const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/+/";
    let purpose = format!("signature {}", order.object);
    let mut rng = seed::derive(seed, &purpose, ends.unsigned_abs());
    let signature = seed::letters(&mut rng, BASE64, 27) + "=";
    let signature = utf8_percent_encode(&signature, NON_ALPHANUMERIC);
    format!("Expires={ends}&OSSAccessKeyId={ACCESS_KEY}&Signature={signature}")
}

/// What the file host says when it refuses.
#[derive(Clone, Copy)]
enum Refusal {
    Anonymous,
    Expired,
    Signature,
    NoSuchKey,
    Range,
}

impl Vendor {
    pub(super) fn download(
        &mut self,
        request: &Request<Bytes>,
        fault: Option<Fault>,
        now: Timestamp,
    ) -> Outcome {
        let found = self.orders.iter().position(|order| order.object == request.uri().path());
        if let Some(reply) = self.out(found, fault, now) {
            let no = found.and_then(|index| self.orders.get(index)).map(|order| order.no.clone());
            return Outcome { reply, order: no, status: None };
        }
        let order = found.and_then(|index| self.orders.get(index));
        let no = order.map(|order| order.no.clone());
        let checked = match (order, fault) {
            (_, Some(Fault::NoSuchKey)) | (None, _) => Err(Refusal::NoSuchKey),
            (Some(_), Some(Fault::LinkExpired)) => Err(Refusal::Expired),
            (Some(order), _) => self.check_link(order, request, now),
        };
        let another = |index: usize| match fault {
            Some(Fault::ArchiveOfAnother) if index > 0 => index - 1,
            Some(Fault::ArchiveOfAnother) if self.orders.len() > 1 => index + 1,
            _ => index,
        };
        let reply = match (checked, found.map(another)) {
            (Ok(()), Some(index)) => self.send(index, request, fault, now),
            (Err(refusal), _) => refuse(refusal, now),
            (Ok(()), None) => refuse(Refusal::NoSuchKey, now),
        };
        let reply = match fault {
            Some(Fault::XmlInsteadOfZip) => {
                let mut page = refuse(Refusal::Expired, now);
                *page.response.status_mut() = StatusCode::OK;
                page
            }
            _ => reply,
        };
        let request_id = seed::hex(&mut self.noise, 24).to_ascii_uppercase();
        let reply = reply.with_header(own_header("x-oss-request-id"), &request_id);
        Outcome { reply, order: no, status: None }
    }

    /// The answer of a file host that is out, or about to be.
    fn out(&mut self, found: Option<usize>, fault: Option<Fault>, now: Timestamp) -> Option<Reply> {
        let until = later(now, self.config.outage);
        let lasts = |(_, until): &(Fault, Timestamp)| now < *until;
        self.outage = self.outage.filter(lasts);
        let order = found.and_then(|index| self.orders.get_mut(index));
        match (fault, order) {
            (Some(kind @ (Fault::FileHost503 | Fault::FileHostResets)), _) => {
                self.outage.get_or_insert((kind, until));
            }
            (Some(Fault::Archive503), Some(order)) => {
                order.out_until.get_or_insert(until);
            }
            _ => {}
        }
        let order = found.and_then(|index| self.orders.get(index));
        let one = order.and_then(|order| order.out_until).is_some_and(|until| now < until);
        match self.outage {
            Some((Fault::FileHostResets, _)) => Some(Reply::unseen(Conduct::ResetBefore)),
            None if !one => None,
            _ => Some(Reply::new(StatusCode::SERVICE_UNAVAILABLE, "text/html", Bytes::new())),
        }
    }

    /// The link as it came, byte for byte, the verb, and the headers it signs.
    fn check_link(
        &self,
        order: &Order,
        request: &Request<Bytes>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let query = request.uri().query().unwrap_or_default();
        let ends = query.split('&').find_map(|pair| pair.strip_prefix("Expires="));
        let Some(ends) = ends.and_then(|seconds| seconds.parse::<i64>().ok()) else {
            return Err(Refusal::Anonymous);
        };
        if now.as_second() > ends {
            return Err(Refusal::Expired);
        }
        let signs_more = request.headers().keys().any(|name| {
            *name == header::AUTHORIZATION
                || *name == header::CONTENT_TYPE
                || name.as_str() == "content-md5"
                || name.as_str().starts_with("x-oss-")
        });
        let intact = query == signed_query(order, self.config.seed, ends);
        if request.method() == Method::GET && intact && !signs_more {
            Ok(())
        } else {
            Err(Refusal::Signature)
        }
    }

    fn send(
        &mut self,
        index: usize,
        request: &Request<Bytes>,
        fault: Option<Fault>,
        now: Timestamp,
    ) -> Reply {
        let archive = self.archive(index);
        let (mut etag, modified) = match self.orders.get(index) {
            Some(order) => {
                let mut rng = seed::derive(self.config.seed, "etag", order.index_of());
                (seed::hex(&mut rng, 32), http_date(order.created.timestamp()))
            }
            None => Default::default(),
        };
        if fault == Some(Fault::EtagChanges) {
            etag = seed::hex(&mut self.noise, 32);
        }
        let etag = format!("\"{}\"", etag.to_ascii_uppercase());
        let ranges = fault != Some(Fault::NoRange);
        let asked = request::header(request, "range").filter(|_| ranges);
        let asked = asked.filter(|_| match request::header(request, "if-range") {
            Some(condition) => condition == etag || condition == modified,
            None => true,
        });
        let reply = match asked.and_then(|asked| part(asked, archive.len())) {
            None => Reply::new(StatusCode::OK, "application/zip", archive),
            Some(None) => {
                let reply = refuse(Refusal::Range, now);
                let range = format!("bytes */{}", archive.len());
                return reply.with_header(header::CONTENT_RANGE, &range);
            }
            Some(Some((from, to))) => {
                let off = usize::from(fault == Some(Fault::WrongRange) && from + 1 < to);
                let range = format!("bytes {}-{}/{}", from + off, to - 1, archive.len());
                Reply::new(
                    StatusCode::PARTIAL_CONTENT,
                    "application/zip",
                    archive.slice(from + off..to),
                )
                .with_header(header::CONTENT_RANGE, &range)
            }
        };
        let reply = reply
            .with_header(header::ETAG, &etag)
            .with_header(header::LAST_MODIFIED, &modified)
            .with_header(own_header("x-oss-object-type"), "Normal");
        let reply = match ranges {
            true => reply.with_header(header::ACCEPT_RANGES, "bytes"),
            false => reply,
        };
        self.spoil_body(reply, fault)
    }

    fn spoil_body(&mut self, mut reply: Reply, fault: Option<Fault>) -> Reply {
        let length = reply.response.body().len();
        match fault {
            Some(Fault::TruncatedDownload) => {
                reply.conduct = Conduct::Truncate { after: self.below(length) };
            }
            Some(Fault::StalledDownload) => {
                reply.conduct = Conduct::Stall { after: self.below(length) };
            }
            Some(Fault::CorruptDownload) => {
                let at = self.below(length);
                let mut damaged = reply.response.body().to_vec();
                damaged.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0x04);
                *reply.response.body_mut() = damaged.into();
            }
            Some(Fault::GarbageZip) => {
                let garbage = seed::letters(&mut self.noise, b"0123456789abcdef~{}", length);
                let garbage: Vec<u8> =
                    b"PK\x03\x04".iter().copied().chain(garbage.bytes()).collect();
                *reply.response.body_mut() = Bytes::from(garbage).slice(..length.max(4));
            }
            Some(Fault::SlowBody) => {
                let piece = length.div_ceil(4).max(1);
                reply.pace = Some(Pace { piece, pause: self.config.slow_by });
            }
            _ => {}
        }
        reply
    }
}

/// The part that a `Range` header asks for, from and to, of so many bytes.
///
/// `None` for what is no single range of bytes and is to be ignored;
/// `Some(None)` for one that lies outside.
fn part(range: &str, length: usize) -> Option<Option<(usize, usize)>> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (from, to) {
        ("", last) => (length.saturating_sub(last.parse().ok()?), length),
        (from, "") => (from.parse().ok()?, length),
        (from, to) => (from.parse().ok()?, to.parse::<usize>().ok()?.saturating_add(1).min(length)),
    };
    Some((from < to).then_some((from, to)))
}

fn refuse(refusal: Refusal, now: Timestamp) -> Reply {
    let (status, code, message) = match refusal {
        Refusal::Anonymous => (
            StatusCode::FORBIDDEN,
            "AccessDenied",
            "You have no right to access this object because of bucket acl.",
        ),
        Refusal::Expired => (StatusCode::FORBIDDEN, "AccessDenied", "Request has expired."),
        Refusal::Signature => (
            StatusCode::FORBIDDEN,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. \
             Check your key and signing method.",
        ),
        Refusal::NoSuchKey => {
            (StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.")
        }
        Refusal::Range => (
            StatusCode::RANGE_NOT_SATISFIABLE,
            "InvalidRange",
            "The requested range cannot be satisfied.",
        ),
    };
    let time = now.strftime("%Y-%m-%dT%H:%M:%S.000Z");
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>{code}</Code>\n  \
         <Message>{message}</Message>\n  <HostId>pro-files.qichacha.com</HostId>\n  \
         <ServerTime>{time}</ServerTime>\n</Error>\n"
    );
    Reply::new(status, "application/xml", body.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_part_or_none() {
        for (range, expected) in [
            ("bytes=0-9", Some(Some((0, 10)))),
            ("bytes=90-", Some(Some((90, 100)))),
            ("bytes=90-500", Some(Some((90, 100)))),
            ("bytes=-10", Some(Some((90, 100)))),
            ("bytes=-500", Some(Some((0, 100)))),
            ("bytes=100-", Some(None)),
            ("bytes=9-3", Some(None)),
            ("bytes=-0", Some(None)),
            ("bytes=0-1,5-6", None),
            ("lines=0-9", None),
            ("bytes=x-", None),
        ] {
            assert_eq!(part(range, 100), expected, "{range}");
        }
    }
}
