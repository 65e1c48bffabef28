//! The program. What each command does stands in the library.

use clap::Parser;
use gapshare::cli::{self, Cli};
use gapshare::error::codes::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    // A panic is a bug: its message is printed by then, and the exit status says so.
    std::panic::catch_unwind(move || cli::perform(command)).unwrap_or_else(|_| ExitCode::from(Exit::Bug as u8))
}
