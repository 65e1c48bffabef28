//! PostgreSQL: types from the prepared statement, rows from COPY as text, so that numbers and dates keep every digit and a table of any size
//! goes through without being held twice.

use super::{Answer, Fault, QueryColumn, RowHash, without_secrets};
use crate::cohort::infer::DATETIME;
use crate::cohort::text::Cells;
use ::postgres::config::{Config, SslMode};
use ::postgres::types::{Kind, Type};
use ::postgres::{Client, Error, IsolationLevel, NoTls, Transaction};
use polars::prelude::DataType;
use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long to wait for a server that does not answer, unless the address says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// The connection and what must not be shown of it.
struct Session {
    client: Client,
    password: String,
    url: String,
}

impl Session {
    fn open(url: &str) -> Result<Self, Fault> {
        // What is wrong with an address that cannot be read is not shown: it may stand in the part that is the password.
        let mut config: Config = url.parse().map_err(|_| Fault::Database("its address is not a PostgreSQL URL".to_owned()))?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        config.application_name("gapshare");
        let password = config.get_password().map(|p| String::from_utf8_lossy(p).into_owned()).unwrap_or_default();
        let said = |e: Error| Fault::Database(said(&e, &[&password, url]));
        let client = if config.get_ssl_mode() == SslMode::Disable { config.connect(NoTls) } else { config.connect(tls()?) };
        Ok(Self { client: client.map_err(said)?, password, url: url.to_owned() })
    }

    fn transaction<T>(&mut self, work: impl FnOnce(&mut Transaction<'_>) -> Result<T, Failure>) -> Result<T, Fault> {
        let secrets = [self.password.as_str(), self.url.as_str()];
        let run = || {
            let mut transaction = self.client.build_transaction().read_only(true).isolation_level(IsolationLevel::RepeatableRead).start()?;
            transaction.batch_execute("SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL extra_float_digits = 1")?;
            work(&mut transaction)
        };
        run().map_err(|failure| match failure {
            Failure::Server(e) if e.as_db_error().is_none() => Fault::Database(said(&e, &secrets)),
            Failure::Server(e) => Fault::Query(said(&e, &secrets)),
            Failure::Other(what) => Fault::Query(what),
        })
    }
}

enum Failure {
    Server(Error),
    Other(String),
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Self::Server(e)
    }
}

/// What the server said, or the reason below the error that the library names.
fn said(e: &Error, secrets: &[&str]) -> String {
    let text = match e.as_db_error() {
        Some(db) => db.message().to_owned(),
        None => match std::error::Error::source(e) {
            Some(cause) => format!("{e} ({cause})"),
            None => e.to_string(),
        },
    };
    without_secrets(&text, secrets)
}

/// TLS with the certificates that the machine trusts; used where the server offers it, or the address demands it.
fn tls() -> Result<MakeRustlsConnect, Fault> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| Fault::Database(format!("no TLS: {e}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// The type that a domain restricts.
fn inner(of: &Type) -> &Type {
    match of.kind() {
        Kind::Domain(base) => inner(base),
        _ => of,
    }
}

/// The type that the engine reads a column as; `None` for arrays, intervals, bytes and the like.
fn dtype(of: &Type) -> Option<DataType> {
    let of = inner(of);
    if matches!(of.kind(), Kind::Enum(_)) {
        return Some(DataType::String);
    }
    Some(match *of {
        Type::BOOL => DataType::Boolean,
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => DataType::Int64,
        Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => DataType::Float64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::CHAR | Type::UUID | Type::UNKNOWN => DataType::String,
        Type::DATE => DataType::Date,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => DATETIME,
        _ if of.name() == "citext" => DataType::String,
        _ => return None,
    })
}

/// The query without the semicolon that would end it too early.
fn bare(sql: &str) -> &str {
    sql.trim().trim_end_matches(';').trim_end()
}

fn prepared(transaction: &mut Transaction<'_>, sql: &str) -> Result<Vec<(String, Type)>, Failure> {
    let statement = transaction.prepare(bare(sql))?;
    if !statement.params().is_empty() {
        return Err(Failure::Other("it has parameters such as $1, and nothing to put in their place".to_owned()));
    }
    if statement.columns().is_empty() {
        return Err(Failure::Other("it gives no columns".to_owned()));
    }
    Ok(statement.columns().iter().map(|c| (c.name().to_owned(), c.type_().clone())).collect())
}

/// Names and types of the columns; nothing is executed.
pub(super) fn columns(url: &str, sql: &str) -> Result<Vec<QueryColumn>, Fault> {
    let columns = Session::open(url)?.transaction(|t| prepared(t, sql))?;
    Ok(columns.into_iter().map(|(name, of)| QueryColumn { name, dtype: dtype(&of) }).collect())
}

/// The columns at these positions, of `width` in all.
pub(super) fn rows(url: &str, sql: &str, wanted: &[usize], width: usize) -> Result<Answer, Fault> {
    Session::open(url)?.transaction(|t| {
        let types = prepared(t, sql)?;
        if types.len() != width {
            return Err(Failure::Other("its columns changed while the study was read".to_owned()));
        }
        let booleans: Vec<bool> = types.iter().map(|(_, of)| dtype(of) == Some(DataType::Boolean)).collect();
        let moments: Vec<bool> = types.iter().map(|(_, of)| *inner(of) == Type::TIMESTAMPTZ).collect();
        let mut cells: Vec<Cells> = wanted.iter().map(|_| Cells::default()).collect();
        let (mut hash, mut rows) = (RowHash::default(), 0);
        // The newline keeps a comment at the end of the query from taking the parenthesis with it.
        let stream = t.copy_out(&format!("COPY (\n{}\n) TO STDOUT", bare(sql)))?;
        let mut stream = BufReader::with_capacity(1 << 18, stream);
        let (mut line, mut cell) = (Vec::new(), String::new());
        loop {
            line.clear();
            let n = stream.read_until(b'\n', &mut line).map_err(|e| broken(&e))?;
            if n == 0 {
                break;
            }
            hash.add_bytes(&line);
            rows += 1;
            let text = std::str::from_utf8(line.strip_suffix(b"\n").unwrap_or(&line))
                .map_err(|_| Failure::Other("it answers text that is not UTF-8".to_owned()))?;
            let fields: Vec<&str> = text.split('\t').collect();
            for (at, into) in wanted.iter().zip(&mut cells) {
                match fields.get(*at) {
                    None | Some(&"\\N") => into.push(None),
                    Some(field) if booleans.get(*at) == Some(&true) => into.push(Some(if *field == "t" { "true" } else { "false" })),
                    // The session is in UTC, and moments are kept in UTC without saying so.
                    Some(field) if moments.get(*at) == Some(&true) => into.push(Some(field.strip_suffix("+00").unwrap_or(field))),
                    Some(field) => {
                        unescape(field, &mut cell);
                        into.push(Some(&cell));
                    }
                }
            }
        }
        let (sha256, bytes) = hash.finish();
        Ok(Answer { cells, rows, bytes, sha256 })
    })
}

/// A failure while rows come: the reader wraps what the server said.
fn broken(e: &std::io::Error) -> Failure {
    let said = e.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).and_then(|e| e.as_db_error()).map(|db| db.message().to_owned());
    Failure::Other(without_secrets(&said.unwrap_or_else(|| "the connection broke while rows were read".to_owned()), &[]))
}

/// A cell as COPY writes it.
fn unescape(field: &str, into: &mut String) {
    into.clear();
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            into.push(c);
            continue;
        }
        into.push(match chars.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('v') => '\u{b}',
            Some(other) => other,
            None => '\\',
        });
    }
}
