//! Run directories that somebody or something has been at: whatever a file says, it is refused
//! with its line, or else the analysis copes with it. `tests/corpus/data` holds what once was
//! worth a thought, a folder for each file of a run.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{DataError, RunData};
use crate::analysis::{Account, Durability, Lag, LeaderEvidence, RunFigures, diagnose, write_lives};

const FILES: [&str; 6] = ["writes.csv", "replication.csv", "arrivals.csv", "faults.csv", "manifest.json", "f1.json"];

/// Texts that a field is not made for.
const ODD: [&str; 16] = [
    "",
    "-1",
    "18446744073709551615",
    "9223372036854775807",
    "-9223372036854775808",
    "315360000000000",
    "1e309",
    "NaN",
    "\"",
    "\"a\nb\"",
    "f99",
    "leader",
    "failed",
    "restart",
    "\u{202e}\0",
    "null",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A sound run of three followers and twenty writes in a temporary folder, with a fault.
fn sound() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (root().join("tests/golden/data/W2"), folder.path().join("W2"));
    for part in ["", "at-last-ack"] {
        fs::create_dir_all(to.join(part)).unwrap();
        for entry in fs::read_dir(from.join(part)).unwrap().map(Result::unwrap) {
            if entry.path().is_file() {
                fs::copy(entry.path(), to.join(part).join(entry.file_name())).unwrap();
            }
        }
    }
    fs::copy(root().join("tests/corpus/data/faults.csv/good-kill"), to.join("faults.csv")).unwrap();
    (folder, to)
}

/// Loads a run and, if that works, puts it through the whole analysis, with and without what its
/// files contradict each other in.
fn judge(run: &Path) -> Result<(), DataError> {
    let run = RunData::load(run)?;
    analyse(&run);
    analyse(&run.without_contradicted());
    Ok(())
}

fn analyse(run: &RunData) {
    let figures = RunFigures::of(run, None);
    serde_json::to_string(&figures).unwrap();
    let evidence = LeaderEvidence::of(run, &figures.latency, &figures.consistency);
    let _ = diagnose(&run.manifest.config, &[evidence]);
    serde_json::to_string(&(Lag::of(run), Durability::of(run), write_lives(&Account::of(run)))).unwrap();
    serde_json::to_string(&run.contradictions).unwrap();
}

/// A refusal names the file, and is one line.
fn check_refusal(error: &DataError, file: &str) {
    let text = error.to_string();
    assert!(text.contains(file) && !text.contains('\n'), "{file}: {text}");
    assert!(matches!(error, DataError::Invalid { line, .. } if *line > 0), "{file}: {error:?}");
}

#[test]
fn the_corpus_is_judged_as_its_names_say() {
    let (_folder, run) = sound();
    judge(&run).unwrap();
    for file in FILES {
        let before = fs::read(run.join(file)).unwrap();
        let folder = root().join("tests/corpus/data").join(file);
        let mut judged = 0;
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            fs::copy(&entry, run.join(file)).unwrap();
            let name = entry.file_name().unwrap().to_string_lossy().into_owned();
            match judge(&run) {
                Ok(()) => assert!(name.starts_with("good-"), "{file}/{name} was accepted"),
                Err(error) => {
                    assert!(name.starts_with("bad-"), "{file}/{name}: {error}");
                    check_refusal(&error, file);
                }
            }
            judged += 1;
        }
        assert!(judged > 0, "{}", folder.display());
        fs::write(run.join(file), before).unwrap();
    }
}

/// What is done to a file's bytes.
#[derive(Debug, Clone)]
enum Damage {
    /// A stretch is replaced.
    Bytes(Index, usize, Vec<u8>),
    /// Everything from a place on is gone.
    Cut(Index),
    /// A field, between commas, colons or ends of lines, is replaced.
    Field(Index, &'static str),
    /// A line is there twice.
    Twice(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        1 => (any::<Index>(), 0_usize..8, prop::collection::vec(any::<u8>(), 0..8))
            .prop_map(|(at, length, bytes)| Damage::Bytes(at, length, bytes)),
        1 => any::<Index>().prop_map(Damage::Cut),
        6 => (any::<Index>(), select(&ODD[..])).prop_map(|(at, text)| Damage::Field(at, text)),
        1 => any::<Index>().prop_map(Damage::Twice),
    ]
}

impl Damage {
    fn apply(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Bytes(at, length, with) => {
                let at = at.index(bytes.len());
                let end = bytes.len().min(at + length);
                bytes.splice(at..end, with.iter().copied());
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Field(at, text) => {
                let mut pieces: Vec<&[u8]> = bytes.split_inclusive(|byte| b",:\n".contains(byte)).collect();
                let at = at.index(pieces.len());
                let field = [text.as_bytes(), pieces[at].last().map_or(&[][..], std::slice::from_ref)].concat();
                pieces[at] = &field;
                return pieces.concat();
            }
            Self::Twice(at) => {
                let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
                let at = at.index(lines.len());
                lines.insert(at, lines[at]);
                return lines.concat();
            }
        }
        bytes
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Eight files at a time, since a sound run is most of the work.
    #[test]
    fn no_damage_makes_labctl_panic(cases in prop::collection::vec((select(&FILES[..]), damage()), 8)) {
        let (_folder, run) = sound();
        for (file, damage) in cases {
            let before = fs::read(run.join(file)).unwrap();
            fs::write(run.join(file), damage.apply(before.clone())).unwrap();
            if let Err(error) = judge(&run) {
                assert!(!error.to_string().contains('\n'), "{file} {damage:?}: {error}");
            }
            fs::write(run.join(file), before).unwrap();
        }
    }
}
