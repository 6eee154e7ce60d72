//! What can go wrong at the vendor, by name.

use std::{fmt, str::FromStr};

use crate::Exchange;

/// Where a fault may strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Any signed call and any download.
    Requests,
    /// Any signed call.
    Calls,
    /// 6.2.4.
    List,
    /// 6.2.5.
    Locate,
    /// 6.2.6.
    Download,
    /// 6.2.2.
    Callback,
    /// An order, when it is made; it stays so.
    Order,
    /// The schedule, when an order is due.
    Schedule,
    /// The vendor as a whole, as long as its faults last.
    Vendor,
}

impl Place {
    pub(crate) fn covers(self, exchange: Exchange) -> bool {
        use Exchange::{Activate, Callback, Download, ListOrders, Locate, SetPush};
        match self {
            Self::Requests => {
                matches!(exchange, SetPush | Activate | ListOrders | Locate | Download)
            }
            Self::Calls => matches!(exchange, SetPush | Activate | ListOrders | Locate),
            Self::List => exchange == ListOrders,
            Self::Locate => exchange == Locate,
            Self::Download => exchange == Download,
            Self::Callback => exchange == Callback,
            Self::Order | Self::Schedule | Self::Vendor => false,
        }
    }
}

macro_rules! faults {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal, $place:ident, $passes:ident;)*) => {
        /// One kind of trouble. Each strikes at an exchange, at an order, or the
        /// whole vendor; [`FaultPlan`](crate::FaultPlan) says how often.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Fault { $($(#[doc = $doc])* $name,)* }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name, as it is written in a plan.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// Whether asking again, once the vendor is healthy, brings what
            /// was asked for. Where not, the order itself is spoilt for good.
            ///
            /// An odd one stays, yet leaves no doubt about what is meant, so it passes:
            /// see [`is_odd`](Self::is_odd).
            pub const fn passes(self) -> bool {
                match self { $(Self::$name => faults!(@ $passes)),* }
            }

            /// Whether it is a manner of writing that an order keeps for good and a
            /// lenient receiver reads as it was meant.
            pub const fn is_odd(self) -> bool {
                match self { $(Self::$name => faults!(? $passes)),* }
            }

            /// What it does, as its documentation says.
            #[cfg(test)]
            pub(crate) const fn text(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*)),* }
            }

            pub(crate) const fn place(self) -> Place {
                match self { $(Self::$name => Place::$place),* }
            }
        }

        impl FromStr for Fault {
            type Err = UnknownFault;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($text => Ok(Self::$name),)* _ => Err(UnknownFault(())) }
            }
        }
    };
    (@ passes) => { true };
    (@ odd) => { true };
    (@ stays) => { false };
    (? odd) => { true };
    (? $other:ident) => { false };
}

