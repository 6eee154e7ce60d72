//! What a proof comes to, for people and for machines.

use qcc_sync::{AsideFault, Difference, Finding, Rank, Verdict};
use serde_json::{Value, json};

use crate::{
    exit::Exit,
    output::{bytes, count, many, plain},
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
            format!("order {order_no}: its archive {sha256} is kept, and not applied")
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
    let held = verdict.orders - verdict.missing - verdict.refused;
    let mut lines = vec![
        format!(
            "archives  {} of {} held, {}",
            count(held),
            count(verdict.orders),
            bytes(verdict.bytes)
        ),
        format!(
            "records   {} read, {} set aside",
            count(verdict.records),
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
    if verdict.unapplied > 0 {
        lines.push(format!(
            "unapplied {} of orders the ledger does not have; `qcc replay` applies them",
            many(verdict.unapplied, "archive")
        ));
    }
    if verdict.waiting > 0 {
        lines.push(format!(
            "waiting   {} not applied yet; `qcc status` says why",
            many(verdict.waiting, "order")
        ));
    }
    if verdict.unproven > 0 {
        lines.push(format!(
            "unproven  {} that only those archives could prove",
            many(verdict.unproven, "row")
        ));
    }
    if verdict.unlabelled > 0 {
        lines.push(format!(
            "no label  {}, which only the database can open; `qcc replay` labels them",
            many(verdict.unlabelled, "archive")
        ));
    }
    let told = verdict.findings.len() as u64;
    let all = verdict.differences + verdict.missing + verdict.refused + verdict.unapplied;
    if all > told {
        lines.push(format!("not told  {} more; --limit N tells more", count(all - told)));
    }
    lines.push(match verdict {
        verdict if verdict.is_equal() => {
            "equal: the table is what the kept archives say".to_owned()
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
        "equal": verdict.is_equal(),
        "orders": verdict.orders,
        "missing": verdict.missing,
        "refused": verdict.refused,
        "bytes": verdict.bytes,
        "records": verdict.records,
        "set_aside": verdict.set_aside,
        "rows": verdict.rows,
        "unproven": verdict.unproven,
        "unlabelled": verdict.unlabelled,
        "unapplied": verdict.unapplied,
        "waiting": verdict.waiting,
        "differences": verdict.differences,
        "digest": verdict.digest.to_string(),
        "exit": exit as u8,
    })
}
