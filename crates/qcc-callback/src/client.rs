//! Whose request it is, as far as that can be believed.

use std::net::{IpAddr, SocketAddr};

use http::{Extensions, HeaderMap};
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address at the other end of the connection: an extension of the request,
/// set by the server.
///
/// Without it the client is unknown: refused where there is a list of sources,
/// and otherwise limited together with all other unknown ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// The client's address: the connection's own, or what a believed proxy says.
///
/// Each proxy appends whom it heard, so the last entry is the word of our own
/// proxy and everything before the first stranger, read from the end, is that
/// stranger's invention.
pub(crate) fn client(
    extensions: &Extensions,
    headers: &HeaderMap,
    proxies: &[IpNet],
) -> Option<IpAddr> {
    let PeerAddr(peer) = extensions.get::<PeerAddr>()?;
    let mut client = peer.ip().to_canonical();
    let mut heard = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .rev()
        .flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
    while contains(proxies, client) {
        let Some(entry) = heard.next() else { break };
        client = address(entry)?;
    }
    Some(client)
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
