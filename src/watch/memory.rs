//! What the memory allocator keeps.

/// Has memory that is no longer used go back to the system. By itself glibc (malloc/malloc.c, `mp_.trim_threshold`)
/// keeps up to twice the largest block that was freed, if that had 32 MiB at most: that of an index's first filling.
///
/// docs/performance.md says what that is worth.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    set_mmap_threshold();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "neither std nor rustix offers mallopt(3)")]
fn set_mmap_threshold() {
    /// What it is at the start of a process; naming it keeps it there.
    const BYTES: libc::c_int = 128 << 10;
    // SAFETY: it takes and gives numbers, and locks what it changes. A refusal changes nothing.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, BYTES) };
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use std::fs;
    use std::hint::black_box;

    use super::*;

    /// `RssAnon` of proc_pid_status(5), in kB.
    fn own_memory() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let row = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let number = row.and_then(|row| row.split_whitespace().next());
        number.unwrap().parse().unwrap()
    }

    /// The first block would have glibc keep the second.
    #[test]
    fn a_large_block_goes_back_whatever_came_before() {
        give_back();
        let before = own_memory();
        for megabytes in [16, 4] {
            drop(black_box(vec![1_u8; megabytes << 20]));
        }
        let kept = own_memory().saturating_sub(before);
        assert!(kept < 1 << 10, "{kept} kB are kept");
    }
}
