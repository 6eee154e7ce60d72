//! `Content-Encoding`, as senders get it wrong.

use http::{HeaderMap, header};

/// The codings there are: those of IANA's registry, and those seen in the wild.
const CODINGS: &[&str] = &[
    "aes128gcm",
    "br",
    "bzip2",
    "compress",
    "dcb",
    "dcz",
    "deflate",
    "exi",
    "gzip",
    "lz4",
    "lzma",
    "pack200-gzip",
    "snappy",
    "x-bzip2",
    "x-compress",
    "x-deflate",
    "x-gzip",
    "x-lzma",
    "x-snappy",
    "x-xz",
    "xz",
    "zstd",
];

/// The first real coding that was applied to a body, if any.
///
/// Storage hands out whatever was written beside an object: `utf-8`, `binary`,
/// `none`, nothing at all. What names no coding changes no byte, and the
/// archive's authentication decides whether that is true.
pub(super) fn applied(headers: &HeaderMap) -> Option<&'static str> {
    headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .find_map(|said| {
            let said = said.trim_ascii();
            CODINGS.iter().copied().find(|known| known.as_bytes().eq_ignore_ascii_case(said))
        })
}

/// What a body looks like that is no text: gzip and zstd show by their first bytes.
pub(super) fn looks_like(body: &[u8]) -> Option<&'static str> {
    match body {
        [0x1f, 0x8b, 8, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_a_coding_is_one() {
        for (values, expected) in [
            (&["gzip"][..], Some("gzip")),
            (&["GZip"], Some("gzip")),
            (&["x-gzip "], Some("x-gzip")),
            (&["identity, br"], Some("br")),
            (&["utf-8", "zstd"], Some("zstd")),
            (&["deflate"], Some("deflate")),
            (&["compress"], Some("compress")),
            (&[], None),
            (&[""], None),
            (&["identity"], None),
            (&["utf-8"], None),
            (&["UTF8, binary,, none"], None),
            (&["gbk"], None),
            (&["aws-chunked"], None),
            (&["application/zip"], None),
            (&["gzip2"], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_ENCODING, value.parse().unwrap());
            }
            assert_eq!(applied(&headers), expected, "{values:?}");
        }
    }
}
