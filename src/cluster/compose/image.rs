//! The node's image: built once, from the binary that this checkout builds.

use std::env::consts::OS;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use crate::cluster::docker::{Call, Docker};
use crate::cluster::folder::OwnedFolder;
use crate::cluster::{ClusterError, Tell};
use crate::model::{ImageRecipe, sha256};

/// How long Cargo may take to build the node: usually nothing, at worst all its dependencies.
const CARGO_LIMIT: Duration = Duration::from_mins(15);

/// How long it may take to put a finished binary into an image.
pub(super) const PREBUILT_LIMIT: Duration = Duration::from_mins(2);

/// How long it may take to fetch a Rust image and compile the node in it.
const SOURCE_LIMIT: Duration = Duration::from_mins(30);

/// The file in which the client leaves the id of the image that it has built.
const IMAGE_ID: &str = "image-id";

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
    pub fn build(
        docker: &Docker,
        root: &Path,
        recipe: &ImageRecipe,
        tell: Tell,
        cancel: &CancellationToken,
    ) -> Result<Self, ClusterError> {
        match node_binary(root, recipe.binary, tell, cancel)? {
            Some(binary) => Self::around(docker, root, recipe, &binary, tell, cancel),
            None => {
                tell(&format!("there is no cargo and no `{}`: the node is compiled in a container", recipe.binary));
                let dockerfile = root.join(recipe.dockerfile);
                let call = in_context(docker, build_call(docker, recipe, SOURCE_LIMIT, "source"), &dockerfile, root);
                let still = |elapsed| tell(&still("compiling the node in a container", elapsed));
                call.read_telling(&still, cancel)?;
                Ok(Self { id: built_id(docker)?, node_sha256: None })
            }
        }
    }

    /// An image of this binary.
    fn around(
        docker: &Docker,
        root: &Path,
        recipe: &ImageRecipe,
        binary: &Path,
        tell: Tell,
        cancel: &CancellationToken,
    ) -> Result<Self, ClusterError> {
        let read = |path: &Path| fs::read(path).map_err(|source| about(path, &source));
        let (content, dockerfile) = (read(binary)?, read(&root.join(recipe.dockerfile))?);
        let call = build_call(docker, recipe, PREBUILT_LIMIT, "prebuilt");
        let still = |elapsed| tell(&still(&format!("building the image {}", recipe.binary), elapsed));
        let id = from_binary(docker, call, &dockerfile, (recipe.binary, &content), &still, cancel)?;
        Ok(Self { id, node_sha256: Some(sha256(&content)) })
    }
}

/// Builds an image of one binary, given its name and content, in a folder that holds nothing but that and the Dockerfile:
/// whatever the checkout's `.dockerignore` says. Returns the image's id.
pub(super) fn from_binary(
    docker: &Docker,
    call: Call,
    dockerfile: &[u8],
    (name, content): (&str, &[u8]),
    still: &dyn Fn(Duration),
    cancel: &CancellationToken,
) -> Result<String, ClusterError> {
    let context = OwnedFolder::new().map_err(ClusterError::temporary)?;
    let (recipe, copy) = (context.path().join("Dockerfile"), context.path().join(name));
    fs::write(&recipe, dockerfile)
        .and_then(|()| fs::write(&copy, content))
        .and_then(|()| fs::set_permissions(&copy, Permissions::from_mode(0o755)))
        .map_err(ClusterError::temporary)?;
    let call = in_context(docker, call, &recipe, context.path());
    // Any builder can do it. The classic one needs no plug-in, but may not be there any more.
    match call.clone().env("DOCKER_BUILDKIT", "0").read_telling(still, cancel) {
        Err(ClusterError::Failed { stderr, .. }) if needs_buildkit(&stderr) => {
            call.read_telling(still, cancel)?;
        }
        built => drop(built?),
    }
    built_id(docker)
}

/// A call of the client that builds an image of a recipe.
fn build_call(docker: &Docker, recipe: &ImageRecipe, limit: Duration, target: &str) -> Call {
    docker
        .client(limit)
        .args(["build", "--target", target, "--tag", recipe.binary, "--build-arg"])
        .args([format!("{}={}", recipe.binary_argument, recipe.binary)])
}

/// The same call with a Dockerfile and a folder, which leaves the image's id in a file.
fn in_context(docker: &Docker, call: Call, dockerfile: &Path, context: &Path) -> Call {
    call.args(["--iidfile".into(), docker.file(IMAGE_ID), "--file".into(), dockerfile.to_owned(), context.to_owned()])
        .merged()
}

