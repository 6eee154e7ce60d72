//! What goes wrong, by name and by seed.

use qcc_proto::{Call, ListOrders};
use qcc_sim::{Conduct, Fault, FaultPlan, Rate, Reply, Vendor, VendorConfig};

use crate::support::*;

fn with(faults: &str) -> Vendor {
    let mut vendor = vendor(VendorConfig { faults: faults.parse().unwrap(), ..Default::default() });
    vendor.push(at(0));
    vendor.push(at(900));
    vendor
}

/// A download under a fault that strikes only downloads.
fn download(vendor: &mut Vendor) -> Reply {
    let order = list(vendor, at(1000)).remove(0);
    let link = locate(vendor, &order, at(1000)).link.reveal().to_owned();
    vendor.handle(&get(&link), at(1000))
}

#[test]
fn names_and_faults_are_one_to_one() {
    for fault in Fault::ALL {
        assert_eq!(fault.as_str().parse(), Ok(*fault));
    }
    assert!("reset_before".parse::<Fault>().is_err());
}

#[test]
fn plans_are_read() {
    let plan: FaultPlan = "status-199:0.5*3,reset-after , no-range*2,clock-skew".parse().unwrap();
    assert_eq!(plan.rate(Fault::Status199), Some(Rate::chance(0.5).at_most(3)));
    assert_eq!(plan.rate(Fault::NoRange), Some(Rate::first(2)));
    assert_eq!(plan.rate(Fault::ResetAfter), Some(Rate::usual(Fault::ResetAfter)));
    assert_eq!(plan.rate(Fault::ResetBefore), None);
    assert_eq!("".parse::<FaultPlan>(), Ok(FaultPlan::none()));
    assert_eq!("random".parse::<FaultPlan>(), Ok(FaultPlan::random()));
    for bad in ["status-199:2", "status-199:-1", "status-199:NaN", "status-199*x", "status", ":1"] {
        assert!(bad.parse::<FaultPlan>().is_err(), "{bad} was taken");
    }
}

#[test]
fn connections_behave_as_the_fault_says() {
    for (fault, expected) in [
        ("reset-before:1", Conduct::ResetBefore),
        ("reset-after:1", Conduct::ResetAfter),
        ("no-answer:1", Conduct::Silence),
        ("slow-answer:1", Conduct::Answer),
    ] {
        let reply = with(fault).handle(&list_request(at(901)), at(901));
        assert_eq!(reply.conduct, expected, "{fault}");
        assert_eq!(reply.delay.as_secs() == 5, fault == "slow-answer:1");
    }
}

#[test]
fn calls_answer_what_the_fault_says() {
    for (fault, expected) in [
        ("status-106:1", "106"),
        ("status-107", "107"),
        ("status-109", "109"),
        ("status-199:1", "199"),
        ("status-203:1", "203"),
        ("status-500:1", "500"),
        ("unknown-status-299:1", "299"),
        ("list-empty:1", "201"),
    ] {
        let reply = with(fault).handle(&list_request(at(901)), at(901));
        assert_eq!((reply.response.status().as_u16(), status(&reply).as_str()), (200, expected));
    }
    for (fault, http, body) in [
        ("http-502-html:1", 502, "<html>"),
        ("http-503-empty:1", 503, ""),
        ("redirect:1", 302, "<html>"),
        ("empty-answer:1", 200, ""),
        ("html-answer:1", 200, "<html>"),
    ] {
        let response = with(fault).handle(&list_request(at(901)), at(901)).response;
        assert_eq!(response.status(), http, "{fault}");
        assert!(
            response.body().starts_with(body.as_bytes())
                && response.body().is_empty() == body.is_empty()
        );
    }
    let cut = with("truncated-answer:1").handle(&list_request(at(901)), at(901));
    assert_eq!(cut.conduct, Conduct::Truncate { after: cut.response.body().len() / 2 });
}

#[test]
fn what_comes_once_does_not_come_again() {
    let mut vendor = with("status-107");
    assert_eq!(status(&vendor.handle(&list_request(at(901)), at(901))), "107");
    assert_eq!(status(&vendor.handle(&list_request(at(902)), at(902))), "200");
    assert_eq!(vendor.faults_struck().collect::<Vec<_>>(), [(Fault::Status107, 1)]);
}

