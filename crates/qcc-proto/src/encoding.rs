//! Recognises encodings other than UTF-8, so that an error can name them.

/// The encoding of a text, if its first bytes show it.
pub(crate) fn of_start(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => "UTF-32",
        [b'{', 0, 0, 0, ..] | [0, 0, 0, b'{', ..] => "UTF-32",
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [b'{', 0, ..] | [0, b'{', ..] => "UTF-16",
        [0x84, 0x31, 0x95, 0x33, ..] => "GB18030",
        _ => return None,
    })
}

/// The encoding of a text that is not UTF-8; `None` if it is UTF-8 with a few broken
/// characters.
///
/// Chinese text in GBK gives broken sequences throughout and hardly a character
/// of three bytes, which is what every Chinese character is in UTF-8.
pub(crate) fn of_text(bytes: &[u8]) -> Option<&'static str> {
    const FEW: usize = 3;
    let (mut broken, mut whole) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        broken += usize::from(!chunk.invalid().is_empty());
        whole += chunk.valid().chars().filter(|letter| letter.len_utf8() > 2).count();
    }
    (broken > FEW && broken > whole).then(|| match is_gbk(bytes) {
        true => "GBK or GB18030",
        false => "an unknown encoding",
    })
}

/// Whether all that is not ASCII is characters of two or four bytes of GB18030.
fn is_gbk(mut bytes: &[u8]) -> bool {
    loop {
        bytes = match bytes {
            [] => return true,
            [0..=0x7F, rest @ ..]
            | [0x81..=0xFE, 0x40..=0x7E | 0x80..=0xFE, rest @ ..]
            | [0x81..=0xFE, b'0'..=b'9', 0x81..=0xFE, b'0'..=b'9', rest @ ..] => rest,
            _ => return false,
        };
    }
}

/// Whether a byte that is not UTF-8 comes right before a backslash.
///
/// In GBK the backslash may be the second half of a character, so where a text
/// ends would depend on the encoding.
pub(crate) fn hides_a_backslash(bytes: &[u8]) -> bool {
    let mut was_broken = false;
    for chunk in bytes.utf8_chunks() {
        if was_broken && chunk.valid().starts_with('\\') {
            return true;
        }
        was_broken = !chunk.invalid().is_empty();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 四川中津建设集团有限公司 in GBK.
    const GBK: &[u8] = b"\xcb\xc4\xb4\xa8\xd6\xd0\xbd\xf2\xbd\xa8\xc9\xe8\xbc\xaf\xcd\xc5";

    #[test]
    fn the_first_bytes_name_an_encoding() {
        for (start, name) in [
            (b"\xFF\xFE{\0".as_slice(), Some("UTF-16")),
            (b"\xFE\xFF\0{", Some("UTF-16")),
            (b"{\0\"\0", Some("UTF-16")),
            (b"\0{\0\"", Some("UTF-16")),
            (b"\xFF\xFE\0\0", Some("UTF-32")),
            (b"\0\0\xFE\xFF", Some("UTF-32")),
            (b"{\0\0\0", Some("UTF-32")),
            (b"\0\0\0{", Some("UTF-32")),
            (b"\x84\x31\x95\x33{", Some("GB18030")),
            (b"{\"a\":1}", None),
            (b"", None),
            (b"\xEF\xBB\xBF{", None),
        ] {
            assert_eq!(of_start(start), name, "{start:x?}");
        }
    }

    #[test]
    fn a_broken_character_is_told_from_another_encoding() {
        assert_eq!(of_text(GBK), Some("GBK or GB18030"));
        assert_eq!(of_text(&[b"\"\x81\x30\x81\x30", GBK].concat()), Some("GBK or GB18030"));
        assert_eq!(of_text(b"\xE9a\xE9 \xE8 \xE0 \xE4"), Some("an unknown encoding"));
        assert_eq!(of_text(b"\xE9t\xE9, t\xE9"), None, "too few to tell");
        assert_eq!(of_text("四川".as_bytes()), None);
        assert_eq!(of_text(b""), None);
        let mut cut = "四川中津建设集团".repeat(9).into_bytes();
        cut.truncate(cut.len() - 1);
        assert_eq!(of_text(&cut), None);
    }

    #[test]
    fn a_backslash_behind_a_broken_byte_is_found() {
        assert!(hides_a_backslash(b"\"\xd5\\\""));
        assert!(!hides_a_backslash(b"\"\xd5 \\\""));
        assert!(!hides_a_backslash("\"四\\n\"".as_bytes()));
        assert!(!hides_a_backslash(b"\\\xd5"));
    }

    #[test]
    fn a_text_is_in_another_encoding_where_more_than_three_breaks_outnumber_long_characters() {
        let text = |breaks: usize, letters: &str| {
            [b"\xFF ".repeat(breaks), letters.as_bytes().to_vec()].concat()
        };
        for (breaks, letters, named) in [
            (3, "", false),
            (4, "", true),
            (4, "\u{4e2d}\u{4e2d}\u{4e2d}", true),
            (4, "\u{4e2d}\u{4e2d}\u{4e2d}\u{4e2d}", false),
            (5, "\u{4e2d}\u{4e2d}\u{4e2d}\u{4e2d}", true),
            (4, "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", true),
            (4, "\u{1f600}\u{1f600}\u{1f600}\u{1f600}", false),
        ] {
            let name = of_text(&text(breaks, letters));
            assert_eq!(name.is_some(), named, "{breaks} breaks, {letters}");
        }
    }
}
