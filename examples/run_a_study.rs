//! Runs a study file and reads the decomposition of its primary analysis.
//!
//! ```sh
//! cargo run --release --example run_a_study -- pipelines/cardiac_surgery.yaml
//! ```

use gapshare::Study;

fn main() -> Result<(), gapshare::Error> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "pipelines/cardiac_surgery.yaml".to_owned());
    let study = Study::load(&path)?;
    let results = study.run()?;
    println!("{}", study.plan().title);
    for row in results.decomposition("primary") {
        let figure = |v: Option<f64>| v.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"));
        let interval = row.interval.map_or_else(String::new, |(low, high)| format!("[{low:.4}, {high:.4}]"));
        println!("{:12} {:14} {:>8} {interval:20} share {}", row.part, row.component, figure(row.estimate), figure(row.share));
    }
    // Any other table by its name, cell by cell.
    if let Some(gap) = results.table("gap") {
        println!("{} index units", gap.int(0, "n_index").map_or_else(|| "withheld".to_owned(), |n| n.to_string()));
    }
    for problem in results.problems() {
        println!("{}: {}", problem.code, problem.message);
    }
    // Nothing is written unless it is asked for: results.write("results/my_study")?;
    Ok(())
}
