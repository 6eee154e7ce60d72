//! The commands of a page, and what it shows of their output.

use std::ops::Range;

/// One page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) file: String,
    pub(super) text: String,
    pub(super) examples: Vec<Example>,
    /// Blocks that are not run: where they begin, and why.
    pub(super) left_out: Vec<(usize, String)>,
    pub(super) faults: Vec<String>,
}

/// One command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Example {
    /// Its line, from 1.
    pub(super) line: usize,
    pub(super) command: String,
    /// What has to be done before it.
    pub(super) setup: Option<String>,
    /// The position of its output in the page; empty if the page shows none.
    pub(super) shown: Range<usize>,
}

const SETUP: &str = "<!-- setup:";
const NOT_RUN: &str = "<!-- not run:";

/// A line of the page: its number, where it begins, and its text with the line's end.
type Line<'a> = (usize, usize, &'a str);

impl Page {
    pub(super) fn read(file: &str, text: String) -> Self {
        let mut page = Self {
            file: file.to_owned(),
            examples: Vec::new(),
            left_out: Vec::new(),
            faults: Vec::new(),
            text: String::new(),
        };
        let mut at = 0;
        let lines: Vec<Line<'_>> = (1..)
            .zip(text.split_inclusive('\n'))
            .map(|(number, line)| {
                at += line.len();
                (number, at - line.len(), line)
            })
            .collect();
        let mut lines = lines.as_slice();
        let mut comment = String::new();
        while let Some(((number, _, line), rest)) = lines.split_first() {
            lines = rest;
            let Some(language) = line.strip_prefix("```") else {
                // A comment may take several lines; anything else ends it.
                let goes_on = !comment.is_empty() && !comment.contains("-->");
                if line.starts_with("<!--") {
                    comment.clear();
                }
                match line.starts_with("<!--") || goes_on {
                    true => comment.push_str(line),
                    false => comment.clear(),
                }
                continue;
            };
            let body = rest.split(|(_, _, line)| line.starts_with("```")).next().unwrap_or(&[]);
            lines = rest.get(body.len() + 1..).unwrap_or_default();
            let mark = std::mem::take(&mut comment);
            page.block(*number, language.trim(), &mark, body);
        }
        page.text = text;
        page
    }

    /// What the page shows of an example's output.
    pub(super) fn shown(&self, example: &Example) -> &str {
        self.text.get(example.shown.clone()).unwrap_or_default()
    }

    fn block(&mut self, number: usize, language: &str, mark: &str, body: &[Line<'_>]) {
        let said = |opening: &str| {
            let rest = mark.trim().strip_prefix(opening)?.strip_suffix("-->")?;
            Some(rest.trim().to_owned())
        };
        if !matches!(language, "sh" | "bash" | "shell" | "console") {
            return;
        }
        if let Some(reason) = said(NOT_RUN) {
            if reason.is_empty() {
                self.faults.push(format!("line {number}: `{NOT_RUN} … -->` gives no reason"));
            }
            self.left_out.push((number, reason));
            return;
        }
        let mut setup = said(SETUP);
        let examples = match language {
            "console" => console(body),
            _ => script(body),
        };
        if examples.is_empty() {
            self.faults.push(format!("line {number}: the block holds no command"));
        }
        self.examples
            .extend(examples.into_iter().map(|example| Example { setup: setup.take(), ..example }));
    }
}

/// Commands after `$ `, each with its output below it.
fn console(body: &[Line<'_>]) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut unfinished = false;
    for (number, at, line) in body {
        let end = at + line.len();
        match (line.strip_prefix("$ "), examples.last_mut()) {
            (_, Some(example)) if unfinished => {
                example.command.push('\n');
                example.command.push_str(line.trim_end());
                example.shown = end..end;
            }
            (Some(command), _) => examples.push(Example {
                line: *number,
                command: command.trim_end().to_owned(),
                setup: None,
                shown: end..end,
            }),
            (None, Some(example)) => example.shown.end = end,
            (None, None) => {}
        }
        unfinished = examples
            .last()
            .is_some_and(|example| example.shown.is_empty() && example.command.ends_with('\\'));
    }
    examples
}

/// Commands line by line; nothing is shown of what they print.
fn script(body: &[Line<'_>]) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut unfinished = false;
    for (number, _, line) in body.iter().filter(|(_, _, line)| !line.trim().is_empty()) {
        let line = line.trim_end();
        match examples.last_mut().filter(|_| unfinished) {
            Some(example) => {
                example.command.push('\n');
                example.command.push_str(line);
            }
            None => examples.push(Example {
                line: *number,
                command: line.to_owned(),
                setup: None,
                shown: 0..0,
            }),
        }
        unfinished = line.ends_with('\\');
    }
    examples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_with_what_they_print() {
        let text = "a\n```console\n$ one \\\n  more\n1\n2\n$ two\n```\n\n```json\n$ no\n```\n";
        let page = Page::read("p.md", text.to_owned());
        let found: Vec<_> =
            page.examples.iter().map(|e| (e.line, &*e.command, page.shown(e))).collect();
        assert_eq!(found, [(3, "one \\\n  more", "1\n2\n"), (7, "two", "")]);
        assert!(page.faults.is_empty() && page.left_out.is_empty());
    }

    #[test]
    fn a_script_is_run_line_by_line() {
        let page = Page::read("p.md", "```sh\none\n\ntwo \\\n  more\n```\n".to_owned());
        let found: Vec<_> = page.examples.iter().map(|e| (e.line, &*e.command)).collect();
        assert_eq!(found, [(2, "one"), (4, "two \\\n  more")]);
    }

    #[test]
    fn a_comment_before_the_block_says_what_else_is_to_be_done() {
        let text =
            "<!-- not run: needs root -->\n```sh\nx\n```\n<!-- setup: a\nb -->\n```sh\ny\nz\n```\n";
        let page = Page::read("p.md", text.to_owned());
        assert_eq!(page.left_out, [(2, "needs root".to_owned())]);
        let setups: Vec<_> = page.examples.iter().map(|e| e.setup.as_deref()).collect();
        assert_eq!(setups, [Some("a\nb"), None]);
        let unsaid = Page::read("p.md", "<!-- not run: -->\n```sh\nx\n```\n".to_owned());
        assert_eq!(unsaid.faults.len(), 1);
        let elsewhere = Page::read("p.md", "<!-- not run: x -->\ntext\n```sh\nx\n```\n".to_owned());
        assert_eq!(elsewhere.examples.len(), 1);
    }
}
