//! What `/metrics` shows: facts read at the scrape, and counts since the start.
//!
//! There is no recorder behind it. What the store knows is asked for when
//! somebody asks, so a figure cannot disagree with `qcc status`; only what no
//! database holds is counted in memory. `docs/operations/metrics.md` lists all.

mod exposition;

use std::time::Duration;

use jiff::Timestamp;
use qcc_sync::{DeliveryPolicy, Overview, StateName};

use super::{health::Health, tally::Counts};
use exposition::Page;

pub(super) use exposition::CONTENT_TYPE;

/// What one scrape shows.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    /// Where the store lies.
    pub(super) store: &'a str,
    /// What the store says; `None` where it did not answer.
    pub(super) overview: Option<&'a Overview>,
    /// What was counted since the start.
    pub(super) counts: &'a Counts,
    /// Whether all is well.
    pub(super) health: &'a Health,
    /// What the judgement about the vendor's calls goes by.
    pub(super) delivery: &'a DeliveryPolicy,
    /// How often the list is read, where that is set.
    pub(super) poll_interval: Option<Duration>,
    /// When this process began.
    pub(super) started: Timestamp,
    /// The time of the scrape.
    pub(super) now: Timestamp,
}

/// The page, in Prometheus' text format 0.0.4.
pub(super) fn page(facts: &Facts<'_>) -> String {
    let mut page = Page::default();
    page.gauge("qcc_build_info", "The running version, as a label; always 1.")
        .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.gauge("qcc_start_time_seconds", "When this process began, Unix time.")
        .sample(&[], seconds(facts.started));
    page.gauge("qcc_store_info", "The database, as a label; always 1.")
        .sample(&[("path", facts.store)], 1);
    page.gauge("qcc_ready", "1 where /readyz answers 200.").sample(&[], facts.health.is_ready());
    page.gauge(
        "qcc_store_readable",
        "1 where the store answered this scrape; 0: the facts of the store are missing below.",
    )
    .sample(&[], facts.overview.is_some());
    if let Some(overview) = facts.overview {
        store(&mut page, overview, facts.now);
        calls(&mut page, overview, facts);
    }
    counted(&mut page, facts.counts);
    page.finish()
}

fn store(page: &mut Page, overview: &Overview, now: Timestamp) {
    let mut orders = page.gauge("qcc_orders", "Orders in the ledger, by state.");
    for state in StateName::ALL {
        orders.sample(&[("state", state.as_str())], overview.count(state));
    }
    let mut stuck =
        page.gauge("qcc_orders_stuck", "Orders that wait or are quarantined, by reason.");
    for (reason, number) in &overview.reasons {
        stuck.sample(&[("reason", reason.as_str())], *number);
    }
    let oldest = overview.oldest_pending.as_ref().map(|(_, since)| age(*since, now));
    page.gauge("qcc_oldest_pending_age_seconds", "How long the order has waited that has waited longest for its records to be in the table; 0: none waits.")
        .sample(&[], oldest.unwrap_or(0.0));
    page.gauge("qcc_records", "Records in the table.").sample(&[], overview.records);
    page.gauge(
        "qcc_records_set_aside",
        "Records kept aside because they are not as the manual says.",
    )
    .sample(&[], overview.set_aside);
    page.gauge("qcc_records_set_aside_open", "Records set aside that nobody has acknowledged.")
        .sample(&[], overview.set_aside_open);
    page.gauge(
        "qcc_list_lines_unreadable_open",
        "Most lines of one order list that could not be read and that nobody has acknowledged.",
    )
    .sample(&[], overview.unreadable_open);
    page.gauge(
        "qcc_orders_unconfirmed",
        "Orders that only calls named and no list; forgotten by themselves.",
    )
    .sample(&[], overview.unconfirmed);
    page.counter(
        "qcc_orders_forgotten_total",
        "Orders that only calls had named and that were forgotten.",
    )
    .sample(&[], overview.forgotten);
    page.gauge("qcc_gaps_open", "Gaps nobody has closed: orders may be missing for good.")
        .sample(&[], overview.gaps.len() as u64);
    page.gauge("qcc_hold", "1 while all calls to the vendor are paused.")
        .sample(&[], overview.hold.is_some());
    let listing = overview.last_listing.as_ref();
    page.gauge(
        "qcc_last_list_timestamp_seconds",
        "When the order list was last read, Unix time; 0: never.",
    )
    .sample(&[], listing.map_or(0.0, |listing| seconds(listing.at)));
    page.gauge(
        "qcc_last_callback_timestamp_seconds",
        "When the vendor last called, Unix time; 0: never.",
    )
    .sample(&[], overview.last_call.map_or(0.0, seconds));
    page.gauge(
        "qcc_last_applied_timestamp_seconds",
        "When an order last reached the table, Unix time; 0: never.",
    )
    .sample(&[], overview.last_applied.map_or(0.0, seconds));
    let pressure = listing.map(qcc_sync::Listing::pressure);
    page.gauge(
        "qcc_window_pressure_ratio",
        "Share of the vendor's window that was new at the last list; at 1 orders may be missed.",
    )
    .sample(&[], pressure.map_or(0.0, |pressure| pressure.share));
}

