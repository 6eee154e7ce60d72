//! Whatever happens, and however talkative the logs: no secret shows.

use std::{
    fmt::Write as _,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use qcc_http::Client;
use qcc_proto::DownloadLink;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Canned, KEY, SECRET, answer, chain, client, credentials, fixture};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Runs one call of each kind and writes down all that a program might print.
async fn run(client: &Client, files: &str, shown: &mut String) {
    let now = Timestamp::from_second(1_654_573_158).unwrap();
    let order = "DDMON2022060710145913059094".parse().unwrap();
    match client.locate(&order, now).await {
        Ok(location) => write!(shown, "{location:?}").unwrap(),
        Err(error) => write!(shown, "{error:?} {}", chain(&error)).unwrap(),
    }
    if let Err(error) = client.list_orders(now).await {
        write!(shown, "{error:?} {}", chain(&error)).unwrap();
    }
    let path = "/x.zip?OSSAccessKeyId=LTAIvmt6mWz2ZQqu&Signature=zynZsgtxZsW4bGiJAkY94iyJJYc%3D";
    match client.download(&DownloadLink::new(format!("{files}{path}")), None).await {
        Ok(download) => {
            write!(shown, "{download:?}").unwrap();
            if let Err(error) = download.body.read_within(1000).await {
                write!(shown, "{error:?} {}", chain(&error)).unwrap();
            }
        }
        Err(error) => write!(shown, "{error:?} {}", chain(&error)).unwrap(),
    }
    write!(shown, "{client:?}").unwrap();
}

#[test]
fn no_secret_shows_in_logs_errors_or_debug() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let mut shown = String::new();
    let echo = format!(
        "<html>cannot GET /api?key={KEY} Token: X unzipPassword=9TkwzCSilJpsLZyXImLK Signature=zynZsgtxZsW4bGiJAkY94iyJJYc%3D</html>"
    );
    tracing::subscriber::with_default(subscriber, || {
        // One thread, so that every task logs to this subscriber.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for reply in [
                answer(200, "", fixture("locate.json")),
                answer(200, "", fixture("refused-107.json")),
                answer(200, "", format!(r#"{{"status":"107","msg":"key={KEY}"}}"#)),
                answer(200, "Content-Type: text/html\r\n", &echo),
                answer(502, "Content-Type: text/html\r\n", &echo),
                answer(404, "Content-Type: text/plain\r\n", &echo),
                answer(403, "", fixture("oss-403.xml")),
                answer(200, "", fixture("truncated.json")),
                b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort".to_vec(),
                b"no HTTP at all\r\n\r\n".to_vec(),
                Vec::new(),
            ] {
                let server = Canned::start([reply]).await;
                run(&client(&server.url("")), &server.url(""), &mut shown).await;
            }
            let gone = Canned::start([""]).await.url("");
            run(&client(&gone), &gone, &mut shown).await;
        });
    });
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("DEBUG") && log.contains("locate"), "nothing was logged:\n{log}");
    let token = credentials().sign(1_654_573_158_u64).token;
    for text in [&log, &shown] {
        for secret in [
            SECRET,
            token.reveal(),
            KEY,
            "zynZsgtxZsW4bGiJAkY94iyJJYc",
            "9TkwzCSilJpsLZyXImLK",
            "Signature",
        ] {
            assert!(!text.contains(secret), "{secret} shows in:\n{text}");
        }
    }
}
