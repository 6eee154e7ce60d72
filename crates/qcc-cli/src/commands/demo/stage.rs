//! Both sides on one machine: the vendor on loopback, and all of ours.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use qcc_http::{Client, DownloadPolicy};
use qcc_proto::{PushSetting, RiskRecord};
use qcc_sim::{Server, Vendor, VendorConfig};
use qcc_sync::{
    Engine, FolderArchives, Parts, Policy, RecordFilter, Store, StoredRecord, SystemClock, Worker,
};
use tokio::net::TcpListener;

use super::listener::Listener;
use crate::{
    output::count,
    wiring::{self, SqliteStore},
};

/// The vendor, the receiver, the engine and the store.
pub(super) struct Stage {
    vendor: Arc<Mutex<Vendor>>,
    server: Server,
    listener: Listener,
    client: Client,
    pub(super) store: Arc<SqliteStore>,
    pub(super) engine: Engine,
}

impl Stage {
    /// Starts everything, with database and archives in `dir`.
    pub(super) async fn set(dir: &Path, seed: u64) -> anyhow::Result<Self> {
        let socket = loopback().await?;
        let address = socket.local_addr()?;
        let config = VendorConfig { seed, records_per_order: 200..=500, ..VendorConfig::default() };
        let config = config.at(address);
        let account = config.account.clone();
        let vendor = Arc::new(Mutex::new(Vendor::new(config)));
        let http = wiring::local_transport()?;
        let server =
            Server::start(socket, Arc::clone(&vendor), Timestamp::now, Some(http.clone()))?;

        let store = Arc::new(wiring::open(&dir.join("qcc.db")).await?);
        let archives = FolderArchives::open(dir.join("qcc-archives"))?;
        let hosts: DownloadPolicy = address.to_string().parse()?;
        let client = Client::with_transport(account.credentials().clone(), http)
            .with_base_url(format!("http://{address}").parse()?)
            .with_downloads(hosts);
        let key = account.credentials().key().clone();
        let listener = Listener::start(loopback().await?, key, Arc::clone(&store))?;
        let engine = Engine::new(Parts {
            client: client.clone(),
            store: store.clone(),
            archives: Arc::new(archives),
            clock: Arc::new(SystemClock),
            worker: Worker { name: "demo".to_owned(), term: Duration::from_secs(60) },
            policy: Policy::default(),
        });
        Ok(Self { vendor, server, listener, client, store, engine })
    }

    /// Where the vendor listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Tells the vendor where to call (6.2.1).
    pub(super) async fn set_push(&self, now: Timestamp) -> anyhow::Result<()> {
        let callback_url = self.listener.url().parse()?;
        let setting = PushSetting::new(callback_url);
        self.client.set_push(&setting, now).await?;
        Ok(())
    }

    /// Lets the vendor push this many orders, as if a quarter of an hour apart.
    pub(super) fn push(&self, orders: u32, now: Timestamp) {
        let mut vendor = self.vendor();
        for ago in (0..orders).rev() {
            let apart = SignedDuration::from_mins(15 * i64::from(ago));
            vendor.push(now.checked_sub(apart).unwrap_or(now));
        }
    }

    /// Waits until the vendor called about this many orders.
    pub(super) async fn called(&self, orders: u32) {
        self.listener.received(orders).await;
    }

    /// Compares the table with what the vendor meant to send.
    pub(super) async fn difference(&self) -> anyhow::Result<Option<String>> {
        let truth = self.vendor().truth().table;
        let table = all_records(&self.store, &RecordFilter::default()).await?;
        if table.len() != truth.len() {
            let (has, should) = (count(table.len() as u64), count(truth.len() as u64));
            return Ok(Some(format!("the table holds {has} records and should hold {should}")));
        }
        let wrong = table.iter().find(|stored| {
            truth.get(&stored.record.id).is_none_or(|expected| {
                stored.record != RiskRecord::from(expected.record.clone())
                    || stored.rank.order_no != expected.order_no
                    || stored.rank.position != expected.position
            })
        });
        Ok(wrong.map(|stored| format!("record {} is not what it should be", stored.record.id)))
    }

    /// Ends all that listens.
    pub(super) async fn clear(self) {
        self.listener.stop();
        self.server.shutdown().await;
    }

    fn vendor(&self) -> MutexGuard<'_, Vendor> {
        self.vendor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn loopback() -> anyhow::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on loopback")
}

/// All records that fit, by id.
pub(super) async fn all_records(
    store: &SqliteStore,
    filter: &RecordFilter,
) -> anyhow::Result<Vec<StoredRecord>> {
    let mut all: Vec<StoredRecord> = Vec::new();
    loop {
        let after = all.last().map(|stored| stored.record.id.clone());
        let page = store.records(filter, after.as_deref(), 1000).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}
