//! Orders that leave the window of the list before any list names them, and what the
//! program had said beforehand of how long that takes.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{ListedOrder, OrderNo};
use qcc_sync::{Listing, Overview};

/// What the lists of the last day showed, and what was said after the newest.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// The newest list that became durable.
    last: Option<Listing>,
    /// What the program says after it: how long the receiver may be down.
    said: Option<SignedDuration>,
    /// When each list was read, and how fast orders were made in it.
    shown: VecDeque<(Timestamp, Rate)>,
}

/// So many orders within a time.
#[derive(Debug, Clone, Copy)]
struct Rate {
    orders: u32,
    within: SignedDuration,
}

impl Rate {
    /// How long a window of orders lasts.
    fn turns_over(self, window: u32) -> SignedDuration {
        let factor = |number: u32| i32::try_from(number.max(1)).unwrap_or(i32::MAX);
        self.within.saturating_mul(factor(window)) / factor(self.orders)
    }
}

/// How an order that no list named could leave the window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The program had said that it does not know how long the window lasts.
    NothingWasSaid,
    /// The window lasted as long as the program had said, and longer.
    TimeWasUp,
    /// It was made before the last list, and the vendor left it out unnoticeably.
    Hidden,
    /// Orders were made faster than in any list of the last day, and the program had
    /// called that rate the basis of its estimate.
    FasterThanShown,
    /// The lists had shown that it may happen, and the program had said it would not.
    Unsaid { said: SignedDuration, lasted: SignedDuration },
}

impl Window {
    /// A list became durable.
    pub(crate) fn listing(&mut self, listed: &[ListedOrder], listing: &Listing) {
        let mut overview = Overview::empty();
        overview.last_listing = Some(listing.clone());
        self.said = overview.downtime_allowance(listing.at);
        self.last = Some(listing.clone());
        self.shown.retain(|(at, _)| listing.at.duration_since(*at) < DAY);
        self.shown.extend(fastest(listed, listing.window).map(|rate| (listing.at, rate)));
    }

    /// Judges that no list named the order in this place of all that were `made`,
    /// before it left the window; `None` where it has not left it.
    pub(crate) fn loss(&self, made: &[OrderNo], place: usize) -> Option<Loss> {
        let last = self.last.as_ref()?;
        let window = usize::try_from(last.window).ok()?;
        let time = |place: usize| Some(made.get(place)?.created_hint()?.timestamp());
        let (came, left) = (time(place)?, time(place + window)?);
        let Some(said) = self.said else { return Some(Loss::NothingWasSaid) };
        let lasted = left.duration_since(last.at);
        let turned_over = left.duration_since(came);
        let shown = self.shown.iter().map(|(_, rate)| rate.turns_over(last.window)).min();
        Some(match () {
            () if said <= lasted => Loss::TimeWasUp,
            () if came < last.at && !is_short(last) => Loss::Hidden,
            () if shown.is_none_or(|shown| turned_over < shown) => Loss::FasterThanShown,
            () => Loss::Unsaid { said, lasted },
        })
    }
}

/// Whether anybody can see that a list does not name all it should.
fn is_short(listing: &Listing) -> bool {
    listing.unreadable > 0 || listing.listed == 0
}

/// The fastest that a fifth of a window was made in a list, three orders at least:
/// fewer say little.
fn fastest(listed: &[ListedOrder], window: u32) -> Option<Rate> {
    let orders = (window / 5).max(3);
    let mut made: Vec<_> = listed.iter().filter_map(|line| line.created_at).collect();
    made.sort_unstable();
    let within = made
        .windows(usize::try_from(orders).ok()?)
        .filter_map(|row| Some(row.last()?.timestamp().duration_since(row.first()?.timestamp())))
        .min()?;
    Some(Rate { orders: orders - 1, within: within.max(SECOND) })
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Creation times are whole seconds.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

#[cfg(test)]
mod tests {
    use qcc_proto::ShanghaiTime;
    use qcc_sync::Burst;

    use super::*;

    const START: i64 = 1_767_574_800;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(START + second).unwrap()
    }

    fn made(seconds: &[i64]) -> Vec<OrderNo> {
        let number = |second: &i64| {
            let time = ShanghaiTime::from_timestamp(at(*second)).to_string();
            let digits: String = time.chars().filter(char::is_ascii_digit).collect();
            format!("DDMON{digits}00000000").parse().unwrap()
        };
        seconds.iter().map(number).collect()
    }

    /// A window of four, of which the list at `read` named `listed` orders, and the
    /// program took `said` seconds for what it lasts.
    fn window(made: &[OrderNo], listed: usize, read: i64, said: i64) -> Window {
        let line = |no: &OrderNo| ListedOrder::new(no.clone(), no.created_hint());
        let lines: Vec<_> = made.iter().take(listed).map(line).collect();
        let (orders, within) = (4, SignedDuration::from_secs(said));
        let listing = Listing {
            at: at(read),
            window: 4,
            listed: u32::try_from(listed).unwrap(),
            fresh: 1,
            oldest: None,
            newest: None,
            unreadable: 0,
            burst: Some(Burst { orders, within, at: at(read) }),
        };
        let mut window = Window::default();
        window.listing(&lines, &listing);
        window
    }

    /// Three orders in ten seconds are listed, and five more come as fast.
    const BURST: [i64; 9] = [0, 900, 905, 910, 1000, 1005, 1010, 1015, 1020];

    #[test]
    fn what_lists_had_shown_must_have_been_said() {
        let made = made(&BURST);
        let loss = window(&made, 4, 920, 3600).loss(&made, 4);
        let (said, lasted) = (SignedDuration::from_hours(1), SignedDuration::from_secs(100));
        assert_eq!(loss, Some(Loss::Unsaid { said, lasted }));
        assert_eq!(window(&made, 4, 920, 20).loss(&made, 4), Some(Loss::TimeWasUp));
    }

    #[test]
    fn what_no_list_had_shown_could_not_be_said() {
        let faster = made(&[0, 900, 905, 910, 1000, 1001, 1002, 1003, 1004]);
        assert_eq!(window(&faster, 4, 920, 3600).loss(&faster, 4), Some(Loss::FasterThanShown));
    }

    #[test]
    fn what_the_vendor_left_out_unnoticeably_could_not_be_said() {
        let made = made(&BURST);
        let mut window = window(&made, 4, 1002, 3600);
        assert_eq!(window.loss(&made, 4), Some(Loss::Hidden));
        let last = window.last.clone().unwrap();
        window.last = Some(Listing { unreadable: 1, ..last });
        assert!(matches!(window.loss(&made, 4), Some(Loss::Unsaid { .. })));
    }

    #[test]
    fn an_order_that_has_not_left_the_window_is_not_lost() {
        let made = made(&BURST);
        assert_eq!(window(&made, 4, 920, 3600).loss(&made, 5), None);
    }
}
