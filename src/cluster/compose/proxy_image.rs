//! The image of the proxies between nodes that are not the lab's: labctl itself, and nothing else. It needs no checkout.

use std::fs;
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use super::image::{PREBUILT_LIMIT, from_binary};
use crate::cluster::ClusterError;
use crate::cluster::docker::Docker;

/// The image's name.
const NAME: &str = "labctl-proxy";

const DOCKERFILE: &str = "FROM scratch\n\
                          COPY --chown=65532:65532 labctl /labctl\n\
                          USER 65532:65532\n\
                          ENTRYPOINT [\"/labctl\"]\n";

/// This program, also where another file has taken its place meanwhile.
const THIS: &str = "/proc/self/exe";

/// The id of the image of all proxies of a labctl. It is built once a cluster has a proxy.
#[derive(Debug, Clone, Default)]
pub struct ProxyImage(Arc<OnceLock<String>>);

impl ProxyImage {
    /// An image that is there.
    #[must_use]
    pub fn of(id: String) -> Self {
        Self(Arc::new(OnceLock::from(id)))
    }

    /// Its id, `sha256:...`.
    ///
    /// # Errors
    /// [`ClusterError`] when it cannot be built, or labctl needs libraries, which are not in it.
    pub(super) fn id(&self, docker: &Docker, cancel: &CancellationToken) -> Result<String, ClusterError> {
        if let Some(id) = self.0.get() {
            return Ok(id.clone());
        }
        let content = fs::read(THIS).map_err(|error| ClusterError::Setup(format!("cannot read labctl: {error}")))?;
        if needs_libraries(&content) {
            let why = "this labctl needs shared libraries, so it cannot be the proxy in a container";
            let advice = "build it as its repository does (`cargo build --release`), which links it statically, or use the \
                          process backend";
            return Err(ClusterError::Setup(format!("{why}: {advice}")));
        }
        let call = docker.client(PREBUILT_LIMIT).args(["build", "--tag", NAME]);
        let id = from_binary(docker, call, DOCKERFILE.as_bytes(), ("labctl", &content), &|_| {}, cancel)?;
        Ok(self.0.get_or_init(|| id).clone())
    }
}

/// Whether an ELF file of 64 bits names a program that loads its libraries, by the program header `PT_INTERP`.
fn needs_libraries(elf: &[u8]) -> bool {
    /// Where the file header has the offset, the size and the number of program headers.
    const OFFSET: usize = 32;
    const SIZE: usize = 54;
    const NUMBER: usize = 56;
    const PT_INTERP: u32 = 3;
    let short = |at: usize| elf.get(at..at + 2).map(|bytes| usize::from(u16::from_le_bytes([bytes[0], bytes[1]])));
    let offset = elf.get(OFFSET..OFFSET + 8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    let offset = offset.and_then(|offset| usize::try_from(offset).ok());
    let (Some(offset), Some(size), Some(number)) = (offset, short(SIZE), short(NUMBER)) else { return false };
    let is_interpreter = |index: usize| {
        let at = offset + index * size;
        elf.get(at..at + 4).is_some_and(|kind| kind == PT_INTERP.to_le_bytes())
    };
    (0..number).any(is_interpreter)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF header with program headers of these types.
    fn elf(types: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 64];
        (file[32], file[54], file[56]) = (64, 56, u8::try_from(types.len()).unwrap_or(0));
        for kind in types {
            file.extend([*kind, 0, 0, 0]);
            file.extend([0; 52]);
        }
        file
    }

    #[test]
    fn a_program_with_an_interpreter_needs_libraries() {
        assert!(needs_libraries(&elf(&[6, 3, 1])));
        assert!(!needs_libraries(&elf(&[1, 1, 4])));
        assert!(!needs_libraries(b"#!/bin/sh\n"));
    }
}
