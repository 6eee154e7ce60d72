//! Output compared without what differs from run to run.

/// The first lines that differ: what the page has, and what was printed.
///
/// A `…` in the page matches any text; alone on a line, any lines.
pub(super) fn difference(shown: &str, printed: &str) -> Option<(String, String)> {
    let shapes = |text: &str| text.lines().map(shape).collect::<Vec<_>>();
    let (shown, printed) = (shapes(shown), shapes(printed));
    let mut printed = printed.as_slice();
    let mut anything = false;
    for line in &shown {
        if line == "…" {
            anything = true;
            continue;
        }
        let at = printed.iter().position(|other| fits(line, other));
        match at.filter(|at| *at == 0 || anything) {
            Some(at) => printed = printed.get(at + 1..).unwrap_or_default(),
            None => return Some((line.clone(), line_or_nothing(printed.first()))),
        }
        anything = false;
    }
    match printed.first() {
        Some(line) if !anything => Some((line_or_nothing(None), line.clone())),
        _ => None,
    }
}

fn line_or_nothing(line: Option<&String>) -> String {
    line.cloned().unwrap_or_else(|| "(nothing)".to_owned())
}

fn fits(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            let Some((_, after)) = rest.split_once(part) else { return false };
            rest = after;
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

/// A line without what may differ between two runs.
fn shape(line: &str) -> String {
    if let Some(header) = ["date: ", "Date: "].into_iter().find(|header| line.starts_with(header)) {
        return format!("{header}TIME");
    }
    let mut shape = String::new();
    let mut rest = line.trim_end();
    while let Some(first) = rest.chars().next() {
        let (kept, length) = if first.is_ascii_alphanumeric() {
            word(rest, shape.chars().next_back())
        } else {
            (Kept::AsIs, first.len_utf8())
        };
        let (text, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        match kept {
            Kept::AsIs if text == " " && shape.ends_with(' ') => {}
            Kept::AsIs => shape.push_str(text),
            // `2 min 10 s` is one duration.
            Kept::As("SPAN") if shape.ends_with("SPAN ") => {
                shape.pop();
            }
            Kept::As(name) => shape.push_str(name),
        }
        rest = after;
    }
    shape
}

enum Kept {
    AsIs,
    As(&'static str),
}

/// The word at the beginning of `rest`, and its length.
fn word(rest: &str, before: Option<char>) -> (Kept, usize) {
    if let Some(length) = time(rest) {
        return (Kept::As("TIME"), length);
    }
    let run = |is_part: fn(char) -> bool| rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let length = run(|c| c.is_ascii_alphanumeric());
    let text = rest.get(..length).unwrap_or_default();
    if text.starts_with("DDMON") && text.len() > 10 {
        return (Kept::As("ORDER"), length);
    }
    let has_digit = text.contains(|c: char| c.is_ascii_digit());
    if length >= 16 && has_digit && text.chars().all(|c| c.is_ascii_hexdigit()) {
        return (Kept::As("HASH"), length);
    }
    let number = run(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
    let digits = rest.get(..number).unwrap_or_default().trim_end_matches(['.', ',']).len();
    if digits == 0 {
        return (Kept::AsIs, length);
    }
    let after = rest.get(digits..).unwrap_or_default();
    for unit in [" ms", " min", " s", " h", " d", "ms", "s", "h", "d"] {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
        if after.strip_prefix(unit).is_some_and(ends) {
            return (Kept::As("SPAN"), digits + unit.len());
        }
    }
    if after.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return (Kept::AsIs, length.max(digits));
    }
    // Sizes and durations follow `=`; no count in an example has five digits.
    match before == Some('=') || digits >= 5 {
        true => (Kept::As("N"), digits),
        false => (Kept::AsIs, digits),
    }
}

/// The length of a date or a time of day at the beginning of `rest`.
fn time(rest: &str) -> Option<usize> {
    let clock = |rest: &str| {
        let length = pattern(rest, "dd:dd:dd").or_else(|| pattern(rest, "dd:dd"))?;
        let after = rest.get(length..)?;
        let fraction = after.strip_prefix('.').map_or(0, |digits| {
            1 + digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len())
        });
        let zone = after.get(fraction..).is_some_and(|after| after.starts_with('Z'));
        Some(length + fraction + usize::from(zone))
    };
    let Some(date) = pattern(rest, "dddd-dd-dd") else {
        return clock(rest);
    };
    let after = rest.get(date..)?;
    let behind = after.strip_prefix([' ', 'T']).and_then(clock);
    Some(date + behind.map_or(0, |length| length + 1))
}

/// How long the pattern is, where `rest` begins with it; `d` is a digit.
fn pattern(rest: &str, pattern: &str) -> Option<usize> {
    let fits = |(wanted, found): (char, char)| match wanted {
        'd' => found.is_ascii_digit(),
        other => found == other,
    };
    let all = rest.chars().count() >= pattern.len() && pattern.chars().zip(rest.chars()).all(fits);
    all.then_some(pattern.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same(shown: &str, printed: &str) {
        assert_eq!(difference(shown, printed), None);
    }

    #[track_caller]
    fn other(shown: &str, printed: &str) {
        assert!(difference(shown, printed).is_some(), "{shown:?} is like {printed:?}");
    }

    #[test]
    fn times_orders_hashes_and_durations_may_differ() {
        same("at 2026-11-24T02:41:47Z", "at 2027-01-02T12:13:14.567Z");
        same("until 2026-11-24 10:42:00 (", "until 2027-01-01 00:00:00 (");
        same("(53 s ago)", "(2 min 10 s ago)");
        same("took_us=1060 x", "took_us=7 x");
        same("DDMON2026112407414527525384: 7", "DDMON2026112407414527525399: 7");
        same("a  b", "a      b");
        same("0123456789abcdef.zip", "fedcba9876543210.zip");
        same("date: Wed, 25 Nov 2026 09:31:35 GMT", "date: Thu, 3 Dec 2026 01:02:03 GMT");
    }

    #[test]
    fn counts_and_words_may_not() {
        other("12 orders listed", "11 orders listed");
        other("exit 5", "exit 0");
        other("a", "a\nb");
        other("a\nb", "a");
        other("status 200", "status 201");
    }

    #[test]
    fn an_ellipsis_stands_for_anything() {
        same("a\n…\nd", "a\nb\nc\nd");
        same("a\n…", "a\nb");
        same("{\"detail\":\"…\",\"x\":1}", "{\"detail\":\"some words\",\"x\":1}");
        other("a\n…\nd", "a\nb");
        other("{\"detail\":\"…\",\"x\":1}", "{\"detail\":\"some words\",\"x\":2}");
    }
}
