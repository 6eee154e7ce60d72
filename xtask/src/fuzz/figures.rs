//! What libFuzzer says of a run, read from its log.

/// The head of the table.
pub(super) const HEAD: &str = "| target | executions | per second | seconds | corpus | edges | features | peak MiB | findings |";
pub(super) const RULE: &str = "|---|---|---|---|---|---|---|---|---|";

/// The figures of one run; zero where the log does not tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) executions: u64,
    pub(super) seconds: u64,
    /// Inputs that are kept because each reaches something of its own.
    pub(super) corpus: u64,
    pub(super) edges: u64,
    pub(super) features: u64,
    pub(super) peak: u64,
}

impl Figures {
    pub(super) fn read(log: &str) -> Self {
        let mut figures = Self::default();
        for line in log.lines() {
            if let Some((name, value)) =
                line.strip_prefix("stat::").and_then(|line| line.split_once(':'))
            {
                match (name, value.trim().parse()) {
                    ("number_of_executed_units", Ok(number)) => figures.executions = number,
                    ("peak_rss_mb", Ok(number)) => figures.peak = number,
                    _ => {}
                }
            } else if let Some(took) = line.split(" runs in ").nth(1) {
                figures.seconds = leading_number(took);
            } else if line.starts_with('#') {
                for (name, figure) in [
                    (" cov: ", &mut figures.edges),
                    (" ft: ", &mut figures.features),
                    (" corp: ", &mut figures.corpus),
                ] {
                    if let Some(value) = line.split(name).nth(1) {
                        *figure = leading_number(value);
                    }
                }
            }
        }
        figures
    }

    pub(super) fn row(&self, target: &str, ok: bool) -> String {
        let Self { executions, seconds, corpus, edges, features, peak } = self;
        let rate = executions / (*seconds).max(1);
        let findings = u8::from(!ok);
        format!(
            "| {target} | {executions} | {rate} | {seconds} | {corpus} | {edges} | {features} \
             | {peak} | {findings} |"
        )
    }
}

fn leading_number(text: &str) -> u64 {
    let digits = text.split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
INFO: seed corpus: files: 22 min: 3b max: 815b total: 7142b rss: 29Mb
#23\tINITED cov: 700 ft: 1100 corp: 20/5000b exec/s: 0 rss: 30Mb
#111260\tDONE   cov: 830 ft: 2942 corp: 411/39Kb lim: 1180 exec/s: 8558 rss: 29Mb
Done 111260 runs in 13 second(s)
stat::number_of_executed_units: 111260
stat::average_exec_per_sec:     8558
stat::peak_rss_mb:              29
";

    #[test]
    fn the_last_word_of_the_log_counts() {
        let figures = Figures::read(LOG);
        let expected = Figures {
            executions: 111_260,
            seconds: 13,
            corpus: 411,
            edges: 830,
            features: 2942,
            peak: 29,
        };
        assert_eq!(figures, expected);
        assert_eq!(
            figures.row("callback", true),
            "| callback | 111260 | 8558 | 13 | 411 | 830 | 2942 | 29 | 0 |"
        );
    }

    #[test]
    fn a_log_without_figures_has_none() {
        assert_eq!(Figures::read("==1== ERROR: libFuzzer: deadly signal"), Figures::default());
    }
}
