//! What was run and what came out, as the tables of docs/reliability.md.

use std::fmt::Write;

use crate::{fault::Fault, run::Lives};

/// Both tables, in Markdown.
pub(crate) fn table(lives: &Lives) -> String {
    let mut text = String::new();
    let figures = lives.figures;
    let seconds = lives.real_time.as_secs_f64();
    let days = lives.virtual_time.as_secs_f64() / 86_400.0;
    let rows = [
        ("seeds lived", with_commas(lives.lived)),
        ("seeds that failed", with_commas(lives.failed.len() as u64)),
        ("seeds lived twice, to the same digest", with_commas(lives.twice)),
        ("time lived, in years", format!("{:.1}", days / 365.0)),
        ("time it took, in seconds", format!("{seconds:.0}")),
        ("seeds in a second", format!("{:.0}", lives.lived as f64 / seconds.max(0.001))),
        ("orders made", with_commas(lives.orders)),
        ("gaps, all of them real", with_commas(lives.gaps)),
        (
            "orders missed behind one only a call had named, before the first list",
            with_commas(figures.before_first_list),
        ),
        (
            "orders left the list unseen when nothing was said of how long it lasts",
            with_commas(figures.lost_unsaid),
        ),
        ("… after the time that was said", with_commas(figures.lost_in_time)),
        (
            "… coming faster than in any list of the day, the basis of what was said",
            with_commas(figures.lost_faster),
        ),
        ("… that the last list had left out, for no one to see", with_commas(figures.lost_hidden)),
        ("processes started", with_commas(figures.starts)),
        ("… that were killed or crashed", with_commas(figures.crashes)),
        ("… that gave up by themselves", with_commas(figures.failed_exits)),
        ("requests to the vendor", with_commas(figures.requests)),
        ("durable writes", with_commas(figures.writes)),
        ("calls that reached the door", with_commas(figures.calls)),
        ("… acknowledged", with_commas(figures.acks)),
        ("… refused", with_commas(figures.refusals)),
        ("times a silent vendor was asked to call again", with_commas(figures.activations)),
    ];
    text.push_str("| | |\n|---|---:|\n");
    for (name, value) in rows {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    text.push_str("\n| fault | where | struck | of so many chances | in so many lives |\n|---|---|---:|---:|---:|\n");
    for fault in Fault::ALL {
        let count = lives.ours.get(fault).copied().unwrap_or_default();
        let rate = 100.0 * count.struck as f64 / (count.chances as f64).max(1.0);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {rate:.2} % of {} | {} |",
            fault.as_str(),
            fault.place(),
            with_commas(count.struck),
            with_commas(count.chances),
            share(count.lives, lives.lived),
        );
    }
    for (fault, (struck, with)) in &lives.theirs {
        let _ = writeln!(
            text,
            "| {fault} | vendor | {} | | {} |",
            with_commas(*struck),
            share(*with, lives.lived)
        );
    }
    text
}

fn share(part: u64, whole: u64) -> String {
    format!("{:.1} %", 100.0 * part as f64 / (whole as f64).max(1.0))
}

fn with_commas(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas_every_three_digits() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(with_commas(number), text);
        }
    }
}
