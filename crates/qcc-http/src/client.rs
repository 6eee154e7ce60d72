//! The five outgoing calls of the manual, typed. One attempt each: when to
//! repeat is the engine's to decide.

mod call;
mod coding;
mod download;
mod error;
mod excerpt;
mod range;
mod redirect;
mod retry_after;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use jiff::Timestamp;
use qcc_proto::{
    Activate, DownloadLink, EchoMatch, ListOrders, Locate, Location, OrderList, OrderNo,
    PushSetting, SetPush,
};
use qcc_sign::Credentials;

pub use download::{Download, Resume};
pub use error::{EchoedUrl, Error, ErrorClass, Retry};
pub use redirect::RedirectPolicy;

use crate::{AddressChecks, AnyTransport, BaseUrl, DownloadPolicy, Timeouts, Transport};
#[cfg(feature = "hyper")]
use crate::{HyperTransport, InvalidTls};

/// An account at the vendor, over some HTTP stack.
///
/// Cheap to clone: clones share one configuration, one transport and one set of
/// credentials. The client keeps nothing between calls and repeats none of them,
/// with one exception, described below.
///
/// ```
/// # #[cfg(feature = "ring")]
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use qcc_http::Client;
/// use qcc_sign::Credentials;
///
/// let credentials = Credentials::new("AppKey".parse()?, "SecretKey".parse()?);
/// let client = Client::new(credentials)?;
/// # Ok(())
/// # }
/// ```
///
/// # Where requests go
/// Calls go to the [`BaseUrl`], which is the operator's choice. Downloads go to
/// the hosts of the [`DownloadPolicy`] and to public addresses only: the policy is
/// part of the [`SendOptions`](crate::SendOptions) of each request, and
/// [`address_checks`](Self::address_checks) says whether the transport keeps it.
/// Addresses written out in a link are checked by the client itself.
///
/// # The clock
/// `now` signs `Timespan` and `Token` from one reading. Where the vendor
/// refuses the signature (107, 115) and its `Date` header is more than a minute
/// off `now`, the call is signed once more with the vendor's time. If that is
/// refused too, the error carries the measured skew.
#[derive(Clone)]
pub struct Client {
    settings: Arc<Settings>,
    credentials: Arc<RwLock<Arc<Credentials>>>,
}

#[derive(Clone)]
struct Settings {
    transport: AnyTransport,
    base_url: BaseUrl,
    downloads: DownloadPolicy,
    call_timeouts: Timeouts,
    download_timeouts: Timeouts,
    redirects: RedirectPolicy,
}

impl Client {
    /// A client for the vendor over hyper, without a proxy, that trusts the bundled
    /// certificate authorities and those of the machine.
    ///
    /// # Errors
    /// [`InvalidTls`] where no TLS provider is compiled in.
    #[cfg(feature = "hyper")]
    pub fn new(credentials: Credentials) -> Result<Self, InvalidTls> {
        Ok(Self::with_transport(credentials, HyperTransport::builder().build()?))
    }

    /// A client for the vendor over any transport.
    pub fn with_transport(credentials: Credentials, transport: impl Transport + 'static) -> Self {
        let settings = Settings {
            transport: AnyTransport::new(transport),
            base_url: BaseUrl::default(),
            downloads: DownloadPolicy::default(),
            call_timeouts: Timeouts::new(),
            download_timeouts: Timeouts::for_downloads(),
            redirects: RedirectPolicy::default(),
        };
        Self {
            settings: Arc::new(settings),
            credentials: Arc::new(RwLock::new(Arc::new(credentials))),
        }
    }

