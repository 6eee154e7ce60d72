//! Every single-bit flip and every beginning of one archive, in process.
//!
//! A fuzzer sees what crashes, not what is missing: a reader without a check
//! of the authentication code never crashes. Here the right content is known,
//! and whatever a flip gives must be that content or an error.

use std::{
    fs,
    io::Read,
    iter::Sum,
    ops::{Add, Range},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
};

use anyhow::{Context, Result, bail, ensure};
use qcc_archive::{Archive, Options};

/// The vendor's document.
const DOCUMENT: &str = "dd_risk_corp.json";

/// Flips every bit of `file`, reads every beginning of it, prints the counts.
pub(crate) fn run(file: &Path, password: &str, entry: Option<&str>) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let subject = Subject::new(&bytes, password.as_bytes(), entry.unwrap_or(DOCUMENT))?;
    let flips = in_parallel(bytes.len() * 8, |bit| {
        let mut changed = bytes.clone();
        if let Some(byte) = changed.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        subject.try_on(&changed)
    });
    let beginnings =
        in_parallel(bytes.len(), |len| subject.try_on(bytes.get(..len).unwrap_or_default()));
    println!("flips:      {} of {} bytes; {}", bytes.len() * 8, bytes.len(), flips.line());
    println!("beginnings: {}; {}", bytes.len(), beginnings.line());
    ensure!(flips.wrong + flips.panicked == 0, "a flipped bit was not noticed");
    let noticed = beginnings.refused == bytes.len() as u64;
    ensure!(noticed, "a beginning was taken for the whole");
    Ok(())
}

/// An archive and what is in it.
struct Subject<'a> {
    password: &'a [u8],
    entry: &'a str,
    content: Vec<u8>,
}

impl<'a> Subject<'a> {
    fn new(bytes: &[u8], password: &'a [u8], entry: &'a str) -> Result<Self> {
        let mut subject = Self { password, entry, content: Vec::new() };
        match subject.read(bytes, Options::default()) {
            (content, None) => subject.content = content,
            (_, Some(why)) => bail!("the archive as it is cannot be read: {why}"),
        }
        Ok(subject)
    }

    /// Reads changed bytes both ways: kept and held back, and streaming.
    fn try_on(&self, bytes: &[u8]) -> Counts {
        let streaming = Options::default().with_in_memory_bytes(0).with_hold_back_bytes(0);
        let read = |options| self.read(bytes, options);
        let readings =
            catch_unwind(AssertUnwindSafe(|| [read(Options::default()), read(streaming)]));
        let Ok(readings) = readings else { return Counts { panicked: 1, ..Counts::default() } };
        let is_other = |(content, error): &(Vec<u8>, Option<String>)| match error {
            None => *content != self.content,
            Some(_) => !self.content.starts_with(content),
        };
        let is_refused = |(_, error): &(Vec<u8>, Option<String>)| error.is_some();
        if readings.iter().any(is_other) {
            Counts { wrong: 1, ..Counts::default() }
        } else if readings.iter().all(is_refused) {
            Counts { refused: 1, ..Counts::default() }
        } else {
            Counts { same: 1, ..Counts::default() }
        }
    }

    /// What was released, and why it ended before the content did.
    fn read(&self, bytes: &[u8], options: Options) -> (Vec<u8>, Option<String>) {
        let verified = Archive::open(bytes, options)
            .and_then(|archive| archive.into_authenticated(self.entry, self.password));
        let mut content = Vec::new();
        let error = match verified {
            Ok(verified) => {
                let read = verified.into_reader().read_to_end(&mut content);
                read.err().map(|error| error.to_string())
            }
            Err(error) => Some(error.to_string()),
        };
        (content, error)
    }
}

/// What came of so many tries.
#[derive(Default)]
struct Counts {
    refused: u64,
    same: u64,
    wrong: u64,
    panicked: u64,
}

impl Counts {
    fn line(&self) -> String {
        let Self { refused, same, wrong, panicked } = self;
        format!(
            "{refused} refused, {same} the same content, {wrong} other content, {panicked} panics"
        )
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            refused: self.refused + other.refused,
            same: self.same + other.same,
            wrong: self.wrong + other.wrong,
            panicked: self.panicked + other.panicked,
        }
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Self::add)
    }
}

/// Tries the numbers below `end` on every processor.
fn in_parallel(end: usize, attempt: impl Fn(usize) -> Counts + Sync) -> Counts {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let part = |n: usize| -> Range<usize> { end * n / threads..end * (n + 1) / threads };
    thread::scope(|scope| {
        let attempt = &attempt;
        let running: Vec<_> = (0..threads)
            .map(|n| scope.spawn(move || part(n).map(attempt).sum::<Counts>()))
            .collect();
        let panicked = || Counts { panicked: 1, ..Counts::default() };
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| panicked())).sum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> Vec<u8> {
        fs::read(format!("{}/../fixtures/archives/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn other_content_is_told_from_an_error_and_from_the_same() {
        let password = b"fixture-password";
        let good = fixture("good.zip");
        let subject = Subject::new(&good, password, DOCUMENT).unwrap();
        assert_eq!(subject.try_on(&good).same, 1);
        assert_eq!(subject.try_on(&fixture("forged-ae2.zip")).refused, 1);
        // Another good archive of the same password is other content.
        assert_eq!(subject.try_on(&fixture("none.zip")).wrong, 1);
    }

    #[test]
    fn every_number_is_tried_once() {
        for end in [0, 1, 2, 7, 1000] {
            let tried = in_parallel(end, |_| Counts { refused: 1, ..Counts::default() });
            assert_eq!(tried.refused, end as u64);
        }
    }
}
