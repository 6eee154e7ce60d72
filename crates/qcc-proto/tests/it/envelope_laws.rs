//! One logical answer, rendered in each way the vendor might: all read the same.

use proptest::prelude::*;
use qcc_proto::{Call, ListOrders, ListedOrder, Locate, OrderNo, SetPush, ShanghaiTime, Status};
use serde_json::{Map, Value, json};

/// How an answer is spelled; none of it may change what it says.
#[derive(Debug, Clone)]
struct Spelling {
    capitals: bool,
    long_message: bool,
    integer: bool,
    mark: bool,
    pretty: bool,
    extra: bool,
    nest: Nest,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Nest {
    Usual,
    Other,
    Top,
}

fn spelling() -> impl Strategy<Value = Spelling> {
    let nest = prop_oneof![Just(Nest::Usual), Just(Nest::Other), Just(Nest::Top)];
    (any::<[bool; 6]>(), nest).prop_map(
        |([capitals, long_message, integer, mark, pretty, extra], nest)| Spelling {
            capitals,
            long_message,
            integer,
            mark,
            pretty,
            extra,
            nest,
        },
    )
}

impl Spelling {
    fn name(&self, name: &str) -> String {
        let (first, rest) = name.split_at(1);
        if self.capitals { first.to_uppercase() + rest } else { name.to_owned() }
    }

    fn object(&self, fields: &[(&str, Value)]) -> Map<String, Value> {
        let mut object: Map<_, _> =
            fields.iter().map(|(name, value)| (self.name(name), value.clone())).collect();
        if self.extra {
            object.insert("somethingNew".into(), json!({"a": [1, null]}));
        }
        object
    }

    fn head(&self, status: i64, message: &str) -> Map<String, Value> {
        let code = if self.integer { json!(status) } else { json!(status.to_string()) };
        let message_name = if self.long_message { "message" } else { "msg" };
        self.object(&[("status", code), (message_name, json!(message))])
    }

    fn write(&self, object: Map<String, Value>) -> Vec<u8> {
        let object = Value::Object(object);
        let text = if self.pretty { format!("{object:#}") } else { object.to_string() };
        let mut body = if self.mark { b"\xEF\xBB\xBF".to_vec() } else { Vec::new() };
        body.extend(text.into_bytes());
        body
    }

    /// An answer whose payload is a handful of fields.
    fn fields(&self, status: i64, message: &str, fields: &[(&str, Value)]) -> Vec<u8> {
        let mut object = self.head(status, message);
        match self.nest {
            Nest::Usual => {
                object.insert(self.name("result"), self.object(fields).into());
            }
            Nest::Other => {
                object.insert(self.name("result"), Value::Null);
                object.insert(self.name("resultList"), self.object(fields).into());
            }
            Nest::Top => object.extend(self.object(fields)),
        }
        self.write(object)
    }

    /// An answer whose payload is a list.
    fn list(&self, status: i64, message: &str, lines: Vec<Value>) -> Vec<u8> {
        let mut object = self.head(status, message);
        let name = if self.nest == Nest::Usual { "resultList" } else { "result" };
        object.insert(self.name(name), lines.into());
        self.write(object)
    }
}

const MESSAGE: &str = r"\PC{0,30}";

fn order_no() -> impl Strategy<Value = OrderNo> {
    "[A-Za-z0-9_-]{1,64}".prop_map(|text| text.parse().unwrap())
}

fn time() -> impl Strategy<Value = Option<ShanghaiTime>> {
    proptest::option::of((950_000_000_i64..4_000_000_000).prop_map(|second| {
        ShanghaiTime::from_timestamp(jiff::Timestamp::from_second(second).unwrap())
    }))
}

fn said(time: Option<ShanghaiTime>) -> Value {
    time.map_or(Value::Null, |time| json!(time.to_string()))
}

proptest! {
    #[test]
    fn every_spelling_of_a_list_reads_the_same(
        how in spelling(),
        message in MESSAGE,
        orders in proptest::collection::vec((order_no(), time()), 0..31),
    ) {
        let lines = orders
            .iter()
            .map(|(no, at)| {
                let fields = [("orderNo", json!(no.as_str())), ("createDate", said(*at))];
                Value::Object(how.object(&fields))
            })
            .collect();
        let expected: Vec<_> = orders
            .into_iter()
            .map(|(order_no, created_at)| ListedOrder::new(order_no, created_at))
            .collect();
        let answer = ListOrders::read_answer(&how.list(200, &message, lines)).unwrap();
        prop_assert_eq!(answer.status, Status::OK);
        prop_assert_eq!(&answer.message, &message);
        let list = answer.into_payload().unwrap();
        prop_assert_eq!(list.orders, expected);
        prop_assert!(list.unreadable.is_empty());
    }

    #[test]
    fn every_spelling_of_a_location_reads_the_same(
        how in spelling(),
        message in MESSAGE,
        order_no in proptest::option::of(order_no()),
        link in r"https?://[a-z]{1,9}(\.[a-z]{2,5})?/[!-~一-龥]{0,200}",
        at in time(),
        password in r"\PC{1,40}",
    ) {
        let body = how.fields(200, &message, &[
            ("orderNo", json!(order_no.as_ref().map(OrderNo::as_str))),
            ("downloadUrl", json!(link)),
            ("downloadUrlExpiredTime", said(at)),
            ("unzipPassword", json!(password)),
        ]);
        let answer = Locate::read_answer(&body).unwrap();
        prop_assert_eq!(&answer.message, &message);
        let location = answer.into_payload().unwrap();
        prop_assert_eq!(location.order_no, order_no);
        prop_assert_eq!(location.link.reveal(), link);
        prop_assert_eq!(location.stated_expiry, at);
        prop_assert_eq!(location.password.reveal(), password);
    }

    #[test]
    fn every_spelling_of_an_echo_reads_the_same(how in spelling(), url in r"\PC{0,60}") {
        let body = how.fields(200, "", &[("callbackUrl", json!(url))]);
        let echo = SetPush::read_answer(&body).unwrap().into_payload().unwrap();
        prop_assert_eq!(echo.callback_url, Some(url));
    }

    #[test]
    fn a_refusal_keeps_code_and_message(
        how in spelling(),
        code in any::<i64>().prop_filter("200 and 201 are none", |c| *c != 200 && *c != 201),
        message in MESSAGE,
    ) {
        let body = how.fields(code, &message, &[("callbackUrl", Value::Null)]);
        let refusal = ListOrders::read_answer(&body).unwrap().into_payload().unwrap_err();
        prop_assert_eq!(refusal.status.code(), code);
        prop_assert_eq!(&refusal.message, &message);
        let located = Locate::read_answer(&body).unwrap().into_payload().unwrap_err();
        prop_assert_eq!(located, refusal);
    }

    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = ListOrders::read_answer(&body);
        let _ = Locate::read_answer(&body);
    }

    #[test]
    fn order_numbers_are_exactly_the_safe_names(text in r"[\PC\x00-\x1f]{0,70}") {
        let safe = (1..=OrderNo::MAX_LEN).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        prop_assert_eq!(text.parse::<OrderNo>().is_ok(), safe);
    }

    #[test]
    fn a_safe_name_is_kept_as_it_is(text in "[A-Za-z0-9_-]{1,64}") {
        prop_assert_eq!(text.parse::<OrderNo>().unwrap().to_string(), text);
    }
}
