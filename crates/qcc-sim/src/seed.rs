//! Randomness that depends on nothing but a seed, a purpose and a number.

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

/// A named generator, so that a library update changes no recorded run.
pub(crate) type Rng = Xoshiro256PlusPlus;

/// The generator for one purpose (`label`) and one thing of its kind (`number`).
///
/// Every draw of the simulator starts here, so that what is drawn for one thing
/// never depends on how often something else was asked for.
pub(crate) fn derive(seed: u64, label: &str, number: u64) -> Rng {
    let purpose = label.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    Rng::seed_from_u64(mix(mix(seed ^ purpose).wrapping_add(mix(number ^ !purpose))))
}

/// One number for one purpose.
pub(crate) fn number(seed: u64, label: &str, of: u64) -> u64 {
    derive(seed, label, of).random()
}

/// One of `items`, or the default where there is none.
pub(crate) fn pick<T: Copy + Default>(rng: &mut Rng, items: &[T]) -> T {
    let at = rng.random_range(0..items.len().max(1));
    items.get(at).copied().unwrap_or_default()
}

/// So many lower-case hexadecimal digits.
pub(crate) fn hex(rng: &mut Rng, digits: usize) -> String {
    letters(rng, b"0123456789abcdef", digits)
}

/// So many characters of `alphabet`.
pub(crate) fn letters(rng: &mut Rng, alphabet: &[u8], count: usize) -> String {
    (0..count).map(|_| char::from(pick(rng, alphabet))).collect()
}

/// The finaliser of SplitMix64: near numbers become far ones.
fn mix(number: u64) -> u64 {
    let once = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let twice = (once ^ (once >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    twice ^ (twice >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purpose_and_number_both_matter() {
        let drawn = [
            number(7, "a", 0),
            number(7, "a", 1),
            number(7, "b", 0),
            number(8, "a", 0),
            number(0, "", 0),
        ];
        let distinct: std::collections::BTreeSet<_> = drawn.into_iter().collect();
        assert_eq!(distinct.len(), drawn.len());
        assert_eq!(number(7, "a", 1), number(7, "a", 1));
    }

    #[test]
    fn texts_have_the_length_and_alphabet_asked_for() {
        let text = hex(&mut derive(1, "x", 1), 32);
        assert_eq!(text.len(), 32);
        assert!(text.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
    }
}
