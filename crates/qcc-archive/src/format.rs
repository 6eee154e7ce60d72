//! Recognises what a failed download contains, from its first bytes.

/// The format of a file, as far as its first bytes show it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileFormat {
    /// A zip archive.
    Zip,
    /// A web page, for example from a proxy, a gateway or a login page.
    Html,
    /// XML, the format in which object stores report errors.
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
    /// No bytes at all.
    Empty,
    /// None of these.
    Unknown,
}

impl FileFormat {
    /// A stable code in snake case, for JSON and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Html => "html",
            Self::Xml { .. } => "xml",
            Self::Json => "json",
            Self::Gzip => "gzip",
            Self::OtherArchive => "other_archive",
            Self::Empty => "empty",
            Self::Unknown => "unknown",
        }
    }
}

/// The number of bytes examined.
const REACH: usize = 4096;

/// Recognises a format by the first bytes of a file. It examines at most 4 KiB;
/// fewer bytes are fine.
///
/// A downloader can call this on the first bytes of a response and give up early.
/// The result is a guess for messages and retries, not a proof.
///
/// ```
/// use qcc_archive::{FileFormat, sniff};
///
/// assert_eq!(sniff(b"PK\x03\x04..."), FileFormat::Zip);
/// let denied = b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>";
/// assert_eq!(sniff(denied), FileFormat::Xml { code: Some("AccessDenied".into()) });
/// ```
pub fn sniff(first_bytes: &[u8]) -> FileFormat {
    const MAGIC: &[(&[u8], FileFormat)] = &[
        (b"PK\x03\x04", FileFormat::Zip),
        (b"PK\x05\x06", FileFormat::Zip),
        (b"PK\x06\x06", FileFormat::Zip),
        (b"\x1f\x8b", FileFormat::Gzip),
        (b"Rar!\x1a\x07", FileFormat::OtherArchive),
        (b"7z\xbc\xaf\x27\x1c", FileFormat::OtherArchive),
    ];
    if first_bytes.is_empty() {
        return FileFormat::Empty;
    }
    if let Some((_, format)) = MAGIC.iter().find(|(magic, _)| first_bytes.starts_with(magic)) {
        return format.clone();
    }
    let bytes = first_bytes.get(..REACH).unwrap_or(first_bytes);
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    match text.first() {
        Some(b'<') => markup(text),
        Some(b'{' | b'[') => FileFormat::Json,
        _ => FileFormat::Unknown,
    }
}

fn markup(text: &[u8]) -> FileFormat {
    const HTML: &[&[u8]] =
        &[b"<!doctype html", b"<html", b"<head", b"<body", b"<title", b"<center", b"<script"];
    let lower = text.to_ascii_lowercase();
    if HTML.iter().any(|tag| find(&lower, tag).is_some()) {
        return FileFormat::Html;
    }
    FileFormat::Xml { code: code(text) }
}

/// The text between `<Code>` and `</Code>`, if it is safe to print.
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
    fn check(bytes: &[u8], expected: &FileFormat) {
        assert_eq!(&sniff(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
    }

    fn xml(code: &str) -> FileFormat {
        FileFormat::Xml { code: Some(code.into()) }
    }

    #[test]
    fn broken_downloads_are_recognised() {
        check(b"", &FileFormat::Empty);
        check(b"PK\x05\x06\0\0", &FileFormat::Zip);
        check(b"<html>\r\n<head><title>502 Bad Gateway</title></head>", &FileFormat::Html);
        check(b"\xef\xbb\xbf \n<!DOCTYPE HTML>", &FileFormat::Html);
        check(b"<!-- gateway --><HTML>", &FileFormat::Html);
        check(b"<?xml version=\"1.0\"?>\n<Error>\n <Code> NoSuchKey </Code>", &xml("NoSuchKey"));
        check(b"<Error><Code>InternalError</Code>", &xml("InternalError"));
        check(b"\n{\"status\":\"101\"}", &FileFormat::Json);
        check(b"[]", &FileFormat::Json);
        check(b"\x1f\x8b\x08\0", &FileFormat::Gzip);
        check(b"Rar!\x1a\x07\x01\0", &FileFormat::OtherArchive);
        check(b"UEsDBDMAAQBj", &FileFormat::Unknown);
        check(b"P", &FileFormat::Unknown);
        check(b"\0\0\0\0", &FileFormat::Unknown);
    }

    #[test]
    fn a_code_that_cannot_be_shown_is_left_out() {
        let no_code = FileFormat::Xml { code: None };
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
        check(&far, &FileFormat::Xml { code: None });
    }
}
