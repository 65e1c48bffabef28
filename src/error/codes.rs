//! Every code, its exit status and its long form, in one list.

use serde::{Serialize, Serializer};

/// The process exit status that a problem leads to (CONTRACT, commands).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// A diagnostic gate failed, or an analysis other than the primary could not be estimated.
    Gate = 1,
    /// Study file, files or usage.
    Usage = 2,
    /// The data break what the study file says.
    Data = 3,
    /// The primary analysis could not be estimated.
    Estimation = 4,
    /// Release rules left nothing to show.
    Release = 5,
    /// A bug in gapshare.
    Bug = 70,
}

/// A code such as `G203`; the same one on the terminal, in `run.json` and in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub &'static str);

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.0)
    }
}

/// What `gapshare explain CODE` prints.
pub struct CodeInfo {
    pub code: Code,
    pub exit: Exit,
    pub title: &'static str,
    pub explanation: &'static str,
}

impl Code {
    pub fn info(self) -> Option<&'static CodeInfo> {
        CODES.iter().find(|c| c.code == self)
    }

    /// The exit status of an error with this code.
    pub fn exit(self) -> Exit {
        self.info().map_or(Exit::Bug, |c| c.exit)
    }
}

macro_rules! codes {
    ($($name:ident $exit:ident $title:literal $explanation:literal;)*) => {
        $(pub const $name: Code = Code(stringify!($name));)*
        /// Every code, in order.
        pub const CODES: &[CodeInfo] = &[$(CodeInfo { code: $name, exit: Exit::$exit, title: $title, explanation: $explanation }),*];
    };
}

