//! `docs/security.md` names a test for each promise. Each is there.

use std::fs;
use std::path::Path;

fn rust_files(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            *text += &fs::read_to_string(path).expect("a source file");
        }
    }
}

/// What the page writes as code and what looks like the name of a test: words joined by `_`.
fn cited(page: &str) -> Vec<&str> {
    let is_name = |word: &&str| {
        word.matches('_').count() > 1 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    page.split('`').skip(1).step_by(2).filter(is_name).collect()
}

#[test]
fn every_promise_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/security.md")).expect("docs/security.md");
    let mut sources = String::new();
    for folder in ["src", "tests"] {
        rust_files(&root.join(folder), &mut sources);
    }
    let cited = cited(&page);
    assert!(cited.len() > 30, "only {} tests are named", cited.len());
    for name in &cited {
        assert!(
            sources.contains(&format!("fn {name}(")),
            "docs/security.md names `{name}`, which is no test"
        );
    }
    // Every row of a table of promises ends with a test.
    let promises = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| -"));
    for row in promises.filter(|row| !row.ends_with("| kept by |")) {
        let last = row
            .trim_end_matches('|')
            .rsplit('|')
            .next()
            .unwrap_or_default();
        assert!(
            cited.iter().any(|name| last.contains(&format!("`{name}`"))),
            "no test: {row}"
        );
    }
}
