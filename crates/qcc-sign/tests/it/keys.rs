//! Which texts are keys, and what is said of the others.

use qcc_sign::{AppKey, InvalidKeyKind as Kind, SecretKey};

#[track_caller]
fn refused(text: &str, kind: Kind) {
    for (error, name) in [
        (text.parse::<AppKey>().unwrap_err(), "AppKey"),
        (text.parse::<SecretKey>().unwrap_err(), "SecretKey"),
    ] {
        assert_eq!(error.kind(), kind, "{text:?}");
        assert!(error.to_string().starts_with(&format!("the {name} ")), "{error}");
        assert!(!error.to_string().contains('\n') && !error.advice().is_empty());
    }
}

#[test]
fn visible_ascii_is_a_key() {
    for text in ["A", "a1b2c3d4e5f60718293a4b5c6d7e8f90", "!~%/+=&", &"k".repeat(128)] {
        assert_eq!(text.parse::<AppKey>().unwrap().as_str(), text);
        assert!(text.parse::<SecretKey>().is_ok());
    }
}

#[test]
fn each_refusal_says_why() {
    refused("", Kind::Empty);
    refused(" \r\n", Kind::Empty);
    for text in [" key", "key ", "key\n", "key\r\n", "\tkey", "\u{3000}key", "key\u{a0}"] {
        refused(text, Kind::Padded);
    }
    for text in ["a b", "a\u{0}b", "a\nb", "密钥", "\u{feff}key", "key\u{200b}", "a\u{7f}"] {
        refused(text, Kind::Character);
    }
    refused(&"k".repeat(129), Kind::TooLong);
}

#[test]
fn only_the_whole_key_matches() {
    let key: AppKey = "a1b2c3d4".parse().unwrap();
    assert!(key.matches("a1b2c3d4"));
    for other in ["", "a1b2c3d", "a1b2c3d5", "A1B2C3D4", "a1b2c3d4 ", "b1b2c3d4"] {
        assert!(!key.matches(other), "{other:?}");
    }
}
