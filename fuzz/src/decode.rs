//! Whole decodes with a known password, past the authentication code.
//!
//! The input is a [`Recipe`]. A correct archive must be read, with the content that
//! `miniz_oxide` finds in the packed bytes; any other must be refused. A second
//! reading with a thread that decompresses ahead must end the same. An archive that
//! was changed after its authentication code was computed gives that content or an
//! error, and always an error where the change is in the ciphertext or in what both
//! headers repeat.

use qcc_archive::{ErrorKind, KeyStrength, Options};

use crate::{
    inflated::{Inflated, inflated},
    outcome::{read, read_ahead},
    recipe::{NAME, PASSWORD, Recipe},
    unzipped::unzipped,
};

/// More than two of the chunks in which content is unpacked.
const MOST_CONTENT: usize = 640 << 10;
const MOST_RATIO: usize = 256;
const RATIO_FLOOR: usize = 16 << 10;

/// What must come of an archive.
enum Expected {
    Content,
    Refusal,
    /// The content or a refusal, but no other content.
    Either,
}

/// Checks one input.
pub fn check(input: &[u8]) {
    let Some(recipe) = Recipe::new(input) else { return };
    let inflated = inflated(recipe.packed, MOST_CONTENT + 1);
    let content = if recipe.method() == 0 { recipe.packed } else { inflated.content.as_slice() };
    let size = (content.len() as u64).saturating_add_signed(recipe.size_error());
    let mut made = recipe.archive(size, crc32fast::hash(content));
    let mut expected = expected(&recipe, &inflated, content.len(), size);
    if let Some((at, mask)) = recipe.tampering(made.bytes.len()) {
        made.bytes[at] ^= mask;
        let mut protected = made.repeated.iter().chain([&made.body]);
        // Of two entries with the same name, a change may leave one.
        let is_detected = !recipe.twice() && protected.any(|range| range.contains(&at));
        expected = if is_detected { Expected::Refusal } else { Expected::Either };
    }

    let outcome = read(&made.bytes, NAME, PASSWORD, options(&recipe), recipe.step());
    if recipe.ahead() {
        let ahead = read_ahead(made.bytes.clone(), NAME, PASSWORD, options(&recipe), recipe.step());
        match (&outcome, &ahead) {
            (Ok(one), Ok(other)) => assert!(one == other, "ahead, it is another content"),
            (Err((one, released)), Err((other, released_ahead))) => {
                assert_eq!(one.kind(), other.kind(), "ahead, it is another error");
                assert!(released == released_ahead, "ahead, something else is released");
            }
            _ => panic!("ahead, it ends otherwise: {outcome:?} and {ahead:?}"),
        }
    }
    match (outcome, expected) {
        (Ok(_), Expected::Refusal) => panic!("accepted"),
        (Ok(found), _) => {
            assert!(found == content, "another content");
            unzipped(&made.bytes, recipe.path().as_bytes(), PASSWORD).assert_is(content);
        }
        (Err((error, _)), Expected::Content) => panic!("refused: {error}"),
        (Err((error, released)), _) => {
            assert!(recipe.streaming() || released.is_empty(), "released, then {error}");
            assert!(released.len() <= MOST_CONTENT);
            let authentic = !matches!(error.kind(), ErrorKind::Tampered);
            assert!(authentic || released.is_empty(), "released before authentication");
        }
    }
}

fn options(recipe: &Recipe<'_>) -> Options {
    let mut options = Options::default()
        .with_max_content_bytes(MOST_CONTENT as u64)
        .with_max_ratio(MOST_RATIO as u64)
        .with_ratio_floor_bytes(RATIO_FLOOR as u64)
        .with_stored(!recipe.without_stored())
        .with_directory_prefix(recipe.folders_allowed());
    if recipe.weak_keys_allowed() {
        options = options.with_min_strength(KeyStrength::Aes128);
    }
    if recipe.read_twice() {
        options = options.with_in_memory_bytes(0);
    }
    if recipe.streaming() {
        options = options.with_hold_back_bytes(0);
    }
    options
}

/// The rules once more, from the documentation and not from the code.
fn expected(recipe: &Recipe<'_>, inflated: &Inflated, content_len: usize, size: u64) -> Expected {
    let packed_len = recipe.packed.len();
    let largest = (packed_len * MOST_RATIO).clamp(RATIO_FLOOR, MOST_CONTENT);
    let is_stream = inflated.is_whole && inflated.content.len() <= largest;
    let packed_is_right = match recipe.method() {
        8 => inflated.is_whole,
        // A whole stream that claims to be stored is one relabelled.
        0 => !recipe.without_stored() && (packed_len < 64 || !is_stream),
        _ => false,
    };
    let crc_is_right = match recipe.version() {
        1 => recipe.crc_error() == 0,
        2 => true,
        _ => false,
    };
    let is_good = packed_is_right
        && crc_is_right
        && size == content_len as u64
        && content_len <= largest
        && (recipe.strength() == 3 || recipe.weak_keys_allowed())
        && (!recipe.in_folder() || recipe.folders_allowed())
        && !recipe.twice()
        && !recipe.bytes_after();
    match recipe.wrong_flag() {
        None | Some(0b10 | 0b100 | 0x800) if is_good => Expected::Content,
        // Bytes between two entries are nobody's, so a descriptor may go unnamed.
        Some(8) if is_good && recipe.descriptor() > 0 => Expected::Either,
        _ => Expected::Refusal,
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::recipe::KNOBS;

    /// One stored Deflate block with the content `{}`.
    const PACKED: &[u8] = b"\x01\x02\x00\xfd\xff{}";

    #[test]
    fn each_knob_alone_holds_what_the_oracle_expects() {
        check(&[[0; KNOBS].as_slice(), PACKED].concat());
        for (at, setting) in (0..KNOBS).flat_map(|at| [1, 255].map(|bits| (at, bits))) {
            let mut knobs = [0; KNOBS];
            knobs[at] = setting;
            check(&[knobs.as_slice(), PACKED].concat());
        }
    }
}
