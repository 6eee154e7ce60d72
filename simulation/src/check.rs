//! What must hold: of every process that ends, and of a life that is over.
//!
//! Compared are what a user reads from the store, what the vendor's generator
//! says, and what a witness saw. No rule of the product is used.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use qcc_proto::{OrderNo, RiskRecord};
use qcc_sim::{Entry, Exchange, Fault as Theirs, TrueOrder, Truth};
use qcc_sync::{Gap, Order, OrderFilter, Rank, ReasonCode, RecordFilter, State, Store, StoreError};

use crate::{
    disk::Disk,
    life::Life,
    logs,
    mutation::Mutation,
    power::{Actor, JUDGE, SUPERVISOR},
    witness::Seen,
};

type Table = BTreeMap<String, (Rank, RiskRecord)>;

/// What a user can read from the store.
struct Shown {
    orders: BTreeMap<OrderNo, Order>,
    table: Table,
    gaps: Vec<Gap>,
}

/// A process ended, wherever it was: what is durable is consistent.
pub(crate) async fn between_processes<D: Disk>(life: &Life<D>) {
    checked(life, SUPERVISOR, async |store| {
        let shown = read(life, store).await?;
        nothing_forgotten(life, &shown);
        table_is_what_was_applied(life, &shown);
        archives_are_there(life, &shown);
        Ok(())
    })
    .await;
}

/// So long after everything is well each sound order that a list named is applied,
/// whatever else fails: the longest wait is an hour.
pub(crate) const SOON: Duration = Duration::from_secs(100 * 60);

/// [`SOON`] has passed: whoever is held up was held up by something else.
pub(crate) async fn sound_orders_are_applied<D: Disk>(life: &Life<D>) {
    let resting = [Theirs::Status106, Theirs::Status107, Theirs::Status109];
    let rested = |seen: &Seen| {
        resting.iter().any(|fault| seen.theirs.get(fault).is_some_and(|times| *times > 0))
    };
    if rested(&life.stage.witness.seen()) {
        return;
    }
    checked(life, JUDGE, async |store| {
        let shown = read(life, store).await?;
        let truth = life.stage.vendor().truth();
        for order in shown.orders.values().filter(|order| order.listed_at.is_some()) {
            let sound = truth.orders.get(&order.no).is_some_and(|about| about.spoilt.is_none());
            let is_done = matches!(order.state, State::Applied | State::Quarantined { .. });
            if sound && !is_done {
                let state = order.state.name();
                violation(life, format!("{} is {state}, long after all is well", order.no));
            }
        }
        Ok(())
    })
    .await;
}

/// What the ledger counts on is on the shelves, unless chance took it away.
fn archives_are_there<D: Disk>(life: &Life<D>, shown: &Shown) {
    let spoilt = life.stage.witness.seen().spoilt.clone();
    for order in shown.orders.values().filter(|order| order.state == State::Fetched) {
        let gone = order
            .archive
            .is_none_or(|kept| !life.shelves.has(&kept.sha256) && !spoilt.contains(&kept.sha256));
        if gone {
            violation(life, format!("the archive of {} is not there", order.no));
        }
    }
}

/// Everything came to rest, and nobody helped yet: what is quarantined has a
/// reason that is true.
pub(crate) async fn quarantines_are_true<D: Disk>(life: &Life<D>) {
    checked(life, JUDGE, async |store| {
        let shown = read(life, store).await?;
        let truth = life.stage.vendor().truth();
        for order in shown.orders.values() {
            let State::Quarantined { reason } = &order.state else { continue };
            let about = truth.orders.get(&order.no);
            if !is_true(life, order, reason.code, about) {
                violation(life, format!("{} is quarantined for {reason}, untruly", order.no));
            }
        }
        Ok(())
    })
    .await;
}

/// A life is over: faults are lifted, a person retried what was quarantined.
pub(crate) async fn at_the_end<D: Disk>(life: &Life<D>) {
    checked(life, JUDGE, async |store| {
        let shown = read(life, store).await?;
        let truth = life.stage.vendor().truth();
        nothing_forgotten(life, &shown);
        table_is_what_was_applied(life, &shown);
        every_order_ended_well(life, &shown, &truth);
        every_order_is_known_or_in_a_gap(life, &shown);
        gaps_are_real(life, &shown);
        for (no, about) in &truth.orders {
            let bad = if about.spoilt.is_none() && is_applied(&shown, no) { about.bad } else { 0 };
            let aside = store.set_aside(no, None, u32::MAX).await?.len() as u64;
            if aside != bad {
                violation(life, format!("{no}: {aside} records set aside instead of {bad}"));
            }
        }
        let overview = store.overview().await?;
        if overview.set_aside_open != overview.set_aside {
            violation(life, "records set aside are taken for seen, and nobody saw them");
        }
        forged_orders_cost_little(life);
        if overview.records != shown.table.len() as u64 && life.stage.mutation.is_none() {
            violation(life, "the overview counts other records than there are");
        }
        logs::say(&overview);
        logs::say(&shown.orders);
        activations_are_few(life);
        nothing_left_the_house(life);
        Ok(())
    })
    .await;
}

