//! The secret path: it changes without a moment in which a call is refused.

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{CallbackUrl, PushSetting, PushWindow};
use qcc_sim::{Fault, FaultPlan, Rate, VendorConfig};
use qcc_sync::{
    AccountExt as _, EngineError, PathSegment, PathStep, PathWish, SecretPath, next_path,
};

use crate::world::{World, paused};

const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

fn segment(byte: u8) -> PathSegment {
    PathSegment::from_random([byte; 16])
}

fn at(hour: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour)
}

fn setting(url: &str) -> PushSetting {
    PushSetting::new(url.parse().unwrap()).with_window(PushWindow::try_from(9).unwrap())
}

fn bare() -> PushSetting {
    setting("https://risk.example.com/callback")
}

fn accepted(path: &SecretPath, now: Timestamp) -> Vec<&PathSegment> {
    path.accepted(OVERLAP, now).collect()
}

#[test]
fn old_and_new_overlap_from_the_vendors_consent() {
    let first = SecretPath::rotated(None, segment(1), &bare(), at(0));
    assert!(first.accepts_bare(OVERLAP, at(1000)), "until the vendor knows better");
    let first = first.confirmed(bare(), at(10));
    assert!(first.accepts_bare(OVERLAP, at(33)));
    assert!(!first.accepts_bare(OVERLAP, at(34)));
    assert_eq!(accepted(&first, at(34)), [&segment(1)]);

    let second = SecretPath::rotated(Some(first), segment(2), &bare(), at(100));
    assert!(!second.accepts_bare(OVERLAP, at(100)));
    assert_eq!(accepted(&second, at(9000)), [&segment(2), &segment(1)]);
    let second = second.confirmed(bare(), at(200));
    assert_eq!(accepted(&second, at(223)), [&segment(2), &segment(1)]);
    assert_eq!(accepted(&second, at(224)), [&segment(2)]);
}

#[test]
fn what_the_vendor_may_have_heard_is_told_again() {
    let unsure = SecretPath::rotated(None, segment(1), &bare(), at(0));
    assert_eq!(SecretPath::rotated(Some(unsure.clone()), segment(2), &bare(), at(5)), unsure);
}

#[test]
fn a_segment_is_hex_and_does_not_show() {
    let shown = segment(0xab);
    assert_eq!(shown.reveal(), "ab".repeat(16));
    assert_eq!(shown.reveal().parse(), Ok(segment(0xab)));
    assert!(!format!("{:?}", SecretPath::rotated(None, shown, &bare(), at(0))).contains("abab"));
    for text in ["", "ab", &"AB".repeat(16), &"ab".repeat(17), &"gg".repeat(16), &"/.".repeat(16)] {
        assert!(text.parse::<PathSegment>().is_err(), "{text}");
    }
}

