//! One name for one thing, in every document that a person copies from.

use std::{fs, path::Path};

fn text(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(name)).expect(name)
}

const COPIED: [&str; 7] = [
    "README.md",
    "README.zh-CN.md",
    "docs/cli.md",
    "docs/operations/README.md",
    "docs/operations/README.zh-CN.md",
    "docs/operations/qcc.toml",
    "docs/operations/qcc.service",
];

#[test]
fn secret_and_archives_have_one_name_in_all_documents() {
    for name in COPIED {
        let text = text(name);
        for rest in text.split("/etc/qcc/secret").skip(1) {
            assert!(rest.starts_with("_key"), "{name}: /etc/qcc/secret{}", &rest[..8]);
        }
        assert!(!text.contains("/archives\""), "{name} names another archive folder");
    }
    assert!(text("docs/operations/qcc.toml").contains("/var/lib/qcc/qcc-archives"));
}

#[test]
fn the_readmes_say_which_rust_and_how_the_program_gets_onto_the_path() {
    let manifest = text("Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    let version = version.trim_matches('"');
    for name in ["README.md", "README.zh-CN.md"] {
        let text = text(name);
        assert!(text.contains(&format!("Rust {version} ")), "{name} names another Rust");
        assert!(text.contains("cargo install --path crates/qcc-cli"), "{name}");
    }
}
