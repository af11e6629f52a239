//! The data folder as a whole: where each experiment's runs lie, and who may write there.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::{DataError, Manifest, read, staging};
use crate::config::ExperimentName;
use crate::model::Quorum;

/// How long [`Lock::holder`] may keep a file locked, at most: a lock held for longer is in use.
const ASKING_LIMIT: Duration = Duration::from_millis(200);

/// The folder of an experiment's further rounds, each in a folder of its number.
const ROUNDS: &str = "rounds";

/// The runs of one experiment: a folder that holds `W<n>` directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// The folder of one experiment's runs, as it stands.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where an experiment's runs are written: `root` itself for the default one, else `root/NAME`.
    #[must_use]
    pub fn for_experiment(root: &Path, name: &ExperimentName, default: &ExperimentName) -> Self {
        Self::at(if name == default { root.to_owned() } else { root.join(name.as_str()) })
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the run at this quorum lies.
    #[must_use]
    pub fn run(&self, quorum: Quorum) -> PathBuf {
        self.path.join(format!("W{quorum}"))
    }

    /// The folder of one more round of the same runs, from 2 on; the first round lies in this folder itself.
    #[must_use]
    pub fn round(&self, number: u32) -> Self {
        if number < 2 { self.clone() } else { Self::at(self.path.join(ROUNDS).join(number.to_string())) }
    }

    /// The folders of the further rounds, by number.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn rounds(&self) -> Result<Vec<Self>, DataError> {
        let path = self.path.join(ROUNDS);
        let io = |source| DataError::Io { path: path.clone(), action: "list", source };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io(error)),
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry.map_err(io)?.file_name();
            numbers.extend(name.to_str().and_then(|name| name.parse::<u32>().ok()).filter(|number| *number >= 2));
        }
        numbers.sort_unstable();
        Ok(numbers.into_iter().map(|number| self.round(number)).collect())
    }

    /// Every run there is, by quorum.
    ///
    /// # Errors
    /// When the folder is there and cannot be listed.
    pub fn runs(&self) -> Result<Vec<(Quorum, PathBuf)>, DataError> {
        let io = |source| DataError::Io { path: self.path.clone(), action: "list", source };
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io(error)),
        };
        let mut runs = Vec::new();
        for entry in entries {
            let entry = entry.map_err(io)?;
            let name = entry.file_name();
            let quorum = name.to_str().and_then(|name| name.strip_prefix('W')).and_then(|w| w.parse().ok());
            if let Some(quorum) = quorum.filter(|_| entry.path().is_dir()) {
                runs.push((quorum, entry.path()));
            }
        }
        runs.sort();
        Ok(runs)
    }

    /// The experiments that have runs below `root`, with their folders: the default one's
    /// directly in `root`, the others' in folders of their names.
    ///
    /// # Errors
    /// When a folder cannot be listed or a manifest cannot be read.
    pub fn experiments(root: &Path) -> Result<Vec<(ExperimentName, Self)>, DataError> {
        let mut found = Vec::new();
        let mut folders = vec![root.to_owned()];
        if let Ok(entries) = fs::read_dir(root) {
            let mut below: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
            below.sort();
            let names_experiment = |path: &PathBuf| {
                path.is_dir()
                    && path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.parse::<ExperimentName>().is_ok())
            };
            folders.extend(below.into_iter().filter(names_experiment));
        }
        for path in folders {
            let folder = Self::at(path);
            if let Some((_, run)) = folder.runs()?.first() {
                let manifest: Manifest = read::manifest(run)?;
                found.push((manifest.experiment, folder));
            }
        }
        Ok(found)
    }

    /// Removes what a labctl that was killed has left of unfinished runs here; returns what that
    /// was. Whoever calls this holds the lock.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn clear_unfinished(&self) -> Result<Vec<PathBuf>, DataError> {
        staging::clear(&self.path)
    }

    /// Makes the folder and takes its lock, so that two labctl never write the same runs.
    ///
    /// # Errors
    /// [`DataError::Locked`] names who holds it.
    pub fn lock(root: &Path) -> Result<Lock, DataError> {
        Lock::take(root, ".lock")
    }
}

/// Holds a folder until dropped; the operating system lets go of it when labctl dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Makes the folder and locks the file of this name in it.
    ///
    /// # Errors
    /// [`DataError::Locked`] names who holds it.
    pub fn take(root: &Path, name: &str) -> Result<Self, DataError> {
        let path = root.join(name);
        let io = |action| move |source| DataError::Io { path: root.to_owned(), action, source };
        fs::create_dir_all(root).map_err(io("make the folder"))?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io("write in the folder"))?;
        match lock_soon(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who it is only helps; not to know changes nothing.
                let _ = file.read_to_string(&mut holder);
                return Err(DataError::Locked { path: root.to_owned(), holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(io("lock the folder")(source)),
        }
        let argv = command_line();
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "process {}, `{}`", std::process::id(), argv.join(" ")))
            .map_err(io("write in the folder"))?;
        Ok(Self { _file: file })
    }

    /// The process that holds the file of this name; `None` if it is not locked.
    #[must_use]
    pub fn holder(root: &Path, name: &str) -> Option<u32> {
        let mut file = File::open(root.join(name)).ok()?;
        // A shared lock: two that ask at once do not take each other for the holder.
        let Err(TryLockError::WouldBlock) = file.try_lock_shared() else {
            return None;
        };
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        text.strip_prefix("process ")?.split(',').next()?.parse().ok()
    }
}

/// Locks a file, or finds out that another process keeps it locked: [`Lock::holder`] has it locked
/// for the moment of asking.
fn lock_soon(file: &File) -> Result<(), TryLockError> {
    let deadline = Instant::now() + ASKING_LIMIT;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(Duration::from_millis(1)),
            done => return done,
        }
    }
}

/// The command line of this process, its program without the folder: that says nothing about a run, but may say something
/// about whose machine it was. Bytes that are no UTF-8 are shown as U+FFFD: a path may have any, and neither JSON nor a
/// terminal can take them.
#[must_use]
pub fn command_line() -> Vec<String> {
    let mut words = std::env::args_os();
    let program = words.next().map(|path| Path::new(&path).file_name().map_or_else(|| path.clone(), OsStr::to_owned));
    program.into_iter().chain(words).map(|word| word.to_string_lossy().into_owned()).collect()
}
