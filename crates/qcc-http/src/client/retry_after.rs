//! `Retry-After`: how long whoever answered wants to be left alone.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimeParser};

/// A wish beyond this is not believed.
const LONGEST: Duration = Duration::from_secs(3600);

/// The wait a 429 or 503 asks for, an hour at most.
///
/// A date counts from the `Date` of the same answer, so that our clock does not
/// matter; without one, from `now`, where there is a `now`.
pub(super) fn wished(
    http: StatusCode,
    headers: &HeaderMap,
    now: Option<Timestamp>,
) -> Option<Duration> {
    if !matches!(http, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return None;
    }
    let said = headers.get(header::RETRY_AFTER)?.as_bytes().trim_ascii();
    if !said.is_empty() && said.iter().all(u8::is_ascii_digit) {
        // More digits than fit are a longer wish than any that is believed.
        let seconds = std::str::from_utf8(said).ok()?.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let until = date(said)?;
    let from = headers.get(header::DATE).and_then(|value| date(value.as_bytes())).or(now)?;
    let wait = until.duration_since(from).max(SignedDuration::ZERO);
    Some(wait.unsigned_abs().min(LONGEST))
}

/// An HTTP date, as headers write it.
pub(super) fn date(text: &[u8]) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_read_in_both_forms_and_capped() {
        let noon = "Tue, 24 Nov 2026 12:00:00 GMT";
        for (http, said, dated, expected) in [
            (429, "120", "", Some(120)),
            (503, " 0 ", "", Some(0)),
            (503, "3601", "", Some(3600)),
            (503, "99999999999999999999999999", "", Some(3600)),
            (429, "Tue, 24 Nov 2026 12:02:00 GMT", noon, Some(120)),
            (429, "Tue, 24 Nov 2026 11:00:00 GMT", noon, Some(0)),
            (429, "Wed, 25 Nov 2026 12:00:00 GMT", noon, Some(3600)),
            // Without a `Date`, from our clock: five past noon.
            (503, "Tue, 24 Nov 2026 12:06:00 GMT", "", Some(60)),
            (503, "-5", "", None),
            (503, "1.5", "", None),
            (503, "soon", noon, None),
            (503, "", noon, None),
            (500, "120", "", None),
            (200, "120", "", None),
            (302, "120", "", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, said.parse().unwrap());
            if !dated.is_empty() {
                headers.insert(header::DATE, dated.parse().unwrap());
            }
            let now = "2026-11-24T12:05:00Z".parse().unwrap();
            let seen = wished(StatusCode::from_u16(http).unwrap(), &headers, Some(now));
            assert_eq!(seen, expected.map(Duration::from_secs), "{http} {said:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, noon.parse().unwrap());
        assert_eq!(wished(StatusCode::TOO_MANY_REQUESTS, &headers, None), None);
        assert_eq!(wished(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), None), None);
    }
}
