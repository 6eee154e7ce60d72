//! One download at a file host that breaks off, ignores what it is asked, or sends
//! something else.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full, StreamBody};
use qcc_http::{
    AddressChecks, Body, Client, SendOptions, Transport, TransportError, TransportErrorKind,
};
use qcc_proto::Endpoint;
use qcc_sim::{SimTransport, VendorConfig};
use qcc_sync::{
    Archives, Engine, Order, OrderFilter, Parts, Policy, ReasonCode, State, Store, Worker,
};

use crate::world::{World, paused};

const LOCATION: &str = r#"{"status":"200","msg":"ok","result":{
    "downloadUrl":"http://pro-files.qichacha.com/file.zip?Expires=4102444800&Signature=x",
    "downloadUrlExpiredTime":"2099-12-31 23:59:59","unzipPassword":"p"}}"#;

/// What the host does with a request that goes on at some byte.
type Manner = fn(&[u8], usize) -> Response<Body>;

/// The vendor's list, and a host of our own for the file.
struct Host {
    vendor: SimTransport,
    file: Vec<u8>,
    manner: Manner,
    /// Where each request wanted to go on.
    asked: Arc<Mutex<Vec<usize>>>,
}

impl Transport for Host {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: &SendOptions,
    ) -> Result<Response<Body>, TransportError> {
        if request.uri().path().ends_with(Endpoint::Locate.path()) {
            return Ok(Response::new(pieces(vec![Ok(LOCATION.into())])));
        }
        if request.uri().path() != "/file.zip" {
            return self.vendor.send(request, options).await;
        }
        let range = request.headers().get(header::RANGE).map(|range| range.to_str().unwrap());
        let offset = range.map_or(0, |range| {
            range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap()
        });
        self.asked.lock().unwrap().push(offset);
        Ok((self.manner)(&self.file, offset))
    }

    fn address_checks(&self) -> AddressChecks {
        self.vendor.address_checks()
    }
}

fn pieces(pieces: Vec<Result<Bytes, TransportError>>) -> Body {
    let frame = |piece| Full::new(piece).frame().now_or_never().flatten().unwrap().unwrap();
    let frames: Vec<_> = pieces.into_iter().map(|piece| piece.map(frame)).collect();
    Body::new(StreamBody::new(futures_util::stream::iter(frames)))
}

fn broken() -> Result<Bytes, TransportError> {
    Err(TransportError::new(TransportErrorKind::Broken))
}

/// The answer's head for what is left of a file.
fn head(file: &[u8], offset: usize, body: Vec<Result<Bytes, TransportError>>) -> Response<Body> {
    let (length, left) = (file.len(), file.len() - offset);
    let mut answer =
        Response::builder().header(header::ETAG, "\"one\"").header(header::CONTENT_LENGTH, left);
    if offset > 0 {
        let range = format!("bytes {offset}-{}/{length}", length - 1);
        answer = answer.status(206).header(header::CONTENT_RANGE, range);
    }
    answer.body(pieces(body)).unwrap()
}

struct Story {
    world: World,
    engine: Engine,
    asked: Arc<Mutex<Vec<usize>>>,
}

impl Story {
    fn new(length: usize, manner: Manner, policy: Policy) -> Self {
        let world = World::new(VendorConfig { seed: 5, ..VendorConfig::default() });
        world.push(1);
        let (clock, asked) = (world.clock, Arc::<Mutex<Vec<usize>>>::default());
        let vendor = SimTransport::new(world.vendor.clone(), move || qcc_sync::Clock::now(&clock));
        let file = (0..length).map(|n| (n % 251) as u8).collect();
        let transport = Host { vendor, file, manner, asked: asked.clone() };
        let credentials = world.vendor.lock().unwrap().config().account.credentials().clone();
        let engine = Engine::new(Parts {
            client: Client::with_transport(credentials, transport),
            store: world.store.clone(),
            archives: world.archives.clone(),
            clock: Arc::new(clock),
            worker: Worker { name: "w".into(), term: Duration::from_secs(600) },
            policy,
        });
        Self { world, engine, asked }
    }

    async fn run(&self) {
        self.engine.settle(Duration::ZERO, &()).await.unwrap();
    }

    fn asked(&self) -> Vec<usize> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    async fn order(&self) -> Order {
        self.world.store.orders(&OrderFilter::default()).await.unwrap().remove(0)
    }

    async fn check_waits(&self, code: ReasonCode, said: &str) {
        let order = self.order().await;
        let State::Waiting { reason, .. } = &order.state else { panic!("{order:?}") };
        assert_eq!(reason.code, code, "{reason}");
        assert!(reason.detail.contains(said), "{reason}");
    }

    async fn kept(&self) -> Vec<u64> {
        let shelved = self.world.archives.shelved(None, 99).await.unwrap();
        shelved.iter().map(|shelved| shelved.archive.size).collect()
    }
}

