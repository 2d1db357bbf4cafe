//! The command line.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use crate::{Options, StartError};

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

/// Runs the engine until it is told to stop: 0 if it stopped so, 1 with one line on standard error if it
/// did not start.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Arguments { port, data, public_url, api_key, operator_key } = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).try_init();
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
    let prepared = crate::prepare(options).await?;
    // Who is told that it listens may stop it at once.
    let stop = stop_signal();
    let welcome = crate::welcome(prepared.address, &prepared.api_key, prepared.operator_key_file.as_deref());
    // Whoever does not read it can be served all the same.
    let _ = io::stdout().write_all(welcome.as_bytes()).and_then(|()| io::stdout().flush());
    prepared.run(stop).await;
    Ok(())
}

/// Done at Ctrl-C, and where there is such a thing, at a request to terminate. Listens from the call on.
#[cfg(unix)]
fn stop_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let listening = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        match listening {
            (Ok(mut interrupt), Ok(mut terminate)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            // Then the operating system's own way of stopping a process is left.
            (Err(_), _) | (_, Err(_)) => std::future::pending().await,
        }
    }
}

/// Done at Ctrl-C.
#[cfg(not(unix))]
async fn stop_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "tender: {error}");
    ExitCode::FAILURE
}
