//! A test suite for implementations of [`Inbox`].
//!
//! Each [`Case`] has a name and a sentence of the contract. Run all of them with
//! [`check`], or leave some out by name:
//!
//! ```
//! use qcc_callback::{MemoryInbox, conformance};
//!
//! # futures_util::FutureExt::now_or_never(async {
//! // `MemoryInbox` does not survive a restart, so that case is left out.
//! let inboxes = || async { MemoryInbox::default() };
//! conformance::check(inboxes, &["survives_a_restart"]).await.unwrap();
//! # }).unwrap();
//! ```

use std::{fmt, future::Future};

use futures_util::future::join_all;
use qcc_proto::OrderNo;

use crate::{Inbox, InboxError, Noted};

/// A case of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Case {
    /// Its name, for [`check`].
    pub name: &'static str,
    /// What an implementation must do.
    pub contract: &'static str,
}

/// All cases, in the order in which they run.
pub const CASES: &[Case] = &[
    Case {
        name: "a_first_note_is_new",
        contract: "`note` answers `New` for a number that the inbox has not seen.",
    },
    Case {
        name: "a_repeated_note_is_known",
        contract: "`note` answers `Known` for a number that was stored before.",
    },
    Case {
        name: "knows_what_was_noted",
        contract: "`knows` is true for a stored number and false for any other, and stores nothing.",
    },
    Case {
        name: "numbers_are_compared_exactly",
        contract: "Numbers are opaque: case, length and leading zeros matter.",
    },
    Case {
        name: "concurrent_notes_are_new_once",
        contract: "Of concurrent calls with the same number exactly one answers `New`.",
    },
    Case {
        name: "survives_a_restart",
        contract: "A stored number is known to the next inbox that is opened on the same storage.",
    },
];

/// A case that failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The case.
    pub case: Case,
    /// What happened instead.
    pub found: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} Instead: {}", self.case.name, self.case.contract, self.found)
    }
}

impl std::error::Error for Failure {}

/// Runs all cases but those named in `except`.
///
/// `open` opens the inbox. It is called several times and must use the same storage
/// each time. Each case uses order numbers of its own, so the storage need not be empty,
/// but it must not have seen this suite before.
///
/// # Errors
/// The first [`Failure`].
pub async fn check<I, F>(open: impl Fn() -> F, except: &[&str]) -> Result<(), Failure>
where
    I: Inbox,
    F: Future<Output = I>,
{
    for case in CASES.iter().filter(|case| !except.contains(&case.name)) {
        let found = run(case.name, &open).await;
        found.map_err(|found| Failure { case: *case, found })?;
    }
    Ok(())
}

async fn run<I, F>(name: &str, open: &impl Fn() -> F) -> Result<(), String>
where
    I: Inbox,
    F: Future<Output = I>,
{
    let inbox = open().await;
    let order = |suffix: &str| number(&format!("{name}_{suffix}"));
    match name {
        "a_first_note_is_new" => expect(note(&inbox, &order("a")?).await?, Noted::New),
        "a_repeated_note_is_known" => {
            note(&inbox, &order("a")?).await?;
            expect(note(&inbox, &order("a")?).await?, Noted::Known)
        }
        "knows_what_was_noted" => {
            note(&inbox, &order("a")?).await?;
            expect(knows(&inbox, &order("a")?).await?, true)?;
            expect(knows(&inbox, &order("b")?).await?, false)?;
            expect(note(&inbox, &order("b")?).await?, Noted::New)
        }
        "numbers_are_compared_exactly" => {
            for suffix in ["x", "X", "x0", "0x", "xx"] {
                expect(note(&inbox, &order(suffix)?).await?, Noted::New)?;
            }
            Ok(())
        }
        "concurrent_notes_are_new_once" => {
            let order = order("a")?;
            let noted = join_all((0..16).map(|_| note(&inbox, &order))).await;
            let noted = noted.into_iter().collect::<Result<Vec<_>, _>>()?;
            expect(noted.iter().filter(|noted| **noted == Noted::New).count(), 1)
        }
        "survives_a_restart" => {
            note(&inbox, &order("a")?).await?;
            drop(inbox);
            let again = open().await;
            expect(knows(&again, &order("a")?).await?, true)?;
            expect(note(&again, &order("a")?).await?, Noted::Known)
        }
        _ => Err("the suite has no such case".into()),
    }
}

async fn note(inbox: &impl Inbox, order: &OrderNo) -> Result<Noted, String> {
    inbox.note(order).await.map_err(failed)
}

async fn knows(inbox: &impl Inbox, order: &OrderNo) -> Result<bool, String> {
    inbox.knows(order).await.map_err(failed)
}

fn failed(error: InboxError) -> String {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    format!("it failed: {error}{}.", cause.unwrap_or_default())
}

fn number(text: &str) -> Result<OrderNo, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

fn expect<T: PartialEq + fmt::Debug>(found: T, wanted: T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{found:?} where {wanted:?} was expected.")) }
}
