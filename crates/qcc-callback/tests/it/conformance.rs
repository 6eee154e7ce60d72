//! The suite for inboxes: what it accepts, and that it notices what is wrong.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use qcc_callback::{Inbox, InboxError, MemoryInbox, Noted, conformance};
use qcc_proto::OrderNo;

#[tokio::test]
async fn an_inbox_that_keeps_the_contract_passes() {
    let inbox = MemoryInbox::default();
    conformance::check(|| async { inbox.clone() }, &[]).await.unwrap();
}

/// A way to break the contract, and the case that notices it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Broken {
    AlwaysNew,
    AlwaysKnown,
    KnowsEverything,
    StoresWhatItIsAsked,
    IgnoresCase,
    ChecksBeforeItStores,
    Forgets,
    Fails,
}

#[derive(Clone)]
struct BrokenInbox(Broken, MemoryInbox);

impl Inbox for BrokenInbox {
    async fn note(&self, order_no: &OrderNo) -> Result<Noted, InboxError> {
        match self.0 {
            Broken::AlwaysNew => self.1.note(order_no).await.map(|_| Noted::New),
            Broken::AlwaysKnown => self.1.note(order_no).await.map(|_| Noted::Known),
            Broken::IgnoresCase => {
                self.1.note(&order_no.as_str().to_ascii_lowercase().parse().unwrap()).await
            }
            Broken::ChecksBeforeItStores => {
                let known = self.1.knows(order_no).await?;
                tokio::task::yield_now().await;
                self.1.note(order_no).await?;
                Ok(if known { Noted::Known } else { Noted::New })
            }
            Broken::Fails => Err(InboxError::new("no room")),
            _ => self.1.note(order_no).await,
        }
    }

    async fn knows(&self, order_no: &OrderNo) -> Result<bool, InboxError> {
        match self.0 {
            Broken::KnowsEverything => Ok(true),
            Broken::StoresWhatItIsAsked => Ok(matches!(self.1.note(order_no).await?, Noted::Known)),
            _ => self.1.knows(order_no).await,
        }
    }
}

#[tokio::test]
async fn each_way_to_break_the_contract_is_noticed_by_the_case_for_it() {
    for (broken, case) in [
        (Broken::AlwaysNew, "a_repeated_note_is_known"),
        (Broken::AlwaysKnown, "a_first_note_is_new"),
        (Broken::KnowsEverything, "knows_what_was_noted"),
        (Broken::StoresWhatItIsAsked, "knows_what_was_noted"),
        (Broken::IgnoresCase, "numbers_are_compared_exactly"),
        (Broken::ChecksBeforeItStores, "concurrent_notes_are_new_once"),
        (Broken::Forgets, "survives_a_restart"),
        (Broken::Fails, "a_first_note_is_new"),
    ] {
        let kept = MemoryInbox::default();
        let open = || {
            let memory =
                if broken == Broken::Forgets { MemoryInbox::default() } else { kept.clone() };
            async move { BrokenInbox(broken, memory) }
        };
        let failure = conformance::check(open, &[]).await.unwrap_err();
        assert_eq!(failure.case.name, case, "{broken:?}: {failure}");
    }
}

#[tokio::test]
async fn a_case_can_be_left_out_by_name() {
    let opened = Arc::new(AtomicBool::new(false));
    let all: Vec<&str> = conformance::CASES.iter().map(|case| case.name).collect();
    let open = || async {
        opened.store(true, Ordering::Relaxed);
        MemoryInbox::default()
    };
    conformance::check(open, &all).await.unwrap();
    assert!(!opened.load(Ordering::Relaxed));
    let open = || async { MemoryInbox::default() };
    conformance::check(open, &["survives_a_restart"]).await.unwrap();
}
