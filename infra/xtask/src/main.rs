//! `cargo run -p xtask -- openapi` and the like: what is done to the repository by a command.

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
    /// Writes the OpenAPI documents in infra/openapi from the code.
    Openapi,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match Arguments::parse().task {
        Task::Openapi => Ok(xtask::openapi::write(&xtask::repository())?),
    }
}
