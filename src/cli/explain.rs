//! `gapshare explain`: the long form of a code, and what a method estimates.

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

/// Methods that the study file format names and this version does not do.
const NOT_BUILT: [&str; 8] = ["fairlie", "yun", "rank_and_replace", "khb", "mechanisms", "interventional", "hospital", "cdgd"];

/// The methods of this version.
pub const METHODS: [MethodText; 3] = [
    MethodText {
        name: "with_and_without",
        known_as: &["peters_belson", "g_computation", "adjusted_gap"],
        estimand: "\
How much of the gap disappears when index units are compared with reference units that have the same allowables and
the same values in a set of blocks K. For each K the counterfactual mean a(K) is the mean outcome that index units would
show if they had the outcome of reference units like them; the adjusted gap is what remains. It describes; it is not the
effect of an intervention, and no causal order is needed.",
        formula: "\
gap              D    = mean(Y | index) - mean(Y | reference)
counterfactual   a(K) = E[ E(Y | reference, allowables, K) | index ]
adjusted gap     D(K) = mean(Y | index) - a(K)
accounted for    v(K) = D(none) - D(K)
parts            allowable = D - D(none); unexplained = D(all)
Shapley          c(k) = sum over sets T without k of |T|! (B - |T| - 1)! / B! * ( v(T + k) - v(T) ), B blocks; their sum is v(all)
dr               the mean of the fitted values plus the mean residual of reference units, weighted by p / (1 - p), where p is
                 the modelled probability of the index group given the allowables and K",
        assumptions: "\
Overlap: wherever there are index units there are reference units with like values (diagnostics.csv). The outcome model
or, with `estimator: dr`, the outcome model or the group model has the right form. Rows are independent, or `cluster` says
within what they are not. Shapley is a rule of fair division: it also averages over orders in which a consequence comes
before its cause.",
        options: "\
attribution: shapley | sequential | first_in | last_in     surface: reference_model | pooled_main | pooled_interacted
estimator: dr | gcomp (pooled surfaces: gcomp)             target: index | reference | pooled
All outcome families. Fixed effects need an explicit `estimator: gcomp`.",
        peers: "\
Peters-Belson is this method with `surface: reference_model` and `estimator: gcomp`. The total is also the effect on the treated by
g-computation with the group as treatment, and in a linear model the two-fold Oaxaca-Blinder with the reference
group's coefficients. `surface: pooled_main` is the nested-model table of epidemiology (the group's coefficient with and
without covariates), on the scale of means: odds ratios are not used, because they move when a covariate enters that
has nothing to do with the group.",
        citation: "\
Peters CC (1941) J Educ Res 34:606-612. Belson WA (1956) Appl Stat 5:195-202. Jackson JW (2021) Epidemiology 32:282-290
(allowability).",
    },
    MethodText {
        name: "oaxaca_blinder",
        known_as: &["oaxaca", "blinder_oaxaca", "kob", "kitagawa", "kitagawa_oaxaca_blinder", "blinder"],
        estimand: "\
Two-fold: the part of the gap in means that goes with different means of the covariates, valued at reference coefficients
b*, and the rest. Three-fold: endowments, coefficients and their interaction, from the viewpoint of one group.",
        formula: "\
x1, x0 are the covariate means of index and reference units, b1, b0 their least-squares coefficients; gap = index - reference.
two      gap = (x1 - x0)'b*  +  { x1'(b1 - b*) + x0'(b* - b0) }
three    reference: (x1 - x0)'b0 + x0'(b1 - b0) + (x1 - x0)'(b1 - b0)
         index:     (x1 - x0)'b1 + x1'(b1 - b0) - (x1 - x0)'(b1 - b0)
b*       reference: b0; index: b1; reimers: (b0 + b1)/2; cotton: (n0 b0 + n1 b1)/n; neumark: pooled, without a group
         indicator; pooled: pooled with a group indicator, whose coefficient is dropped",
        assumptions: "\
A linear model of the outcome in each group. The choice of b* is a choice of standard, not of fact. `neumark` overstates
the explained part when the group itself matters, because its effect loads on the covariates. The split of the unexplained
part over categories depends on their base levels.",
        options: "\
reference: reference | index | pooled | neumark | cotton | reimers (three-fold: reference | index, the viewpoint)
fold: two | three     linear: false | true (true: least squares on a binomial or poisson outcome)",
        peers: "\
Peers report reference - index or group A - group B: turn the sign.
gapshare       R oaxaca 0.1.5 (A = reference)    Stata oaxaca          statsmodels OaxacaBlinder.two_fold
reference      weight 1                          weight(1)             -
index          weight 0                          weight(0)             -
reimers        weight 0.5                        weight(0.5)           reimers
cotton         proportion of A                   -                     cotton
neumark        weight -1                         omega                 nuemark
pooled         weight -2                         pooled                pooled
statsmodels spells it `nuemark`; the correct spelling silently returns the pooled result. It also swaps the groups when the
gap is negative (`swap=True`) and trims its bootstrap at 99%. R oaxaca and statsmodels compute the three-fold from
the viewpoint of group B; with A as our reference their numbers are minus our `index` viewpoint.",
        citation: "\
Kitagawa EM (1955) J Am Stat Assoc 50:1168-1194. Blinder AS (1973) J Hum Resour 8:436-455. Oaxaca R (1973) Int Econ Rev
14:693-709. Jann B (2008) Stata J 8(4):453-479.",
    },
    MethodText {
        name: "gelbach",
        known_as: &["b1x2", "conditional_decomposition"],
        estimand: "\
By how much the coefficient of the group changes when the blocks enter a linear regression, split over the blocks without
an order: each covariate's part is how much it differs between the groups, given the allowables, times its own coefficient.",
        formula: "\
short   Y on group, allowables             long   Y on group, allowables, blocks
part of covariate j = G_j * b_j, where G_j is the coefficient of the group in the regression of covariate j on group and
allowables, and b_j its coefficient in the long regression; the sum over j is short - long, exactly.
parts   allowable = gap - short coefficient; a block = the sum over its covariates; unexplained = long coefficient",
        assumptions: "\
A linear model with the same coefficients in both groups. The long regression is taken as the right one: omitted variables
and bad controls spoil every part at once.",
        options: "linear: false | true (true: least squares on a binomial or poisson outcome; otherwise gaussian only)",
        peers: "\
Stata b1x2 and pyfixest `decompose` compute the same parts. pyfixest calls the short coefficient `direct_effect` and the
long one `full_effect`, where texts on mediation call the long one direct: compare numbers, not names. With nothing
allowable the parts equal the explained parts of oaxaca_blinder with `reference: pooled`, block by block.",
        citation: "Gelbach JB (2016) J Labor Econ 34(2):509-543.",
    },
];

