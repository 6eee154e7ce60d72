//! What was seen happen, kept apart from the ledger it is compared with.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use qcc_proto::{ListedOrder, OrderNo};
use qcc_sim::Fault;
use qcc_sync::{Gap, Listing, Rank, Sha256};

use crate::window::{Loss, Window};

/// Sees every durable write, every answer to a call and every request, and draws
/// its own conclusions.
#[derive(Debug, Default)]
pub(crate) struct Witness(Mutex<Seen>);

/// What a witness remembers.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The vendor's orders, in the order they were made.
    pub(crate) made: Vec<OrderNo>,
    /// Orders that were durable in the ledger at some time.
    pub(crate) noted: BTreeSet<OrderNo>,
    /// Orders whose call was answered well.
    pub(crate) acked: BTreeSet<OrderNo>,
    /// Orders that a call with the right key named, made or not.
    pub(crate) presented: BTreeSet<OrderNo>,
    /// Places in `made` that a noted list named.
    listed: BTreeSet<usize>,
    /// Orders whose archive the ledger knew when it was last written.
    pub(crate) kept: BTreeSet<OrderNo>,
    /// The oldest place the first noted list named, or that of an older order whose
    /// archive was kept: nothing made after it may be missed.
    pub(crate) first_known: Option<usize>,
    /// The ends of the gaps there must be, as places in `made`.
    pub(crate) gaps: BTreeSet<(usize, usize)>,
    /// How often each order's records were committed.
    pub(crate) commits: BTreeMap<OrderNo, u32>,
    /// Archives that chance damaged or deleted.
    pub(crate) spoilt: BTreeSet<Sha256>,
    /// Whatever must not show.
    pub(crate) secrets: BTreeSet<String>,
    /// What was said of the window of the list.
    window: Window,
    /// How often the vendor was asked about orders that nobody made.
    pub(crate) forged_locates: u64,
    /// Signed calls in the minute that began then.
    minute: Option<(Timestamp, u32)>,
    /// What went wrong at the vendor, and how often.
    pub(crate) theirs: BTreeMap<Fault, u32>,
    /// Figures for the report.
    pub(crate) figures: Figures,
    /// The table, where a mutation keeps one of its own.
    pub(crate) shadow: BTreeMap<String, (Rank, qcc_proto::RiskRecord)>,
    /// What was not as it must be, the first few.
    pub(crate) violations: Vec<String>,
}

/// Figures of one life.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) starts: u64,
    pub(crate) crashes: u64,
    pub(crate) failed_exits: u64,
    pub(crate) calls: u64,
    pub(crate) acks: u64,
    pub(crate) refusals: u64,
    pub(crate) requests: u64,
    pub(crate) writes: u64,
    pub(crate) activations: u64,
    /// Orders missed behind one known by call, before any list was read.
    pub(crate) before_first_list: u64,
    /// Times that orders left the window unseen, by what had been said: see [`Loss`].
    pub(crate) lost_unsaid: u64,
    pub(crate) lost_in_time: u64,
    pub(crate) lost_hidden: u64,
    pub(crate) lost_faster: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, other: Self) {
        self.starts += other.starts;
        self.crashes += other.crashes;
        self.failed_exits += other.failed_exits;
        self.calls += other.calls;
        self.acks += other.acks;
        self.refusals += other.refusals;
        self.requests += other.requests;
        self.writes += other.writes;
        self.activations += other.activations;
        self.before_first_list += other.before_first_list;
        self.lost_unsaid += other.lost_unsaid;
        self.lost_in_time += other.lost_in_time;
        self.lost_hidden += other.lost_hidden;
        self.lost_faster += other.lost_faster;
    }
}

impl Witness {
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was not as it must be.
    pub(crate) fn violation(&self, what: impl Into<String>) {
        let mut seen = self.seen();
        if seen.violations.len() < 10 {
            seen.violations.push(what.into());
        }
    }

    /// A list became durable, with the gap it was said to reveal.
    ///
    /// Where the vendor's own sequence says that it joins on to none before it,
    /// there must be one, from the newest order ever listed to its oldest; of the
    /// first list, from the oldest order whose archive was kept and that has left it.
    ///
    /// Returns the first order that left the window before any list named it.
    pub(crate) fn listing(&self, listed: &[ListedOrder], gap: Option<&Gap>) -> Option<usize> {
        let mut seen = self.seen();
        let places: BTreeSet<usize> = listed
            .iter()
            .filter_map(|line| seen.made.iter().position(|made| *made == line.order_no))
            .collect();
        seen.noted.extend(listed.iter().map(|line| line.order_no.clone()));
        let (Some(oldest), joins) = (places.first().copied(), !places.is_disjoint(&seen.listed))
        else {
            return None;
        };
        let is_first = seen.listed.is_empty();
        let last_known = if is_first {
            // What calls alone brought is all there is to join on to.
            let kept = seen.made.iter().take(oldest).position(|made| seen.kept.contains(made));
            seen.first_known = kept.or(Some(oldest));
            kept
        } else {
            seen.listed.last().copied().filter(|_| !joins)
        };
        let expected = last_known.map(|after| (after, oldest));
        let told = gap.map(|gap| {
            let place = |no: &OrderNo| seen.made.iter().position(|made| made == no);
            (place(&gap.after.order_no), place(&gap.before.order_no))
        });
        // One told of a list that joins by now is the store's to leave out, and one of
        // the first list may be the store's to find; at the end exactly those there
        // must be may be there.
        let left_to_it = joins || (is_first && told.is_none());
        if !left_to_it && told != expected.map(|(after, before)| (Some(after), Some(before))) {
            let text = format!("a list with gap {expected:?} was noted with {told:?}");
            seen.violations.push(text);
        }
        seen.gaps.extend(expected);
        seen.listed.extend(places);
        let (after, before) = expected.filter(|_| !is_first)?;
        (after + 1 < before).then_some(after + 1)
    }

    /// A list became durable: what the program says of the window from then on.
    pub(crate) fn shown(&self, listed: &[ListedOrder], listing: &Listing) {
        self.seen().window.listing(listed, listing);
    }

    /// An order left the window before any list named it: had the program said that it may?
    pub(crate) fn lost(&self, place: usize) {
        let mut seen = self.seen();
        let Some(loss) = seen.window.loss(&seen.made, place) else { return };
        let figures = &mut seen.figures;
        let sum = match &loss {
            Loss::NothingWasSaid => &mut figures.lost_unsaid,
            Loss::TimeWasUp => &mut figures.lost_in_time,
            Loss::Hidden => &mut figures.lost_hidden,
            Loss::FasterThanShown => &mut figures.lost_faster,
            Loss::Unsaid { said, lasted } => {
                let text = format!(
                    "an order left the list unseen after {lasted:#}, and the program had said that \
                     it takes {said:#}"
                );
                return seen.violations.push(text);
            }
        };
        *sum += 1;
    }

    /// A signed call or download leaves; `false` where there were too many.
    pub(crate) fn request(&self, now: Timestamp) -> bool {
        let mut seen = self.seen();
        seen.figures.requests += 1;
        let fresh = |since: Timestamp| now.duration_since(since).as_secs() < 60;
        let (since, before) = seen.minute.filter(|(since, _)| fresh(*since)).unwrap_or((now, 0));
        seen.minute = Some((since, before + 1));
        before < PER_MINUTE
    }
}

/// More requests in a minute than a busy start makes are hammering.
const PER_MINUTE: u32 = 200;
