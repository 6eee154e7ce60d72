//! Writes the inputs that the fuzz targets start from: the fixtures, and recipes for
//! `decode`. With names, only those of the named targets.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use flate2::{Compression, write::DeflateEncoder};

/// The bytes of a recipe in front of its packed bytes; zeros ask for nothing odd.
const KNOBS: usize = 16;

/// Values that each knob is turned to: each bit, and all.
const SETTINGS: [u8; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 255];

/// What a second odd thing is combined with, since a fuzzer is slow to find two
/// at once: AE-1, read twice and streamed, in a folder that is allowed.
const BASES: [(&str, &[(usize, u8)]); 4] = [
    ("usual", &[]),
    ("ae1", &[(2, 1)]),
    ("streaming", &[(10, 3)]),
    ("folder", &[(9, 16), (10, 16)]),
];

/// Faults that only the end of large content shows: none, a wrong size, AE-1's CRC.
const LARGE: [(&str, &[(usize, u8)]); 3] =
    [("usual", &[]), ("size", &[(5, 1)]), ("crc", &[(2, 1), (7, 1)])];

fn main() -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "a program reads its arguments")]
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for line in fs::read_to_string(folder.join("targets.tsv"))?.lines().skip(1) {
        let [target, fixtures, longest] = line.split('\t').collect::<Vec<_>>()[..] else {
            bail!("targets.tsv: cannot read `{line}`");
        };
        if wanted.is_empty() || wanted.iter().any(|name| name == target) {
            write(&folder, target, fixtures, longest.parse()?)?;
        }
    }
    Ok(())
}

/// Writes the seeds of a target into its corpus.
fn write(folder: &Path, target: &str, from: &str, longest: usize) -> Result<()> {
    let corpus = folder.join("corpus").join(target);
    fs::create_dir_all(&corpus)?;
    let fixtures = fixtures(&folder.join("../fixtures").join(from))?;
    let seeds = match target {
        "decode" => recipes(&fixtures)?,
        "list" => lists(&fixtures),
        "times" => times(),
        _ => fixtures,
    };
    let mut written = 0;
    for (name, bytes) in seeds.iter().filter(|(_, bytes)| bytes.len() <= longest) {
        fs::write(corpus.join(format!("seed-{name}")), bytes)?;
        written += 1;
    }
    ensure!(written > 0, "{target} has no seed");
    println!("  {target}: {written} seeds");
    Ok(())
}

type Seeds = Vec<(String, Vec<u8>)>;

fn fixtures(folder: &Path) -> Result<Seeds> {
    let about = ["README.md", "MANIFEST.tsv", "make.py"];
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("no folder {}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let mut seeds = Seeds::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !about.contains(&name.as_str()) {
            seeds.push((name, fs::read(path)?));
        }
    }
    Ok(seeds)
}

/// The part of each answer from the first `[` to the last `]`.
fn lists(answers: &Seeds) -> Seeds {
    let list = |(name, bytes): &(String, Vec<u8>)| {
        let from = bytes.iter().position(|byte| *byte == b'[')?;
        let to = bytes.iter().rposition(|byte| *byte == b']')?;
        Some((name.clone(), bytes.get(from..=to)?.to_vec()))
    };
    answers.iter().filter_map(list).collect()
}

/// One time in each outline that is read.
fn times() -> Seeds {
    let texts = [
        "2022-06-07 11:39:18",
        "2022-06-07T11:39:18.123+08:00[Asia/Shanghai]",
        "2022/6/7 11:39",
        "2022-06-07 03:39:18 UTC",
        "2022-06-06T22:39:18,5-0500",
        "20220607113918",
        "1654573158.25",
        "1654573158000",
        "/Date(1654573158000+0800)/",
        "[2022,6,7,11,39,18]",
    ];
    texts.iter().enumerate().map(|(n, text)| (n.to_string(), text.as_bytes().to_vec())).collect()
}

/// Each document in a good archive, deflated and stored, and one with each knob
/// turned.
fn recipes(documents: &Seeds) -> Result<Seeds> {
    let mut seeds = Seeds::new();
    for (name, document) in documents {
        for level in [Compression::none(), Compression::best()] {
            let recipe = recipe(&[], deflated(document, level)?);
            seeds.push((format!("{name}-{}", level.level()), recipe));
        }
        seeds.push((format!("{name}-stored"), recipe(&[(0, 1)], document.clone())));
    }
    let (_, first) = documents.first().context("there is no document to pack")?;
    let packed = deflated(first, Compression::fast())?;
    for (base, turned) in BASES {
        for (at, setting) in (0..KNOBS).flat_map(|at| SETTINGS.map(|setting| (at, setting))) {
            let turned = [turned, &[(at, setting)]].concat();
            seeds.push((format!("{base}-{at}-{setting}"), recipe(&turned, packed.clone())));
        }
    }
    let large = deflated(&large(), Compression::best())?;
    for (oddity, turned) in LARGE {
        for reading in [0, 3] {
            let turned = [turned, &[(10, reading)]].concat();
            seeds.push((format!("large-{oddity}-{reading}"), recipe(&turned, large.clone())));
        }
    }
    Ok(seeds)
}

/// Content of several chunks that still is not packed too well: noise, then zeros.
fn large() -> Vec<u8> {
    let mut noise = 1_u32;
    let mut content: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise.to_be_bytes()[0]
    })
    .take(2000)
    .collect();
    content.resize(500 << 10, 0);
    content
}

fn recipe(turned: &[(usize, u8)], packed: Vec<u8>) -> Vec<u8> {
    let mut knobs = [0; KNOBS];
    for (at, setting) in turned {
        if let Some(knob) = knobs.get_mut(*at) {
            *knob = *setting;
        }
    }
    [knobs.to_vec(), packed].concat()
}

fn deflated(document: &[u8], level: Compression) -> Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), level);
    encoder.write_all(document)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_declared_and_has_its_dictionary() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let targets = fs::read_to_string(folder.join("targets.tsv")).unwrap();
        let names: Vec<_> =
            targets.lines().skip(1).filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(manifest.matches("[[bin]]").count(), names.len());
        for name in names {
            let program = format!("path = \"fuzz_targets/{name}.rs\"");
            assert!(manifest.contains(&program), "{program}");
            assert!(folder.join(format!("dictionaries/{name}.dict")).is_file(), "{name}");
        }
    }

    #[test]
    fn a_recipe_is_knobs_and_packed_bytes() {
        let packed = deflated(b"{}", Compression::none()).unwrap();
        assert_eq!(packed, [1, 2, 0, 0xfd, 0xff, b'{', b'}']);
        let recipe = recipe(&[(2, 1), (15, 9)], packed.clone());
        assert_eq!(recipe[..KNOBS], [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
        assert_eq!(recipe[KNOBS..], packed);
    }
}
