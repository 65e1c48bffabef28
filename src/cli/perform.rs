//! What each command does: calls into the library, prints, and turns problems into an exit status.

use super::progress::{Bars, spinner};
use super::{
    Command, CompareArgs, ExportArgs, ExportFormat, InitArgs, RunArgs, SchemaOf, SynthArgs, ValidateArgs, documents, explain, print_out,
    print_problems, worst_exit,
};
use crate::error::{Problem, Problems, codes};
use crate::{export, release, report, run, study};
use std::path::Path;
use std::process::ExitCode;

/// Performs a command; the exit status is that of CONTRACT 2.
pub fn perform(command: Command) -> ExitCode {
    let done = match command {
        Command::Check { study } => check(&study),
        Command::Init(args) => init(&args),
        Command::Run(args) => run_study(&args),
        Command::Report { dir } => run::report(&dir).and_then(|()| said(format!("wrote {}\n", dir.join("report.html").display()))),
        Command::Verify { dir } => verify(&dir),
        Command::Synth(args) => synth(&args),
        Command::Validate(args) => validate(&args),
        Command::Plan { study, json } => plan(&study, json),
        Command::Compare(args) => compare(&args),
        Command::Export(args) => export(&args),
        Command::Explain { topic: Some(topic) } => explain::explain(&topic).map_err(|p| vec![*p]).and_then(said),
        Command::Explain { topic: None } => said(explain::list()),
        Command::Schema { of: SchemaOf::Study, .. } => said(study::schema_json()),
        Command::Schema { of: SchemaOf::Results, json: true } => said(release::json_schema::results_schema()),
        Command::Schema { of: SchemaOf::Results, json: false } => said(release::schema::schema_csv(None)),
        Command::Completions { shell } => said(documents::completions(shell)),
        Command::Man => documents::manual().and_then(said),
        Command::Documents { dir } => documents::write(&dir).and_then(said),
    };
    done.unwrap_or_else(|problems| {
        print_problems(&problems);
        worst_exit(&problems).map_or(ExitCode::SUCCESS, |exit| ExitCode::from(exit as u8))
    })
}

fn said(text: String) -> Result<ExitCode, Problems> {
    let failed = |e| vec![Problem::error(codes::G214, format!("stdout cannot be written to: {e}"))];
    print_out(&text).map(|()| ExitCode::SUCCESS).map_err(failed)
}

fn check(study: &Path) -> Result<ExitCode, Problems> {
    let plan = run::check(study)?;
    print_problems(&plan.warnings);
    let analyses: Vec<&str> = plan.analyses.iter().map(|a| a.name.as_str()).collect();
    said(format!("{}: no errors; {} blocks, analyses: {}\n", study.display(), plan.roles.blocks.len(), analyses.join(", ")))
}

fn init(args: &InitArgs) -> Result<ExitCode, Problems> {
    let (kind, dir) = match args.from.as_slice() {
        [kind, dir] => (kind, Path::new(dir)),
        _ => return Err(vec![Problem::error(codes::G214, "write --from KIND DIR")]),
    };
    let path = run::init(kind, dir, args.out.as_deref())?;
    said(format!("wrote {0}\nread it, change it to your question, then: gapshare check {0}\n", path.display()))
}

fn plan(study: &Path, json: bool) -> Result<ExitCode, Problems> {
    let plan = run::check(study)?;
    print_problems(&plan.warnings);
    let ahead = run::forecast::forecast(&plan)?;
    said(if json { format!("{:#}\n", ahead.json()) } else { ahead.text() })
}

fn compare(args: &CompareArgs) -> Result<ExitCode, Problems> {
    let out_of_range = !(args.tolerance.is_finite() && args.tolerance >= 0.0);
    if out_of_range {
        return Err(vec![Problem::error(codes::G214, format!("--tolerance {} is not a number of 0 or more", args.tolerance))]);
    }
    let found = release::compare(&args.a, &args.b, args.tolerance)?;
    said(found.text(args.limit))?;
    Ok(ExitCode::from(found.exit_code()))
}

fn export(args: &ExportArgs) -> Result<ExitCode, Problems> {
    let written = export::export(&args.dir, &formats(&args.format), args.out.as_deref())?;
    said(written.iter().map(|path| format!("wrote {}\n", path.display())).collect())
}

fn formats(asked: &[ExportFormat]) -> Vec<export::Format> {
    let of = |format: &ExportFormat| match format {
        ExportFormat::Parquet => export::Format::Parquet,
        ExportFormat::Xlsx => export::Format::Xlsx,
        ExportFormat::Latex => export::Format::Latex,
        ExportFormat::Docx => export::Format::Docx,
        ExportFormat::Html => export::Format::Html,
        ExportFormat::Stata => export::Format::Stata,
    };
    asked.iter().map(of).collect()
}

