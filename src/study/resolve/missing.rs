//! Missing values: imputation, weights for missing outcomes, and other ways to treat them.

use super::Resolver;
use crate::cohort::impute::chained::Settings;
use crate::cohort::plan::{Coding, MissingRule, OutcomeMissing, VariablePlan};
use crate::error::{Problem, codes};
use crate::study::file::{CompareFile, MissingRuleFile};
use crate::study::places::Span;
use crate::study::plan::{MissingMethod, MissingPlan};

/// More imputations, cycles or donors than this are a slip of the pen.
const MOST: u32 = 1000;

impl Resolver<'_> {
    /// Where and how the outcome's own rule stands.
    pub(super) fn outcome_rule(&self) -> Option<(Span, &MissingRuleFile)> {
        let rules = &self.file.missing.rules;
        rules.get_key_value(&self.file.outcome.column).map(|(key, rule)| (key.span, &rule.value))
    }

    pub(super) fn outcome_missing(&mut self) -> OutcomeMissing {
        let Some((span, rule)) = self.outcome_rule().map(|(span, rule)| (span, rule.clone())) else { return OutcomeMissing::DropRow };
        match rule {
            MissingRuleFile::DropRow => OutcomeMissing::DropRow,
            MissingRuleFile::Error => OutcomeMissing::Error,
            MissingRuleFile::InverseProbability => OutcomeMissing::InverseProbability,
            MissingRuleFile::MultipleImputation | MissingRuleFile::Level(_) | MissingRuleFile::Impute(_) => {
                let message = format!("`{}` is the outcome, which is not filled or imputed", self.file.outcome.column.value);
                self.error(codes::G210, message, span, "the outcome", "write `drop_row`, `error` or `inverse_probability`");
                OutcomeMissing::DropRow
            }
        }
    }

    /// Variables that cannot be imputed, and rules that are not for variables.
    pub(super) fn imputed(&mut self, variables: &[VariablePlan]) {
        let file = self.file;
        for (name, _) in
            file.missing.rules.iter().filter(|(name, rule)| rule.value == MissingRuleFile::InverseProbability && **name != file.outcome.column)
        {
            let message = format!("`inverse_probability` is for the outcome, and `{}` is none", name.value);
            self.error(codes::G210, message, name.span, "not the outcome", "write `multiple_imputation`, or another rule");
        }
        for v in variables.iter().filter(|v| v.missing == MissingRule::MultipleImputation) {
            let is_cluster = file.cluster.as_ref().is_some_and(|c| c.value == v.column.name);
            if v.coding == Coding::FixedEffects || is_cluster {
                let problem = Problem::error(codes::G210, format!("`{}` identifies hospitals or clusters, which cannot be imputed", v.column.name))
                    .at(v.missing_place.clone().or_else(|| v.column.place.clone()))
                    .label("identifies")
                    .help(format!("under `missing` write `{}: drop_row`", v.column.name));
                self.problems.push(problem);
            }
        }
        let weighs = matches!(self.outcome_rule(), Some((_, MissingRuleFile::InverseProbability)));
        let Some(span) = self.outcome_rule().map(|(span, _)| span).filter(|_| weighs) else {
            if file.imputes() {
                self.refuse_sensitivity("imputations are not pooled there");
            }
            return;
        };
        if file.imputes() || file.missing.compare.iter().any(|c| c.value == CompareFile::MultipleImputation) {
            let message = "variables are imputed given the outcome, and `inverse_probability` keeps rows without one";
            let help = "give the outcome `drop_row`, or the variables `impute`, `level` or `drop_row`";
            self.error(codes::G210, message, span, "excludes `multiple_imputation`", help);
        }
        self.refuse_sensitivity("the weights of rows with an outcome are not estimated again there");
    }

    fn refuse_sensitivity(&mut self, reason: &str) {
        if self.file.sensitivity.is_some() {
            let message = format!("`sensitivity` varies one data set as it stands: {reason}");
            let help = "put `sensitivity` into a copy of the study with `drop_row` or `impute: { with: median, flag: true }`";
            self.error(codes::G209, message, self.section("sensitivity"), "not with this rule for missing values", help);
        }
    }

    pub(super) fn missing(&mut self) -> MissingPlan {
        let file = self.file;
        let mut compare: Vec<MissingMethod> = Vec::new();
        for c in &file.missing.compare {
            let method = match c.value {
                CompareFile::CompleteCase => MissingMethod::CompleteCase,
                CompareFile::Indicator => MissingMethod::Indicator,
                CompareFile::MultipleImputation => MissingMethod::MultipleImputation,
            };
            if compare.contains(&method) {
                self.error(codes::G210, format!("`compare` names `{}` twice", method.name()), c.span, "repeated", "remove one of the two");
            } else {
                compare.push(method);
            }
        }
        let Some(written) = &file.multiple_imputation else { return MissingPlan { settings: Settings::default(), compare } };
        if !file.imputes() && !compare.contains(&MissingMethod::MultipleImputation) && self.complete(&["missing"]) {
            let help = "under `missing` write `otherwise: multiple_imputation`, or remove this section";
            self.error(codes::G210, "`multiple_imputation` says how, and no variable is imputed", written.span, "no rule asks for it", help);
        }
        let m = &written.value;
        for (key, value, least, why) in [
            ("imputations", &m.imputations, 2, "with one nothing is known of how imputations differ"),
            ("cycles", &m.cycles, 1, "each variable is drawn at least once"),
            ("donors", &m.donors, 1, "a value comes from at least one unit"),
        ] {
            if !(least..=MOST).contains(&value.value) {
                let message = format!("`{key}` is {}, and lies between {least} and {MOST}: {why}", value.value);
                let default = Settings::default();
                let usual = [("imputations", default.imputations), ("cycles", default.cycles), ("donors", default.donors)];
                let usual = usual.iter().find(|(k, _)| *k == key).map_or(least, |(_, v)| *v);
                self.error(codes::G213, message, value.span, "out of range", &format!("write `{key}: {usual}`"));
            }
        }
        let settings = Settings { imputations: m.imputations.value, cycles: m.cycles.value, donors: m.donors.value, seed: m.seed };
        MissingPlan { settings, compare }
    }
}