    /// Signs with another secret from now on, in every clone of this client.
    ///
    /// For a SecretKey that was renewed while a program runs. Calls that are
    /// under way keep the secret they started with.
    ///
    /// # Errors
    /// [`OtherAccount`] where the AppKey differs: another account has other
    /// orders, so it needs a client of its own. Nothing is changed then.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<(), OtherAccount> {
        let mut current = self.credentials.write().unwrap_or_else(PoisonError::into_inner);
        if current.key().as_str() != credentials.key().as_str() {
            return Err(OtherAccount(()));
        }
        *current = Arc::new(credentials);
        Ok(())
    }

    /// A client with the same settings and other credentials, for example to try a new
    /// SecretKey before [`set_credentials`](Self::set_credentials). Other clones keep theirs.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        Self { credentials: Arc::new(RwLock::new(Arc::new(credentials))), ..self }
    }

    fn credentials(&self) -> Arc<Credentials> {
        Arc::clone(&self.credentials.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    /// Calls another host.
    #[must_use]
    pub fn with_base_url(self, base_url: BaseUrl) -> Self {
        self.with(|settings| settings.base_url = base_url)
    }

    /// Allows downloads from these hosts instead of the vendor's.
    #[must_use]
    pub fn with_downloads(self, policy: DownloadPolicy) -> Self {
        self.with(|settings| settings.downloads = policy)
    }

    /// Limits the time of a call; [`Timeouts::new`] unless set.
    #[must_use]
    pub fn with_call_timeouts(self, timeouts: Timeouts) -> Self {
        self.with(|settings| settings.call_timeouts = timeouts)
    }

    /// Limits the time of a download; [`Timeouts::for_downloads`] unless set.
    #[must_use]
    pub fn with_download_timeouts(self, timeouts: Timeouts) -> Self {
        self.with(|settings| settings.download_timeouts = timeouts)
    }

    /// Which redirects of calls and downloads are followed; none unless set.
    #[must_use]
    pub fn with_redirects(self, policy: RedirectPolicy) -> Self {
        self.with(|settings| settings.redirects = policy)
    }

    /// Where the calls go.
    pub fn base_url(&self) -> &BaseUrl {
        &self.settings.base_url
    }

    /// Where downloads may go.
    pub fn downloads(&self) -> &DownloadPolicy {
        &self.settings.downloads
    }

    /// Which connections the transport checks against the address rules of
    /// [`downloads`](Self::downloads).
    pub fn address_checks(&self) -> AddressChecks {
        self.settings.transport.address_checks()
    }

    /// Tells the vendor whether, where and when to push (6.2.1).
    ///
    /// The vendor may echo the callback URL, which confirms it. Without an echo the
    /// setting took effect all the same.
    ///
    /// # Errors
    /// [`Error::EchoDiffers`] where the vendor understood another URL, and those of
    /// every call: [`Error::Rejected`], [`Error::Http`], [`Error::Malformed`],
    /// [`Error::TooLarge`], [`Error::Encoded`] and [`Error::Transport`].
    pub async fn set_push(
        &self,
        setting: &PushSetting,
        now: Timestamp,
    ) -> Result<PushEchoed, Error> {
        let echo = self.call(&SetPush(setting.clone()), now).await?;
        match echo.compare(&setting.callback_url) {
            EchoMatch::Same => Ok(PushEchoed::Yes),
            EchoMatch::Absent => Ok(PushEchoed::No),
            EchoMatch::Different => {
                let echoed = echo.callback_url.as_deref().unwrap_or_default();
                Err(Error::EchoDiffers(EchoedUrl::new(echoed)))
            }
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
    /// [`Error::WrongOrder`] where the answer is about another order, and those of
    /// every call, as [`set_push`](Self::set_push) lists them.
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
    /// another method or header would break the signature. `resume` asks for the
    /// rest, provided the file is still the same. [`Download::offset`] says whether
    /// the host granted that.
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
            .field("base_url", &self.settings.base_url)
            .field("downloads", &self.settings.downloads)
            .finish_non_exhaustive()
    }
}

/// Whether the vendor repeated the callback URL it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushEchoed {
    /// It did, so the URL is confirmed.
    Yes,
    /// It did not. The setting took effect all the same.
    No,
}

/// The credentials are another account's: their AppKey differs. The caller's
/// fault; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the new credentials belong to another AppKey")]
pub struct OtherAccount(());
