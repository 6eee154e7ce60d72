//! Paths, secret ones among them, replaced while the service runs.

use http::StatusCode;
use qcc_callback::{MemoryInbox, PathSecret, Paths, Tail};

use crate::support::*;

const OLD: &str = "0000000000000000aaaaaaaaaaaaaaaa";
const NEW: &str = "1111111111111111bbbbbbbbbbbbbbbb";

fn secret(text: &str) -> Tail {
    Tail::Secret(text.parse::<PathSecret>().unwrap())
}

#[track_caller]
fn check(paths: &Paths, accepted: &[&str], refused: &[&str]) {
    for path in accepted {
        assert!(paths.accepts(path), "{path} is refused");
    }
    for path in refused {
        assert!(!paths.accepts(path), "{path} is accepted");
    }
}

#[test]
fn a_path_is_compared_byte_for_byte() {
    let paths = Paths::new("/qcc/callback").unwrap();
    check(
        &paths,
        &["/qcc/callback"],
        &[
            "/",
            "",
            "/qcc",
            "/qcc/callback/",
            "/qcc//callback",
            "/QCC/callback",
            "/qcc/callbac%6b",
            "/qcc/callback/x",
            "/qcc/callback2",
            "/qcc/../qcc/callback",
            "//qcc/callback",
        ],
    );
    check(&Paths::new("/").unwrap(), &["/"], &["", "/callback", "//"]);
}

#[test]
fn a_secret_is_rotated_with_both_in_force_for_a_while() {
    let paths = Paths::new("/callback").unwrap();
    let (old, new) = (format!("/callback/{OLD}"), format!("/callback/{NEW}"));
    check(&paths, &["/callback"], &[&old, &new]);
    paths.replace([Tail::Bare, secret(OLD)]);
    check(&paths, &["/callback", &old], &[&new]);
    paths.clone().replace([secret(OLD), secret(NEW)]);
    check(&paths, &[&old, &new], &["/callback", "/callback/"]);
    paths.replace([secret(NEW)]);
    check(
        &paths,
        &[&new],
        &["/callback", &old, &new[..30], &format!("{new}/"), &format!("{new}b")],
    );
    paths.replace([]);
    check(&paths, &[], &["/callback", &old, &new, ""]);
}

#[test]
fn a_secret_may_hang_on_the_root() {
    let paths = Paths::new("/").unwrap();
    paths.replace([secret(NEW)]);
    check(&paths, &[&format!("/{NEW}")], &["/", NEW, &format!("//{NEW}")]);
}

#[tokio::test]
async fn a_running_service_follows() {
    let service = build(MemoryInbox::default()).build();
    let at = |path: &str| get(&format!("{path}?{}", query(ORDER)));
    assert_eq!(ask(&service, at("/callback")).await.0, StatusCode::OK);
    service.paths().replace([secret(NEW)]);
    assert_eq!(ask(&service, at("/callback")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(ask(&service, at(&format!("/callback/{NEW}"))).await.0, StatusCode::OK);
}

#[test]
fn what_needs_escaping_is_no_path_and_what_can_be_guessed_no_secret() {
    for base in ["", "callback", "/callback/", "/a//b", "/a b", "/回调", "/a?b", "/a%2fb", "//"] {
        assert!(Paths::new(base).is_err(), "{base}");
    }
    for text in ["", "short", "123456789012345", "1234567890123456/", &"a".repeat(129)] {
        let error = text.parse::<PathSecret>().unwrap_err();
        assert!(text.is_empty() || !error.to_string().contains(text));
    }
    assert_eq!(PathSecret::from_random([0xab; 16]).reveal(), "ab".repeat(16));
}
