//! The five outgoing calls of the manual, typed. One attempt each: when to
//! repeat is the engine's to decide.

mod call;
mod coding;
mod download;
mod error;
mod excerpt;
mod range;
mod rate;
mod redirect;
mod retry_after;

use std::fmt;

use jiff::Timestamp;
use qcc_proto::{
    Activate, DownloadLink, EchoMatch, ListOrders, Locate, Location, OrderList, OrderNo,
    PushSetting, SetPush,
};
use qcc_sign::Credentials;

pub use download::{Download, Resume};
pub use error::{EchoedUrl, Error, ErrorClass, LinkFault};
pub use rate::MinimumRate;
pub use redirect::RedirectPolicy;

use crate::{BaseUrl, Deadlines, DownloadHosts, HttpClient};

/// An account at the vendor, over some HTTP stack.
///
/// Cheap to clone. Keeps nothing between calls and repeats none of them, but
/// for one documented case: see [`locate`](Self::locate) and its siblings on
/// the clock.
///
/// # The clock
/// `now` signs `Timespan` and `Token` from one reading. Where the vendor
/// refuses the signature (107, 115) and its `Date` header is more than a minute
/// off `now`, the call is signed once more with the vendor's time. If that is
/// refused too, the error carries the measured skew.
#[derive(Clone)]
pub struct Client {
    credentials: Credentials,
    api: HttpClient,
    files: HttpClient,
    base_url: BaseUrl,
    download_hosts: DownloadHosts,
    api_deadlines: Deadlines,
    file_deadlines: Deadlines,
    minimum_rate: MinimumRate,
    redirects: RedirectPolicy,
}

impl Client {
    /// A client for the vendor itself; `http` serves calls and downloads.
    pub fn new(credentials: Credentials, http: HttpClient) -> Self {
        Self {
            credentials,
            files: http.clone(),
            api: http,
            base_url: BaseUrl::default(),
            download_hosts: DownloadHosts::default(),
            api_deadlines: Deadlines::default(),
            file_deadlines: Deadlines::default(),
            minimum_rate: MinimumRate::default(),
            redirects: RedirectPolicy::default(),
        }
    }

    /// Downloads over another stack: one that refuses private addresses, say.
    #[must_use]
    pub fn with_files(mut self, http: HttpClient) -> Self {
        self.files = http;
        self
    }

    /// Calls another host.
    #[must_use]
    pub fn with_base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = base_url;
        self
    }

    /// Allows downloads from these hosts instead of the vendor's.
    #[must_use]
    pub fn with_download_hosts(mut self, hosts: DownloadHosts) -> Self {
        self.download_hosts = hosts;
        self
    }

    /// Limits the phases of a call: connect 10 s, head 30 s, idle 30 s, and all
    /// of it 60 s if unset.
    #[must_use]
    pub fn with_api_deadlines(mut self, deadlines: Deadlines) -> Self {
        self.api_deadlines = deadlines;
        self
    }

    /// Limits the phases of a download: connect 10 s, head 30 s, idle 30 s if unset.
    ///
    /// The total is not kept, because archives differ in size: see
    /// [`with_minimum_rate`](Self::with_minimum_rate).
    #[must_use]
    pub fn with_file_deadlines(mut self, deadlines: Deadlines) -> Self {
        self.file_deadlines = deadlines;
        self
    }

    /// How slow a download may be: 1 KiB a second, over a minute, if unset.
    #[must_use]
    pub fn with_minimum_rate(mut self, rate: MinimumRate) -> Self {
        self.minimum_rate = rate;
        self
    }

    /// Which redirects of calls and downloads are followed: none if unset.
    #[must_use]
    pub fn with_redirects(mut self, policy: RedirectPolicy) -> Self {
        self.redirects = policy;
        self
    }

    /// Where the calls go.
    pub fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    /// Where downloads may go.
    pub fn download_hosts(&self) -> &DownloadHosts {
        &self.download_hosts
    }

    /// Tells the vendor whether, where and when to push (6.2.1).
    ///
    /// The vendor echoes the callback URL: `Same`, or `Absent` where it does
    /// not, in which case the setting took effect all the same.
    ///
    /// # Errors
    /// [`Error::EchoDiffers`] where the vendor understood another URL; beside it
    /// those of every call: [`Error::Rejected`], [`Error::Http`],
    /// [`Error::Malformed`], [`Error::TooLarge`] and [`Error::Transport`].
    pub async fn set_push(
        &self,
        setting: &PushSetting,
        now: Timestamp,
    ) -> Result<EchoMatch, Error> {
        let echo = self.call(&SetPush(setting.clone()), now).await?;
        match echo.compare(&setting.callback_url) {
            EchoMatch::Different => {
                let echoed = echo.callback_url.as_deref().unwrap_or_default();
                Err(Error::EchoDiffers(EchoedUrl::new(echoed)))
            }
            same_or_absent => Ok(same_or_absent),
        }
    }

    /// Makes the vendor call back again after five failures (6.2.3).
    ///
    /// # Errors
    /// Those of every call, as [`set_push`](Self::set_push) lists them.
    pub async fn activate(&self, now: Timestamp) -> Result<(), Error> {
        self.call(&Activate, now).await
    }

    /// Lists the newest orders, 30 at most (6.2.4).
    ///
    /// # Errors
    /// Those of every call, as [`set_push`](Self::set_push) lists them.
    pub async fn list_orders(&self, now: Timestamp) -> Result<OrderList, Error> {
        self.call(&ListOrders, now).await
    }

    /// Asks where an order's archive lies, and for its password (6.2.5).
    ///
    /// # Errors
    /// [`Error::WrongOrder`] where the answer is about another order; beside it
    /// those of every call, as [`set_push`](Self::set_push) lists them.
    pub async fn locate(&self, order: &OrderNo, now: Timestamp) -> Result<Location, Error> {
        let location = self.call(&Locate(order.clone()), now).await?;
        match &location.order_no {
            Some(other) if other != order => {
                Err(Error::WrongOrder { asked: order.clone(), answered: other.clone() })
            }
            _ => Ok(location),
        }
    }

    /// Starts to download an archive (6.2.6), from the beginning or where an
    /// earlier attempt stopped.
    ///
    /// The link goes out byte for byte, as a bare `GET`: it is presigned, and
    /// another verb or header would break the signature. `resume` asks for the
    /// rest, provided the file is still the same; whether that was granted is
    /// said by [`Download::offset`].
    ///
    /// # Errors
    /// [`Error::LinkRefused`] unsent; [`Error::LinkExpired`] and
    /// [`Error::Storage`] where the file host refuses; [`Error::NotResumable`]
    /// where it sends another part than asked for: start over without `resume`;
    /// [`Error::Encoded`] and [`Error::Transport`].
    pub async fn download(
        &self,
        link: &DownloadLink,
        resume: Option<&Resume>,
    ) -> Result<Download, Error> {
        download::start(self, link, resume).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.base_url)
            .field("download_hosts", &self.download_hosts)
            .finish_non_exhaustive()
    }
}
