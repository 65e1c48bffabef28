//! Time and memory of a run, for run.json only.

use std::time::Instant;

/// Seconds and rows of a stage.
#[derive(Clone)]
pub struct Stage {
    pub name: &'static str,
    pub seconds: f64,
    pub rows: Option<u64>,
}

#[derive(Clone)]
pub struct Stopwatch {
    started: String,
    last: Instant,
    stages: Vec<Stage>,
}

impl Stopwatch {
    pub fn start() -> Self {
        Self { started: now(), last: Instant::now(), stages: Vec::new() }
    }

    /// Ends a stage that began when the one before it ended.
    pub fn stage(&mut self, name: &'static str, rows: Option<u64>) {
        let seconds = self.last.elapsed().as_secs_f64();
        self.last = Instant::now();
        self.stages.push(Stage { name, seconds, rows });
    }

    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    pub fn started(&self) -> String {
        self.started.clone()
    }
}

/// The time in UTC, RFC 3339.
pub fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    chrono::DateTime::from_timestamp(since.as_secs() as i64, 0).map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)).unwrap_or_default()
}

/// Largest resident memory of this process so far, where the system tells (Linux).
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
