//! Log filters, looked at before they are used: the library behind takes a word
//! that is no level for the name of a module, and then logs nothing.

use super::origin::Sourced;
use crate::exit::Usage;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Refuses a filter whose words cannot be levels or targets.
pub(super) fn check(setting: &Sourced<String>) -> Result<(), Usage> {
    let refused = |word: &str| {
        let origin = &setting.origin;
        Usage::new(format!(
            "{origin} is not a log filter: `{}` is neither a level nor a target. Levels are off, \
             error, warn, info, debug and trace; qcc_sync=debug sets the level of one part",
            shown(word)
        ))
    };
    // Fields may hold commas; the library checks what is in brackets.
    if setting.value.contains(['[', '{']) {
        return Ok(());
    }
    for directive in setting.value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let (target, level) = match directive.split_once('=') {
            Some((target, level)) => (Some(target.trim()), level.trim()),
            None if directive.starts_with("qcc") => continue,
            None => (None, directive),
        };
        if target == Some("") || !is_level(level) {
            return Err(refused(directive));
        }
    }
    Ok(())
}

fn is_level(word: &str) -> bool {
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word))
        || matches!(word.as_bytes(), [b'0'..=b'5'])
}

fn shown(word: &str) -> String {
    word.chars().flat_map(char::escape_debug).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_made_of_levels_and_targets() {
        let taken = |text: &str| check(&Sourced::default_of(text.to_owned())).is_ok();
        for text in ["info", "WARN", "off", "3", "qcc_sync=debug,warn", "qcc", "hyper=trace", ""] {
            assert!(taken(text), "{text:?} was refused");
        }
        for text in ["verbose", "warning", "true", "qcc_sync=loud", "=info", "info debug", "9"] {
            assert!(!taken(text), "{text:?} was taken");
        }
    }
}
