//! The agent's command line.

fn main() -> std::process::ExitCode {
    fanal::cli::main()
}
