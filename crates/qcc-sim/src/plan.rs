//! How often what goes wrong, and until when.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;

use crate::{
    Exchange, Fault,
    fault::Place,
    seed::{self, Rng},
};

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Rate {
    /// Its chance at each opportunity, from 0 to 1.
    pub chance: f64,
    /// How often at most; `None` for any number of times.
    pub times: Option<u32>,
}

impl Rate {
    /// At every opportunity.
    pub const ALWAYS: Self = Self { chance: 1.0, times: None };

    /// With this chance at each opportunity; beyond 0 to 1 it is cut.
    pub fn chance(chance: f64) -> Self {
        Self { chance: if chance.is_nan() { 0.0 } else { chance.clamp(0.0, 1.0) }, times: None }
    }

    /// At the first opportunities, so many.
    pub const fn first(times: u32) -> Self {
        Self { chance: 1.0, times: Some(times) }
    }

    /// The same, at most so often.
    #[must_use]
    pub const fn at_most(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// What a fault's bare name stands for: once for those that last for long, else one time in five.
    pub fn usual(fault: Fault) -> Self {
        match fault {
            _ if Fault::ACCOUNT_WIDE.contains(&fault) => Self::first(1),
            Fault::FileHost503
            | Fault::FileHostResets
            | Fault::CallbackFlood
            | Fault::ClockWrong => Self::first(1),
            Fault::ClockSkew => Self::ALWAYS,
            _ => Self::chance(0.2),
        }
    }
}

/// Which faults strike, how often, and when the vendor is healthy again.
///
/// At most one fault strikes an exchange: the first of the plan that does. The
/// draws come from the vendor's seed, one sequence for each fault, so the same
/// requests in the same order meet the same faults.
///
/// As text, a plan is a list: `name`, `name:CHANCE`, `name*TIMES` or
/// `name:CHANCE*TIMES`, joined by commas; `random` stands for a mix of the faults
/// that pass, chosen by the vendor's seed, without those that stop a client for long.
///
/// ```
/// use qcc_sim::{Fault, FaultPlan, Rate};
///
/// let plan: FaultPlan = "http-502-html, corrupt-download*5, reset-after:0.05".parse()?;
/// assert_eq!(plan.rate(Fault::CorruptDownload), Some(Rate::first(5)));
/// let error = "explode".parse::<FaultPlan>().unwrap_err();
/// assert!(error.to_string().starts_with("`explode` is no fault"));
/// # Ok::<(), qcc_sim::InvalidFaultPlan>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FaultPlan {
    rules: Vec<(Fault, Rate)>,
    random: bool,
    until: Option<Timestamp>,
    at_most: Option<u32>,
    skew: Option<SignedDuration>,
}

impl FaultPlan {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// A mix of the faults that pass, chosen by the vendor's seed.
    ///
    /// It holds none of [`Fault::ACCOUNT_WIDE`]: each of them stops a client for minutes or
    /// hours, so they strike where they are named.
    pub fn random() -> Self {
        Self { random: true, ..Self::default() }
    }

    /// Adds a fault, or changes its rate.
    #[must_use]
    pub fn with(mut self, fault: Fault, rate: Rate) -> Self {
        self.rules.retain(|(known, _)| *known != fault);
        self.rules.push((fault, rate));
        self
    }

    /// The vendor is healthy from then on. Spoilt orders stay spoilt.
    #[must_use]
    pub fn until(mut self, end: Timestamp) -> Self {
        self.until = Some(end);
        self
    }

    /// The vendor is healthy after so many faults, all kinds together.
    #[must_use]
    pub fn at_most(mut self, faults: u32) -> Self {
        self.at_most = Some(faults);
        self
    }

    /// How far the vendor's clock is ahead under [`Fault::ClockSkew`] and
    /// [`Fault::ClockWrong`]: 10 minutes unless told otherwise; negative for behind.
    #[must_use]
    pub fn skew(mut self, ahead: SignedDuration) -> Self {
        self.skew = Some(ahead);
        self
    }

    /// The rate of a fault the plan names; those of a random mix are not named.
    pub fn rate(&self, fault: Fault) -> Option<Rate> {
        self.rules.iter().find(|(known, _)| *known == fault).map(|(_, rate)| *rate)
    }
}

impl FromStr for FaultPlan {
    type Err = InvalidFaultPlan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut plan = Self::none();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            if item == "random" {
                plan.random = true;
                continue;
            }
            let (fault, rate) = rule(item)?;
            plan = plan.with(fault, rate);
        }
        Ok(plan)
    }
}

fn rule(item: &str) -> Result<(Fault, Rate), InvalidFaultPlan> {
    let wrong_rate = || InvalidFaultPlan::Rate { item: excerpt(item) };
    let (rest, times) = match item.split_once('*') {
        Some((rest, times)) => (rest, Some(times.trim().parse().map_err(|_| wrong_rate())?)),
        None => (item, None),
    };
    let (name, chance) = match rest.split_once(':') {
        Some((name, chance)) => {
            (name, Some(chance.trim().parse::<f64>().map_err(|_| wrong_rate())?))
        }
        None => (rest, None),
    };
    let fault: Fault =
        name.trim().parse().map_err(|_| InvalidFaultPlan::Name { name: excerpt(name.trim()) })?;
    let rate = match (chance, times) {
        (Some(chance), _) if !(0.0..=1.0).contains(&chance) => return Err(wrong_rate()),
        (Some(chance), times) => Rate { chance, times },
        (None, Some(times)) => Rate::first(times),
        (None, None) => Rate::usual(fault),
    };
    Ok((fault, rate))
}

