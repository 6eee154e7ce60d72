//! Randomness that depends on nothing but a seed, a purpose and a number.

use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

/// A named generator, so that a library's update changes no recorded seed.
pub(crate) type Rng = Xoshiro256PlusPlus;

/// The draws for one purpose and one thing of its kind. What one thing draws
/// never depends on how often another was asked for.
pub(crate) fn stream(seed: u64, purpose: &str, number: u64) -> Rng {
    let digest = purpose.bytes().chain(number.to_le_bytes()).fold(FNV, fold);
    Rng::seed_from_u64(seed.rotate_left(32) ^ digest)
}

/// Where a digest starts.
pub(crate) const FNV: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: one byte more.
pub(crate) fn fold(digest: u64, byte: u8) -> u64 {
    (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}
