//! Five errors in a row, and the vendor falls silent.

/// How many of our answers in a row the vendor may have counted as errors.
///
/// After [`LIMIT`](Self::LIMIT) the vendor stops calling until it is activated
/// again (6.2.3). It tells nobody how far it has counted, so we count along.
///
/// ```
/// use qcc_callback::ErrorBudget;
///
/// let budget = ErrorBudget::default().after_error().after_error().after_error();
/// assert!(budget.is_low());
/// assert_eq!(budget.left(), 2);
/// assert_eq!(budget.after_success(), ErrorBudget::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErrorBudget {
    in_a_row: u32,
}

impl ErrorBudget {
    /// After so many errors in a row the vendor calls no more (6.2.2).
    pub const LIMIT: u32 = 5;

    /// From so many on, a person should know.
    pub const WARN_AT: u32 = 3;

    /// After so many errors in a row.
    pub const fn spent(in_a_row: u32) -> Self {
        Self { in_a_row }
    }

    /// One error more.
    #[must_use]
    pub const fn after_error(self) -> Self {
        Self { in_a_row: self.in_a_row.saturating_add(1) }
    }

    /// Forgotten: the vendor got the answer it wants.
    #[must_use]
    pub const fn after_success(self) -> Self {
        Self { in_a_row: 0 }
    }

    /// Errors in a row up to now.
    pub const fn in_a_row(self) -> u32 {
        self.in_a_row
    }

    /// Errors that are left before the vendor falls silent.
    pub const fn left(self) -> u32 {
        Self::LIMIT.saturating_sub(self.in_a_row)
    }

    /// Whether a person should know.
    pub const fn is_low(self) -> bool {
        self.in_a_row >= Self::WARN_AT
    }

    /// Whether the vendor has probably fallen silent.
    pub const fn is_spent(self) -> bool {
        self.left() == 0
    }
}
