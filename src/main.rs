//! The program. What each command does stands in the library.

use clap::Parser;
use gapshare::cli::{self, Cli};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::perform(Cli::parse().command)
}
