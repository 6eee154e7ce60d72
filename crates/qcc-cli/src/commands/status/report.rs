//! The facts as text and as JSON.

use jiff::Timestamp;
use qcc_proto::ListedOrder;
use qcc_sync::{
    AnswerErrors, Delivery, DeliveryPolicy, Gap, Listing, Order, Overview, State, StateName,
};
use serde_json::{Map, Value, json};

use super::daemon::Counted;
use crate::output::{count, duration, facts as table, instant, json_reason, many, plain, when};

/// All there is to show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) overview: &'a Overview,
    pub(super) delivery: &'a Delivery,
    /// Orders that do not move.
    pub(super) stuck: &'a [Order],
    pub(super) advice: &'a [String],
    /// What a running daemon counted, where one answers.
    pub(super) daemon: Option<&'a Counted>,
    pub(super) now: Timestamp,
}

/// The facts as `docs/cli.md` documents them.
pub(super) fn json(facts: &Facts<'_>) -> Value {
    let Facts { overview, delivery, stuck, advice, daemon, now } = *facts;
    let orders: Map<String, Value> = StateName::ALL
        .into_iter()
        .map(|state| (state.to_string(), overview.count(state).into()))
        .collect();
    let reasons: Map<String, Value> = overview
        .reasons
        .iter()
        .map(|(code, number)| (code.to_string(), (*number).into()))
        .collect();
    let unknown: Vec<Value> = overview
        .unknown_words
        .iter()
        .map(|word| json!({ "field": word.field, "word": word.word, "count": word.count }))
        .collect();
    json!({
        "orders": orders,
        "reasons": reasons,
        "stuck": stuck.iter().map(stuck_json).collect::<Vec<_>>(),
        "oldest_pending": overview.oldest_pending.as_ref().map(|(no, since)| {
            json!({ "order_no": no.as_str(), "since": instant(*since) })
        }),
        "next_due": overview.next_due.map(instant),
        "records": overview.records,
        "set_aside": overview.set_aside,
        "unknown_words": unknown,
        "gaps": overview.gaps.iter().map(gap_json).collect::<Vec<_>>(),
        "last_listing": overview.last_listing.as_ref().map(listing_json),
        "delivery": delivery_json(overview, delivery),
        "poll_interval_seconds": overview.poll_interval().as_secs(),
        "downtime_allowance_seconds": overview.downtime_allowance(now).map(|left| left.as_secs()),
        "last_callback": overview.last_call.map(instant),
        "last_applied": overview.last_applied.map(instant),
        "hold": overview.hold.as_ref().map(|hold| {
            json!({
                "since": instant(hold.since),
                "until": hold.until.map(instant),
                "reason": json_reason(&hold.reason),
            })
        }),
        "daemon": daemon.map(Counted::json),
        "advice": advice,
    })
}

fn delivery_json(overview: &Overview, delivery: &Delivery) -> Value {
    let callbacks = &overview.callbacks;
    json!({
        "state": delivery.as_str(),
        "expected_since": callbacks.expected_since.map(instant),
        "uncalled": callbacks.uncalled,
        "uncalled_since": callbacks.uncalled_since.map(instant),
        "errors_in_a_row": callbacks.errors.map_or(0, |errors| errors.in_a_row),
        "activation": callbacks.activation.as_ref().map(|activation| {
            json!({
                "tried_at": instant(activation.tried_at),
                "tries": activation.tries,
                "agreed_at": activation.agreed_at.map(instant),
            })
        }),
    })
}

fn stuck_json(order: &Order) -> Value {
    json!({
        "order_no": order.no.as_str(),
        "state": order.state.name().as_str(),
        "until": until(order).map(instant),
        "reason": order.state.reason().map(json_reason),
    })
}

fn until(order: &Order) -> Option<Timestamp> {
    match &order.state {
        State::Waiting { until, .. } => Some(*until),
        _ => None,
    }
}

fn gap_json(gap: &Gap) -> Value {
    let end = |order: &ListedOrder| {
        json!({
            "order_no": order.order_no.as_str(),
            "created_at": order.created_at.map(|at| at.to_string()),
        })
    };
    json!({
        "id": gap.id,
        "found_at": instant(gap.found_at),
        "after": end(&gap.after),
        "before": end(&gap.before),
    })
}

fn listing_json(listing: &Listing) -> Value {
    let pressure = listing.pressure();
    json!({
        "at": instant(listing.at),
        "window": listing.window,
        "listed": listing.listed,
        "fresh": listing.fresh,
        "oldest": listing.oldest.map(|at| at.to_string()),
        "newest": listing.newest.map(|at| at.to_string()),
        "pressure": pressure.share,
        "window_lasts_seconds": pressure.lasts.map(|span| span.as_secs()),
    })
}

