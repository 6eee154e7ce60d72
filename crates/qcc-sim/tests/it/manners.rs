//! Manners of other vendors' servers, seen in the field: each is as its fault says.

use std::{collections::BTreeSet, time::Duration};

use qcc_proto::CallbackQuery;
use qcc_sim::{Conduct, Fault, FaultPlan, PushSchedule, Rate, Reply, Truth, Vendor, VendorConfig};
use serde_json::Value;

use crate::support::*;

fn with(faults: &str) -> Vendor {
    let mut vendor = vendor(VendorConfig { faults: faults.parse().unwrap(), ..Default::default() });
    (0..3).for_each(|n| drop(vendor.push(at(n))));
    vendor
}

fn listed(faults: &str) -> Value {
    json(with(faults).handle(&list_request(at(9)), at(9)).response.body())["resultList"].clone()
}

/// Asks for the newest order's download, at an instant.
fn download(vendor: &mut Vendor, second: i64) -> Reply {
    let order = newest(vendor);
    let link = locate(vendor, &order, at(second)).link.reveal().to_owned();
    vendor.handle(&get(&link), at(second))
}

fn newest(vendor: &mut Vendor) -> qcc_proto::OrderNo {
    vendor.truth().orders.into_keys().max().unwrap()
}

/// The document of the newest of three orders, which meets a fault, its bytes, and the truth.
fn document(fault: Fault) -> (Value, Vec<u8>, Truth) {
    let faults = FaultPlan::none().with(fault, Rate::ALWAYS);
    let archives = qcc_sim::ArchiveStyle::Fixed(qcc_sim::ArchiveDialect::default());
    let config = VendorConfig { seed: 2, faults, archives, ..Default::default() };
    let mut vendor = vendor(VendorConfig { records_per_order: 30..=40, ..config });
    (0..3).for_each(|n| drop(vendor.push(at(n))));
    let order = newest(&mut vendor);
    let (archive, password) = fetch(&mut vendor, &order, at(9));
    let bytes = unzip(&archive, &password).unwrap();
    let truth = vendor.truth();
    assert_eq!(truth.orders[&order].odd, Some(fault));
    assert_eq!(truth.orders[&order].spoilt, None);
    (serde_json::from_slice(&bytes).unwrap_or_default(), bytes, truth)
}

#[test]
fn no_random_mix_holds_a_manner_that_is_kept_out_of_it() {
    for seed in 0..100 {
        let faults = FaultPlan::random();
        let mut vendor = vendor(VendorConfig { seed, faults, ..Default::default() });
        (0..40).for_each(|n| drop(vendor.push(at(n))));
        (0..40).for_each(|n| drop(vendor.handle(&list_request(at(n)), at(n))));
        let shown = format!("{vendor:?}");
        for fault in Fault::UNMIXED {
            assert!(!shown.contains(&format!(" {fault:?}:")), "{shown}");
        }
    }
}

#[test]
fn too_many_requests_come_with_a_time_to_wait() {
    let response = with("http-429-retry-after:1").handle(&list_request(at(9)), at(9)).response;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    assert!(response.body().is_empty());
}

#[test]
fn an_encoding_that_is_none_leaves_the_body_alone() {
    let response = with("odd-content-encoding:1").handle(&list_request(at(9)), at(9)).response;
    assert_eq!(response.headers()["content-encoding"], "utf-8");
    assert_eq!(response.body(), with("").handle(&list_request(at(9)), at(9)).response.body());
    let mut vendor = with("odd-content-encoding*3");
    let archive = download(&mut vendor, 9).response;
    assert_eq!(archive.headers()["content-encoding"], "utf-8");
    assert!(archive.body().starts_with(b"PK"));
}

#[test]
fn a_dripping_answer_comes_byte_by_byte() {
    let pace = with("dripping-answer:1").handle(&list_request(at(9)), at(9)).pace.unwrap();
    assert_eq!((pace.piece, pace.pause), (1, Duration::from_secs(5)));
}

#[test]
fn times_of_answers_are_written_as_other_serialisers_do() {
    for (fault, created) in [
        ("dates-with-fraction:1", Value::from("2022-06-07 10:15:01.0")),
        ("dates-iso:1", Value::from("2022-06-07T10:15:01")),
        ("dates-epoch-ms:1", Value::from(1_654_568_101_000_i64)),
        ("dates-with-offset:1", Value::from("2022-06-07T10:15:01+08:00")),
    ] {
        assert_eq!(listed(fault)[0]["createDate"], created, "{fault}");
        let mut vendor = with(fault);
        let order = newest(&mut vendor);
        let located = vendor.handle(&locate_request(&order, at(9)), at(9));
        let ends = &json(located.response.body())["result"]["downloadUrlExpiredTime"];
        assert_eq!(ends.is_number(), created.is_number(), "{fault}: {ends}");
        assert_ne!(ends.to_string().len(), "\"2022-06-07 10:15:01\"".len() - 2, "{fault}: {ends}");
    }
}

