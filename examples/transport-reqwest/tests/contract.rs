qcc_http::transport_conformance! {
    transport_reqwest::ReqwestTransport::new().unwrap(),
    without: { an_unusual_uri_is_not_normalised: "reqwest parses URLs by the WHATWG rules" }
}
