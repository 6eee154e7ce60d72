//! What a proof comes to, for people and for machines.

use qcc_proto::OrderNo;
use qcc_sync::{AsideFault, Difference, Finding, Rank, Verdict};
use serde_json::{Value, json};

use crate::{
    exit::Exit,
    output::{bytes, count, json_reason, many, plain},
};

/// A value longer than this is cut where a person reads it.
const SHOWN: usize = 80;

pub(super) fn finding_text(finding: &Finding) -> String {
    match finding {
        Finding::ArchiveMissing { order_no, sha256: Some(sha256) } => {
            format!("order {order_no}: its archive {sha256} is gone")
        }
        Finding::ArchiveMissing { order_no, sha256: None } => {
            format!("order {order_no}: applied, but no archive of it is kept")
        }
        Finding::ArchiveRefused { order_no, detail } => {
            format!("order {order_no}: its archive is refused: {}", plain(detail))
        }
        Finding::Unapplied { order_no, sha256 } => {
            format!("order {order_no}: not in the ledger, but its archive {sha256} is kept")
        }
        Finding::NotApplied { order_no, sha256, state, reason } => {
            let why = reason.as_ref().map(|reason| format!(": {}", plain(&reason.detail)));
            format!(
                "order {order_no}: not applied, but its archive {sha256} is kept; the order is \
                 {state}{}",
                why.unwrap_or_default()
            )
        }
        Finding::SharedArchive { order_no, sha256, with, dates } => {
            let mut why = Vec::new();
            if let Some(with) = with {
                why.push(format!("order {with} was applied with the same bytes"));
            }
            if let Some((created_at, push_date)) = dates {
                why.push(format!(
                    "the vendor made the order at {created_at}, but its document was pushed at \
                     {push_date}"
                ));
            }
            format!(
                "order {order_no}: its archive {sha256} seems to be another order's: {}; compare \
                 with what the vendor sends for it (`qcc orders fetch {order_no} -o FILE`)",
                why.join("; ")
            )
        }
        Finding::Ledger { order_no, field } => {
            format!("order {order_no}: {}", difference_text(field))
        }
        Finding::SetAside { order_no, position, fault } => {
            let what = match fault {
                AsideFault::Missing => "should be set aside, and is not",
                AsideFault::Extra => "is set aside, but not in the archive",
                AsideFault::Differs => "is set aside, but not as the archive has it",
            };
            format!("order {order_no}: record {position} {what}")
        }
        Finding::RowMissing { id, rank } => {
            format!("row {}: missing; it comes from {}", plain(id), origin(rank))
        }
        Finding::RowExtra { id, rank } => {
            format!("row {}: in no applied archive; it says {}", plain(id), origin(rank))
        }
        Finding::RowDiffers { id, fields } if fields.is_empty() => {
            format!("row {}: not what its archive says", plain(id))
        }
        Finding::RowDiffers { id, fields } => {
            let fields: Vec<String> = fields.iter().map(difference_text).collect();
            format!("row {}: {}", plain(id), fields.join("; "))
        }
        Finding::Count { counted, rows } => {
            format!("facts.records is {}, but the table has {} rows", count(*counted), count(*rows))
        }
        _ => "a difference this version cannot show".to_owned(),
    }
}

fn origin(rank: &Rank) -> String {
    format!("order {}, position {}", rank.order_no, rank.position)
}

fn difference_text(Difference { field, found, expected }: &Difference) -> String {
    format!("{field} is {}, should be {}", value(found.as_deref()), value(expected.as_deref()))
}

fn value(text: Option<&str>) -> String {
    match text {
        None => "NULL".to_owned(),
        Some(text) if text.chars().count() > SHOWN => {
            let start: String = text.chars().take(SHOWN).collect();
            format!("\"{}…\"", plain(&start))
        }
        Some(text) => format!("\"{}\"", plain(text)),
    }
}

