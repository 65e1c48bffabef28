//! Progress on stderr: a line a stage, with a bar and the time left where its steps can be counted. Nothing when stderr is no terminal.

use crate::run::{STAGES, Step};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(120);

/// A spinner with a message, for work without countable steps.
pub fn spinner(quiet: bool) -> ProgressBar {
    if quiet || !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    style(&bar, "{spinner} {msg} [{elapsed}]");
    bar.enable_steady_tick(TICK);
    bar
}

/// A template that cannot be read leaves the bar as it is.
fn style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
}

/// The stages of a run; those that are done stay on the screen until the end.
pub struct Bars {
    shown: Option<MultiProgress>,
    last: Mutex<Option<(usize, ProgressBar)>>,
}

impl Bars {
    pub fn new(quiet: bool) -> Self {
        let shown = (!quiet && stderr().is_terminal()).then(MultiProgress::new);
        Self { shown, last: Mutex::new(None) }
    }

    pub fn step(&self, step: Step<'_>) {
        let Some(shown) = &self.shown else { return };
        // A thread that panicked while it held the lock has said so; the bars go on.
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.as_ref().is_none_or(|(stage, _)| *stage != step.stage) {
            if let Some((_, bar)) = last.take() {
                style(&bar, "  {prefix:18} {elapsed}");
                bar.finish();
            }
            let counted = "{spinner} {prefix:18} [{bar:24}] {pos}/{len} {elapsed}, {eta} left: {msg}";
            // Hidden until it has its style.
            let bar = ProgressBar::with_draw_target(Some(step.of as u64), ProgressDrawTarget::hidden());
            style(&bar, if step.of > 1 { counted } else { "{spinner} {prefix:18} {elapsed}: {msg}" });
            bar.set_prefix(STAGES.get(step.stage).copied().unwrap_or_default());
            bar.set_message(step.doing.to_owned());
            let bar = shown.add(bar);
            bar.enable_steady_tick(TICK);
            *last = Some((step.stage, bar));
        }
        if let Some((_, bar)) = last.as_ref() {
            bar.set_position(step.done as u64);
            bar.set_message(step.doing.to_owned());
        }
    }

    /// Takes the bars off the screen.
    pub fn clear(&self) {
        if let Some(shown) = &self.shown {
            let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some((_, bar)) = last.take() {
                bar.finish();
            }
            // A terminal that cannot be written to shows nothing anyway.
            let _unwritable = shown.clear();
        }
    }
}
