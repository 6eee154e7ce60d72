//! Detects whether bytes read a second time are the ones authenticated before.
//!
//! A ciphertext too large to keep is read twice, once for the MAC and once to be
//! decrypted, and the file may change in between. A second HMAC-SHA1 would
//! detect that at 1.6 GB/s. Less is needed: both readings have the same length,
//! the fingerprints never leave this process, and the first difference ends the
//! reading. A universal hash is enough for that. NH, the hash in UMAC and VMAC,
//! needs one multiplication per 16 bytes. It gives two different segments of the
//! same length the same fingerprint with a chance of at most 2^-64, whoever chose
//! them, as long as they do not know its key. The key is derived from the entry's
//! MAC key.

use zeroize::Zeroizing;

use crate::aes::crypto::{Keys, keystream};

/// The bytes that one fingerprint covers; NH's key has the same length.
pub(crate) const SEGMENT_LEN: usize = 64 * 1024;

/// Computes fingerprints with one key.
pub(crate) struct Fingerprinter {
    key: Zeroizing<Vec<u8>>,
}

impl Fingerprinter {
    pub(crate) fn new(keys: &Keys) -> Self {
        let mut mac = keys.mac();
        mac.update(b"qcc-archive: fingerprints of ciphertext segments");
        Self { key: keystream(&mac.into_key(), SEGMENT_LEN) }
    }

    /// The fingerprints of `bytes`, segment by segment; the last may be short.
    pub(crate) fn all<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = u128> + 'a {
        bytes.chunks(SEGMENT_LEN).map(|segment| self.one(segment))
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "a segment is no longer than the key, so a rest has a key word; \
                  without one the fingerprint would miss it silently"
    )]
    fn one(&self, segment: &[u8]) -> u128 {
        let (words, rest) = segment.as_chunks();
        let (keys, _) = self.key.as_chunks();
        let mut print = 0;
        if !rest.is_empty() {
            let mut last = [0; 16];
            last[..rest.len()].copy_from_slice(rest);
            print = product(last, keys[words.len()]);
        }
        words
            .iter()
            .zip(&keys[..words.len()])
            .map(|(word, key)| product(*word, *key))
            .fold(print, u128::wrapping_add)
    }
}

/// Adds the key to each 64-bit half and multiplies the halves into 128 bits.
fn product(word: [u8; 16], key: [u8; 16]) -> u128 {
    let (word, key) = (u128::from_le_bytes(word), u128::from_le_bytes(key));
    let low = (word as u64).wrapping_add(key as u64);
    let high = ((word >> 64) as u64).wrapping_add((key >> 64) as u64);
    u128::from(low) * u128::from(high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyStrength;

    fn fingerprinter(password: &[u8]) -> Fingerprinter {
        Fingerprinter::new(&Keys::derive(password, b"0123456789abcdef", KeyStrength::Aes256))
    }

    #[test]
    fn every_changed_bit_changes_the_fingerprint() {
        let printer = fingerprinter(b"secret");
        for len in [1, 15, 16, 17, 1000, SEGMENT_LEN - 1, SEGMENT_LEN] {
            let mut bytes = vec![0x5a; len];
            let before = printer.one(&bytes);
            for at in [0, len / 3, len / 2, len - 1] {
                for bit in 0..8 {
                    bytes[at] ^= 1 << bit;
                    assert_ne!(printer.one(&bytes), before, "byte {at} of {len}, bit {bit}");
                    bytes[at] ^= 1 << bit;
                }
            }
            assert_eq!(printer.one(&bytes), before);
        }
    }

    #[test]
    fn swapped_words_change_the_fingerprint() {
        let printer = fingerprinter(b"secret");
        let bytes: Vec<u8> = (0..64).collect();
        let mut swapped = bytes.clone();
        swapped.swap_with_slice(&mut [&bytes[16..32], &bytes[..16], &bytes[32..]].concat());
        assert_ne!(printer.one(&bytes), printer.one(&swapped));
    }

    #[test]
    fn another_key_gives_other_fingerprints() {
        let bytes = [7; 100];
        assert_ne!(fingerprinter(b"one").one(&bytes), fingerprinter(b"two").one(&bytes));
    }

    #[test]
    fn each_segment_has_its_own_fingerprint() {
        let printer = fingerprinter(b"secret");
        let bytes = vec![1; 2 * SEGMENT_LEN + 5];
        let prints: Vec<u128> = printer.all(&bytes).collect();
        assert_eq!(prints.len(), 3);
        assert_eq!(prints[0], prints[1]);
        assert_eq!(prints[2], printer.one(&[1; 5]));
    }
}
