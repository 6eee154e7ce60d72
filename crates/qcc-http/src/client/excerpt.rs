//! What an unexpected body looked like, for a person, and never a secret of it.

use http::HeaderValue;

/// As much of a body as is looked at.
const LOOKED_AT: usize = 16 << 10;

/// As much of it as is shown, in characters.
const SHOWN: usize = 160;

/// A body that says one of these may be about to say its value.
const TELLTALES: &[&str] =
    &["password", "signature", "token", "timespan", "secret", "key=", "keyid", "authorization"];

/// One line on a body: its text where it is a page, else kind and size.
///
/// JSON is never shown, because the vendor's carries passwords. A page that
/// speaks of credentials, or holds one of `secrets`, is not shown either.
pub(super) fn of(body: &[u8], content_type: Option<&HeaderValue>, secrets: &[&str]) -> String {
    let size = body.len();
    let head = String::from_utf8_lossy(body.get(..LOOKED_AT).unwrap_or(body));
    let text = head.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return "an empty body".to_owned();
    }
    let is_markup = text.starts_with('<');
    let is_text = content_type
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("text/"));
    let kind = match text.bytes().next() {
        Some(b'{' | b'[') => return format!("{size} bytes of JSON"),
        _ if !is_markup && !is_text => return format!("{size} bytes, no text"),
        _ if is_markup => "a page",
        _ => "text",
    };
    let folded = text.to_ascii_lowercase();
    let delicate = TELLTALES.iter().any(|word| folded.contains(word))
        || secrets.iter().any(|secret| folded.contains(&secret.to_ascii_lowercase()));
    let words = if is_markup { without_tags(text) } else { text.to_owned() };
    let line = one_line(&words);
    if delicate || line.is_empty() {
        return format!("{kind} of {size} bytes");
    }
    format!("{kind}: “{line}”")
}

/// The words between the tags.
fn without_tags(markup: &str) -> String {
    let mut words = String::new();
    for piece in markup.split('<') {
        let after = piece.split_once('>').map_or("", |(_, after)| after);
        words.push(' ');
        words.push_str(after);
    }
    words
}

fn one_line(text: &str) -> String {
    let printable: String =
        text.chars().map(|c| if c.is_control() || c == '\u{fffd}' { ' ' } else { c }).collect();
    let joined = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut line: String = joined.chars().take(SHOWN).collect();
    if line.len() < joined.len() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, content_type: Option<&'static str>, expected: &str) {
        let content_type = content_type.map(HeaderValue::from_static);
        assert_eq!(of(body.as_bytes(), content_type.as_ref(), &["AppKey9", "3FCEA8"]), expected);
    }

    #[test]
    fn a_page_is_shown_by_its_words() {
        check(
            "<html><head><title>502 Bad Gateway</title></head>\r\n<body><hr>nginx</body></html>",
            None,
            "a page: “502 Bad Gateway nginx”",
        );
        check(
            "upstream\tconnect\u{1b}[31m error",
            Some("text/plain"),
            "text: “upstream connect [31m error”",
        );
        check(
            &format!("<p>{}", "长".repeat(400)),
            None,
            &format!("a page: “{}…”", "长".repeat(160)),
        );
    }

    #[test]
    fn what_may_hold_a_secret_is_shown_by_its_size() {
        check("{\"unzipPassword\":\"x\"}", Some("text/html"), "21 bytes of JSON");
        check(" \u{feff}[1]", None, "7 bytes, no text");
        check("\u{feff}[1]", None, "6 bytes of JSON");
        check("<p>Token: 1", None, "a page of 11 bytes");
        check("<a href='/x?Signature=D0%2B'>gone</a>", None, "a page of 37 bytes");
        check("<p>no such appkey9", None, "a page of 18 bytes");
        check("bad 3fcea8", Some("TEXT/plain"), "text of 10 bytes");
        check("PK\u{3}\u{4}", Some("application/zip"), "4 bytes, no text");
        check("password", None, "8 bytes, no text");
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        check("", None, "an empty body");
        check(" \r\n", Some("text/html"), "an empty body");
        check("<br/>", None, "a page of 5 bytes");
    }
}
