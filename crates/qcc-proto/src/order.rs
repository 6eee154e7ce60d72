//! Order numbers: opaque names, checked once, when they come in.

use std::{borrow::Borrow, error::Error, fmt, str::FromStr};

use crate::{
    ShanghaiTime,
    text::{checked_text, deserialize_by_parsing},
};

/// The vendor's name for one push.
///
/// 1 to 64 ASCII letters, digits, `-` and `_`: safe in a URL, a log line
/// and a file name without escaping. The manual's samples (6.2.2, 6.2.4) look
/// like `DDMON` + `yyyyMMddHHmmss` + 8 digits, but nothing depends on that.
///
/// ```
/// use qcc_proto::OrderNo;
///
/// let no: OrderNo = "DDMON2022060710291160581293".parse()?;
/// assert_eq!(no.created_hint().unwrap().to_string(), "2022-06-07 10:29:11");
/// assert!("../../etc/passwd".parse::<OrderNo>().is_err());
/// # Ok::<(), qcc_proto::InvalidOrderNo>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderNo(Box<str>);

impl OrderNo {
    /// The longest order number accepted, in bytes.
    pub const MAX_LEN: usize = 64;

    /// The number as the vendor wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The creation time in the number, if it has the usual shape.
    ///
    /// A hint only: the manual does not promise the shape.
    pub fn created_hint(&self) -> Option<ShanghaiTime> {
        let digits = self.0.strip_prefix("DDMON")?;
        if digits.len() != 22 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        ShanghaiTime::from_compact(digits.get(..14)?)
    }
}

impl FromStr for OrderNo {
    type Err = InvalidOrderNo;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if text.is_empty() || text.len() > Self::MAX_LEN || !text.bytes().all(allowed) {
            return Err(InvalidOrderNo(()));
        }
        Ok(Self(text.into()))
    }
}

checked_text!(OrderNo, InvalidOrderNo);
deserialize_by_parsing!(OrderNo);

/// An order number hashes and compares like its text.
impl Borrow<str> for OrderNo {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OrderNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not an order number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidOrderNo(());

impl fmt::Display for InvalidOrderNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an order number: expected 1 to 64 letters, digits, '-' or '_'")
    }
}

impl Error for InvalidOrderNo {}

/// One line of the vendor's order list (6.2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ListedOrder {
    /// The order's number.
    pub order_no: OrderNo,
    /// `createDate`; `None` if it is absent or not a time.
    pub created_at: Option<ShanghaiTime>,
}

impl ListedOrder {
    /// A line with this number and creation time.
    pub fn new(order_no: OrderNo, created_at: Option<ShanghaiTime>) -> Self {
        Self { order_no, created_at }
    }

    /// When the order was created: the list's time, else the time in its number.
    pub fn made_at(&self) -> Option<ShanghaiTime> {
        self.created_at.or_else(|| self.order_no.created_hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_need_no_escaping_are_order_numbers() {
        for good in ["A", "DDMON2022060710291160581293", "a-b_c", &"9".repeat(64)] {
            assert_eq!(good.parse::<OrderNo>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "..", "a.b", "订单", "a\n", &"9".repeat(65), "%2e"] {
            assert!(bad.parse::<OrderNo>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_line_without_a_time_is_as_old_as_its_number_tells() {
        let line = |no: &str, created: Option<&str>| ListedOrder {
            order_no: no.parse().unwrap(),
            created_at: created.map(|text| text.parse().unwrap()),
        };
        let made = |line: ListedOrder| line.made_at().map(|at| at.to_string());
        let said = Some("2022-06-07 10:14:59");
        assert_eq!(made(line("DDMON2022060710291160581293", said)).as_deref(), said);
        assert_eq!(
            made(line("DDMON2022060710291160581293", None)).as_deref(),
            Some("2022-06-07 10:29:11")
        );
        assert_eq!(made(line("A1", None)), None);
    }

    #[test]
    fn creation_time_is_hinted_only_by_the_usual_shape() {
        let hint = |s: &str| s.parse::<OrderNo>().unwrap().created_hint().map(|t| t.to_string());
        assert_eq!(hint("DDMON2021031616145803273367"), Some("2021-03-16 16:14:58".into()));
        assert_eq!(hint("DDMON2021133616145803273367"), None);
        assert_eq!(hint("DDMON2021"), None);
        assert_eq!(hint("XX"), None);
    }
}
