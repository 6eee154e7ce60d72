//! The parts of a page that a program writes: between `<!-- name -->` and `<!-- /name -->`.

use anyhow::{Context, Result};

/// A page, split at a marked part.
#[derive(Debug)]
pub struct Marked<'a> {
    before: &'a str,
    /// The text between the marks.
    pub inside: &'a str,
    after: &'a str,
}

impl<'a> Marked<'a> {
    /// Finds the part with that name.
    ///
    /// # Errors
    ///
    /// The page lacks one of the two marks; `file` is the page's name in the message.
    pub fn find(text: &'a str, name: &str, file: &str) -> Result<Self> {
        let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let from = text.find(&open).map(|at| at + open.len());
        let to = text.find(&close);
        let parts = from.zip(to).and_then(|(from, to)| {
            Some(Self {
                before: text.get(..from)?,
                inside: text.get(from..to)?,
                after: text.get(to..)?,
            })
        });
        parts.with_context(|| format!("{file} has no `{}` … `{close}`", open.trim()))
    }

    /// The page with another text between the marks.
    pub fn with(&self, inside: &str) -> String {
        [self.before, inside, self.after].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_and_replaced() {
        let page = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
        let part = Marked::find(page, "x", "p").unwrap();
        assert_eq!(part.inside, "old\n");
        assert_eq!(part.with("new\n"), "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n");
        assert!(Marked::find(page, "y", "p").is_err());
    }
}
