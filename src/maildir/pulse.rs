//! What shows to others how far a look-up is, and that it does not hang.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Signs of life of a look-up. A network file system whose server is gone lets a thread wait without end;
/// whoever waits for that thread sees by the pulse that nothing goes on, and where.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<Signs>);

#[derive(Debug, Default)]
struct Signs {
    beats: AtomicU64,
    files: AtomicU64,
    at: Mutex<PathBuf>,
}

impl Pulse {
    /// How often something was achieved. While it stays the same the look-up waits for the system.
    pub fn beats(&self) -> u64 {
        self.0.beats.load(Ordering::Relaxed)
    }

    /// How many files have been read.
    pub fn files(&self) -> u64 {
        self.0.files.load(Ordering::Relaxed)
    }

    /// The folder that is worked on.
    pub fn at(&self) -> PathBuf {
        self.0.at.lock().map(|at| at.clone()).unwrap_or_default()
    }

    /// Work begins at `path`.
    pub fn enter(&self, path: &Path) {
        self.beat();
        if let Ok(mut at) = self.0.at.lock() {
            path.clone_into(&mut at);
        }
    }

    pub(super) fn beat(&self) {
        self.0.beats.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn file(&self) {
        self.beat();
        self.0.files.fetch_add(1, Ordering::Relaxed);
    }
}
