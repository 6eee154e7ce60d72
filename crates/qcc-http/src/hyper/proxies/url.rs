//! A proxy's URL, read so that no part of it can be taken for another: what
//! stands before the `@` is never looked up, shown or sent as a host.

use std::net::Ipv6Addr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What RFC 1929 has room for, a byte of length each.
const SOCKS_LIMIT: usize = 255;

const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// The URL in one spelling: scheme, escaped user and password, host, port.
///
/// # Errors
/// Why it is no proxy's, in words that hold nothing of it.
pub(super) fn canonical(text: &str) -> Result<String, &'static str> {
    if text.chars().any(char::is_control) {
        return Err("it holds a line break or another control character");
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let scheme = scheme.to_ascii_lowercase();
    if !SCHEMES.contains(&scheme.as_str()) {
        return Err("its scheme is not http, https, socks4, socks4a, socks5 or socks5h");
    }
    // Up to here goes the authority; a slash at the very end is the root, and no doubt.
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#', '\\']) {
        return Err("something follows host and port. A /, ?, # or \\ in the user name or \
                    password must be written as %2F, %3F, %23 or %5C");
    }
    // No host holds an @, so the last one ends the password.
    let (userinfo, host) = match authority.rsplit_once('@') {
        Some((userinfo, host)) => (Some(userinfo), host),
        None => (None, authority),
    };
    check_host(host)?;
    let Some(userinfo) = userinfo else { return Ok(format!("{scheme}://{host}/")) };
    let (user, password) = match userinfo.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (userinfo, None),
    };
    let limit = if scheme.starts_with("socks") { SOCKS_LIMIT } else { usize::MAX };
    let user = escaped(user, limit)?;
    let password = match password {
        Some(password) => format!(":{}", escaped(password, limit)?),
        None => String::new(),
    };
    Ok(format!("{scheme}://{user}{password}@{host}/"))
}

/// Decoded once, as every client does, and escaped whole.
fn escaped(part: &str, limit: usize) -> Result<String, &'static str> {
    let decoded = percent_decode_str(part)
        .decode_utf8()
        .map_err(|_| "its user name or password is not UTF-8 once decoded")?;
    if decoded.len() > limit {
        return Err("its user name or password is longer than the 255 bytes SOCKS has room for");
    }
    Ok(utf8_percent_encode(&decoded, NON_ALPHANUMERIC).to_string())
}

fn check_host(text: &str) -> Result<(), &'static str> {
    const NO_HOST: &str = "it names no host: host:port is expected after the scheme";
    let (host, port) = match text.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((host, port))) => {
            host.parse::<Ipv6Addr>().map_err(|_| NO_HOST)?;
            (host, port.strip_prefix(':').or(port.is_empty().then_some("80")).ok_or(NO_HOST)?)
        }
        Some(None) => return Err(NO_HOST),
        None => text.split_once(':').unwrap_or((text, "80")),
    };
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b"-._:".contains(&b);
    if host.is_empty() || !host.bytes().all(is_name) {
        return Err(NO_HOST);
    }
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(1..) if digits => Ok(()),
        _ => Err("its port is not one: a number from 1 to 65535 is expected, and an IPv6 address \
                  in brackets"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_no_doubt_is_read() {
        for (text, expected) in [
            ("p", "http://p/"),
            ("p:1", "http://p:1/"),
            ("HTTP://P.example:3128/", "http://P.example:3128/"),
            ("https://p", "https://p/"),
            ("socks5h://[::1]:1080", "socks5h://[::1]:1080/"),
            ("http://[2001:db8::1]", "http://[2001:db8::1]/"),
            ("http://me@p:1", "http://me@p:1/"),
            ("me:pw@p:1", "http://me:pw@p:1/"),
            ("http://me:@p:1", "http://me:@p:1/"),
            ("http://me:a%2Fb%3f%23@p:1", "http://me:a%2Fb%3F%23@p:1/"),
            ("http://me:a@b:c@p:1", "http://me:a%40b%3Ac@p:1/"),
            ("http://me:100%!@p:1", "http://me:100%25%21@p:1/"),
            ("http://m e:\u{e4}@p:1", "http://m%20e:%C3%A4@p:1/"),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_leaves_doubt_is_refused_and_not_repeated() {
        let long = format!("socks5h://me:hunter2{}@p:1", "x".repeat(255));
        for text in [
            "",
            "http://",
            "http:///",
            "://p:1",
            "ftp://me:hunter2@p:1",
            "http://me:hunter2@",
            "http://me:hunter2/abc@p:3128",
            "http://me:hunter2?abc@p:3128",
            "http://me:hunter2#abc@p:3128",
            "http://me:hunter2\\abc@p:3128",
            "http://me:31337/abc@p:3128",
            "me:31337/abc@p:3128",
            "socks5h://me:hunter2/abc@p:1080",
            "http://me:hunter2://abc@p:1",
            "me:hunter2://abc@p:1",
            "http://p:1/path",
            "http://p:1//",
            "http://p:1?hunter2",
            "http://p:",
            "http://p:0",
            "http://p:+1",
            "http://p:65536",
            "http://p:1:2",
            "http://::1:3128",
            "http://[::1",
            "http://[::1]3128",
            "http://[hunter2]:1",
            "hunter2 x",
            "http://me:hunter2\n@p:1",
            "http://me:hunter2%FF@p:1",
            "http://\u{4f01}.cn:1",
            &long,
        ] {
            let why = canonical(text).expect_err(text);
            assert!(!why.contains("hunter2") && !why.contains("31337"), "{text}: {why}");
        }
    }
}
