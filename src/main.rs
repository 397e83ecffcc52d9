//! The agent's command line.

#![forbid(unsafe_code)]

/// Small texts of a million subscriptions lie closer together, and what is freed goes back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    fanal::cli::main()
}
