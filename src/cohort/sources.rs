//! Folders in a common data model (OMOP, Synthea) as the same few tables, with the same columns under the same names.
//!
//! [`omop`] and [`synthea`] say, as data, which file each table is made of and where each column comes from; [`map`] computes the columns.
//! docs/sources.md shows the two lists side by side.

pub mod folder;

mod concepts;
mod map;
mod omop;
mod raw;
mod synthea;

use super::inputs::{Input, ModelPlan};
use super::plan::{ColumnType, TablePlan};
use super::problems::bug;
use super::read::{Header, Read};
use super::source::InputFile;
use crate::error::{Problem, Problems, codes};
use folder::{Listing, Shared, file_of, listing};
use map::{Mapper, Recipe};
use polars::prelude::{DataFrame, DataType, Schema};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A common data model: a reserved name under `tables`, and the tables that a folder becomes.
#[derive(Debug)]
pub struct Model {
    /// The key under `tables`.
    pub name: &'static str,
    /// As messages call it.
    pub title: &'static str,
    pub tables: &'static [ModelTable],
    /// Files that no table has as its base, in lower case.
    others: &'static [&'static str],
    /// Versions that are read, as CDM_SOURCE begins to write them; empty where the model has none.
    versions: &'static [&'static str],
}

/// One table: the file that its rows are the rows of, and its columns.
#[derive(Debug)]
pub struct ModelTable {
    pub name: &'static str,
    /// What a row is.
    pub row: &'static str,
    /// The file, in lower case, without the ending.
    pub base: &'static str,
    /// Columns of the file, in lower case, without which the table cannot be made.
    required: &'static [&'static str],
    rows: Rows,
    pub columns: &'static [ModelColumn],
}

/// Which rows of the file the table has.
#[derive(Debug)]
enum Rows {
    All,
    /// Those with a value in this column of the table.
    With(&'static str),
    /// Those with one of these words in a column of the file, or those without.
    Among {
        column: &'static str,
        words: &'static [&'static str],
        keep: bool,
    },
}

#[derive(Debug)]
pub struct ModelColumn {
    pub name: &'static str,
    recipe: Recipe,
    pub doc: &'static str,
}

pub static MODELS: [&Model; 2] = [&omop::OMOP, &synthea::SYNTHEA];

/// The folder of a table and what is read once for all of its tables.
struct Place<'a> {
    listing: &'a Listing,
    shared: &'a Shared,
}

impl Model {
    /// The model whose name is reserved under `tables`.
    pub fn named(name: &str) -> Option<&'static Self> {
        MODELS.into_iter().find(|m| m.name == name)
    }

    /// A plan for each table; those made at one time share what they read.
    pub fn inputs(&'static self) -> impl Iterator<Item = (&'static str, Input)> {
        let shared = Arc::new(Shared::default());
        self.tables.iter().enumerate().map(move |(table, t)| (t.name, Input::Model(ModelPlan { model: self, table, shared: Arc::clone(&shared) })))
    }

    /// Names of the files, in lower case.
    fn files(&self) -> Vec<&'static str> {
        self.tables.iter().map(|t| t.base).chain(self.others.iter().copied()).collect()
    }
}

impl ModelPlan {
    fn mapped(&self) -> &'static ModelTable {
        &self.model.tables[self.table]
    }
}

impl ModelColumn {
    pub fn dtype(&self) -> DataType {
        self.recipe.dtype()
    }
}

/// The file that a table is made of, with its header read. Errors: G202, G203, G204.
fn base(table: &TablePlan, plan: &ModelPlan, problems: &mut Problems) -> Option<raw::RawHeader> {
    let before = problems.len();
    let mapped = plan.mapped();
    let listing = listing(table, plan.model, &plan.shared, problems)?;
    let Some(file) = file_of(table, listing, mapped.base, problems) else {
        if problems.len() == before {
            let found: BTreeSet<&str> = listing.tables().collect();
            let found: Vec<&str> = found.into_iter().collect();
            let what = format!("has no {}, which table `{}` is made of", mapped.base.to_uppercase(), mapped.name);
            problems.push(folder::refused(table, &what).note(format!("found: {}", found.join(", "))));
        }
        return None;
    };
    let header = raw::header(&file, mapped.required, problems);
    if let Some(version) = version(table, plan, listing) {
        for problem in problems.iter_mut().skip(before).filter(|p| p.code == codes::G203) {
            problem.notes.push(format!("CDM_SOURCE says version {version}; versions 5.3 and 5.4 are read"));
        }
    }
    header
}

/// Names of the columns, once the file has been found to be there and to hold what it must.
pub(super) fn header(table: &TablePlan, plan: &ModelPlan, problems: &mut Problems) -> Option<Header> {
    let raw = base(table, plan, problems)?;
    Some(Header { names: plan.mapped().columns.iter().map(|c| c.name.to_owned()).collect(), ..raw.into_header() })
}

