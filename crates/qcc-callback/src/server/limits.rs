//! [`ServerLimits`].

use std::time::Duration;

/// Limits of a callback server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerLimits {
    /// Maximum number of connections. When the last one is taken, the oldest connection
    /// that is waiting for a request is closed. Default: 512.
    pub connections: usize,
    /// Maximum length of a request head in bytes; values below 8 KiB count as 8 KiB.
    /// Default: 16 KiB.
    pub head_bytes: usize,
    /// Maximum number of headers. Default: 64.
    pub headers: usize,
    /// Maximum time for a request head, from its first byte to its end. Default: 10 s.
    pub head: Duration,
    /// Maximum time between requests. It should be longer than load balancers keep idle
    /// connections: if the server closes first, it may cut off a request that is on its
    /// way. Default: 150 s.
    pub idle: Duration,
    /// Maximum time for a handshake. Default: 5 s.
    pub handshake: Duration,
    /// Maximum time for the inbox before the answer is 503. Default: 5 s.
    pub answer: Duration,
    /// Maximum time to finish running requests at a shutdown. Default: 8 s.
    pub shutdown: Duration,
}

impl ServerLimits {
    /// The smallest limit that hyper supports.
    pub(super) const LEAST_HEAD_BYTES: usize = 8 * 1024;
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            // Together with the store and the engine, below the usual 1,024 open files.
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