fn excerpt(text: &str) -> String {
    text.chars().flat_map(char::escape_debug).take(40).collect()
}

/// The text is no plan. The caller's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidFaultPlan {
    /// No fault has this name.
    #[error("`{name}` is no fault of the simulator; the names are: {}", names())]
    Name {
        /// What stood there, escaped and cut.
        name: String,
    },
    /// The rate is none.
    #[error(
        "`{item}` has no rate: name, name:CHANCE, name*TIMES or name:CHANCE*TIMES is expected, \
         CHANCE from 0 to 1"
    )]
    Rate {
        /// What stood there, escaped and cut.
        item: String,
    },
}

fn names() -> String {
    Fault::ALL.iter().map(|fault| fault.as_str()).collect::<Vec<_>>().join(", ")
}

/// A plan at work: what it drew so far.
pub(crate) struct Strikes {
    rules: Vec<Rule>,
    until: Option<Timestamp>,
    left: Option<u32>,
    skew: SignedDuration,
}

struct Rule {
    fault: Fault,
    chance: f64,
    left: Option<u32>,
    draws: Rng,
    struck: u32,
}

impl Strikes {
    pub(crate) fn new(plan: &FaultPlan, seed: u64) -> Self {
        let mut mix = seed::derive(seed, "fault mix", 0);
        let mut rules: Vec<Rule> =
            plan.rules.iter().map(|(fault, rate)| Rule::new(*fault, *rate, seed)).collect();
        let mut skew = SignedDuration::from_mins(10);
        if plan.random {
            let named = |fault: &&Fault| plan.rate(**fault).is_none();
            let mixed = Fault::ALL.iter().filter(|fault| fault.is_mixed()).filter(named);
            for fault in mixed {
                rules.extend(random_rate(*fault, &mut mix).map(|r| Rule::new(*fault, r, seed)));
            }
            let minutes = mix.random_range(6..=120);
            skew = SignedDuration::from_mins(if mix.random() { minutes } else { -minutes });
        }
        Self { rules, until: plan.until, left: plan.at_most, skew: plan.skew.unwrap_or(skew) }
    }

    /// The fault that strikes this exchange, if one does.
    pub(crate) fn strike(&mut self, exchange: Exchange, now: Timestamp) -> Option<Fault> {
        self.draw(now, |fault| fault.place().covers(exchange))
    }

    /// The fault that spoils an order being made, if one does.
    pub(crate) fn spoil(&mut self, now: Timestamp) -> Option<Fault> {
        self.draw(now, |fault| fault.place() == Place::Order)
    }

    /// The fault that strikes when a scheduled order is due, if one does.
    pub(crate) fn hold_back(&mut self, now: Timestamp) -> Option<Fault> {
        self.draw(now, |fault| fault.place() == Place::Schedule)
    }

    /// How far the vendor's clock is ahead of the true time, where it is `wrong` or the
    /// plan says that it always is.
    pub(crate) fn skew(&self, wrong: bool, now: Timestamp) -> SignedDuration {
        let skewed = wrong || self.rules.iter().any(|rule| rule.fault == Fault::ClockSkew);
        if skewed && self.lasts(now) { self.skew } else { SignedDuration::ZERO }
    }

    /// How often each fault struck.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Fault, u32)> {
        self.rules.iter().map(|rule| (rule.fault, rule.struck))
    }

    fn draw(&mut self, now: Timestamp, fits: impl Fn(Fault) -> bool) -> Option<Fault> {
        if !self.lasts(now) {
            return None;
        }
        let rule = self.rules.iter_mut().filter(|rule| fits(rule.fault)).find_map(Rule::draw)?;
        self.left = self.left.map(|left| left.saturating_sub(1));
        Some(rule)
    }

    fn lasts(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|end| now < end) && self.left != Some(0)
    }
}

impl Rule {
    fn new(fault: Fault, rate: Rate, seed: u64) -> Self {
        let draws = seed::derive(seed, fault.as_str(), 0);
        Self { fault, chance: rate.chance.clamp(0.0, 1.0), left: rate.times, draws, struck: 0 }
    }

    fn draw(&mut self) -> Option<Fault> {
        if self.left == Some(0) || !self.draws.random_bool(self.chance) {
            return None;
        }
        self.left = self.left.map(|left| left - 1);
        self.struck += 1;
        Some(self.fault)
    }
}

/// Half of the faults, each with a small chance of its own.
fn random_rate(fault: Fault, mix: &mut Rng) -> Option<Rate> {
    let chosen = mix.random_bool(if fault == Fault::ClockSkew { 0.2 } else { 0.5 });
    let rate = match fault {
        Fault::ClockSkew => Rate::usual(fault),
        _ => Rate::chance(f64::from(mix.random_range(1..=12)) / 100.0),
    };
    chosen.then_some(rate)
}

impl fmt::Debug for Strikes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.counts()).finish()
    }
}
