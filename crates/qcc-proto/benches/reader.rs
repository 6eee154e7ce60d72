//! How fast records are read, beside `serde_json` on the same documents.
//!
//! `cargo bench -p qcc-proto`; the counter is the document's bytes.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark fails by panicking")]

use std::{borrow::Cow, fmt::Write, io::BufReader};

use divan::{Bencher, black_box, counter::BytesCount};
use qcc_proto::{DocumentHeader, Item, ItemRef, ReaderLimits, RecordReader};
use serde::Deserialize;

const RECORDS: usize = 20_000;

fn main() {
    divan::main();
}

/// How a document is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    Compact,
    Pretty,
    Escaped,
    OtherOrder,
}

const FORMS: [Form; 4] = [Form::Compact, Form::Pretty, Form::Escaped, Form::OtherOrder];

/// A document like the vendor's: 32-digit ids, Chinese names and sentences.
fn document(form: Form) -> String {
    let mut seed = 20_220_607_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    const PLACES: [&str; 4] = ["四川", "北京", "鄂尔多斯市", "上海"];
    const TRADES: [&str; 4] = ["中津建设集团有限公司", "喆睿科技经营部", "食品厂", "物流股份公司"];
    const LEVELS: [&str; 4] = ["高风险信息", "风险信息", "警示信息", "提示信息"];
    const TYPES: [&str; 4] = ["红色通道", "高风险", "较低风险", "中风险"];
    let mut text =
        format!(r#"{{"pushDate":"2022-06-07 10:13:42","totalSize":{RECORDS},"result":["#);
    for n in 0..RECORDS {
        let id = format!("{:032x}", u128::from(n as u64) << 64 | random(1 << 30) as u128);
        let key = format!("{:032x}", random(1 << 30));
        let (place, trade) = (PLACES[random(4)], TRADES[random(4)]);
        let (level, kind, score) = (LEVELS[random(4)], TYPES[random(4)], random(100));
        let content = match random(2) {
            0 => format!("该企业由原“{}”上升至“{kind}”", TYPES[random(4)]),
            _ => format!("因未按时履行法律义务被{place}人民法院列为失信被执行人，案号第{score}号"),
        };
        let names = format!(r#""corpName":"{place}{trade}","monitorContent":"{content}""#);
        let words = format!(r#""monitorLevel":"{level}","monitorType":"{kind}""#);
        let separator = if n == 0 { "" } else { "," };
        let _ = match form {
            Form::OtherOrder => write!(
                text,
                r#"{separator}{{"changeDate":"2022-06-01","score":{score},{words},{names},"corpKeyNo":"{key}","id":"{id}"}}"#
            ),
            _ => write!(
                text,
                r#"{separator}{{"id":"{id}","corpKeyNo":"{key}",{names},{words},"score":{score},"changeDate":"2022-06-01"}}"#
            ),
        };
    }
    text.push_str("]}");
    match form {
        Form::Compact | Form::OtherOrder => text,
        Form::Pretty => text
            .replace("\":", "\": ")
            .replace(",\"", ",\n            \"")
            .replace("{\"", "{\n            \"")
            .replace("\"}", "\"\n        }"),
        Form::Escaped => text.chars().fold(String::new(), |mut out, c| {
            let _ = match c.is_ascii() {
                true => write!(out, "{c}"),
                false => write!(out, "\\u{:04x}", u32::from(c)),
            };
            out
        }),
    }
}

fn bench(bencher: Bencher<'_, '_>, form: Form, read: impl Fn(&[u8]) -> usize + Sync) {
    let text = document(form);
    assert_eq!(read(text.as_bytes()), RECORDS);
    bencher.counter(BytesCount::of_str(&text)).bench(|| read(black_box(text.as_bytes())));
}

/// Checked and counted: nothing is copied.
#[divan::bench(args = FORMS)]
fn count(bencher: Bencher<'_, '_>, form: Form) {
    bench(bencher, form, |bytes| {
        let mut reader = RecordReader::new(bytes, ReaderLimits::default());
        let mut found = 0;
        while let Some(item) = reader.next_ref().unwrap() {
            found += usize::from(matches!(black_box(item), ItemRef::Record { .. }));
        }
        found
    });
}

/// Each record owned.
#[divan::bench(args = FORMS)]
fn owned(bencher: Bencher<'_, '_>, form: Form) {
    bench(bencher, form, |bytes| {
        let mut reader = RecordReader::new(bytes, ReaderLimits::default());
        let mut found = 0;
        while let Some(item) = reader.next_item().unwrap() {
            found += usize::from(matches!(black_box(item), Item::Record { .. }));
        }
        found
    });
}

/// Past the records, to a header behind them.
#[divan::bench]
fn header_behind_the_records(bencher: Bencher<'_, '_>) {
    let text = document(Form::Compact);
    let (head, rest) = text[1..].split_once(",\"result\"").unwrap();
    let text = format!("{{\"result\"{},{head}}}", rest.strip_suffix('}').unwrap());
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        DocumentHeader::read(black_box(text.as_bytes()), ReaderLimits::default()).unwrap()
    });
}

/// The peer at its best: the whole document in memory, texts borrowed.
#[divan::bench(args = FORMS)]
fn serde_json_from_slice(bencher: Bencher<'_, '_>, form: Form) {
    bench(bencher, form, |bytes| {
        serde_json::from_slice::<Document<Text<'_>>>(bytes).unwrap().result.len()
    });
}

/// The peer on a stream, as this reader works.
#[divan::bench(args = FORMS)]
fn serde_json_from_reader(bencher: Bencher<'_, '_>, form: Form) {
    bench(bencher, form, |bytes| {
        let document: Document<String> = serde_json::from_reader(BufReader::new(bytes)).unwrap();
        document.result.len()
    });
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its reading is measured")]
struct Document<T> {
    push_date: String,
    total_size: u64,
    result: Vec<Record<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its reading is measured")]
struct Record<T> {
    id: T,
    corp_key_no: Option<T>,
    corp_name: Option<T>,
    monitor_content: Option<T>,
    monitor_level: Option<T>,
    monitor_type: Option<T>,
    score: Option<i32>,
    change_date: Option<T>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only its reading is measured")]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
