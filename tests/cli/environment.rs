//! Odd surroundings: names that are no text, a folder that is gone, a terminal that says nonsense.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use crate::lab::{Ended, Lab, SMALL, files};

/// A name that is not UTF-8.
fn no_text() -> &'static OsStr {
    OsStr::from_bytes(b"x\xff")
}

#[test]
fn a_path_that_is_not_utf_8_is_a_path_like_any_other() {
    let lab = Lab::new(SMALL);
    let run = |args: &[&str], option: &str| -> Ended {
        lab.command(args).arg(option).arg(no_text()).output().unwrap().into()
    };
    // The second run sets the simulated first one aside, in a folder whose name is no text.
    for args in [&["run", "1", "--backend", "sim", "--format", "json"][..], &["run", "1"], &["run", "3"], &["run", "3"]]
    {
        let ended = run(args, "--data");
        assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
    }
    let data = lab.path("").join(no_text());
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(data.join("W3/manifest.json")).unwrap()).unwrap();
    let argv: Vec<&str> = manifest["argv"].as_array().unwrap().iter().filter_map(|arg| arg.as_str()).collect();
    assert_eq!(argv[1..], ["run", "3", "--data", "x\u{fffd}"]);

    for (args, option, code) in [
        (&["check-consistency"][..], "--data", 0),
        (&["staleness", "--format", "json"], "--data", 0),
        (&["report", "--format", "json", "--report", "again"], "--data", 0),
        (&["run", "1", "--backend", "sim", "--format", "json"], "--report", 0),
        (&["explore", "--seeds", "2", "--quorums", "1", "--format", "json"], "--out", 0),
        (&["compare", "data"], "--sim", 2),
        (&["validate"], "--config", 2),
        (&["run"], "--backend", 2),
        (&["run", "1", "-e"], "--", 2),
        (&["completions"], "--", 2),
    ] {
        let ended = run(args, option);
        assert_eq!(ended.code, Some(code), "{args:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{args:?}: {}", ended.stderr);
    }
    assert!(lab.path("again/report.html").is_file());
    assert!(lab.path("").join(no_text()).join("report.html").is_file(), "the report went into a folder of that name");
}

#[test]
fn no_surroundings_make_labctl_panic_or_change_a_result() {
    let lab = Lab::new(SMALL);
    lab.ok(&["run", "all", "--backend", "sim"]);
    let before = files(&lab.path("report"));
    let plain = lab.ok(&["check-consistency"]);
    for (name, value) in [
        ("COLUMNS", "0"),
        ("COLUMNS", "99999999999999999999"),
        ("LINES", "-1"),
        ("TERM", ""),
        ("TERM", "no-such-terminal"),
        ("TZ", "Nowhere/Nothing"),
        ("TZ", ":/dev/full"),
        ("LC_ALL", "xx_YY.no"),
        ("HOME", "/nonexistent"),
        ("NO_COLOR", "1"),
        ("CLICOLOR_FORCE", "1"),
        ("RUST_LOG", "nonsense=,="),
    ] {
        let output = |args: &[&str]| -> Ended { lab.command(args).env(name, value).output().unwrap().into() };
        for args in [&["--help"][..], &["explore", "--help"], &["validate"]] {
            let ended = output(args);
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{name}={value} {args:?}");
        }
        assert_eq!(output(&["check-consistency"]).stdout, plain, "{name}={value}");
    }
    let bare: Ended = lab.command(&["report"]).env_clear().env(no_text(), no_text()).output().unwrap().into();
    assert_eq!(bare.code, Some(0), "{}", bare.stderr);
    assert_eq!(files(&lab.path("report")), before);
}

#[test]
fn a_working_folder_that_is_gone_is_an_error_and_no_panic() {
    let lab = Lab::new(SMALL);
    fs::create_dir(lab.path("gone")).unwrap();
    let script = format!("cd gone && rmdir ../gone && exec {} \"$@\"", env!("CARGO_BIN_EXE_labctl"));
    for (args, code) in [
        (&["--version"][..], 0),
        (&["validate"], 2),
        (&["check-consistency"], 4),
        (&["run", "1", "--backend", "sim", "--config", "CONFIG"], 2),
    ] {
        fs::create_dir_all(lab.path("gone")).unwrap();
        let config = lab.path("experiments.toml");
        let args = args.iter().map(|arg| if *arg == "CONFIG" { config.as_os_str() } else { OsStr::new(arg) });
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script, "sh"]).args(args).current_dir(lab.path("."));
        let ended: Ended = command.output().unwrap().into();
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}