/// The id that the last build has left: the image's name may be another build's by now.
fn built_id(docker: &Docker) -> Result<String, ClusterError> {
    let file = docker.file(IMAGE_ID);
    let id = fs::read_to_string(&file).map_err(|source| about(&file, &source))?;
    Ok(id.trim().to_owned())
}

/// Whether this client can only build with its plug-in, by what it printed.
fn needs_buildkit(said: &str) -> bool {
    let said = said.to_lowercase();
    said.contains("buildkit") || said.contains("legacy builder") && said.contains("removed")
}

fn still(what: &str, elapsed: Duration) -> String {
    format!("{what} ({} s so far)", elapsed.as_secs())
}

/// The node's static binary; `None` where it has to be compiled in a container.
fn node_binary(
    root: &Path,
    node: &str,
    tell: Tell,
    cancel: &CancellationToken,
) -> Result<Option<PathBuf>, ClusterError> {
    if OS != "linux" {
        return Ok(None);
    }
    if root.join("Cargo.toml").is_file() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        match cargo_build(&cargo, root, node, tell, cancel) {
            Err(ClusterError::Spawn { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            built => {
                if let Some(beside) = binary_beside(node) {
                    let root = root.display();
                    tell(&format!("ignored: {} (the nodes run what cargo builds in {root})", beside.display()));
                }
                return built.map(Some);
            }
        }
    }
    let found = prebuilt(root, node);
    if let Some(path) = &found {
        tell(&format!("there is no cargo here: the nodes run {}", path.display()));
    }
    Ok(found)
}

/// Builds the node and says where its binary is. Naming labctl too gives the dependencies
/// the features that `cargo run --release` has already built them with.
fn cargo_build(
    cargo: &OsString,
    root: &Path,
    node: &str,
    tell: Tell,
    cancel: &CancellationToken,
) -> Result<PathBuf, ClusterError> {
    let mut call = Call::new(cargo, CARGO_LIMIT)
        .args(["build", "--release", "--quiet", "--message-format", "json-render-diagnostics"])
        .args(["--package", "labctl", "--package", node, "--bin", node])
        .dir(root);
    // RUSTFLAGS replaces the flags of .cargo/config.toml, static linking among them.
    for (name, addition) in [
        ("RUSTFLAGS", " -C target-feature=+crt-static"),
        ("CARGO_ENCODED_RUSTFLAGS", "\u{1f}-C\u{1f}target-feature=+crt-static"),
    ] {
        if let Some(mut flags) = std::env::var_os(name) {
            flags.push(addition);
            call = call.env(name, flags);
        }
    }
    let still = |elapsed| tell(&still("building the node with cargo; the first time takes a minute or two", elapsed));
    let messages = call.read_telling(&still, cancel)?;
    messages
        .lines()
        .rev()
        .find_map(|message| executable(message, node))
        .ok_or_else(|| ClusterError::Setup(format!("cargo built no `{node}` binary in {}", root.display())))
}

/// The node's path, if this message of Cargo is about it.
fn executable(message: &str, node: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let ours = message.pointer("/target/name")?.as_str()? == node;
    let path = message.get("executable")?.as_str()?;
    ours.then(|| path.into())
}

/// The node's binary where none can be built now: the one beside labctl, or else the one that was
/// built last.
fn prebuilt(root: &Path, node: &str) -> Option<PathBuf> {
    binary_beside(node).or_else(|| {
        // It says where Cargo builds, which is of no matter to a folder that Cargo does not build.
        let is_built_here = root.join("Cargo.toml").is_file();
        let elsewhere = std::env::var_os("CARGO_TARGET_DIR").filter(|_| is_built_here).map(PathBuf::from);
        newest(&elsewhere.unwrap_or_else(|| root.join("target")), node)
    })
}

/// A binary of this name in labctl's own folder, if somebody has put it there: Cargo puts both into its own.
pub(in crate::cluster) fn binary_beside(name: &str) -> Option<PathBuf> {
    let labctl = std::env::current_exe().ok()?;
    let found = labctl.with_file_name(name);
    (found.is_file() && !labctl.with_file_name(".cargo-lock").exists()).then_some(found)
}

/// The newest of the binaries in a target folder.
fn newest(target: &Path, node: &str) -> Option<PathBuf> {
    let modified = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let hosts = fs::read_dir(target).ok()?.flatten().map(|host| host.path());
    let candidates = hosts.filter(|host| host.to_string_lossy().contains("-linux-"));
    let dated =
        candidates.map(|host| host.join("release").join(node)).filter_map(|path| Some((modified(&path)?, path)));
    dated.max_by_key(|(time, _): &(SystemTime, PathBuf)| *time).map(|(_, path)| path)
}

fn about(path: &Path, source: &io::Error) -> ClusterError {
    ClusterError::Setup(format!("{}: {source}", path.display()))
}