#[test]
fn lists_repeat_lag_shuffle_and_carry_junk() {
    let read = |fault: &str| {
        let mut vendor =
            vendor(VendorConfig { faults: fault.parse().unwrap(), ..Default::default() });
        let pushed: Vec<_> = (0..8).map(|n| vendor.push(at(n))).collect();
        let reply = vendor.handle(&list_request(at(9)), at(9));
        let list = ListOrders::read_answer(reply.response.body()).unwrap().into_payload().unwrap();
        let listed: Vec<_> = list.orders.into_iter().map(|order| order.order_no).collect();
        (pushed, listed, list.unreadable.len())
    };
    let (_, repeated, _) = read("duplicate-order-in-list:1");
    assert_eq!(repeated.len(), 10);
    let (pushed, lagging, _) = read("list-lags:1");
    assert!((5..8).contains(&lagging.len()) && lagging.last() == pushed.first());
    let (pushed, mut shuffled, _) = read("list-out-of-order:1");
    let newest_first: Vec<_> = pushed.into_iter().rev().collect();
    assert_ne!(shuffled, newest_first);
    shuffled.sort_by(|a, b| b.cmp(a));
    let mut sorted = newest_first;
    sorted.sort_by(|a, b| b.cmp(a));
    assert_eq!(shuffled, sorted);
    assert_eq!(read("list-junk-line:1").2, 1);
}

#[test]
fn an_order_in_preparation_becomes_ready() {
    let mut vendor = with("status-205-for-a-while*1");
    let order = list(&mut vendor, at(1000)).remove(0);
    let mut ask =
        |seconds| status(&vendor.handle(&locate_request(&order, at(seconds)), at(seconds)));
    assert_eq!((ask(1000), ask(1089), ask(1090)), ("205".into(), "205".into(), "200".into()));
}

#[test]
fn locations_mislead_as_the_fault_says() {
    let mut good = with("");
    let orders = list(&mut good, at(1000));
    let right = locate(&mut good, &orders[0], at(1000));
    let misled = |fault: &str| locate(&mut with(fault), &orders[0], at(1000));
    assert_ne!(misled("wrong-password:1").password, right.password);
    assert_eq!(misled("short-link:1").link.expires_at(), Some(at(1020)));
    assert!(misled("foreign-link:1").link.reveal().starts_with("http://qcc-files.invalid/"));
    assert_eq!(misled("other-order:1").order_no.as_ref(), Some(&orders[1]));
}

#[test]
fn downloads_go_wrong_as_the_fault_says() {
    let whole = download(&mut with("")).response.into_body();
    for (fault, http, content_type) in [
        ("link-expired:1", 403, "application/xml"),
        ("no-such-key:1", 404, "application/xml"),
        ("html-instead-of-zip:1", 200, "text/html"),
        ("xml-instead-of-zip:1", 200, "application/xml"),
    ] {
        let response = download(&mut with(fault)).response;
        assert_eq!(response.status(), http, "{fault}");
        assert_eq!(response.headers()["content-type"], content_type, "{fault}");
        assert_ne!(response.body(), &whole, "{fault}");
    }
    let cut = download(&mut with("truncated-download:1"));
    assert!(matches!(cut.conduct, Conduct::Truncate { after } if after < whole.len()));
    let stalled = download(&mut with("stalled-download:1"));
    assert!(matches!(stalled.conduct, Conduct::Stall { after } if after < whole.len()));
    let slow = download(&mut with("slow-body:1")).pace.unwrap();
    assert_eq!((slow.piece, slow.pause.as_secs()), (whole.len().div_ceil(4), 5));
    let corrupt = download(&mut with("corrupt-download:1")).response.into_body();
    let flipped: u32 = corrupt.iter().zip(&whole).map(|(a, b)| (a ^ b).count_ones()).sum();
    assert_eq!((corrupt.len(), flipped), (whole.len(), 1));
}

#[test]
fn ranges_fail_as_the_fault_says() {
    let ask = |fault: &str| {
        let mut vendor = with(fault);
        let order = list(&mut vendor, at(1000)).remove(0);
        let link = locate(&mut vendor, &order, at(1000)).link.reveal().to_owned();
        let mut request = get(&link);
        request.headers_mut().insert("Range", "bytes=10-".parse().unwrap());
        vendor.handle(&request, at(1000)).response
    };
    assert_eq!(ask("").status(), 206);
    let without = ask("no-range:1");
    assert_eq!(without.status(), 200);
    assert!(!without.headers().contains_key("accept-ranges"));
    let wrong = ask("wrong-range:1");
    assert!(wrong.headers()["content-range"].to_str().unwrap().starts_with("bytes 11-"));
    assert_ne!(ask("etag-changes:1").headers()["etag"], ask("").headers()["etag"]);
}