async fn checked<D: Disk>(
    life: &Life<D>,
    who: Actor,
    check: impl AsyncFnOnce(&D::Store) -> Result<(), StoreError>,
) {
    if let Err(error) = life.at_store(who, check).await {
        violation(life, format!("the store cannot be read: {error}"));
    }
}

fn violation<D: Disk>(life: &Life<D>, what: impl Into<String>) {
    life.stage.witness.violation(what);
}

async fn read<D: Disk>(life: &Life<D>, store: &D::Store) -> Result<Shown, StoreError> {
    let orders = store.orders(&OrderFilter::default()).await?;
    let rows = store.records(&RecordFilter::default(), None, u32::MAX).await?;
    let mutated = [Mutation::LastApplied, Mutation::RankInverted, Mutation::HalfCommit];
    let table = match life.stage.mutation.is_some_and(|mutation| mutated.contains(&mutation)) {
        true => life.stage.witness.seen().shadow.clone(),
        false => {
            rows.into_iter().map(|row| (row.record.id.clone(), (row.rank, row.record))).collect()
        }
    };
    let orders = orders.into_iter().map(|order| (order.no.clone(), order)).collect();
    Ok(Shown { orders, table, gaps: store.gaps().await? })
}

fn is_applied(shown: &Shown, no: &OrderNo) -> bool {
    shown.orders.get(no).is_some_and(|order| order.state == State::Applied)
}

/// An order number once durable, or once answered well, stays.
fn nothing_forgotten<D: Disk>(life: &Life<D>, shown: &Shown) {
    let seen = life.stage.witness.seen();
    let must: BTreeSet<_> = seen.noted.union(&seen.acked).cloned().collect();
    let made: BTreeSet<_> = seen.made.iter().cloned().collect();
    let may: BTreeSet<_> = made.union(&seen.presented).cloned().collect();
    let twice: Vec<_> =
        seen.commits.iter().filter(|(_, n)| **n > 1).map(|(no, _)| no.clone()).collect();
    let uncommitted: Vec<_> = shown
        .orders
        .values()
        .filter(|order| order.state == State::Applied && !seen.commits.contains_key(&order.no))
        .map(|order| order.no.clone())
        .collect();
    drop(seen);
    // What nobody made may be forgotten, and is at last.
    for no in must.intersection(&made).filter(|no| !shown.orders.contains_key(*no)) {
        violation(life, format!("{no} is forgotten"));
    }
    for no in shown.orders.keys().filter(|no| !may.contains(*no)) {
        violation(life, format!("{no} is in the ledger, and nobody who may named it"));
    }
    for no in twice {
        violation(life, format!("{no} was committed more than once"));
    }
    for no in uncommitted {
        violation(life, format!("{no} is called applied and never was committed"));
    }
}

/// The table is exactly what the applied orders amount to.
fn table_is_what_was_applied<D: Disk>(life: &Life<D>, shown: &Shown) {
    let vendor = life.stage.vendor();
    // Orders are made at least a second apart, so that a time names one.
    let applied: BTreeSet<_> = vendor
        .truth_of(|_| false)
        .orders
        .iter()
        .filter(|(no, _)| is_applied(shown, no))
        .map(|(_, about)| about.created_at)
        .collect();
    let truth = vendor.truth_of(|about| applied.contains(&about.created_at));
    drop(vendor);
    let expected: Table = truth
        .table
        .into_iter()
        .map(|(id, row)| {
            let rank =
                Rank { push_date: row.push_date, order_no: row.order_no, position: row.position };
            (id, (rank, RiskRecord::from(row.record)))
        })
        .collect();
    if shown.table != expected {
        let wrong = expected.iter().filter(|(id, row)| shown.table.get(*id) != Some(row)).count();
        let mut more = shown.table.iter().filter(|(id, _)| !expected.contains_key(*id));
        let first = more.next().map(|(_, (rank, _))| &rank.order_no);
        let named = first.map(|no| format!(", the first of {no}")).unwrap_or_default();
        let alien = more.count() + usize::from(first.is_some());
        let rows = expected.len();
        let text = format!("the table differs: of {rows} rows {wrong} are wrong, {alien} more");
        violation(life, text + &named);
    }
}

