//! The facts as text and as JSON.

use jiff::Timestamp;
use qcc_proto::ListedOrder;
use qcc_sync::{
    AnswerErrors, Delivery, DeliveryPolicy, Gap, Listing, Order, Overview, State, StateName,
};
use serde_json::{Map, Value, json};

use super::daemon::Counted;
use crate::{
    output::{count, duration, facts as table, instant, json_reason, many, plain, when},
    wiring::Running,
};

/// A gap, and what is known between its ends.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) gap: Gap,
    /// Orders in the ledger that were made between its ends.
    pub(super) brought: u64,
}

/// All there is to show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) overview: &'a Overview,
    /// Whether the receiver that was last alive is dead.
    pub(super) lifeless: bool,
    pub(super) delivery: &'a Delivery,
    /// Orders that do not move.
    pub(super) stuck: &'a [Order],
    pub(super) gaps: &'a [Stretch],
    /// Whether everything is wanted.
    pub(super) all: bool,
    pub(super) advice: &'a [String],
    /// What a running daemon counted, where one answers.
    pub(super) daemon: Option<&'a Counted>,
    /// Processes that work on the store until they are stopped.
    pub(super) running: &'a [Running],
    pub(super) now: Timestamp,
}

/// The facts as `docs/cli.md` documents them.
pub(super) fn json(facts: &Facts<'_>) -> Value {
    let Facts { overview, delivery, stuck, gaps, advice, daemon, running, now, .. } = *facts;
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
        "unconfirmed": overview.unconfirmed,
        "forgotten": overview.forgotten,
        "dismissed": overview.dismissed,
        "reasons": reasons,
        "stuck": stuck.iter().map(stuck_json).collect::<Vec<_>>(),
        "oldest_pending": overview.oldest_pending.as_ref().map(|(no, since)| {
            json!({ "order_no": no.as_str(), "since": instant(*since) })
        }),
        "next_due": overview.next_due.map(instant),
        "records": overview.records,
        "set_aside": overview.set_aside,
        "set_aside_open": overview.set_aside_open,
        "unreadable_lines_open": overview.unreadable_open,
        "unknown_words": unknown,
        "gaps": gaps.iter().map(gap_json).collect::<Vec<_>>(),
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
        "receiver": overview.life.as_ref().map(|life| {
            json!({
                "at": instant(life.at),
                "worker": life.worker,
                "stopped": life.stopped,
                "trouble": life.trouble,
            })
        }),
        "daemon": daemon.map(Counted::json),
        "running": running
            .iter()
            .map(|Running { worker, what }| json!({ "worker": worker, "what": what }))
            .collect::<Vec<_>>(),
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

fn gap_json(stretch: &Stretch) -> Value {
    let Stretch { gap, brought } = stretch;
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
        "brought": brought,
        "closed_at": gap.closed_at.map(instant),
        "note": gap.note,
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
        "unreadable": listing.unreadable,
        "burst": listing.burst.map(|burst| {
            json!({
                "orders": burst.orders,
                "within_seconds": burst.within.as_secs(),
                "at": instant(burst.at),
            })
        }),
    })
}

/// The facts for a person.
pub(super) fn text(facts: &Facts<'_>) -> String {
    let Facts { overview, lifeless, delivery, stuck, gaps, all, advice, daemon, running, now } =
        *facts;
    let mut lines = vec![
        ("orders", orders(overview)),
        ("records", records(overview)),
        ("last list", last_list(overview, now)),
    ];
    if let Some(window) = window(overview) {
        lines.push(("window", window));
    }
    lines.extend(
        overview.last_listing.as_ref().map(|_| ("may be down", may_be_down(overview, now))),
    );
    lines.extend(receiver(overview, lifeless, now).map(|receiver| ("receiver", receiver)));
    if running.len() > 1 {
        lines.push(("running", several(running)));
    }
    lines.push(("calls", calls(overview, delivery, now)));
    if let Some(AnswerErrors { in_a_row, last_at }) = overview.callbacks.errors {
        let limit = DeliveryPolicy::default().errors;
        lines.push((
            "our errors",
            format!(
                "{in_a_row} in a row, {}; at {limit} the vendor stops calling",
                ago(last_at, now)
            ),
        ));
    }
    let moment = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| ago(at, now));
    lines.push(("last callback", moment(overview.last_call)));
    lines.push(("last applied", moment(overview.last_applied)));
    if let Some((no, since)) = &overview.oldest_pending {
        lines.push(("waits longest", format!("{no}, {}", ago(*since, now))));
    }
    for (code, number) in &overview.reasons {
        lines.push(("blocked by", format!("{code}: {}", many(*number, "order"))));
    }
    let shown = if all { stuck.len() } else { SHOWN };
    lines.extend(stuck.iter().take(shown).map(|order| (order.state.name().as_str(), why(order))));
    if stuck.len() > shown {
        lines.push(("", "… `qcc status --all` shows the others".to_owned()));
    }
    if overview.unconfirmed > 0 {
        lines.push(("unconfirmed", unconfirmed(overview)));
    }
    if overview.dismissed > 0 {
        lines.push(("dismissed", many(overview.dismissed, "order")));
    }
    for stretch in gaps {
        let is_open = stretch.gap.closed_at.is_none();
        lines.push((if is_open { "GAP" } else { "closed gap" }, gap_text(stretch, overview)));
    }
    if let Some(hold) = &overview.hold {
        let until =
            hold.until.map_or("until you act".to_owned(), |at| format!("until {}", when(at)));
        lines.push(("HOLD", format!("calls are paused {until}: {}", hold.reason)));
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
    let open = match overview.set_aside_open {
        0 => String::new(),
        open => format!(", {} of them not acknowledged", count(open)),
    };
    match overview.set_aside {
        0 => count(overview.records),
        aside => format!("{} ({} more set aside{open})", count(overview.records), count(aside)),
    }
}

