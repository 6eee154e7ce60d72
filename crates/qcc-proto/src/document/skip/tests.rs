//! Values of every kind, whole and in pieces.

use super::*;

/// Feeds `text` whole and byte by byte; both must agree.
fn skip(text: &str, depth_limit: usize) -> Result<Step, Stuck> {
    let mut skipper = Skipper::new();
    skipper.restart(depth_limit);
    let whole = skipper.feed(text.as_bytes());
    skipper.restart(depth_limit);
    let (mut from, mut to) = (0, 0);
    let piecewise = loop {
        match skipper.feed(&text.as_bytes()[from..to]) {
            Ok(Step::Short(used)) if to == text.len() => break Ok(Step::Short(from + used)),
            Ok(Step::Short(used)) => (from, to) = (from + used, to + 1),
            Ok(Step::Done(used)) => break Ok(Step::Done(from + used)),
            Err(Stuck::Syntax(at, what)) => break Err(Stuck::Syntax(from + at, what)),
            Err(Stuck::Control(at)) => break Err(Stuck::Control(from + at)),
            Err(Stuck::TooDeep(at)) => break Err(Stuck::TooDeep(from + at)),
        }
    };
    assert_eq!(whole, piecewise, "{text}");
    whole
}

#[test]
fn a_value_ends_where_it_ends() {
    for text in [
        r#""a""#,
        r#""\"\u0041\\""#,
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "[ ]",
        "[[],{},[{}]]",
        r#"{"a" : [1, -0.5e+10 ,0, "x"] , "" : {}}"#,
    ] {
        assert_eq!(skip(&format!("{text},"), 9), Ok(Step::Done(text.len())), "{text}");
        for cut in 0..text.len() {
            assert!(matches!(skip(&text[..cut], 9), Ok(Step::Short(_))), "{text} to {cut}");
        }
    }
    for number in ["0", "-0", "10", "1.5", "1e5", "1E-5", "0.0e+00"] {
        assert_eq!(skip(&format!("{number} "), 0), Ok(Step::Done(number.len())), "{number}");
    }
}

#[test]
fn what_is_no_json_is_no_value() {
    for text in [
        "+1",
        "01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "-",
        "0x5",
        "NaN",
        "Infinity",
        "-I",
        "nul",
        "trUe",
        "[1,]",
        "[,1]",
        "{,}",
        "{1:2}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        "[1}",
        "1,",
        r#"{"a":1]"#,
        "[1 2]",
        "'a'",
        r#""\x""#,
        "/**/1",
        "}",
        "a",
    ] {
        assert!(matches!(skip(&format!("[{text}]"), 9), Err(Stuck::Syntax(..))), "{text}");
    }
    assert_eq!(skip("[\"a\nb\"]", 9), Err(Stuck::Control(3)));
}

#[test]
fn half_a_surrogate_pair_is_followed_and_noted() {
    for (text, has_half) in [
        (r#"["\ud800"]"#, true),
        (r#"{"\udc00":1}"#, true),
        (r#"["\ud800\n","a"]"#, true),
        (r#"["\ud842\udfb7"]"#, false),
        (r#"["\\ud800"]"#, false),
    ] {
        let mut skipper = Skipper::new();
        skipper.restart(9);
        assert_eq!(skipper.feed(text.as_bytes()), Ok(Step::Done(text.len())), "{text}");
        assert_eq!(skipper.has_half(), has_half, "{text}");
        skipper.restart(9);
        assert!(!skipper.has_half());
        assert_eq!(skip(text, 9), Ok(Step::Done(text.len())));
    }
}

#[test]
fn brackets_are_matched_to_the_limit_and_no_further() {
    for (open, close) in [("[", "]"), (r#"{"":"#, "}")] {
        for depth in [1usize, 63, 64, 65, 127, 128, 129, 1000] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            assert_eq!(skip(&text, depth), Ok(Step::Done(text.len())));
            assert!(matches!(skip(&text, depth - 1), Err(Stuck::TooDeep(_))));
        }
    }
    let mixed = format!("{}1{}", r#"[{"":"#.repeat(100), "}]".repeat(100));
    assert_eq!(skip(&mixed, 200), Ok(Step::Done(mixed.len())));
    let crossed = format!("{}1{}", r#"[{"":"#.repeat(100), "}]".repeat(99) + "]}");
    assert!(matches!(skip(&crossed, 200), Err(Stuck::Syntax(..))));
}
