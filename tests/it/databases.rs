//! Tables that a database answers: PostgreSQL (a server that the test starts) and SQLite give what the same rows in a csv file give.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PASSWORD: &str = "s3cret-Zw9";
/// The user and group `nobody`: initdb refuses to run as root.
const NOBODY: u32 = 65_534;

/// One row: an id, race, age, laboratory value, kind, outcome, birth, admission, a moment in UTC, a flag.
struct Row {
    id: usize,
    race: &'static str,
    age: u32,
    lab: Option<String>,
    kind: &'static str,
    died: u8,
    born: String,
    admitted: String,
    seen_hour: u32,
    flag: Option<bool>,
}

fn rows() -> Vec<Row> {
    let mut state = 11u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 2f64.powi(53)
    };
    let mut row = |id: usize| {
        let black = uniform() < 0.4;
        let lab = (uniform() * 10_000.0).round() / 1000.0;
        Row {
            id,
            race: if black { "Black" } else { "White" },
            age: 40 + (uniform() * 40.0) as u32,
            lab: (uniform() > 0.1).then(|| format!("{lab}")),
            kind: ["a, b", "tab\there", "c"][(uniform() * 3.0) as usize],
            died: u8::from(uniform() < 0.2 + 0.03 * lab + if black { 0.1 } else { 0.0 }),
            born: format!("19{:02}-{:02}-{:02}", 30 + (uniform() * 50.0) as u32, 1 + (uniform() * 12.0) as u32, 1 + (uniform() * 28.0) as u32),
            admitted: format!(
                "2019-{:02}-{:02} {:02}:30:15.250",
                1 + (uniform() * 12.0) as u32,
                1 + (uniform() * 28.0) as u32,
                (uniform() * 24.0) as u32
            ),
            seen_hour: 2 + (uniform() * 22.0) as u32,
            flag: [Some(true), Some(false), None][(uniform() * 3.0) as usize],
        }
    };
    (0..500).map(&mut row).collect()
}

fn study(table: &str) -> String {
    format!(
        r#"gapshare: 1
study: db
tables:
  patients: {table}
cohort:
  unit: {{ table: patients, key: id }}
  derive:
    age_days: "(admitted - born) / INTERVAL '1 day'"
    seen_days: "(seen - DATE '2019-01-01') / INTERVAL '1 day'"
  steps:
    - {{ name: adults, where: "age >= 41" }}
group: {{ column: race, reference: White, index: [Black] }}
outcome: {{ column: died, family: binomial }}
allowable: [age_days]
blocks:
  clinical: [lab, kind, flag]
  time: [seen_days]
missing:
  lab: {{ impute: {{ with: median, flag: true }} }}
  flag: {{ level: unknown }}
analyses:
  primary: {{ with_and_without: {{ estimator: gcomp }} }}
release: {{ min_cell: 0 }}
"#
    )
}

fn csv(rows: &[Row]) -> String {
    let mut text = "id,race,age,lab,kind,died,born,admitted,seen,flag\n".to_owned();
    for r in rows {
        let flag = r.flag.map(|f| f.to_string()).unwrap_or_default();
        let lab = r.lab.as_deref().unwrap_or_default();
        text.push_str(&format!(
            "{},{},{},{lab},\"{}\",{},{},{},2019-06-01T{:02}:00:00Z,{flag}\n",
            r.id, r.race, r.age, r.kind, r.died, r.born, r.admitted, r.seen_hour
        ));
    }
    text
}

struct Run {
    code: i32,
    stderr: String,
    stdout: String,
}

fn gapshare(dir: &Path, environment: &[(&str, &str)], args: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gapshare"));
    let Output { status, stdout, stderr } =
        command.current_dir(dir).env_remove("DATABASE_URL").envs(environment.iter().copied()).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let run = Run { code: status.code().unwrap(), stderr: text(stderr), stdout: text(stdout) };
    assert!(!run.stderr.contains(PASSWORD) && !run.stdout.contains(PASSWORD), "{}{}", run.stdout, run.stderr);
    run
}

/// Every table of a result folder, by name.
fn tables(folder: &Path) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = fs::read_dir(folder.join("tables"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&p).unwrap()))
        .collect();
    all.sort();
    all
}