/// The facts for a person.
pub(super) fn text(facts: &Facts<'_>) -> String {
    let Facts { overview, delivery, stuck, advice, daemon, now } = *facts;
    let mut lines = vec![
        ("orders", orders(overview)),
        ("records", records(overview)),
        ("last list", last_list(overview, now)),
    ];
    if let Some(window) = window(overview) {
        lines.push(("window", window));
    }
    if let Some(left) = overview.downtime_allowance(now) {
        lines.push(("may be down", format!("for {} from now, without a loss", duration(left))));
    }
    lines.push(("calls", calls(delivery, now)));
    if let Some(AnswerErrors { in_a_row, last_at }) = overview.callbacks.errors {
        let limit = DeliveryPolicy::default().errors;
        lines.push((
            "our errors",
            format!("{in_a_row} in a row, {}; at {limit} the vendor stops", ago(last_at, now)),
        ));
    }
    let moment = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| ago(at, now));
    lines.push(("last callback", moment(overview.last_call)));
    lines.push(("last applied", moment(overview.last_applied)));
    if let Some((no, since)) = &overview.oldest_pending {
        lines.push(("waits longest", format!("{no}, {}", ago(*since, now))));
    }
    for (code, number) in &overview.reasons {
        lines.push(("in the way", format!("{code}: {}", many(*number, "order"))));
    }
    lines.extend(stuck.iter().take(SHOWN).map(|order| (order.state.name().as_str(), why(order))));
    if stuck.len() > SHOWN {
        lines.push(("", "… more by --json".to_owned()));
    }
    for gap in &overview.gaps {
        lines.push(("GAP", gap_text(gap)));
    }
    if let Some(hold) = &overview.hold {
        let until =
            hold.until.map_or("until a person acts".to_owned(), |at| format!("until {}", when(at)));
        lines.push(("HOLD", format!("all calls rest {until}: {}", hold.reason)));
    }
    if !overview.unknown_words.is_empty() {
        lines.push(("new words", unknown_words(overview)));
    }
    if let Some(daemon) = daemon {
        let since =
            daemon.started().map_or_else(String::new, |at| format!(", since {}", ago(at, now)));
        let ready = if daemon.is_ready() { "ready" } else { "NOT READY: /readyz says why" };
        lines.push(("daemon", format!("{ready}{since}; counted since then:")));
        lines.extend(daemon.lines());
    }
    let mut text = table(&lines);
    text.push_str("\n(times are Shanghai's, +08:00)");
    if advice.is_empty() {
        text.push_str("\n\nNothing to do.");
    } else {
        text.push_str("\n\nWhat to do next");
        for line in advice {
            text.push_str("\n- ");
            text.push_str(&plain(line));
        }
    }
    text
}

/// How many stuck orders a person is shown.
const SHOWN: usize = 10;

fn why(order: &Order) -> String {
    let until = until(order).map(|at| format!(" until {}", when(at))).unwrap_or_default();
    let reason = order.state.reason().map(ToString::to_string).unwrap_or_default();
    format!("{}{until}: {reason}", order.no)
}

fn orders(overview: &Overview) -> String {
    let present: Vec<String> = StateName::ALL
        .into_iter()
        .filter(|state| overview.count(*state) > 0)
        .map(|state| format!("{} {state}", count(overview.count(state))))
        .collect();
    if present.is_empty() { "none".to_owned() } else { present.join(", ") }
}

fn records(overview: &Overview) -> String {
    match overview.set_aside {
        0 => count(overview.records),
        aside => format!("{} ({} more set aside)", count(overview.records), count(aside)),
    }
}

fn last_list(overview: &Overview, now: Timestamp) -> String {
    overview.last_listing.as_ref().map_or_else(
        || "never".to_owned(),
        |list| format!("{}: {} orders, {} of them new", ago(list.at, now), list.listed, list.fresh),
    )
}

fn window(overview: &Overview) -> Option<String> {
    let listing = overview.last_listing.as_ref()?;
    let pressure = listing.pressure();
    Some(match pressure.lasts {
        Some(lasts) => format!(
            "{:.0} % new at the last list; a full one lasts {}: do not stay away longer",
            pressure.share * 100.0,
            duration(lasts)
        ),
        None => {
            format!("{} of {}: not full, nothing can be missed yet", listing.listed, listing.window)
        }
    })
}

/// "No news" and "delivery broken" look alike from outside; here they do not.
fn calls(delivery: &Delivery, now: Timestamp) -> String {
    match delivery {
        Delivery::Healthy { .. } => "arrive".to_owned(),
        Delivery::NoNews { since } => {
            format!("no news: no order was made since {}", ago(*since, now))
        }
        Delivery::Awaited { orders, until } => format!(
            "{} listed and not called about yet, which is late from {}",
            many(*orders, "order"),
            when(*until)
        ),
        Delivery::Broken { orders: 0, since } => format!(
            "BROKEN: our answers were errors, {}, and the vendor calls no more",
            ago(*since, now)
        ),
        Delivery::Broken { orders, since } => format!(
            "BROKEN: {} since {} came by the list alone",
            many(*orders, "order"),
            ago(*since, now)
        ),
        Delivery::Activated { at } => {
            format!("the vendor agreed to call again, {}; the next order will tell", ago(*at, now))
        }
        _ => "nothing is known: no receiver expects them (`qcc serve`)".to_owned(),
    }
}

fn gap_text(gap: &Gap) -> String {
    format!(
        "{}: orders may be missing between {} and {}",
        gap.id, gap.after.order_no, gap.before.order_no
    )
}

fn unknown_words(overview: &Overview) -> String {
    let words = overview.unknown_words.iter().take(5);
    let shown: Vec<String> = words
        .map(|word| format!("{} {} ({}×)", word.field, word.word, count(word.count)))
        .collect();
    format!("{} — kept as sent; the manual lists none of them", shown.join(", "))
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({} ago)", when(at), duration(now.duration_since(at)))
}
