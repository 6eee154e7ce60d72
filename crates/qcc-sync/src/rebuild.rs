//! What becomes of an order when its kept archive is found or applied again.

use crate::{Applied, Order, ReasonCode, State};

impl Order {
    /// Its kept archive is to be applied again; `None` where it has none, or is
    /// neither applied nor fetched.
    #[must_use]
    pub fn reopened(mut self) -> Option<Self> {
        let fit = matches!(self.state, State::Applied | State::Fetched) && self.archive.is_some();
        self.state = State::Fetched;
        fit.then_some(self)
    }

    /// Whether nothing of it is kept or was applied, so that an archive found beside
    /// the ledger is news. One that was found damaged, or did not open, is not: it
    /// may be the very archive that is found.
    pub fn is_bare(&self) -> bool {
        use ReasonCode::{ArchiveDamaged, WrongPassword};
        let spoilt = self.state.reason().map(|reason| reason.code);
        self.archive.is_none()
            && self.applied.is_none()
            && !matches!(spoilt, Some(ArchiveDamaged | WrongPassword))
    }

    /// What a ledger makes of an archive found beside it: `None` where it knows as
    /// much or more of the order. What lists and calls noted stays.
    #[must_use]
    pub fn adopting(self, found: &Self) -> Option<Self> {
        self.is_bare().then(|| Self {
            state: State::Fetched,
            archive: found.archive,
            password: found.password.clone(),
            created_at: self.created_at.or(found.created_at),
            listed_at: self.listed_at.or(found.listed_at),
            called_at: self.called_at.or(found.called_at),
            location: None,
            ..self.unfailed()
        })
    }
}

impl Applied {
    /// Whether both come from one document. How many of its records stand depends on
    /// what else was in the table by then; their sum does not.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let says = |applied: &Self| {
            let records = applied.stored.saturating_add(applied.superseded);
            (applied.push_date, applied.total_size, records, applied.quarantined)
        };
        says(self) == says(other)
    }
}
