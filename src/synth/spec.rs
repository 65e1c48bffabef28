//! The spec of a synthetic population: what `gapshare synth` reads.

use super::geography::HOSPITALS;
use super::missing::MissingSpec;
use super::places::Places;
use super::scenario::{Overrides, Parameters, Scenario};
use crate::error::{Code, Problem, Problems, codes, nearest};
use chrono::NaiveDate;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A spec, read and checked.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The file as the user named it.
    pub path: PathBuf,
    /// Names the output folder, beside the spec.
    pub name: String,
    pub scenario: Scenario,
    /// The scenario's, with the spec's own values in place.
    pub parameters: Parameters,
    /// Number of hospitals.
    pub hospitals: usize,
    pub group: GroupSpec,
    pub sample: SampleSpec,
    pub truth: TruthSpec,
    pub outcome: OutcomeSpec,
    pub dates: Dates,
    pub distractors: Distractors,
    pub missing: MissingSpec,
    /// sha256 of the spec file's bytes, in hexadecimal.
    pub sha256: String,
}

impl Spec {
    /// The folder named after the spec, beside it.
    pub fn default_out_dir(&self) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(&self.name)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// The value of `race` for reference patients.
    pub reference: String,
    pub index: String,
    /// P(index patient).
    pub index_share: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleSpec {
    /// Analysis units: reference and index patients with a first index operation.
    pub units: usize,
    pub seed: u64,
    pub format: Format,
}

/// How tables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Csv,
    Parquet,
}

impl Format {
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthSpec {
    /// Monte-Carlo draws.
    pub draws: usize,
    pub seed: u64,
}

/// How the composite outcome is split into the events of the tables. All probabilities are conditional on what their
/// description says and on nothing else, so they add no association with the group or with any factor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeSpec {
    /// P(death within 30 days | composite).
    pub death: f64,
    /// P(at least one complication | death within 30 days). Without death the composite has at least one.
    pub complication_before_death: f64,
    /// The kind of the first complication; sums to 1.
    pub first_complication: FirstComplication,
    /// P(each other kind as well | a complication).
    pub further_complication: f64,
    /// P(death on days 31 to 730 | alive on day 30).
    pub late_death: f64,
    /// P(a complication on days 31 to 120 | alive then).
    pub late_complication: f64,
}

/// The major complications of the Society of Thoracic Surgeons' composite.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstComplication {
    pub stroke: f64,
    pub renal_failure: f64,
    pub prolonged_ventilation: f64,
    pub deep_sternal_infection: f64,
    pub reoperation: f64,
}

impl FirstComplication {
    /// In the order of [`super::history::Complication::ALL`].
    pub fn probabilities(&self) -> [f64; 5] {
        [self.stroke, self.renal_failure, self.prolonged_ventilation, self.deep_sternal_infection, self.reoperation]
    }
}

