//! What a run is doing: a bar on a terminal, lines elsewhere, both on standard
//! error.

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use qcc_proto::OrderNo;
use qcc_sync::{Event, Observer};

use super::{
    shown::{bytes, changed_in_brackets, count, many, plain, when},
    streams::{Notes, complain},
};

/// Shows the engine's events.
pub(crate) struct Progress {
    notes: Notes,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A bar where standard error is a terminal and no log would run into it.
    pub(crate) fn new(notes: Notes) -> Self {
        let wanted = !notes.forbids_bar() && std::io::stderr().is_terminal();
        let bar = wanted.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(ProgressStyle::default_spinner());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { notes, bar }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Shows how far something is that has no events.
    pub(crate) fn at(&self, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text);
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| complain(text)),
            None => self.notes.say(text),
        }
    }

    fn doing(&self, order_no: &OrderNo, what: &str, done: u64, total: Option<u64>, unit: Unit) {
        let Some(bar) = &self.bar else { return };
        let of = total.map(|total| format!(" of {}", unit.show(total))).unwrap_or_default();
        bar.set_message(format!("{order_no}: {what} {}{of}", unit.show(done)));
    }
}

#[derive(Clone, Copy)]
enum Unit {
    Bytes,
    Records,
}

impl Unit {
    fn show(self, amount: u64) -> String {
        match self {
            Self::Bytes => bytes(amount),
            Self::Records => many(amount, "record"),
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: &Event) {
        match event {
            Event::Listed { listed, fresh } => {
                self.say(&format!(
                    "{} listed, {fresh} of them new",
                    many((*listed).into(), "order")
                ));
            }
            Event::Gap(gap) => self.say(&format!(
                "GAP: orders may be missing between {} and {}; see qcc status",
                gap.after.order_no, gap.before.order_no
            )),
            Event::Downloading { order_no, received, total } => {
                self.doing(order_no, "downloading", *received, *total, Unit::Bytes);
            }
            Event::Fetched { order_no, size } => {
                self.doing(order_no, "fetched", *size, None, Unit::Bytes);
            }
            Event::Applying { order_no, records, total } => {
                self.doing(order_no, "applying", *records, *total, Unit::Records);
            }
            Event::Applied { order_no, applied } => {
                let mut text = format!(
                    "{order_no}: {} applied{}",
                    many(applied.stored, "record"),
                    changed_in_brackets(applied.changes.unwrap_or_default()),
                );
                if applied.superseded > 0 {
                    text += &format!(", {} superseded", count(applied.superseded));
                }
                if applied.quarantined > 0 {
                    text += &format!(", {} set aside", count(applied.quarantined));
                }
                self.say(&text);
            }
            Event::Waiting { order_no, until, reason } => self.say(&format!(
                "{order_no}: waits until {} ({})",
                when(*until),
                plain(&reason.detail)
            )),
            Event::Quarantined { order_no, reason } => {
                self.say(&format!("{order_no}: QUARANTINED: {}", plain(&reason.detail)));
            }
            Event::Held(hold) => match hold.until {
                Some(until) => self.say(&format!(
                    "calls to the vendor are paused until {}: {}",
                    when(until),
                    plain(&hold.reason.detail)
                )),
                // The error that the run ends with says why, once.
                None => self.say("calls to the vendor are paused until you act"),
            },
            _ => {}
        }
    }
}
