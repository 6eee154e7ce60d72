//! What a check found: faults fail it, remarks are only shown.

use std::fmt::Display;

use anyhow::{Result, bail};

/// The findings of one check.
#[derive(Debug, Default)]
pub(crate) struct Report {
    faults: Vec<String>,
    remarks: Vec<String>,
    /// How many things were checked, by kind.
    counts: Vec<(usize, &'static str)>,
}

impl Report {
    /// A fault: the check fails.
    pub(crate) fn fault(&mut self, fault: impl Display) {
        self.faults.push(fault.to_string());
    }

    /// A remark: the check passes.
    pub(crate) fn remark(&mut self, remark: impl Display) {
        self.remarks.push(remark.to_string());
    }

    /// How many things were checked: a check that saw none proves nothing.
    pub(crate) fn looked_at(&mut self, count: usize, what: &'static str) {
        self.counts.push((count, what));
    }

    /// Adds what another check found.
    pub(crate) fn merge(&mut self, other: Self) {
        self.faults.extend(other.faults);
        self.remarks.extend(other.remarks);
        self.counts.extend(other.counts);
    }

    pub(crate) fn print(&self) {
        for remark in &self.remarks {
            println!("  note: {remark}");
        }
        for fault in &self.faults {
            println!("  fault: {fault}");
        }
        let seen: Vec<_> = self.counts.iter().map(|(n, what)| format!("{n} {what}")).collect();
        if !seen.is_empty() {
            println!("  checked {}", seen.join(", "));
        }
    }

    /// The remarks about what was not checked.
    pub(crate) fn skipped(&self) -> Vec<String> {
        self.remarks.iter().filter(|remark| remark.starts_with("skipped: ")).cloned().collect()
    }

    pub(crate) fn into_result(self) -> Result<()> {
        match self.faults.len() {
            0 => Ok(()),
            1 => bail!("1 fault"),
            many => bail!("{many} faults"),
        }
    }

    #[cfg(test)]
    pub(crate) fn faults(&self) -> &[String] {
        &self.faults
    }
}
