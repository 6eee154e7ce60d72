//! A corpus's manifest: tab-separated, its columns named by the first line.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

/// One archive and what is expected of it.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) path: String,
    pub(super) entry: String,
    pub(super) password: String,
    pub(super) expected: String,
    /// What the file is about, in words; may be empty.
    pub(super) what: String,
    pub(super) content_size: Option<u64>,
    pub(super) content_sha256: Option<String>,
    pub(super) records: Option<u64>,
    pub(super) upsert_digest: Option<String>,
}

/// Reads a manifest.
pub(super) fn read(path: &Path) -> Result<Vec<Row>> {
    let text = fs::read_to_string(path).with_context(|| format!("no {}", path.display()))?;
    parse(&text).with_context(|| format!("{} is not a manifest", path.display()))
}

fn parse(text: &str) -> Result<Vec<Row>> {
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    for required in ["path", "entry", "password", "expected"] {
        ensure!(columns.contains(&required), "it has no column `{required}`");
    }
    let rows = lines.filter(|line| !line.is_empty()).map(|line| {
        let mut row = Row::default();
        for (column, cell) in columns.iter().zip(line.split('\t')) {
            let text = || (!cell.is_empty()).then(|| cell.to_owned());
            match *column {
                "path" => row.path = cell.to_owned(),
                "entry" => row.entry = cell.to_owned(),
                "password" => row.password = cell.to_owned(),
                "expected" => row.expected = cell.to_owned(),
                "what" | "variant" => row.what = cell.to_owned(),
                "content_size" => row.content_size = cell.parse().ok(),
                "content_sha256" => row.content_sha256 = text(),
                "records" => row.records = cell.parse().ok(),
                "upsert_digest" => row.upsert_digest = text(),
                _ => {}
            }
        }
        row
    });
    Ok(rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_by_name() {
        let rows =
            parse("expected\tpath\tentry\tpassword\trecords\nACCEPT\ta.zip\te\tp\t4\n").unwrap();
        let row = rows.first().unwrap();
        assert_eq!(
            (row.path.as_str(), row.expected.as_str(), row.records),
            ("a.zip", "ACCEPT", Some(4))
        );
        assert!(parse("path\tentry\n").is_err());
    }
}
