//! What every [`Store`] must do, as checks that an implementer runs.
//!
//! Each check gets a function that opens a fresh, empty store, and panics where
//! the store does not keep the trait's contract. [`store`] runs them all; run the
//! single ones to see at once which of them fail. A check calls nothing but the
//! trait, says what time it is, and needs no clock and no particular runtime.
//! Instants are whole seconds; a store keeps them to the millisecond at least.
//!
//! ```
//! use qcc_sync::{MemoryStore, conformance};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! conformance::store(|| async { MemoryStore::default() }).await;
//! # }
//! ```

#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a check tells its outcome by panicking, as tests do"
)]

mod applying;
mod delivering;
mod given;
mod leasing;
mod noting;
mod ranking;
mod reading;
mod rebuilding;

use std::future::Future;

pub use rebuilding::{
    a_known_order_is_adopted_only_by_name, a_snapshot_pages_without_holes, a_snapshot_stands_still,
    an_applied_order_can_be_applied_again, old_records_are_removed_a_portion_at_a_time, rebuild,
    unknown_orders_are_adopted_as_found, what_cannot_be_applied_is_not_reopened,
};

use crate::Store;

macro_rules! suite {
    ($($module:ident { $($check:ident,)* })*) => {
        $(pub use $module::{$($check),*};)*

        /// The names of all checks, in the order in which [`store`] runs them.
        pub const CHECKS: &[&str] = &[$($(stringify!($check),)*)*];

        /// Runs every check, each on stores of its own.
        ///
        /// # Panics
        /// Where the store breaks its contract; the message says how.
        pub async fn store<S: Store, F: Future<Output = S>>(fresh: impl Fn() -> F) {
            $($($check(&fresh).await;)*)*
        }
    };
}

suite! {
    noting {
        a_list_names_new_orders_once,
        calls_and_lists_meet_in_one_order,
        what_is_noted_never_moves_an_order_back,
        lists_join_by_what_lists_named,
        a_first_list_joins_on_to_kept_archives,
        a_gap_is_kept_once,
        a_gap_is_not_kept_where_the_list_joins_by_now,
    }
    leasing {
        urgent_orders_are_claimed_first,
        what_rests_is_not_claimed,
        kept_archives_can_be_claimed_alone,
        a_lease_keeps_others_away_until_it_ends,
        claims_at_once_lease_different_orders,
        a_lost_lease_changes_nothing,
        what_is_saved_comes_back,
        a_save_leaves_what_was_noted_meanwhile,
        a_retry_makes_resting_orders_due,
    }
    delivering {
        calls_are_expected_from_the_first_time,
        what_should_have_come_by_call_is_counted,
        an_activation_is_kept,
        an_activation_is_begun_once,
        our_errors_are_kept,
        a_secret_path_is_kept,
    }
    applying {
        records_and_ledger_change_together,
        a_dropped_apply_never_was,
        an_open_apply_shows_nothing_and_lets_calls_in,
        a_lease_passes_or_the_commit_stands,
        a_repeated_apply_changes_nothing,
        an_empty_archive_is_applied,
        what_is_set_aside_is_kept_as_it_came,
        unknown_words_are_counted_per_archive,
    }
    ranking {
        the_greatest_rank_stands_in_any_order,
        the_later_place_in_an_archive_stands,
    }
    reading {
        texts_come_back_as_they_were,
        pages_join_without_holes,
        filters_join_with_and,
        orders_are_listed_newest_first,
        a_hold_stands_until_it_is_lifted,
        the_overview_counts_everything,
    }
}
