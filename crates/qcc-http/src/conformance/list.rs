//! The contract: each promise with the name of the case that checks it.

use super::{Case, cases as run};

/// Passes the list on to another macro. The one place where it is written down.
#[doc(hidden)]
#[macro_export]
macro_rules! __transport_cases {
    ([$($then:tt)*] $($given:tt)*) => {
        $($then)*! {
            $($given)*
            every_status_is_an_answer =
                "An answer is Ok whatever its HTTP status, errors and redirects included.",
            redirects_are_not_followed =
                "No redirect is followed.",
            a_redirect_to_a_refused_address_reaches_nobody =
                "A redirect to an address that the policy refuses reaches nobody.",
            the_uri_goes_out_byte_for_byte =
                "Path and query of a presigned link go out byte for byte, escapes included.",
            an_unusual_uri_is_not_normalised =
                "Dot segments, doubled slashes and characters that need no escape go out as they are.",
            headers_go_out_and_none_is_added =
                "All headers of the request go out, and none is added that a presigned link would have to cover or that asks for compression.",
            a_request_body_goes_out =
                "The body of a request goes out with its length.",
            an_interim_answer_is_skipped =
                "An interim answer (1xx) is skipped.",
            a_body_streams =
                "Each piece of the body is handed on as soon as it is there.",
            a_long_body_arrives_whole =
                "A body of any length arrives whole.",
            a_slow_steady_body_arrives_whole =
                "A body may take any time, as long as its pieces keep coming: the transport has no total timeout of its own.",
            a_chunked_body_arrives_whole =
                "A chunked body arrives whole and without its framing.",
            a_body_may_end_with_the_connection =
                "A body without a length ends with the connection.",
            the_length_of_a_body_is_known =
                "The announced length of a body is known, by the Content-Length header or the size hint of the body.",
            content_is_not_decoded =
                "Content is not decoded, and the Content-Encoding header is kept.",
            a_short_body_is_an_error =
                "A body that ends before its announced length is an error.",
            a_short_chunked_body_is_an_error =
                "A chunked body that ends before its last chunk is an error.",
            a_reset_body_is_an_error =
                "A connection that is reset within the body is an error.",
            a_stalled_body_times_out =
                "A body that stalls ends with a timeout, and its connection is closed.",
            a_slow_body_ends_by_its_minimum_rate =
                "A body below the minimum rate ends with a timeout, and its connection is closed.",
            a_body_ends_by_its_total =
                "A body that takes longer than the total ends with a timeout, and its connection is closed.",
            a_missing_head_times_out =
                "An answer that does not come ends with a timeout, and its connection is closed.",
            a_dripping_head_times_out =
                "A head that never ends is a timeout, and its connection is closed.",
            a_closed_connection_is_an_error_and_not_retried =
                "A connection that closes without an answer is an error, and nothing is sent twice.",
            what_is_not_http_is_an_error =
                "An answer that is not HTTP is an error.",
            a_refused_connection_is_told_apart =
                "A refused connection is an error of the kind Connect.",
            a_uri_without_a_host_is_refused =
                "A request without a host is an error of the kind Request.",
            dropping_the_future_closes_the_connection =
                "Dropping the future of a request closes its connection.",
            dropping_the_body_closes_the_connection =
                "Dropping a body before its end closes its connection.",
            a_private_address_is_refused =
                "An address that the policy refuses is not connected to, whether the URL names it or a host resolves to it: an error of the kind Forbidden.",
            an_excepted_address_is_connected_to =
                "An address that the policy allows by exception is connected to.",
            a_connection_is_not_reused_under_another_policy =
                "A connection that one policy allowed is not used for a request with a policy that refuses it.",
        }
    };
}

macro_rules! define {
    ($($name:ident = $contract:literal,)*) => {
        const ALL: &[Case] = &[$(Case {
            name: stringify!($name),
            contract: $contract,
            run: |transport| Box::pin(run::$name(transport)),
        }),*];

        /// The cases, each with its promise:
        ///
        $(#[doc = concat!("- `", stringify!($name), "`: ", $contract)])*
        pub fn cases() -> &'static [Case] {
            ALL
        }
    };
}

__transport_cases!([define]);