pub(super) fn summary_text(verdict: &Verdict) -> String {
    let held = verdict.held();
    let mut lines = vec![
        format!(
            "archives  {} of {} held, {}",
            count(held),
            count(verdict.orders),
            bytes(verdict.bytes)
        ),
        format!(
            "records   {} held: {} latest, {} superseded, {} set aside",
            count(verdict.records + verdict.set_aside),
            count(verdict.standing),
            count(verdict.records.saturating_sub(verdict.standing)),
            count(verdict.set_aside)
        ),
        format!("table     {}, sha256 {}", many(verdict.rows, "row"), verdict.digest),
    ];
    if verdict.missing > 0 {
        lines.push(format!("missing   {}", many(verdict.missing, "archive")));
    }
    if verdict.refused > 0 {
        lines.push(format!("refused   {}", many(verdict.refused, "archive")));
    }
    if verdict.shared > 0 {
        lines.push(format!(
            "shared    {} applied with what seems to be another order's archive",
            many(verdict.shared, "order")
        ));
    }
    if verdict.pruned > 0 {
        lines.push(format!(
            "pruned    {} removed by `qcc prune`; {} come from them and cannot be proven",
            many(verdict.pruned, "archive"),
            many(verdict.unproven_pruned, "row")
        ));
    }
    if verdict.pruned_records > 0 {
        lines.push(format!(
            "pruned    {} removed from the table by `qcc prune`",
            many(verdict.pruned_records, "record")
        ));
    }
    if verdict.unapplied > 0 {
        lines.push(format!(
            "unapplied {} that the ledger does not have; `qcc replay` applies them",
            many(verdict.unapplied, "archived order")
        ));
    }
    if verdict.recoverable > 0 {
        lines.push(format!(
            "unapplied {} that the ledger has and could not fetch; `qcc replay` applies them",
            many(verdict.recoverable, "archived order")
        ));
    }
    if verdict.waiting > 0 {
        lines.push(format!(
            "waiting   {} not applied yet; `qcc status` says why",
            many(verdict.waiting, "order")
        ));
    }
    let unproven = verdict.unproven.saturating_sub(verdict.unproven_pruned);
    if unproven > 0 {
        lines.push(format!(
            "unproven  {} that only archives that are gone or refused could prove",
            many(unproven, "row")
        ));
    }
    if verdict.unlabelled > 0 {
        lines.push(format!(
            "no label  {}, which only the database can open; `qcc replay` labels them",
            many(verdict.unlabelled, "archive")
        ));
    }
    if verdict.refused_kept > 0 {
        lines.push(format!(
            "refused archives kept: {}, {}; `qcc prune --refused` removes them",
            count(verdict.refused_kept),
            bytes(verdict.refused_bytes)
        ));
    }
    if verdict.strays > 0 {
        lines.push(format!(
            "stray archives kept: {}, {}; nothing says whose they are; `qcc prune --strays` removes \
             them",
            count(verdict.strays),
            bytes(verdict.stray_bytes)
        ));
    }
    let told = verdict.findings.len() as u64;
    let all = verdict.differences
        + verdict.missing
        + verdict.refused
        + verdict.unapplied
        + verdict.recoverable
        + verdict.shared;
    if all > told {
        lines.push(format!("not shown {} more; --limit N shows more", count(all - told)));
    }
    lines.push(match verdict {
        verdict if verdict.is_empty() => {
            "nothing to prove: no applied order has an archive here".to_owned()
        }
        verdict if verdict.is_equal() && verdict.pruned > 0 => {
            "equal: what the kept archives say is in the table; the pruned ones prove nothing"
                .to_owned()
        }
        verdict if verdict.is_equal() => {
            "equal: the table is what the kept archives say".to_owned()
        }
        Verdict { differences: 0, shared: 1.., .. } => {
            "NOT EQUAL: nothing differs, but orders seem to have each other's archives".to_owned()
        }
        Verdict { differences: 0, missing: 0, refused: 0, .. } => {
            "NOT EQUAL: what is kept is not all applied".to_owned()
        }
        Verdict { differences: 0, .. } => {
            "not proven: nothing differs, but not every archive held".to_owned()
        }
        verdict => format!("NOT EQUAL: {}", many(verdict.differences, "difference")),
    });
    lines.join("\n")
}