/// Types of the columns: those of the model, whatever the files hold.
pub(super) fn dtypes(plan: &ModelPlan) -> Schema {
    plan.mapped().columns.iter().map(|c| (c.name.into(), c.dtype())).collect()
}

/// Reads the wanted columns. Errors: G202, G203, G301; warnings: G331 (columns that nothing was there for), G332 (values that were not).
pub(super) fn read(table: &TablePlan, plan: &ModelPlan, wanted: &[String], warnings: &mut Problems, problems: &mut Problems) -> Option<Read> {
    let before = problems.len();
    let mapped = plan.mapped();
    let header = base(table, plan, problems)?;
    let place = Place { listing: listing(table, plan.model, &plan.shared, problems)?, shared: &plan.shared };
    let filter = match mapped.rows {
        Rows::With(column) => Some(column),
        Rows::All | Rows::Among { .. } => None,
    };
    let columns: Vec<&'static ModelColumn> = mapped.columns.iter().filter(|c| wanted.iter().any(|w| w == c.name) || filter == Some(c.name)).collect();
    let mut reads: Vec<(&str, ColumnType)> = Vec::new();
    columns.iter().for_each(|c| c.recipe.reads(&mut reads));
    // Without a column a file would have no rows.
    reads.extend(mapped.required.first().map(|c| (*c, ColumnType::Text)));
    if let Rows::Among { column, .. } = mapped.rows {
        reads.push((column, ColumnType::Text));
    }
    let lacking: Vec<&str> = columns.iter().filter(|c| nothing_for(&c.recipe, &header)).map(|c| c.name).collect();
    if !lacking.is_empty() {
        let (are, they) = if lacking.len() == 1 { ("is", "it is") } else { ("are", "they are") };
        let base = mapped.base.to_uppercase();
        let message = format!("{} of table `{}` {are} empty: {base} has no column that {they} made of", ticked(&lacking), table.name);
        warnings.push(Problem::warning(codes::G331, message).at(table.path_place.clone()));
    }
    let mut raw = header.read(&reads, warnings, problems)?;
    if let Rows::Among { column, words, keep } = &mapped.rows {
        let among = |c: Option<&str>| c.is_some_and(|c| words.iter().any(|w| w.eq_ignore_ascii_case(c.trim())));
        raw.retain(column, |c| among(c) == *keep).map_err(|e| problems.push(bug("a mapped table", &e))).ok()?;
    }
    let needs = columns.iter().any(|c| c.recipe.needs_concepts());
    let concepts = if needs { concepts::Concepts::of(table, &place, warnings, problems)? } else { Arc::default() };
    let mut files = raw.files.clone();
    files.extend(concepts.files.iter().cloned());
    let mut mapper = Mapper::new(table, &place, mapped, &raw, concepts, warnings, problems);
    let made: Option<Vec<_>> = columns.iter().map(|c| mapper.column(c.name, &c.recipe)).collect();
    files.extend(mapper.files());
    let frame = frame(raw.height(), made?, mapped).map_err(|e| problems.push(bug("a mapped table", &e))).ok()?;
    let frame = frame.select(wanted.iter().map(String::as_str)).map_err(|e| problems.push(bug("a mapped table", &e))).ok()?;
    let input = InputFile { table: table.name.clone(), path: table.path.clone(), files };
    (problems.len() == before).then_some(Read { frame, input, stamps: Default::default() })
}

fn frame(height: usize, columns: Vec<polars::prelude::Column>, mapped: &ModelTable) -> polars::prelude::PolarsResult<DataFrame> {
    let frame = DataFrame::new(height, columns)?;
    match &mapped.rows {
        Rows::All | Rows::Among { .. } => Ok(frame),
        Rows::With(column) => {
            let there = frame.column(column)?.is_not_null();
            frame.filter(&there)
        }
    }
}

/// Whether the file has none of the columns that a value is made of.
fn nothing_for(recipe: &Recipe, header: &raw::RawHeader) -> bool {
    let mut reads = Vec::new();
    recipe.reads(&mut reads);
    !reads.is_empty() && reads.iter().all(|(c, _)| !header.has(c))
}

