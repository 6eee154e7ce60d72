//! One risk record of `dd_risk_corp.json` (6.2.6), and its two vocabularies.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// One change of a watched company's risk.
///
/// Texts are kept as sent. A field that is absent or `null` is `None`; a field this
/// version does not know lies in `extra`. `id` is never missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RiskRecord {
    /// What identifies the record across pushes; 1 to 128 bytes, no controls.
    pub id: String,
    /// The company's key at the vendor.
    pub corp_key_no: Option<String>,
    /// The company's name.
    pub corp_name: Option<String>,
    /// What changed, in a sentence.
    pub monitor_content: Option<String>,
    /// How grave the news is.
    pub monitor_level: Option<MonitorLevel>,
    /// The channel or risk class the company is in now.
    pub monitor_type: Option<MonitorType>,
    /// The due-diligence score.
    pub score: Option<i32>,
    /// The date of the change, as sent: `yyyy-MM-dd` in the manual's sample.
    pub change_date: Option<String>,
    /// Fields unknown to this version: a JSON object, or `None`.
    pub extra: Option<String>,
}

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$entry_doc:meta])* $entry:ident = $text:literal,)* }) => {
        $(#[$doc])*
        ///
        /// Open: a word this version does not know is kept as it came.
        /// [`is_known`](Self::is_known) tells the two apart.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
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
    /// `monitorLevel`: how grave a record is.
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
    /// `monitorType`: the channel or risk class a company is in.
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
