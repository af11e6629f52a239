//! What saving, loading and reporting runs costs: `cargo bench --bench report`.
//!
//! Files are in a temporary folder: set `TMPDIR` to measure another disk.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

mod input;

use std::path::Path;
use std::time::Duration;

use divan::{Bencher, Divan};
use labctl::analysis::Summary;
use labctl::data::{DataFolder, RunData};
use labctl::model::Quorum;
use labctl::report;
use tempfile::TempDir;

/// How many writes the runs have that are saved, loaded and summarized.
const WRITES: [u32; 2] = [100, 10_000];

/// The quorum of those runs.
const QUORUM: Quorum = Quorum::constant(3);

/// How long one benchmark is repeated, unless `--max-time` says otherwise. 100 samples would take a slow one minutes.
const MAX_TIME: Duration = Duration::from_secs(2);

fn main() {
    Divan::default().max_time(MAX_TIME).config_with_args().main();
}

/// Writing a run in the place of an earlier one, until it has reached the disk.
#[divan::bench(args = WRITES)]
fn save(bencher: Bencher<'_, '_>, writes: u32) {
    let (folder, run) = (tempfile::tempdir().unwrap(), input::simulated(&input::lab(writes), QUORUM));
    let path = DataFolder::at(folder.path()).run(QUORUM);
    run.save(&path).unwrap();
    bencher.bench_local(|| run.save(&path).unwrap());
}

/// Reading a run, without checking its files against each other.
#[divan::bench(args = WRITES)]
fn load(bencher: Bencher<'_, '_>, writes: u32) {
    let (folder, run) = (tempfile::tempdir().unwrap(), input::simulated(&input::lab(writes), QUORUM));
    let path = DataFolder::at(folder.path()).run(QUORUM);
    run.save(&path).unwrap();
    bencher.bench_local(|| RunData::load(&path).unwrap());
}

/// A run's line in summary.csv.
#[divan::bench(args = WRITES)]
fn summary(bencher: Bencher<'_, '_>, writes: u32) {
    let run = input::simulated(&input::lab(writes), QUORUM);
    bencher.bench_local(|| Summary::of(&run));
}

/// The text of the lab's report on five quorums: all figures computed, and HTML, Markdown, CSV and JSON set.
#[divan::bench]
fn render_text(bencher: Bencher<'_, '_>) {
    let data = saved_lab();
    let runs = loaded(data.path());
    bencher.bench_local(|| report::render(&runs, &[]).unwrap());
}

/// Drawing the PNG files of that report, and writing all its files.
#[divan::bench]
fn draw_and_write(bencher: Bencher<'_, '_>) {
    let (data, folder) = (saved_lab(), tempfile::tempdir().unwrap());
    let rendered = report::render(&loaded(data.path()), &[]).unwrap();
    bencher.bench_local(|| rendered.write(folder.path()).unwrap());
}

/// The whole report from saved data, as `labctl report` makes it.
#[divan::bench]
fn whole_report(bencher: Bencher<'_, '_>) {
    let (data, folder) = (saved_lab(), tempfile::tempdir().unwrap());
    bencher.bench_local(|| report::write(&loaded(data.path()), &[], folder.path()).unwrap());
}

/// A folder with the lab's runs at all of its quorums.
fn saved_lab() -> TempDir {
    let (folder, experiment) = (tempfile::tempdir().unwrap(), input::lab(100));
    let data = DataFolder::at(folder.path());
    for quorum in &experiment.quorums {
        input::simulated(&experiment, *quorum).save(&data.run(*quorum)).unwrap();
    }
    folder
}

/// The runs in a folder, each checked against itself.
fn loaded(folder: &Path) -> Vec<RunData> {
    let runs = DataFolder::at(folder).runs().unwrap();
    runs.iter().map(|(_, path)| RunData::load(path).unwrap().without_contradicted()).collect()
}