fn calls(page: &mut Page, overview: &Overview, facts: &Facts<'_>) {
    let judgement = overview.delivery(facts.delivery, facts.now);
    let mut delivery = page
        .gauge("qcc_delivery", "Whether the vendor's calls arrive: 1 at the judgement that holds.");
    for state in DELIVERY {
        delivery.sample(&[("state", state)], judgement.as_str() == state);
    }
    page.gauge(
        "qcc_uncalled_orders",
        "Orders that a list named and no call did, of those a call was due for.",
    )
    .sample(&[], overview.callbacks.uncalled);
    let interval = facts.poll_interval.unwrap_or_else(|| overview.poll_interval());
    page.gauge("qcc_poll_interval_seconds", "How often the order list is read.")
        .sample(&[], interval.as_secs_f64());
    let allowance =
        overview.downtime_allowance(facts.now).map_or(f64::NAN, |left| left.as_secs_f64());
    page.gauge("qcc_downtime_allowance_seconds", "Estimate of how long the receiver may be down from now on and lose nothing, at the fastest rate of orders seen of late; NaN: unknown.")
        .sample(&[], allowance);
}

/// Every judgement: the names of `qcc_sync::Delivery`.
const DELIVERY: [&str; 6] = ["unknown", "healthy", "no_news", "awaited", "broken", "activated"];

fn counted(page: &mut Page, counts: &Counts) {
    let tables = [
        ("qcc_rounds_total", "Rounds of the engine, by result.", "result", &counts.rounds),
        (
            "qcc_records_total",
            "Records that came in archives, by outcome.",
            "outcome",
            &counts.records,
        ),
        (
            "qcc_records_stored_total",
            "The stored ones of these, by what they changed in the table.",
            "change",
            &counts.stored,
        ),
        (
            "qcc_order_failures_total",
            "Steps of orders that failed, by reason.",
            "reason",
            &counts.failures,
        ),
        (
            "qcc_archive_failures_total",
            "Archives that were refused, by reason.",
            "reason",
            &counts.archives,
        ),
        (
            "qcc_callbacks_total",
            "Requests to the callback listener, by result.",
            "result",
            &counts.callbacks,
        ),
        (
            "qcc_connections_refused_total",
            "What came to the callback listener and never became a request, by reason.",
            "reason",
            &counts.refused,
        ),
        ("qcc_probes_total", "Tries of our own public URL, by result.", "result", &counts.probes),
        (
            "qcc_activations_total",
            "Requests to the vendor to call again (6.2.3), by result.",
            "result",
            &counts.activations,
        ),
    ];
    for (name, help, label, table) in tables {
        let mut family = page.counter(name, help);
        for (value, count) in table {
            family.sample(&[(label, value)], *count);
        }
    }
    let mut answers = page.counter("qcc_vendor_answers_total", "Answers of the vendor and its file host, by call and by status: the vendor's own, http_ and the HTTP status, or none.");
    for ((call, answer), count) in &counts.answers {
        answers.sample(&[("call", call), ("answer", answer)], *count);
    }
    let mut ends = page.gauge(
        "qcc_tls_certificate_not_after_seconds",
        "When our own certificate ends, Unix time; no sample where there is none.",
    );
    if let Some(at) = counts.certificate_ends {
        ends.sample(&[], at as f64);
    }
    page.gauge(
        "qcc_callback_errors_in_a_row",
        "Our errors in a row that the vendor may have counted; at 5 it stops calling.",
    )
    .sample(&[], u64::from(counts.errors_in_a_row));
    page.counter("qcc_orders_applied_total", "Orders whose records reached the table.")
        .sample(&[], counts.applied);
    page.counter("qcc_archives_fetched_total", "Archives that reached the disk.")
        .sample(&[], counts.fetched);
    page.counter("qcc_archive_bytes_total", "Their bytes.").sample(&[], counts.bytes);
}

/// Unix time with its fraction; exact to the microsecond for some thousand years.
fn seconds(at: Timestamp) -> f64 {
    at.as_microsecond() as f64 / 1e6
}

/// Never negative: a clock that was set back makes nothing younger than new.
fn age(since: Timestamp, now: Timestamp) -> f64 {
    now.duration_since(since).as_secs_f64().max(0.0)
}