/// Sound orders are applied, spoilt and invented ones quarantined for what they are.
fn every_order_ended_well<D: Disk>(life: &Life<D>, shown: &Shown, truth: &Truth) {
    for order in shown.orders.values() {
        let Some(about) = truth.orders.get(&order.no) else {
            if !matches!(order.state, State::Seen | State::Waiting { .. }) {
                let state = order.state.name();
                violation(life, format!("{}, which nobody made, is {state}", order.no));
            }
            continue;
        };
        let expected = match about.spoilt.and_then(code_of) {
            None | Some(ReasonCode::CountMismatch) if unusable(about).is_some() => unusable(about),
            code => code,
        };
        let found = match &order.state {
            State::Applied => None,
            State::Quarantined { reason } => Some(reason.code),
            other => {
                violation(life, format!("{} is still {}", order.no, other.name()));
                continue;
            }
        };
        if found != expected && !may_end_as(life, found, about, truth) {
            let why = order.state.reason().map(ToString::to_string).unwrap_or_default();
            let text = format!("{} ended as {found:?} instead of {expected:?}: {why}", order.no);
            violation(life, text);
        }
    }
}

/// Whether a sound order may end otherwise than applied, for what cannot be known of it.
fn may_end_as<D: Disk>(
    life: &Life<D>,
    found: Option<ReasonCode>,
    about: &TrueOrder,
    truth: &Truth,
) -> bool {
    match found {
        // A document of which one record is in another encoding may be all in it.
        Some(ReasonCode::DocumentRefused) => about.odd == Some(Theirs::WrongEncoding),
        // The archive of an order that is spoilt came in place of its own, and what is
        // refused for how it is encrypted is kept for a person to look at.
        Some(ReasonCode::ArchiveRefused) => {
            let refused = |about: &TrueOrder| {
                about.spoilt.and_then(code_of) == Some(ReasonCode::ArchiveRefused)
            };
            let came = life.stage.witness.seen().theirs.contains_key(&Theirs::ArchiveOfAnother);
            came && truth.orders.values().any(refused)
        }
        _ => false,
    }
}

/// What an order is quarantined for of whose records none is as it should be.
fn unusable(about: &TrueOrder) -> Option<ReasonCode> {
    let is_unusable = about.bad > 0 && about.good == 0;
    is_unusable.then_some(ReasonCode::NoUsableRecords)
}

/// What a spoilt order is quarantined for.
fn code_of(spoilt: Theirs) -> Option<ReasonCode> {
    Some(match spoilt {
        Theirs::CorruptArchive => ReasonCode::ArchiveDamaged,
        Theirs::UnencryptedArchive | Theirs::WeakArchive => ReasonCode::ArchiveRefused,
        Theirs::BrokenDocument => ReasonCode::DocumentRefused,
        Theirs::WrongTotal => ReasonCode::CountMismatch,
        _ => return None,
    })
}

/// Whether what an order was quarantined for did happen.
fn is_true<D: Disk>(
    life: &Life<D>,
    order: &Order,
    code: ReasonCode,
    about: Option<&TrueOrder>,
) -> bool {
    // One that nobody made needs nobody.
    let Some(about) = about else { return false };
    if [about.spoilt.and_then(code_of), unusable(about)].contains(&Some(code)) {
        return true;
    }
    // A document of which one record is in another encoding may be all in it.
    if code == ReasonCode::DocumentRefused && about.odd == Some(Theirs::WrongEncoding) {
        return true;
    }
    let seen = life.stage.witness.seen();
    let struck = |faults: &[Theirs]| {
        faults.iter().any(|fault| seen.theirs.get(fault).is_some_and(|times| *times > 0))
    };
    let rotten = order.archive.is_some_and(|archive| seen.spoilt.contains(&archive.sha256));
    match code {
        // The value that checks the password rots, too.
        ReasonCode::WrongPassword => {
            let others = [Theirs::WrongPassword, Theirs::CorruptDownload, Theirs::ArchiveOfAnother];
            rotten || struck(&others)
        }
        ReasonCode::ArchiveDamaged => {
            rotten
                || struck(&[
                    Theirs::CorruptDownload,
                    Theirs::HtmlInsteadOfZip,
                    Theirs::XmlInsteadOfZip,
                    Theirs::WrongPassword,
                    Theirs::GarbageZip,
                    Theirs::ArchiveOfAnother,
                ])
        }
        ReasonCode::ArchiveRefused => {
            let others = [Theirs::CorruptDownload, Theirs::GarbageZip, Theirs::ArchiveOfAnother];
            rotten || struck(&others)
        }
        ReasonCode::ArchiveMissing => rotten,
        ReasonCode::LinkRefused => struck(&[Theirs::ForeignLink]),
        ReasonCode::Refused => struck(&[Theirs::ListEmpty, Theirs::LateReplica]),
        _ => false,
    }
}

