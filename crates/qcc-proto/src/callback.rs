//! The callback (6.2.2): the vendor's query, and the exact answer to it.

mod ack;

use std::{borrow::Cow, error::Error, fmt, str};

use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use crate::{
    DownloadLink, InvalidOrderNo, Location, OrderNo, ShanghaiTime, UnzipPassword, query::push_pair,
};

pub use ack::{Acknowledgement, StatusForm};

/// The query of a callback: which order is ready, and where its archive is.
///
/// A callback is not signed, and its `key` is part of every URL, so it is a hint
/// that an order exists, not a proof. Compare the key in constant time, keep the
/// order number, and get link and password from 6.2.5.
///
/// ```
/// use qcc_proto::CallbackQuery;
///
/// let query = CallbackQuery::parse(
///     "key=AppKey&orderNo=DDMON2021031616145803273367\
///      &downloadUrl=http%3A%2F%2Fpro-files.qichacha.com%2Fx.zip%3FSignature%3Da%252Bb\
///      &downloadUrlExpiredTime=2021-03-16%2020%3A19%3A00&unzipPassword=secret",
/// )?;
/// assert_eq!(query.order_no.as_str(), "DDMON2021031616145803273367");
/// assert!(query.location.link.reveal().ends_with("?Signature=a%2Bb"));
/// # Ok::<(), qcc_proto::CallbackError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallbackQuery {
    /// `key`, as the caller presents it.
    pub key: PresentedKey,
    /// `orderNo`.
    pub order_no: OrderNo,
    /// Link, expiry and password, as the caller claims them.
    pub location: Location,
}

/// The parameters of 6.2.2, in its order; each may come once.
const PARAMETERS: [&str; 5] =
    ["key", "orderNo", "downloadUrl", "downloadUrlExpiredTime", "unzipPassword"];

/// The parameter that may be absent, because the link has its own expiry.
const OPTIONAL: &str = "downloadUrlExpiredTime";

impl CallbackQuery {
    /// The longest query read, in bytes.
    pub const MAX_LEN: usize = 8 * 1024;

    /// A callback as the vendor would make it.
    pub fn new(key: impl Into<String>, order_no: OrderNo, location: Location) -> Self {
        let location = Location { order_no: Some(order_no.clone()), ..location };
        Self { key: PresentedKey::new(key), order_no, location }
    }

    /// Reads a raw query: the part of the request target after the `?`.
    ///
    /// Each value is percent-decoded exactly once: `+` stays `+`, and `%252B`
    /// becomes `%2B`. Unknown parameters are ignored, whatever they contain. White
    /// space around the order number is dropped. An absent or unreadable
    /// `downloadUrlExpiredTime` is `None`, because the link has its own expiry.
    ///
    /// # Errors
    /// [`CallbackError`]; the caller is at fault. Keep nothing of the query.
    pub fn parse(raw_query: impl AsRef<[u8]>) -> Result<Self, CallbackError> {
        Self::parse_where(raw_query, |_| true)
    }

    /// Reads a raw query and checks its key with `is_ours`.
    ///
    /// The order number is checked after the key, so that a stranger does not learn
    /// which order numbers are accepted.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and [`CallbackError::Key`] if `is_ours` returns
    /// `false`.
    pub fn parse_where(
        raw_query: impl AsRef<[u8]>,
        is_ours: impl FnOnce(&PresentedKey) -> bool,
    ) -> Result<Self, CallbackError> {
        let raw = raw_query.as_ref();
        if raw.len() > Self::MAX_LEN {
            return Err(CallbackError::TooLong);
        }
        let values = pick(raw)?.map(|value| value.filter(|text| !text.is_empty()));
        let missing: Vec<&'static str> = PARAMETERS
            .into_iter()
            .zip(&values)
            .filter(|(name, value)| value.is_none() && *name != OPTIONAL)
            .map(|(name, _)| name)
            .collect();
        let [Some(key), Some(order_no), Some(link), expiry, Some(password)] = values else {
            return Err(CallbackError::Missing { parameters: missing });
        };
        let key = PresentedKey::new(key);
        if !is_ours(&key) {
            return Err(CallbackError::Key);
        }
        let order_no: OrderNo = order_no.trim().parse().map_err(CallbackError::OrderNo)?;
        let location = Location {
            order_no: Some(order_no.clone()),
            link: DownloadLink::new(link),
            stated_expiry: expiry.and_then(|text| ShanghaiTime::from_wire(&text).ok()),
            password: UnzipPassword::new(password),
        };
        Ok(Self { key, order_no, location })
    }