/// The long form of a code or a method. The problem names the nearest one that exists.
pub fn explain(topic: &str) -> Result<String, Box<Problem>> {
    let (code, name) = (topic.trim().to_uppercase(), topic.trim().to_lowercase().replace('-', "_"));
    if let Some(info) = codes::CODES.iter().find(|info| info.code.0 == code) {
        return Ok(format!("{}: {}\n\n{}\n\nexit status {}\n", info.code, info.title, wrap(info.explanation), info.exit as i32));
    }
    if let Some(method) = METHODS.iter().find(|method| method.name == name || method.known_as.contains(&name.as_str())) {
        return Ok(method.text());
    }
    if NOT_BUILT.contains(&name.as_str()) {
        let message = format!("the method `{name}` has not been built yet");
        let built = METHODS.map(|method| method.name).join(", ");
        return Err(Box::new(Problem::error(codes::G109, message).help(format!("this version has {built}"))));
    }
    let problem = Problem::error(codes::G214, format!("there is neither a code nor a method `{topic}`"));
    let names = METHODS.iter().flat_map(|method| [method.name].into_iter().chain(method.known_as.iter().copied()));
    let near = nearest(&name, names.chain(NOT_BUILT).chain(codes::CODES.iter().map(|info| info.code.0)));
    Err(Box::new(problem.help(match near {
        Some(near) => format!("try `gapshare explain {near}`"),
        None => format!("methods are {}; codes look like G203", METHODS.map(|method| method.name).join(", ")),
    })))
}

impl MethodText {
    fn text(&self) -> String {
        let mut text = self.name.to_owned();
        text.push('\n');
        for (title, part) in [
            ("What it estimates", self.estimand),
            ("Formula", self.formula),
            ("Assumptions", self.assumptions),
            ("Options (the first is the default)", self.options),
            ("What others call it", self.peers),
            ("Source", self.citation),
        ] {
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
        ] {
            assert!(explain(topic).is_ok_and(|text| text.contains(part)), "{topic}");
        }
    }

    #[test]
    fn what_does_not_exist_has_a_nearest() {
        for (topic, code, help) in [
            ("oaxaca_blindr", codes::G214, "try `gapshare explain oaxaca_blinder`"),
            ("fairlie", codes::G109, "this version has with_and_without, oaxaca_blinder, gelbach"),
            ("zzz", codes::G214, "methods are with_and_without, oaxaca_blinder, gelbach; codes look like G203"),
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
