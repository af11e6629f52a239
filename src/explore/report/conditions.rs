//! The conditions that an exploration varied, in words.

use crate::config::KeyOrder;
use crate::explore::{PointConditions, PointRow};
use crate::report::number::{count, grouped, list};

/// The conditions in words, without N and W: what the points of a panel have in common.
fn words(conditions: &PointConditions) -> [String; 7] {
    [
        conditions.delays_in_words(),
        format!("{} order", conditions.order),
        format!("{} links", conditions.link),
        count(u64::from(conditions.writes), "write"),
        match conditions.key_order {
            KeyOrder::Rotation => count(u64::from(conditions.keys), "key"),
            drawn => format!("{} by {drawn}", count(u64::from(conditions.keys), "key")),
        },
        format!("{} at once", grouped(u64::from(conditions.concurrency))),
        match conditions.rate_per_s {
            None => format!("{} pacing", conditions.pacing),
            Some(rate) => format!("{} pacing at {} writes a second", conditions.pacing, grouped(u64::from(rate))),
        },
    ]
}

/// The points of one condition at every N and W.
pub(super) struct ConditionGroup<'a> {
    /// What distinguishes it from the other panels; empty if it is the only one.
    pub(super) title: String,
    /// By N: its points in their order.
    pub(super) by_followers: Vec<(u32, Vec<&'a PointRow>)>,
}

/// Every panel, in the points' order.
pub(super) fn condition_groups(points: &[PointRow]) -> Vec<ConditionGroup<'_>> {
    let varied = varied(points);
    let mut panels: Vec<([String; 7], ConditionGroup<'_>)> = Vec::new();
    for point in points {
        let words = words(&point.conditions);
        let index = panels.iter().position(|(shared, _)| *shared == words).unwrap_or_else(|| {
            let told = words.iter().zip(varied).filter(|(_, varied)| *varied).map(|(word, _)| word.clone());
            let title = told.collect::<Vec<_>>().join(", ");
            panels.push((words, ConditionGroup { title, by_followers: Vec::new() }));
            panels.len() - 1
        });
        let groups = &mut panels[index].1.by_followers;
        let followers = point.conditions.followers;
        match groups.iter_mut().find(|(n, _)| *n == followers) {
            Some((_, group)) => group.push(point),
            None => groups.push((followers, vec![point])),
        }
    }
    panels.into_iter().map(|(_, panel)| panel).collect()
}

/// For each of the words, whether points differ in it.
fn varied(points: &[PointRow]) -> [bool; 7] {
    let all: Vec<_> = points.iter().map(|point| words(&point.conditions)).collect();
    std::array::from_fn(|i| all.windows(2).any(|pair| pair[0][i] != pair[1][i]))
}

/// The columns that distinguish points, N and W last.
pub(super) fn columns(points: &[PointRow]) -> Vec<&'static str> {
    let names = ["delay", "order", "link", "writes", "keys", "at once", "pacing"];
    let told = names.into_iter().zip(varied(points)).filter_map(|(name, varied)| varied.then_some(name));
    told.chain(["N", "W"]).collect()
}

/// The cells of these columns for one point.
pub(super) fn cells(points: &[PointRow]) -> impl Fn(&PointRow) -> Vec<String> {
    let varied = varied(points);
    move |point| {
        let words = words(&point.conditions).into_iter().zip(varied);
        let told = words.filter_map(|(word, varied)| varied.then_some(word));
        told.chain([point.conditions.followers.to_string(), point.conditions.quorum.to_string()]).collect()
    }
}

/// All conditions in one line.
pub(super) fn subtitle(points: &[PointRow]) -> String {
    let Some(first) = points.first().map(|point| &point.conditions) else {
        return String::new();
    };
    let followers = distinct(points, |conditions| conditions.followers.to_string());
    let axes: Vec<String> =
        (0..7).map(|axis| list(&distinct(points, |conditions| words(conditions)[axis].clone()))).collect();
    format!(
        "Experiment {}, simulated in virtual time: {} followers; {}. {} a point, seeds {} to {}.",
        first.experiment,
        list(&followers),
        axes.join("; "),
        count(first.seeds, "run"),
        first.seed,
        first.seed.wrapping_add(first.seeds - 1),
    )
}

/// The command that makes these points.
pub(super) fn command(points: &[PointRow]) -> String {
    let Some(first) = points.first().map(|point| &point.conditions) else {
        return String::new();
    };
    let axis = |of: fn(&PointConditions) -> String| distinct(points, of).join(",");
    let is_range = points.iter().all(|point| point.conditions.min_delay_ms.is_some());
    let delays = if is_range {
        let bound = |of: fn(&PointConditions) -> Option<u32>| {
            let all = distinct(points, |conditions| of(conditions).map_or_else(String::new, |ms| ms.to_string()));
            all.join(",")
        };
        format!("--min-delay-ms {} --max-delay-ms {}", bound(|c| c.min_delay_ms), bound(|c| c.max_delay_ms))
    } else {
        repeated("--delay", distinct(points, |conditions| conditions.delay.clone()))
    };
    let acks = distinct(points, |conditions| conditions.ack_delay.clone().unwrap_or_default());
    let delays = match acks.as_slice() {
        [none] if none.is_empty() => delays,
        _ => format!("{delays} {}", repeated("--ack-delay", acks)),
    };
    format!(
        "labctl explore -e {} --quorums {} --followers {} {delays} --order {} --link {} \
         --writes {} --keys {} --concurrency {} --pacing {} --seed {} --seeds {}",
        first.experiment,
        axis(|c| c.quorum.to_string()),
        axis(|c| c.followers.to_string()),
        axis(|c| c.order.to_string()),
        axis(|c| c.link.to_string()),
        axis(|c| c.writes.to_string()),
        axis(|c| c.keys.to_string()),
        axis(|c| c.concurrency.to_string()),
        axis(|c| c.pacing.to_string()),
        first.seed,
        first.seeds,
    )
}

/// An option, repeated for each value, quoted for a shell.
fn repeated(option: &str, values: Vec<String>) -> String {
    let options: Vec<String> = values.iter().map(|value| format!("{option} '{value}'")).collect();
    options.join(" ")
}

/// The distinct values of one condition, in order of appearance.
fn distinct(points: &[PointRow], of: impl Fn(&PointConditions) -> String) -> Vec<String> {
    points.iter().map(|point| of(&point.conditions)).fold(Vec::new(), |mut values, value| {
        if !values.contains(&value) {
            values.push(value);
        }
        values
    })
}
