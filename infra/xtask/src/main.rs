//! `cargo run -p xtask -- generate` and the like: what is done to the repository by a command.

use clap::{Parser, Subcommand};

/// What is done to the repository by a command.
#[derive(Parser)]
#[command(name = "xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Writes what is made from the code: template.yaml, the routes in Cargo.toml, the documents in infra/openapi.
    Generate,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match Arguments::parse().task {
        Task::Generate => Ok(xtask::generate()?),
    }
}