#[test]
fn a_download_that_breaks_off_goes_on_eight_times_at_once_and_later_where_it_was() {
    paused(async {
        let ten = |file: &[u8], offset: usize| {
            let piece = Bytes::copy_from_slice(&file[offset..offset + 10]);
            head(file, offset, vec![Ok(piece), broken()])
        };
        let story = Story::new(1000, ten, Policy::default());
        story.run().await;
        assert_eq!(story.asked(), [0, 10, 20, 30, 40, 50, 60, 70, 80]);
        story.check_waits(ReasonCode::Transient, "broke off after 90 bytes").await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        story.run().await;
        assert_eq!(story.asked()[..2], [90, 100]);
    });
}

#[test]
fn an_answer_that_ends_early_is_no_whole_file() {
    paused(async {
        let short = |file: &[u8], offset: usize| {
            let end = (offset + 400).min(file.len());
            head(file, offset, vec![Ok(Bytes::copy_from_slice(&file[offset..end]))])
        };
        let story = Story::new(1000, short, Policy::default());
        story.run().await;
        assert_eq!(story.asked()[..3], [0, 400, 800]);
    });
}

#[test]
fn a_download_that_brings_nothing_waits_at_once() {
    paused(async {
        let nothing = |file: &[u8], offset: usize| head(file, offset, vec![broken()]);
        let story = Story::new(1000, nothing, Policy::default());
        story.run().await;
        assert_eq!(story.asked(), [0]);
        story.check_waits(ReasonCode::Transient, "broke off after 0 bytes").await;
    });
}

#[test]
fn a_host_that_is_busy_meanwhile_costs_nothing_of_what_came() {
    paused(async {
        let busy = |file: &[u8], offset: usize| {
            if offset > 0 {
                return Response::builder().status(503).body(pieces(vec![])).unwrap();
            }
            head(file, 0, vec![Ok(Bytes::copy_from_slice(&file[..10])), broken()])
        };
        let story = Story::new(1000, busy, Policy::default());
        story.run().await;
        assert_eq!(story.asked(), [0, 10]);
        tokio::time::sleep(Duration::from_secs(60)).await;
        story.run().await;
        assert_eq!(story.asked(), [10]);
    });
}

#[test]
fn a_host_that_begins_anew_gives_the_file_once() {
    paused(async {
        let anew = |file: &[u8], offset: usize| {
            let end = if offset == 0 { 10 } else { file.len() };
            let mut body = vec![Ok(Bytes::copy_from_slice(&file[..end]))];
            if offset == 0 {
                body.push(broken());
            }
            head(file, 0, body)
        };
        let mut policy = Policy::default();
        policy.archive_size = 1000;
        let story = Story::new(1000, anew, policy);
        story.run().await;
        assert_eq!(story.asked()[..2], [0, 10]);
        let order = story.order().await;
        assert_eq!(order.state.reason().unwrap().code, ReasonCode::ArchiveDamaged, "{order:?}");
    });
}

#[test]
fn a_file_as_large_as_may_be_is_kept_and_a_larger_one_needs_a_person() {
    for (limit, fits) in [(1000, true), (999, false)] {
        paused(async {
            let whole = |file: &[u8], offset: usize| {
                let (one, two) = file.split_at(500);
                let body = [one, two].map(|piece| Ok(Bytes::copy_from_slice(piece)));
                head(file, offset, body.into())
            };
            let mut policy = Policy::default();
            policy.archive_size = limit;
            let story = Story::new(1000, whole, policy);
            story.run().await;
            let order = story.order().await;
            let code = order.state.reason().unwrap().code;
            // What is kept is no archive, and is removed again.
            let expected =
                if fits { ReasonCode::ArchiveDamaged } else { ReasonCode::ArchiveRefused };
            assert_eq!((code, story.kept().await), (expected, vec![]), "{order:?}");
            assert_eq!(matches!(order.state, State::Quarantined { .. }), !fits);
        });
    }
}

#[test]
fn a_page_instead_of_an_archive_is_told_for_what_it_is() {
    for (page, said) in [
        ("<!DOCTYPE html><html><body>Login</body></html>", "an HTML page"),
        (
            "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>",
            "the file host's error NoSuchKey",
        ),
        ("<?xml version=\"1.0\"?><note/>", "an XML page"),
    ] {
        paused(async {
            let pages = |file: &[u8], _: usize| {
                let texts = [
                    "<!DOCTYPE html><html><body>Login</body></html>",
                    "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>",
                    "<?xml version=\"1.0\"?><note/>",
                ];
                let text = texts.into_iter().find(|text| text.len() == file.len()).unwrap();
                head(file, 0, vec![Ok(text.into())])
            };
            let story = Story::new(page.len(), pages, Policy::default());
            story.run().await;
            story.check_waits(ReasonCode::ArchiveDamaged, said).await;
        });
    }
}
