qcc_http::transport_conformance! {
    transport_ureq::transport(),
    without: {
        a_stalled_body_times_out: "a read of ureq cannot be interrupted, so the connection stays open",
        a_slow_body_ends_by_its_minimum_rate: "as above",
        a_body_ends_by_its_total: "as above",
        dropping_the_future_closes_the_connection: "as above",
        dropping_the_body_closes_the_connection: "as above",
    }
}
