//! What the memory allocator keeps.

/// Has memory that is no longer used go back to the system. By itself glibc (malloc/malloc.c, `mp_.trim_threshold`)
/// keeps up to twice the largest block that was freed, if that had 32 MiB at most: that of a large folder, for good.
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
