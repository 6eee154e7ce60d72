//! The receiver of the demonstration: the daemon's own, on a port of its own.

use std::{future::pending, net::SocketAddr, sync::Arc};

use jiff::Timestamp;
use qcc_callback::{CallbackService, Inbox, InboxError, Noted, Paths, Receiver, ServerLimits};
use qcc_proto::OrderNo;
use qcc_sign::AppKey;
use qcc_sync::Store;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::wiring::SqliteStore;

/// A receiver on loopback that notes each call and counts them.
pub(super) struct Listener {
    address: SocketAddr,
    received: watch::Receiver<u32>,
    task: JoinHandle<()>,
}

const PATH: &str = "/callback";

impl Listener {
    pub(super) fn start(
        socket: TcpListener,
        key: AppKey,
        store: Arc<SqliteStore>,
    ) -> anyhow::Result<Self> {
        let address = socket.local_addr()?;
        let (sender, received) = watch::channel(0);
        let calls = Calls { store, received: sender };
        let service =
            CallbackService::builder(Receiver::new(key), calls, Paths::new(PATH)?).build();
        let limits = ServerLimits::default();
        let task = tokio::spawn(qcc_callback::serve(socket, service, limits, pending()));
        Ok(Self { address, received, task })
    }

    /// The URL that the vendor calls.
    pub(super) fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Waits until this many calls were noted.
    pub(super) async fn received(&self, calls: u32) {
        // It only fails where the inbox is gone, and then there is nothing to wait for.
        let _ = self.received.clone().wait_for(|received| *received >= calls).await;
    }

    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

/// The store, and a count to wait for.
struct Calls {
    store: Arc<SqliteStore>,
    received: watch::Sender<u32>,
}

impl Inbox for Calls {
    async fn note(&self, order_no: &OrderNo) -> Result<Noted, InboxError> {
        let noted = self.store.note_call(order_no, Timestamp::now()).await;
        let new = noted.map_err(InboxError::new)?;
        self.received.send_modify(|received| *received += 1);
        Ok(if new { Noted::New } else { Noted::Known })
    }

    async fn knows(&self, order_no: &OrderNo) -> Result<bool, InboxError> {
        Ok(self.store.order(order_no).await.map_err(InboxError::new)?.is_some())
    }
}
