//! `tender`: the engine on this machine.

fn main() -> std::process::ExitCode {
    local::cli::main(std::env::args_os())
}
