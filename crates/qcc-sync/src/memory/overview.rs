//! The facts of one moment, counted.

use std::collections::BTreeMap;

use super::tables::{Tables, age};
use crate::{Callbacks, Order, Overview, State, UnknownWord};

impl Tables {
    pub(super) fn overview(&self) -> Overview {
        let tables = self;
        let mut overview = Overview::empty();
        let last_listing = tables.listing.as_ref().map(|listing| listing.at);
        let (unconfirmed, orders): (Vec<_>, Vec<_>) =
            tables.orders.values().partition(|order| order.is_unconfirmed(last_listing));
        let (dismissed, orders): (Vec<_>, Vec<_>) =
            orders.into_iter().partition(|order| order.dismissed.is_some());
        overview.unconfirmed = unconfirmed.len() as u64;
        overview.awaiting_list =
            orders.iter().filter(|order| order.is_awaiting_list()).count() as u64;
        overview.forgotten = tables.forgotten;
        overview.dismissed = dismissed.len() as u64;
        for order in &orders {
            *overview.orders.entry(order.state.name()).or_default() += 1;
            if let Some(reason) = order.state.reason() {
                *overview.reasons.entry(reason.code).or_default() += 1;
            }
            if let State::Waiting { until, .. } = &order.state {
                overview.next_due = Some(overview.next_due.map_or(*until, |due| due.min(*until)));
            }
        }
        overview.oldest_pending = orders
            .iter()
            .filter(|order| order.state != State::Applied)
            .min_by_key(|order| (order.first_seen_at, &order.no))
            .map(|order| (order.no.clone(), order.first_seen_at));
        overview.records = tables.records.len() as u64;
        overview.set_aside = tables.set_aside.values().map(|set| set.len() as u64).sum();
        let open = tables.set_aside.iter().filter(|(no, _)| !tables.acknowledged.contains(*no));
        overview.set_aside_open = open.map(|(_, set)| set.len() as u64).sum();
        overview.unreadable_open = tables.unreadable_open;
        overview.life = tables.life.clone();
        overview.unknown_words = tables.unknown_words();
        overview.gaps = tables.gaps.iter().filter(|g| g.closed_at.is_none()).cloned().collect();
        overview.last_listing = tables.listing.clone();
        let listed = tables.orders.values().filter(|order| order.listed_at.is_some());
        overview.last_call = listed.filter_map(|order| order.called_at).max();
        overview.last_applied =
            tables.orders.values().filter_map(|order| Some(order.applied.as_ref()?.at)).max();
        overview.hold = tables.account.value.hold.clone();
        overview.callbacks = tables.callbacks();
        overview
    }

    fn callbacks(&self) -> Callbacks {
        let uncalled = self.uncalled();
        let account = &self.account.value;
        Callbacks {
            expected_since: account.calls_expected_since,
            uncalled: uncalled.len() as u64,
            uncalled_since: uncalled.iter().filter_map(|order| order.listed_at).min(),
            activation: account.activation.clone(),
            errors: account.errors,
        }
    }

    fn uncalled(&self) -> Vec<&Order> {
        let account = &self.account.value;
        let Some(expected_since) = account.calls_expected_since else { return Vec::new() };
        let made = |order: &Order| age(order).0;
        let listed = || self.orders.values().filter(|order| order.listed_at.is_some());
        let newest_called = listed().filter(|order| order.called_at.is_some()).map(made).max();
        let agreed_at = account.activation.as_ref().and_then(|activation| activation.agreed_at);
        let bound = Some(expected_since).max(newest_called).max(agreed_at);
        listed().filter(|o| o.called_at.is_none() && Some(made(o)) > bound).collect()
    }

    fn unknown_words(&self) -> Vec<UnknownWord> {
        let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for UnknownWord { field, word, count } in self.unknown.values().flatten() {
            *counts.entry((field, word)).or_default() += count;
        }
        let mut words: Vec<UnknownWord> = counts
            .into_iter()
            .map(|((field, word), count)| UnknownWord {
                field: field.into(),
                word: word.into(),
                count,
            })
            .collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.count));
        words.truncate(100);
        words
    }
}
