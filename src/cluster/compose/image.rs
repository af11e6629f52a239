//! The node's image: built once, from the binary that this checkout builds.

use std::env::consts::{ARCH, OS};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use super::project::Project;
use crate::cluster::ClusterError;
use crate::cluster::docker::{Call, Docker};
use crate::data::LEADER;
use crate::host;

/// The node's program, and the name of its image.
const NODE: &str = "labnode";

/// How long Cargo may take to build the node: usually nothing, at worst all its dependencies.
const CARGO_LIMIT: Duration = Duration::from_mins(15);

/// How long it may take to put a finished binary into an image.
const PREBUILT_LIMIT: Duration = Duration::from_mins(2);

/// How long it may take to fetch a Rust image and compile the node in it.
const SOURCE_LIMIT: Duration = Duration::from_mins(30);

/// How long the engine may take to answer a question.
const QUESTION_LIMIT: Duration = Duration::from_secs(20);

/// The image that all nodes of all runs share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeImage {
    /// The image's content digest, `sha256:...`.
    pub id: String,
    /// SHA-256 of the node's binary, hexadecimal; absent where it was compiled in a container.
    pub node_sha256: Option<String>,
}

impl NodeImage {
    /// Builds the image from the checkout at `root`: on Linux around the binary that Cargo
    /// builds here (next to nothing to do after `cargo run --release`), otherwise by compiling
    /// in a container.
    ///
    /// # Errors
    /// [`ClusterError`]; with the compiler's or the engine's last words where one of them failed.
    pub fn build(docker: &Docker, root: &Path, cancel: &CancellationToken) -> Result<Self, ClusterError> {
        let binary = node_binary(root, cancel)?;
        let project = Project::new(docker.clone(), root, NODE);
        match &binary {
            Some(path) => project
                .compose(None, PREBUILT_LIMIT)
                .env("LABNODE_STAGE", "prebuilt")
                .env("LABNODE_BINARY", path.strip_prefix(root).unwrap_or(path)),
            None => project.compose(None, SOURCE_LIMIT).env("LABNODE_STAGE", "source"),
        }
        .env("LABNODE_IMAGE", NODE)
        .args(["build", LEADER])
        .merged()
        .read(cancel)?;
        let inspect = docker.client(QUESTION_LIMIT).args(["image", "inspect", "--format", "{{.Id}}", NODE]);
        Ok(Self { id: inspect.read(cancel)?, node_sha256: binary.as_deref().and_then(host::file_sha256) })
    }
}

/// The node's static binary, inside the part of the checkout that the image is built from.
fn node_binary(root: &Path, cancel: &CancellationToken) -> Result<Option<PathBuf>, ClusterError> {
    if OS != "linux" {
        return Ok(None);
    }
    if !root.join("Cargo.toml").is_file() {
        return Ok(newest_prebuilt(root));
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    match cargo_build(&cargo, root, cancel) {
        Ok(built) => within_context(root, built).map(Some),
        Err(ClusterError::Spawn { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(newest_prebuilt(root))
        }
        Err(error) => Err(error),
    }
}

/// Builds the node and says where its binary is. Naming labctl too gives the dependencies
/// the features that `cargo run --release` has already built them with.
fn cargo_build(cargo: &OsString, root: &Path, cancel: &CancellationToken) -> Result<PathBuf, ClusterError> {
    let mut call = Call::new(cargo, CARGO_LIMIT)
        .args(["build", "--release", "--quiet", "--message-format", "json-render-diagnostics"])
        .args(["--package", "labctl", "--package", NODE, "--bin", NODE])
        .dir(root);
    // RUSTFLAGS replaces the flags of .cargo/config.toml, static linking among them.
    if let Some(mut flags) = std::env::var_os("RUSTFLAGS") {
        flags.push(" -C target-feature=+crt-static");
        call = call.env("RUSTFLAGS", flags);
    }
    let messages = call.read(cancel)?;
    messages
        .lines()
        .rev()
        .find_map(executable)
        .ok_or_else(|| ClusterError::Setup(format!("cargo built no `{NODE}` binary in {}", root.display())))
}

/// The node's path, if this message of Cargo is about it.
fn executable(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let ours = message.pointer("/target/name")?.as_str()? == NODE;
    let path = message.get("executable")?.as_str()?;
    ours.then(|| path.into())
}

/// A target folder elsewhere (CARGO_TARGET_DIR) is outside of what an image can be built from.
fn within_context(root: &Path, built: PathBuf) -> Result<PathBuf, ClusterError> {
    // Both canonical: a copy of a file onto itself would empty it.
    let canonical = |path: &Path| path.canonicalize().map_err(|source| about(path, &source));
    if let Ok(inside) = canonical(&built)?.strip_prefix(canonical(root)?.join("target")) {
        return Ok(root.join("target").join(inside));
    }
    let copy = root.join(format!("target/{ARCH}-unknown-linux-gnu/release/{NODE}"));
    copy.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::copy(&built, &copy))
        .map_err(|source| about(&copy, &source))?;
    Ok(copy)
}

/// The binary that was built last, where none can be built now.
fn newest_prebuilt(root: &Path) -> Option<PathBuf> {
    let modified = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let targets = fs::read_dir(root.join("target")).ok()?;
    let candidates =
        targets.flatten().map(|target| target.path()).filter(|path| path.to_string_lossy().contains("-linux-"));
    let dated =
        candidates.map(|target| target.join("release").join(NODE)).filter_map(|path| Some((modified(&path)?, path)));
    dated.max_by_key(|(time, _): &(SystemTime, PathBuf)| *time).map(|(_, path)| path)
}

fn about(path: &Path, source: &io::Error) -> ClusterError {
    ClusterError::Setup(format!("{}: {source}", path.display()))
}
