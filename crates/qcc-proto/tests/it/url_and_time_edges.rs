//! The edges of callback URLs and of times as serialisers write them.

use qcc_proto::{CallbackUrl, InvalidCallbackUrlKind as Kind, ShanghaiTime};

fn url(text: &str) -> CallbackUrl {
    text.parse().unwrap()
}

#[test]
fn a_callback_url_says_how_it_travels_and_what_it_carries() {
    let (plain, safe) = (url("http://h.example.com/x"), url("https://h.example.com/x?y=1"));
    assert_eq!((plain.is_https(), plain.has_query()), (false, false));
    assert_eq!((safe.is_https(), safe.has_query()), (true, true));
    assert_eq!(safe.to_string(), "https://h.example.com/x?y=1");
    assert_eq!(format!("{plain:>24}"), "  http://h.example.com/x");
}

#[test]
fn what_is_wrong_with_a_callback_url_is_told_apart() {
    let mut said = std::collections::BTreeSet::new();
    for (text, kind) in [
        ("", Kind::Empty),
        ("ftp://h.example.com/", Kind::Scheme),
        ("h.example.com", Kind::Scheme),
        ("http:///x", Kind::NoHost),
        ("http://:80/x", Kind::NoHost),
        ("http://u:p@h.example.com/", Kind::UserInfo),
        ("http://h.example.com/#x", Kind::Fragment),
        ("http://h.example.com:99999/", Kind::Malformed),
        ("http://h.example.com/回", Kind::Character),
    ] {
        let error = text.parse::<CallbackUrl>().unwrap_err();
        assert_eq!(error.kind(), kind, "{text}");
        said.insert(error.to_string());
    }
    let long = format!("http://h.example.com/{}", "x".repeat(CallbackUrl::MAX_LEN));
    let error = long.parse::<CallbackUrl>().unwrap_err();
    assert_eq!(error.kind(), Kind::TooLong);
    said.insert(error.to_string());
    assert_eq!(said.len(), 8, "each has words of its own: {said:?}");
    assert!(said.iter().all(|words| words.starts_with("the callback URL")));
    for bad in [' ', '\t', '\n', '\\', '"', '<', '>', '^', '`', '{', '|', '}', '\u{7f}'] {
        let error = format!("http://h.example.com/a{bad}b").parse::<CallbackUrl>().unwrap_err();
        assert_eq!(error.kind(), Kind::Character, "{bad:?}");
    }
}

#[test]
fn a_time_has_64_bytes_at_most_and_its_offset_14_hours_and_59_minutes() {
    let time: ShanghaiTime = "2026-01-05 09:00:00".parse().unwrap();
    assert_eq!(ShanghaiTime::from_wire(&format!("{:<64}", "2026-01-05 09:00:00")), Ok(time));
    assert!(ShanghaiTime::from_wire(&format!("{:<65}", "2026-01-05 09:00:00")).is_err());
    for (offset, read) in [
        ("+08:00", true),
        ("+14:00", true),
        ("-14:00", true),
        ("+15:00", false),
        ("+05:59", true),
        ("+05:60", false),
    ] {
        let text = format!("2026-01-05T09:00:00{offset}");
        assert_eq!(ShanghaiTime::from_wire(&text).is_ok(), read, "{text}");
    }
}
