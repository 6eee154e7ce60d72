//! The token against vectors made elsewhere, and against its law.

use std::time::{Duration, UNIX_EPOCH};

use md5::{Digest, Md5};
use proptest::prelude::*;
use qcc_sign::{Credentials, Signed, Timespan};

fn credentials(key: &str, secret: &str) -> Credentials {
    Credentials::new(key.parse().unwrap(), secret.parse().unwrap())
}

fn token(key: &str, at: i64, secret: &str) -> String {
    credentials(key, secret).sign(at).token.reveal().to_owned()
}

#[test]
fn a_timespan_counts_whole_seconds_since_1970() {
    let timespan = |at: Timespan| credentials("AppKey", "SecretKey").sign(at).timespan;
    assert_eq!(timespan(UNIX_EPOCH.into()), "0");
    assert_eq!(timespan((UNIX_EPOCH + Duration::from_millis(1_999)).into()), "1");
    assert_eq!(timespan((UNIX_EPOCH - Duration::from_secs(5)).into()), "-5");
    assert_eq!(timespan((-5_i64).into()), "-5");
    assert_eq!(timespan(u64::MAX.into()), u64::MAX.to_string());
    assert_eq!(timespan(i64::MIN.into()), i64::MIN.to_string());
}

#[test]
fn the_headers_are_those_of_the_manual() {
    let signed = credentials("AppKey", "SecretKey").sign(1_654_573_158_u64);
    assert_eq!(
        signed.headers(),
        [("Timespan", "1654573158"), ("Token", "3FCEA81C7B5658D08E87B33D260B2108")]
    );
    assert_eq!(
        [Signed::TIMESPAN_HEADER, Signed::TOKEN_HEADER],
        signed.headers().map(|(name, _)| name)
    );
}

/// Made by `printf '%s%s%s' KEY TIMESPAN SECRET | md5sum | tr a-f A-F`.
#[test]
fn known_vectors_hold() {
    for (key, at, secret, expected) in [
        ("AppKey", 1_654_573_158, "SecretKey", "3FCEA81C7B5658D08E87B33D260B2108"),
        (
            "a1b2c3d4e5f60718293a4b5c6d7e8f90",
            1_654_573_158,
            "0F1E2D3C4B5A69788796A5B4C3D2E1F0",
            "85485CF9F3667784686CF71CB5CA14EC",
        ),
    ] {
        assert_eq!(token(key, at, secret), expected);
    }
}

#[test]
fn only_the_exact_token_is_verified() {
    let account = credentials("AppKey", "SecretKey");
    let good = "3FCEA81C7B5658D08E87B33D260B2108";
    assert!(account.verify("1654573158", good));
    for (timespan, token) in [
        ("1654573159", good),
        ("01654573158", good),
        ("", good),
        ("1654573158", ""),
        ("1654573158", &good.to_lowercase()),
        ("1654573158", &good[..31]),
        ("1654573158", "3FCEA81C7B5658D08E87B33D260B2109"),
        ("1654573158", &format!("{good} ")),
    ] {
        assert!(!account.verify(timespan, token), "{timespan:?} {token:?}");
    }
}

const KEY: &str = "[!-~]{1,128}";

proptest! {
    #[test]
    fn token_is_the_digest_of_the_joined_text(key in KEY, at: i64, secret in KEY) {
        let digest = Md5::digest(format!("{key}{at}{secret}"));
        let expected: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        let signed = credentials(&key, &secret).sign(at);
        prop_assert_eq!(&signed.timespan, &at.to_string());
        prop_assert_eq!(signed.token.reveal(), expected);
        prop_assert!(credentials(&key, &secret).verify(&signed.timespan, signed.token.reveal()));
    }

    #[test]
    fn each_part_matters(key in "[!-~]{1,127}", at: i64, secret in "[!-~]{1,127}", other in "[g-z]") {
        let good = token(&key, at, &secret);
        prop_assert_ne!(&good, &token(&format!("{other}{key}"), at, &secret));
        prop_assert_ne!(&good, &token(&key, at + 1, &secret));
        prop_assert_ne!(&good, &token(&key, at, &format!("{secret}{other}")));
    }
}
