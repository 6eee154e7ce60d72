//! Prometheus' text format, as far as gauges and counters need it.

use std::fmt::Write;

/// The page's `Content-Type`.
pub(in super::super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page being written.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// Begins a family of values that go up and down.
    pub(super) fn gauge(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "gauge", help)
    }

    /// Begins a family of values that only grow while the process lives.
    pub(super) fn counter(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "counter", help)
    }

    fn family(&mut self, name: &'static str, kind: &str, help: &str) -> Family<'_> {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { page: self, name }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// One family; its samples follow its head.
pub(super) struct Family<'a> {
    page: &'a mut Page,
    name: &'static str,
}

impl Family<'_> {
    /// One value, with its labels.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Into<Value>) {
        let text = &mut self.page.0;
        text.push_str(self.name);
        for (at, (label, value)) in labels.iter().enumerate() {
            let _ = write!(text, "{}{label}=\"", if at == 0 { '{' } else { ',' });
            escape(text, value);
            text.push('"');
        }
        if !labels.is_empty() {
            text.push('}');
        }
        let _ = match value.into() {
            Value::Whole(number) => writeln!(text, " {number}"),
            Value::Real(number) if number.is_infinite() => writeln!(text, " +Inf"),
            Value::Real(number) => writeln!(text, " {number}"),
        };
    }
}

/// A sample's value.
pub(super) enum Value {
    Whole(u64),
    Real(f64),
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl From<bool> for Value {
    fn from(holds: bool) -> Self {
        Self::Whole(holds.into())
    }
}

fn escape(text: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_a_scraper_reads() {
        let mut page = Page::default();
        let mut family = page.gauge("qcc_orders", "Orders, by state.");
        family.sample(&[("state", "seen"), ("x", "a\"b\\c\nd")], 3);
        page.counter("qcc_n_total", "So many.").sample(&[], f64::INFINITY);
        assert_eq!(
            page.finish(),
            "# HELP qcc_orders Orders, by state.\n# TYPE qcc_orders gauge\n\
             qcc_orders{state=\"seen\",x=\"a\\\"b\\\\c\\nd\"} 3\n\
             # HELP qcc_n_total So many.\n# TYPE qcc_n_total counter\nqcc_n_total +Inf\n"
        );
    }
}
