//! CSV (RFC 4180) that a spreadsheet opens without running anything.

/// One line: cells quoted where needed, formulas defused.
///
/// A cell that begins with `=`, `+`, `-`, `@`, a tab or a line end gets an
/// apostrophe before it, unless it is a plain number.
pub(crate) fn csv_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        push_cell(&mut line, cell);
    }
    line.push_str("\r\n");
    line
}

fn push_cell(line: &mut String, cell: &str) {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
        && cell.parse::<i64>().is_err();
    let defused = if formula { "'" } else { "" };
    if !cell.contains([',', '"', '\r', '\n']) {
        line.push_str(defused);
        line.push_str(cell);
        return;
    }
    line.push('"');
    line.push_str(defused);
    line.push_str(&cell.replace('"', "\"\""));
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cell: &str, expected: &str) {
        assert_eq!(csv_line([cell]), format!("{expected}\r\n"));
    }

    #[test]
    fn cells_are_quoted_where_needed() {
        check("四川", "四川");
        check("a,b", "\"a,b\"");
        check("a\"b", "\"a\"\"b\"");
        check("a\nb", "\"a\nb\"");
        check("", "");
        assert_eq!(csv_line(["a", "b"]), "a,b\r\n");
    }

    #[test]
    fn no_cell_is_a_formula() {
        check("=1+1", "'=1+1");
        check("@SUM(A1)", "'@SUM(A1)");
        check("-2+3", "'-2+3");
        check("+cmd", "'+cmd");
        check("=a,b", "\"'=a,b\"");
        check("\t=1", "'\t=1");
        check("-5", "-5");
    }
}
