//! Where the rows of a table come from: files, a folder in a common data model, or a query to a database.

use super::plan::{Format, Named};
use super::sources::Model;
use super::sources::folder::Shared;
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// What a [`super::plan::TablePlan`] reads.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    Files(Format),
    Model(ModelPlan),
    Query(QueryPlan),
}

/// One of the tables that a folder in a common data model is mapped onto.
#[derive(Clone, Debug, Serialize)]
pub struct ModelPlan {
    #[serde(serialize_with = "name_of")]
    pub(super) model: &'static Model,
    /// Position among the tables of the model.
    #[serde(skip)]
    pub(super) table: usize,
    /// What the tables of one folder read once for all.
    #[serde(skip)]
    pub(super) shared: Arc<Shared>,
}

fn name_of<S: Serializer>(model: &&'static Model, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(model.name)
}

/// A query and the database that answers it.
#[derive(Clone, Debug, Serialize)]
pub struct QueryPlan {
    pub sql: Named,
    #[serde(skip)]
    pub database: Database,
}

/// Where a database is. Its address may hold a password, so it has neither `Serialize` nor a `Debug` that shows it.
#[derive(Clone)]
pub enum Database {
    /// A URL with everything that the connection needs.
    Postgres(String),
    Sqlite(PathBuf),
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres(_) => "Postgres(..)",
            Self::Sqlite(_) => "Sqlite(..)",
        })
    }
}

/// Endings of file names and the formats that they name.
pub const ENDINGS: [(&str, Format); 9] = [
    (".csv", Format::Csv),
    (".csv.gz", Format::CsvGz),
    (".tsv", Format::Tsv),
    (".parquet", Format::Parquet),
    (".arrow", Format::Ipc),
    (".ipc", Format::Ipc),
    (".feather", Format::Ipc),
    (".ndjson", Format::Ndjson),
    (".jsonl", Format::Ndjson),
];

impl Format {
    /// The format that the ending of a file name says, and the name without it; upper and lower case are one.
    pub fn of_name(name: &str) -> Option<(&str, Self)> {
        let lower = name.to_ascii_lowercase();
        ENDINGS.into_iter().find_map(|(ending, format)| Some((name.get(..lower.strip_suffix(ending)?.len())?, format)))
    }
}