#[test]
fn spoilt_orders_stay_spoilt_and_the_truth_leaves_them_out() {
    for fault in Fault::ALL.iter().filter(|fault| !fault.passes()) {
        let plan = FaultPlan::none().with(*fault, Rate::first(1)).until(at(60));
        let mut vendor = vendor(VendorConfig { faults: plan, ..Default::default() });
        let (spoilt, sound) = (vendor.push(at(0)), vendor.push(at(100)));
        let truth = vendor.truth();
        assert_eq!(truth.orders[&spoilt].spoilt, Some(*fault));
        assert_eq!(truth.orders[&sound].spoilt, None);
        assert!(truth.table.values().all(|record| record.order_no == sound));
        assert!(vendor.truth_of(|_| true).table.len() > truth.table.len());

        let (archive, password) = fetch(&mut vendor, &spoilt, at(86_400));
        let document = unzip(&archive, &password);
        match fault {
            Fault::CorruptArchive => assert!(document.is_err()),
            Fault::UnencryptedArchive => {
                let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&archive)).unwrap();
                assert!(zip.by_name("dd_risk_corp.json").is_ok());
            }
            Fault::WeakArchive => assert!(document.is_ok()),
            Fault::BrokenDocument => {
                assert!(serde_json::from_slice::<serde_json::Value>(&document.unwrap()).is_err());
            }
            Fault::WrongTotal => {
                let document = json(&document.unwrap());
                let there = document["result"].as_array().unwrap().len();
                assert_eq!(document["totalSize"], there + 1);
            }
            other => panic!("{other} is not looked at"),
        }
        assert!(unzip(&fetch(&mut vendor, &sound, at(86_400)).0, &password).is_err());
    }
}

#[test]
fn the_same_seed_makes_the_same_mistakes() {
    let run = |seed| {
        let faults = FaultPlan::random();
        let mut vendor = vendor(VendorConfig { seed, faults, ..Default::default() });
        let order = vendor.push(at(0));
        for n in 1..300 {
            vendor.handle(&list_request(at(n)), at(n));
            vendor.handle(&locate_request(&order, at(n)), at(n));
        }
        let entries: Vec<_> = vendor.journal().entries().map(|e| format!("{e:?}")).collect();
        (entries, vendor.faults_struck().collect::<Vec<_>>())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).1, run(2).1);
    assert!(!run(1).1.is_empty());
}

#[test]
fn faults_end_with_their_time_or_their_number() {
    let healthy_from = |plan: FaultPlan| {
        let mut vendor = vendor(VendorConfig { faults: plan, ..Default::default() });
        vendor.push(at(0));
        (0..20).find(|n| status(&vendor.handle(&list_request(at(*n)), at(*n))) == "200")
    };
    let always = FaultPlan::none().with(Fault::Status199, Rate::ALWAYS);
    assert_eq!(healthy_from(always.clone()), None);
    assert_eq!(healthy_from(always.clone().until(at(7))), Some(7));
    assert_eq!(healthy_from(always.clone().at_most(3)), Some(3));
    assert_eq!(healthy_from(always.with(Fault::Status199, Rate::first(5))), Some(5));
}

#[test]
fn a_random_mix_holds_nothing_that_stops_a_client_for_long() {
    for seed in 0..200 {
        let faults = FaultPlan::random();
        let mut vendor = vendor(VendorConfig { seed, faults, ..Default::default() });
        vendor.push(at(0));
        for n in 1..100 {
            vendor.handle(&list_request(at(n)), at(n));
        }
        let struck: Vec<_> = vendor.faults_struck().map(|(fault, _)| fault).collect();
        assert!(!struck.iter().any(|fault| Fault::ACCOUNT_WIDE.contains(fault)), "{struck:?}");
    }
    let named: FaultPlan = "random, status-106".parse().unwrap();
    let mut vendor = vendor(VendorConfig { faults: named, ..Default::default() });
    let mut statuses =
        (0..50).map(|n| vendor.handle(&list_request(at(n)), at(n)).response.into_body());
    assert!(statuses.any(|body| body.starts_with(b"{\"status\":\"106\"")));
}
