//! What every [`Store`] must do, as cases that an implementer runs.
//!
//! Each case has a name and a sentence, which is a part of the contract. It gets a
//! function that opens a fresh, empty store, and panics where the store does not keep
//! the contract. A case calls nothing but the trait, says what time it is, and needs no
//! clock and no particular runtime. Instants are whole seconds; a store keeps them to
//! the millisecond at least.
//!
//! [`store_conformance!`](crate::store_conformance) makes a test of each case:
//!
//! ```
//! # use std::sync::Arc;
//! use qcc_sync::{MemoryStore, Store, store_conformance};
//!
//! async fn fresh() -> Arc<dyn Store> {
//!     Arc::new(MemoryStore::default())
//! }
//!
//! store_conformance!(fresh);
//! ```
//!
//! A case that a store cannot keep is left out by name, with the reason:
//! `store_conformance!(fresh, leave_out: ["a_gap_is_kept_once" => "gaps live elsewhere"]);`.
//! [`CASES`] lists them for a harness of one's own. The macro makes `#[test]`s with a
//! tokio runtime of one thread each.

#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a check tells its outcome by panicking, as tests do"
)]

mod applying;
mod deciding;
mod delivering;
mod given;
mod leasing;
mod noting;
mod ranking;
mod reading;
mod rebuilding;

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use futures_util::future::LocalBoxFuture;

use crate::Store;

/// Opens a fresh, empty store, of its own each time.
pub type Fresh<'a> = dyn Fn() -> Opening + Send + Sync + 'a;

/// A store that is being opened.
pub type Opening = Pin<Box<dyn Future<Output = Arc<dyn Store>> + Send>>;

/// One case of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    contract: &'static str,
    run: for<'a> fn(&'a Fresh<'a>) -> LocalBoxFuture<'a, ()>,
}

impl Case {
    /// The case's name: words in snake case.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What the store must do, in a sentence or two.
    pub const fn contract(&self) -> &'static str {
        self.contract
    }

    /// Runs the case, on stores of its own.
    ///
    /// # Panics
    /// Where the store breaks the contract; the message says how.
    pub async fn run(&self, fresh: &Fresh<'_>) {
        (self.run)(fresh).await;
    }

    /// Runs the case to its end on a tokio runtime of its own. For tests.
    ///
    /// # Panics
    /// As [`run`](Self::run), and where no runtime can be made.
    pub fn run_blocking<F>(&self, fresh: impl Fn() -> F + Send + Sync)
    where
        F: Future<Output = Arc<dyn Store>> + Send + 'static,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { panic!("no runtime could be made") };
        let fresh = || -> Opening { Box::pin(fresh()) };
        runtime.block_on(self.run(&fresh));
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The case of this name.
pub fn case(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}

/// Runs every case but those that are left out by name, each for a reason.
///
/// # Panics
/// Where the store breaks its contract, or no case has one of the names.
pub async fn store(fresh: &Fresh<'_>, leave_out: &[(&str, &str)]) {
    check_names(leave_out);
    for case in CASES {
        if leave_out.iter().all(|(name, _)| *name != case.name) {
            case.run(fresh).await;
        }
    }
}

/// Fails where a case that does not exist is left out, or one without a reason.
///
/// # Panics
/// Then.
pub fn check_names(leave_out: &[(&str, &str)]) {
    for (name, reason) in leave_out {
        assert!(case(name).is_some(), "there is no case named {name}");
        assert!(!reason.trim().is_empty(), "{name} is left out without a reason");
    }
}

