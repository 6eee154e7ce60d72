//! Reading requests the way an old web server does.

use bytes::Bytes;
use http::Request;
use percent_encoding::percent_decode_str;

/// The value of a query's parameter: the first of its name, decoded as a form,
/// so that a `+` that should have been escaped becomes a space.
pub(super) fn parameter(request: &Request<Bytes>, name: &str) -> Option<String> {
    let query = request.uri().query()?;
    query.split('&').find_map(|pair| {
        let (found, value) = pair.split_once('=')?;
        (found == name).then(|| decode(&value.replace('+', " ")))
    })
}

/// A header's value, where it is there and text.
pub(super) fn header<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// Whether a text stands anywhere in a request, as it is or percent-encoded.
pub(super) fn carries(request: &Request<Bytes>, text: &str) -> bool {
    let holds = |bytes: &[u8]| {
        let plain = String::from_utf8_lossy(bytes);
        plain.contains(text) || decode(&plain).contains(text)
    };
    holds(request.uri().to_string().as_bytes())
        || holds(request.body())
        || request
            .headers()
            .iter()
            .any(|(name, value)| holds(name.as_str().as_bytes()) || holds(value.as_bytes()))
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(request: http::request::Builder, body: &'static str, expected: bool) {
        let request = request.body(Bytes::from_static(body.as_bytes())).unwrap();
        assert_eq!(carries(&request, "S3cr3t"), expected);
    }

    #[test]
    fn a_secret_is_found_wherever_it_hides() {
        check(Request::get("http://h/p?key=a"), "", false);
        check(Request::get("http://h/p?secret=S3cr3t"), "", true);
        check(Request::get("http://h/p?secret=%533cr3t"), "", true);
        check(Request::get("http://h/S3cr3t"), "", true);
        check(Request::get("http://h/").header("x", "aS3cr3tb"), "", true);
        check(Request::get("http://h/"), "{\"k\":\"S3cr3t\"}", true);
    }
}
