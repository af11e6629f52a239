//! The leader dies in a container, and a follower takes its place.

use crate::compose::{Image, has_engine};
use crate::etcd;
use crate::failover::{assert_elected, assert_lost_at_w_0_alone, assert_read_back, of_database, of_etcd, of_the_lab};
use crate::lab::Lab;
use crate::postgres_compose::PostgresImage;

/// Runs an experiment in containers, from this image if it is not the lab's node.
fn run(lab: &Lab, image: Option<(&str, &str)>) {
    let table = image.map_or_else(String::new, |(system, image)| format!("[system.{system}]\nimage = \"{image}\"\n"));
    lab.edit("experiments.toml", |text| text.replace("\"process\"", "\"compose\"") + &table);
    lab.ok(&["run", "all"]);
}

#[test]
fn a_replica_in_a_container_is_promoted() {
    let Some(image) = Image::build() else { return };
    let lab = of_database("redis");
    run(&lab, Some(("redis", &image.0)));
    assert_lost_at_w_0_alone(&lab);
}

#[test]
fn a_standby_in_a_container_is_promoted() {
    let Some(image) = PostgresImage::build("failover") else { return };
    let lab = image.in_containers(of_database("postgres"));
    run(&lab, None);
    assert_lost_at_w_0_alone(&lab);
}

#[test]
fn a_member_in_a_container_is_elected() {
    if !etcd::is_installed() {
        return;
    }
    let Some(image) = Image::of("etcd") else { return };
    let lab = of_etcd();
    run(&lab, Some(("etcd", &image.0)));
    assert_elected(&lab);
}

#[test]
fn of_the_labs_node_in_containers_the_most_advanced_follower_is_read() {
    if !has_engine() {
        return;
    }
    let lab = of_the_lab();
    run(&lab, None);
    assert_read_back(&lab);
}
