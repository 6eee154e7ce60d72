//! What an error must not show: anything of the input that could be a secret.

use std::error::Error;

/// The shortest word that is looked for; a shorter one may stand there by chance.
const SHORTEST: usize = 12;

/// Fails where an error, its causes or its `Debug` repeat a word of the input.
#[track_caller]
pub(crate) fn assert_shows_nothing(error: &(dyn Error + 'static), input: &[u8]) {
    let mut shown = format!("{error:?}");
    let mut cause = Some(error);
    while let Some(error) = cause {
        shown += &format!("\n{error}");
        cause = error.source();
    }
    assert!(shown.len() < 1000, "{} bytes", shown.len());
    let words = input.split(|byte| !byte.is_ascii_alphanumeric());
    for word in words.filter_map(|word| word.get(..SHORTEST)) {
        let word = str::from_utf8(word).unwrap_or_default();
        assert!(!shown.contains(word) || is_ours(word), "an error shows {word:?}");
    }
}

/// Words that stand in the messages themselves: names of fields and types.
fn is_ours(word: &str) -> bool {
    const OURS: [&str; 9] = [
        "downloadUrl",
        "downloadUrlExpiredTime",
        "unzipPassword",
        "EnvelopeError",
        "EnvelopeErrorKind",
        "InvalidOrderNo",
        "callbackUrl",
        "parameters",
        "BadPayload",
    ];
    OURS.iter().any(|ours| ours.contains(word))
}
