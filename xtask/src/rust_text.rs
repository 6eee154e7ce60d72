//! Rust source as text: enough of its shape to check rules without a parser.

/// Whether a file holds tests, benchmarks or examples only.
pub(crate) fn is_test_file(path: &str) -> bool {
    ["/tests/", "/benches/", "/examples/"].iter().any(|folder| path.contains(folder))
        || path.ends_with("/tests.rs")
}

/// A file without its test modules. Comments and the contents of literals are
/// blanked out too; every line keeps its number.
pub(crate) fn product_code(text: &str) -> String {
    let code = blank_comments_and_literals(text);
    let mut kept = String::with_capacity(code.len());
    let mut lines = code.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let opens_tests = line.trim() == "#[cfg(test)]"
            && lines.peek().is_some_and(|next| next.trim_start().starts_with("mod "));
        if !opens_tests {
            kept.push_str(line);
            continue;
        }
        let module = lines.next().unwrap_or_default();
        kept.push_str("\n\n");
        if module.trim_end().ends_with('{') {
            for rest in lines.by_ref() {
                kept.push('\n');
                if rest.starts_with('}') {
                    break;
                }
            }
        }
    }
    kept
}

/// Replaces comments and what stands inside literals by spaces.
pub(crate) fn blank_comments_and_literals(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let rest = letters.get(at..).unwrap_or_default();
        let before = at.checked_sub(1).and_then(|i| letters.get(i)).copied();
        let length = match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => block_comment(rest),
            ['"', ..] => quoted(rest, '"'),
            ['r', '"' | '#', ..] if !before.is_some_and(is_word) || before == Some('b') => {
                raw_string(rest)
            }
            ['\'', '\\', ..] | ['\'', _, '\'', ..] => quoted(rest, '\''),
            _ => 0,
        };
        if length == 0 {
            out.extend(rest.first());
            at += 1;
            continue;
        }
        let blanked = rest.iter().take(length).map(|c| if *c == '\n' { '\n' } else { ' ' });
        out.extend(blanked);
        at += length;
    }
    out
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(pair) = rest.get(at..at + 2) {
        match pair {
            ['/', '*'] => depth += 1,
            ['*', '/'] => depth = depth.saturating_sub(1),
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.iter().enumerate().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            letter if *letter == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a raw string, or 0 where this is a word such as `r#type`.
fn raw_string(rest: &[char]) -> usize {
    let hashes = rest.iter().skip(1).take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let closes = |at: usize| {
        rest.get(at) == Some(&'"')
            && rest.get(at + 1..at + 1 + hashes).is_some_and(|tail| tail.iter().all(|c| *c == '#'))
    };
    let end = (hashes + 2..rest.len()).find(|at| closes(*at));
    end.map_or(rest.len(), |at| at + 1 + hashes)
}

/// Whether a letter can stand inside a Rust name.
pub(crate) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Whether a text names this word, whole.
pub(crate) fn names(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|t| t.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The number of the line, from 1, on which a byte stands.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_blanked(text: &str, expected: &str) {
        assert_eq!(blank_comments_and_literals(text), expected);
    }

    #[test]
    fn comments_and_literals_are_blanked() {
        check_blanked("a // b\nc", "a     \nc");
        check_blanked("a /* b /* c */ d */ e", "a                   e");
        check_blanked(r#"f("x\"y", z)"#, "f(      , z)");
        check_blanked(r##"f(r#"x"y"#, z)"##, "f(        , z)");
        check_blanked("f('\\'', '\"', b)", "f(    ,    , b)");
        check_blanked("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
        check_blanked("r#type = for", "r#type = for");
    }

    #[test]
    fn test_modules_are_cut_and_lines_keep_their_numbers() {
        let text = "a\n#[cfg(test)]\nmod tests;\nb\n#[cfg(test)]\nmod t {\n    c\n}\nd\n";
        let code = product_code(text);
        assert!(!code.contains('c') && !code.contains("tests"));
        let at = code.find('d').unwrap();
        assert_eq!(line_of(&code, at), 9);
        assert!(code.contains('b'));
    }

    #[test]
    fn words_are_found_whole() {
        assert!(names("use http::Uri;", "http"));
        assert!(!names("use http_body::Body;", "http"));
        assert!(!names("xhttp", "http"));
    }
}
