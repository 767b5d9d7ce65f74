//! Memory stays under three times the input plus a constant, whatever the input is.

use std::fs;
use std::process::Command;

use tls_optout::notice;

use crate::{json, shapes};

const SIZE: usize = 16 << 20;
/// What a process needs before it has read anything, and the readings of ten thousand recipients.
const CONSTANT: usize = 64 << 20;
const FILE: &str = "TLS_OPTOUT_TEST_FILE";

/// Each shape in a process of its own: the kernel keeps the highest mark of a process.
#[test]
fn memory_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("message");
    for (name, message) in shapes::all(SIZE) {
        let input = message.len();
        fs::write(&file, message).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory::one_file", "--ignored", "--nocapture"])
            .env(FILE, &file)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8_lossy(&output.stdout);
        let peak = text.lines().find_map(|line| line.split_once("peak: "));
        let (_, peak) = peak.unwrap_or_else(|| panic!("{name}: {text}"));
        let peak: usize = peak.parse().unwrap();
        assert!(input > SIZE / 2, "{name} has {input} bytes only");
        let limit = 3 * input + CONSTANT;
        assert!(
            peak < limit,
            "{name}: {} MiB for {} MiB",
            peak >> 20,
            input >> 20
        );
    }
}

/// The other half of [`memory_is_bounded`], run by it.
#[test]
#[ignore = "memory_is_bounded runs it"]
fn one_file() {
    let Some(file) = std::env::var_os(FILE) else {
        return;
    };
    let bytes = fs::read(file).unwrap();
    let _ = notice::read(&bytes).map(|notice| json(&notice));
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mark = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kilobytes: usize = mark.trim().trim_end_matches(" kB").parse().unwrap();
    println!("peak: {}", kilobytes << 10);
}
