//! Several addresses, some of them dead: tried as RFC 8305 says ("Happy
//! Eyeballs"), so that a dead one costs a quarter of a second and not the call.

use std::{collections::VecDeque, error::Error as StdError, net::SocketAddr, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::timeout;

use crate::{TransportError, TransportErrorKind as Kind};

/// How long an address has to itself before the next one is tried beside it.
const STAGGER: Duration = Duration::from_millis(250);

/// As many failures are told; a name may have hundreds of addresses.
const TOLD: usize = 4;

/// The first of the attempts that succeeds; the others are dropped.
///
/// One starts every [`STAGGER`], or as soon as another has failed. How long all
/// of it may take is the caller's to limit.
pub(super) async fn race<T, A: Future<Output = Result<T, TransportError>>>(
    addresses: &[SocketAddr],
    attempt: impl Fn(SocketAddr) -> A,
) -> Result<T, TransportError> {
    let mut waiting = interleaved(addresses);
    let mut attempts = FuturesUnordered::new();
    let mut failed = Vec::new();
    loop {
        if let Some(address) = waiting.pop_front() {
            let attempt = attempt(address);
            attempts.push(async move { (address, attempt.await) });
        }
        let ended = match waiting.is_empty() {
            true => attempts.next().await,
            // The pause is over: the next one starts beside those under way.
            false => match timeout(STAGGER, attempts.next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            },
        };
        match ended {
            Some((_, Ok(connected))) => return Ok(connected),
            // Refused credentials are refused for every address, and may lock an account.
            Some((_, Err(error))) if error.kind() == Kind::Proxy => return Err(error),
            Some((address, Err(error))) => failed.push((address, error)),
            None => return Err(all_failed(failed)),
        }
    }
}

/// Each address once, the families taking turns, in the resolver's order.
fn interleaved(addresses: &[SocketAddr]) -> VecDeque<SocketAddr> {
    let starts_with_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (VecDeque<SocketAddr>, VecDeque<_>) =
        addresses.iter().partition(|address| address.is_ipv6() == starts_with_v6);
    let mut order = VecDeque::with_capacity(addresses.len());
    loop {
        match (first.pop_front(), second.pop_front()) {
            (None, None) => return order,
            turn => {
                for address in [turn.0, turn.1].into_iter().flatten() {
                    if !order.contains(&address) {
                        order.push_back(address);
                    }
                }
            }
        }
    }
}

fn all_failed(failed: Vec<(SocketAddr, TransportError)>) -> TransportError {
    let Some((_, first)) = failed.first() else {
        return TransportError::new(Kind::Resolve);
    };
    if failed.len() == 1 {
        return first.clone();
    }
    let mut text = format!("none of its {} addresses can be reached", failed.len());
    for (n, (address, error)) in failed.iter().take(TOLD).enumerate() {
        let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        text.push_str(if n == 0 { " (" } else { ", " });
        text.push_str(&format!("{}: {why}", address.ip()));
    }
    text.push_str(if failed.len() > TOLD { ", …)" } else { ")" });
    TransportError::new(first.kind()).with_source(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::{Instant, sleep};

    use super::*;

    fn at(text: &str) -> SocketAddr {
        format!("{text}:80").parse().unwrap()
    }

    #[test]
    fn families_take_turns_and_none_is_tried_twice() {
        let (a, b, c) = (at("192.0.2.1"), at("192.0.2.2"), at("192.0.2.3"));
        let (x, y) = (at("[2001:db8::1]"), at("[2001:db8::2]"));
        for (found, expected) in [
            (vec![], vec![]),
            (vec![a], vec![a]),
            (vec![x, y, a, b, c], vec![x, a, y, b, c]),
            (vec![a, b, x], vec![a, x, b]),
            (vec![a, a, x, a, b], vec![a, x, b]),
        ] {
            assert_eq!(interleaved(&found), expected, "{found:?}");
        }
    }

    /// When each address was tried, in milliseconds, and how the race ended.
    async fn raced(script: &[(&str, u64, bool)]) -> (Vec<u128>, Result<SocketAddr, String>, u128) {
        let started = Instant::now();
        let begun = Mutex::new(Vec::new());
        let addresses: Vec<_> = script.iter().map(|(address, ..)| at(address)).collect();
        let ended = race(&addresses, |address| {
            begun.lock().unwrap().push(started.elapsed().as_millis());
            let (_, millis, good) = *script.iter().find(|(text, ..)| at(text) == address).unwrap();
            async move {
                sleep(Duration::from_millis(millis)).await;
                let refused = TransportError::new(Kind::Connect);
                if good { Ok(address) } else { Err(refused.with_source("refused")) }
            }
        })
        .await;
        let ended = ended.map_err(|error| error.source().unwrap().to_string());
        (begun.into_inner().unwrap(), ended, started.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_address_costs_a_quarter_of_a_second() {
        let hour = 3_600_000;
        let (begun, ended, took) =
            raced(&[("192.0.2.1", hour, false), ("192.0.2.2", 10, true)]).await;
        assert_eq!((begun, ended, took), (vec![0, 250], Ok(at("192.0.2.2")), 260));
        // A slow first one still wins where the others are slower.
        let (_, ended, took) = raced(&[("192.0.2.1", 400, true), ("192.0.2.2", 400, true)]).await;
        assert_eq!((ended, took), (Ok(at("192.0.2.1")), 400));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_brings_the_next_one_at_once() {
        let script = [("192.0.2.1", 5, false), ("192.0.2.2", 5, false), ("192.0.2.3", 5, true)];
        let (begun, ended, took) = raced(&script).await;
        assert_eq!((begun, ended, took), (vec![0, 5, 10], Ok(at("192.0.2.3")), 15));
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_fail_each_is_told() {
        let script = [("192.0.2.1", 5, false), ("192.0.2.2", 900, false)];
        let (_, ended, _) = raced(&script).await;
        assert_eq!(
            ended.unwrap_err(),
            "none of its 2 addresses can be reached (192.0.2.1: refused, 192.0.2.2: refused)"
        );
    }
}