    /// The key in a raw query, even if the query is otherwise invalid.
    ///
    /// Tells whether a refused callback may have come from the vendor. Reads the
    /// first [`MAX_LEN`](Self::MAX_LEN) bytes.
    pub fn presented_key(raw_query: impl AsRef<[u8]>) -> Option<PresentedKey> {
        let raw = raw_query.as_ref();
        let raw = raw.get(..Self::MAX_LEN).unwrap_or(raw);
        let value = raw.split(|b| *b == b'&').find_map(|pair| {
            let mut halves = pair.splitn(2, |b| *b == b'=');
            let (name, value) = (halves.next()?, halves.next()?);
            percent_decode(name).eq(b"key".iter().copied()).then_some(value)
        })?;
        let value = String::from_utf8(percent_decode(value).collect()).ok()?;
        Some(PresentedKey::new(value))
    }

    /// The query as the vendor writes it, each value percent-encoded once.
    ///
    /// Contains password and signature: for a simulated vendor, not for logs.
    pub fn to_query(&self) -> String {
        let mut query = String::new();
        push_pair(&mut query, "key", self.key.reveal());
        push_pair(&mut query, "orderNo", self.order_no.as_str());
        push_pair(&mut query, "downloadUrl", self.location.link.reveal());
        if let Some(stated_expiry) = self.location.stated_expiry {
            push_pair(&mut query, "downloadUrlExpiredTime", &stated_expiry.to_string());
        }
        push_pair(&mut query, "unzipPassword", self.location.password.reveal());
        query
    }
}

type Values = [Option<String>; PARAMETERS.len()];

/// The values of the known parameters, in the order of [`PARAMETERS`].
fn pick(raw: &[u8]) -> Result<Values, CallbackError> {
    let mut values = Values::default();
    for pair in raw.split(|b| *b == b'&') {
        let mut halves = pair.splitn(2, |b| *b == b'=');
        let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        // An escaped name is the same name, so it counts as a repetition.
        let name: Cow<'_, [u8]> = percent_decode(name).into();
        let known = PARAMETERS.iter().zip(&mut values).find(|(p, _)| p.as_bytes() == &*name);
        let Some((parameter, slot)) = known else { continue };
        if slot.is_some() {
            return Err(CallbackError::Repeated { parameter });
        }
        *slot = Some(decode(parameter, value)?);
    }
    Ok(values)
}

fn decode(parameter: &'static str, value: &[u8]) -> Result<String, CallbackError> {
    if !escapes_are_whole(value) {
        return Err(CallbackError::Encoding { parameter });
    }
    let decoded: Cow<'_, [u8]> = percent_decode(value).into();
    let text = str::from_utf8(&decoded).map_err(|_| CallbackError::Encoding { parameter })?;
    if text.chars().any(char::is_control) {
        return Err(CallbackError::Control { parameter });
    }
    Ok(text.to_owned())
}

/// Whether each `%` is followed by two hexadecimal digits.
fn escapes_are_whole(value: &[u8]) -> bool {
    value
        .split(|b| *b == b'%')
        .skip(1)
        .all(|after| after.get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}

/// The `key` that a caller presents. Hidden in `Debug`, wiped on drop.
///
/// Has no equality on purpose: compare [`reveal`](Self::reveal) in constant time.
#[derive(Clone)]
pub struct PresentedKey(Zeroizing<String>);

impl PresentedKey {
    fn new(key: impl Into<String>) -> Self {
        Self(Zeroizing::new(key.into()))
    }

    /// The key as presented.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedKey(…)")
    }
}

/// The query is not a callback of the vendor. The caller is at fault.
///
/// Names parameters only, never their values. Repeating the same query does not
/// help; the order list still shows the order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallbackError {
    /// More than [`CallbackQuery::MAX_LEN`] bytes.
    TooLong,
    /// A known parameter comes twice.
    Repeated {
        /// Its name.
        parameter: &'static str,
    },
    /// A `%` without two hexadecimal digits, or bytes that are not UTF-8.
    Encoding {
        /// The parameter's name.
        parameter: &'static str,
    },
    /// A control character.
    Control {
        /// The parameter's name.
        parameter: &'static str,
    },
    /// Parameters that are absent or empty.
    Missing {
        /// The names of all of them, in the manual's order.
        parameters: Vec<&'static str>,
    },
    /// The key is not ours.
    Key,
    /// `orderNo` is not an order number.
    OrderNo(InvalidOrderNo),
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => {
                write!(f, "the callback query is longer than {} bytes", CallbackQuery::MAX_LEN)
            }
            Self::Repeated { parameter } => write!(f, "the callback repeats {parameter}"),
            Self::Encoding { parameter } => {
                write!(f, "the callback's {parameter} is not percent-encoded UTF-8")
            }
            Self::Control { parameter } => {
                write!(f, "the callback's {parameter} contains a control character")
            }
            Self::Missing { parameters } => {
                write!(f, "the callback lacks {}", parameters.join(", "))
            }
            Self::Key => f.write_str("the callback's key is not ours"),
            Self::OrderNo(_) => f.write_str("the callback's orderNo is not an order number"),
        }
    }
}

impl Error for CallbackError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::OrderNo(source) => Some(source),
            _ => None,
        }
    }
}
