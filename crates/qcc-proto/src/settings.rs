//! What 6.2.1 sets: whether, where and when the vendor calls back.

mod callback_url;

use std::{fmt, str::FromStr};

pub use callback_url::{CallbackUrl, InvalidCallbackUrl, InvalidCallbackUrlKind};

/// The whole push setting of an account: the vendor has no partial update.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PushSetting {
    /// `enablePush`.
    pub enabled: PushState,
    /// `callbackUrl`; required even if the push is disabled.
    pub callback_url: CallbackUrl,
    /// `pushPeriodTime`; `None` leaves the choice to the vendor.
    pub window: Option<PushWindow>,
}

impl PushSetting {
    /// Push to `callback_url`, in a window that the vendor chooses.
    pub fn new(callback_url: CallbackUrl) -> Self {
        Self { enabled: PushState::Enabled, callback_url, window: None }
    }

    /// The same with the push enabled or disabled.
    #[must_use]
    pub fn with_state(mut self, state: PushState) -> Self {
        self.enabled = state;
        self
    }

    /// The same in this window; `None` leaves the choice to the vendor.
    #[must_use]
    pub fn with_window(mut self, window: impl Into<Option<PushWindow>>) -> Self {
        self.window = window.into();
        self
    }
}

/// Whether the vendor calls back at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum PushState {
    /// The vendor calls back.
    Enabled,
    /// The vendor does not call back; orders are still listed.
    Disabled,
}

impl PushState {
    /// The letter on the wire: `A` or `I`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "A",
            Self::Disabled => "I",
        }
    }
}

/// The two hours of a Shanghai day in which the vendor pushes.
///
/// ```
/// use qcc_proto::PushWindow;
///
/// let window: PushWindow = "9".parse()?;
/// assert_eq!(window.to_string(), "09:00–11:00");
/// let error = "10".parse::<PushWindow>().unwrap_err();
/// assert_eq!(error.to_string(), "not a push window: expected 9, 11, 13, 15, 17 or 19");
/// # Ok::<(), qcc_proto::InvalidPushWindow>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "u8", into = "u8")
)]
pub struct PushWindow(u8);

impl PushWindow {
    /// The six windows of the manual.
    pub const ALL: [Self; 6] = [Self(9), Self(11), Self(13), Self(15), Self(17), Self(19)];

    /// The hour it starts, which is its name on the wire.
    pub const fn start_hour(self) -> u8 {
        self.0
    }

    /// The hour it ends.
    pub const fn end_hour(self) -> u8 {
        self.0 + 2
    }
}

impl TryFrom<u8> for PushWindow {
    type Error = InvalidPushWindow;

    fn try_from(hour: u8) -> Result<Self, Self::Error> {
        Self::ALL.into_iter().find(|window| window.0 == hour).ok_or(InvalidPushWindow(()))
    }
}

impl From<PushWindow> for u8 {
    fn from(window: PushWindow) -> Self {
        window.0
    }
}

impl FromStr for PushWindow {
    type Err = InvalidPushWindow;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidPushWindow(()));
        }
        text.parse::<u8>().map_err(|_| InvalidPushWindow(()))?.try_into()
    }
}

impl fmt::Display for PushWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:02}:00–{:02}:00", self.start_hour(), self.end_hour()))
    }
}

/// The hour does not start a push window: choose one of [`PushWindow::ALL`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPushWindow(());

impl fmt::Display for InvalidPushWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a push window: expected 9, 11, 13, 15, 17 or 19")
    }
}

impl std::error::Error for InvalidPushWindow {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_manuals_hours_are_windows() {
        for hour in 0..=u8::MAX {
            let known = [9, 11, 13, 15, 17, 19].contains(&hour);
            assert_eq!(PushWindow::try_from(hour).is_ok(), known, "{hour}");
            assert_eq!(hour.to_string().parse::<PushWindow>().is_ok(), known, "{hour}");
        }
        for text in ["", "9:00", " 9", "+9", "-9", "nine", "265", "九"] {
            assert!(text.parse::<PushWindow>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn the_last_window_ends_at_nine_in_the_evening() {
        assert_eq!(PushWindow::ALL[5].to_string(), "19:00–21:00");
    }
}