fn in_pool<T: Send>(threads: Option<usize>, work: impl FnOnce() -> T + Send) -> Result<T, Problems> {
    let mut builder = rayon::ThreadPoolBuilder::new();
    if let Some(n) = threads {
        builder = builder.num_threads(n);
    }
    let pool = builder.build().map_err(|e| vec![Problem::error(codes::G901, format!("no threads: {e}"))])?;
    Ok(pool.install(work))
}

fn run_study(args: &RunArgs) -> Result<ExitCode, Problems> {
    let bars = Bars::new(args.quiet);
    let command = std::env::args().skip(1).fold("gapshare".to_owned(), |line, a| format!("{line} {a}"));
    let options = run::Options { out: args.out.clone(), design: args.design.clone(), command };
    let outcome = in_pool(args.threads.map(Into::into), || run::run(&args.study, &options, &|step| bars.step(step)));
    bars.clear();
    let outcome = outcome??;
    if !args.export.is_empty() {
        export::export(&outcome.out, &formats(&args.export), None)?;
    }
    print_problems(&outcome.problems);
    said(format!("{}\nreport: {}\n", report::terminal_table(&outcome.results), outcome.out.join("report.html").display()))?;
    Ok(outcome.exit.map_or(ExitCode::SUCCESS, |e| ExitCode::from(e as u8)))
}

fn verify(dir: &Path) -> Result<ExitCode, Problems> {
    let found = release::verify(dir)?;
    said(format!("{}\n", found.lines().join("\n")))?;
    Ok(ExitCode::from(found.exit_code()))
}

fn synth(args: &SynthArgs) -> Result<ExitCode, Problems> {
    let bar = spinner(false);
    let written = run::synth(&args.spec, args.out.as_deref(), args.units, args.seed, &|stage| bar.set_message(stage.to_owned()));
    bar.finish_and_clear();
    let written = written?;
    let mut text = String::new();
    for f in &written.files {
        let rows = f.rows.map_or_else(String::new, |n| format!("{n} rows, "));
        text.push_str(&format!("{}: {rows}{} bytes\n", written.dir.join(&f.name).display(), f.bytes));
    }
    for old in &written.left_over {
        text.push_str(&format!("left from an earlier run in another format: {}\n", old.display()));
    }
    said(text)
}

fn validate(args: &ValidateArgs) -> Result<ExitCode, Problems> {
    let bar = spinner(false);
    let options = run::validate::Options { spec: args.spec.clone(), runs: args.runs, units: args.units, seed: args.seed, limit: args.limit };
    let done = run::validate::validate(&args.study, &options, &|stage| bar.set_message(stage.to_owned()));
    bar.finish_and_clear();
    let done = done?;
    let header = [
        "intervals",
        "analysis",
        "quantity",
        "truth",
        "mean_estimate",
        "bias",
        "sd",
        "mean_std_error",
        "coverage",
        "mean_width",
        "runs",
        "truth_from",
    ];
    let cells = |p: &run::validate::Performance| -> Vec<String> {
        let figures = [p.truth, p.mean_estimate, p.bias(), p.sd, p.mean_std_error].map(|v| format!("{v:.5}"));
        let mut out = vec![p.intervals.name().to_owned(), p.analysis.clone(), p.quantity.clone()];
        out.extend(figures);
        out.extend([format!("{:.3}", p.coverage), format!("{:.5}", p.mean_width), p.runs.to_string(), p.source.name().to_owned()]);
        out
    };
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN).set_header(header);
    done.rows.iter().for_each(|p| {
        table.add_row(cells(p));
    });
    if let Some(path) = &args.csv {
        let lines: Vec<String> = std::iter::once(header.join(",")).chain(done.rows.iter().map(|p| cells(p).join(","))).collect();
        let failed = |e| vec![Problem::error(codes::G212, format!("{} cannot be written: {e}", path.display()))];
        std::fs::write(path, lines.join("\n") + "\n").map_err(failed)?;
    }
    let mut text = format!("{table}\n{} samples of {} units, seeds from {}\n", done.runs, done.units, done.seed);
    for (analysis, n, reason) in &done.failed {
        text.push_str(&format!("{analysis}: not estimated in {n} samples: {reason}\n"));
    }
    if !done.without_truth.is_empty() {
        text.push_str(&format!("no truth is stated for: {}\n", done.without_truth.join(", ")));
    }
    said(text)
}
