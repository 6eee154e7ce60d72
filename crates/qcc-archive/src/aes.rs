//! WinZip AES: keys, the MAC over the ciphertext, and decryption.

pub(crate) mod blocks;
pub(crate) mod crypto;
pub(crate) mod fingerprint;
