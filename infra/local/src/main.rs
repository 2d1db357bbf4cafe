//! `tender`: the engine on this machine.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use local::{Options, StartError};
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

/// Orders that are paid in several parts: the whole engine on this machine.
#[derive(Parser)]
#[command(name = "tender", version)]
struct Arguments {
    /// The port on 127.0.0.1; 0 for any that is free.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// The folder that holds everything.
    #[arg(long, default_value = "./.tender")]
    data: PathBuf,
    /// Where shoppers' browsers reach the engine, if not at the address it listens on.
    #[arg(long)]
    public_url: Option<String>,
    /// The API key of TestMerchant; drawn at the first start and kept in the folder if not given.
    #[arg(long, env = "TENDER_API_KEY", hide_env_values = true)]
    api_key: Option<SecretString>,
    /// The operator's key; drawn at the first start and kept in the folder if not given.
    #[arg(long, env = "TENDER_OPERATOR_KEY", hide_env_values = true)]
    operator_key: Option<SecretString>,
}

fn main() -> ExitCode {
    let Arguments { port, data, public_url, api_key, operator_key } = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    let options = Options { port, data, public_url, api_key, operator_key };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

async fn run(options: &Options) -> Result<(), StartError> {
    let stop = stop_signal();
    let prepared = local::prepare(options).await?;
    let welcome = local::welcome(prepared.address, &prepared.api_key, &prepared.operator_key_file);
    // Whoever does not read it can be served all the same.
    let _ = io::stdout().write_all(welcome.as_bytes()).and_then(|()| io::stdout().flush());
    prepared.server.run(stop).await;
    Ok(())
}

/// Done at Ctrl-C, and where there is such a thing, at a request to terminate.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "tender: {error}");
    ExitCode::FAILURE
}
