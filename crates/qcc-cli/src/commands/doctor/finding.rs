//! What a check found.

use crate::exit::{Exit, Usage, causes, causes_of, exit_for};

/// What a check found.
pub(super) struct Finding {
    /// What was checked.
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    /// What is so, and what to do.
    pub(super) detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    Doubtful,
    /// It fails, and a run would end like this.
    Bad(Exit),
}

impl Finding {
    pub(super) fn fine(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Fine, detail: detail.into() }
    }

    pub(super) fn doubtful(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Doubtful, detail: detail.into() }
    }

    pub(super) fn bad(check: &'static str, exit: Exit, detail: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Bad(exit), detail: detail.into() }
    }

    /// The same, and not quite fine.
    pub(super) fn doubted(mut self) -> Self {
        if self.verdict == Verdict::Fine {
            self.verdict = Verdict::Doubtful;
        }
        self
    }

    /// A failure, in one line, with the exit code it would end a run with.
    pub(super) fn of_error(check: &'static str, error: &anyhow::Error) -> Self {
        let lines: Vec<String> = causes(error);
        Self::bad(check, exit_for(error), lines.join(": "))
    }

    /// Something that is set wrong.
    pub(super) fn of_problem(check: &'static str, problem: &Usage) -> Self {
        Self::bad(check, Exit::Usage, causes_of(problem).join(": "))
    }
}
