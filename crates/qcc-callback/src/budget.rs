//! Counts the errors in a row, as the vendor does.

/// How many of our answers in a row the vendor may have counted as errors.
///
/// After [`LIMIT`](Self::LIMIT) errors the vendor stops calling until callbacks are
/// re-enabled (6.2.3). The vendor does not report its count, so this counts along.
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
    /// The vendor stops calling after this many errors in a row (6.2.2).
    pub const LIMIT: u32 = 5;

    /// The number of errors at which an operator should be warned.
    pub const WARN_AT: u32 = 3;

    /// A budget after `in_a_row` errors.
    pub const fn spent(in_a_row: u32) -> Self {
        Self { in_a_row }
    }

    /// The budget after one more error.
    #[must_use]
    pub const fn after_error(self) -> Self {
        Self { in_a_row: self.in_a_row.saturating_add(1) }
    }

    /// The budget after a successful answer: the count starts again.
    #[must_use]
    pub const fn after_success(self) -> Self {
        Self { in_a_row: 0 }
    }

    /// The errors in a row so far.
    pub const fn in_a_row(self) -> u32 {
        self.in_a_row
    }

    /// How many more errors there can be before the vendor stops calling.
    pub const fn left(self) -> u32 {
        Self::LIMIT.saturating_sub(self.in_a_row)
    }

    /// Whether an operator should be warned.
    pub const fn is_low(self) -> bool {
        self.in_a_row >= Self::WARN_AT
    }

    /// Whether the vendor has probably stopped calling.
    pub const fn is_spent(self) -> bool {
        self.left() == 0
    }
}
