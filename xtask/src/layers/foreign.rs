//! No type of a crate below 1.0 in a public signature: its next version would break ours.
//!
//! Read from the text, so an approximation: it sees public items, public
//! fields, the variants of public enums, the methods of public traits and
//! `From` conversions, and names that a `use` brought in. `unreachable_pub`
//! sees to it that `pub` means public.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::{
    report::Report,
    rust_text::{is_test_file, is_word, line_of, names, product_code},
    workspace::{Package, Workspace},
};

pub(super) fn check(workspace: &Workspace) -> Result<Report> {
    let mut report = Report::default();
    let mut looked_at = 0;
    for package in workspace.crates().filter(|package| package.name != "qcc-cli") {
        let young = young_dependencies(workspace, package);
        let folder = format!("{}src/", package.folder(&workspace.root));
        let texts = workspace.tree.texts(&folder, ".rs")?;
        let sources: Vec<_> = texts
            .iter()
            .filter(|(file, _)| !is_test_file(file))
            .map(|(file, text)| (*file, product_code(text)))
            .collect();
        let public = public_types(&sources);
        for (file, code) in &sources {
            let imported = imported_from(code, &young);
            for (at, signature) in public_signatures(code, &public) {
                looked_at += 1;
                if let Some(name) = imported.iter().find(|name| names(signature, name)) {
                    let line = line_of(code, at);
                    report.fault(format!("{file}:{line}: `{name}` is of a crate below 1.0"));
                }
            }
        }
    }
    report.looked_at(looked_at, "public signatures");
    Ok(report)
}

/// The library names of the dependencies that promise no stability.
fn young_dependencies(workspace: &Workspace, package: &Package) -> Vec<String> {
    package
        .normal_dependencies()
        .filter_map(|dependency| workspace.foreign(&dependency.name))
        .filter(|foreign| foreign.is_below_one())
        .map(Package::library_name)
        .collect()
}

/// The young crates' own names, and the names that `use` takes from them.
/// Traits count too: a bound is part of a signature.
fn imported_from(code: &str, young: &[String]) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = young.iter().cloned().collect();
    for (at, _) in code.match_indices("use ") {
        let line = code.get(at..).and_then(|rest| rest.split(';').next()).unwrap_or_default();
        let path = line.trim_start_matches("use ").trim_start();
        if young.iter().any(|name| path.split("::").next() == Some(name)) {
            found.extend(last_names(path));
        }
    }
    found
}

/// `Uri` and `B` of `http::{Uri, a::{A as B}}`.
fn last_names(path: &str) -> impl Iterator<Item = String> {
    path.split(['{', '}', ',']).filter_map(|part| {
        let last = part.rsplit("::").next()?.rsplit(" as ").next()?.trim();
        let is_type = last.chars().next().is_some_and(char::is_uppercase);
        (is_type && last.chars().all(is_word)).then(|| last.to_owned())
    })
}

/// The names of the types that others see.
fn public_types(sources: &[(&str, String)]) -> BTreeSet<String> {
    let declared = sources.iter().flat_map(|(_, code)| {
        ["pub struct ", "pub enum "].into_iter().flat_map(|word| code.split(word).skip(1))
    });
    declared.map(|rest| rest.chars().take_while(|c| is_word(*c)).collect()).collect()
}

/// Every stretch of code that others see, and where it begins. A conversion is
/// seen where its type is one of `public`.
fn public_signatures<'a>(code: &'a str, public: &BTreeSet<String>) -> Vec<(usize, &'a str)> {
    let starts = code.match_indices("pub ").chain(code.match_indices("impl From<"));
    starts
        .filter(|(at, _)| !code.get(..*at).is_some_and(|before| before.ends_with(is_word)))
        .filter_map(|(at, _)| {
            let rest = code.get(at..)?;
            Some((at, rest.get(..signature_end(rest))?))
        })
        .filter(|(_, signature)| {
            let target = signature.rsplit_once(" for ").map_or("", |(_, target)| target.trim());
            !signature.starts_with("impl ") || public.iter().any(|name| names(target, name))
        })
        .collect()
}

fn signature_end(rest: &str) -> usize {
    let is = |word| rest.starts_with(word);
    if is("pub use ") {
        return end_at(rest, &[';'], &[]);
    }
    if is("pub enum ") || is("pub trait ") {
        return end_at(rest, &[], &['{']);
    }
    if is("pub struct ") {
        // What stands in the braces or parentheses is looked at by its own `pub`.
        return rest.find(['{', '(', ';']).unwrap_or(rest.len());
    }
    if ["pub fn ", "pub const ", "pub async ", "pub static ", "pub type ", "impl "]
        .into_iter()
        .any(is)
    {
        return rest.find(['{', ';']).unwrap_or(rest.len());
    }
    if is("pub mod ") {
        return 0;
    }
    // A field.
    end_at(rest, &[',', '}', ')'], &[])
}

/// The first of `ends` outside any bracket, or the end of the block that the
/// first of `blocks` opens.
fn end_at(rest: &str, ends: &[char], blocks: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut in_block = false;
    for (at, letter) in rest.char_indices() {
        if depth == 0 && ends.contains(&letter) {
            return at;
        }
        match letter {
            '(' | '[' | '{' | '<' => {
                in_block |= blocks.contains(&letter);
                depth += 1;
            }
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '>' if !rest.get(..at).is_some_and(|t| t.ends_with(['-', '='])) => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        if in_block && depth == 0 {
            return at + letter.len_utf8();
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_code(code: &str, shown: bool) {
        let imported = imported_from(code, &["young".to_owned()]);
        let public = public_types(&[("", code.to_owned())]);
        let found = public_signatures(code, &public)
            .iter()
            .any(|(_, signature)| imported.iter().any(|name| names(signature, name)));
        assert_eq!(found, shown, "{code}");
    }

    #[test]
    fn a_young_type_that_others_see_is_found() {
        check_code("use young::Uri;\npub fn f(u: Uri) {}", true);
        check_code("use young::{a::B as C, D};\npub type X = Vec<C>;", true);
        check_code("pub fn f() -> young::Error {}", true);
        check_code("pub enum E { A(young::Error) }", true);
        check_code("pub trait T { fn f(&self, e: young::E); }", true);
        check_code("pub struct S { pub a: u8, pub b: young::E }", true);
        check_code("pub struct S(pub young::E);", true);
        check_code("pub struct X;\nimpl From<young::E> for X {", true);
        check_code("pub use young::E;", true);
    }

    #[test]
    fn a_young_type_inside_is_nobody_elses_business() {
        check_code("use young::Uri;\npub fn f() { let u: Uri = g(); }", false);
        check_code("pub struct S(young::E);", false);
        check_code("struct X;\nimpl From<young::E> for X {", false);
        check_code("pub struct S { pub a: Vec<u8>, b: young::E }", false);
        check_code("pub(crate) fn f(e: young::E) {}", false);
        check_code("use younger::Uri;\npub fn f(u: Uri) {}", false);
        check_code("pub enum E { A }\nfn f(e: young::E) {}", false);
    }
}