codes! {
    // The text of the study file.
    G101 Usage "the study file is not valid YAML" "The text could not be read as YAML 1.2. Indent with spaces (a tab is not allowed), put a space after each colon, and quote text that holds `: ` or ` #`.";
    G102 Usage "a key stands twice" "A map holds the same key twice. YAML readers would keep one of them without a word, so gapshare refuses the file. Remove one.";
    G103 Usage "unknown key" "The key is not part of the study file format. `gapshare schema study` prints the format for editors.";
    G104 Usage "wrong type" "The value is not of the kind this key takes.";
    G105 Usage "a required key is missing" "Required are: gapshare, study, tables, cohort.unit.table, group, outcome (with family), blocks, analyses.primary.";
    G106 Usage "environment variable not set" "A path holds ${NAME}, which is replaced from the environment; NAME is not set. Set it before the run: NAME=/some/folder gapshare run ...";
    G107 Usage "format version not supported" "This program reads version 1 of the format: `gapshare: 1`.";
    G108 Usage "a name that cannot be used" "Study names are made of a-z, 0-9 and _. Blocks cannot be called none, total, allowable or intercept, and their names hold no +.";
    G109 Usage "not built yet" "The study file asks for something that the format names and this version does not do. It is refused, rather than ignored.";
    // Names and meaning.
    G201 Usage "unknown table" "A table is named that does not stand under `tables`.";
    G202 Usage "a file cannot be read" "The file is missing, empty, unreadable, or not in the format that its name says.";
    G203 Usage "unknown column" "No table or derived column of the joined row has this name. Names are compared letter by letter.";
    G204 Usage "a column name stands twice" "A join or a derived column brings in a name that exists already. Give the join a `prefix`, or list the columns to keep under `select`.";
    G205 Usage "a variable stands in two places" "Blocks are disjoint: a variable belongs to one block, or to the allowables, and stands there once.";
    G206 Usage "the column has a role already" "The group column, the outcome and the weight cannot be covariates.";
    G207 Usage "expression not accepted" "A derived column and a `where` are SQL expressions over one joined row. Aggregates, window functions, subqueries, and clock or random functions are refused: their value would depend on other rows or on the day of the run.";
    G208 Usage "a duration is not a number" "The difference of two dates is a duration. Divide it by an interval to get a number: (a - b) / INTERVAL '1 day'. Casting it would give microseconds.";
    G209 Usage "the method does not accept this study" "Each method takes certain outcome families and needs certain keys; `gapshare explain METHOD` lists them.";
    G210 Usage "a choice that cannot be used here" "The value is not one of the choices, or two choices exclude one another.";
    G211 Usage "the column is of the wrong kind" "For example text where a number is needed. Say the type of the column under `tables: { name: { types: ... } }`, or derive a column from it.";
    G212 Usage "the output folder cannot be written" "gapshare writes beside the output folder first and moves the result into place at the end, so it must be able to create files in the parent folder.";
    G213 Usage "a value is out of range" "The number is outside what this key takes.";
    G214 Usage "usage" "The command was not called as it should be.";
    G215 Usage "columns that need each other" "A derived column and a feature, or two features, each need the other before they can be computed. A feature needs its `by` columns and, with a window, the index date; a derived column needs what its expression names.";
    G231 Usage "a password in the study file" "Study files are shared, and written into results. Write the database's address as \"${DATABASE_URL}\", or its password as \"${NAME}\", and set the variable before the run; what stands in the environment reaches no message and no output.";
    G232 Usage "a database cannot be read" "The server cannot be reached, refuses the connection, or refuses the query. Queries run in a read-only transaction. Passwords are taken out of what the server says.";
    G233 Usage "a file is there already" "`gapshare init` never overwrites a file. Name another with --out.";
    // The data.
    G301 Data "values that do not parse" "A column declared as number, integer, boolean, date or datetime holds cells that do not read as that. List their spelling under `null_values` if they mean missing, or set `on_bad_value: set_null` to make them null and have them counted.";
    G302 Data "the unit key is not unique" "The cohort has one row per row of the unit table; its key is repeated.";
    G303 Data "a join key is repeated" "Joins are many-to-one: the right-hand table must hold a key at most once. Otherwise rows would be multiplied without a word.";
    G304 Data "rows without a match" "Rows of the cohort have no row in the joined table. Say what should happen: `unmatched: drop` (counted in attrition) or `unmatched: keep` (nulls).";
    G305 Data "a group value does not occur" "The reference or an index value does not occur in the group column.";
    G306 Data "the outcome has other values" "A binomial outcome takes two values. Say which is the event with `event:`.";
    G307 Data "no rows are left" "A step, or the removal of rows with missing values, left no rows.";
    G308 Data "a group is empty" "After a step one of the groups has no rows.";
    G309 Data "a null in `first: by`" "The first row is not defined where the column to order by is missing.";
    G310 Data "spline knots coincide" "The column takes too few distinct values for this many knots. Use fewer df, or enter the column linearly or as categories.";
    G311 Estimation "separation" "A level or a combination of columns predicts the outcome perfectly, so a coefficient has no finite estimate. Merge levels or leave the variable out; no penalty is applied silently.";
    G312 Data "missing values" "The study file says `error` for missing values of this variable.";
    G313 Data "values that cannot be used" "Infinite values, negative weights, a negative count, an exposure of zero or less.";
    G314 Data "a constant or dependent column was dropped" "The column does not vary, or is a linear combination of columns before it; its coefficient is not identified. The column is left out and named.";
    G315 Data "a text column that looks like numbers" "Padded numbers, thousands commas and leading zeros are never guessed at: the column is text until the study file says otherwise under `types`.";
    G316 Data "uniqueness was not checked" "cohort.unit has no `key`, so repeated units would not be noticed.";
    G317 Data "values were set to null" "With `on_bad_value: set_null`, cells that do not parse become missing; they are counted here.";
    G318 Data "ties" "Several rows are equally first; the one that stands first in the file was taken.";
    G319 Data "rows were dropped or filled" "Rows were removed, or missing values filled, as the study file says.";
    G320 Data "an event value without rows" "An `event` value does not occur in the outcome column although another does.";
    G321 Data "events on the index day" "The window ends or begins with the index day, and it is not known which came first on that day, the event or the index date, because they do not both have a time of day. If neither has, 0d is that day and the events count; if one of them has, they do not. `same_day: include` or `same_day: exclude` settles it.";
    G322 Data "events that do not count" "Events without a time or a value, dated before the birth of their unit, outside what is plausible, or for which `where` is neither true nor false, do not count; units without an index date have no value. They are counted here and in tables/features.csv.";
    G323 Data "units of measurement" "Values stand in a unit that cannot be converted. Conversions are never guessed at: name the analyte (`of: creatinine`) for conversions between mass and amount of substance, give a factor (`factors: { umol/L: 0.01131 }`), or set such values aside (`on_unknown: set_null`).";
    G324 Data "values far above the others" "Units have a value more than 1,000 times the median. `plausible: [low, high]` sets aside, and counts, what cannot be true.";
    G325 Data "codes that match nothing" "Codes of a list stand in no event of the cohort. A code is that code alone; a prefix is written with `*`. Codes are compared without dots and spaces, in capitals.";
    G326 Data "a feature without a window" "All events of the table count, those after the index date as well. `window: any_time` says that this is meant.";
    G327 Data "a covariate from after the index date" "The window of the feature goes on after the index date, so it may be a consequence of what the study explains.";
    G328 Data "hospitals code differently" "The share of units without any event with a code in the window of a feature, whatever the code, differs between hospitals: the 90th percentile less the 10th is above 0.20 after what chance alone gives hospitals of their sizes. Comorbidity from codes is then partly a measure of coding: patients of a hospital that records little look healthier than they are. tables/coding.csv has the shares. Ask the sites how diagnoses are recorded and over how many years, choose a window that all of them cover, and compare with an analysis that has the hospitals in it.";
    G329 Data "a value from missing ones" "LEAST and GREATEST skip missing values, so that a derived column has a value in rows where a column that it reads has none: the CKD-EPI equation gives an eGFR to patients without a creatinine, and tables/missingness.csv shows no missing value. Write CASE WHEN column IS NOT NULL THEN ... END; COALESCE says that the value is meant.";
    G330 Data "values that are no numbers" "Cells of a table are NaN, or an expression divides by 0 or takes the logarithm or root of a negative number. Such values count as missing: none is larger or smaller than a number.";
    G331 Data "nothing is there for a table or a column" "A table of the OMOP or Synthea folder has a header and no rows, or a column of a table is empty because the folder does not hold what it is made of. docs/sources.md says what each column is made of.";
    G332 Data "values that the source does not define" "Concept ids that are 0 or not in CONCEPT, words that Synthea does not use, birth dates without a day, dates without a time of day, keys that are repeated in a file where the first or the earliest was taken: counted, and what became of them is said.";
    G333 Data "another version of the source" "CDM_SOURCE names a version of the OMOP CDM other than 5.3 and 5.4. Columns are looked for under the names of 5.3 and 5.4.";
    // Estimation.
    G401 Estimation "the fit did not converge" "Newton's method with step halving did not reach its tolerance.";
    G402 Estimation "no support" "Index units have values (a hospital, a level) for which there is no reference unit, so the reference model says nothing about them. Merge levels, exclude those units in a step, or use a pooled surface.";
    G403 Estimation "a group is too small" "A model has at least as many coefficients as rows, or a group has no events.";
    G404 Estimation "the parts do not sum to the gap" "An internal identity failed; the numbers are not shown.";
    G406 Gate "a part that the data do not define" "Rows of an analysis are null because what they would divide by nearly vanishes, or because coefficients cannot be compared. The rest of the analysis stands; the reason is in the row.";
    G407 Estimation "too little to estimate from" "The data hold less than the method needs for estimates and intervals that can be trusted: events, hospitals that both groups use, or an effective number of comparable units. The message says which, and its limit.";
    // Gates and releases.
    G501 Gate "a diagnostic gate failed" "A figure in tables/diagnostics.csv is beyond its threshold; the estimates that rest on it are marked.";
    G502 Gate "an analysis could not be estimated" "An analysis other than the primary could not be estimated; its rows are null.";
    G503 Gate "a diagnostic warning" "A figure in tables/diagnostics.csv is beyond its threshold; it warns and does not stop anything.";
    G504 Gate "classical standard errors" "`se: classical` reproduces what other programs print: independent units with equal weights. Clusters are not in these errors.";
    G505 Gate "standard errors from influence functions" "The study file asks for a bootstrap. Methods that have an influence function keep its standard errors, which agree with resampling and take no time; `bootstrap` sets replicates and seed of those that have none.";
    G601 Release "nothing left to show" "Every estimate rests on fewer units than `release: { min_cell: ... }` allows.";
    G602 Release "counts were withheld" "Counts below `release: { min_cell: ... }`, and those from which they could be computed, are null with `withheld` true.";
    G901 Bug "a bug in gapshare" "This should not happen whatever the input. Please report it with the study file.";
}
