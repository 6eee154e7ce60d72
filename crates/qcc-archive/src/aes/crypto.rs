//! WinZip's AES: keys from the password, the MAC, and the counter mode.

use ::aes::{Aes128, Aes192, Aes256};
use ctr::{
    Ctr128LE,
    cipher::{KeyIvInit, StreamCipher},
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::KeyStrength;

/// The number of PBKDF2 rounds that the format prescribes.
const ROUNDS: u32 = 1000;
/// The password check value's length.
pub(crate) const CHECK_LEN: usize = 2;
/// The MAC's length: the first half of an HMAC-SHA1.
pub(crate) const MAC_LEN: usize = 10;

/// Two keys of the longest kind, and the check value.
const DERIVED_LEN: usize = 2 * 32 + CHECK_LEN;

/// The output of the key derivation: encryption key, MAC key and check value,
/// one after the other, each key as long as the strength requires.
pub(crate) struct Keys {
    strength: KeyStrength,
    derived: Zeroizing<[u8; DERIVED_LEN]>,
}

impl Keys {
    /// Derives the keys. `salt` has the length that `strength` requires.
    pub(crate) fn derive(password: &[u8], salt: &[u8], strength: KeyStrength) -> Self {
        let mut derived = Zeroizing::new([0; DERIVED_LEN]);
        // A longer PBKDF2 output starts with the shorter one, so one array of fixed
        // length serves every strength and no slice can have the wrong bounds.
        pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, ROUNDS, &mut *derived);
        Self { strength, derived }
    }

    /// Whether the check value fits: 1 in 65,536 wrong passwords passes.
    pub(crate) fn fits(&self, check: [u8; CHECK_LEN]) -> bool {
        let derived = &*self.derived;
        let expected = match self.strength {
            KeyStrength::Aes128 => [derived[32], derived[33]],
            KeyStrength::Aes192 => [derived[48], derived[49]],
            KeyStrength::Aes256 => [derived[64], derived[65]],
        };
        expected.ct_eq(&check).into()
    }

    pub(crate) fn mac(&self) -> EntryMac {
        let derived = &*self.derived;
        let key = match self.strength {
            KeyStrength::Aes128 => &derived[16..32],
            KeyStrength::Aes192 => &derived[24..48],
            KeyStrength::Aes256 => &derived[32..64],
        };
        // HMAC itself pads a short key with zeros to the hash's block length.
        let mut block = Zeroizing::new([0; 64]);
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        EntryMac(Hmac::new((&*block).into()))
    }

    pub(crate) fn decryptor(&self) -> Decryptor {
        let mut counter = [0; 16];
        counter[0] = 1;
        let (key, counter) = (&*self.derived, &counter.into());
        let mut key_128 = Zeroizing::new([0; 16]);
        let mut key_192 = Zeroizing::new([0; 24]);
        let mut key_256 = Zeroizing::new([0; 32]);
        key_128.copy_from_slice(&key[..16]);
        key_192.copy_from_slice(&key[..24]);
        key_256.copy_from_slice(&key[..32]);
        match self.strength {
            KeyStrength::Aes128 => Decryptor::Aes128(Ctr::new((&*key_128).into(), counter)),
            KeyStrength::Aes192 => Decryptor::Aes192(Ctr::new((&*key_192).into(), counter)),
            KeyStrength::Aes256 => Decryptor::Aes256(Ctr::new((&*key_256).into(), counter)),
        }
    }
}

/// The running MAC over a ciphertext.
pub(crate) struct EntryMac(Hmac<Sha1>);

impl EntryMac {
    pub(crate) fn update(&mut self, ciphertext: &[u8]) {
        self.0.update(ciphertext);
    }

    /// Compares in constant time.
    pub(crate) fn matches(self, mac: &[u8; MAC_LEN]) -> bool {
        self.0.verify_truncated_left(mac).is_ok()
    }

    /// The first 16 bytes of the HMAC, as a key for another purpose.
    pub(crate) fn into_key(self) -> Zeroizing<[u8; 16]> {
        let [key @ .., _, _, _, _] = <[u8; 20]>::from(self.0.finalize().into_bytes());
        Zeroizing::new(key)
    }
}

/// AES in counter mode with a little-endian counter that starts at 1, as WinZip uses it.
pub(crate) enum Decryptor {
    Aes128(Ctr<Aes128>),
    Aes192(Ctr<Aes192>),
    Aes256(Ctr<Aes256>),
}

type Ctr<C> = Ctr128LE<C>;

impl Decryptor {
    /// Decrypts the next bytes of the stream in place.
    pub(crate) fn apply(&mut self, bytes: &mut [u8]) {
        match self {
            Self::Aes128(cipher) => cipher.apply_keystream(bytes),
            Self::Aes192(cipher) => cipher.apply_keystream(bytes),
            Self::Aes256(cipher) => cipher.apply_keystream(bytes),
        }
    }
}

/// `len` bytes that nobody can predict without `key`.
pub(crate) fn keystream(key: &[u8; 16], len: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0; len]);
    Ctr::<Aes128>::new(key.into(), &[0; 16].into()).apply_keystream(&mut bytes);
    bytes
}
