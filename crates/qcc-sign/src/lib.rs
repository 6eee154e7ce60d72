#![doc = include_str!("../README.md")]

mod credentials;
mod key;
mod timespan;
mod token;

pub use credentials::{Credentials, Signed};
pub use key::{AppKey, InvalidKey, InvalidKeyKind, SecretKey};
pub use timespan::Timespan;
pub use token::Token;
