//! The secret path: it changes without a moment in which a call is refused.

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{CallbackUrl, PushSetting, PushState};
use qcc_sim::{Fault, FaultPlan, Rate, VendorConfig};
use qcc_sync::{EngineError, PathSegment, SecretPath, Store};

use crate::world::{World, paused};

const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

fn segment(byte: u8) -> PathSegment {
    PathSegment::from_random([byte; 16])
}

fn at(hour: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour)
}

fn setting(url: &str) -> PushSetting {
    PushSetting {
        enabled: PushState::Enabled,
        callback_url: url.parse().unwrap(),
        window: Some(9.try_into().unwrap()),
    }
}

fn bare() -> PushSetting {
    setting("https://risk.example.com/callback")
}

fn accepted(path: &SecretPath, now: Timestamp) -> Vec<&PathSegment> {
    path.accepted(OVERLAP, now).collect()
}

#[test]
fn old_and_new_overlap_from_the_vendors_consent() {
    let first = SecretPath::rotated(None, segment(1), at(0));
    assert!(first.accepts_bare(OVERLAP, at(1000)), "until the vendor knows better");
    let first = first.confirmed(at(10));
    assert!(first.accepts_bare(OVERLAP, at(33)));
    assert!(!first.accepts_bare(OVERLAP, at(34)));
    assert_eq!(accepted(&first, at(34)), [&segment(1)]);

    let second = SecretPath::rotated(Some(first), segment(2), at(100));
    assert!(!second.accepts_bare(OVERLAP, at(100)));
    assert_eq!(accepted(&second, at(9000)), [&segment(2), &segment(1)]);
    let second = second.confirmed(at(200));
    assert_eq!(accepted(&second, at(223)), [&segment(2), &segment(1)]);
    assert_eq!(accepted(&second, at(224)), [&segment(2)]);
}

#[test]
fn what_the_vendor_may_have_heard_is_told_again() {
    let unsure = SecretPath::rotated(None, segment(1), at(0));
    assert_eq!(SecretPath::rotated(Some(unsure.clone()), segment(2), at(5)), unsure);
}

#[test]
fn a_segment_is_hex_and_does_not_show() {
    let shown = segment(0xab);
    assert_eq!(shown.reveal(), "ab".repeat(16));
    assert_eq!(shown.reveal().parse(), Ok(segment(0xab)));
    assert!(!format!("{:?}", SecretPath::rotated(None, shown, at(0))).contains("abab"));
    for text in ["", "ab", &"AB".repeat(16), &"ab".repeat(17), &"gg".repeat(16), &"/.".repeat(16)] {
        assert!(text.parse::<PathSegment>().is_err(), "{text}");
    }
}

#[test]
fn the_segment_ends_the_path() {
    let joined = |url: &str| {
        let bare: CallbackUrl = url.parse().unwrap();
        let path = SecretPath::rotated(None, segment(1), at(0));
        path.join(&bare).map(|url| url.as_str().replace(segment(1).reveal(), "S"))
    };
    assert_eq!(joined("https://h.example/cb").unwrap(), "https://h.example/cb/S");
    assert_eq!(joined("https://h.example/cb/").unwrap(), "https://h.example/cb/S");
    assert_eq!(joined("https://h.example").unwrap(), "https://h.example/S");
    assert_eq!(joined("https://h.example/cb?a=1").unwrap(), "https://h.example/cb/S?a=1");
    assert!(joined(&format!("https://h.example/{}", "a".repeat(1000))).is_err());
}

/// What the vendor would call is accepted, whatever became of the rotation.
async fn check_reachable(world: &World) {
    let vendor = world.vendor.lock().unwrap().callback_url().unwrap().to_owned();
    let path = world.store.secret_path().await.unwrap();
    let reachable = match &path {
        None => vendor == bare().callback_url.as_str(),
        Some(path) => {
            let bare =
                path.accepts_bare(OVERLAP, world.now()) && vendor == bare().callback_url.as_str();
            bare || accepted(path, world.now()).iter().any(|s| vendor.ends_with(s.reveal()))
        }
    };
    assert!(reachable, "the vendor calls a path that is refused: {path:?}");
}

#[test]
fn a_rotation_broken_off_anywhere_loses_no_call() {
    for fault in [Fault::ResetBefore, Fault::ResetAfter, Fault::NoAnswer, Fault::Status107] {
        for rotations in 1..4_u8 {
            paused(async {
                let world = World::new(VendorConfig { seed: 1, ..VendorConfig::default() });
                world.client().set_push(&bare(), world.now()).await.unwrap();
                let engine = world.engine();
                for n in 1..rotations {
                    engine.rotate_path(&bare(), segment(n), &()).await.unwrap();
                    tokio::time::sleep(std::time::Duration::from_secs(30 * 3600)).await;
                    check_reachable(&world).await;
                }
                let faults = FaultPlan::none().with(fault, Rate::first(2));
                world.vendor.lock().unwrap().set_faults(faults);
                for attempt in 0..2 {
                    let failed = engine.rotate_path(&bare(), segment(100 + attempt), &()).await;
                    assert!(matches!(failed, Err(EngineError::PushSetting(_))), "{failed:?}");
                    tokio::time::sleep(std::time::Duration::from_secs(30 * 3600)).await;
                    check_reachable(&world).await;
                }
                let path = engine.rotate_path(&bare(), segment(200), &()).await.unwrap();
                assert_eq!(path.current, segment(100), "what it may have heard, once more");
                tokio::time::sleep(std::time::Duration::from_secs(30 * 3600)).await;
                check_reachable(&world).await;
                assert_eq!(accepted(&path, world.now()), [&segment(100)]);
            });
        }
    }
}

#[test]
fn a_url_without_room_changes_nothing() {
    paused(async {
        let world = World::new(VendorConfig { seed: 1, ..VendorConfig::default() });
        let long = setting(&format!("https://risk.example.com/{}", "a".repeat(990)));
        let refused = world.engine().rotate_path(&long, segment(1), &()).await;
        assert!(matches!(refused, Err(EngineError::CallbackUrl(_))), "{refused:?}");
        assert_eq!(world.store.secret_path().await.unwrap(), None);
    });
}
