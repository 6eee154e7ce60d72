//! The small edges of numbers, keys and secrets.

use std::error::Error as _;

use qcc_proto::{
    Call, CallbackError, CallbackQuery, ListOrders, OrderNo, Refusal, ShanghaiTime, Status,
    StatusClass, UnzipPassword,
};

#[test]
fn a_number_hints_at_its_time_only_in_its_usual_shape() {
    let hint = |text: &str| text.parse::<OrderNo>().unwrap().created_hint().map(|t| t.to_string());
    assert!(hint("DDMON2026010509000012345678").is_some_and(|text| text.contains("2026-01-05")));
    for other in [
        "DDMON20260105090000ABCDEFGH",
        "DDMON202601050900001234567",
        "DDMON20260105090000123456789",
        "DDMON20260105090000",
        "DDMON2026130509000012345678",
        "XDMON2026010509000012345678",
        "2026010509000012345678",
    ] {
        assert_eq!(hint(other), None, "{other}");
    }
}

#[test]
fn an_order_number_goes_into_a_text_and_back() {
    let no: OrderNo = "A-1_b".parse().unwrap();
    assert_eq!(String::from(no.clone()), "A-1_b");
    assert_eq!(OrderNo::try_from("A-1_b".to_owned()), Ok(no));
}

#[test]
fn the_key_of_a_refused_call_is_found_wherever_it_stands() {
    let key = |query: &str| CallbackQuery::presented_key(query).map(|key| key.reveal().to_owned());
    for (query, found) in [
        ("key=abc", Some("abc")),
        ("orderNo=%ZZ&key=abc&key=def", Some("abc")),
        ("a=b&%6Bey=a%2Bc", Some("a+c")),
        ("key=a=b", Some("a=b")),
        ("key=", Some("")),
        ("key", None),
        ("kez=abc", None),
        ("akey=abc&keyb=abc", None),
        ("orderNo=key", None),
        ("key=%FF", None),
        ("", None),
    ] {
        assert_eq!(key(query).as_deref(), found, "{query}");
    }
    let behind = |bytes: usize| format!("{}&key=abc", "x".repeat(bytes - "&key=abc".len()));
    assert_eq!(key(&behind(8192)).as_deref(), Some("abc"));
    assert_ne!(key(&behind(8193)).as_deref(), Some("abc"), "what stands later is not looked at");
    let shown = CallbackQuery::presented_key("key=abc");
    assert_eq!(format!("{shown:?}"), "Some(PresentedKey(…))");
    assert_eq!(format!("{:?}", UnzipPassword::new("p")), "UnzipPassword(…)");
}

#[test]
fn a_query_has_8192_bytes_at_most() {
    let query = |bytes: usize| {
        let call = "key=k&orderNo=A1&downloadUrl=http%3A%2F%2Fh%2Fx.zip&unzipPassword=p&z=";
        CallbackQuery::parse(format!("{call}{}", "x".repeat(bytes - call.len())))
    };
    assert!(query(8192).is_ok());
    assert_eq!(query(8193).unwrap_err(), CallbackError::TooLong);
}

#[test]
fn a_time_goes_into_a_text_and_back_and_says_where_it_holds() {
    let time: ShanghaiTime = "2026-01-05 09:00:00".parse().unwrap();
    assert_eq!(time.to_string(), "2026-01-05 09:00:00");
    assert_eq!(format!("{time:?}"), "2026-01-05 09:00:00 +08:00");
}

#[test]
fn each_class_of_status_has_a_word() {
    use StatusClass as Class;
    for (class, word) in [
        (Class::Done, "done"),
        (Class::Empty, "empty"),
        (Class::NotYet, "not_yet"),
        (Class::Transient, "transient"),
        (Class::CoolOff, "cool_off"),
        (Class::DailyLimit, "daily_limit"),
        (Class::ClockOrSignature, "clock_or_signature"),
        (Class::Account, "account"),
        (Class::OurFault, "our_fault"),
        (Class::Unknown, "unknown"),
    ] {
        assert_eq!((class.as_str(), format!("{class:>20}")), (word, format!("{word:>20}")));
    }
}

#[test]
fn what_is_no_json_names_its_cause_and_what_turns_a_line_is_escaped() {
    let error = ListOrders::read_answer(b"no").unwrap_err();
    assert!(error.source().is_some(), "{error:?}");
    for letter in ['\n', '\u{2028}', '\u{200f}', '\u{202e}', '\u{2066}', '\u{85}'] {
        let message = format!("a{letter}b");
        let shown = Refusal::new(Status::new(299), message).to_string();
        let escaped = letter.escape_default();
        assert_eq!(shown, format!("the vendor answered 299: a{escaped}b"));
    }
}

#[test]
fn one_line_may_stand_for_a_list_and_no_list_is_looked_for_in_itself() {
    let list = |result: &str| {
        ListOrders::read_answer(format!(r#"{{"status":"200",{result}}}"#).as_bytes())
    };
    let Ok(answer) = list(r#""resultList":{"orderNo":"A1"}"#) else { panic!("one line is a list") };
    assert!(format!("{answer:?}").contains("A1"), "{answer:?}");
    assert!(list(r#""result":{"resultList":[{"orderNo":"A1"}]}"#).is_ok());
    assert!(list(r#""resultList":{"resultList":[{"orderNo":"A1"}]}"#).is_err());
    let Ok(answer) = list(r#""resultList":[{},{"x":1,"y":2}]"#) else { panic!("it is a list") };
    let shown = format!("{answer:?}");
    assert!(shown.contains(r#""line 1: (no orderNo)""#), "{shown}");
    assert!(shown.contains(r#""line 2: (no orderNo) but x, y""#), "{shown}");
}
