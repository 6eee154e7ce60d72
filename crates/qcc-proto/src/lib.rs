#![doc = include_str!("../README.md")]

pub mod address;
mod callback;
mod encoding;
mod endpoint;
mod envelope;
mod link;
mod order;
mod reader;
mod record;
mod settings;
mod spelling;
mod status;
mod time;
mod url;

pub use callback::{Acknowledgement, CallbackError, CallbackQuery, PresentedKey, StatusForm};
pub use endpoint::{ApiRequest, DEFAULT_BASE_URL, DEFAULT_DOWNLOAD_HOST, Endpoint};
pub use envelope::{
    Answer, EchoMatch, EnvelopeError, EnvelopeErrorKind, OrderList, PushEcho, Refusal,
};
pub use link::{DownloadLink, Location, UnzipPassword};
pub use order::{InvalidOrderNo, ListedOrder, OrderNo};
pub use reader::{
    DocumentError, DocumentField, DocumentHeader, DocumentSummary, Item, ItemRef,
    QuarantinedRecord, ReaderLimits, RecordFault, RecordField, RecordReader, RecordRef,
};
pub use record::{MonitorLevel, MonitorType, RiskRecord};
pub use settings::{
    CallbackUrl, InvalidCallbackUrl, InvalidCallbackUrlKind, InvalidPushWindow, PushSetting,
    PushState, PushWindow,
};
pub use status::{Status, StatusClass};
pub use time::{InvalidTime, ShanghaiTime};
