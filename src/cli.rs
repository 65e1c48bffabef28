//! The command line: arguments, how problems look on a terminal, exit codes. The only place that prints.

pub mod documents;
pub mod explain;
mod perform;
mod progress;

pub use perform::perform;

use crate::error::{Problem, Severity, codes::Exit};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// How much of a gap in health outcomes travels with clinical, socioeconomic and hospital factors.
#[derive(Debug, Parser)]
#[command(name = "gapshare", version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read a study file and the headers of its tables, and report every problem at once; nothing is fitted
    Check {
        /// The study file
        study: PathBuf,
    },
    /// Say what a run would do: rows, models, replicates, a rough time; reads headers, fits nothing
    Plan {
        /// The study file
        study: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a commented study file to start from
    Init(InitArgs),
    /// Run a whole study
    Run(RunArgs),
    /// Render report.html again from the tables of a result folder
    Report {
        /// The result folder
        dir: PathBuf,
    },
    /// Hash the inputs and outputs of a result folder again and compare them with run.json
    Verify {
        /// The result folder
        dir: PathBuf,
    },
    /// Say what differs between two result folders, and why
    Compare(CompareArgs),
    /// Write the results of a folder in other formats
    Export(ExportArgs),
    /// Write synthetic EHR tables, and the true answers beside them
    Synth(SynthArgs),
    /// Simulate a study's own analyses: bias, coverage and width of its intervals
    Validate(ValidateArgs),
    /// Say what an error code or a method means; without a topic, list them all
    Explain {
        /// A code such as G203, or a method such as with_and_without
        topic: Option<String>,
    },
    /// Print the JSON Schema of the study file, or the columns of the result tables
    Schema {
        /// What to print
        of: SchemaOf,
        /// The results as a JSON Schema of results.json, in place of the list of columns
        #[arg(long)]
        json: bool,
    },
    /// Print a completion script
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
    /// Write the documents that are made from the program itself
    #[command(hide = true)]
    Documents {
        /// The folder docs of the project
        dir: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub struct CompareArgs {
    /// The first result folder
    pub a: PathBuf,
    /// The second result folder
    pub b: PathBuf,
    /// Numbers are the same when they differ by at most this part of the larger one
    #[arg(long, value_name = "T", default_value_t = 0.0)]
    pub tolerance: f64,
    /// Cells and rows that are printed of each table
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
}

#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The result folder
    pub dir: PathBuf,
    /// One or more formats, with commas between them
    #[arg(long, value_name = "FORMAT", value_delimiter = ',', required = true)]
    pub format: Vec<ExportFormat>,
    /// The folder to write to [default: exports in the result folder]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One typed file a table
    Parquet,
    /// A workbook with a sheet a table
    Xlsx,
    /// Table 1 and the decompositions for LaTeX with booktabs
    Latex,
    /// Table 1 and the decompositions as a Word document
    Docx,
    /// Table 1 and the decompositions as a page that Word opens
    Html,
    /// A do-file that reads the tables into Stata with labels
    Stata,
}

#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// What the folder holds (omop, synthea, or tables for any csv or parquet files), and the folder
    #[arg(long, num_args = 2, value_names = ["KIND", "DIR"], required = true)]
    pub from: Vec<String>,
    /// The file to write [default: KIND.yaml, study.yaml for tables]; a file that exists is left as it is
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The study file
    pub study: PathBuf,
    /// The result folder [default: results/<study>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Number of threads [default: all]; results do not depend on it
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// No progress lines
    #[arg(long)]
    pub quiet: bool,
    /// Write the results in these formats too, below exports in the result folder
    #[arg(long, value_name = "FORMAT", value_delimiter = ',')]
    pub export: Vec<ExportFormat>,
    /// Write the analysis rows to this parquet file
    #[arg(long, value_name = "FILE")]
    pub design: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct ValidateArgs {
    /// The study file; its tables must be those of a synthetic population
    pub study: PathBuf,
    /// The specification of the population [default: the one beside the folder of the tables]
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,
    /// Number of samples
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub runs: usize,
    /// Units in each sample, in place of the specification's
    #[arg(long, value_name = "N")]
    pub units: Option<usize>,
    /// Seed of the first sample; the next take the next seeds
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Units of the one sample from which truths are taken that the population does not state; 0 leaves those analyses out
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub limit: usize,
    /// Write the figures to this csv file too
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct SynthArgs {
    /// The specification
    pub spec: PathBuf,
    /// The folder to write to
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Number of units, in place of the specification's
    #[arg(long, value_name = "N")]
    pub units: Option<usize>,
    /// Seed of the random streams, in place of the specification's
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// JSON Schema of the study file
    Study,
    /// Column dictionary of the result tables
    Results,
}

/// Writes to stdout. A reader that has gone away is a normal end.
pub fn print_out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes problems to stderr, in colour when it is a terminal and `NO_COLOR` is not set.
pub fn print_problems(problems: &[Problem]) {
    let color = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // There is nowhere left to say that stderr cannot be written to.
    let _unwritable = io::stderr().lock().write_all(render(problems, color).as_bytes());
}

/// The exit status that the errors among these problems lead to; `None` if all are warnings.
pub fn worst_exit(problems: &[Problem]) -> Option<Exit> {
    problems.iter().filter(|problem| problem.is_error()).map(|problem| problem.code.exit()).max()
}

/// Problems as they stand on a terminal: code, message, place with the source line, facts, fix; a blank line between two.
pub fn render(problems: &[Problem], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for (k, problem) in problems.iter().enumerate() {
        if k > 0 {
            text.push('\n');
        }
        text.push_str(&renderer.render(&[group(problem)]));
        text.push('\n');
    }
    text
}

fn group(problem: &Problem) -> Group<'_> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(problem.message.as_str()).id(problem.code.0));
    if let Some(place) = &problem.place {
        let file = place.file.as_ref();
        if place.text.is_empty() {
            group = group.element(Origin::path(file).line(place.line).char_column(place.col));
        } else {
            let start = byte_of(&place.text, place.col - 1);
            let end = byte_of(&place.text, place.col - 1 + place.len);
            let mark = AnnotationKind::Primary.span(start..end.max(start)).label(problem.label.as_deref());
            group = group.element(Snippet::source(place.text.as_ref()).line_start(place.line).path(file).annotation(mark));
        }
    }
    for note in &problem.notes {
        group = group.element(Level::NOTE.no_name().message(note.as_str()));
    }
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// The byte at which the character with this number begins; the end of the text if there are fewer.
fn byte_of(text: &str, character: usize) -> usize {
    text.char_indices().nth(character).map_or(text.len(), |(byte, _)| byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Place, codes};
    use clap::CommandFactory;
    use std::sync::Arc;

    fn place(text: &str, line: usize, col: usize, len: usize) -> Place {
        Place { file: Arc::from("pipelines/ami_30day.yaml"), line, col, len, text: Arc::from(text) }
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Cli::command().debug_assert();
        let cli = Cli::try_parse_from(["gapshare", "run", "s.yaml", "--threads", "2", "--out", "x"]).expect("arguments");
        assert!(matches!(cli.command, Command::Run(RunArgs { threads: Some(n), quiet: false, .. }) if n.get() == 2));
        assert!(Cli::try_parse_from(["gapshare", "run", "s.yaml", "--threads", "0"]).is_err());
    }

    #[test]
    fn a_problem_looks_like_this() {
        let line = "  socioeconomic: [{ insurance: { categorical: { base: private } } }, { adi_decil: { numeric: {} } }]";
        let problem = Problem::error(codes::G203, "column `adi_decil` is not in any table")
            .at(place(line, 23, 72, 9))
            .label("not found")
            .note("found in `patients`: adi_decile, adi_national, insurance")
            .help("write `adi_decile`, or add the file that holds it under `tables`");
        let expected = "\
error[G203]: column `adi_decil` is not in any table
  --> pipelines/ami_30day.yaml:23:72
   |
23 |   socioeconomic: [{ insurance: { categorical: { base: private } } }, { adi_decil: { numeric: {} } }]
   |                                                                        ^^^^^^^^^ not found
   |
   = found in `patients`: adi_decile, adi_national, insurance
   = help: write `adi_decile`, or add the file that holds it under `tables`
";
        assert_eq!(render(&[problem], false), expected);
    }

    #[test]
    fn columns_are_counted_in_characters() {
        let shown = render(&[Problem::warning(codes::G203, "x").at(place("é: ü", 1, 4, 1))], false);
        assert!(shown.starts_with("warning[G203]: x\n --> pipelines/ami_30day.yaml:1:4\n"), "{shown}");
        let beyond = render(&[Problem::error(codes::G101, "x").at(place("ab", 1, 9, 3))], false);
        assert!(beyond.contains("ab"), "{beyond}");
    }

    #[test]
    fn without_a_place_there_is_no_excerpt() {
        let shown = render(&[Problem::error(codes::G202, "a"), Problem::error(codes::G202, "b").help("c")], false);
        assert_eq!(shown, "error[G202]: a\n\nerror[G202]: b\n |\n = help: c\n");
    }

    #[test]
    fn the_worst_code_is_the_exit() {
        let (usage, data) = (Problem::error(codes::G203, ""), Problem::error(codes::G305, ""));
        assert_eq!(worst_exit(&[usage.clone(), data]), Some(Exit::Data));
        assert_eq!(worst_exit(&[usage]), Some(Exit::Usage));
        assert_eq!(worst_exit(&[Problem::warning(codes::G305, "")]), None);
    }
}