macro_rules! suite {
    ($d:tt $($module:ident { $($case:ident: $contract:literal,)* })*) => {
        /// All cases, in the order in which [`store`] runs them.
        pub const CASES: &[Case] = &[$($(Case {
            name: stringify!($case),
            contract: $contract,
            run: |fresh| Box::pin($module::$case(fresh)),
        },)*)*];

        /// Makes a `#[test]` of each case of the suite.
        ///
        /// Takes a function without arguments whose future gives a fresh, empty store as
        /// `Arc<dyn Store>`, and the cases to leave out: see [`conformance`](crate::conformance).
        #[macro_export]
        macro_rules! store_conformance {
            ($d fresh:expr $d (, leave_out: [$d ($d name:literal => $d reason:literal),* $d (,)?])? $d (,)?) => {
                const LEFT_OUT: &[(&str, &str)] = &[$d ($d (($d name, $d reason)),*)?];

                #[test]
                fn every_case_that_is_left_out_exists_and_has_a_reason() {
                    $crate::conformance::check_names(LEFT_OUT);
                }

                $($(
                    #[test]
                    fn $case() {
                        let name = stringify!($case);
                        if let Some((_, reason)) = LEFT_OUT.iter().find(|(out, _)| *out == name) {
                            println!("left out: {reason}");
                            return;
                        }
                        let case = $crate::conformance::case(name).expect("it is listed");
                        case.run_blocking($d fresh);
                    }
                )*)*
            };
        }
    };
}

