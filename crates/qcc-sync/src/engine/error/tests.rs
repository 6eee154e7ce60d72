use std::time::Duration;

use http::StatusCode;

use qcc_http::{LinkFault, TransportError, TransportErrorKind};
use qcc_proto::{Endpoint, Refusal};

use super::*;

fn now() -> Timestamp {
    "2026-01-05T01:00:00Z".parse().unwrap()
}

fn seen() -> Order {
    Order::seen("DDMON2026010509000000000001".parse().unwrap(), now())
}

fn refused(code: i64) -> ClientError {
    let refusal = Refusal::new(Status::new(code), "m");
    ClientError::Rejected { endpoint: Endpoint::Locate, refusal, skew: None }
}

fn storage(http: u16, seconds: Option<u64>) -> ClientError {
    ClientError::Storage {
        http: StatusCode::from_u16(http).unwrap(),
        code: None,
        leads_to: None,
        retry_after: seconds.map(Duration::from_secs),
    }
}

#[test]
fn each_failure_has_its_reason_and_what_follows() {
    let policy = Policy::default();
    let midnight: Timestamp = "2026-01-05T16:00:00Z".parse().unwrap();
    let cooled = now() + policy.cool_off;
    let transport = |kind| ClientError::Transport(TransportError::new(kind));
    for (error, code, remedy) in [
        (refused(205), ReasonCode::NotReady, Remedy::BackOff),
        (refused(199), ReasonCode::Transient, Remedy::BackOff),
        (refused(106), ReasonCode::CoolOff, Remedy::HoldAll(Some(cooled))),
        (refused(109), ReasonCode::DailyLimit, Remedy::HoldAll(Some(midnight))),
        (refused(107), ReasonCode::Signature, Remedy::HoldAll(None)),
        (refused(101), ReasonCode::Account, Remedy::HoldAll(None)),
        (refused(201), ReasonCode::Refused, Remedy::Quarantine),
        (refused(299), ReasonCode::UnknownStatus, Remedy::BackOff),
        (storage(403, None), ReasonCode::LinkExpired, Remedy::BackOff),
        (storage(503, None), ReasonCode::Transient, Remedy::BackOff),
        (ClientError::LinkExpired, ReasonCode::LinkExpired, Remedy::BackOff),
        (ClientError::NotResumable, ReasonCode::Transient, Remedy::BackOff),
        (
            ClientError::LinkRefused(LinkFault::NotAUrl),
            ReasonCode::LinkRefused,
            Remedy::DownloadAgain,
        ),
        (
            ClientError::LinkRefused(LinkFault::UserInfo),
            ReasonCode::LinkRefused,
            Remedy::Quarantine,
        ),
        (transport(TransportErrorKind::Forbidden), ReasonCode::LinkRefused, Remedy::Quarantine),
        (transport(TransportErrorKind::Timeout), ReasonCode::Transient, Remedy::BackOff),
        (transport(TransportErrorKind::Proxy), ReasonCode::Transient, Remedy::BackOff),
    ] {
        let failure = failure_of(&error, now(), &policy);
        assert_eq!((failure.reason.code, failure.remedy), (code, remedy), "{error:?}");
        assert_eq!(failure.pause, None, "{error:?}");
        assert!(failure.reason.detail.starts_with(&error.to_string()), "{failure:?}");
    }
    let failure = failure_of(&storage(503, Some(77)), now(), &policy);
    assert_eq!(failure.pause, Some(Duration::from_secs(77)));
}

#[test]
fn an_order_the_vendor_does_not_know_is_asked_about_soon_only_if_somebody_trusted_named_it() {
    let policy = Policy::default();
    let listed = Order { listed_at: Some(now()), ..seen() };
    let of = |order: &Order, error: &ClientError| {
        let failure = failure_for(order, error, now(), &policy);
        (failure.reason.code, failure.remedy)
    };
    let unknown = ReasonCode::UnknownToVendor;
    assert_eq!(of(&listed, &refused(201)), (unknown, Remedy::BackOff));
    assert_eq!(of(&seen(), &refused(201)), (unknown, Remedy::Rest));
    // Other refusals: for good where the order is confirmed, seldom where anybody
    // may have made it up.
    assert_eq!(of(&listed, &refused(202)), (ReasonCode::Refused, Remedy::Quarantine));
    assert_eq!(of(&seen(), &refused(202)), (ReasonCode::Refused, Remedy::Rest));
    for order in [&listed, &seen()] {
        assert_eq!(of(order, &refused(205)), (ReasonCode::NotReady, Remedy::BackOff));
        assert_eq!(of(order, &refused(101)), (ReasonCode::Account, Remedy::HoldAll(None)));
    }
    let paused = failure_for(&seen(), &storage(503, Some(9)), now(), &policy);
    assert_eq!(paused.pause, Some(Duration::from_secs(9)));
}

#[test]
fn what_fails_for_one_order_leaves_the_others_going() {
    use StoreErrorKind as Kind;
    let store = |kind| EngineError::Store(StoreError::new(kind, "said"));
    for kind in [Kind::Busy, Kind::Unavailable, Kind::Full, Kind::Other] {
        let failure = store(kind).as_failure().unwrap();
        assert_eq!((failure.reason.code, failure.remedy), (ReasonCode::Storage, Remedy::BackOff));
        assert!(failure.reason.detail.ends_with(": said"), "{failure:?}");
    }
    for kind in [Kind::LeaseLost, Kind::ReadOnly, Kind::Corrupt, Kind::NewerSchema] {
        assert_eq!(store(kind).as_failure(), None, "{kind:?}");
    }
    let cause = std::io::Error::other("no room");
    let archives = EngineError::Archives(ArchivesError::new("writing", cause));
    let failure = archives.as_failure().unwrap();
    assert!(failure.reason.detail.ends_with(": writing failed: no room"), "{failure:?}");
    assert_eq!(EngineError::Vendor(ClientError::LinkExpired).as_failure(), None);
    let trouble = Trouble::damaged("cut");
    let Trouble::Failed(failure) = trouble else { panic!("{trouble:?}") };
    assert_eq!(failure.remedy, Remedy::DownloadAgain);
}