fn last_list(overview: &Overview, now: Timestamp) -> String {
    let Some(list) = &overview.last_listing else { return "never".to_owned() };
    let unreadable = match list.unreadable {
        0 => String::new(),
        lines => format!("; {} could not be read", many(lines.into(), "line")),
    };
    format!("{}: {} orders, {} of them new{unreadable}", ago(list.at, now), list.listed, list.fresh)
}

fn window(overview: &Overview) -> Option<String> {
    let listing = overview.last_listing.as_ref()?;
    let pressure = listing.pressure();
    let held = format!(
        "{} of {}, {:.0} % new at the last list",
        listing.listed,
        listing.window,
        pressure.share * 100.0
    );
    Some(match listing.burst.zip(pressure.lasts) {
        Some((burst, lasts)) => format!(
            "{held}; at the fastest recent rate ({} in {}) it turns over in about {} (an \
             estimate)",
            many(burst.orders.into(), "order"),
            duration(burst.within),
            duration(lasts)
        ),
        None => format!("{held}; too few orders were seen to estimate a rate"),
    })
}

/// An estimate, and called one: the vendor may be faster at any time.
fn may_be_down(overview: &Overview, now: Timestamp) -> String {
    let listing = overview.last_listing.as_ref();
    match overview.downtime_allowance(now) {
        Some(left) if left.is_zero() => {
            "not at all: at the fastest recent rate, orders may be leaving the list unseen"
                .to_owned()
        }
        Some(left) => format!("about {} from now (an estimate, at that rate)", duration(left)),
        None if listing.is_some_and(Listing::is_all_fresh) => {
            "unknown: every order of the last list was new".to_owned()
        }
        None => "unknown".to_owned(),
    }
}

fn receiver(overview: &Overview, lifeless: bool, now: Timestamp) -> Option<String> {
    let life = overview.life.as_ref()?;
    let at = ago(life.at, now);
    let state = if life.stopped {
        format!("stopped normally {at}")
    } else if !lifeless {
        format!("alive, last seen {at}")
    } else {
        format!("DEAD: it was last alive {at} and did not stop normally")
    };
    let trouble = life.trouble.as_ref().map(|trouble| format!("; last error: {trouble}"));
    Some(format!("{} is {state}{}", life.worker, trouble.unwrap_or_default()))
}

fn several(running: &[Running]) -> String {
    let shown: Vec<String> =
        running.iter().map(|Running { worker, what }| format!("{worker} ({what})")).collect();
    format!("{} processes on this store, one is enough: {}", running.len(), shown.join(", "))
}

fn unconfirmed(overview: &Overview) -> String {
    let forgotten = match overview.forgotten {
        0 => String::new(),
        forgotten => format!("; {} such were forgotten before", count(forgotten)),
    };
    format!(
        "{} that only calls named and no list: the vendor is asked about a few, the others are \
         forgotten; nothing to do{forgotten}",
        many(overview.unconfirmed, "order")
    )
}

/// "No news" and "delivery broken" look alike from outside; here they do not.
fn calls(overview: &Overview, delivery: &Delivery, now: Timestamp) -> String {
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
        _ if overview.callbacks.expected_since.is_some() => {
            "nothing is known yet: no list was read since a receiver expects them".to_owned()
        }
        _ => "nothing is known: no receiver expects them (`qcc serve`)".to_owned(),
    }
}

fn gap_text(stretch: &Stretch, overview: &Overview) -> String {
    let Stretch { gap, brought } = stretch;
    let end = |order: &ListedOrder| match order.created_at.or_else(|| order.order_no.created_hint())
    {
        Some(at) => format!("{} ({at})", order.order_no),
        None => order.order_no.to_string(),
    };
    let mut text = format!(
        "{}: orders may be missing between {} and {}{}; {} brought in since",
        gap.id,
        end(&gap.after),
        end(&gap.before),
        may_be_missing(gap, overview),
        many(*brought, "order")
    );
    if let Some(at) = gap.closed_at {
        text.push_str(&format!("; closed {}", when(at)));
    }
    if let Some(note) = &gap.note {
        text.push_str(&format!(": {note}"));
    }
    text
}

/// How many orders fit between the ends at the fastest recent rate.
fn may_be_missing(gap: &Gap, overview: &Overview) -> String {
    let burst = overview.last_listing.as_ref().and_then(|listing| listing.burst);
    let made = |end: &ListedOrder| end.created_at.or_else(|| end.order_no.created_hint());
    let (Some(burst), Some(after), Some(before)) = (burst, made(&gap.after), made(&gap.before))
    else {
        return String::new();
    };
    let span = before.timestamp().duration_since(after.timestamp()).as_secs_f64().max(0.0);
    if span <= 0.0 {
        return String::new();
    }
    let most = span / burst.within.as_secs_f64().max(0.001) * f64::from(burst.orders);
    format!(", {} at most (an estimate)", many(most.ceil() as u64, "order"))
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
