//! What an error of the libraries below means to a caller.

use std::{error::Error as StdError, io};

use hyper_util::client::legacy;

use crate::{
    TransportError, TransportErrorKind as Kind,
    transport::{copied, find},
};

/// A request that got no answer.
pub(super) fn request(error: &legacy::Error) -> TransportError {
    if let Some(ours) = find::<TransportError>(error) {
        return ours.clone();
    }
    if error.is_connect() {
        return handshake(error);
    }
    match find::<hyper::Error>(error) {
        // hyper hands a request back, and says "canceled", only if none of it was written.
        Some(cause) if cause.is_canceled() => TransportError::new(Kind::Connect)
            .with_source("the connection closed before the request was written"),
        Some(cause) if cause.is_parse() => {
            TransportError::new(Kind::Protocol).with_source(cause.to_string())
        }
        Some(cause) => broken(cause),
        None if error.source().is_none() => TransportError::new(Kind::Request),
        None => TransportError::new(Kind::Broken),
    }
}

/// A body that broke off.
pub(super) fn body(error: hyper::Error) -> TransportError {
    let malformed = find::<io::Error>(&error).is_some_and(|cause| {
        matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
    });
    if malformed || error.is_parse() {
        return TransportError::new(Kind::Protocol).with_source(error);
    }
    broken(&error)
}

fn broken(error: &hyper::Error) -> TransportError {
    let broken = TransportError::new(Kind::Broken);
    match find::<io::Error>(error) {
        Some(cause) => broken.with_source(copied(cause)),
        None => broken.with_source(error.to_string()),
    }
}

/// Connected, but no TLS came of it. Nothing of the request was written.
pub(super) fn handshake(error: &(dyn StdError + 'static)) -> TransportError {
    if let Some(cause) = find::<rustls::Error>(error) {
        return TransportError::new(Kind::Tls).with_source(tls(cause));
    }
    if find::<rustls::pki_types::InvalidDnsNameError>(error).is_some() {
        return TransportError::new(Kind::Request)
            .with_source("its host is no name a certificate can be for");
    }
    let closed = TransportError::new(Kind::Connect);
    match find::<io::Error>(error) {
        Some(cause) => closed.with_source(copied(cause)),
        None => closed.with_source("the connection closed during the handshake"),
    }
}

/// Why there is no TLS, in a sentence; what the library says in brackets.
fn tls(cause: &rustls::Error) -> String {
    use rustls::{CertificateError as Bad, Error};
    let sentence = match cause {
        Error::InvalidCertificate(Bad::UnknownIssuer) => {
            "no authority that is trusted here has signed its certificate; where a company's \
             proxy inspects TLS, name its authority"
        }
        Error::InvalidCertificate(
            Bad::Expired
            | Bad::ExpiredContext { .. }
            | Bad::NotValidYet
            | Bad::NotValidYetContext { .. },
        ) => "its certificate has expired or is not valid yet, or this machine's clock is wrong",
        Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            "its certificate is for another name"
        }
        Error::InvalidCertificate(_) => "its certificate cannot be trusted",
        Error::InvalidMessage(_) => "what it sent is not TLS",
        Error::AlertReceived(_) => "it refused the handshake",
        Error::PeerIncompatible(_) => "it speaks no version of TLS, or no cipher, that is safe",
        _ => return cause.to_string(),
    };
    format!("{sentence} ({cause})")
}
