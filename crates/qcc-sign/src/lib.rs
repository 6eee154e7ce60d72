#![doc = include_str!("../README.md")]

mod credentials;
mod key;
mod token;

pub use credentials::{Credentials, Signed};
pub use key::{AppKey, InvalidKey, InvalidKeyKind, SecretKey};
pub use token::Token;
