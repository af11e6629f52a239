//! A small committed data set and what is written from it, character by character.
//!
//! After a wanted change, run this with `UPDATE_GOLDEN=1` and read the difference.

use std::fs;
use std::path::{Path, PathBuf};

use labctl::config::{Experiment, Workload};
use labctl::data::{DataFolder, RunData};
use labctl::report;

use crate::sample;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn is_update() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

/// Twenty writes to four keys, three followers.
fn small() -> Experiment {
    let workload = Workload {
        writes: 20.try_into().unwrap(),
        concurrency: 4.try_into().unwrap(),
        keys: 4.try_into().unwrap(),
        ..Experiment::default().workload
    };
    Experiment {
        quorums: (1..=3).map(|w| w.try_into().unwrap()).collect(),
        followers: 3.try_into().unwrap(),
        workload,
        ..Experiment::default()
    }
}

fn runs() -> Vec<RunData> {
    let folder = DataFolder::at(golden().join("data"));
    if is_update() {
        for run in sample::runs("quorum", &small()) {
            run.save(&folder.run(run.manifest.quorum)).unwrap();
        }
    }
    let runs = folder.runs().unwrap();
    runs.iter().map(|(_, path)| RunData::load(path).unwrap()).collect()
}

#[test]
fn the_small_data_set_gives_the_committed_report() {
    compare("report", &report::render(&runs(), &[]).unwrap());
}

#[test]
fn the_same_runs_of_a_system_that_tells_less_give_the_committed_report() {
    let runs: Vec<RunData> = runs().into_iter().map(sample::without_trace).collect();
    compare("report-without-trace", &report::render(&runs, &[]).unwrap());
}

/// Holds a report against the committed one in this folder.
fn compare(folder: &str, rendered: &report::Rendered) {
    let files = [("report.md", &rendered.markdown), ("summary.json", &rendered.json), ("summary.csv", &rendered.csv)];
    for (name, text) in files {
        let path = golden().join(folder).join(name);
        if is_update() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap();
        let different = text.lines().zip(expected.lines()).position(|(now, then)| now != then);
        assert!(
            *text == expected,
            "{} differs from line {} on; UPDATE_GOLDEN=1 accepts the new text",
            path.display(),
            different.map_or_else(|| "its end".to_owned(), |line| (line + 1).to_string())
        );
    }
}

#[test]
fn the_same_data_give_the_same_bytes_in_whatever_order_and_folder() {
    let mut runs = runs();
    let first = tempfile::tempdir().unwrap();
    let second = tempfile::tempdir().unwrap();
    let written = report::write(&runs, &[], first.path()).unwrap();
    runs.reverse();
    let again = report::write(&runs, &[], &second.path().join("below")).unwrap();
    let files: Vec<_> = written.paths().zip(again.paths()).collect();
    assert!(files.len() > 8, "{files:?}");
    for (one, other) in files {
        assert_eq!(one.file_name(), other.file_name());
        assert!(fs::read(one).unwrap() == fs::read(other).unwrap(), "{} is not the same again", one.display());
    }
}

#[test]
fn a_report_replaces_the_one_before_and_leaves_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let runs = runs();
    let written = report::write(&runs, &[], folder.path()).unwrap();
    fs::write(&written.html, "an earlier report").unwrap();
    fs::write(folder.path().join("experiments.png"), "of a report that compared experiments").unwrap();
    report::write(&runs, &[], folder.path()).unwrap();
    assert!(fs::read_to_string(&written.html).unwrap().starts_with("<!DOCTYPE html>"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), written.paths().count());
    assert!(written.figures[0].ends_with("quorum_vs_latency_full.png"));
    let png = fs::read(&written.figures[0]).unwrap();
    // Width and height in the header of a PNG file: twice 900 by 550.
    assert_eq!((&png[16..20], &png[20..24]), (&1800_u32.to_be_bytes()[..], &1100_u32.to_be_bytes()[..]));
}

#[test]
fn figures_recomputed_from_the_writes_agree_to_the_last_digit() {
    let runs = runs();
    let csv = report::render(&runs, &[]).unwrap().csv;
    for (run, line) in runs.iter().zip(csv.lines().skip(1)) {
        let mut ms: Vec<f64> = run.writes.iter().map(|row| row.latency_us.as_ms()).collect();
        ms.sort_by(f64::total_cmp);
        let quantile = |p: f64| {
            let at = p * (ms.len() - 1) as f64;
            let (below, above) = (ms[at.floor() as usize], ms[at.ceil() as usize]);
            below + (above - below) * at.fract()
        };
        let mean = ms.iter().sum::<f64>() / ms.len() as f64;
        let expected = [mean, quantile(0.5), quantile(0.95), quantile(0.99)].map(|value| format!("{value:.5}"));
        assert_eq!(line.split(',').skip(4).take(4).collect::<Vec<_>>(), expected);
    }
}
