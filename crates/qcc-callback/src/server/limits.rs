//! How much a stranger may send, and for how long.

use std::time::Duration;

/// Limits of a server of callbacks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerLimits {
    /// Connections at a time. When the last one is taken, the oldest that is
    /// still sending a head is closed, so that a seat is free for the next.
    pub connections: usize,
    /// How long the head of a request is, at most, in bytes; at least 8 KiB.
    pub head_bytes: usize,
    /// How many headers it has, at most.
    pub headers: usize,
    /// How long a connection may take to send a head, from its first byte on.
    pub head: Duration,
    /// How long a connection may wait before it sends a head, or another one. Longer
    /// than balancers and clients keep connections, so that they close first: who
    /// closes second may cut off a request that is on its way.
    pub idle: Duration,
    /// How long a handshake may take.
    pub handshake: Duration,
    /// How long the inbox may take before the answer is that it is down.
    pub answer: Duration,
    /// How long answers in hand may take at a shutdown.
    pub shutdown: Duration,
}

impl ServerLimits {
    /// Hyper reads no shorter head.
    pub(super) const LEAST_HEAD_BYTES: usize = 8 * 1024;
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            // With those of the store and the engine, below the usual 1,024 open files.
            connections: 512,
            head_bytes: 16 * 1024,
            headers: 64,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(150),
            handshake: Duration::from_secs(5),
            answer: Duration::from_secs(5),
            shutdown: Duration::from_secs(8),
        }
    }
}
