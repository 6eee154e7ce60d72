//! When a certificate ends.
//!
//! rustls reads it and does not tell, except as the reason of a refusal. So the
//! certificate is judged as if it were the end of time; no parser of our own, and
//! none more to depend upon, for one date.

use std::time::Duration;

use jiff::Timestamp;
use rustls::{
    CertificateError, Error, RootCertStore,
    client::verify_server_cert_signed_by_trust_anchor,
    pki_types::{CertificateDer, UnixTime},
    server::ParsedCertificate,
};

/// Its `notAfter`, where it is read.
pub(super) fn not_after(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    // No certificate is valid then: their times have four digits for the year.
    let end_of_time = UnixTime::since_unix_epoch(Duration::from_secs(u64::from(u32::MAX) * 100));
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    let roots = RootCertStore::empty();
    let judged = verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], end_of_time, &[]);
    match judged {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Timestamp::from_second(i64::try_from(not_after.as_secs()).ok()?).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read_whoever_signed_it() {
        for (year, authority) in [(2024, false), (2033, false), (2051, true)] {
            let mut wanted = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
            wanted.not_after = rcgen::date_time_ymd(year, 2, 3);
            if authority {
                wanted.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            }
            let key = rcgen::KeyPair::generate().unwrap();
            let made = wanted.self_signed(&key).unwrap();
            let end = not_after(made.der()).unwrap();
            assert_eq!(end.to_string(), format!("{year}-02-03T00:00:00Z"));
        }
        assert_eq!(not_after(&CertificateDer::from(vec![0x30, 0])), None);
    }
}