faults! {
    /// The connection is reset before the request is read; nothing happened.
    ResetBefore = "reset-before", Requests, passes;
    /// The request takes effect, then the connection is reset without an answer.
    ResetAfter = "reset-after", Requests, passes;
    /// No answer comes, and the connection stays open.
    NoAnswer = "no-answer", Requests, passes;
    /// The answer comes late, by [`VendorConfig::slow_by`](crate::VendorConfig::slow_by).
    SlowAnswer = "slow-answer", Requests, passes;
    /// A proxy's HTML page with HTTP 502.
    Http502Html = "http-502-html", Requests, passes;
    /// HTTP 503 without a body.
    Http503Empty = "http-503-empty", Requests, passes;
    /// A redirect to a host nobody allowed. Following it shows in the journal.
    Redirect = "redirect", Requests, passes;

    /// The request takes effect; half of the answer's body arrives.
    TruncatedAnswer = "truncated-answer", Calls, passes;
    /// HTTP 200 and no body.
    EmptyAnswer = "empty-answer", Calls, passes;
    /// HTTP 200 and an HTML page.
    HtmlAnswer = "html-answer", Calls, passes;
    /// Status 199: unknown error.
    Status199 = "status-199", Calls, passes;
    /// Status 203: the query failed.
    Status203 = "status-203", Calls, passes;
    /// Status 500 with HTTP 200: the interface failed inside.
    Status500 = "status-500", Calls, passes;
    /// Status 106: too many illegal requests.
    Status106 = "status-106", Calls, passes;
    /// Status 107 whatever the signature is worth; once unless told otherwise.
    Status107 = "status-107", Calls, passes;
    /// Status 109: the daily limit; once unless told otherwise.
    Status109 = "status-109", Calls, passes;
    /// Status 299, which the manual does not list.
    UnknownStatus299 = "unknown-status-299", Calls, passes;

    /// Some orders are listed twice.
    DuplicateOrderInList = "duplicate-order-in-list", List, passes;
    /// The list is shuffled.
    ListOutOfOrder = "list-out-of-order", List, passes;
    /// The list lacks its newest orders, up to three.
    ListLags = "list-lags", List, passes;
    /// Status 201, as if there were no orders.
    ListEmpty = "list-empty", List, passes;
    /// The list has one line more, which names no order.
    ListJunkLine = "list-junk-line", List, passes;

    /// Status 205 for this order, for [`VendorConfig::preparing_for`](crate::VendorConfig::preparing_for).
    Status205 = "status-205-for-a-while", Locate, passes;
    /// A password that opens nothing.
    WrongPassword = "wrong-password", Locate, passes;
    /// A link that ends 20 seconds later.
    ShortLink = "short-link", Locate, passes;
    /// A link to a host nobody allowed. Following it shows in the journal.
    ForeignLink = "foreign-link", Locate, passes;
    /// Another order's number, link and password, where there is another.
    OtherOrder = "other-order", Locate, passes;

    /// 403: the link has ended, whatever it says of itself.
    LinkExpired = "link-expired", Download, passes;
    /// 404: there is no such object, yet.
    NoSuchKey = "no-such-key", Download, passes;
    /// The body breaks off, at a random place.
    TruncatedDownload = "truncated-download", Download, passes;
    /// The body comes to a halt, at a random place, and the connection stays open.
    StalledDownload = "stalled-download", Download, passes;
    /// One bit of what is sent is wrong.
    CorruptDownload = "corrupt-download", Download, passes;
    /// HTTP 200 and an HTML page.
    HtmlInsteadOfZip = "html-instead-of-zip", Download, passes;
    /// HTTP 200 and the file host's XML.
    XmlInsteadOfZip = "xml-instead-of-zip", Download, passes;
    /// Four pieces, with a pause before each of [`VendorConfig::slow_by`](crate::VendorConfig::slow_by).
    SlowBody = "slow-body", Download, passes;
    /// The whole file with HTTP 200, though a part was asked for.
    NoRange = "no-range", Download, passes;
    /// HTTP 206 with another part than was asked for, and honest about it.
    WrongRange = "wrong-range", Download, passes;
    /// Another ETag than before, as if the file had been replaced.
    EtagChanges = "etag-changes", Download, passes;

    /// The vendor forgets to call.
    CallbackLost = "callback-lost", Callback, passes;
    /// Our answer is lost, and counts as an error.
    CallbackAckLost = "callback-ack-lost", Callback, passes;
    /// The vendor calls twice.
    CallbackDuplicated = "callback-duplicated", Callback, passes;
    /// The call comes two minutes late, after others.
    CallbackReordered = "callback-reordered", Callback, passes;
    /// Someone else calls too: wrong key, own link, an order nobody made.
    CallbackForged = "callback-forged", Callback, passes;

    /// The vendor's clock is wrong, and its `Date` says so.
    ClockSkew = "clock-skew", Vendor, passes;

    /// The archive is damaged where it lies: a flipped bit in the document.
    CorruptArchive = "corrupt-archive", Order, stays;
    /// The archive is not encrypted at all.
    UnencryptedArchive = "unencrypted-archive", Order, stays;
    /// The archive is encrypted with AES-128.
    WeakArchive = "weak-archive", Order, stays;
    /// The document breaks off in the middle of a record.
    BrokenDocument = "broken-document", Order, stays;
    /// `totalSize` is one more than there are records.
    WrongTotal = "wrong-total", Order, stays;

    /// HTTP 429 without a body, and a `Retry-After` of seven seconds.
    Http429 = "http-429-retry-after", Requests, passes;
    /// A `Content-Encoding: utf-8`, which is none; the body is as ever.
    OddContentEncoding = "odd-content-encoding", Requests, passes;
    /// The answer's body comes byte by byte, each after [`VendorConfig::slow_by`](crate::VendorConfig::slow_by).
    DrippingAnswer = "dripping-answer", Calls, passes;
    /// Times of the answer as `2022-06-07 10:13:42.0`.
    DatesWithFraction = "dates-with-fraction", Calls, passes;
    /// Times of the answer as `2022-06-07T10:13:42`.
    DatesIso = "dates-iso", Calls, passes;
    /// Times of the answer as a number of milliseconds since 1970.
    DatesEpochMillis = "dates-epoch-ms", Calls, passes;
    /// Times of the answer as `2022-06-07T10:13:42+08:00`.
    DatesWithOffset = "dates-with-offset", Calls, passes;
    /// The numbers of the list have a blank before and behind them.
    ListPaddedNumbers = "list-padded-numbers", List, passes;
    /// The lines of the list have `OrderNo` and `CreateDate`.
    ListUpperNames = "list-upper-names", List, passes;
    /// The lines of the list have `order_no` and `create_date`.
    ListSnakeNames = "list-snake-names", List, passes;
    /// The newest line's number has slashes in it, which no number has.
    ListUnreadableNumber = "list-unreadable-number", List, passes;
    /// The number of every line has slashes in it, which no number has.
    ListUnreadableNumbers = "list-unreadable-numbers", List, passes;
    /// Status 201 for an order that exists, for [`VendorConfig::replica_late_by`](crate::VendorConfig::replica_late_by)
    /// from its first strike on: the vendor's replica does not know it yet.
    LateReplica = "late-replica", Locate, passes;
    /// The link has a line end before and a blank behind it.
    LinkWithBlanks = "link-with-blanks", Locate, passes;
    /// 503 for every download, for [`VendorConfig::outage`](crate::VendorConfig::outage).
    FileHost503 = "file-host-503-for-hours", Download, passes;
    /// A reset for every download, for [`VendorConfig::outage`](crate::VendorConfig::outage).
    FileHostResets = "file-host-resets-for-hours", Download, passes;
    /// 503 for this order's download, for [`VendorConfig::outage`](crate::VendorConfig::outage).
    Archive503 = "archive-503-for-hours", Download, passes;
    /// The whole archive of another order, where there is another.
    ArchiveOfAnother = "archive-of-another-order", Download, passes;
    /// Other garbage each time, as long as the archive, that begins with `PK`.
    GarbageZip = "garbage-that-begins-pk", Download, passes;
    /// Someone who knows the key calls about [`VendorConfig::flood`](crate::VendorConfig::flood) orders nobody made.
    CallbackFlood = "callback-flood", Callback, passes;
    /// Scheduled orders are held back, then [`VendorConfig::burst`](crate::VendorConfig::burst) are made at once.
    BurstAfterQuiet = "burst-after-quiet", Schedule, passes;

    /// The document's `pushDate` as `2022-06-07 10:13:42.0`.
    PushDateWithFraction = "push-date-with-fraction", Order, odd;
    /// The document's `pushDate` as `2022-06-07T10:13:42`.
    PushDateIso = "push-date-iso", Order, odd;
    /// The document's `pushDate` as a number of milliseconds since 1970.
    PushDateEpochMillis = "push-date-epoch-ms", Order, odd;
    /// The document's `pushDate` as `2022-06-07T10:13:42+08:00`.
    PushDateWithOffset = "push-date-with-offset", Order, odd;
    /// Fields of records that would be `null` are absent; some are.
    AbsentNulls = "absent-nulls", Order, odd;
    /// Scores as `82.0`.
    DecimalScores = "decimal-scores", Order, odd;
    /// Ids that are whole numbers, without quotes.
    NumericIds = "numeric-ids", Order, odd;
    /// The text of one record ends in half a surrogate, an emoji cut in two.
    HalfSurrogate = "half-surrogate", Order, odd;
    /// The text of one record is in GBK, while the document is UTF-8.
    WrongEncoding = "wrong-encoding", Order, odd;
    /// The archive has the password of the order before.
    SharedPassword = "shared-password", Order, odd;
    /// The document lies in a folder of the archive.
    EntryInFolder = "entry-in-folder", Order, odd;

    /// The vendor's clock is wrong for [`VendorConfig::outage`](crate::VendorConfig::outage), then corrected.
    ClockWrong = "clock-wrong-for-hours", Calls, passes;
}

