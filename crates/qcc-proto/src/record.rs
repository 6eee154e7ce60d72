//! One risk record of `dd_risk_corp.json` (6.2.6), and its two vocabularies.

use std::{
    borrow::{Borrow, Cow},
    convert::Infallible,
    fmt,
    str::FromStr,
};

/// One change of a watched company's risk.
///
/// Texts are kept as sent. A field that is absent or `null` is `None`; fields
/// that this version does not know are in `extra`. `id` is always there.
///
/// With the feature `serde` a record serialises under its field names, `extra` as
/// an object. Numbers in `extra` that fit neither 64 bits nor a `f64` lose
/// precision on that way.
///
/// ```
/// use qcc_proto::{MonitorLevel, RiskRecord};
///
/// let mut record = RiskRecord::new("ffedc4cf");
/// record.monitor_level = Some(MonitorLevel::HIGH);
/// assert_eq!(record.score, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RiskRecord {
    /// Identifies the record across pushes; 1 to 128 bytes, no control characters.
    pub id: String,
    /// The company's key at the vendor.
    pub corp_key_no: Option<String>,
    /// The company's name.
    pub corp_name: Option<String>,
    /// What changed, in a sentence.
    pub monitor_content: Option<String>,
    /// How serious the change is.
    pub monitor_level: Option<MonitorLevel>,
    /// The company's current channel or risk class.
    pub monitor_type: Option<MonitorType>,
    /// The due-diligence score.
    pub score: Option<i32>,
    /// The date of the change, as sent: `yyyy-MM-dd` in the manual's sample.
    pub change_date: Option<String>,
    /// The fields that this version does not know, as the text of a JSON object,
    /// or `None`.
    #[cfg_attr(feature = "serde", serde(default, with = "extra"))]
    pub extra: Option<String>,
}

impl RiskRecord {
    /// A record with this id and nothing else.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            corp_key_no: None,
            corp_name: None,
            monitor_content: None,
            monitor_level: None,
            monitor_type: None,
            score: None,
            change_date: None,
            extra: None,
        }
    }
}

/// `extra` as the object that its text spells.
#[cfg(feature = "serde")]
mod extra {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

    use crate::json::Json;

    pub(super) fn serialize<S: Serializer>(
        extra: &Option<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let object: Option<Json> = match extra {
            Some(text) => Some(serde_json::from_str(text).map_err(ser::Error::custom)?),
            None => None,
        };
        object.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        match Option::<Json>::deserialize(deserializer)? {
            None | Some(Json::Null) => Ok(None),
            Some(object @ Json::Object(_)) => {
                serde_json::to_string(&object).map(Some).map_err(de::Error::custom)
            }
            Some(_) => Err(de::Error::custom("extra is not an object")),
        }
    }
}

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$entry_doc:meta])* $entry:ident = $text:literal,)* }) => {
        $(#[$doc])*
        ///
        /// A word that this version does not know is kept as sent;
        /// [`is_known`](Self::is_known) is false for it.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(
            feature = "serde",
            derive(serde::Serialize, serde::Deserialize),
            serde(from = "String", into = "String")
        )]
        pub struct $name(Cow<'static, str>);

        impl $name {
            $($(#[$entry_doc])* pub const $entry: Self = Self(Cow::Borrowed($text));)*

            const WORDS: &'static [&'static str] = &[$($text),*];

            /// The words of the manual, in its order.
            pub fn known() -> impl Iterator<Item = Self> {
                Self::WORDS.iter().map(|word| Self(Cow::Borrowed(word)))
            }

            /// The word as the vendor writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether the manual lists this word.
            pub fn is_known(&self) -> bool {
                Self::WORDS.contains(&self.as_str())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        /// A word hashes and compares like its text.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(text: &str) -> Result<Self, Infallible> {
                Ok(text.into())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match Self::WORDS.iter().find(|word| **word == text) {
                    Some(word) => Self(Cow::Borrowed(word)),
                    None => Self(Cow::Owned(text.to_owned())),
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                text.as_str().into()
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.0.into_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }
    };
}

vocabulary! {
    /// `monitorLevel`: how serious a change is.
    MonitorLevel {
        /// High-risk news.
        HIGH = "高风险信息",
        /// Risk news.
        RISK = "风险信息",
        /// A warning.
        WARNING = "警示信息",
        /// A hint.
        HINT = "提示信息",
    }
}

vocabulary! {
    /// `monitorType`: a company's channel or risk class.
    MonitorType {
        /// Red channel.
        RED = "红色通道",
        /// Yellow channel.
        YELLOW = "黄色通道",
        /// Green channel.
        GREEN = "绿色通道",
        /// High risk.
        HIGH = "高风险",
        /// Rather high risk.
        RATHER_HIGH = "较高风险",
        /// Medium risk.
        MEDIUM = "中风险",
        /// Rather low risk.
        RATHER_LOW = "较低风险",
        /// Low risk.
        LOW = "低风险",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_word_is_a_value() {
        let word = MonitorLevel::from("新级别");
        assert!(!word.is_known());
        assert_eq!(word.as_str(), "新级别");
        assert_eq!(MonitorLevel::from("高风险信息"), MonitorLevel::HIGH);
        assert!(MonitorType::known().all(|t| t.is_known()));
    }
}