#[test]
fn lines_of_the_list_are_malformed_in_every_manner() {
    let good = listed("");
    let number = good[0]["orderNo"].as_str().unwrap();
    assert_eq!(listed("list-padded-numbers:1")[0]["orderNo"], format!(" {number} "));
    let upper = listed("list-upper-names:1");
    assert_eq!(
        (&upper[0]["OrderNo"], &upper[0]["CreateDate"]),
        (&good[0]["orderNo"], &good[0]["createDate"])
    );
    let snake = listed("list-snake-names:1");
    assert_eq!(
        (&snake[0]["order_no"], &snake[0]["create_date"]),
        (&good[0]["orderNo"], &good[0]["createDate"])
    );
    let (one, all) = (listed("list-unreadable-number:1"), listed("list-unreadable-numbers:1"));
    let readable = |list: &Value| {
        let numbers = list.as_array().unwrap().iter().map(|line| line["orderNo"].as_str().unwrap());
        numbers.filter(|number| number.parse::<qcc_proto::OrderNo>().is_ok()).count()
    };
    assert_eq!((readable(&good), readable(&one), readable(&all)), (3, 2, 0));
    assert_eq!(one[0]["orderNo"], number.replacen("DDMON", "DD/MON/", 1));
    assert_eq!(all.as_array().unwrap().len(), 3);
}

#[test]
fn an_order_that_no_line_could_be_read_for_does_not_count_as_listed() {
    let mut vendor = with("list-unreadable-number*1");
    vendor.handle(&list_request(at(9)), at(9));
    let listed: Vec<_> = vendor.truth().orders.into_values().map(|order| order.listed).collect();
    assert_eq!(listed.iter().filter(|listed| **listed).count(), 2);
}

#[test]
fn a_late_replica_does_not_know_an_order_for_a_while() {
    let mut vendor = with("late-replica:1");
    let order = newest(&mut vendor);
    let mut ask =
        |seconds| status(&vendor.handle(&locate_request(&order, at(seconds)), at(seconds)));
    assert_eq!((ask(10), ask(29), ask(30)), ("201".into(), "201".into(), "200".into()));
}

#[test]
fn a_link_may_have_blanks_at_its_ends() {
    let mut vendor = with("link-with-blanks:1");
    let order = newest(&mut vendor);
    let located = vendor.handle(&locate_request(&order, at(9)), at(9));
    let body = json(located.response.body());
    let link = body["result"]["downloadUrl"].as_str().unwrap();
    assert!(link.starts_with("\nhttp://") && link.ends_with(' '), "{link:?}");
    assert_eq!(vendor.handle(&get(link.trim()), at(9)).response.status(), 200);
}

#[test]
fn a_file_host_is_out_for_hours_for_all_orders_or_one() {
    for (fault, expected) in [
        ("file-host-503-for-hours", (503, Conduct::Answer)),
        ("file-host-resets-for-hours", (200, Conduct::ResetBefore)),
    ] {
        let mut vendor = with(fault);
        for (second, out) in [(10, true), (3_000, true), (7_209, true), (7_210, false)] {
            let reply = download(&mut vendor, second);
            let seen = (reply.response.status().as_u16(), reply.conduct);
            assert_eq!(seen == expected, out, "{fault} at {second}: {seen:?}");
        }
    }
    let mut vendor = with("archive-503-for-hours*1");
    let orders: Vec<_> = vendor.truth().orders.into_keys().collect();
    let mut status = |order, second| {
        let link = locate(&mut vendor, order, at(second)).link.reveal().to_owned();
        vendor.handle(&get(&link), at(second)).response.status().as_u16()
    };
    assert_eq!((status(&orders[0], 10), status(&orders[1], 11)), (503, 200));
    assert_eq!((status(&orders[0], 7_209), status(&orders[0], 7_210)), (503, 200));
}

#[test]
fn an_archive_may_be_another_orders() {
    let mut vendor = with("archive-of-another-order*1");
    let wrong = download(&mut vendor, 9).response.into_body();
    let right = download(&mut vendor, 9).response.into_body();
    assert_ne!(wrong, right);
    let orders: Vec<_> = vendor.truth().orders.into_keys().collect();
    assert_eq!(wrong, fetch(&mut vendor, &orders[1], at(9)).0);
    assert_eq!(right, fetch(&mut vendor, &orders[2], at(9)).0);
}

