//! What a check found: faults fail it, remarks are only shown.

use std::fmt::Display;

use anyhow::{Result, bail};

/// The findings of one check.
#[derive(Debug, Default)]
pub(crate) struct Report {
    faults: Vec<String>,
    remarks: Vec<String>,
    /// How many things were looked at, by what they are.
    counts: Vec<(usize, &'static str)>,
}

impl Report {
    /// Something that must be put right.
    pub(crate) fn fault(&mut self, fault: impl Display) {
        self.faults.push(fault.to_string());
    }

    /// Something worth a look.
    pub(crate) fn remark(&mut self, remark: impl Display) {
        self.remarks.push(remark.to_string());
    }

    /// So many of these were looked at: a check that saw nothing proves nothing.
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
            println!("  looked at {}", seen.join(", "));
        }
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
