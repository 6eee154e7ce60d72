//! What the facts of the store mean: whether the receiver lives, whether the list is old,
//! and how a run ends.

use jiff::{SignedDuration, Timestamp};
use qcc_sync::{Life, Overview, StateName};

use crate::exit::Exit;

/// A receiver gives a sign of life each minute; after this long without one it is dead.
const LIFELESS: SignedDuration = SignedDuration::from_mins(3);

/// A list older than this is old where a receiver should read it: as for the alert.
const LIST_AGE: SignedDuration = SignedDuration::from_mins(30);

/// The same where lists are read by hand or by a timer, and no rate is known.
const LIST_AGE_BY_HAND: SignedDuration = SignedDuration::from_hours(24);

/// Whether a receiver was alive, was not stopped, and is not alive any more.
pub(super) fn is_lifeless(overview: &Overview, now: Timestamp) -> bool {
    let alive = |life: &Life| life.stopped || now.duration_since(life.at) < LIFELESS;
    overview.life.as_ref().is_some_and(|life| !alive(life))
}

/// How old the list may get.
fn longest_list_age(overview: &Overview) -> SignedDuration {
    if overview.life.as_ref().is_some_and(|life| !life.stopped) {
        return LIST_AGE;
    }
    let lasts = overview.last_listing.as_ref().and_then(|listing| listing.pressure().lasts);
    lasts.map_or(LIST_AGE_BY_HAND, |lasts| lasts.clamp(LIST_AGE, LIST_AGE_BY_HAND))
}

pub(super) fn is_list_old(overview: &Overview, now: Timestamp) -> bool {
    let at = overview.last_listing.as_ref().map(|listing| listing.at);
    at.is_some_and(|at| now.duration_since(at) > longest_list_age(overview))
}

/// How a run ends that leaves things so: something waits, is under way, is
/// quarantined or missing, was not read or not seen by anybody, or nothing is.
pub(crate) fn exit_of(overview: &Overview, now: Timestamp) -> Exit {
    let done = StateName::ALL
        .into_iter()
        .all(|state| state == StateName::Applied || overview.count(state) == 0);
    let complete = done && overview.gaps.is_empty() && overview.hold.is_none();
    let seen = overview.set_aside_open == 0 && overview.unreadable_open == 0;
    let alive = !is_lifeless(overview, now) && !is_list_old(overview, now);
    let trouble = overview.life.as_ref().is_some_and(|life| life.trouble.is_some());
    if complete && seen && alive && !trouble { Exit::Done } else { Exit::Unfinished }
}
