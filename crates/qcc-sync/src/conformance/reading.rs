//! What is read back: records by page and filter, orders, the overview.

use std::{cmp::Reverse, collections::BTreeMap};

use qcc_proto::{MonitorLevel, MonitorType, RiskRecord};

use super::{
    Fresh,
    given::{
        Archive, add, at, lease, line, list, listing, local, no, ok, record, row, with, worker,
    },
};
use crate::{
    Listing, Order, OrderFilter, Overview, Reason, ReasonCode, RecordFilter, SetAside, State,
    StateName, Store, StoredRecord, UnknownWord,
};

pub(super) async fn texts_come_back_as_they_were(fresh: &Fresh<'_>) {
    let texts = [
        "",
        " ",
        "'; DROP TABLE risk_records; --",
        "\"%_\\ \t\r\n",
        "法定代表人由“张三”变更为“李四”",
        "𠮷野家 🏢",
        &"长".repeat(40_000),
    ];
    let mut rows = vec![row(0, RiskRecord::new("none"))];
    for (position, (text, score)) in
        (1..).zip(texts.iter().zip([0, -1, 7, i32::MIN, i32::MAX, 3, 4]))
    {
        let text = || Some((*text).to_owned());
        let mut record = RiskRecord::new(format!("id '{position}' 号"));
        record.corp_key_no = text();
        record.corp_name = text();
        record.monitor_content = text();
        record.monitor_level = text().map(Into::into);
        record.monitor_type = text().map(Into::into);
        record.score = Some(score);
        record.change_date = text();
        record.extra = Some(r#"{"新字段":[1,null,"x"]}"#.into());
        rows.push(row(position, record));
    }
    let store = &*fresh().await;
    Archive::new("A1", 0, rows.clone()).apply(store, 0).await;
    let mut expected: Vec<RiskRecord> = rows.into_iter().map(|row| row.record).collect();
    expected.sort_by(|a, b| a.id.cmp(&b.id));
    let all = ok(store.records(&RecordFilter::default(), None, 100).await);
    for (found, expected) in all.iter().zip(&expected) {
        assert!(found.record == *expected, "the record {:?} came back changed", expected.id);
    }
    assert_eq!(all.len(), expected.len());
}

/// Records whose fields differ in every way that filters tell apart.
async fn stock(store: &dyn Store) {
    let levels = ["高风险信息", "提示信息", "新级别"];
    for (order_no, pushed) in [("A1", 0), ("A2", 600), ("A3", 600)] {
        let rows = (0..20).map(|n| {
            let mut record = record(&format!("{:02}-{order_no}", (n * 7) % 20), order_no);
            record.corp_key_no = (n % 5 != 0).then(|| format!("key{}", n % 3));
            record.corp_name = (n % 7 != 0).then(|| format!("企查查key{}科技%", n % 4));
            record.monitor_level = levels.get(n % 4).map(|level| (*level).into());
            record.monitor_type = (n % 2 == 0).then(|| "红色通道".into());
            record.change_date = (n % 6 != 0).then(|| format!("2024-01-{:02}", n % 9 + 1));
            row(n as u64, record)
        });
        Archive::new(order_no, pushed, rows.collect()).apply(store, 0).await;
    }
}

/// All pages of so many records.
async fn paged(store: &dyn Store, filter: &RecordFilter, limit: u32) -> Vec<StoredRecord> {
    let mut all: Vec<StoredRecord> = Vec::new();
    loop {
        let after = all.last().map(|last| last.record.id.clone());
        let mut filter = filter.clone();
        if let Some(last) = all.last().filter(|_| filter.newest_first) {
            filter.pushed_until = Some(last.rank.push_date);
        }
        let page = ok(store.records(&filter, after.as_deref(), limit).await);
        assert!(page.len() <= limit as usize, "a page is at most as long as asked for");
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

pub(super) async fn pages_join_without_holes(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    stock(store).await;
    let everything = RecordFilter::default();
    let all = ok(store.records(&everything, None, 1000).await);
    assert_eq!(all.len(), 60);
    assert!(all.is_sorted_by(|a, b| a.record.id < b.record.id), "by id, each once");
    for limit in [1, 7, 59, 60, 61] {
        assert_eq!(paged(store, &everything, limit).await, all, "in pages of {limit}");
    }
    assert_eq!(ok(store.records(&everything, None, 0).await), []);
    assert_eq!(ok(store.records(&everything, Some("~"), 10).await), [], "behind the last");
    let behind = ok(store.records(&everything, Some("05"), 1).await);
    assert_eq!(behind[0].record.id, "05-A1", "`after` need not be there itself");

    let mut sorted = all;
    sorted.sort_by_key(|stored| Reverse(stored.rank.push_date));
    let newest_first = RecordFilter { newest_first: true, ..RecordFilter::default() };
    for limit in [1, 7, 20, 40, 61] {
        let found = paged(store, &newest_first, limit).await;
        assert_eq!(found, sorted, "newest first, in pages of {limit}");
    }
    let older = RecordFilter { pushed_until: Some(local(599)), ..newest_first };
    sorted.retain(|stored| stored.rank.push_date <= local(599));
    assert_eq!(paged(store, &older, 7).await, sorted, "newest first, up to a time");
}

pub(super) async fn filters_join_with_and(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    stock(store).await;
    let all = ok(store.records(&RecordFilter::default(), None, 1000).await);
    let levels = [None, Some("新级别"), Some("风险信息")];
    let corps = [None, Some("key1"), Some("查key3"), Some("%"), Some("key_"), Some("")];
    let dates = [None, Some("2024-01-05")];
    let pushes = [None, Some(local(0)), Some(local(600)), Some(local(601))];
    let origins = [None, Some(no("A3"))];
    let mut found = 0;
    for (level, corp) in levels.iter().flat_map(|level| corps.map(|corp| (level, corp))) {
        for (date, push) in dates.iter().flat_map(|date| pushes.map(|push| (date, push))) {
            for (origin, kind) in
                origins.iter().flat_map(|o| [None, Some("红色通道")].map(|kind| (o, kind)))
            {
                let filter = RecordFilter {
                    level: level.map(Into::into),
                    monitor_type: kind.map(Into::into),
                    corp: corp.map(Into::into),
                    changed_since: date.map(Into::into),
                    pushed_since: push,
                    order_no: origin.clone(),
                    ..RecordFilter::default()
                };
                let expected: Vec<StoredRecord> =
                    all.iter().filter(|stored| fits(&filter, stored)).cloned().collect();
                assert_eq!(paged(store, &filter, 7).await, expected, "{filter:?}");
                found += expected.len();
            }
        }
    }
    assert!(found > 0, "the filters of this check find something");
}

fn fits(filter: &RecordFilter, stored: &StoredRecord) -> bool {
    let StoredRecord { record, rank } = stored;
    let level = record.monitor_level.as_ref().map(MonitorLevel::as_str);
    let kind = record.monitor_type.as_ref().map(MonitorType::as_str);
    let corp = |corp: &String| {
        record.corp_key_no.as_ref() == Some(corp)
            || record.corp_name.as_ref().is_some_and(|name| name.contains(corp.as_str()))
    };
    filter.level.as_deref().is_none_or(|wanted| level == Some(wanted))
        && filter.monitor_type.as_deref().is_none_or(|wanted| kind == Some(wanted))
        && filter.corp.as_ref().is_none_or(corp)
        && filter
            .changed_since
            .as_ref()
            .is_none_or(|since| record.change_date.as_ref().is_some_and(|date| date >= since))
        && filter.pushed_since.is_none_or(|since| rank.push_date >= since)
        && filter.order_no.as_ref().is_none_or(|wanted| rank.order_no == *wanted)
}

pub(super) async fn orders_are_listed_newest_first(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    Archive::new("C1", 0, Vec::new()).apply(store, 0).await;
    let lines = [line("A1", -100), line("B1", -300), line("A2", -200)];
    list(store, 10, &lines).await;
    ok(store.note_call(&no("D1"), at(20)).await);
    let numbers = async |state, limit| -> Vec<String> {
        let filter = OrderFilter { state, limit };
        let orders = ok(store.orders(&filter).await);
        orders.into_iter().map(|order| order.no.into()).collect()
    };
    assert_eq!(numbers(None, None).await, ["D1", "C1", "A1", "A2", "B1"]);
    assert_eq!(numbers(Some(StateName::Seen), None).await, ["D1", "A1", "A2", "B1"]);
    assert_eq!(numbers(Some(StateName::Seen), Some(2)).await, ["D1", "A1"]);
    assert_eq!(numbers(Some(StateName::Applied), Some(2)).await, ["C1"]);
    assert!(numbers(Some(StateName::Fetched), None).await.is_empty());
    assert!(numbers(None, Some(0)).await.is_empty());
}

pub(super) async fn the_overview_counts_everything(fresh: &Fresh<'_>) {
    let store = &*fresh().await;
    assert_eq!(ok(store.overview().await), Overview::empty());

    let hand = worker("hand");
    let rest = async |order_no: &str, state: State| {
        add(store, &no(order_no), 40).await;
        let lease = lease(store, &no(order_no), &hand, 40).await;
        ok(store.save(&with(&lease, |order| Order { state, ..order }), at(40)).await);
        ok(store.release(&lease).await);
    };
    let waiting = |until, code| State::Waiting { until: at(until), reason: Reason::new(code, "") };
    let refused = || State::Quarantined { reason: Reason::new(ReasonCode::Refused, "") };
    let mut archive =
        Archive::new("A1", 0, vec![row(0, record("a", "1")), row(1, record("b", "1"))]);
    archive.words = vec![UnknownWord { field: "monitorType".into(), word: "紫".into(), count: 1 }];
    archive.aside =
        vec![SetAside { position: 2, code: "x".into(), detail: String::new(), raw: vec![1] }];
    archive.apply(store, 10).await;
    Archive::new("A2", 5, vec![row(0, record("b", "2"))]).apply(store, 20).await;
    let lines = [line("S1", -100), line("S2", -50)];
    let listing = listing(30, &lines);
    ok(store.note_list(&lines, &listing).await);
    rest("W1", waiting(500, ReasonCode::Transient)).await;
    rest("W2", waiting(400, ReasonCode::NotReady)).await;
    rest("Q1", refused()).await;
    rest("Q2", refused()).await;
    rest("W3", waiting(900, ReasonCode::Refused)).await;
    ok(store.note_call(&no("S0"), at(50)).await);
    ok(store.note_call(&no("S1"), at(45)).await);

    let overview = ok(store.overview().await);
    let counts = [
        (StateName::Seen, 3),
        (StateName::Applied, 2),
        (StateName::Waiting, 3),
        (StateName::Quarantined, 2),
    ];
    assert_eq!(overview.orders, BTreeMap::from(counts));
    let reasons = [(ReasonCode::Transient, 1), (ReasonCode::NotReady, 1), (ReasonCode::Refused, 3)];
    assert_eq!(overview.reasons, BTreeMap::from(reasons));
    assert_eq!(overview.oldest_pending, Some((no("S1"), at(30))), "by when it was first seen");
    assert_eq!(overview.next_due, Some(at(400)));
    assert_eq!((overview.records, overview.set_aside), (2, 1));
    assert_eq!(overview.unknown_words, archive.words);
    assert_eq!(overview.last_listing, Some(Listing { fresh: 2, ..listing }));
    assert_eq!(overview.last_call, Some(at(45)), "about an order that a list named");
    assert_eq!((overview.unconfirmed, overview.awaiting_list), (0, 1));
    assert_eq!(overview.last_applied, Some(at(20)));
    assert_eq!((overview.gaps, overview.hold), (Vec::new(), None));
}