fn run_from_csv(dir: &Path, rows: &[Row]) -> Vec<(String, String)> {
    fs::write(dir.join("patients.csv"), csv(rows)).unwrap();
    fs::write(dir.join("csv.yaml"), study("{ path: patients.csv }")).unwrap();
    let run = gapshare(dir, &[], &["run", "csv.yaml", "--quiet", "--out", "from_csv"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    tables(&dir.join("from_csv"))
}

/// A PostgreSQL server of the test's own, on a free port of this machine.
struct Server {
    bin: PathBuf,
    dir: tempfile::TempDir,
    port: u16,
    as_nobody: bool,
}

impl Server {
    /// `None` where no server is installed or it cannot be started here; the reason is printed.
    fn start() -> Option<Self> {
        let Some(bin) = Self::binaries() else {
            eprintln!("skipped: no initdb and pg_ctl on PATH or in /usr/lib/postgresql/*/bin");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let as_nobody = fs::metadata(dir.path()).unwrap().uid() == 0;
        if as_nobody {
            std::os::unix::fs::chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        fs::write(dir.path().join("password"), PASSWORD).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { bin, dir, port, as_nobody };
        let data = server.dir.path().join("data");
        let made = server
            .command("initdb")
            .args(["-U", "gap", "-A", "scram-sha-256", "-E", "UTF8", "--no-sync", "--pwfile"])
            .arg(server.dir.path().join("password"))
            .arg("-D")
            .arg(&data)
            .output()
            .unwrap();
        let options = format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -F");
        let started = server
            .command("pg_ctl")
            .args(["-w", "-s", "-o", &options, "-l"])
            .arg(server.dir.path().join("log"))
            .arg("-D")
            .arg(&data)
            .arg("start")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        if !made.status.success() || !started.success() {
            eprintln!("skipped: no PostgreSQL server could be started here: {}", String::from_utf8_lossy(&made.stderr));
            return None;
        }
        Some(server)
    }

    fn binaries() -> Option<PathBuf> {
        let of_path = std::env::var_os("PATH").map(|p| std::env::split_paths(&p).collect::<Vec<_>>()).unwrap_or_default();
        let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(|e| Some(e.ok()?.path().join("bin")));
        of_path.into_iter().chain(installed).find(|bin| bin.join("initdb").is_file() && bin.join("pg_ctl").is_file())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.current_dir("/");
        if self.as_nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn url(&self) -> String {
        format!("postgres://gap:{PASSWORD}@127.0.0.1:{}/postgres", self.port)
    }

    fn fill(&self, rows: &[Row]) {
        let mut client = postgres::Client::connect(&self.url(), postgres::NoTls).unwrap();
        let quoted = |text: Option<&str>| text.map_or("NULL".to_owned(), |t| format!("'{t}'"));
        let mut sql = "CREATE TYPE kind AS ENUM ('a, b', 'tab\there', 'c');
            CREATE DOMAIN years AS smallint;
            CREATE TABLE patients (id uuid PRIMARY KEY, place bigint, race text, age years, lab numeric(8,4), kind kind, died int, born date,
                admitted timestamp, seen timestamptz, flag boolean, span interval);"
            .to_owned();
        for r in rows {
            // The moment is written in another zone: 02:00+02 is midnight in UTC.
            sql.push_str(&format!(
                "INSERT INTO patients VALUES ('00000000-0000-0000-0000-{:012}', {}, '{}', {}, {}, '{}', {}, '{}', '{}', '2019-06-01 {:02}:00:00+00', {}, '1 day');",
                r.id,
                r.id,
                r.race,
                r.age,
                quoted(r.lab.as_deref()),
                r.kind,
                r.died,
                r.born,
                r.admitted,
                r.seen_hour,
                quoted(r.flag.map(|f| if f { "t" } else { "f" }))
            ));
        }
        sql.push_str("ALTER DATABASE postgres SET TimeZone = 'America/New_York'; ALTER DATABASE postgres SET DateStyle = 'SQL, DMY';");
        client.batch_execute(&sql).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _stopped = self.command("pg_ctl").args(["-s", "-m", "immediate", "-D"]).arg(self.dir.path().join("data")).arg("stop").status();
    }
}

const POSTGRES: &str = "{ sql: \"SELECT * FROM patients ORDER BY place; \", from: \"${DATABASE_URL}\" }";

#[test]
fn postgres_gives_what_a_file_gives() {
    let Some(server) = Server::start() else { return };
    let rows = rows();
    server.fill(&rows);
    let dir = tempfile::tempdir().unwrap();
    let want = run_from_csv(dir.path(), &rows);
    let url = server.url();
    let environment = [("DATABASE_URL", url.as_str())];
    fs::write(dir.path().join("pg.yaml"), study(POSTGRES)).unwrap();
    let check = gapshare(dir.path(), &environment, &["check", "pg.yaml"]);
    assert_eq!(check.code, 0, "{}", check.stderr);
    let run = gapshare(dir.path(), &environment, &["run", "pg.yaml", "--quiet", "--out", "from_pg"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let out = dir.path().join("from_pg");
    assert_eq!(tables(&out), want);

    // No output holds the address, and the resolved study runs to the same bytes.
    for file in ["run.json", "study.resolved.yaml", "results.json", "report.html"] {
        let text = fs::read_to_string(out.join(file)).unwrap();
        assert!(!text.contains(PASSWORD) && !text.contains(&url) && !text.contains("127.0.0.1"), "{file}");
    }
    assert!(fs::read_to_string(out.join("study.resolved.yaml")).unwrap().contains("${DATABASE_URL}"));
    let manifest: serde_json::Value = serde_json::from_str(&fs::read_to_string(out.join("run.json")).unwrap()).unwrap();
    let input = &manifest["inputs"][0];
    assert_eq!((input["written"].as_str(), input["rows"].as_u64(), input["query"].as_bool()), (Some("${DATABASE_URL}"), Some(500), Some(true)));
    assert_eq!(input["sha256"].as_str().map(str::len), Some(64));
    let again = gapshare(&out, &environment, &["run", "study.resolved.yaml", "--quiet", "--out", "../again"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(tables(&dir.path().join("again")), want);
    let second: serde_json::Value = serde_json::from_str(&fs::read_to_string(dir.path().join("again/run.json")).unwrap()).unwrap();
    assert_eq!(second["inputs"][0]["sha256"], input["sha256"]);

    // `verify` says what it cannot hash.
    let verify = gapshare(dir.path(), &[], &["verify", "from_pg"]);
    assert!(verify.code == 0 && verify.stdout.contains("not a file  table patients: the rows came from a database"), "{}", verify.stdout);
}

#[test]
fn what_goes_wrong_with_a_server_is_said_without_secrets() {
    let Some(server) = Server::start() else { return };
    server.fill(&rows());
    let dir = tempfile::tempdir().unwrap();
    let url = server.url();
    let query = |sql: &str| format!("{{ sql: \"{sql}\", from: \"${{DATABASE_URL}}\" }}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let wrong_password = format!("postgres://gap:{PASSWORD}x@127.0.0.1:{}/postgres", server.port);
    let no_database = format!("postgres://gap:{PASSWORD}@127.0.0.1:{}/nowhere", server.port);
    let unreachable = format!("postgres://gap:{PASSWORD}@127.0.0.1:{closed}/postgres");
    let no_url = format!("mysql://gap:{PASSWORD}@127.0.0.1/x");
    let all = "SELECT * FROM patients";
    for (sql, url, code, says) in [
        ("SELECT idd FROM patients", &url, "G232", "column \"idd\" does not exist"),
        ("SELECT * FROM nowhere", &url, "G232", "relation \"nowhere\" does not exist"),
        ("SELEC 1", &url, "G232", "syntax error"),
        ("SELECT 1; DROP TABLE patients", &url, "G232", "cannot insert multiple commands"),
        ("SELECT * FROM patients WHERE age = $1", &url, "G232", "parameters"),
        ("CREATE TABLE x (a int)", &url, "G232", "no columns"),
        ("SELECT a AS x, a AS x FROM (SELECT 1 AS a) q", &url, "G204", "two columns called `x`"),
        (all, &wrong_password, "G232", "password authentication failed"),
        (all, &no_database, "G232", "does not exist"),
        (all, &unreachable, "G232", "refused"),
        (all, &no_url, "G232", "not the address of a database"),
    ] {
        fs::write(dir.path().join("s.yaml"), study(&query(sql))).unwrap();
        let run = gapshare(dir.path(), &[("DATABASE_URL", url)], &["check", "s.yaml"]);
        assert!(run.code == 2 && run.stderr.contains(&format!("error[{code}]")) && run.stderr.contains(says), "{sql}: {}", run.stderr);
    }
    // While rows are read: values of the data are not shown, nothing is written, a type that the engine does not have is named.
    let changing = "DELETE FROM patients RETURNING *";
    let failing = "SELECT id, race, CAST(kind AS text)::int AS age, lab, kind, died, born, admitted, seen, flag FROM patients";
    let span = "SELECT id, race, span AS age, lab, kind, died, born, admitted, seen, flag FROM patients";
    for (sql, code, says) in [
        (changing, "G232", "read-only"),
        (failing, "G232", "invalid input syntax for type integer"),
        (span, "G211", "age"),
        ("SELECT * FROM patients WHERE false", "G307", "no rows"),
    ] {
        fs::write(dir.path().join("s.yaml"), study(&query(sql))).unwrap();
        let run = gapshare(dir.path(), &[("DATABASE_URL", &url)], &["run", "s.yaml", "--quiet", "--out", "out"]);
        assert!(run.stderr.contains(&format!("error[{code}]")) && run.stderr.contains(says), "{sql}: {}", run.stderr);
        assert!(!run.stderr.contains("tab\there") && !run.stderr.contains("a, b"), "{}", run.stderr);
        assert!(run.code == 2 || code == "G307" && run.code == 3, "{}", run.code);
    }
    assert!(!dir.path().join("out").exists());
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    assert_eq!(client.query_one("SELECT count(*) FROM patients", &[]).unwrap().get::<_, i64>(0), 500);
}

#[test]
fn a_password_in_the_study_file_is_refused_and_masked() {
    let dir = tempfile::tempdir().unwrap();
    for address in [format!("postgres://gap:{PASSWORD}@localhost/x"), format!("postgresql://localhost/x?user=gap&password={PASSWORD}")] {
        // The second problem of the line must not show it either.
        let table = format!("{{ sql: \"SELECT 1\", from: \"{address}\", zzz: x }}");
        fs::write(dir.path().join("s.yaml"), study(&table)).unwrap();
        let run = gapshare(dir.path(), &[], &["check", "s.yaml"]);
        assert!(run.code == 2 && run.stderr.contains("error[G231]") && run.stderr.contains("error[G103]"), "{}", run.stderr);
    }
    fs::write(dir.path().join("s.yaml"), study("{ sql: \"SELECT 1\", from: \"postgres://gap:${PW}@127.0.0.1:1/x\" }")).unwrap();
    let run = gapshare(dir.path(), &[("PW", PASSWORD)], &["check", "s.yaml"]);
    assert!(run.code == 2 && run.stderr.contains("error[G232]") && run.stderr.contains("refused"), "{}", run.stderr);
    let run = gapshare(dir.path(), &[], &["check", "s.yaml"]);
    assert!(run.code == 2 && run.stderr.contains("error[G106]"), "{}", run.stderr);
    for (table, code) in
        [("{ sql: \"SELECT 1\" }", "G105"), ("{ from: x.db }", "G105"), ("{}", "G105"), ("{ path: a.csv, sql: \"SELECT 1\", from: x.db }", "G210")]
    {
        fs::write(dir.path().join("s.yaml"), study(table)).unwrap();
        let run = gapshare(dir.path(), &[], &["check", "s.yaml"]);
        assert!(run.code == 2 && run.stderr.contains(&format!("error[{code}]")), "{table}: {}", run.stderr);
    }
}

#[test]
fn sqlite_gives_what_a_file_gives() {
    let dir = tempfile::tempdir().unwrap();
    let rows = rows();
    let want = run_from_csv(dir.path(), &rows);
    let database = rusqlite::Connection::open(dir.path().join("data.sqlite")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE patients (id TEXT, race TEXT, age INTEGER, lab NUMERIC, kind TEXT, died INT, born DATE, admitted TEXT, seen TEXT,
             flag BOOLEAN, raw BLOB); BEGIN",
        )
        .unwrap();
    for r in &rows {
        let lab = r.lab.as_ref().map(|l| l.parse::<f64>().unwrap());
        let seen = format!("2019-06-01T{:02}:00:00Z", r.seen_hour);
        database
            .execute(
                "INSERT INTO patients VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, x'00ff')",
                rusqlite::params![format!("p{}", r.id), r.race, r.age, lab, r.kind, r.died, r.born, r.admitted, seen, r.flag],
            )
            .unwrap();
    }
    database.execute_batch("COMMIT").unwrap();
    drop(database);
    fs::write(dir.path().join("lite.yaml"), study("{ sql: SELECT * FROM patients, from: data.sqlite }")).unwrap();
    let run = gapshare(dir.path(), &[], &["run", "lite.yaml", "--quiet", "--out", "deep/from_sqlite"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let out = dir.path().join("deep/from_sqlite");
    assert_eq!(tables(&out), want);
    // The relative path of the database is seen from the result folder.
    let again = gapshare(&out, &[], &["run", "study.resolved.yaml", "--quiet", "--out", "../again"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(tables(&dir.path().join("deep/again")), want);

    fs::write(dir.path().join("text.db"), "no database").unwrap();
    for (table, code, says) in [
        ("{ sql: SELECT * FROM patients, from: nowhere.sqlite }", "G232", "does not exist"),
        ("{ sql: SELECT * FROM patients, from: text.db }", "G232", "not a database"),
        ("{ sql: SELECT * FROM patient, from: data.sqlite }", "G232", "no such table"),
        ("{ sql: DELETE FROM patients, from: data.sqlite }", "G232", "change the database"),
        ("{ sql: \"SELECT * FROM patients WHERE age = ?\", from: data.sqlite }", "G232", "parameters"),
        ("{ sql: \"SELECT id, race, raw AS age, lab, kind, died, born, admitted, seen, flag FROM patients\", from: data.sqlite }", "G2", "age"),
        ("{ sql: \"SELECT * FROM patients WHERE id = 'x'\", from: data.sqlite }", "G307", "no rows"),
    ] {
        fs::write(dir.path().join("s.yaml"), study(table)).unwrap();
        let run = gapshare(dir.path(), &[], &["run", "s.yaml", "--quiet", "--out", "wrong"]);
        assert!(run.code >= 2 && run.stderr.contains(&format!("error[{code}")) && run.stderr.contains(says), "{table}: {}", run.stderr);
    }
}