/// Every order the vendor made is in the ledger, or lies in exactly one gap, or
/// is older than the first that was ever listed or kept.
fn every_order_is_known_or_in_a_gap<D: Disk>(life: &Life<D>, shown: &Shown) {
    let seen = life.stage.witness.seen();
    let mut lost = Vec::new();
    for (place, no) in seen.made.iter().enumerate() {
        let known = shown.orders.contains_key(no);
        let before_our_time = seen.first_known.is_none_or(|first| place < first);
        let gaps = seen
            .gaps
            .iter()
            .filter(|(after, before)| (*after..*before).contains(&place) && place != *after);
        let gaps = gaps.count();
        if !known && !before_our_time && gaps != 1 {
            lost.push(format!("{no} is lost: not in the ledger, and in {gaps} gaps"));
        }
        if gaps > 1 {
            lost.push(format!("{no} lies in {gaps} gaps"));
        }
    }
    let known = |no: &OrderNo| shown.orders.contains_key(no);
    let older = seen.made.iter().take(seen.first_known.unwrap_or_default());
    // A call told of an order, its archive was not kept, later ones left the window,
    // and only then was the first list of all read: anybody may have made that call.
    let unseen = older.skip_while(|no| !known(no)).filter(|no| !known(no)).count() as u64;
    drop(seen);
    life.stage.witness.seen().figures.before_first_list += unseen;
    lost.into_iter().for_each(|text| violation(life, text));
}

/// The gaps reported are exactly those there must be.
fn gaps_are_real<D: Disk>(life: &Life<D>, shown: &Shown) {
    let seen = life.stage.witness.seen();
    let name = |place: usize| seen.made.get(place).cloned();
    let mut expected: Vec<_> =
        seen.gaps.iter().map(|(after, before)| (name(*after), name(*before))).collect();
    drop(seen);
    let ends = |gap: &Gap| (Some(gap.after.order_no.clone()), Some(gap.before.order_no.clone()));
    let mut found: Vec<_> = shown.gaps.iter().map(ends).collect();
    expected.sort();
    found.sort();
    if found != expected {
        violation(life, format!("gaps {found:?} are reported instead of {expected:?}"));
    }
}

/// The vendor is asked to call again seldom, and not at all while our own URL is
/// what is broken.
fn activations_are_few<D: Disk>(life: &Life<D>) {
    let vendor = life.stage.vendor();
    let asked = |entry: &&Entry| entry.exchange == Exchange::Activate;
    let times: Vec<_> = vendor.journal().entries().filter(asked).collect();
    let useless = life.stage.plan.own_url == Some(false) && !times.is_empty();
    let agreed: Vec<_> =
        times.iter().filter(|entry| entry.status == Some(200)).map(|entry| entry.at).collect();
    let apart = |(before, after): (&Timestamp, &Timestamp)| after.duration_since(*before);
    let hasty = agreed.iter().zip(agreed.iter().skip(1)).map(apart).any(|time| time < HALF_AN_HOUR);
    drop(vendor);
    life.stage.witness.seen().figures.activations += agreed.len() as u64;
    if useless {
        violation(life, "the vendor was asked to call a URL that does not reach us");
    }
    if hasty && !life.stage.plan.jumps() {
        violation(life, "the vendor was asked to call again twice within half an hour");
    }
}

/// Each worker of each process may ask about a few orders that only calls named, and
/// then about one every ten minutes.
fn forged_orders_cost_little<D: Disk>(life: &Life<D>) {
    let workers = u64::from(life.stage.plan.workers);
    let minutes = life.lived().as_secs() / 60;
    let seen = life.stage.witness.seen();
    // Each is signed once more where the clocks differ.
    let most = 2 * workers * (3 * (seen.figures.starts + 1) + minutes / 10 + 1);
    let asked = seen.forged_locates;
    drop(seen);
    if asked > most {
        let text = format!("the vendor was asked {asked} times about orders that nobody made");
        violation(life, text);
    }
}

const HALF_AN_HOUR: SignedDuration = SignedDuration::from_mins(29);

/// No secret in anything said or sent, no stranger's host asked.
fn nothing_left_the_house<D: Disk>(life: &Life<D>) {
    let said = logs::take();
    let (secret_sent, hosts) = {
        let vendor = life.stage.vendor();
        let account = &vendor.config().account;
        let mut seen = life.stage.witness.seen();
        seen.secrets.extend([account.secret().to_owned(), account.key().to_owned()]);
        (vendor.journal().secret_seen(), vendor.journal().foreign_hosts().to_vec())
    };
    if secret_sent {
        violation(life, "the account's secret was sent to the vendor");
    }
    if let Some(host) = hosts.first() {
        violation(life, format!("a host that nobody allowed was asked: {host}"));
    }
    let seen = life.stage.witness.seen();
    let shown =
        seen.secrets.iter().any(|secret| secret.len() > 3 && said.contains(secret.as_str()));
    drop(seen);
    if shown {
        violation(life, "a secret stands in what was said");
    }
}
