//! `kill -9` of the real daemon, many hundred times, and the page that says what
//! came of it.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::{marked::Marked, run, workspace::Workspace};

const PAGE: &str = "docs/reliability.md";
const PART: &str = "soak";

/// The test's one line of figures has these words.
const FIGURES: &str = " kills (";

/// Kills the daemon, and writes the result to the page.
pub(crate) fn run(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    let (kills, seed) = match arguments {
        [] => ("700", "17"),
        ["--kills", kills] => (*kills, "17"),
        ["--kills", kills, "--seed", seed] => (*kills, *seed),
        _ => bail!("soak [--kills N [--seed N]]"),
    };
    let mut test = run::cargo(&["test", "-p", "qcc-cli", "--test", "it", "--"]);
    test.args(["--exact", "serve_kills::a_killed_daemon_loses_nothing", "--nocapture"]);
    test.env("QCC_TEST_KILLS", kills).env("QCC_TEST_SEED", seed);
    let lines = run::show_and_keep(&mut test, |line| line.contains(FIGURES))?;
    let figures = lines.last().context("the test showed no figures")?;
    let path = workspace.root.join(PAGE);
    let page = fs::read_to_string(&path)?;
    let part = Marked::find(&page, PART, PAGE)?;
    let inside = format!("`cargo xtask soak --kills {kills} --seed {seed}`: {figures}.\n");
    fs::write(&path, part.with(&inside))?;
    Ok(())
}