#[test]
fn orders_may_share_a_password() {
    let mut vendor = with("shared-password:1");
    let orders: Vec<_> = vendor.truth().orders.into_keys().collect();
    let (archive, password) = fetch(&mut vendor, &orders[0], at(9));
    assert_eq!(password, fetch(&mut vendor, &orders[2], at(9)).1);
    assert!(unzip(&archive, &password).is_ok());
}

#[test]
fn garbage_that_begins_like_an_archive_is_other_garbage_each_time() {
    let whole = download(&mut with(""), 9).response.into_body();
    let mut vendor = with("garbage-that-begins-pk:1");
    let bodies: BTreeSet<_> =
        (0..5).map(|_| download(&mut vendor, 9).response.into_body()).collect();
    assert_eq!(bodies.len(), 5);
    for body in &bodies {
        assert!(body.starts_with(b"PK\x03\x04") && body.len() == whole.len());
        assert!(unzip(body, "x").is_err());
    }
}

#[test]
fn a_flood_of_calls_with_the_key_names_orders_nobody_made() {
    let plan = FaultPlan::none().with(Fault::CallbackFlood, Rate::first(1));
    let mut vendor = vendor(VendorConfig { faults: plan, flood: 40, ..Default::default() });
    let set = "&enablePush=A&callbackUrl=http%3A%2F%2Fus.example%2Fcallback";
    vendor.handle(&signed("setDdRiskApiPushSetting", set, at(0)), at(0));
    let order = vendor.push(at(1));
    let calls = vendor.due_callbacks(at(1));
    assert_eq!(calls.len(), 41);
    let (forged, own): (Vec<_>, Vec<_>) = calls.iter().partition(|call| call.forged);
    assert_eq!((own.len(), &own[0].order_no), (1, &order));
    let numbers: BTreeSet<_> = forged.iter().map(|call| call.order_no.clone()).collect();
    assert!(numbers.len() == 40 && !numbers.contains(&order));
    for call in forged {
        let query = CallbackQuery::parse(call.url.split_once('?').unwrap().1).unwrap();
        assert_eq!(query.key.reveal(), vendor.config().account.key());
    }
}

#[test]
fn scheduled_orders_come_in_a_burst_after_quiet() {
    let plan = FaultPlan::none().with(Fault::BurstAfterQuiet, Rate::first(1));
    let mut vendor = vendor(VendorConfig { faults: plan, burst: 12, ..Default::default() });
    let every = Duration::from_secs(60);
    vendor.push_every(PushSchedule { first: at(0), every, count: 14 });
    let made = |vendor: &mut Vendor, second| {
        vendor.advance(at(second));
        vendor.truth().orders.len()
    };
    assert_eq!((made(&mut vendor, 0), made(&mut vendor, 659)), (0, 0));
    assert_eq!((made(&mut vendor, 660), made(&mut vendor, 720)), (12, 13));
    assert_eq!(made(&mut vendor, 9_999), 14);

    let plan = FaultPlan::none().with(Fault::BurstAfterQuiet, Rate::ALWAYS);
    vendor.set_faults(plan);
    vendor.push_every(PushSchedule { first: at(10_000), every, count: 5 });
    assert_eq!(made(&mut vendor, 20_000), 19, "what is held back when the schedule ends is made");
}

#[test]
fn a_push_date_is_written_as_other_serialisers_do() {
    for (fault, fits) in [
        (Fault::PushDateWithFraction, "dddd-dd-dd dd:dd:dd.0"),
        (Fault::PushDateIso, "dddd-dd-ddTdd:dd:dd"),
        (Fault::PushDateWithOffset, "dddd-dd-ddTdd:dd:dd+08:00"),
    ] {
        let (document, _, truth) = document(fault);
        let date = document["pushDate"].as_str().unwrap();
        let shape = date.replace(|c: char| c.is_ascii_digit(), "d");
        assert_eq!(shape, fits.replace(['0', '8'], "d"), "{fault}: {date}");
        assert!(!truth.table.is_empty());
    }
    let (document, _, truth) = document(Fault::PushDateEpochMillis);
    let millis = document["pushDate"].as_i64().unwrap();
    let dates = truth.orders.values().map(|order| order.push_date.timestamp().as_millisecond());
    assert!(dates.into_iter().any(|date| date == millis));
}

#[test]
fn what_would_be_null_is_absent() {
    let (document, bytes, truth) = document(Fault::AbsentNulls);
    assert!(!String::from_utf8(bytes).unwrap().contains("null"));
    let records = document["result"].as_array().unwrap();
    assert!(records.iter().any(|record| record.as_object().unwrap().len() < 8));
    assert!(records.iter().all(|record| record["id"].is_string()));
    for record in records {
        if let Some(known) = truth.table.get(record["id"].as_str().unwrap())
            && truth.orders.keys().next_back() == Some(&known.order_no)
        {
            assert_eq!(record.get("score").is_none(), known.record.score.is_none());
        }
    }
}