fn ticked(names: &[&str]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

/// The version that CDM_SOURCE states, if there is one and it can be read.
fn version(table: &TablePlan, plan: &ModelPlan, listing: &Listing) -> Option<String> {
    if plan.model.versions.is_empty() {
        return None;
    }
    let (mut warnings, mut problems) = (Problems::new(), Problems::new());
    let file = file_of(table, listing, "cdm_source", &mut problems)?;
    let read = raw::read_file(&file, &[("cdm_version", ColumnType::Text)], &["cdm_version"], &mut warnings, &mut problems)?;
    read.column("cdm_version").ok()?.str().ok()?.iter().flatten().next().map(|v| v.trim().trim_start_matches(['v', 'V']).to_owned())
}

/// What `check` says about the folders of a plan beside errors: another version than those that are read (G333), and tables that have a
/// header and no rows (G331).
pub(super) fn warnings<'a>(tables: impl Iterator<Item = &'a TablePlan>) -> Problems {
    let mut warnings = Problems::new();
    let mut seen = BTreeSet::new();
    for table in tables {
        let Input::Model(plan) = &table.input else { continue };
        let Some(listing) = listing(table, plan.model, &plan.shared, &mut Problems::new()) else { continue };
        if !seen.insert(table.resolved.clone()) {
            continue;
        }
        if let Some(version) = version(table, plan, listing)
            && !plan.model.versions.iter().any(|v| version.starts_with(v))
        {
            let message = format!("`{}` says that it is version {version} of {}; it is read as version 5.4", table.path, plan.model.title);
            warnings.push(Problem::warning(codes::G333, message).at(table.path_place.clone()).note("versions 5.3 and 5.4 are known"));
        }
        let mut none = Vec::new();
        for file in listing.tables() {
            let mut ignored = Problems::new();
            let header = file_of(table, listing, file, &mut ignored).and_then(|plan| raw::header(&plan, &[], &mut ignored));
            if header.is_some_and(|h| h.has_no_rows()) {
                none.push(file.to_uppercase());
            }
        }
        if !none.is_empty() {
            let message = format!(
                "in `{}` {} and no rows: {}",
                table.path,
                if none.len() == 1 { "a table has a header" } else { "tables have a header" },
                none.join(", ")
            );
            warnings.push(Problem::warning(codes::G331, message).at(table.path_place.clone()));
        }
    }
    warnings
}

/// The tables that a folder can be mapped onto. Errors: what is wrong with the folder, to follow its name.
pub fn tables_in(model: &'static Model, dir: &std::path::Path) -> Result<Vec<&'static str>, String> {
    let listing = Listing::of(dir, model)?;
    Ok(model.tables.iter().filter(|t| listing.tables().any(|f| f == t.base)).map(|t| t.name).collect())
}

/// The format of a file of a folder, as its name and header say.
pub(super) fn format_of(path: &std::path::Path) -> Option<super::plan::Format> {
    let name = path.file_name()?.to_str()?;
    super::plan::Format::of_name(name).map(|(_, format)| folder::with_tabs(path, format))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::layout::kind;

    #[test]
    fn the_models_have_the_same_tables_and_columns() {
        let shape = |m: &Model| -> Vec<(&str, Vec<(&str, DataType)>)> {
            let columns = |t: &ModelTable| {
                let mut columns: Vec<_> = t.columns.iter().map(|c| (c.name, c.dtype())).collect();
                columns.sort_by_key(|c| c.0);
                columns
            };
            m.tables.iter().map(|t| (t.name, columns(t))).collect()
        };
        assert_eq!(shape(MODELS[0]), shape(MODELS[1]));
    }

    /// The tables as docs/sources.md shows them.
    fn documented() -> String {
        let (omop, synthea) = (MODELS[0], MODELS[1]);
        let mut text = String::new();
        for (a, b) in omop.tables.iter().zip(synthea.tables) {
            text.push_str(&format!("\n### `{}`\n\n", a.name));
            text.push_str(&format!("OMOP: {} ({}). Synthea: {} ({}).\n\n", a.row, a.base.to_uppercase(), b.row, b.base));
            text.push_str("| column | type | OMOP | Synthea |\n|---|---|---|---|\n");
            for c in a.columns {
                let other = b.columns.iter().find(|o| o.name == c.name).map_or("", |o| o.doc);
                let kind = format!("{:?}", kind(&c.dtype())).to_lowercase();
                text.push_str(&format!("| `{}` | {kind} | {} | {other} |\n", c.name, c.doc));
            }
        }
        text
    }

    /// The tables in docs/sources.md are written from the models: UPDATE_SCHEMA=1 rewrites them.
    #[test]
    fn the_documented_tables_are_those_of_the_models() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sources.md");
        let text = std::fs::read_to_string(&path).unwrap();
        let (begin, end) = ("<!-- tables: written by a test -->\n", "\n<!-- end of tables -->");
        let (before, rest) = text.split_once(begin).unwrap();
        let (now, after) = rest.split_once(end).unwrap();
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, format!("{before}{begin}{}{end}{after}", documented())).unwrap();
            return;
        }
        assert!(now == documented(), "docs/sources.md differs from the models; run the test with UPDATE_SCHEMA=1");
    }
}
