//! What the program is asked to do.

use std::{num::NonZeroUsize, str::FromStr, thread, time::Duration};

use anyhow::{Context, Result, bail};

use crate::{life::Kind, mutation::Mutation};

pub(crate) const HELP: &str = "\
cargo xtask simulate [OPTIONS]

  --seeds N        lives so many seeds (1000), one in sixteen of them twice
  --from S         starts at this seed (0)
  --minutes M      begins no life after so long
  --threads T      on so many threads (as many as there are processors)
  --seed X         lives one seed and says what came of it
  --trace            … and prints everything that happened
  --mutation NAME    … with an invariant broken on purpose
  --store sqlite   with a database in a file instead of a store in memory
  --mutations      finds, for each such break, the first seed that shows it
  --within N         … among so many seeds (2000)
  --record         writes the table into docs/reliability.md
  --release        builds with full optimisation first: for millions of seeds
";

/// What is asked.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) task: Task,
    pub(crate) seeds: u64,
    pub(crate) from: u64,
    pub(crate) longest: Duration,
    pub(crate) threads: usize,
    pub(crate) within: u64,
    pub(crate) store: Kind,
    pub(crate) trace: bool,
    pub(crate) mutation: Option<Mutation>,
}

/// What the program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    Lives,
    One(u64),
    Mutations,
}

impl Arguments {
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut arguments = Self {
            task: Task::Lives,
            seeds: 1000,
            from: 0,
            longest: Duration::MAX,
            threads: thread::available_parallelism().map_or(1, NonZeroUsize::get),
            within: 2000,
            store: Kind::Memory,
            trace: false,
            mutation: None,
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("`{word}` wants a value"));
            match word.as_str() {
                "--seeds" => arguments.seeds = number(&value()?)?,
                "--from" => arguments.from = number(&value()?)?,
                "--minutes" => {
                    arguments.longest = Duration::from_secs(number::<u64>(&value()?)? * 60);
                }
                "--threads" => arguments.threads = number::<usize>(&value()?)?.max(1),
                "--within" => arguments.within = number(&value()?)?,
                "--seed" => arguments.task = Task::One(number(&value()?)?),
                "--store" => arguments.store = store(&value()?)?,
                "--trace" => arguments.trace = true,
                "--mutation" => arguments.mutation = Some(value()?.parse()?),
                "--mutations" => arguments.task = Task::Mutations,
                "--help" | "-h" | "help" => arguments.task = Task::Help,
                _ => bail!("`{word}` is no option"),
            }
        }
        Ok(arguments)
    }
}

fn store(text: &str) -> Result<Kind> {
    match text {
        "memory" => Ok(Kind::Memory),
        "sqlite" => Ok(Kind::Sqlite),
        _ => bail!("`{text}` is no store: memory or sqlite is expected"),
    }
}

fn number<N: FromStr>(text: &str) -> Result<N> {
    text.replace('_', "").parse().ok().with_context(|| format!("`{text}` is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read_in_any_order() {
        let arguments = parse("--trace --seed 7 --mutation gap-invented").unwrap();
        assert_eq!(arguments.task, Task::One(7));
        assert_eq!(arguments.mutation, Some(Mutation::GapInvented));
        assert!(arguments.trace);
        assert_eq!(parse("--seeds 1_000_000").unwrap().seeds, 1_000_000);
    }

    #[test]
    fn what_is_no_option_is_refused() {
        for line in ["--sed 7", "--seed", "--seeds many", "--mutation none", "7"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