#[test]
fn scores_are_decimals_and_ids_numbers() {
    let (document_of_scores, bytes, _) = document(Fault::DecimalScores);
    let scores = document_of_scores["result"].as_array().unwrap().iter();
    assert!(scores.into_iter().all(|record| record["score"].is_f64()));
    assert!(String::from_utf8(bytes).unwrap().contains(".0,"));
    let (document_of_ids, _, truth) = document(Fault::NumericIds);
    let records = document_of_ids["result"].as_array().unwrap();
    assert!(records.iter().all(|record| record["id"].is_u64()));
    let ids: BTreeSet<_> = records.iter().map(|record| record["id"].to_string()).collect();
    assert!(ids.iter().all(|id| truth.table.contains_key(id)), "the truth has the digits as text");
}

#[test]
fn one_record_holds_half_a_surrogate_or_another_encoding() {
    for fault in [Fault::HalfSurrogate, Fault::WrongEncoding] {
        let (_, bytes, truth) = document(fault);
        let foreign = match fault {
            Fault::HalfSurrogate => br"\ud83d".as_slice(),
            _ => b"\xc6\xf3\xd2\xb5\xb7\xe7\xcf\xd5",
        };
        let found = bytes.windows(foreign.len()).filter(|part| *part == foreign).count();
        assert_eq!(found, 1, "{fault}");
        assert_eq!(std::str::from_utf8(&bytes).is_ok(), fault == Fault::HalfSurrogate);

        // The truth has that one set aside, and says that it may be read, too.
        let order = truth.orders.values().next_back().unwrap();
        assert_eq!((order.bad, order.open.len()), (1, 1), "{fault}");
        let (position, id) = &order.open[0];
        assert!(truth.open_ids().contains(id.as_str()));
        assert_eq!(*position, (order.good + order.bad) / 2);
        let last = truth.orders.keys().next_back().unwrap();
        let stands =
            |record: &qcc_sim::TrueRecord| record.order_no == *last && record.position == *position;
        assert!(!truth.table.values().any(stands));
    }
}

#[test]
fn odd_manners_pass_and_spoil_nothing() {
    for fault in Fault::ALL.iter().filter(|fault| fault.is_odd()) {
        assert!(fault.passes() && Fault::UNMIXED.contains(fault), "{fault}");
        let (_, _, truth) = document(*fault);
        let good: u64 = truth.orders.values().map(|order| order.good).sum();
        assert!(good >= 87 && truth.table.len() > 40, "{fault}");
    }
}

#[test]
fn a_document_in_a_folder_is_not_at_the_top() {
    let mut vendor = with("entry-in-folder:1");
    let order = newest(&mut vendor);
    let (archive, password) = fetch(&mut vendor, &order, at(9));
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&archive)).unwrap();
    assert!(zip.by_name_decrypt("dd_risk_corp.json", password.as_bytes()).is_err());
    assert!(zip.by_name_decrypt("data/dd_risk_corp.json", password.as_bytes()).is_ok());
}

#[test]
fn a_clock_that_was_wrong_is_corrected() {
    let faults: FaultPlan = "clock-wrong-for-hours".parse().unwrap();
    let outage = Duration::from_secs(3600);
    let mut vendor = vendor(VendorConfig { faults, outage, ..Default::default() });
    vendor.push(at(0));
    for (second, status) in [(9, "107"), (3_600, "107"), (3_700, "200")] {
        let answer = json(vendor.handle(&list_request(at(second)), at(second)).response.body());
        assert_eq!(answer["status"], status, "after {second} s");
    }
}

#[test]
fn an_id_that_is_too_long_is_so_where_ids_are_numbers_too() {
    let faults = FaultPlan::none().with(Fault::NumericIds, Rate::ALWAYS);
    let archives = qcc_sim::ArchiveStyle::Fixed(qcc_sim::ArchiveDialect::default());
    let config = VendorConfig { seed: 2, faults, bad_records: 1.0, archives, ..Default::default() };
    let mut vendor = vendor(VendorConfig { records_per_order: 200..=200, ..config });
    let order = vendor.push(at(0));
    let (archive, password) = fetch(&mut vendor, &order, at(9));
    let document = json(&unzip(&archive, &password).unwrap());
    let records = document["result"].as_array().unwrap();
    let texts: Vec<_> = records.iter().filter_map(|record| record["id"].as_str()).collect();
    assert!(!texts.is_empty() && texts.iter().all(|id| id.len() >= 160), "{texts:?}");
}
