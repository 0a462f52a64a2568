//! Arguments in, exit code out.

use std::process::ExitCode;

/// Deliveries are many small allocations on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    nudged::cli::main()
}
