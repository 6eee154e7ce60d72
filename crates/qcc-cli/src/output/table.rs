//! Tables, which count Chinese as two columns wide.

use comfy_table::{ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};

use super::shown::plain;

/// A table with a header line; as wide as the terminal, else as its content.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    table_of(header.into_iter(), rows.into_iter().map(Vec::from).collect())
}

/// The same with columns that are chosen while the program runs.
pub(crate) fn table_of<'a>(
    header: impl Iterator<Item = &'a str>,
    rows: Vec<Vec<String>>,
) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    for row in rows {
        table.add_row(row.iter().map(|cell| plain(cell).into_owned()));
    }
    table.to_string()
}

/// Names and values, aligned, without lines.
pub(crate) fn facts(facts: &[(&str, String)]) -> String {
    let widest = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let lines: Vec<String> =
        facts.iter().map(|(name, value)| format!("{name:widest$}  {}", plain(value))).collect();
    lines.join("\n")
}
