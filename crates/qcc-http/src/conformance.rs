//! The contract of [`Transport`], as a suite of cases.
//!
//! Each case starts a small server on loopback that speaks raw bytes, sends a
//! request or two through the transport, and compares. [`cases`] lists them with
//! the sentence of the contract that each one checks. A transport that cannot open
//! sockets (one in memory, say) has no use for the suite.
//!
//! [`transport_conformance!`](crate::transport_conformance) makes a `#[test]` of each
//! case. [`Suite`] runs them in one, side by side, in about three seconds:
//!
//! ```
//! # #[cfg(feature = "ring")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use qcc_http::{HyperTransport, Roots, conformance::Suite};
//!
//! let transport = HyperTransport::builder().roots(Roots::bundled()).build()?;
//! let report = Suite::new(transport).run().await?;
//! println!("{report}");
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "ring"))]
//! # fn main() {}
//! ```
//!
//! The cases run through [`AnyTransport`], as a client sends, so the transport need
//! not keep the time limits itself. A case that a transport cannot hold is left out
//! by its name, with the reason: [`Suite::without`].

mod cases;
mod expect;
mod list;
mod server;

use std::{error::Error as StdError, fmt, future::Future, pin::Pin, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use crate::{AnyTransport, Transport};

pub use list::cases;

/// No case waits for anything near this long.
const HUNG: Duration = Duration::from_secs(20);

/// One promise of the contract, and how it is checked.
pub struct Case {
    name: &'static str,
    contract: &'static str,
    run: fn(AnyTransport) -> Running,
}

type Running = Pin<Box<dyn Future<Output = Result<Outcome, String>> + Send>>;

/// How a case ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The transport keeps the promise.
    Kept,
    /// The promise does not apply, because the transport says so.
    NotApplicable(String),
    /// The case was left out, for this reason.
    LeftOut(String),
}

impl Case {
    /// The name, which is that of a test.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The promise, in a sentence.
    pub fn contract(&self) -> &'static str {
        self.contract
    }

    /// Runs this case alone. Needs a tokio runtime with time and I/O.
    ///
    /// # Errors
    /// [`CaseFailed`], with what was seen instead.
    pub async fn run(&self, transport: impl Transport + 'static) -> Result<Outcome, CaseFailed> {
        let running = (self.run)(AnyTransport::new(transport));
        timeout(HUNG, running)
            .await
            .unwrap_or_else(|_| Err(format!("nothing happened for {HUNG:?}")))
            .map_err(|seen| CaseFailed { name: self.name, contract: self.contract, seen })
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A transport did not keep a promise. The transport is at fault.
#[derive(Debug, Clone)]
pub struct CaseFailed {
    name: &'static str,
    contract: &'static str,
    seen: String,
}

impl CaseFailed {
    /// The name of the case.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What was seen instead.
    pub fn seen(&self) -> &str {
        &self.seen
    }
}

impl fmt::Display for CaseFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (the contract: {})", self.name, self.seen, self.contract)
    }
}

impl StdError for CaseFailed {}

/// All cases for one transport, but for those that are left out.
#[derive(Debug, Clone)]
#[must_use]
pub struct Suite {
    transport: AnyTransport,
    left_out: Vec<(String, String)>,
}

impl Suite {
    /// All cases.
    pub fn new(transport: impl Transport + 'static) -> Self {
        Self { transport: AnyTransport::new(transport), left_out: Vec::new() }
    }

    /// Leaves a case out by its name, and says why. A name that no case has fails
    /// the suite.
    pub fn without(mut self, name: impl Into<String>, reason: impl Into<String>) -> Self {
        self.left_out.push((name.into(), reason.into()));
        self
    }

    /// Runs the cases side by side. Needs a tokio runtime with time and I/O.
    ///
    /// # Errors
    /// [`Failures`]: every case that failed, with what was seen instead.
    pub async fn run(self) -> Result<Report, Failures> {
        let mut failed: Vec<_> = unknown(self.left_out.iter().map(|(name, _)| name.as_str()));
        let mut outcomes = Vec::new();
        let mut running = JoinSet::new();
        for (at, case) in cases().iter().enumerate() {
            match self.left_out.iter().find(|(name, _)| name == case.name) {
                Some((_, reason)) => outcomes.push((at, Outcome::LeftOut(reason.clone()))),
                None => {
                    let transport = self.transport.clone();
                    running.spawn(async move { (at, case.run(transport).await) });
                }
            }
        }
        while let Some(ended) = running.join_next().await {
            match ended {
                Ok((at, Ok(outcome))) => outcomes.push((at, outcome)),
                Ok((_, Err(failure))) => failed.push(failure),
                Err(panicked) => failed.push(CaseFailed {
                    name: "a case",
                    contract: "a transport does not panic",
                    seen: panicked.to_string(),
                }),
            }
        }
        if !failed.is_empty() {
            failed.sort_by_key(CaseFailed::name);
            return Err(Failures { failed });
        }
        outcomes.sort_by_key(|(at, _)| *at);
        let outcomes = cases().iter().map(|case| case.name).zip(outcomes).map(|(n, (_, o))| (n, o));
        Ok(Report { outcomes: outcomes.collect() })
    }
}

