//! Group, outcome, allowables, blocks and missing values -> [`RolesPlan`]: what can be checked without the tables.

use super::Resolver;
use crate::cohort::plan::{Coding, Fill, GroupPlan, MissingRule, Named, OutcomePlan, RolesPlan, Value, VariablePlan};
use crate::error::{Problem, codes, nearest};
use crate::study::file::{CategoricalFile, CodingFile, FamilyFile, FillFile, Link, MissingRuleFile, OtherwiseFile, Penalty, Variable};
use crate::study::placed::{Literal, OneOrMany, Placed, Word};
use crate::study::places::{Span, key_at};
use crate::vocab::{Family, Role, Scalar};
use indexmap::IndexMap;

const MAX_BLOCKS: usize = 10;
const RESERVED: [&str; 4] = ["none", "total", "allowable", "intercept"];

impl Resolver<'_> {
    /// `None` if no plan can be built from what was read.
    pub(super) fn roles(&mut self) -> Option<RolesPlan> {
        let file = self.file;
        let group = self.group();
        let outcome = self.outcome();
        self.block_names();
        let mut seen = IndexMap::new();
        let mut variables = Vec::new();
        let lists = [(Role::Allowable, "the allowables".to_owned(), &file.allowable)]
            .into_iter()
            .chain(file.blocks.iter().enumerate().map(|(k, (name, list))| (Role::Block(k), format!("block `{}`", name.value), list)));
        for (role, owner, list) in lists {
            for variable in list {
                if let Some(plan) = self.variable(variable, role, &owner, &mut seen) {
                    variables.push(plan);
                }
            }
        }
        self.free_of_roles(&variables);
        if self.complete(&["allowable", "blocks"]) {
            self.interactions();
            self.missing_keys(&variables);
        }
        let outcome = outcome?;
        Some(RolesPlan {
            group: group?,
            controls: self.controls(outcome.family),
            outcome,
            variables,
            blocks: file.blocks.keys().map(|name| name.value.clone()).collect(),
            cluster: file.cluster.as_ref().map(|column| self.named(column)),
            labelled: self.labelled(),
            weight: file.weight.as_ref().map(|column| self.named(column)),
        })
    }

    fn value(&self, literal: &Literal) -> Value {
        Value { value: Scalar::new(&literal.text), place: self.place(literal.span) }
    }

    fn group(&mut self) -> Option<GroupPlan> {
        let group = &self.file.group;
        let reference = self.value(&group.reference);
        let index: Vec<Value> = group.index.0.iter().map(|value| self.value(value)).collect();
        if index.is_empty() && self.complete(&["group"]) {
            let span = key_at(self.tree, &["group", "index"]);
            self.error(codes::G213, "`group.index` names no group", span, "no index group", "write `index: [value]`");
        }
        for (k, value) in index.iter().enumerate() {
            let literal = &group.index.0[k];
            if value.value.matches(&reference.value.text) {
                let message = format!("the index group `{}` is the reference group", literal.text);
                self.error(codes::G210, message, literal.span, "same as the reference", "name another value of the column");
            } else if index[..k].iter().any(|earlier| earlier.value.matches(&value.value.text)) {
                let message = format!("the index group `{}` stands twice", literal.text);
                self.error(codes::G210, message, literal.span, "repeated", "remove one of the two");
            }
        }
        Some(GroupPlan { column: self.named(&group.column), reference, index })
    }

    fn outcome(&mut self) -> Option<OutcomePlan> {
        let outcome = &self.file.outcome;
        let family = self.family(&outcome.family.value);
        let event = self.events(outcome.event.as_ref(), family, outcome.column.span);
        if let Some(exposure) = outcome.exposure.as_ref().filter(|_| family != Family::Poisson) {
            let message = format!("`exposure` is for a poisson outcome, and this one is {}", family.name());
            self.error(codes::G210, message, exposure.span, "not poisson", "remove `exposure`, or write `family: poisson`");
        }
        let exposure = outcome.exposure.as_ref().map(|column| self.named(column));
        Some(OutcomePlan { column: self.named(&outcome.column), family, event, exposure })
    }

    pub(super) fn family(&mut self, family: &FamilyFile) -> Family {
        match family {
            FamilyFile::Gaussian(_) => Family::Gaussian,
            FamilyFile::Poisson(_) => Family::Poisson,
            FamilyFile::Binomial(options) => {
                if options.penalty.value != Penalty::None {
                    self.not_built("`penalty: firth`", options.penalty.span, "write `penalty: none`, and merge levels where they separate");
                }
                match options.link.value {
                    Link::Logit => Family::Binomial,
                    Link::Probit => Family::Probit,
                }
            }
        }
    }

    /// The values that are the event of an outcome, whose column stands at `column`.
    pub(super) fn events(&mut self, event: Option<&OneOrMany<Literal>>, family: Family, column: Span) -> Vec<Value> {
        let Some(values) = event else { return Vec::new() };
        let span = values.0.first().map_or(column, |value| value.span);
        if !family.is_binomial() {
            let message = format!("`event` is for a binomial outcome, and this one is {}", family.name());
            self.error(codes::G210, message, span, "not binomial", "remove `event`, or write `family: binomial`");
        } else if values.0.is_empty() {
            self.error(codes::G213, "`event` names no value", span, "no event value", "write `event: [value]`, or remove the key");
        }
        values.0.iter().map(|value| self.value(value)).collect()
    }

    fn block_names(&mut self) {
        let blocks = &self.file.blocks;
        for (name, list) in blocks {
            let text = name.value.as_str();
            if text.is_empty() || RESERVED.contains(&text) || text.contains('+') {
                let message = format!("`{text}` cannot be the name of a block: outputs use it for something else");
                self.error(codes::G108, message, name.span, "not a block name", "choose another name, without `+`");
            }
            if list.is_empty() && self.complete(&["blocks"]) {
                self.error(codes::G213, format!("block `{text}` has no variables"), name.span, "empty", "list its variables, or remove the block");
            }
        }
        if blocks.is_empty() && self.complete(&["blocks"]) {
            self.error(
                codes::G213,
                "`blocks` is empty",
                self.section("blocks"),
                "no block",
                "name at least one block: `blocks: { clinical: [age] }`",
            );
        }
        if let Some((name, _)) = blocks.get_index(MAX_BLOCKS) {
            let message = format!("a study has at most {MAX_BLOCKS} blocks, and this one has {}", blocks.len());
            self.error(codes::G213, message, name.span, "one too many", "merge blocks: every set of blocks is a model of its own");
        }
    }

    fn variable(
        &mut self,
        variable: &Placed<Variable>,
        role: Role,
        owner: &str,
        seen: &mut IndexMap<String, (String, usize)>,
    ) -> Option<VariablePlan> {
        let span = variable.span;
        let (name, coding) = match &variable.value {
            Variable::Column { name, coding } => (name.clone(), self.coding(name, coding.as_ref(), span)?),
            Variable::Interaction(parts) => {
                let [a, b] = parts.as_slice() else {
                    let message = format!("an interaction has two variables, and this one has {}", parts.len());
                    self.error(codes::G213, message, span, "two variables", "write `{ interaction: [a, b] }`");
                    return None;
                };
                if a == b {
                    let message = format!("an interaction of `{}` with itself", a.value);
                    self.error(codes::G210, message, b.span, "the same variable", "name two variables; for a curve use `spline`");
                    return None;
                }
                let of = [a.value.clone(), b.value.clone()];
                (of.join(":"), Coding::Interaction { of })
            }
        };
        // `b:a` is the same variable as `a:b`.
        let mut identity = [name.clone()].to_vec();
        if let Coding::Interaction { of: [a, b] } = &coding {
            identity.push(format!("{b}:{a}"));
        }
        if let Some((first_owner, line)) = identity.iter().find_map(|name| seen.get(name)) {
            let message = if first_owner == owner {
                format!("`{name}` stands twice in {owner}")
            } else {
                format!("`{name}` stands in {first_owner} and in {owner}")
            };
            let label = format!("first on line {line}");
            self.error(codes::G205, message, span, &label, "keep it in one place");
            return None;
        }
        seen.insert(name.clone(), (owner.to_owned(), span.line));
        let own_rule = self.file.missing.rules.get_key_value(name.as_str());
        let missing = match own_rule {
            Some((_, rule)) => rule_of(&rule.value),
            None => otherwise(self.file.missing.otherwise),
        };
        let missing_place = own_rule.and_then(|(key, _)| self.place(key.span));
        let column = Named { name, place: self.place(span) };
        Some(VariablePlan { column, role, coding, missing, missing_place })
    }

    fn coding(&mut self, name: &str, coding: Option<&CodingFile>, span: Span) -> Option<Coding> {
        Some(match coding {
            None => Coding::Auto,
            Some(CodingFile::Numeric(_)) => Coding::Numeric,
            Some(CodingFile::FixedEffects(_)) => Coding::FixedEffects,
            Some(CodingFile::RandomIntercept(_)) => {
                self.not_built("`random_intercept`", span, "use `fixed_effects`, or columns that describe the hospitals");
                return None;
            }
            Some(CodingFile::Log(options)) => Coding::Log { offset: options.offset },
            Some(CodingFile::Spline(options)) => {
                let df = options.df.value;
                if !(2..=6).contains(&df) {
                    let message = format!("a spline of `{name}` has 2 to 6 df, not {df}");
                    self.error(codes::G213, message, options.df.span, "2 to 6", "write `df: 4`");
                    return None;
                }
                Coding::Spline { df: df as usize }
            }
            Some(CodingFile::Categorical(options)) => self.categorical(name, options),
        })
    }

    fn categorical(&mut self, name: &str, options: &CategoricalFile) -> Coding {
        let mut merge: IndexMap<String, Vec<Scalar>> = IndexMap::new();
        for (level, values) in &options.merge {
            if values.is_empty() {
                let message = format!("the level `{}` of `{name}` is merged from no value", level.value);
                self.error(codes::G213, message, level.span, "no value", "list the values that form it");
            }
            for value in values {
                if merge.values().flatten().any(|earlier| earlier.matches(&value.text)) {
                    let message = format!("the value `{}` of `{name}` is merged into two levels", value.text);
                    self.error(codes::G210, message, value.span, "merged before", "keep it in one level");
                }
            }
            merge.entry(level.value.clone()).or_default().extend(values.iter().map(|value| Scalar::new(&value.text)));
        }
        if let Some(base) = &options.base {
            let into = merge.iter().find(|(level, values)| *level != &base.text && values.iter().any(|value| value.matches(&base.text)));
            if let Some((level, _)) = into {
                let message = format!("the base `{}` of `{name}` is merged into `{level}`", base.text);
                let help = format!("write `base: {level}`");
                self.error(codes::G210, message, base.span, "no level of its own", &help);
            }
        }
        Coding::Categorical { base: options.base.as_ref().map(|base| Scalar::new(&base.text)), merge }
    }

    /// The group, the outcome and the weight cannot be covariates, nor one another.
    fn free_of_roles(&mut self, variables: &[VariablePlan]) {
        let file = self.file;
        let mut roles: Vec<(&str, &Word)> = vec![("the group", &file.group.column), ("the outcome", &file.outcome.column)];
        roles.extend(file.weight.as_ref().map(|weight| ("the weight", weight)));
        for (k, (role, word)) in roles.iter().enumerate() {
            if let Some((other, _)) = roles[..k].iter().find(|(_, earlier)| earlier == word) {
                let message = format!("`{}` is {role} and {other}", word.value);
                self.error(codes::G206, message, word.span, "has a role already", "name another column");
            }
            for variable in variables.iter().filter(|variable| variable.column.name == word.value) {
                let problem = Problem::error(codes::G206, format!("`{}` is {role} and cannot be a covariate", word.value))
                    .at(variable.column.place.clone())
                    .label("has a role already")
                    .help("remove it here");
                self.problems.push(problem);
            }
        }
        for (role, word) in [("cluster", file.cluster.as_ref()), ("exposure", file.outcome.exposure.as_ref())] {
            let Some(word) = word else { continue };
            if let Some((other, _)) = roles.iter().find(|(_, earlier)| *earlier == word) {
                let message = format!("`{}` is the {role} and {other}", word.value);
                self.error(codes::G206, message, word.span, "has a role already", "name another column");
            }
        }
    }

    /// The parts of interactions are variables of the study.
    fn interactions(&mut self) {
        let file = self.file;
        let names: Vec<&str> = file.all_variables().filter_map(|variable| variable.value.column()).collect();
        for variable in file.all_variables() {
            let Variable::Interaction(parts) = &variable.value else { continue };
            for part in parts.iter().filter(|part| !names.contains(&part.value.as_str())) {
                let help = match nearest(&part.value, names.iter().copied()) {
                    Some(near) => format!("write `{near}`"),
                    None => format!("list `{}` as an allowable or in a block as well", part.value),
                };
                let message = format!("`{}` of this interaction is not a variable of the study", part.value);
                self.error(codes::G210, message, part.span, "not a variable", &help);
            }
        }
    }

    /// The keys of `missing` are variables of the study.
    fn missing_keys(&mut self, variables: &[VariablePlan]) {
        let file = self.file;
        let names: Vec<&str> = variables
            .iter()
            .filter(|variable| !matches!(variable.coding, Coding::Interaction { .. }))
            .map(|variable| variable.column.name.as_str())
            .chain(["otherwise"])
            .collect();
        // A variable that is reported already for another reason is a variable nevertheless.
        let listed: Vec<&str> = file.all_variables().filter_map(|variable| variable.value.column()).collect();
        for name in file.missing.rules.keys().filter(|name| !listed.contains(&name.value.as_str())) {
            let help = match nearest(&name.value, names.iter().copied()) {
                Some(near) => format!("write `{near}`"),
                None => "remove it, or list the variable in a block".to_owned(),
            };
            let message = format!("`{}` is not a variable of the study, so it can have no rule for missing values", name.value);
            self.error(codes::G210, message, name.span, "not a variable", &help);
        }
    }
}

fn rule_of(rule: &MissingRuleFile) -> MissingRule {
    match rule {
        MissingRuleFile::DropRow => MissingRule::DropRow,
        MissingRuleFile::Error => MissingRule::Error,
        MissingRuleFile::Level(name) => MissingRule::Level(Scalar::new(&name.text)),
        MissingRuleFile::Impute(options) => MissingRule::Impute {
            with: match options.with {
                FillFile::Median => Fill::Median,
                FillFile::Mean => Fill::Mean,
                FillFile::Constant(value) => Fill::Constant(value),
            },
            flag: options.flag,
        },
    }
}

fn otherwise(rule: OtherwiseFile) -> MissingRule {
    match rule {
        OtherwiseFile::DropRow => MissingRule::DropRow,
        OtherwiseFile::Error => MissingRule::Error,
    }
}
