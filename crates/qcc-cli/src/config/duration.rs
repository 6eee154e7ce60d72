//! Durations as people write them: `90s`, `5m`, `1h 30m`.

use std::time::Duration;

use jiff::SignedDuration;

/// Reads a duration; for clap.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "a duration such as 30s, 5m or 1h 30m is expected".to_owned();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{text} of what? {}", expected()));
    }
    let signed: SignedDuration = text.parse().map_err(|_| expected())?;
    Duration::try_from(signed).map_err(|_| expected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_needs_its_unit() {
        for (text, seconds) in [("30s", 30), ("5m", 300), ("1h 30m", 5400), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "30", "soon", "-5s", "5 parsecs"] {
            assert!(duration(text).is_err(), "{text:?} was taken");
        }
    }
}
