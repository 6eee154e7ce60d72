//! Everything the product says in one life, kept to be searched for secrets.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fmt::{self, Write},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

thread_local! {
    /// Each line once: most are said over and over.
    static SAID: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// Adds what something shows of itself.
pub(crate) fn say(what: &dyn fmt::Debug) {
    line(format!("{what:?}"));
}

/// Adds a line.
pub(crate) fn line(what: String) {
    SAID.with_borrow_mut(|said| said.insert(what));
}

/// What was said on this thread since it was last asked for.
pub(crate) fn take() -> String {
    let said = SAID.with_borrow_mut(std::mem::take);
    said.into_iter().collect::<Vec<_>>().join("\n")
}

/// Takes every event of the thread it is the default of.
#[derive(Debug)]
pub(crate) struct Ear;

impl Subscriber for Ear {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        line(fields(|visitor| span.record(visitor)));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        line(fields(|visitor| values.record(visitor)));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        line(fields(|visitor| event.record(visitor)));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn fields(record: impl FnOnce(&mut Fields)) -> String {
    let mut fields = Fields(String::new());
    record(&mut fields);
    fields.0
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}
