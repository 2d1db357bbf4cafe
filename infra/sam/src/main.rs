//! Writes `template.yaml`, and the routes in `Cargo.toml`: `cargo run -p sam`.

use std::path::Path;

fn main() -> Result<(), sam::Error> {
    sam::write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
}
