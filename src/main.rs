//! The program; everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    tls_optout::commands::main()
}
