//! The contract of [`Transport`], as a suite of checks.
//!
//! Each check starts a small server on loopback that speaks raw bytes, sends a
//! request or two through the transport, and compares. A transport that cannot
//! open sockets (one in memory, say) has no use for it.
//!
//! ```
//! # #[cfg(feature = "hyper")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use qcc_http::{HyperTransport, Roots, conformance};
//!
//! let transport = HyperTransport::builder().roots(Roots::bundled()).build()?;
//! conformance::check(transport).await?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "hyper"))]
//! # fn main() {}
//! ```

mod cases;
mod server;

use std::{error::Error as StdError, fmt, time::Duration};

use tokio::time::timeout;

use crate::{HttpClient, Transport};

/// No check waits for anything near this long.
const HUNG: Duration = Duration::from_secs(20);

/// Runs every check; the names of all where all hold.
///
/// Needs a tokio runtime with time and I/O, takes a few seconds, and lets the
/// transport connect to loopback addresses only.
///
/// # Errors
/// [`Failures`]: every check that does not hold, with what was seen instead.
pub async fn check(transport: impl Transport) -> Result<Vec<&'static str>, Failures> {
    let client = HttpClient::new(transport);
    let mut held = Vec::new();
    let mut failed = Vec::new();
    for (name, case) in cases::ALL {
        let verdict = timeout(HUNG, case(client.clone()))
            .await
            .unwrap_or_else(|_| Err(format!("nothing happened for {HUNG:?}")));
        match verdict {
            Ok(()) => held.push(*name),
            Err(seen) => failed.push((*name, seen)),
        }
    }
    if failed.is_empty() { Ok(held) } else { Err(Failures { failed }) }
}

/// Checks that a transport did not pass. The transport is at fault.
#[derive(Debug)]
pub struct Failures {
    failed: Vec<(&'static str, String)>,
}

impl Failures {
    /// The checks that failed, by name, each with what was seen.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.failed.iter().map(|(name, seen)| (*name, seen.as_str()))
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} checks of the transport contract failed", self.failed.len())?;
        for (name, seen) in self.iter() {
            write!(f, "\n  {name}: {seen}")?;
        }
        Ok(())
    }
}

impl StdError for Failures {}
