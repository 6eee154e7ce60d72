//! What a broken download looks like, told from its first bytes.

/// What some bytes seem to be, judged by their beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Looks {
    /// A zip archive.
    Zip,
    /// A web page: a proxy, a gateway or a login wall answered.
    Html,
    /// XML. Object stores report their errors so.
    Xml {
        /// The text of its `<Code>`, if it has one: 1 to 64 letters and digits.
        code: Option<String>,
    },
    /// JSON.
    Json,
    /// A gzip stream.
    Gzip,
    /// Another archive format: RAR or 7z.
    OtherArchive,
    /// There are no bytes.
    Empty,
    /// Nothing recognised.
    Unknown,
}

/// How far into the bytes is looked.
const REACH: usize = 4096;

/// Says what bytes seem to be; 4 KiB of them are enough, fewer will do.
///
/// A download layer can call this on the first bytes of an answer and give up
/// early. It is a guess for messages and retries, never a proof.
///
/// ```
/// use qcc_archive::{Looks, sniff};
///
/// assert_eq!(sniff(b"PK\x03\x04..."), Looks::Zip);
/// let denied = b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>";
/// assert_eq!(sniff(denied), Looks::Xml { code: Some("AccessDenied".into()) });
/// ```
pub fn sniff(first_bytes: &[u8]) -> Looks {
    const MAGIC: &[(&[u8], Looks)] = &[
        (b"PK\x03\x04", Looks::Zip),
        (b"PK\x05\x06", Looks::Zip),
        (b"PK\x06\x06", Looks::Zip),
        (b"\x1f\x8b", Looks::Gzip),
        (b"Rar!\x1a\x07", Looks::OtherArchive),
        (b"7z\xbc\xaf\x27\x1c", Looks::OtherArchive),
    ];
    if first_bytes.is_empty() {
        return Looks::Empty;
    }
    if let Some((_, looks)) = MAGIC.iter().find(|(magic, _)| first_bytes.starts_with(magic)) {
        return looks.clone();
    }
    let bytes = first_bytes.get(..REACH).unwrap_or(first_bytes);
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    match text.first() {
        Some(b'<') => markup(text),
        Some(b'{' | b'[') => Looks::Json,
        _ => Looks::Unknown,
    }
}

fn markup(text: &[u8]) -> Looks {
    const HTML: &[&[u8]] =
        &[b"<!doctype html", b"<html", b"<head", b"<body", b"<title", b"<center", b"<script"];
    let lower = text.to_ascii_lowercase();
    if HTML.iter().any(|tag| find(&lower, tag).is_some()) {
        return Looks::Html;
    }
    Looks::Xml { code: code(text) }
}

/// The text between `<Code>` and `</Code>`, if it can be shown as it is.
fn code(xml: &[u8]) -> Option<String> {
    const OPEN: &[u8] = b"<Code>";
    let text = xml.get(find(xml, OPEN)? + OPEN.len()..)?;
    let text = text.get(..find(text, b"</Code>")?)?.trim_ascii();
    let plain = (1..=64).contains(&text.len()) && text.iter().all(u8::is_ascii_alphanumeric);
    plain.then(|| text.iter().copied().map(char::from).collect())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: &Looks) {
        assert_eq!(&sniff(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
    }

    fn xml(code: &str) -> Looks {
        Looks::Xml { code: Some(code.into()) }
    }

    #[test]
    fn broken_downloads_are_recognised() {
        check(b"", &Looks::Empty);
        check(b"PK\x05\x06\0\0", &Looks::Zip);
        check(b"<html>\r\n<head><title>502 Bad Gateway</title></head>", &Looks::Html);
        check(b"\xef\xbb\xbf \n<!DOCTYPE HTML>", &Looks::Html);
        check(b"<!-- gateway --><HTML>", &Looks::Html);
        check(b"<?xml version=\"1.0\"?>\n<Error>\n <Code> NoSuchKey </Code>", &xml("NoSuchKey"));
        check(b"<Error><Code>InternalError</Code>", &xml("InternalError"));
        check(b"\n{\"status\":\"101\"}", &Looks::Json);
        check(b"[]", &Looks::Json);
        check(b"\x1f\x8b\x08\0", &Looks::Gzip);
        check(b"Rar!\x1a\x07\x01\0", &Looks::OtherArchive);
        check(b"UEsDBDMAAQBj", &Looks::Unknown);
        check(b"P", &Looks::Unknown);
        check(b"\0\0\0\0", &Looks::Unknown);
    }

    #[test]
    fn a_code_that_cannot_be_shown_is_left_out() {
        let no_code = Looks::Xml { code: None };
        check(b"<Error><Code></Code></Error>", &no_code);
        check(b"<Error><Code>a b</Code></Error>", &no_code);
        check(b"<Error><Code>\x1b[31m</Code></Error>", &no_code);
        check(b"<Error><Code>Access", &no_code);
        check(b"<Error></Code><Code>", &no_code);
        check(format!("<Error><Code>{}</Code>", "x".repeat(65)).as_bytes(), &no_code);
    }

    #[test]
    fn only_the_first_bytes_are_searched() {
        let far = [b"<Error>".as_slice(), &[b' '; REACH], b"<Code>Late</Code>"].concat();
        check(&far, &Looks::Xml { code: None });
    }
}