/// Names that no case has.
fn unknown<'a>(names: impl Iterator<Item = &'a str>) -> Vec<CaseFailed> {
    names
        .filter(|name| !cases().iter().any(|case| case.name == *name))
        .map(|name| CaseFailed {
            name: "a case that is left out",
            contract: "only cases that exist can be left out",
            seen: format!("there is no case {name:?}"),
        })
        .collect()
}

/// Runs one case from a test that is not async, with a runtime of its own: what
/// [`transport_conformance!`](crate::transport_conformance) makes of each case.
///
/// # Errors
/// [`CaseFailed`], also where no case has this name or one of those left out.
pub fn run_case<T: Transport + 'static>(
    name: &str,
    left_out: &[(&str, &str)],
    transport: impl FnOnce() -> T,
) -> Result<(), CaseFailed> {
    let names = left_out.iter().map(|(name, _)| *name).chain([name]);
    if let Some(failure) = unknown(names).into_iter().next() {
        return Err(failure);
    }
    let Some(case) = cases().iter().find(|case| case.name == name) else { return Ok(()) };
    if left_out.iter().any(|(left_out, _)| *left_out == name) {
        return Ok(());
    }
    let failed = |error: std::io::Error| CaseFailed {
        name: case.name,
        contract: case.contract,
        seen: format!("no runtime: {error}"),
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async { case.run(transport()).await.map(drop) })
}

/// Makes a `#[test]` of each case of the contract, see [`conformance`](crate::conformance).
///
/// ```
/// # #[cfg(feature = "ring")]
/// mod my_transport {
///     # use qcc_http::{HyperTransport, Roots};
///     # fn my_transport() -> HyperTransport {
///     #     HyperTransport::builder().roots(Roots::bundled()).build().unwrap()
///     # }
///     qcc_http::transport_conformance! {
///         my_transport(),
///         without: { an_unusual_uri_is_not_normalised: "the stack parses URLs by the WHATWG rules" }
///     }
/// }
/// ```
#[macro_export]
macro_rules! transport_conformance {
    ($transport:expr $(, without: { $($name:ident : $reason:literal),* $(,)? })? $(,)?) => {
        $crate::__transport_cases! {
            [$crate::__transport_tests] ($transport) [$($((stringify!($name), $reason)),*)?]
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __transport_tests {
    (($transport:expr) [$($left_out:tt)*] $($name:ident = $contract:literal,)*) => {
        $crate::__transport_tests! { @each ($transport) {[$($left_out)*]} $($name)* }
    };
    (@each ($transport:expr) $left_out:tt $first:ident $($rest:ident)*) => {
        $crate::__transport_tests! { @one ($transport) $left_out $first }
        $crate::__transport_tests! { @each ($transport) $left_out $($rest)* }
    };
    (@each ($transport:expr) $left_out:tt) => {};
    (@one ($transport:expr) {[$($left_out:tt)*]} $name:ident) => {
        #[test]
        fn $name() -> ::std::result::Result<(), $crate::conformance::CaseFailed> {
            $crate::conformance::run_case(stringify!($name), &[$($left_out)*], || $transport)
        }
    };
}

/// How each case ended, where none failed.
#[derive(Debug, Clone)]
pub struct Report {
    outcomes: Vec<(&'static str, Outcome)>,
}

impl Report {
    /// Each case by its name, and how it ended.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Outcome)> {
        self.outcomes.iter().map(|(name, outcome)| (*name, outcome))
    }

    /// The names of the promises that are kept.
    pub fn kept(&self) -> impl Iterator<Item = &'static str> {
        self.iter().filter(|(_, outcome)| **outcome == Outcome::Kept).map(|(name, _)| name)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} cases kept", self.kept().count(), self.outcomes.len())?;
        for (name, outcome) in self.iter() {
            match outcome {
                Outcome::Kept => {}
                Outcome::NotApplicable(why) => write!(f, "\n  {name}: not applicable, {why}")?,
                Outcome::LeftOut(why) => write!(f, "\n  {name}: left out, {why}")?,
            }
        }
        Ok(())
    }
}

/// The cases a transport failed. The transport is at fault.
#[derive(Debug, Clone)]
pub struct Failures {
    failed: Vec<CaseFailed>,
}

impl Failures {
    /// The cases that failed.
    pub fn iter(&self) -> impl Iterator<Item = &CaseFailed> {
        self.failed.iter()
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cases of the transport contract failed", self.failed.len())?;
        for failure in self.iter() {
            write!(f, "\n  {failure}")?;
        }
        Ok(())
    }
}

impl StdError for Failures {}
