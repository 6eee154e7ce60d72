//! What to do next, from the facts alone.

use jiff::Timestamp;
use qcc_sync::{Delivery, Overview, ReasonCode, StateName};

use super::judgement::is_list_old;
use crate::output::{count, duration, when};

/// From this many errors in a row on, a person should look.
const WARN_AT: u32 = 3;

/// One line for each thing a person should do or know; none where all is well.
pub(super) fn of(
    overview: &Overview,
    delivery: &Delivery,
    lifeless: bool,
    now: Timestamp,
) -> Vec<String> {
    let mut advice = Vec::new();
    if let Some(hold) = &overview.hold {
        advice.push(match hold.until {
            Some(until) => format!(
                "API calls are paused until {}; then the daemon, or `qcc sync`, goes on by itself \
                 (`qcc retry --lift-hold` ends the pause)",
                when(until)
            ),
            None => "set right what the vendor refused (`qcc doctor` helps), then run `qcc sync`"
                .to_owned(),
        });
    }
    for gap in &overview.gaps {
        advice.push(format!(
            "gap {}: ask the vendor for the orders between {} and {}; bring them in by number \
             (`qcc orders add NO…`) or by file (`qcc orders add NO --archive FILE`), then close \
             it: `qcc status --close-gap {} --note TEXT`",
            gap.id, gap.after.order_no, gap.before.order_no, gap.id
        ));
    }
    if lifeless && let Some(life) = &overview.life {
        advice.push(format!(
            "the receiver ({}) was last alive at {} and did not stop normally: see why it \
             ended, and start it again (`qcc serve`)",
            life.worker,
            when(life.at)
        ));
    }
    if let Some(trouble) = overview.life.as_ref().and_then(|life| life.trouble.as_ref()) {
        advice.push(format!("the receiver last failed: {trouble}"));
    }
    if let Delivery::Broken { .. } = delivery {
        advice.push(
            "the vendor's calls do not arrive, and the list makes up for them: see whether it can \
             reach your URL (`qcc doctor --callback-url URL`), then `qcc push activate`"
                .to_owned(),
        );
    }
    if let Some(errors) = overview.callbacks.errors.filter(|errors| errors.in_a_row >= WARN_AT) {
        advice.push(format!(
            "our last {} answers to the vendor's calls were errors: the daemon's log says why; at \
             five it calls no more until it is activated",
            errors.in_a_row
        ));
    }
    let due: u64 = [StateName::Seen, StateName::Located, StateName::Fetched]
        .map(|state| overview.count(state))
        .iter()
        .sum();
    // During a hold nothing helps but waiting.
    if due > 0 && overview.hold.is_none() {
        advice.push(format!("{} orders are under way: `qcc sync` processes them", count(due)));
    }
    if overview.count(StateName::Quarantined) > 0 {
        advice.push(
            "quarantined orders need you: `qcc orders show NO` says why, `qcc retry NO` tries \
             again, `qcc orders dismiss NO --note TEXT` gives one up"
                .to_owned(),
        );
        advice.extend(overview.reasons.keys().filter_map(|code| cure(*code)));
    }
    if let Some(due) = overview.next_due.filter(|_| overview.hold.is_none()) {
        advice.push(format!(
            "the next waiting order is tried again at {} by the daemon, or by `qcc sync` from then",
            when(due)
        ));
    }
    if overview.set_aside_open > 0 {
        advice.push(format!(
            "{} records were not as the manual describes and were set aside with their bytes: \
             `qcc orders show NO` lists those of an order; `qcc acknowledge --records` once \
             somebody has seen them",
            count(overview.set_aside_open)
        ));
    }
    if overview.unreadable_open > 0 {
        advice.push(format!(
            "{} lines of an order list could not be read, so orders may be missing: `qcc orders \
             list` shows them; tell the vendor, add what they name (`qcc orders add NO`), then \
             `qcc acknowledge --lines`",
            count(overview.unreadable_open)
        ));
    }
    advice.extend(list_again(overview, now).filter(|_| overview.hold.is_none()));
    advice
}

/// What helps against a kind of reason, where that is known.
fn cure(code: ReasonCode) -> Option<String> {
    let cure = match code {
        ReasonCode::LinkRefused => {
            "link_refused: if the host in it is the vendor's, add it to QCC_DOWNLOAD_HOSTS"
        }
        ReasonCode::ArchiveRefused | ReasonCode::DocumentRefused => {
            "archive_refused, document_refused: `qcc archive info FILE` looks into the kept \
             archive; tell the vendor; `qcc orders add NO --archive FILE` takes a better one"
        }
        ReasonCode::CountMismatch | ReasonCode::NoUsableRecords => {
            "count_mismatch, no_usable_records: ask the vendor; `qcc retry --accept NO` applies \
             what is there"
        }
        ReasonCode::ForeignArchive => {
            "foreign_archive: `qcc retry NO` downloads it again, `qcc retry --accept NO` applies \
             it as it is"
        }
        ReasonCode::Storage => "storage: see whether the disk is full or read-only",
        _ => return None,
    };
    Some(cure.to_owned())
}

/// Whether the list should be read again before it forgets.
fn list_again(overview: &Overview, now: Timestamp) -> Option<String> {
    let Some(listing) = &overview.last_listing else {
        return Some("the order list was never read: run `qcc sync`".to_owned());
    };
    is_list_old(overview, now).then(|| {
        format!(
            "the order list is {} old: run `qcc sync`, before the vendor forgets orders",
            duration(now.duration_since(listing.at))
        )
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use qcc_sync::Listing;

    use super::*;

    fn listing(age_hours: i64) -> (Overview, Timestamp) {
        let now: Timestamp = "2026-11-24T02:00:00Z".parse().unwrap();
        let mut overview = Overview::empty();
        overview.last_listing = Some(Listing {
            at: now - SignedDuration::from_hours(age_hours),
            window: 30,
            listed: 12,
            fresh: 0,
            oldest: None,
            newest: None,
            unreadable: 0,
            burst: None,
        });
        (overview, now)
    }

    #[test]
    fn where_all_is_well_there_is_nothing_to_do() {
        let (overview, now) = listing(0);
        assert_eq!(of(&overview, &Delivery::Unknown, false, now), Vec::<String>::new());
    }

    #[test]
    fn an_old_list_is_to_be_read_again() {
        let (overview, now) = listing(25);
        assert!(of(&overview, &Delivery::Unknown, false, now)[0].contains("1 d 1 h old"));
        assert!(of(&Overview::empty(), &Delivery::Unknown, false, now)[0].contains("never read"));
    }

    #[test]
    fn a_quarantined_order_names_its_cure() {
        let (mut overview, now) = listing(0);
        overview.orders.insert(StateName::Quarantined, 1);
        overview.reasons.insert(ReasonCode::LinkRefused, 1);
        let advice = of(&overview, &Delivery::Unknown, false, now);
        assert!(advice.iter().any(|line| line.contains("QCC_DOWNLOAD_HOSTS")), "{advice:?}");
    }
}
