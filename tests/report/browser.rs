//! The page in a real browser, where one is installed: Chromium in the PATH, or what the
//! variable CHROMIUM names.

use std::fs;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use labctl::config::Experiment;
use labctl::report;
use serde_json::Value;

use crate::{require, sample};

/// What a browser may take to show a page on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Shows the page in a frame of the given width and looks for what is cut off, covered or
/// fetched. `{{width}}` and `{{page}}` are put in.
const HARNESS: &str = include_str!("browser.html");

fn browser() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return Some(path.into());
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

/// What the page looks like at a width, as the harness says.
fn look(browser: &Path, page: &str, width: u32, is_dark: bool) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let harness = folder.path().join("harness.html");
    let quoted = page.replace('&', "&amp;").replace('"', "&quot;");
    fs::write(&harness, HARNESS.replace("{{width}}", &width.to_string()).replace("{{page}}", &quoted)).unwrap();
    let (dom, console) = dump(browser, folder.path(), &harness, is_dark);
    let result = dom.split_once("<pre id=\"result\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let json = result.unwrap_or_else(|| panic!("no result in {dom:.400}")).0;
    let mut seen: Value =
        serde_json::from_str(&json.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")).unwrap();
    seen["console"] = console.into();
    seen
}

/// The document after everything in it has run, and what the console said meanwhile.
fn dump(browser: &Path, folder: &Path, page: &Path, is_dark: bool) -> (String, Vec<String>) {
    let scheme = if is_dark { 0 } else { 1 };
    let (out, err) = (folder.join("dom"), folder.join("log"));
    let mut child = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--dump-dom"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=10000", "--window-size=1400,1000"])
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .stdout(fs::File::create(&out).unwrap())
        .stderr(fs::File::create(&err).unwrap())
        .process_group(0)
        .spawn()
        .unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > LIMIT {
            let group = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
            child.wait().unwrap();
            panic!("the browser did not end within {} s", LIMIT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut log = String::new();
    fs::File::open(&err).unwrap().read_to_string(&mut log).unwrap();
    let console = log.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    (fs::read_to_string(&out).unwrap(), console)
}

/// What is wrong with a page whatever it shows.
fn faults(seen: &Value) -> Vec<String> {
    let lists = ["beyond", "cut", "covered", "fetched", "headings", "nameless", "console"];
    let listed = lists.iter().filter(|name| seen[**name] != Value::Array(Vec::new()));
    let mut faults: Vec<String> = listed.map(|name| format!("{name}: {}", seen[*name])).collect();
    if seen["scrollWidth"] != seen["width"] {
        faults.push(format!("the page is {} px wide in {} px", seen["scrollWidth"], seen["width"]));
    }
    faults
}

/// The browser, or a word about why there is no test.
fn browser_or_skip() -> Option<PathBuf> {
    let browser = browser();
    if browser.is_none() {
        require::missing("chromium", "there is none in the PATH, and CHROMIUM is not set");
    }
    browser
}

#[test]
fn the_page_fits_wide_and_narrow_light_and_dark_and_fetches_nothing() {
    let Some(browser) = browser_or_skip() else { return };
    let runs = sample::runs("quorum", &Experiment::default());
    let others = [("versioned".parse().unwrap(), sample::runs("versioned", &Experiment::default()))];
    let page = report::render(&runs, &others).unwrap().html;
    for (width, is_dark) in [(1280, false), (390, false), (1280, true)] {
        let seen = look(&browser, &page, width, is_dark);
        let about = format!("{width} px, dark: {is_dark}");
        assert_eq!(faults(&seen), Vec::<String>::new(), "{about}");
        assert_eq!(seen["width"], width, "{about}");
        assert_eq!(seen["background"], if is_dark { "rgb(21, 23, 26)" } else { "rgb(255, 255, 255)" }, "{about}");
        assert!(seen["figures"].as_u64().unwrap() >= 7 && seen["texts"].as_u64().unwrap() > 150, "{about}: {seen}");
    }
}

#[test]
fn unusual_runs_fit_too() {
    let Some(browser) = browser_or_skip() else { return };
    for (name, config) in sample::unusual() {
        let page = report::render(&sample::runs("quorum", &config), &[]).unwrap().html;
        assert_eq!(faults(&look(&browser, &page, 1280, false)), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_harness_sees_what_is_wrong() {
    let Some(browser) = browser_or_skip() else { return };
    let page = "<!DOCTYPE html><body><h1>One</h1><h3>Three</h3><div style='width:2000px'>wide</div>\
                <img src='http://127.0.0.1:9/'><script>console.error(1)</script><svg viewBox='0 0 100 40' width='100'>\
                <text x='10' y='20'>one</text><text x='12' y='20'>two</text><text x='95' y='20'>cut</text></svg>";
    let seen = look(&browser, page, 390, false);
    for fault in ["beyond", "cut", "covered", "fetched", "headings", "nameless", "console", "the page is"] {
        assert!(faults(&seen).iter().any(|found| found.starts_with(fault)), "{fault} goes unseen: {seen}");
    }
}
