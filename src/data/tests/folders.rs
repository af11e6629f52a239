//! Folders of runs: saved, replaced, set aside, found, locked.

use super::*;

#[test]
fn saving_again_replaces_the_run_whole_and_leaves_nothing_beside_it() {
    let (folder, path) = saved();
    fs::remove_file(path.join("logs/leader.log")).unwrap();
    assert_eq!(run().save(&path).unwrap(), None);
    assert!(path.join("logs/leader.log").exists());
    assert_eq!(names_in(&folder.path().join("data")), ["W3"]);
}

#[test]
fn a_run_with_a_users_note_is_set_aside_and_not_deleted() {
    let (folder, path) = saved();
    for (note, kept) in [("note.txt", "W3.aside-1"), ("logs/mine.txt", "W3.aside-2"), ("at-last-ack/a", "W3.aside-3")] {
        fs::write(path.join(note), "mine").unwrap();
        assert_eq!(run().save(&path).unwrap(), Some(folder.path().join("data").join(kept)));
        assert!(!path.join(note).exists());
        assert_eq!(fs::read_to_string(folder.path().join("data").join(kept).join(note)).unwrap(), "mine");
    }
    assert_eq!(names_in(&folder.path().join("data")), ["W3", "W3.aside-1", "W3.aside-2", "W3.aside-3"]);
    let runs = DataFolder::at(folder.path().join("data")).runs().unwrap();
    assert_eq!(runs, [(quorum(3), path)], "what was set aside is no run");
}

#[test]
fn what_is_no_folder_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("W3");
    for link in [false, true] {
        if link {
            std::os::unix::fs::symlink("nowhere", &path).unwrap();
        } else {
            fs::write(&path, "mine").unwrap();
        }
        let conditions = Conditions::of(&run().manifest);
        let survey = Placement::survey(&DataFolder::at(folder.path()), &[quorum(3)], &conditions, false);
        for error in [survey.unwrap_err(), run().save(&path).unwrap_err()] {
            assert!(matches!(error, DataError::Occupied { .. }), "{error}");
        }
        assert_eq!(names_in(folder.path()), ["W3"]);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn runs_under_other_conditions_are_told_and_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let at = |w: &str| folder.path().join(w);
    for (w, change) in [
        ("W1", (|_| {}) as fn(&mut Manifest)),
        ("W2", |manifest| manifest.config.seed = 7),
        ("W4", |manifest| manifest.config.workload.writes = 50.try_into().unwrap()),
        ("W5", |manifest| manifest.node_sha256 = Some("ab".to_owned())),
        // Neither the plan of quorums nor what is expected bears on a run.
        ("W6", |manifest| manifest.config.quorums.clear()),
    ] {
        let mut run = run();
        change(&mut run.manifest);
        run.save(&at(w)).unwrap();
    }
    let conditions = Conditions::of(&run().manifest);
    let mut placement =
        Placement::survey(&DataFolder::at(folder.path()), &[quorum(1), quorum(3)], &conditions, false).unwrap();
    let notes = placement.notes().join("\n").replace(&format!("{}/", folder.path().display()), "");
    insta::assert_snapshot!(notes);
    let moved = placement.set_unlike_aside().unwrap();
    assert_eq!(moved.len(), 3);
    assert_eq!(names_in(folder.path()), ["W1", "W2.aside-1", "W4.aside-1", "W5.aside-1", "W6"]);
    assert!(placement.set_unlike_aside().unwrap().is_empty(), "once");
}

#[test]
fn asking_who_holds_a_lock_never_keeps_another_from_taking_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    drop(Lock::take(root, "lock").unwrap());
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    // While others only ask, no other process is ever named as the holder.
                    assert!(Lock::holder(root, "lock").is_none_or(|pid| pid == std::process::id()));
                    std::thread::sleep(std::time::Duration::from_micros(50));
                }
            });
        }
        for _ in 0..300 {
            drop(Lock::take(root, "lock").unwrap());
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(Lock::holder(root, "lock"), None);
    let _held = Lock::take(root, "lock").unwrap();
    assert_eq!(Lock::holder(root, "lock"), Some(std::process::id()));
}

#[test]
fn folders_are_synced() {
    let folder = tempfile::tempdir().unwrap();
    sync_folder(folder.path()).unwrap();
    assert!(sync_folder(&folder.path().join("gone")).is_err());
}

#[test]
fn a_run_that_cannot_be_written_leaves_the_earlier_one() {
    let (folder, path) = saved();
    let mut broken = run();
    // A name that no file can have: the folder is half written by then.
    broken.logs.insert("no/such/folder".to_owned(), Vec::new());
    assert!(broken.save(&path).is_err());
    assert!(RunData::load(&path).is_ok());
    assert_eq!(fs::read_dir(folder.path().join("data")).unwrap().count(), 1);
}

#[test]
fn experiments_are_found_by_their_manifests() {
    let folder = tempfile::tempdir().unwrap();
    run().save(&folder.path().join("W3")).unwrap();
    let mut other = run();
    other.manifest.experiment = "barrier".parse().unwrap();
    other.save(&folder.path().join("barrier/W1")).unwrap();
    other.save(&folder.path().join("barrier/W10")).unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let found = DataFolder::experiments(folder.path()).unwrap();
    let names: Vec<String> = found.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["quorum", "barrier"]);
    let runs: Vec<_> = found[1].1.runs().unwrap().into_iter().map(|(w, _)| w).collect();
    assert_eq!(runs, [quorum(1), quorum(10)]);
}

#[test]
fn a_locked_folder_says_who_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let lock = DataFolder::lock(folder.path()).unwrap();
    let message = DataFolder::lock(folder.path()).unwrap_err().to_string();
    assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
    drop(lock);
    DataFolder::lock(folder.path()).unwrap();
}
