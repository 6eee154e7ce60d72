//! Each kind of error and the code it ends with.

use anyhow::Context;
use qcc_archive::FileFormat;
use qcc_http::TransportError;
use qcc_proto::{Endpoint, Refusal, Status};
use qcc_sync::{EngineError, StoreError};

use super::*;

#[track_caller]
fn check(error: impl Into<anyhow::Error>, expected: Exit) {
    let error = error.into().context("while doing something");
    assert_eq!(exit_for(&error), expected, "{error:?}");
}

fn rejected(code: i64) -> qcc_http::Error {
    let refusal = Refusal::new(Status::new(code), String::new());
    qcc_http::Error::Rejected { endpoint: Endpoint::ListOrders, refusal, skew: None }
}

fn transport(kind: TransportErrorKind) -> qcc_http::Error {
    TransportError::new(kind).into()
}

#[test]
fn a_refusal_of_the_vendors_is_3() {
    for code in [101, 107, 109, 201, 202, 199, 777] {
        check(rejected(code), Exit::Vendor);
        check(EngineError::Vendor(rejected(code)), Exit::Vendor);
    }
    check(qcc_http::Error::LinkExpired, Exit::Vendor);
}

#[test]
fn trouble_of_network_and_disk_is_1() {
    for kind in [
        TransportErrorKind::Resolve,
        TransportErrorKind::Connect,
        TransportErrorKind::Proxy,
        TransportErrorKind::Timeout,
    ] {
        check(transport(kind), Exit::Failed);
    }
    check(StoreError::new(StoreErrorKind::Full, "full"), Exit::Failed);
    check(io::Error::from(io::ErrorKind::PermissionDenied), Exit::Failed);
    check(io::Error::from(io::ErrorKind::BrokenPipe), Exit::Failed);
}

#[test]
fn what_the_operator_has_to_set_right_is_2() {
    check(Usage::new("no key"), Exit::Usage);
    check(StoreError::new(StoreErrorKind::NewerSchema, "newer"), Exit::Usage);
    check(transport(TransportErrorKind::Forbidden), Exit::Usage);
    check(qcc_http::Error::LinkRefused(qcc_http::LinkFault::NotAUrl), Exit::Usage);
}

#[test]
fn a_refused_archive_is_4_however_it_is_wrapped() {
    let refused = || qcc_archive::Error::from(ArchiveKind::NotAnArchive(FileFormat::Html));
    check(refused(), Exit::Archive);
    check(io::Error::from(refused()), Exit::Archive);
    check(DocumentError::Source(io::Error::from(refused())), Exit::Archive);
    check(DocumentError::NotAnObject, Exit::Archive);
    check(DocumentError::Source(io::Error::other("disk")), Exit::Failed);
    check(qcc_archive::Error::from(ArchiveKind::Io), Exit::Failed);
    check(qcc_archive::Error::from(ArchiveKind::Changed), Exit::Failed);
}

#[test]
fn a_cause_is_said_once() {
    let inner = anyhow::anyhow!("the disk is full");
    let error = inner.context("writing failed: the disk is full").context("no sync");
    assert_eq!(explain(&error), "error: no sync\n  because: writing failed: the disk is full");
}

#[test]
fn a_cause_cannot_steer_the_terminal() {
    let error = Err::<(), _>(anyhow::anyhow!("said \u{1b}[2J")).context("failed").unwrap_err();
    assert!(!explain(&error).contains('\u{1b}'));
}
