//! The reader of notices against captured ones, crafted ones and broken ones.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tls_optout::notice::Notice;
use tls_optout::notice::provenance::Provenance;
use tls_optout::notice::reading::Reading;

mod captured;
mod crafted;
mod doubts;
mod hostile;
mod inspect;
mod layouts;
mod memory;
mod prose;
mod reports;
mod shapes;

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(path)
}

fn dsn(name: &str) -> Vec<u8> {
    fs::read(data(&format!("dsn/{name}.eml"))).unwrap()
}

fn json(notice: &Notice) -> Value {
    serde_json::to_value(Reading::new("x", Some((notice, Provenance::Unverified)))).unwrap()
}
