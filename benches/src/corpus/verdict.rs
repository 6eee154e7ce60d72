//! What a manifest's words expect, and whether ours did so.

use std::fmt;

use super::{
    decode::{Accepted, Outcome},
    manifest::Row,
};

/// What is expected, as far as it can be told from the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Expectation {
    /// Must be read, exactly.
    Accept,
    /// Must be refused.
    Refuse,
    /// The document must be refused, or the record set aside.
    RefuseOrSetAside,
    /// Either, but what is read must be exact.
    Policy,
}

/// What `docs/protocol.md` decides otherwise than a corpus whose verdicts are older:
/// the words of its column `what`, and what is expected instead.
const DECIDED: [(&str, Expectation); 7] = [
    // An absent field is `null`, which is a value; a document lacks nothing by it.
    ("corpKeyNo missing", Expectation::Policy),
    ("corpName missing", Expectation::Policy),
    ("monitorType missing", Expectation::Policy),
    ("changeDate missing", Expectation::Policy),
    // A broken character costs its record, and not the others of its document.
    (r"lone surrogate escape \ud800", Expectation::RefuseOrSetAside),
    ("CESU lone surrogate bytes", Expectation::RefuseOrSetAside),
    ("overlong UTF-8", Expectation::RefuseOrSetAside),
];

impl Expectation {
    /// What is expected of an archive: as decided, or by the words of the column
    /// `expected`.
    pub(super) fn of_row(row: &Row) -> Self {
        let decided = DECIDED.iter().find(|(what, _)| *what == row.what);
        decided.map_or_else(|| Self::of(&row.expected), |(_, expectation)| *expectation)
    }

    /// Reads the words of the column `expected`.
    fn of(expected: &str) -> Self {
        let open = ["policy", " or ACCEPT", "or REJECT", "or last wins", "or keep as unknown"];
        if open.iter().any(|words| expected.contains(words)) {
            return Self::Policy;
        }
        if expected.contains("set the record aside") {
            return Self::RefuseOrSetAside;
        }
        if expected.starts_with("ACCEPT") { Self::Accept } else { Self::Refuse }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Accept => "to be accepted",
            Self::Refuse => "to be refused",
            Self::RefuseOrSetAside => "refused or set aside",
            Self::Policy => "either",
        })
    }
}

/// Whether ours did as expected.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Agrees,
    Differs(String),
}

/// Compares.
pub(super) fn judge(expectation: Expectation, row: &Row, outcome: &Outcome) -> Verdict {
    use Expectation::{Accept, Policy, Refuse, RefuseOrSetAside};
    match (expectation, outcome) {
        (_, Outcome::Unreadable(_)) => Verdict::Differs("the file could not be read".into()),
        (Accept | Policy, Outcome::Accepted(accepted)) => exact(expectation, row, accepted),
        (Accept, _) => Verdict::Differs("it should have been accepted".into()),
        (Refuse | RefuseOrSetAside | Policy, Outcome::Refused { released, .. })
            if *released > 0 =>
        {
            Verdict::Differs("plaintext was released before it was refused".into())
        }
        (RefuseOrSetAside, Outcome::Accepted(accepted)) => match &accepted.document {
            Some(document) if document.set_aside > 0 => Verdict::Agrees,
            _ => Verdict::Differs("the record was taken as it is".into()),
        },
        (Refuse, Outcome::Accepted(_)) => Verdict::Differs("it should have been refused".into()),
        (_, Outcome::Refused { .. } | Outcome::DocumentRefused { .. }) => Verdict::Agrees,
    }
}

/// Whether what was read is what the manifest says.
fn exact(expectation: Expectation, row: &Row, accepted: &Accepted) -> Verdict {
    let differs = |what: &str| Verdict::Differs(format!("{what} is another"));
    if expectation == Expectation::Accept && accepted.relaxed {
        return Verdict::Differs("it was accepted by wider options only".into());
    }
    if row.content_size.is_some_and(|size| size != accepted.size) {
        return differs("the size");
    }
    if row.content_sha256.as_ref().is_some_and(|sha256| *sha256 != accepted.sha256) {
        return differs("the SHA-256");
    }
    let Some(document) = &accepted.document else { return Verdict::Agrees };
    if row.records.is_some_and(|records| records != document.records) {
        return differs("the number of records");
    }
    if row.upsert_digest.as_ref().is_some_and(|digest| *digest != document.digest) {
        return differs("the digest of the records that stand");
    }
    if expectation == Expectation::Accept && document.set_aside > 0 {
        return Verdict::Differs("a record was set aside".into());
    }
    Verdict::Agrees
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::decode::Document;

    #[test]
    fn words_become_expectations() {
        for (words, expected) in [
            ("ACCEPT; decoded by two readers", Expectation::Accept),
            ("ACCEPT, stored literally", Expectation::Accept),
            ("ACCEPT or policy reject (stored)", Expectation::Policy),
            ("ACCEPT or REJECT:depth (no crash)", Expectation::Policy),
            ("REJECT:too-long or ACCEPT unchanged", Expectation::Policy),
            ("REJECT:duplicate-key (or last wins)", Expectation::Policy),
            ("policy", Expectation::Policy),
            ("REJECT:hmac-mismatch", Expectation::Refuse),
            ("MUST-REJECT: authentication code does not match", Expectation::Refuse),
            ("REJECT file or set the record aside, loudly", Expectation::RefuseOrSetAside),
        ] {
            assert_eq!(Expectation::of(words), expected, "{words}");
        }
    }

    #[test]
    fn a_decision_of_this_project_comes_before_older_words() {
        let row = |what: &str| Row {
            what: what.to_owned(),
            expected: "REJECT:invalid-json".to_owned(),
            ..Row::default()
        };
        assert_eq!(Expectation::of_row(&row("overlong UTF-8")), Expectation::RefuseOrSetAside);
        assert_eq!(Expectation::of_row(&row("corpName missing")), Expectation::Policy);
        assert_eq!(Expectation::of_row(&row("id missing")), Expectation::Refuse);
    }

    #[test]
    fn what_is_accepted_must_be_exact() {
        let row = Row { content_size: Some(3), records: Some(1), ..Row::default() };
        let accepted = |size, records, set_aside| {
            let document = Some(Document { records, set_aside, ..Document::default() });
            Outcome::Accepted(Accepted { size, document, ..Accepted::default() })
        };
        let agrees = |outcome| judge(Expectation::Accept, &row, &outcome) == Verdict::Agrees;
        assert!(agrees(accepted(3, 1, 0)));
        assert!(!agrees(accepted(4, 1, 0)));
        assert!(!agrees(accepted(3, 2, 0)));
        assert!(!agrees(accepted(3, 1, 1)));
        assert!(!agrees(Outcome::DocumentRefused { error: String::new() }));
    }
}
