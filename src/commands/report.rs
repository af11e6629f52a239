//! `labctl report`.

use std::path::{Path, PathBuf};

use super::output::say;
use super::saved::{self, Saved};
use crate::cli::{ExperimentSelection, Format, Paths, Report};
use crate::config::ExperimentName;
use crate::data::{DataError, RunData};
use crate::exit::Exit;
use crate::report;

/// Renders the selected experiments' reports from the saved data.
pub(super) fn report(paths: &Paths, args: &Report) -> anyhow::Result<Exit> {
    let all = saved::load(&paths.data, args.experiment.as_ref())?;
    let mut written = Vec::new();
    for saved in &all {
        let is_default = saved.folder.path() == paths.data;
        let folder = if is_default { paths.report.clone() } else { paths.report.join(saved.name.as_str()) };
        written.extend(write(saved, paths, &folder)?);
    }
    match args.format {
        Format::Json => {
            let written: Vec<_> = written.iter().map(|path| path.to_string_lossy()).collect();
            say!("{}", serde_json::to_string_pretty(&written)?);
        }
        Format::Text => written.iter().for_each(|path| say!("{}", path.display())),
    }
    all.iter().try_for_each(Saved::check_complete)?;
    Ok(Exit::Success)
}

/// Renders one experiment's report, compared with whatever others have data; returns its files.
///
/// # Errors
/// When another experiment's data is damaged, or the report cannot be written.
pub(super) fn write(saved: &Saved, paths: &Paths, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let others = others(&paths.data, &saved.name)?;
    Ok(report::write(&saved.runs, &others, folder)?.paths().map(Path::to_owned).collect())
}

/// Every other experiment's runs.
fn others(root: &Path, name: &ExperimentName) -> Result<Vec<(ExperimentName, Vec<RunData>)>, DataError> {
    let all = match saved::load(root, Some(&ExperimentSelection::All)) {
        Err(DataError::Missing { .. }) => Vec::new(),
        all => all?,
    };
    Ok(all.into_iter().filter(|saved| saved.name != *name).map(|saved| (saved.name, saved.runs)).collect())
}
