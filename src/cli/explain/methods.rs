//! What each method estimates, and how: the text behind `gapshare explain METHOD`.

use super::MethodText;

/// The methods of this version.
pub const METHODS: [MethodText; 11] = [
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
                 the modelled probability of the index group given the allowables and K
learner          outcome and p predicted by fits on the other folds, recalibrated, p kept within 0.01 and 0.99 (counted); the
                 estimate is that of the split with the median D(all) of five, errors by the median rule",
        assumptions: "\
Overlap: wherever there are index units there are reference units with like values (diagnostics.csv). The outcome model
or, with `estimator: dr`, the outcome model or the group model has the right form. Rows are independent, or `cluster` says
within what they are not. Shapley is a rule of fair division: it also averages over orders in which a consequence comes
before its cause.",
        options: "\
attribution: shapley | sequential | first_in | last_in     surface: reference_model | pooled_main | pooled_interacted
estimator: dr | gcomp (pooled surfaces: gcomp)             target: index | reference | pooled
learner: glm | ridge | elastic_net | random_forest | boosted_trees | stack     folds: 5 (2 to 20), with a learner other than glm
All outcome families. Fixed effects need an explicit `estimator: gcomp`. Learners need `surface: reference_model` and
`estimator: dr`; docs/learners.md says what each is and when to use it; `sensitivity: { learner: {} }` tries several beside the
analysis, and splines of every number.",
        peers: "\
Peters-Belson is this method with `surface: reference_model` and `estimator: gcomp`. The total is also the effect on the treated by
g-computation with the group as treatment, and in a linear model the two-fold Oaxaca-Blinder with the reference
group's coefficients. `surface: pooled_main` is the nested-model table of epidemiology (the group's coefficient with and
without covariates), on the scale of means: odds ratios are not used, because they move when a covariate enters that
has nothing to do with the group.",
        citation: "\
Peters CC (1941) J Educ Res 34:606-612. Belson WA (1956) Appl Stat 5:195-202. Jackson JW (2021) Epidemiology 32:282-290
(allowability). Chernozhukov V et al. (2018) Econom J 21:C1-C68 (cross-fitting, the median rule).",
    },
    MethodText {
        name: "oaxaca_blinder",
        known_as: &["oaxaca", "blinder_oaxaca", "kob", "kitagawa", "kitagawa_oaxaca_blinder", "blinder", "ddecompose", "nldecompose"],
        estimand: "\
Two-fold: the part of the gap in means that goes with different covariates, valued at reference coefficients b*, and the
rest. Three-fold: endowments, coefficients and their interaction, from the viewpoint of one group. A binomial or poisson
outcome is decomposed with its own link (logit, probit, log), or by least squares with `linear: true`.",
        formula: "\
E1, E0 are means over index and reference units, F the inverse link, b1, b0 the groups' coefficients; gap = index - reference.
two      gap = [E1 F(x'b*) - E0 F(x'b*)]  +  [mean1 - E1 F(x'b*)] + [E0 F(x'b*) - mean0]
         explained, and the two halves of what is not: unexplained_index, unexplained_reference
three    reference: [E1 F(x'b0) - E0 F(x'b0)] + [E0 F(x'b1) - E0 F(x'b0)] + the rest
         index:     [E1 F(x'b1) - E0 F(x'b1)] + [E1 F(x'b1) - E1 F(x'b0)] + the rest
b*       reference: b0; index: b1; reimers: (b0 + b1)/2; cotton: (n0 b0 + n1 b1)/n; neumark: pooled, without a group
         indicator; pooled: pooled with a group indicator, whose coefficient is dropped
detail   with an identity link (x1 - x0)_j b*_j and x1_j (b1 - b*)_j + x0_j (b* - b0)_j; with another link each part is divided
         in proportion to these terms (Yun's weights: `gapshare explain yun`)
normalize  a factor's coefficients sum to zero over all its levels, the base included, and the intercept takes their mean;
         products with a number or another factor likewise: no row then depends on a base level. Where a level or a cell has
         no coefficient of its own that cannot be done, and diagnostics.csv says so",
        assumptions: "\
A model of the right form in each group. The choice of b* is a choice of standard, not of fact. `neumark` overstates the
explained part when the group itself matters, because its effect loads on the covariates. What a number contributes to the
unexplained part depends on where its zero stands (Jones 1983); that of categories does not, once they are normalised.
With a probit link the observed mean is not the mean prediction: the difference is the component `model_misfit`.",
        options: "\
reference: reference | index | pooled | neumark | cotton | reimers (three-fold: reference | index, the viewpoint)
fold: two | three     linear: false | true     detail: false | true     normalize: true | false
se: influence | classical. influence carries stochastic covariates, heteroskedasticity, clusters and weights. classical is
Jann (2008) for least squares (homoskedastic, random covariates) and the delta method at fixed covariates (Yun 2004, Stata mvdcmp)
for other links. It knows no clusters (a warning says so), takes no weights or exposures, and for other links no fit that pools the groups.",
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
gap is negative (`swap=True`), gives Cotton's weights to the wrong groups then, and trims its bootstrap at 99%. R oaxaca and
statsmodels compute the three-fold from the viewpoint of group B; with A as our reference their numbers are minus our
`index` viewpoint. R oaxaca 0.1.5 normalises only the last of several factors, and takes the un-normalised pooled vector in the
detail of weight -2. Pooled halves differ by which group the indicator is of; here it is the index group.",
        citation: "\
Kitagawa EM (1955) J Am Stat Assoc 50:1168-1194. Blinder AS (1973) J Hum Resour 8:436-455. Oaxaca R (1973) Int Econ Rev
14:693-709. Jann B (2008) Stata J 8(4):453-479. Gardeazabal J, Ugidos A (2004) Rev Econ Stat 86:1034-1036. Bauer T, Sinning
M (2008) AStA 92:197-206.",
    },
    MethodText {
        name: "yun",
        known_as: &["mvdcmp", "yun_weights", "bauer_sinning"],
        estimand: "\
Oaxaca-Blinder with the outcome's own link, divided term by term: each term's share in the part's first-order sum, times the
part. It is oaxaca_blinder with `detail: true` and these three choices of coefficients.",
        formula: "\
explained    E = E1 F(x'b*) - E0 F(x'b*);  term j has E * dx_j b*_j / sum_m dx_m b*_m, with dx = x1 - x0
unexplained  U = gap - E;                  term j has U * t_j / sum_m t_m, with t_j = x1_j (b1 - b*)_j + x0_j (b* - b0)_j
A part whose first-order terms nearly cancel (their sum below 10% of their absolute sum) is not divided: its rows are null, with
the reason. Coefficients of categories are normalised.",
        assumptions: "\
As oaxaca_blinder. The weights linearise the link at one point: they do not ask which values meet which (fairlie does), and they
are the same for every order.",
        options: "coefficients: reference | index | pooled     se: influence | classical (delta method at fixed covariates; one group's coefficients)",
        peers: "\
Stata mvdcmp: its E is `coefficients: index` where its first group is our index group, its reverse `reference`. R GeneralOaxaca
and StatsPAI `bauer_sinning` compute the same parts. mvdcmp's standard errors are `se: classical`.",
        citation: "Yun MS (2004) Econ Lett 82:275-280. Yun MS (2005) Econ Inq 43:766-772. Powers DA, Yoshioka H, Yun MS (2011) Stata J 11:556-576.",
    },
    MethodText {
        name: "fairlie",
        known_as: &["fairlie_decomposition", "rank_matching"],
        estimand: "\
How the explained part of a nonlinear decomposition divides when reference units' values are turned into index units' values, block
by block, at fixed coefficients, the two groups matched rank for rank by their predicted outcome.",
        formula: "\
Sort both groups by x'b*; couple them rank for rank (comonotone), each unit with its weight: pairs (i, j) with masses m.
V(T) = sum over pairs of m F( b0* + index unit's parts for blocks in T + reference unit's parts for the others )
V(all) - V(none) = E1 F(x'b*) - E0 F(x'b*), the explained part of oaxaca_blinder with these coefficients, exactly.
shapley     a block's marginal V averaged over all orders; its variables share it by the same average within the block (Owen)
sequential  blocks in causal_order, or the study's order, the allowables first; variables in the study's order
There is no simulation: random matchings of samples scatter around this value but for terms of order 1/n.",
        assumptions: "\
The model's form, and the matching: units at the same rank of predicted outcome are taken as each other's counterparts, which says
nothing about any single covariate. One model of all blocks is kept throughout, where with_and_without refits for every set.",
        options: "\
coefficients: reference | index | pooled     attribution: shapley | sequential
reps: N   N random matchings as Stata's `fairlie, reps(N)` (with shapley: `ro`), seeded; the exact values stand in diagnostics.csv
          beside them. Takes no weights. Ties of predicted outcome are matched in the order of rows, and their share is reported.
Standard errors come from influence functions: coefficients (which move ranks too) and both samples.",
        peers: "\
Stata fairlie reports group 0 - group 1 with group 0's coefficients: here `coefficients: reference` with the sign turned. Its
standard errors hold the sample and the matching fixed, and are smaller. R and StatsPAI have the random version.",
        citation: "Fairlie RW (1999) J Labor Econ 17:80-108. Fairlie RW (2005) J Econ Soc Meas 30:305-316. Owen G (1977) in Essays in Mathematical Economics and Game Theory.",
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
        options: "\
linear: false | true (true: least squares on a binomial or poisson outcome; otherwise gaussian only)
se: influence | classical. classical: homoskedastic, the two stages independent, as b1x2 and pyfixest have it without robust errors.
Allowables are in the short and the long regression. Hospital fixed effects may be a block. Each variable has a row in
decomposition_detail.csv; a factor has one row, since its single levels depend on the base. With products, the rows of their parts
still do; the sum over the block does not.",
        peers: "\
Stata b1x2 and pyfixest `decompose` compute the same parts. pyfixest calls the short coefficient `direct_effect` and the
long one `full_effect`, where texts on mediation call the long one direct: compare numbers, not names. With nothing
allowable the parts equal the explained parts of oaxaca_blinder with `reference: pooled`, block by block.",
        citation: "Gelbach JB (2016) J Labor Econ 34(2):509-543.",
    },
    MethodText {
        name: "khb",
        known_as: &["karlson_holm_breen"],
        estimand: "\
By how much the group's logit or probit coefficient is smaller when the blocks are in the model, on the scale of the full model.
Coefficients of two such models cannot be compared as they stand, because each is scaled by its own residual variance.",
        formula: "\
full      Y on group, allowables, blocks: group coefficient b, covariates' coefficients c_j
reduced   the same with the covariates' residuals from group and allowables: same fit, group coefficient b + sum_j G_j c_j
          (G_j: the group's coefficient in the least-squares regression of covariate j on group and allowables)
parts     gap = reduced; a block = the sum of its G_j c_j; unexplained = full; allowable = 0
ape       every coefficient times the mean slope of the link, which both models share: average partial effects
diagnostics.csv has the naive coefficient (without the blocks, on its own scale) and the rescaling factor reduced / naive.",
        assumptions: "\
A logit or probit with the same coefficients in both groups. Log-odds are conditional on every covariate in the model, and move
when one enters that has nothing to do with the group: read them beside with_and_without, which works on means.",
        options: "\
se: influence | classical (Sobel: the two stages independent; full and reduced by the model)     ape: false | true (no classical
errors). Binomial outcomes only.",
        peers: "\
Stata khb and R khb print the same reduced, full, difference and per-variable parts; `confounding ratio` is gap / unexplained, and
the confounding percentage the share of the explained part.",
        citation: "Karlson KB, Holm A, Breen R (2012) Sociol Methodol 42:286-313. Kohler U, Karlson KB, Holm A (2011) Stata J 11:420-438.",
    },
    MethodText {
        name: "rank_and_replace",
        known_as: &["iom", "iom_disparity", "cook", "rank_replace"],
        estimand: "\
The health-care disparity in the sense of the Institute of Medicine: the gap that remains when the index group is given the
reference group's distribution of need, while socioeconomic factors keep their own distribution and go on mediating. What it
calls `disparity` is the part `unexplained`; it holds what travels with every block that is not need, where with_and_without would
credit those blocks. Its need part is `allowable`.",
        formula: "\
One model of both groups, with the group indicator. s = the need variables' part of x'b, o = the rest.
counterfactual = E1 F(o + Q0(U)): each index unit keeps o and takes the reference group's need index at its own rank U of need
disparity = counterfactual - mean0;  need part = mean1 - counterfactual;  explained = 0
combined  index units are first weighted by the odds of the reference group given need (a logistic model), then ranks are replaced
Ranks are matched as intervals, each unit with its weight, not at their middle: a weight of 2 is the same as two rows.",
        assumptions: "\
Which variables are need is a judgement, made by the list. One model for both groups (group by need products can be written as
interactions with other variables, not with the group). Replacing the index's ranks changes the need of each person by a monotone map;
ties are ranked in the order of rows, and their share is reported.",
        options: "need: [variables] (default: the allowables; a product of two need variables is of need)     variant: rank | combined     All outcome families.",
        peers: "\
The literature prints White minus minority: turn the sign. Cook et al. replace at mid-ranks, which differs by terms of order 1/n.
Peers-Belson, the other convention of health services research, is with_and_without with `surface: reference_model`.",
        citation: "\
Cook BL, McGuire TG, Zaslavsky AM (2012) Health Serv Res 47:1232-1254. Cook BL, McGuire TG, Meara E, Zaslavsky AM (2009) Health Serv
Outcomes Res Methodol 9:1-21. Institute of Medicine (2003) Unequal Treatment.",
    },
    MethodText {
        name: "mechanisms",
        known_as: &[
            "mechanism_switch",
            "path_specific_effects",
            "causal_decomposition",
            "dowhy",
            "distribution_change",
            "faircause",
            "multiply_robust",
        ],
        estimand: "\
What index units' mean outcome would be if the blocks were generated, one after the other, as they are among comparable reference
units. `causal_order` says which block comes first. What a block accounts for is the change when its mechanism is switched to the
reference group's, the blocks before it switched already, those after it and the outcome still as among index units: so it holds
what the block does through later ones. `unexplained` is the last switch, of the outcome itself: same blocks, other outcome.",
        formula: "\
m(r) = E_1 of nested means: nu_K+1 = Y, nu_k-1 = E[nu_k | group r_k, blocks before k, allowables], averaged over index units
block k = m(0 before, 1 at k and after) - m(0 up to k, 1 after);  unexplained = m(0..0, 1) - m(0..0);  allowable = m(0..0) - mean0
Estimates are one-step and multiply robust: each nested mean's residuals are added back, weighted by group odds given the blocks
before and up to it. The outer model and the K + 1 group models have the study's own terms; the inner regressions add splines of
numbers and products of allowables with blocks. Errors carry the estimation of all of them; intervals use t with the kurtosis of
the influences. decomposition_detail.csv holds all 2^(K+1) means (part counterfactual_mean); diagnostics.csv the plug-in
(nested means alone) and the effective units behind each part.",
        assumptions: "\
As numbers: a reweighting of the data, no more. As effects, which the study file must claim (`causal_claims: declared`): nothing
unmeasured affects a block and the outcome, given the group and what comes before (exchangeability); whatever a block takes in one
group it can take in the other (positivity); its values are well defined and units do not affect one another (consistency); the
order is right and complete. A part whose effective units are below 100, or where one unit has more than 5% of the weight, is marked.",
        options: "\
attribution: sequential (causal order) | shapley (averaged over all orders of the switches, the outcome's among them)
learner: glm | ridge | elastic_net | random_forest | boosted_trees | stack     folds: 5 (2 to 20; not with glm). With a learner every
regression of the chain and every group model is learned without the fold's units, in 5 splits; then there is no plug-in.
At most 6 blocks; `causal_order` is required. All outcome families.",
        peers: "\
With everything up to block k at the index group's law the means are with_and_without's, the other way round they are
interventional's. DoWhy's distribution_change_robust is the same game, without allowables. R disparity::descriptive has the
means of the second kind. In faircause's terms (their signs): direct effect = unexplained, indirect = explained, spurious = allowable.",
        citation: "\
Zhou X (2022) J R Stat Soc B 84:794-821. Quintas-Martinez V et al. (2024) arXiv 2404.08839. Opacic A, Wei L, Zhou X (2025).
Plecko D, Bareinboim E (2024) Found Trends Mach Learn 17:304-589.",
    },
    MethodText {
        name: "interventional",
        known_as: &["jackson_vanderweele", "jvw", "pocr", "causal_decomp", "equalize", "smi", "mmi"],
        estimand: "\
How much smaller the gap would be if one or more blocks T were distributed among index units as they are among reference units with the
same allowables and the same `given` blocks (together A), while the outcome keeps the index group's own process. `explained` is this
reduction, `unexplained` what remains of the gap at the same A, `allowable` what goes with A.",
        formula: "\
dr, gcomp        b = E over index A of E[ mu1(T, A) | reference, A ],  mu1(T, A) = E(Y | index, T, A)
                 the blocks outside T and A are not in the models: what follows from T responds to it, what precedes T confounds
donors, product  theta = E over index L, A of the mean of mu1(m, L, A) over m ~ T | reference, A;  L: the other blocks, as index units have them
allowable        a(A) - mean0, with a(A) = E over index A of E(Y | reference, A); product: gap less the group's coefficient in Y ~ R + A
explained        mean1 - b (or theta);  unexplained = b - a(A)
dr               both regressions' residuals are added back, weighted by g/(1-g) on reference units and g/(1-g) (1-pi)/pi on index units;
                 g, pi: probability of the index group given A, and given A and T
donors           T from reference units in the same stratum of A (numbers in fifths, fewer than 10 donors: matched on fewer variables), all
                 pairs up to two million, else 25 donors a unit; errors by resampling units within groups, or clusters
product          sum_j alpha_j (beta_j + gamma_j): T_j ~ R + A, Y ~ R * T + L + A, least squares, gaussian outcomes
Where several blocks are equalised, diagnostics.csv has the reduction by each alone (`equalized_alone`): these need not sum.",
        assumptions: "\
As numbers: a reweighting of the data. As effects, which the study file must claim (`causal_claims: declared`): within the index group
nothing unmeasured affects T and the outcome given A (and L); values of T that reference units have are found among index units with
the same A; T can be changed in a well-defined way and units do not affect one another; what is given comes before T. The analysis is
marked where fewer than 100 effective units, or one with more than 5% of the weight, carry `dr`.",
        options: "\
equalize: [blocks] (default: the last block of causal_order)     estimator: dr | gcomp | donors | product (gaussian)
given: [allowable, blocks] (default: allowable, and for dr and gcomp the blocks before the first equalised one). The allowables are always
given. `uncertainty: { bootstrap: { replicates, seed } }` is for donors (default 1000 replicates, 200 of clusters). All outcome families.",
        peers: "\
R causal.decomp: pocr with lm is `product` (initial = explained + unexplained, reduction, remaining; it fits all groups of the data together,
here each index group stands against the reference alone); smi and mmi estimate the mean of `donors` with a model of the mediator. Its
signs are index - reference, as here. R disparity::descriptive has the means b without allowables. With all blocks equalised, b is E over
reference units of the index group's surface: Oaxaca-Blinder with index coefficients.",
        citation: "\
Jackson JW, VanderWeele TJ (2018) Epidemiology 29:825-835. Jackson JW (2021) Epidemiology 32:282-290. Park S, Kang S, Lee C (2021) arXiv
2109.06940.",
    },
    MethodText {
        name: "cdgd",
        known_as: &["yu_elwert", "prevalence_effect_selection", "treatment_decomposition"],
        estimand: "\
What a binary treatment (a hospital of high volume, a drug) has to do with the gap: whether the groups would differ without it
(`unexplained`, the baseline), whether one has it more often (prevalence), whether it does more for one (effect), and whether in one it
goes more to those whom it helps (selection).",
        formula: "\
a: reference, b: index; tau: effect of the treatment T; psi(t,g) = E_g(Y_t); gap = mean_b - mean_a
baseline      psi(0,b) - psi(0,a)
prevalence    E_b(tau) (P_b(T) - P_a(T))
effect        (E_b(tau) - E_a(tau)) P_a(T)
selection     the rest: Cov_b(T, tau) - Cov_a(T, tau)
given Q       prevalence, effect, selection among units with the same Q, and q_distribution: what different Q adds
psi is the mean of v (Y - mu) + mu: v the inverse modelled probability of the unit's own treatment over its mean, mu an outcome model
for each treatment with group, allowables and all blocks; a logit for the treatment. Errors carry the estimation of all of them.
diagnostics.csv: shares treated, smallest probability, effective units of each set of weights, and the change of the index group's mean if
its units were treated at random at the reference group's rate (Jackson & VanderWeele).",
        assumptions: "\
Within a group, who is treated is unrelated to what the outcome would be with and without it, given allowables and blocks; these come
before the treatment; in both groups units with any values may or may not be treated; the treatment of one does not change the outcome
of another. Marked where an arm has fewer than 50 effective units in a group or one unit has more than 10% of its weight.",
        options: "\
treatment: a column of 0 and 1, or false and true (required)     given: [allowable, blocks]: Q; the allowables are always in it. Without
`given` the unconditional version. All outcome families.",
        peers: "\
R cdgd 1.0.1 (cdgd0_pa, cdgd1_pa) prints advantaged - disadvantaged: turn the sign; its advantaged group is our reference. It fits least
squares to binary outcomes too, takes no weights in the models, and its errors leave out that they are estimated.",
        citation: "Yu A, Elwert F (2025) Nonparametric causal decomposition of group disparities. Ann Appl Stat 19(1).",
    },
    MethodText {
        name: "hospital",
        known_as: &["hospitals", "kitagawa", "between_within", "where_they_go", "how_they_fare_there", "shwartz", "mundlak", "provider"],
        estimand: "\
Where they go: by how much outcomes would differ if index units were at the hospitals of reference units with the same A (the allowables and
the blocks before the hospital block), valued by reference units' outcomes there. How they fare there: against reference units of the same A
at the same hospital. Both for the index group; with the patients' part and the allowables they sum to the gap (family A). Table `hospital` has
the same by index units' own outcomes (family B), Kitagawa's division raw and adjusted, the contextual identity, and describes the hospitals.",
        formula: "\
a(A) = E1[E0(Y | A)]   a(A,H) = E1[E0(Y | H, A)]   b = E1[E0(m1(H, A) | A)], m1 the index group's outcome
allowable  a(none) - mean0;  patients  a(A) - a(none);  where they go  a(A,H) - a(A);  unexplained  mean1 - a(A,H), how they fare there
family B   where_they_go = mean1 - b, how_they_fare_there = b - a(A): the same sum. Row `difference`: B less A
outcome    F(x'b_group + u_hospital): slopes of each group, hospitals' effects of both, penalty 0.04/2 sum u^2 (a prior SD of 5 on the logit, of
           5 residual SD for a mean), which only keeps hospitals finite. Then one step: weights from models of the group given A, and A and hospital
error      squares of influences, residuals over sqrt(1 - leverage), and the outcome model's own error where a group has no units
standardised_risk   E1[v_H] - E1[E0(v_H | allowables)], v_h the mean of all index units' predictions at h: where they go, overall
kitagawa   between sum (s1 - s0)(m1 + m0)/2, within sum (m1 - m0)(s1 + s0)/2 over hospitals, s a group's share there, m its mean; a hospital that
           lacks a group takes the other's mean (within 0). `_shared`: hospitals of both only. `_adjusted`: of y - m0(A); sums to mean1 - E1 m0(A)
contextual lambda = Var(hospital mean of group)/Var(group); between = lambda (slope between - slope within), within = slope within",
        assumptions: "\
No unmeasured case mix goes with the hospital given A and the group; every hospital could have been used by either group; a unit's outcome does
not depend on who else is there (moving units ignores capacity). The numbers describe without these. Hospitals' effects hold unmeasured case mix:
they are not quality, and no ranking. How they fare there is not discrimination.",
        options: "\
id: column (default: the column that enters as fixed effects)     effects: ids | characteristics (the hospital block's columns as a block)
given: [allowable, blocks] (default: the blocks before the hospital's in causal_order, or in the order of `blocks`; allowables always are)
unsupported: auto | borrow | restrict. Hospitals that lack a group borrow its outcomes from the other through u, or leave with their units:
auto borrows up to 2% of the mass. Above 25% the family has no estimate.     quadrature: 1 (nodes; 1 is Laplace)
hospitals_as: population | sample. population: these hospitals, units independent given them, whatever `cluster`; sample: leave one hospital
out, t(G - 1), from 20 hospitals, where they go from 40; characteristics take clusters. All outcome families.",
        peers: "\
Shwartz et al. (2023) divide adjusted means between and within facilities: kitagawa_*_adjusted, with the reference group's model as first stage.
The random-intercept logit is lme4 glmer(nAGQ = `quadrature`). Random intercepts are not used for where they go: shrinkage would bias it.",
        citation: "\
Kitagawa EM (1955) J Am Stat Assoc 50:1168-1194. Shwartz M et al. (2023) Med Care 61:392-399. Mundlak Y (1978) Econometrica 46:69-85.
Jackson JW, VanderWeele TJ (2018) Epidemiology 29:825-835. Larsen K, Merlo J (2005) Am J Epidemiol 161:81-88.",
    },
];
