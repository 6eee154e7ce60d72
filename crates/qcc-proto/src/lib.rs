#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod address;
mod call;
mod callback;
mod document;
mod encoding;
mod endpoint;
mod envelope;
mod json;
mod link;
mod order;
mod query;
mod record;
mod settings;
mod spelling;
mod status;
mod text;
mod time;
mod url;

pub use jiff;

pub use call::{Activate, Call, ListOrders, Locate, SetPush};
pub use callback::{Acknowledgement, CallbackError, CallbackQuery, PresentedKey, StatusForm};
pub use document::{
    DOCUMENT_NAME, DocumentError, DocumentField, DocumentHeader, DocumentSummary, Item, ItemRef,
    ReaderLimits, RecordFault, RecordField, RecordReader, RecordRef, SetAsideRecord,
};
pub use endpoint::{DEFAULT_BASE_URL, DEFAULT_DOWNLOAD_HOST, Endpoint};
pub use envelope::{
    EchoMatch, Envelope, EnvelopeError, EnvelopeErrorKind, OrderList, PushEcho, Refusal,
};
pub use link::{DownloadLink, Location, UnzipPassword};
pub use order::{InvalidOrderNo, ListedOrder, OrderNo};
pub use record::{MonitorLevel, MonitorType, RiskRecord};
pub use settings::{
    CallbackUrl, InvalidCallbackUrl, InvalidCallbackUrlKind, InvalidPushWindow, PushSetting,
    PushState, PushWindow,
};
pub use status::{Status, StatusClass};
pub use time::{InvalidTime, ShanghaiTime};