impl Fault {
    /// Those that stop a client's every call for long: a rest that is meant to be kept, a
    /// quota, a refused signature. `random` holds none of them.
    pub const ACCOUNT_WIDE: &'static [Self] = &[Self::Status106, Self::Status107, Self::Status109];

    /// Those that `random` does not draw: they strike where they are named.
    ///
    /// Some last for hours of real time, and a rehearsal under `random` must come to an end. The
    /// others would change what each seed of such a rehearsal meets. The seeded lives of the
    /// simulation, whose time is virtual, draw them by name. They are the last of
    /// [`ALL`](Self::ALL).
    pub const UNMIXED: &'static [Self] = &[
        Self::Http429,
        Self::OddContentEncoding,
        Self::DrippingAnswer,
        Self::DatesWithFraction,
        Self::DatesIso,
        Self::DatesEpochMillis,
        Self::DatesWithOffset,
        Self::ListPaddedNumbers,
        Self::ListUpperNames,
        Self::ListSnakeNames,
        Self::ListUnreadableNumber,
        Self::ListUnreadableNumbers,
        Self::LateReplica,
        Self::LinkWithBlanks,
        Self::FileHost503,
        Self::FileHostResets,
        Self::Archive503,
        Self::ArchiveOfAnother,
        Self::GarbageZip,
        Self::CallbackFlood,
        Self::BurstAfterQuiet,
        Self::PushDateWithFraction,
        Self::PushDateIso,
        Self::PushDateEpochMillis,
        Self::PushDateWithOffset,
        Self::AbsentNulls,
        Self::DecimalScores,
        Self::NumericIds,
        Self::HalfSurrogate,
        Self::WrongEncoding,
        Self::SharedPassword,
        Self::EntryInFolder,
        Self::ClockWrong,
    ];

    /// Whether `random` may draw it.
    pub(crate) fn is_mixed(self) -> bool {
        self.passes() && !Self::ACCOUNT_WIDE.contains(&self) && !Self::UNMIXED.contains(&self)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no fault: see [`Fault::ALL`] for those there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a fault of the simulator")]
pub struct UnknownFault(());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_stands_in_the_table_of_the_readme() {
        let page = include_str!("../README.md");
        let meaning = |fault: &Fault| {
            let text = fault.text().trim().replace("](crate::VendorConfig::", "](VendorConfig::");
            let mut plain = String::new();
            let mut rest = text.as_str();
            // Links of the documentation are names in the table.
            while let Some((before, after)) = rest.split_once("[`") {
                let (name, after) = after.split_once("`](").unwrap_or((after, ""));
                plain.push_str(&format!("{before}`{name}`"));
                rest = after.split_once(')').map_or("", |(_, after)| after);
            }
            plain + rest
        };
        let rows = Fault::ALL.iter().map(|fault| format!("| `{fault}` | {} |\n", meaning(fault)));
        let missing: String = rows.filter(|row| !page.contains(row.as_str())).collect();
        assert!(missing.is_empty(), "the README lacks these rows:\n{missing}");
    }
}