#[test]
fn the_segment_ends_the_path() {
    let joined = |url: &str| {
        let url: CallbackUrl = url.parse().unwrap();
        let path = SecretPath::rotated(None, segment(1), &bare(), at(0));
        path.join(&url).map(|url| url.as_str().replace(segment(1).reveal(), "S"))
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
                    // A signature that is refused waits for a person, who comes.
                    world.store.set_hold(None).await.unwrap();
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
fn another_url_or_window_is_told_at_once_and_nothing_is_refused_meanwhile() {
    let other = setting("https://other.example.com/callback");
    let windowless = bare().with_window(None);
    for changed in [other, windowless] {
        let first = SecretPath::rotated(None, segment(1), &bare(), at(0)).confirmed(bare(), at(1));
        let second = SecretPath::rotated(Some(first), segment(2), &bare(), at(100));
        let second = second.confirmed(bare(), at(101));
        let told = SecretPath::rotated(Some(second), segment(3), &changed, at(102));
        assert_eq!(accepted(&told, at(9000)), [&segment(2), &segment(1)], "the same once more");
        assert!(told.confirmed(changed.clone(), at(9001)).is_told(&changed));
    }
}

#[test]
fn what_is_due_follows_from_what_the_vendor_knows() {
    let wish = |setting: PushSetting, every: Option<i64>| PathWish {
        setting,
        overlap: OVERLAP,
        every: every.map(SignedDuration::from_hours),
    };
    let made = SecretPath::rotated(None, segment(1), &bare(), at(0));
    let tried = |times: i64| (0..times).fold(made.clone(), |path, _| path.tried(at(10)));
    let known = made.clone().confirmed(bare(), at(10));
    let moved = setting("https://other.example.com/callback");
    let wanted = Some(wish(bare(), None));
    let aging = Some(wish(bare(), Some(720)));
    let minutes = |n| at(10) + SignedDuration::from_mins(n);
    let (tell, leave, rest) = (PathStep::Tell, PathStep::Leave, PathStep::Rest);
    for (what, path, wish, asked, now, step) in [
        ("nothing wished, nothing known", None, None, false, at(10), rest.clone()),
        ("a first one", None, wanted.clone(), false, at(10), tell.clone()),
        ("never told", Some(made.clone()), wanted.clone(), false, at(10), tell.clone()),
        (
            "told once in vain",
            Some(tried(1)),
            wanted.clone(),
            false,
            minutes(0),
            PathStep::Wait(minutes(1)),
        ),
        (
            "told four times in vain",
            Some(tried(4)),
            wanted.clone(),
            false,
            minutes(1),
            PathStep::Wait(minutes(8)),
        ),
        (
            "told for days in vain",
            Some(tried(500)),
            wanted.clone(),
            false,
            minutes(1),
            PathStep::Wait(minutes(360)),
        ),
        ("waited long enough", Some(tried(4)), wanted.clone(), false, minutes(8), tell.clone()),
        ("a person asks", Some(tried(4)), wanted.clone(), true, minutes(1), tell.clone()),
        ("the clock was set back", Some(tried(4)), wanted.clone(), false, at(9), tell.clone()),
        ("known", Some(known.clone()), wanted.clone(), false, at(9000), rest.clone()),
        (
            "known by another URL",
            Some(known.clone()),
            Some(wish(moved, None)),
            false,
            at(11),
            tell.clone(),
        ),
        ("young", Some(known.clone()), aging.clone(), false, at(11), PathStep::Wait(at(730))),
        ("old", Some(known.clone()), aging, false, at(730), tell.clone()),
        (
            "asked for while the last overlaps",
            Some(known.clone()),
            wanted.clone(),
            true,
            at(11),
            PathStep::Wait(at(34)),
        ),
        ("asked for", Some(known.clone()), wanted.clone(), true, at(34), tell.clone()),
        ("not wished any more", Some(known.clone()), None, false, at(11), leave.clone()),
        (
            "leaving failed",
            Some(known.clone().doubted().tried(at(10))),
            None,
            false,
            minutes(0),
            PathStep::Wait(minutes(1)),
        ),
        ("wished again while leaving", Some(known.doubted()), wanted, false, at(11), tell),
        ("no word of what was told", Some(made), None, false, at(11), PathStep::Ask),
    ] {
        assert_eq!(next_path(path.as_ref(), wish.as_ref(), asked, now), step, "{what}");
    }
}

#[test]
fn leaving_tells_the_bare_url_and_wishing_again_loses_no_call() {
    for broken_off in [None, Some(Fault::ResetBefore), Some(Fault::ResetAfter)] {
        paused(async {
            let world = World::new(VendorConfig { seed: 1, ..VendorConfig::default() });
            let engine = world.engine();
            engine.rotate_path(&bare(), segment(1), &()).await.unwrap();
            if let Some(fault) = broken_off {
                let faults = FaultPlan::none().with(fault, Rate::first(1));
                world.vendor.lock().unwrap().set_faults(faults);
                engine.leave_path(&()).await.unwrap_err();
                check_reachable(&world).await;
            } else {
                engine.leave_path(&()).await.unwrap();
                assert_eq!(world.store.secret_path().await.unwrap(), None);
                let bare = bare().callback_url;
                assert_eq!(world.vendor.lock().unwrap().callback_url(), Some(bare.as_str()));
            }
            let path = engine.rotate_path(&bare(), segment(2), &()).await.unwrap();
            check_reachable(&world).await;
            assert!(path.accepts_bare(OVERLAP, world.now()), "it called the bare one until now");
        });
    }
}

#[test]
fn a_hold_keeps_the_vendor_from_being_told_and_a_refusal_sets_one() {
    paused(async {
        let world = World::new(VendorConfig { seed: 1, ..VendorConfig::default() });
        let faults = FaultPlan::none().with(Fault::Status107, Rate::first(4));
        world.vendor.lock().unwrap().set_faults(faults);
        let engine = world.engine();
        let refused = engine.rotate_path(&bare(), segment(1), &()).await;
        assert!(matches!(refused, Err(EngineError::PushSetting(_))), "{refused:?}");
        let hold = world.store.hold().await.unwrap().expect("a hold");
        let held = engine.rotate_path(&bare(), segment(1), &()).await;
        assert!(matches!(&held, Err(EngineError::Held(found)) if *found == hold), "{held:?}");
        assert!(matches!(engine.leave_path(&()).await, Ok(())), "nothing was ever confirmed");
    });
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
