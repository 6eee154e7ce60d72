//! What `cargo measure load` measures: a receiver that stores each call in SQLite
//! before it answers, and an axum handler that only answers.
//!
//! `receiver durable FILE` and `receiver bare` listen until they are killed.
//! `receiver count FILE` prints how many orders a store knows. `receiver missing FILE`
//! prints the order numbers from standard input that the store does not know.
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{error::Error, future::pending, io, time::Duration};

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use jiff::Timestamp;
use qcc_callback::{
    CallbackService, Guards, Inbox, InboxError, Noted, Paths, Receiver, ServerLimits, serve,
};
use qcc_proto::{Acknowledgement, OrderNo};
use qcc_sqlite::SqliteStore;
use qcc_sync::{Claim, Store, Want, Worker};
use tokio::{net::TcpListener, time::sleep};

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["durable", file] => durable(SqliteStore::open(*file).await?).await,
        ["bare"] => bare().await,
        ["count", file] => count(&SqliteStore::open_existing(*file).await?).await,
        ["missing", file] => missing(&SqliteStore::open_existing(*file).await?).await,
        _ => Err("receiver durable FILE | bare | count FILE | missing FILE".into()),
    }
}

async fn listener() -> io::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    Ok(listener)
}

/// The store as an inbox.
struct Ledger(SqliteStore);

impl Inbox for Ledger {
    async fn note(&self, order_no: &OrderNo) -> Result<Noted, InboxError> {
        let is_new = self.0.note_call(order_no, Timestamp::now()).await.map_err(InboxError::new)?;
        Ok(if is_new { Noted::New } else { Noted::Known })
    }

    async fn knows(&self, order_no: &OrderNo) -> Result<bool, InboxError> {
        Ok(self.0.order(order_no).await.map_err(InboxError::new)?.is_some())
    }
}

async fn durable(store: SqliteStore) -> Outcome {
    let listener = listener().await?;
    let receiver = Receiver::new("AppKey".parse()?);
    // All guards but the limit, which is there to stop exactly this.
    let guards = Guards::default().with_unknown_orders(None);
    let service =
        CallbackService::builder(receiver, Ledger(store.clone()), Paths::new("/callback")?)
            .guards(guards)
            .build();
    tokio::spawn(async move {
        // The ledger takes calls over meanwhile, as it does for an engine.
        let worker = Worker { name: "load".into(), term: Duration::from_secs(60) };
        loop {
            let claimed = store.claim(&worker, Want::Confirmed, &[], Timestamp::now()).await;
            if let Ok(Claim::Leased(lease)) = claimed {
                let _ = store.release(&lease).await;
            }
            sleep(Duration::from_millis(100)).await;
        }
    });
    serve(listener, service, ServerLimits::default(), pending()).await;
    Ok(())
}

async fn bare() -> Outcome {
    let body = Acknowledgement::accepted().body();
    let answer = move || {
        let body = body.clone();
        async { ([(CONTENT_TYPE, Acknowledgement::CONTENT_TYPE)], body) }
    };
    let app = Router::new().route("/callback", get(answer));
    Ok(axum::serve(listener().await?, app).await?)
}

async fn count(store: &SqliteStore) -> Outcome {
    println!("{}", store.overview().await?.orders.values().sum::<u64>());
    Ok(())
}

async fn missing(store: &SqliteStore) -> Outcome {
    for line in io::stdin().lines() {
        let order_no: OrderNo = line?.parse()?;
        if store.order(&order_no).await?.is_none() {
            println!("{order_no}");
        }
    }
    Ok(())
}
