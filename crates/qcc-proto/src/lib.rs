#![doc = include_str!("../README.md")]

mod link;
mod order;
mod record;
mod time;

pub use link::{DownloadLink, Location, UnzipPassword};
pub use order::{InvalidOrderNo, ListedOrder, OrderNo};
pub use record::{MonitorLevel, MonitorType, RiskRecord};
pub use time::{InvalidTime, ShanghaiTime};