pub(super) fn finding_json(finding: &Finding) -> Value {
    match finding {
        Finding::ArchiveMissing { order_no, sha256 } => json!({
            "finding": "archive_missing",
            "order_no": order_no.as_str(),
            "sha256": sha256.map(|sha256| sha256.to_string()),
        }),
        Finding::ArchiveRefused { order_no, detail } => json!({
            "finding": "archive_refused",
            "order_no": order_no.as_str(),
            "detail": detail,
        }),
        Finding::Unapplied { order_no, sha256 } => json!({
            "finding": "unapplied",
            "order_no": order_no.as_str(),
            "sha256": sha256.to_string(),
        }),
        Finding::NotApplied { order_no, sha256, state, reason } => json!({
            "finding": "not_applied",
            "order_no": order_no.as_str(),
            "sha256": sha256.to_string(),
            "state": state.as_str(),
            "reason": reason.as_ref().map(json_reason),
        }),
        Finding::SharedArchive { order_no, sha256, with, dates } => json!({
            "finding": "shared_archive",
            "order_no": order_no.as_str(),
            "sha256": sha256.to_string(),
            "with": with.as_ref().map(OrderNo::as_str),
            "created_at": dates.map(|(created_at, _)| created_at.to_string()),
            "push_date": dates.map(|(_, push_date)| push_date.to_string()),
        }),
        Finding::Ledger { order_no, field } => json!({
            "finding": "ledger",
            "order_no": order_no.as_str(),
            "fields": [difference_json(field)],
        }),
        Finding::SetAside { order_no, position, fault } => json!({
            "finding": match fault {
                AsideFault::Missing => "set_aside_missing",
                AsideFault::Extra => "set_aside_extra",
                AsideFault::Differs => "set_aside_differs",
            },
            "order_no": order_no.as_str(),
            "position": position,
        }),
        Finding::RowMissing { id, rank } => row_json("row_missing", id, rank),
        Finding::RowExtra { id, rank } => row_json("row_extra", id, rank),
        Finding::RowDiffers { id, fields } => json!({
            "finding": "row_differs",
            "id": id,
            "fields": fields.iter().map(difference_json).collect::<Vec<_>>(),
        }),
        Finding::Count { counted, rows } => json!({
            "finding": "count",
            "counted": counted,
            "rows": rows,
        }),
        _ => json!({ "finding": "other" }),
    }
}

fn row_json(finding: &str, id: &str, rank: &Rank) -> Value {
    json!({
        "finding": finding,
        "id": id,
        "push_date": rank.push_date.to_string(),
        "order_no": rank.order_no.as_str(),
        "position": rank.position,
    })
}

fn difference_json(Difference { field, found, expected }: &Difference) -> Value {
    json!({ "field": field, "found": found, "expected": expected })
}

pub(super) fn summary_json(verdict: &Verdict, exit: Exit) -> Value {
    json!({
        "equal": verdict.is_equal() && !verdict.is_empty(),
        "nothing_to_prove": verdict.is_empty(),
        "orders": verdict.orders,
        "held": verdict.held(),
        "missing": verdict.missing,
        "pruned": verdict.pruned,
        "shared": verdict.shared,
        "refused": verdict.refused,
        "bytes": verdict.bytes,
        "records": verdict.records,
        "set_aside": verdict.set_aside,
        "rows": verdict.rows,
        "latest": verdict.standing,
        "superseded": verdict.records.saturating_sub(verdict.standing),
        "pruned_records": verdict.pruned_records,
        "unproven": verdict.unproven,
        "unproven_pruned": verdict.unproven_pruned,
        "unlabelled": verdict.unlabelled,
        "unapplied": verdict.unapplied,
        "not_applied": verdict.recoverable,
        "waiting": verdict.waiting,
        "refused_kept": verdict.refused_kept,
        "refused_bytes": verdict.refused_bytes,
        "strays": verdict.strays,
        "stray_bytes": verdict.stray_bytes,
        "differences": verdict.differences,
        "digest": verdict.digest.to_string(),
        "exit": exit as u8,
    })
}
