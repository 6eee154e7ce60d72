//! The seam that others implement: one request out, one streaming answer back.

mod any;
mod error;
mod options;

use std::{future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};

use crate::Body;

#[cfg(feature = "hyper")]
pub(crate) use error::{copied, find};

pub use any::AnyTransport;
pub use error::{TransportError, TransportErrorKind};
pub use options::{MinimumRate, SendOptions, Timeouts};

/// Sends one request and returns one answer whose body streams.
///
/// Implementers write a plain `async fn send`, and say in
/// [`address_checks`](Self::address_checks) whether they can keep
/// [`SendOptions::addresses`]. The contract, which the suite in `conformance`
/// checks case by case:
///
/// - any HTTP status is `Ok`; only a failure to get an answer is an error;
/// - no redirect is followed, nothing is sent twice, no content is decoded;
/// - the URI and the headers go out as they are, and no header is added that a
///   presigned link would have to cover;
/// - a body that is shorter than announced, or broken off, ends with an error;
/// - dropping the future or the body releases the connection.
///
/// A transport need not keep [`SendOptions::timeouts`]: [`AnyTransport`], through
/// which a client sends, keeps them around any transport by dropping what takes
/// too long. It must not have a total timeout of its own, though, because a large
/// archive may take hours. A transport that sees when a connection is
/// established may keep `connect` and `head` itself, for better errors.
///
/// ```
/// use qcc_http::{AddressChecks, Body, SendOptions, Transport, TransportError};
/// use qcc_http::{bytes::Bytes, http::{Request, Response}};
///
/// /// Answers every request with the same bytes.
/// struct Canned(&'static [u8]);
///
/// impl Transport for Canned {
///     async fn send(&self, _: Request<Bytes>, _: &SendOptions) -> Result<Response<Body>, TransportError> {
///         Ok(Response::new(Bytes::from_static(self.0).into()))
///     }
///
///     fn address_checks(&self) -> AddressChecks {
///         AddressChecks::None
///     }
/// }
/// ```
pub trait Transport: Send + Sync {
    /// Sends `request`. Resolves once the head of the answer is there.
    ///
    /// # Errors
    /// [`TransportError`], with the kind that fits best.
    fn send(
        &self,
        request: Request<Bytes>,
        options: &SendOptions,
    ) -> impl Future<Output = Result<Response<Body>, TransportError>> + Send;

    /// Which connections this transport checks against
    /// [`SendOptions::addresses`].
    ///
    /// There is no default, so that no transport leaves the rules unkept without
    /// saying so. A transport that resolves no names, or leaves that to a
    /// library, answers [`AddressChecks::None`].
    fn address_checks(&self) -> AddressChecks;
}

/// Which connections of a transport are checked against the
/// [`AddressPolicy`](crate::AddressPolicy) of a request.
///
/// Whatever a transport answers, a client refuses every address written out in a
/// link that the policy refuses, and every host its
/// [`DownloadPolicy`](crate::DownloadPolicy) does not list. What is left without
/// checks by the transport is a listed name that resolves to a private address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressChecks {
    /// Each address is checked right before the transport connects to it.
    EveryConnection,
    /// The same, except for requests that go through a proxy: the proxy may
    /// resolve names itself, and then it decides which addresses it connects to.
    ExceptThroughProxies,
    /// The transport does not see the addresses it connects to.
    None,
}

macro_rules! through_a_pointer {
    ($($pointer:ty),*) => {$(
        impl<T: Transport> Transport for $pointer {
            fn send(
                &self,
                request: Request<Bytes>,
                options: &SendOptions,
            ) -> impl Future<Output = Result<Response<Body>, TransportError>> + Send {
                (**self).send(request, options)
            }

            fn address_checks(&self) -> AddressChecks {
                (**self).address_checks()
            }
        }
    )*};
}

through_a_pointer!(&T, Box<T>, Arc<T>);

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Response<Body>, TransportError>> + Send + 'a>>;

/// [`Transport`] as a trait object.
trait Erased: Send + Sync {
    fn send_boxed<'a>(&'a self, request: Request<Bytes>, options: &'a SendOptions) -> Answer<'a>;
    fn checks(&self) -> AddressChecks;
}

impl<T: Transport> Erased for T {
    fn send_boxed<'a>(&'a self, request: Request<Bytes>, options: &'a SendOptions) -> Answer<'a> {
        Box::pin(self.send(request, options))
    }

    fn checks(&self) -> AddressChecks {
        self.address_checks()
    }
}