suite! { $
    noting {
        a_list_names_new_orders_once:
            "A list repeated changes nothing but the facts of the last list.",
        calls_and_lists_meet_in_one_order:
            "Whichever comes first, call or list, the order ends the same.",
        what_is_noted_never_moves_an_order_back:
            "An applied order stays applied, however often it is named.",
        lists_join_by_what_lists_named:
            "Calls say nothing about the orders around them, so they join no lists.",
        a_first_list_joins_on_to_kept_archives:
            "Before the first list, what calls brought is what it has to join on to: of the \
             orders whose archives are kept, the oldest, where it is not in it any more.",
        a_list_is_not_replaced_by_an_older_one:
            "The facts of a list stay where another worker notes a list that it asked for \
             earlier, unless they are dated minutes ahead of it.",
        a_gap_is_kept_once:
            "A gap is kept once, however often it is reported, and closed by a person.",
        a_gap_is_not_kept_where_the_list_joins_by_now:
            "Two workers read the list at once, and the second still believes in a gap that \
             the first one's list has taken up: it would cover the same stretch twice.",
    }
    leasing {
        urgent_orders_are_claimed_first:
            "Of each kind the orders that have not failed come first, then the oldest. What \
             only calls named is apart, and due once a list was read that does not name it.",
        what_rests_is_not_claimed:
            "Waiting orders are due at their time, not before; quarantined and applied ones \
             never.",
        a_wait_from_the_future_is_over:
            "A wait that is longer than any can be was set by a clock that was ahead.",
        kept_archives_can_be_claimed_alone:
            "Without calling the vendor only orders whose archive is kept can be worked on: \
             the oldest that is due and nobody else's, under the same lease.",
        a_lease_keeps_others_away_until_it_ends:
            "Leases end, are renewed by their holder, and are given back.",
        a_claim_says_when_the_next_order_is_due:
            "A claim that finds nothing says when the next of the wanted orders can be \
             leased: when its wait or another worker's lease ends.",
        claims_at_once_lease_different_orders:
            "Two workers never lease the same order.",
        an_old_epoch_changes_nothing:
            "A write under an older lease of the same worker changes nothing, and says that \
             the lease is lost: of two processes of one name only the last one's writes \
             count.",
        a_lost_lease_changes_nothing:
            "A worker whose lease has passed to another is told so, and changes nothing.",
        what_is_saved_comes_back:
            "Every state and field of an order is kept; the link alone is not.",
        a_save_leaves_what_was_noted_meanwhile:
            "A worker's copy of an order is old news about lists and calls.",
        a_retry_makes_resting_orders_due:
            "A retry does to orders what Order::retried says, and to no others.",
    }
    deciding {
        an_order_is_added_by_hand:
            "An order that a person added is worked on like one that a list named.",
        an_archive_is_added_by_hand:
            "An archive that came by another way makes its order ready to be applied.",
        an_order_is_accepted_or_dismissed:
            "A quarantined order with an archive can be accepted, and any that rests \
             dismissed; what is dismissed is counted apart, and retried only by name.",
        a_gap_is_closed_and_opened_again:
            "A gap that was closed stays visible, with its note, and can be opened again.",
        what_was_set_aside_is_open_until_acknowledged:
            "Records set aside, and lines that could not be read, are told until somebody has \
             seen them.",
        what_only_calls_named_is_forgotten:
            "An order that only calls named, and lists that were read since did not, is \
             forgotten after a day where the vendor denies it, and after a week where it was \
             not asked. Others never are.",
        an_order_is_lifted_when_a_list_names_it:
            "An order that the vendor did not know is due again once a list names it.",
        signs_of_life_are_kept:
            "The last sign of life replaces the one before.",
        another_order_with_an_archive_is_found:
            "Another order with the same archive is found, an applied one before others.",
    }
    delivering {
        calls_are_expected_from_the_first_time:
            "Since when calls are expected is said once, however often a receiver starts.",
        what_should_have_come_by_call_is_counted:
            "Uncalled are listed orders that were made after every other that came by call, \
             after calls were first expected, and after the vendor agreed to call again.",
        an_account_is_kept_as_it_was_put:
            "The account is one value: it comes back as it was put, each write raises its \
             version, and the overview shows it.",
        an_account_is_not_put_over_a_change_of_another:
            "An account is put only in place of the version that was read; else nothing is \
             changed.",
        an_activation_is_begun_once:
            "Of two workers that would ask the vendor at once, one does.",
    }
    applying {
        records_and_ledger_change_together:
            "A commit changes records, set-aside records, words and the order at once, and \
             ends the lease.",
        a_dropped_apply_never_was:
            "Dropped without a commit, an apply leaves no trace, and the lease stands.",
        an_open_apply_shows_nothing_and_lets_calls_in:
            "Until the commit readers see what was; the vendor's call is noted at once, for \
             the vendor does not wait.",
        a_lease_passes_or_the_commit_stands:
            "Of a claim behind the lease's end and the commit, one comes first: either the \
             order is applied and nobody's, or it is the other's and nothing was applied.",
        a_repeated_apply_changes_nothing:
            "The same archive again leaves table, counts, set-aside records and words.",
        an_empty_archive_is_applied:
            "An archive without records moves the ledger all the same.",
        what_is_set_aside_is_kept_as_it_came:
            "Bytes that are no text, and nothing at all, come back by position; the next \
             apply of the order replaces them.",
        unknown_words_are_counted_per_archive:
            "Words add up over archives, not over repetitions of one.",
    }
    ranking {
        the_greatest_rank_stands_in_any_order:
            "Three orders bring versions of one id; every order of applying them, and every \
             repetition of one, ends with the greatest. The date decides before the number, \
             and the number as bytes.",
        the_later_place_in_an_archive_stands:
            "Within one archive the greater position stands, in one batch or several, and \
             only one of the two counts as stored.",
    }
    reading {
        texts_come_back_as_they_were:
            "Every text comes back as it was; nothing and the empty text stay different.",
        pages_join_without_holes:
            "Pages of any size join to the whole, by id as bytes, each record once.",
        filters_join_with_and:
            "Each filter alone and with others finds what its description says.",
        orders_are_listed_newest_first:
            "Orders come newest first, by state and number wanted.",
        the_overview_counts_everything:
            "The overview of a store with a bit of everything, and of an empty one.",
    }
    rebuilding {
        a_snapshot_stands_still:
            "What is written while a snapshot is held is not in it.",
        a_snapshot_pages_without_holes:
            "Pages of any size join without holes, in the order of bytes.",
        unknown_orders_are_adopted_as_found:
            "An order the ledger has never heard of is taken over with everything found, and \
             is due.",
        a_known_order_is_adopted_only_by_name:
            "Where the ledger knows no more than the name, the archive is added and what was \
             noted stays; where it knows an archive, or a worker is at it, nothing changes.",
        an_applied_order_can_be_applied_again:
            "Reopened, an applied order is its worker's to apply, and the same archive \
             changes nothing.",
        what_cannot_be_applied_is_not_reopened:
            "Orders without an archive, orders that wait, and orders nobody knows stay.",
        old_records_are_removed_a_portion_at_a_time:
            "Records pushed before a time are removed, none of that time or later, and the \
             count stays right.",
    }
}
