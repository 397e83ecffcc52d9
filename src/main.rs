//! The agent's command line.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    fanal::cli::main()
}
