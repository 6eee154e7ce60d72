//! What the feature `serde` writes and reads.

use std::{collections::BTreeMap, fmt::Debug};

use qcc_proto::{
    CallbackUrl, ListedOrder, MonitorLevel, MonitorType, OrderNo, PushSetting, PushState,
    PushWindow, RiskRecord, ShanghaiTime, Status,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, expected: &Value) {
    assert_eq!(&serde_json::to_value(value).unwrap(), expected);
    assert_eq!(&serde_json::from_value::<T>(expected.clone()).unwrap(), value);
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_reader::<_, T>(text.as_bytes()).unwrap(), value);
}

#[test]
fn values_are_texts_and_numbers_and_come_back() {
    check(&"A-1".parse::<OrderNo>().unwrap(), &json!("A-1"));
    check(&"2022-06-07 10:29:11".parse::<ShanghaiTime>().unwrap(), &json!("2022-06-07 10:29:11"));
    check(&Status::new(299), &json!(299));
    check(&MonitorLevel::HIGH, &json!("高风险信息"));
    check(&MonitorType::from("新"), &json!("新"));
    check(&PushWindow::try_from(9).unwrap(), &json!(9));
    check(&PushState::Disabled, &json!("disabled"));
    let url: CallbackUrl = "https://h.example/cb".parse().unwrap();
    check(&url, &json!("https://h.example/cb"));
    check(
        &PushSetting::new(url),
        &json!({ "enabled": "enabled", "callback_url": "https://h.example/cb", "window": null }),
    );
    check(
        &ListedOrder::new("A1".parse().unwrap(), None),
        &json!({ "order_no": "A1", "created_at": null }),
    );
}

#[test]
fn what_is_not_a_value_is_not_read_as_one() {
    assert!(serde_json::from_str::<OrderNo>(r#""../x""#).is_err());
    assert!(serde_json::from_str::<ShanghaiTime>(r#""soon""#).is_err());
    assert!(serde_json::from_str::<PushWindow>("10").is_err());
    assert!(serde_json::from_str::<CallbackUrl>(r#""ftp://h""#).is_err());
    assert!(serde_json::from_str::<RiskRecord>(r#"{"id":"a","extra":[1]}"#).is_err());
}

#[test]
fn unknown_fields_of_a_record_are_an_object() {
    let mut record = RiskRecord::new("a");
    record.score = Some(-3);
    record.monitor_level = Some(MonitorLevel::RISK);
    let mut expected = json!({
        "id": "a", "corp_key_no": null, "corp_name": null, "monitor_content": null,
        "monitor_level": "风险信息", "monitor_type": null, "score": -3, "change_date": null,
        "extra": null,
    });
    check(&record, &expected);
    record.extra = Some(r#"{"b":{"c":1.5},"新":[1,null,"x"]}"#.into());
    expected["extra"] = json!({ "新": [1, null, "x"], "b": { "c": 1.5 } });
    check(&record, &expected);
    let text = serde_json::to_string(&record).unwrap();
    assert!(text.ends_with(r#""extra":{"b":{"c":1.5},"新":[1,null,"x"]}}"#), "the order stays");
}

#[test]
fn an_extra_that_is_not_json_is_an_error() {
    let mut record = RiskRecord::new("a");
    record.extra = Some("{".into());
    assert!(serde_json::to_string(&record).is_err());
}

#[test]
fn order_numbers_and_words_are_found_by_their_text() {
    let orders = BTreeMap::from([("A1".parse::<OrderNo>().unwrap(), 1)]);
    assert_eq!(orders.get("A1"), Some(&1));
    let levels = std::collections::HashMap::from([(MonitorLevel::from("新"), 2)]);
    assert_eq!(levels.get("新"), Some(&2));
}
