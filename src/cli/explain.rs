//! `gapshare explain`: the long form of a code, and what a method estimates or a treatment of missing values does.

mod methods;
mod topics;

pub use methods::METHODS;
use topics::TOPICS;

use crate::error::{Problem, codes, nearest};

/// What `gapshare explain METHOD` prints.
pub struct MethodText {
    pub name: &'static str,
    /// Other names under which people may look for it.
    pub known_as: &'static [&'static str],
    pub estimand: &'static str,
    pub formula: &'static str,
    pub assumptions: &'static str,
    pub options: &'static str,
    pub peers: &'static str,
    pub citation: &'static str,
}

/// The long form of a code or a method. The problem names the nearest one that exists.
pub fn explain(topic: &str) -> Result<String, Box<Problem>> {
    let (code, name) = (topic.trim().to_uppercase(), topic.trim().to_lowercase().replace('-', "_"));
    if let Some(info) = codes::CODES.iter().find(|info| info.code.0 == code) {
        return Ok(format!("{}: {}\n\n{}\n\nexit status {}\n", info.code, info.title, wrap(info.explanation), info.exit as i32));
    }
    if let Some(method) = METHODS.iter().chain(&TOPICS).find(|method| method.name == name || method.known_as.contains(&name.as_str())) {
        return Ok(method.text());
    }
    let problem = Problem::error(codes::G214, format!("there is neither a code nor a method `{topic}`"));
    let names = METHODS.iter().chain(&TOPICS).flat_map(|method| [method.name].into_iter().chain(method.known_as.iter().copied()));
    let near = nearest(&name, names.chain(codes::CODES.iter().map(|info| info.code.0)));
    Err(Box::new(problem.help(match near {
        Some(near) => format!("try `gapshare explain {near}`"),
        None => format!("methods are {}; codes look like G203", METHODS.map(|method| method.name).join(", ")),
    })))
}

/// Every method and every code with its title: what `gapshare explain` prints without a topic.
pub fn list() -> String {
    let mut out = vec!["methods".to_owned()];
    let width = METHODS.iter().map(|method| method.name.len()).max().unwrap_or(0);
    out.extend(METHODS.iter().map(|method| {
        let known = if method.known_as.is_empty() { String::new() } else { format!("also known as {}", method.known_as.join(", ")) };
        format!("  {:width$}  {known}", method.name)
    }));
    out.push("codes".to_owned());
    out.extend(codes::CODES.iter().map(|info| format!("  {}  {}", info.code, info.title)));
    out.push("`gapshare explain TOPIC` says more".to_owned());
    out.join("\n") + "\n"
}

impl MethodText {
    /// The parts of the text with their titles, in order.
    pub fn sections(&self) -> [(&'static str, &'static str); 6] {
        [
            ("What it estimates", self.estimand),
            ("Formula", self.formula),
            ("Assumptions", self.assumptions),
            ("Options (the first is the default)", self.options),
            ("What others call it", self.peers),
            ("Source", self.citation),
        ]
    }

    fn text(&self) -> String {
        let mut text = self.name.to_owned();
        text.push('\n');
        for (title, part) in self.sections() {
            text.push_str(&format!("\n{title}\n"));
            for line in part.lines() {
                text.push_str(&format!("  {line}\n"));
            }
        }
        text
    }
}

/// Breaks a paragraph into lines of at most 100 characters.
fn wrap(paragraph: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in paragraph.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= 100 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_methods_are_explained() {
        for (topic, part) in [
            ("g203", "G203: unknown column"),
            ("with_and_without", "Peters-Belson"),
            ("peters-belson", "with_and_without\n"),
            ("Oaxaca", "nuemark"),
            ("b1x2", "direct_effect"),
            ("mvdcmp", "yun\n"),
            ("fairlie", "comonotone"),
            ("karlson_holm_breen", "khb\n"),
            ("iom", "rank_and_replace\n"),
            ("pocr", "interventional\n"),
            ("yu_elwert", "cdgd\n"),
            ("mice", "multiple_imputation\n"),
            ("ipw", "inverse_probability\n"),
        ] {
            assert!(explain(topic).is_ok_and(|text| text.contains(part)), "{topic}");
        }
    }

    #[test]
    fn what_does_not_exist_has_a_nearest() {
        for (topic, code, help) in [
            ("oaxaca_blindr", codes::G214, "try `gapshare explain oaxaca_blinder`"),
            (
                "zzz",
                codes::G214,
                "methods are with_and_without, oaxaca_blinder, yun, fairlie, gelbach, khb, rank_and_replace, mechanisms, interventional, cdgd, hospital; codes look like G203",
            ),
        ] {
            let problem = explain(topic).expect_err("a problem");
            assert_eq!((problem.code, problem.help.as_deref()), (code, Some(help)), "{topic}");
        }
    }

    #[test]
    fn every_code_has_its_own_text() {
        for (k, info) in codes::CODES.iter().enumerate() {
            assert!(codes::CODES[..k].iter().all(|earlier| earlier.code < info.code), "{} is out of order", info.code);
            assert!(!info.title.is_empty() && info.explanation.ends_with('.'), "{}", info.code);
        }
    }
}
