//! What lies beside a kept archive, so that it can be applied with nothing else
//! at hand.

use std::fmt;

use jiff::Timestamp;
use qcc_proto::{OrderNo, ShanghaiTime, UnzipPassword};
use serde::{Deserialize, Serialize};

use crate::{KeptArchive, Order};

/// Whose archive it is, and what opens it: what the ledger knows of the order,
/// written down once more beside the archive, in case the database is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The order the archive came with.
    pub order_no: OrderNo,
    /// Opens the archive. As secret as the database that holds it too.
    pub password: UnzipPassword,
    /// When the vendor made the order, from the list.
    pub created_at: Option<ShanghaiTime>,
    /// When we first heard of the order.
    pub first_seen_at: Timestamp,
    /// When the order list first named it, as far as was known by `written_at`.
    pub listed_at: Option<Timestamp>,
    /// When the vendor last called about it, as far as was known by `written_at`.
    pub called_at: Option<Timestamp>,
    /// When this was written. Of two archives of one order the one that was
    /// labelled later is the one the ledger named.
    pub written_at: Timestamp,
}

impl Label {
    /// The label of an order's kept archive; `None` where it has none, or no
    /// password is known.
    pub fn of(order: &Order, now: Timestamp) -> Option<(KeptArchive, Self)> {
        let archive = order.archive?;
        let label = Self {
            order_no: order.no.clone(),
            password: order.password.clone()?,
            created_at: order.created_at,
            first_seen_at: order.first_seen_at,
            listed_at: order.listed_at,
            called_at: order.called_at,
            written_at: now,
        };
        Some((archive, label))
    }

    /// Whether it says what an older one says.
    pub(crate) fn repeats(&self, older: &Self) -> bool {
        *self == Self { written_at: self.written_at, ..older.clone() }
    }

    /// The order as it was when its archive had just been kept.
    pub fn order(&self, archive: KeptArchive) -> Order {
        let mut order = Order::seen(self.order_no.clone(), self.first_seen_at).fetched(archive);
        order.password = Some(self.password.clone());
        order.created_at = self.created_at;
        order.listed_at = self.listed_at;
        order.called_at = self.called_at;
        order
    }

    /// The label as a file holds it.
    pub(super) fn to_json(&self, size: u64) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(&Written {
            order_no: self.order_no.clone(),
            password: self.password.reveal().to_owned(),
            size,
            created_at: self.created_at,
            first_seen_at: self.first_seen_at.to_string(),
            listed_at: self.listed_at.map(|at| at.to_string()),
            called_at: self.called_at.map(|at| at.to_string()),
            written_at: self.written_at.to_string(),
        })?;
        text.push(b'\n');
        Ok(text)
    }

    /// The label in a file, and the archive's size as it says.
    pub(super) fn from_json(text: &[u8]) -> Result<(Self, u64), Unreadable> {
        let written: Written = serde_json::from_slice(text).map_err(|_| Unreadable)?;
        let instant = |text: &str| text.parse::<Timestamp>().map_err(|_| Unreadable);
        let maybe = |text: Option<String>| text.as_deref().map(instant).transpose();
        let label = Self {
            order_no: written.order_no,
            password: UnzipPassword::new(written.password),
            created_at: written.created_at,
            first_seen_at: instant(&written.first_seen_at)?,
            listed_at: maybe(written.listed_at)?,
            called_at: maybe(written.called_at)?,
            written_at: instant(&written.written_at)?,
        };
        Ok((label, written.size))
    }
}

/// A file that should hold a label holds none. What it holds instead may be a
/// secret, so nothing of it is repeated.
#[derive(Debug)]
pub(super) struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the file holds no label")
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    order_no: OrderNo,
    password: String,
    size: u64,
    created_at: Option<ShanghaiTime>,
    first_seen_at: String,
    listed_at: Option<String>,
    called_at: Option<String>,
    written_at: String,
}

/// An archive on its shelf, as found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShelvedArchive {
    /// Its name, and its size as found; where only a label is left, as that says.
    pub archive: KeptArchive,
    /// Whose it is. Empty where nothing says so; several where the vendor sent
    /// the same bytes for several orders.
    pub labels: Vec<Label>,
    /// How many labels beside it cannot be read.
    pub unreadable: u32,
}