#[derive(Clone, Debug)]
pub struct Dates {
    /// First index operations lie between these days, both included.
    pub first_operation: NaiveDate,
    pub last_operation: NaiveDate,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DatesFile {
    first_operation: String,
    last_operation: String,
}

/// What stands in the tables beside the analysis units' own rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distractors {
    /// Further patients of other races, for each analysis unit.
    pub other_race: f64,
    /// Further patients whose only operation is not an index operation, for each analysis unit.
    pub other_procedure_only: f64,
    /// P(a second index operation 60 to 900 days later), if the patient is alive then.
    pub repeat_operation: f64,
    /// P(an operation of another class 30 to 1,500 days before).
    pub earlier_other_procedure: f64,
    /// P(a non-cardiac stay 40 to 700 days before).
    pub non_cardiac_encounter: f64,
    /// P(a creatinine 8 to 28 days before the operation, beside the one of the last 5 days).
    pub earlier_creatinine: f64,
    /// P(a creatinine 40 to 300 days before).
    pub old_creatinine: f64,
    /// P(a creatinine 1 to 4 days after).
    pub postoperative_creatinine: f64,
    /// P(a creatinine is recorded in µmol/L).
    pub creatinine_in_umol_l: f64,
    /// P(an older echocardiogram).
    pub older_echo: f64,
    /// P(an echocardiogram after the operation).
    pub postoperative_echo: f64,
    /// P(a diagnosis row stands twice).
    pub duplicated_diagnosis: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpecFile {
    gapshare_synth: u32,
    name: String,
    scenario: Scenario,
    #[serde(default)]
    parameters: Overrides,
    #[serde(default = "usual_hospitals")]
    hospitals: usize,
    group: GroupSpec,
    sample: SampleSpec,
    truth: TruthSpec,
    outcome: OutcomeSpec,
    dates: DatesFile,
    distractors: Distractors,
    #[serde(default)]
    missing: MissingSpec,
}

fn usual_hospitals() -> usize {
    HOSPITALS
}

/// Reads and checks a spec. Errors: the first problem of the text's structure, or else every value out of range.
pub fn read_spec(path: &Path) -> Result<Spec, Problems> {
    let file: Arc<str> = path.display().to_string().into();
    let text = std::fs::read_to_string(path)
        .map_err(|e| vec![Problem::error(codes::G202, format!("the spec `{file}` cannot be read: {e}")).help("check the path")])?;
    parse(path, &file, &text)
}

pub(super) fn parse(path: &Path, file: &Arc<str>, text: &str) -> Result<Spec, Problems> {
    let places = Places::read(file, text)?;
    if !places.repeated.is_empty() {
        let problem = |(key, place): &(String, _)| Problem::error(codes::G102, format!("`{key}` stands twice")).at(Some(Clone::clone(place)));
        return Err(places.repeated.iter().map(problem).collect());
    }
    let raw: SpecFile = serde_path_to_error::deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|e| vec![structure(&e, &places)])?;
    let mut check = Check { places: &places, problems: Vec::new() };
    let dates = check.all(&raw);
    match dates {
        Some(dates) if check.problems.is_empty() => Ok(Spec {
            path: path.to_owned(),
            name: raw.name,
            scenario: raw.scenario,
            parameters: raw.scenario.parameters().overridden(&raw.parameters),
            group: raw.group,
            sample: raw.sample,
            truth: raw.truth,
            outcome: raw.outcome,
            dates,
            hospitals: raw.hospitals,
            distractors: raw.distractors,
            missing: raw.missing,
            sha256: Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect(),
        }),
        _ => Err(check.problems),
    }
}

/// What serde found, as a problem with the place of the key or value.
fn structure(error: &serde_path_to_error::Error<serde_yaml::Error>, places: &Places) -> Problem {
    let path = error.path().to_string();
    let path = if path == "." { String::new() } else { path };
    let full = error.inner().to_string();
    // serde_yaml puts the path (or that of the map around it) before and the place after its message; both stand in the
    // problem already.
    let around = std::iter::successors(Some(path.as_str()), |p| p.rsplit_once('.').map(|(parent, _)| parent));
    let message = around.filter_map(|p| full.strip_prefix(&format!("{p}: "))).next().unwrap_or(&full);
    let message = message.rsplit_once(" at line ").map_or(message, |(m, _)| m).to_owned();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let code = [("unknown field", codes::G103), ("missing field", codes::G105), ("unknown variant", codes::G210)];
    let code: Code = code.into_iter().find(|(start, _)| message.starts_with(start)).map_or(codes::G104, |(_, code)| code);
    let place = match quoted.first() {
        Some(name) if code == codes::G103 => {
            let parent = path.strip_suffix(name).map_or(path.as_str(), |p| p.trim_end_matches('.'));
            places.keys.get(&if parent.is_empty() { (*name).to_owned() } else { format!("{parent}.{name}") }).cloned()
        }
        _ => None,
    };
    let place = place.or_else(|| places.of(&path));
    let mut problem = Problem::error(code, if path.is_empty() { message.clone() } else { format!("`{path}`: {message}") }).at(place);
    if let Some((name, candidates)) = quoted.split_first()
        && let Some(near) = nearest(name, candidates.iter().copied())
        && (code == codes::G103 || code == codes::G210)
    {
        problem = problem.help(format!("write `{near}`"));
    }
    problem
}

/// Collects the values that are out of range.
struct Check<'a> {
    places: &'a Places,
    problems: Problems,
}

