//! The vendor's status codes: what each means, and what to do about it.

mod table;

use std::fmt;

use self::table::Entry;

/// The code of an answer: 200, 107, 205 …
///
/// A code that this version does not know has the class [`StatusClass::Unknown`].
/// The manual defines a number and shows a text; both are read.
///
/// ```
/// use qcc_proto::{Status, StatusClass};
///
/// let status = Status::new(107);
/// assert_eq!(status.class(), StatusClass::ClockOrSignature);
/// assert_eq!(status.manual_text(), Some("【无效请求】被禁止的 IP 或者签名错误"));
/// assert_eq!(Status::new(299).class(), StatusClass::Unknown);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Status(i64);

/// What to do with a status. Each class is handled in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatusClass {
    /// There is an answer: use it.
    Done,
    /// There is no result: an empty list.
    Empty,
    /// The vendor is still preparing it: ask again later.
    NotYet,
    /// A temporary fault: repeat with back-off and jitter.
    Transient,
    /// Too many bad requests: stop, because repeating may extend a ban.
    CoolOff,
    /// The day's allowance is used up: wait for the next Shanghai midnight.
    DailyLimit,
    /// The clock, the signature or the address is wrong: sign once more with the
    /// server's time, then stop and alert a person.
    ClockOrSignature,
    /// Credentials, permission or billing: stop and alert a person.
    Account,
    /// The request itself is wrong: never repeat it unchanged.
    OurFault,
    /// A code that this version does not know: keep it with its message.
    Unknown,
}

impl Status {
    /// Found, or done.
    pub const OK: Self = Self(200);
    /// The request was fine and there is nothing.
    pub const NO_RESULT: Self = Self(201);
    /// A parameter is wrong.
    pub const BAD_PARAMETER: Self = Self(202);
    /// The vendor is still working on it.
    pub const NOT_READY: Self = Self(205);
    /// The key is unknown or not in force yet.
    pub const UNKNOWN_KEY: Self = Self(101);
    /// The address is not allowed, or the signature is wrong.
    pub const ADDRESS_OR_SIGNATURE: Self = Self(107);
    /// The system's daily limit is reached.
    pub const DAILY_LIMIT: Self = Self(109);
    /// An unknown error at the vendor.
    pub const UNKNOWN_ERROR: Self = Self(199);

    /// The status with this code, known or not.
    pub const fn new(code: i64) -> Self {
        Self(code)
    }

    /// The number.
    pub const fn code(self) -> i64 {
        self.0
    }

    /// What to do with it.
    ///
    /// By the manual's table; 120, which only sibling products list, is
    /// [`StatusClass::Transient`].
    pub fn class(self) -> StatusClass {
        self.entry().map_or(StatusClass::Unknown, |entry| entry.class)
    }

    /// What a person should do, in English.
    pub fn advice(self) -> &'static str {
        self.entry().map_or(
            "The manual does not list this code: read the vendor's message beside it, \
             and ask the vendor if it stays.",
            |entry| entry.advice,
        )
    }

    /// The manual's text, in Chinese; `None` for a code that it does not list.
    ///
    /// An answer may have another message: show that one if there is one.
    pub fn manual_text(self) -> Option<&'static str> {
        self.entry().and_then(|entry| entry.text)
    }

    /// The 33 codes of the manual (7.1 and 7.2), in its order.
    pub fn known() -> impl Iterator<Item = Self> {
        table::MANUAL.iter().map(|entry| Self(entry.code))
    }

    fn entry(self) -> Option<&'static Entry> {
        table::MANUAL.iter().chain(table::SECOND_HAND).find(|entry| entry.code == self.0)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<i64> for Status {
    fn from(code: i64) -> Self {
        Self(code)
    }
}

impl StatusClass {
    /// The class in a word, for logs and metrics: `transient`, `daily_limit` …
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Empty => "empty",
            Self::NotYet => "not_yet",
            Self::Transient => "transient",
            Self::CoolOff => "cool_off",
            Self::DailyLimit => "daily_limit",
            Self::ClockOrSignature => "clock_or_signature",
            Self::Account => "account",
            Self::OurFault => "our_fault",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for StatusClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
