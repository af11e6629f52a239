//! `[experiment.NAME.reads]`, each problem with its place.

use labnode::delay::Millis;

use super::distribution::read_distribution;
use super::{Fields, Problems, read_list};
use crate::config::reads::Reads;
use crate::model::Followers;

pub(super) fn read_reads(fields: &mut Fields<'_>, followers: Followers, problems: &mut Problems<'_>) -> Reads {
    let none = Reads::default();
    let replicas = read_list(fields, "replicas", none.replicas, problems);
    for asked in replicas.iter().filter(|asked| asked.value.get() > followers.get()) {
        let message = format!(
            "{}replicas: each value must be at most {followers}, the number of followers, not {}",
            fields.path, asked.value
        );
        problems.add(asked.span.clone(), message);
    }
    Reads {
        request_delay: read_distribution(fields, "request_delay", problems),
        response_delay: read_distribution(fields, "response_delay", problems),
        replicas: replicas.into_iter().map(|asked| asked.value).collect(),
        at_ms: read_list::<Millis>(fields, "at_ms", none.at_ms, problems).into_iter().map(|at| at.value).collect(),
    }
}