impl Check<'_> {
    fn fail(&mut self, code: Code, path: &str, message: String, help: &str) {
        self.problems.push(Problem::error(code, format!("`{path}` {message}")).at(self.places.of(path)).help(help));
    }

    fn probability(&mut self, path: &str, value: f64) {
        if !(0.0..=1.0).contains(&value) {
            self.fail(codes::G213, path, format!("is a probability, and {value} is not between 0 and 1"), "write a number from 0 to 1");
        }
    }

    fn between(&mut self, path: &str, value: usize, least: usize, most: usize) {
        if !(least..=most).contains(&value) {
            self.fail(codes::G213, path, format!("is {value}"), &format!("write a whole number from {least} to {most}"));
        }
    }

    fn date(&mut self, path: &str, text: &str) -> Option<NaiveDate> {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        if date.is_none() {
            self.fail(codes::G104, path, format!("is `{text}`, which is no date"), "write it as 2019-01-31");
        }
        date
    }

    /// Every check; the dates if they can be read.
    fn all(&mut self, raw: &SpecFile) -> Option<Dates> {
        if raw.gapshare_synth != 1 {
            self.fail(codes::G107, "gapshare_synth", format!("is {}", raw.gapshare_synth), "this program reads `gapshare_synth: 1`");
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if raw.name.is_empty() || !raw.name.chars().all(plain) {
            self.fail(codes::G108, "name", format!("is `{}`", raw.name), "names are made of a-z, 0-9 and _");
        }
        for (name, value) in raw.scenario.parameters().overridden(&raw.parameters).entries() {
            if !value.is_finite() {
                self.fail(codes::G213, &format!("parameters.{name}"), "is not finite".to_owned(), "write a number");
            }
        }
        if raw.group.reference.trim() == raw.group.index.trim() {
            self.fail(codes::G210, "group.index", "is the reference group".to_owned(), "name two groups");
        }
        for (path, label) in [("group.reference", &raw.group.reference), ("group.index", &raw.group.index)] {
            if super::history::OTHER_RACES.contains(&label.trim()) || label.trim().is_empty() {
                self.fail(codes::G210, path, format!("is `{label}`, the name of a group that is only there to be left out"), "choose another name");
            }
        }
        if !(raw.group.index_share > 0.0 && raw.group.index_share < 1.0) {
            let message = format!("is {}, which leaves a group empty", raw.group.index_share);
            self.fail(codes::G213, "group.index_share", message, "write a number between 0 and 1");
        }
        self.between("hospitals", raw.hospitals, 2, 2_000);
        self.between("sample.units", raw.sample.units, 1, super::tables::MOST_UNITS);
        self.between("truth.draws", raw.truth.draws, 1_000, 1_000_000_000);
        self.outcome(&raw.outcome);
        self.distractors(&raw.distractors);
        for (path, value) in raw.missing.entries().into_iter().filter(|(_, v)| !v.is_finite()) {
            self.fail(codes::G213, &path, format!("is {value}"), "write a number");
        }
        let first = self.date("dates.first_operation", &raw.dates.first_operation);
        let last = self.date("dates.last_operation", &raw.dates.last_operation);
        let (first_operation, last_operation) = (first?, last?);
        if last_operation < first_operation {
            self.fail(codes::G213, "dates.last_operation", "is before `dates.first_operation`".to_owned(), "exchange the two");
        }
        Some(Dates { first_operation, last_operation })
    }

    fn outcome(&mut self, o: &OutcomeSpec) {
        for (name, value) in [
            ("death", o.death),
            ("complication_before_death", o.complication_before_death),
            ("further_complication", o.further_complication),
            ("late_death", o.late_death),
            ("late_complication", o.late_complication),
        ] {
            self.probability(&format!("outcome.{name}"), value);
        }
        let kinds = o.first_complication.probabilities();
        for (kind, value) in super::history::Complication::ALL.iter().zip(kinds) {
            self.probability(&format!("outcome.first_complication.{}", kind.name()), value);
        }
        let sum: f64 = kinds.iter().sum();
        if (sum - 1.0).abs() > 1e-9 {
            self.fail(codes::G213, "outcome.first_complication", format!("sums to {sum}"), "let the probabilities sum to 1");
        }
    }

    fn distractors(&mut self, d: &Distractors) {
        for (name, value) in [
            ("other_race", d.other_race),
            ("other_procedure_only", d.other_procedure_only),
            ("repeat_operation", d.repeat_operation),
            ("earlier_other_procedure", d.earlier_other_procedure),
            ("non_cardiac_encounter", d.non_cardiac_encounter),
            ("earlier_creatinine", d.earlier_creatinine),
            ("old_creatinine", d.old_creatinine),
            ("postoperative_creatinine", d.postoperative_creatinine),
            ("creatinine_in_umol_l", d.creatinine_in_umol_l),
            ("older_echo", d.older_echo),
            ("postoperative_echo", d.postoperative_echo),
            ("duplicated_diagnosis", d.duplicated_diagnosis),
        ] {
            self.probability(&format!("distractors.{name}"), value);
        }
    }
}
