qcc_http::transport_conformance! { transport_tower::transport() }
