//! The client's address, behind trusted proxies.

use std::net::{IpAddr, SocketAddr};

use http::{Extensions, HeaderMap};
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The peer address of the connection. The server sets it as a request extension.
///
/// Without it the client is unknown: it is refused if
/// [`Guards::sources`](crate::Guards::sources) is set, and otherwise shares one rate
/// limit with all other unknown clients. With the feature `axum`, axum's
/// `ConnectInfo<SocketAddr>` is used as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// The client's address: the peer itself, or what a trusted proxy reports.
///
/// Each proxy appends the address it received the request from. Read from the end,
/// the first address that is not a trusted proxy is the client; the entries before
/// it may be forged.
pub(crate) fn client(
    extensions: &Extensions,
    headers: &HeaderMap,
    proxies: &[IpNet],
) -> Option<IpAddr> {
    let mut client = peer(extensions)?.ip().to_canonical();
    let mut entries = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .rev()
        .flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
    while contains(proxies, client) {
        let Some(entry) = entries.next() else { break };
        client = address(entry)?;
    }
    Some(client)
}

/// The peer address, as the server reported it.
fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    let peer = extensions.get::<PeerAddr>().map(|PeerAddr(peer)| *peer);
    #[cfg(feature = "axum")]
    let peer = peer
        .or_else(|| extensions.get::<axum::extract::ConnectInfo<SocketAddr>>().map(|info| info.0));
    peer
}

pub(crate) fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse().map(|socket: SocketAddr| socket.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}
