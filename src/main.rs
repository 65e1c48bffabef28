//! The program. What each command does stands in the library.

use clap::Parser;
use gapshare::cli::{Cli, Command, SchemaOf, explain, print_out, print_problems, worst_exit};
use gapshare::error::{Problem, Problems, codes};
use gapshare::study;
use std::process::ExitCode;

fn main() -> ExitCode {
    match perform(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            print_problems(&problems);
            worst_exit(&problems).map_or(ExitCode::SUCCESS, |exit| ExitCode::from(exit as u8))
        }
    }
}

fn perform(command: Command) -> Result<(), Problems> {
    match command {
        Command::Explain { topic } => print(&explain::explain(&topic).map_err(|problem| vec![*problem])?),
        Command::Schema { of: SchemaOf::Study } => print(&study::schema_json()),
        Command::Check { .. }
        | Command::Run(_)
        | Command::Report { .. }
        | Command::Verify { .. }
        | Command::Synth(_)
        | Command::Validate { .. }
        | Command::Schema { of: SchemaOf::Results } => Err(vec![Problem::error(codes::G109, "this command has not been built yet")]),
    }
}

fn print(text: &str) -> Result<(), Problems> {
    print_out(text).map_err(|error| vec![Problem::error(codes::G214, format!("stdout cannot be written to: {error}"))])
}
