//! The programs of PostgreSQL that this machine has.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::settings::PostgresSettings;
use crate::programs::find_program;
use crate::system::traits::Presence;
use crate::system::version_answer::{VersionAnswer, ask_version};

/// The server.
pub(super) const SERVER: &str = "postgres";
/// Makes the folder of a primary.
pub(super) const MAKE_DATABASE: &str = "initdb";
/// Copies the folder of a primary for a standby.
pub(super) const COPY_DATABASE: &str = "pg_basebackup";
/// Tells whether a server takes connections.
pub(super) const ASK_WHETHER_READY: &str = "pg_isready";
/// The oldest major version: `wal_keep_size` is new in it.
const OLDEST: u64 = 13;
/// How long a program may take to say its version.
const VERSION_LIMIT: Duration = Duration::from_secs(10);
/// Where packages put the programs of each major version: a folder, and what the name of a version's folder in it begins
/// with. Debian, Red Hat, Homebrew on either kind of Mac.
const PLACES: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
];

/// The folder of the programs: the one that is asked for, or that of the newest version that is installed. `None` if no
/// version is found.
pub(super) fn folder(settings: &PostgresSettings) -> Option<PathBuf> {
    match &settings.programs {
        Some(folder) => Some(folder.as_str().into()),
        None => newest(&PLACES).or_else(on_the_path),
    }
}

/// The programs of the newest version in these places.
fn newest(places: &[(&str, &str)]) -> Option<PathBuf> {
    let versions = places.iter().flat_map(|(place, prefix)| {
        let entries = fs::read_dir(place).into_iter().flatten().flatten();
        entries.filter_map(move |entry| {
            let version: u64 = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            let programs = entry.path().join("bin");
            programs.join(SERVER).is_file().then_some((version, programs))
        })
    });
    versions.max().map(|(_, programs)| programs)
}

/// The folder of the `initdb` that is on the path, and not that of a link to it.
fn on_the_path() -> Option<PathBuf> {
    let found = find_program(Path::new(MAKE_DATABASE), None).ok()?;
    Some(found.canonicalize().ok()?.parent()?.to_owned())
}

/// Whether this machine has the programs, in a version that works.
pub(super) fn presence(settings: &PostgresSettings) -> Presence {
    let missing = |what: String| {
        Presence::Missing {
        what,
        advice: "install PostgreSQL, on Debian the package postgresql, or say in [system.postgres] programs in which folder \
                 postgres, initdb, pg_basebackup and pg_isready are"
            .to_owned(),
    }
    };
    let Some(folder) = folder(settings) else {
        return missing("no programs of PostgreSQL are found".to_owned());
    };
    let needed = [SERVER, MAKE_DATABASE, COPY_DATABASE, ASK_WHETHER_READY];
    if let Some(absent) = needed.into_iter().find(|program| !folder.join(program).is_file()) {
        return missing(format!("there is no {}", folder.join(absent).display()));
    }
    match version(&folder.join(SERVER)) {
        Ok((major, version)) if major >= OLDEST => Presence::Found(format!("{} in {}", version, folder.display())),
        Ok((_, version)) => {
            missing(format!("{} is {version}, and {OLDEST} is the oldest that works", folder.join(SERVER).display()))
        }
        Err(why) => missing(why),
    }
}

/// The version of a server's program: the major number, and the name with the whole of it. An error says what came
/// instead.
fn version(program: &Path) -> Result<(u64, String), String> {
    let shown = program.display();
    match ask_version(&program.to_string_lossy(), VERSION_LIMIT) {
        Err(error) => Err(format!("{shown} cannot be started: {error}")),
        Ok(VersionAnswer::Silent) => {
            Err(format!("{shown} --version has not ended within {} s", VERSION_LIMIT.as_secs()))
        }
        Ok(VersionAnswer::Ended { said, .. }) => version_of(&said).ok_or_else(|| {
            let first = said.lines().next().unwrap_or_default();
            format!("{shown} is no PostgreSQL server: --version says {first:?}")
        }),
    }
}

/// The version in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`: 15, and `PostgreSQL 15.18`.
fn version_of(said: &str) -> Option<(u64, String)> {
    let (product, rest) = said.strip_prefix("postgres (")?.split_once(") ")?;
    let version = rest.split_whitespace().next()?;
    let major = version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some((major, format!("{product} {version}")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_what_the_program_prints() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(version_of(debian), Some((15, "PostgreSQL 15.18".to_owned())));
        assert_eq!(version_of("postgres (PostgreSQL) 18beta1\n"), Some((18, "PostgreSQL 18beta1".to_owned())));
        assert_eq!(version_of("postgres (PostgreSQL)"), None);
        assert_eq!(version_of("bash: 1.0"), None);
    }

    #[test]
    fn the_newest_version_is_the_one_with_the_greatest_number() {
        let place = tempfile::tempdir().unwrap();
        for folder in ["v9/bin", "v13/bin", "v17/lib", "vx/bin", "18/bin"] {
            fs::create_dir_all(place.path().join(folder)).unwrap();
        }
        for program in ["v9/bin/postgres", "v13/bin/postgres", "vx/bin/postgres", "18/bin/postgres"] {
            fs::write(place.path().join(program), "").unwrap();
        }
        let in_place = |prefix| newest(&[(place.path().to_str().unwrap(), prefix)]);
        assert_eq!(in_place("v"), Some(place.path().join("v13/bin")));
        assert_eq!(in_place(""), Some(place.path().join("18/bin")));
        assert_eq!(in_place("w"), None);
    }
}
