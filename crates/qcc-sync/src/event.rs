//! What the engine tells while it works.

use jiff::Timestamp;
use qcc_http::Error as ClientError;
use qcc_proto::{OrderNo, Status};

use crate::{Applied, Delivery, EngineError, Gap, Hold, Probed, Reason, Report};

/// Something happened that a person may want to see.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The order list was read.
    Listed {
        /// Orders it named.
        listed: u32,
        /// Orders the ledger had not known.
        fresh: u32,
    },
    /// The list revealed a gap.
    Gap(Gap),
    /// Lines of the list could not be read: orders may be missing.
    Unreadable {
        /// How many.
        lines: u32,
    },
    /// Orders were forgotten that only calls had named, and no list.
    Forgotten {
        /// How many.
        orders: u64,
    },
    /// An order's link and password are known.
    Located {
        /// Which order.
        order_no: OrderNo,
    },
    /// A download goes on.
    Downloading {
        /// Which order.
        order_no: OrderNo,
        /// Bytes received.
        received: u64,
        /// Bytes in all, where the file host says.
        total: Option<u64>,
    },
    /// An archive is on disk.
    Fetched {
        /// Which order.
        order_no: OrderNo,
        /// Its bytes.
        size: u64,
    },
    /// Records are being written.
    Applying {
        /// Which order.
        order_no: OrderNo,
        /// Records so far.
        records: u64,
        /// Records in all, where the document says so early.
        total: Option<u64>,
    },
    /// An order is in the table.
    Applied {
        /// Which order.
        order_no: OrderNo,
        /// What it did.
        applied: Applied,
    },
    /// An order has to wait.
    Waiting {
        /// Which order.
        order_no: OrderNo,
        /// Until when.
        until: Timestamp,
        /// Why.
        reason: Reason,
    },
    /// An order needs a person.
    Quarantined {
        /// Which order.
        order_no: OrderNo,
        /// Why.
        reason: Reason,
    },
    /// All calls to the vendor rest.
    Held(Hold),
    /// Calls to the vendor go on.
    Lifted(Hold),
    /// The vendor, or its file host, was asked for something.
    Asked {
        /// For what.
        call: VendorCall,
        /// What it answered.
        answer: Answer,
    },
    /// Whether the vendor's calls arrive is judged otherwise than before.
    Delivery(Delivery),
    /// Our own public URL was tried.
    Probed(Probed),
    /// The vendor agreed to call again (6.2.3).
    Activated,
    /// The vendor was asked to call again and did not agree.
    ActivationFailed(Reason),
    /// Nothing is due; the engine rests until then, or until it is woken. Comes at
    /// least once a minute from an engine that follows and is not at work.
    Resting {
        /// Until when.
        until: Timestamp,
    },
}

/// What the engine asks the vendor for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum VendorCall {
    /// The push setting (6.2.1).
    SetPush,
    /// To call again (6.2.3).
    Activate,
    /// The order list (6.2.4).
    List,
    /// Where an archive is (6.2.5).
    Locate,
    /// An archive (6.2.6).
    Download,
}

impl VendorCall {
    /// The call's name, as it stands in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SetPush => "set_push",
            Self::Activate => "activate",
            Self::List => "list",
            Self::Locate => "locate",
            Self::Download => "download",
        }
    }
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// The vendor's own status.
    Status(Status),
    /// An HTTP status that stands for no answer of the vendor's; from the file
    /// host, for any answer.
    Http(u16),
    /// Nothing that could be used.
    None,
}

impl Answer {
    /// What a call came to.
    pub(crate) fn of<T>(call: VendorCall, outcome: &Result<T, ClientError>) -> Self {
        match outcome {
            Ok(_) if call == VendorCall::Download => Self::Http(200),
            Ok(_) => Self::Status(Status::OK),
            Err(ClientError::Rejected { refusal, .. }) => Self::Status(refusal.status),
            Err(ClientError::Http { http, .. } | ClientError::Storage { http, .. }) => {
                Self::Http(http.as_u16())
            }
            Err(_) => Self::None,
        }
    }
}

/// Is told of every event, on the engine's task: be quick.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event);

    /// A round of [`Engine::follow`](crate::Engine::follow) is over: what it did,
    /// and the failure that may pass which it met, if any. Both are yours to keep.
    fn round(&self, report: Report, failure: Option<EngineError>) {
        let _ = (report, failure);
    }
}

/// Tells nobody.
impl Observer for () {
    fn event(&self, _: &Event) {}
}

impl<F: Fn(&Event) + Send + Sync> Observer for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}
