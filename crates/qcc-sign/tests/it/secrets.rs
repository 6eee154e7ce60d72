//! `Debug` and errors of every type, searched for what they must not show.

use qcc_sign::{AppKey, Credentials, SecretKey};

const KEY: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90";
const SECRET: &str = "0F1E2D3C4B5A69788796A5B4C3D2E1F0";

#[track_caller]
fn check_hides(shown: &str, hidden: &str) {
    for start in 0..hidden.len() - 5 {
        assert!(!shown.contains(&hidden[start..start + 6]), "{shown} shows a part of {hidden}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let credentials = Credentials::new(KEY.parse().unwrap(), SECRET.parse().unwrap());
    let signed = credentials.sign(1_654_573_158_u64);
    let token = signed.token.reveal();
    for shown in [
        format!("{credentials:?}"),
        format!("{credentials:#?}"),
        format!("{signed:?}"),
        format!("{signed:#?}"),
        format!("{:?}", signed.token),
        format!("{:?}", credentials.key()),
        format!("{:?}", SECRET.parse::<SecretKey>()),
        format!("{:?}", KEY.parse::<AppKey>()),
    ] {
        for hidden in [KEY, SECRET, token] {
            check_hides(&shown, hidden);
        }
    }
}

#[test]
fn the_app_key_is_recognisable_in_debug() {
    assert_eq!(format!("{:?}", KEY.parse::<AppKey>().unwrap()), "AppKey(a1b2…)");
    // Of eight characters four may be shown, of seven none.
    assert_eq!(format!("{:?}", "a1b2c3d4".parse::<AppKey>().unwrap()), "AppKey(a1b2…)");
    assert_eq!(format!("{:?}", "a1b2c3d".parse::<AppKey>().unwrap()), "AppKey(…)");
}

#[test]
fn a_secret_in_debug_is_named_but_not_shown() {
    assert_eq!(format!("{:?}", SECRET.parse::<SecretKey>().unwrap()), "SecretKey(…)");
    let credentials = Credentials::new(KEY.parse().unwrap(), SECRET.parse().unwrap());
    assert_eq!(format!("{:?}", credentials.sign(1_654_573_158_u64).token), "Token(…)");
}

#[test]
fn errors_hold_nothing_of_the_key() {
    for text in [format!("{SECRET} "), format!("{SECRET} {SECRET}"), SECRET.repeat(5)] {
        let error = text.parse::<SecretKey>().unwrap_err();
        check_hides(&format!("{error:?} {error}"), SECRET);
    }
}
