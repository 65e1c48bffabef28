"""Gap decompositions on the LCG data, by numpy and statsmodels, independent of the Rust code.

Run: python make_decompositions.py        (no arguments; writes decompositions.csv beside itself, prints nothing; about a minute)

Made with Python 3.11, numpy 2.4.6, scipy 1.17.1, statsmodels 0.15.0 (the csv's first line says which ones wrote it).

gap = index (R=1) - reference (R=0). C is the allowable, S, B, H (dummies H1..H3, base 0) are the blocks. Every key begins with
`unweighted|` or `weighted|` (weight 1 + floor(3 u2)). The last word of a key is the number: a point estimate, or
  se_ij, se_ij_cluster                infinitesimal jackknife: psi_i = n d theta/d log w_i by central differences (relative step 1e-4, everything
                                      fitted again), sqrt(sum psi^2)/n and sqrt(G/(G-1) sum_h (sum_{i in h} psi_i)^2)/n with the 40 hospitals h
  se_classical                        Gelbach block: sqrt(Gamma' V(beta_k) Gamma + V(R in OLS of X_k beta_k on 1,R,C)), homoskedastic. KHB, V the inverse
                                      expected information: full from V, reduced sqrt(c'Vc) with Gamma fixed in c = (R: 1, mediator j: Gamma_j),
                                      difference sqrt(Gamma'V_gamma Gamma + gamma'V_Gamma gamma), V_Gamma = U'WU/(n - 3) (Z'WZ)^-1_RR, Z = (1,R,C).
                                      With weights as R's lm and glm take them: s^2 = sum w e^2/(n - k), n the rows
  se_bootstrap, se_bootstrap_cluster  4,000 replicates of Exp(1) weights (one a row, or one a hospital), everything fitted again, sd (ddof 1);
                                      Monte Carlo error about 1.1%
Checked inside (assertions): statsmodels' Probit and GLM fits, the known Fairlie and KHB numbers, the identity of the reduced and full KHB
likelihoods, the influence-function SE of the family-A residual. Checked outside: the Gelbach columns and blocks, unweighted and weighted, equal
pyfixest 0.60.0 to 1e-12: feols("G ~ R + C + S + B + H1 + H2 + H3", weights="W", weights_type="fweights").decompose(decomp_var="R", x1_vars=["C"],
only_coef=True); the KHB classical recipe reproduces reduced .1517940344, full .1529275592 and difference .05882150201 of the homecomp data
(there Z = (1,R), so the divisor is n - 2: n less the columns of Z); se_ij of Gelbach, KHB and with_and_without equal the analytic influence
functions to 2e-10 (probit: with the OBSERVED information).
"""
import os

for _v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_v] = "1"

import itertools
import math
import pathlib
import warnings

import numpy as np
import scipy
import scipy.stats
import statsmodels
import statsmodels.api as sm
from scipy.special import expit, log_ndtr, ndtr

warnings.simplefilter("ignore")
REPLICATES = 4000
rows = []


def put(case, key, value):
    rows.append((case, key, float(value)))


def save():
    with open(pathlib.Path(__file__).resolve().with_suffix("").parent / "decompositions.csv", "w", newline="\n") as f:
        f.write(f"# numpy {np.__version__}, scipy {scipy.__version__}, statsmodels {statsmodels.__version__}\ncase,key,value\n")
        for case, key, value in rows:
            f.write(f"{case},{key},{value!r}\n")


# ------------------------------------------------------------------------------------------------ data
def lcg(seed, n):
    x, out = seed, []
    for _ in range(n):
        x = (6364136223846793005 * x + 1442695040888963407) % 2**64
        out.append((x >> 11) / 2**53)
    return np.array(out)


N = 2000
U = lcg(20240601, 6 * N).reshape(N, 6)
R = (U[:, 0] < 0.35).astype(float)
C = 2 * U[:, 1] - 1
S = 2 * U[:, 2] - 1 + 0.6 * R
B = 2 * U[:, 3] - 1 + 0.4 * S + 0.3 * C
H = np.floor(np.minimum(4 * U[:, 4] + R * U[:, 2], 3.999)).astype(int)
Hd = np.column_stack([(H == k).astype(float) for k in (1, 2, 3)])
linear = -1.2 + 0.5 * C + 0.4 * S + 0.7 * B + 0.2 * R
Y = (U[:, 5] < expit(linear + np.array([-0.4, -0.1, 0.2, 0.5])[H])).astype(float)
K = np.floor(2.5 * U[:, 5] * np.exp(linear))
G = linear + 3 * U[:, 5]
W = 1.0 + np.floor(3 * U[:, 2])
frac = U[:, 1] * 7919 + U[:, 4]
HOSP = np.floor(40 * (frac - np.floor(frac))).astype(int)
ONE = np.ones(N)
X = np.column_stack([ONE, C, S, B, Hd])            # group designs: 1 C S B H1 H2 H3
XR = np.column_stack([ONE, R, C, S, B, Hd])        # pooled with R
NAMES, NAMES_R = ["1", "C", "S", "B", "H1", "H2", "H3"], ["1", "R", "C", "S", "B", "H1", "H2", "H3"]
MED = ["S", "B", "H1", "H2", "H3"]
M = np.column_stack([S, B, Hd])
Z = np.column_stack([ONE, R, C])
BLOCK_COLS = {"C": [1], "S": [2], "B": [3], "H": [4, 5, 6]}    # columns of X
MED_COLS = {"S": [0], "B": [1], "H": [2, 3, 4]}                # columns of M
I0, I1 = np.where(R == 0)[0], np.where(R == 1)[0]
WEIGHTS = {"unweighted": np.ones(N), "weighted": W}
NH = len(np.unique(HOSP))

# ------------------------------------------------------------------------------------------------ fits
SQRT2PI = math.sqrt(2 * math.pi)


def pdf(e):
    return np.exp(-0.5 * e * e) / SQRT2PI


def F(family, e):
    return {"logit": expit, "probit": ndtr, "poisson": np.exp, "gaussian": lambda t: t}[family](e)


def dF(family, e):
    if family == "logit":
        p = expit(e)
        return p * (1 - p)
    return {"probit": pdf, "poisson": np.exp, "gaussian": np.ones_like}[family](e)


def score_and_information(family, x, y, w, b):
    """The score and the OBSERVED information."""
    e = x @ b
    if family == "probit":
        q = 2 * y - 1
        lam = q * np.exp(-0.5 * e * e - log_ndtr(q * e)) / SQRT2PI     # d loglik/d eta
        s, h = lam, lam * (lam + e)
    else:
        m = F(family, e)
        s, h = y - m, dF(family, e)
    return x.T @ (w * s), (x * (w * h)[:, None]).T @ x


def fit(family, x, y, w, start=None):
    """Newton; the last step is below 1e-9, so by quadratic convergence what is left is rounding."""
    if family == "gaussian":
        return np.linalg.solve((x * w[:, None]).T @ x, x.T @ (w * y))
    if start is None:
        b = np.zeros(x.shape[1])
        if family == "poisson":
            b[0] = math.log((w * y).sum() / w.sum())
    else:
        b = start.copy()
    for _ in range(60):
        s, info = score_and_information(family, x, y, w, b)
        step = np.linalg.solve(info, s)
        b += step
        if np.abs(step).max() < 1e-9:
            return b
    raise RuntimeError("no convergence")


def expected_information(family, x, w, b):
    e = x @ b
    if family == "probit":
        h = np.exp(2 * (-0.5 * e * e - math.log(SQRT2PI)) - log_ndtr(e) - log_ndtr(-e))
    else:
        h = dF(family, e)
    return (x * (w * h)[:, None]).T @ x


def loglik(family, x, y, w, b):
    e = x @ b
    if family == "probit":
        return (w * log_ndtr((2 * y - 1) * e)).sum()
    return (w * (y * e - np.logaddexp(0, e))).sum()


def mean(w, rows_, v):
    return (w[rows_] * v).sum() / w[rows_].sum()


# ------------------------------------------------------------------------------------------------ standard errors
def infinitesimal_jackknife(theta, w, step=1e-4):
    """theta(w) -> vector; the n x m matrix psi."""
    psi = []
    for i in range(N):
        v = w.copy()
        v[i] = w[i] * (1 + step)
        hi = theta(v)
        v[i] = w[i] * (1 - step)
        psi.append((hi - theta(v)) * (N / (2 * step)))
    return np.array(psi)


def put_ij(case, keys, theta, w):
    psi = infinitesimal_jackknife(theta, w)
    iid = np.sqrt((psi**2).sum(0)) / N
    sums = np.zeros((HOSP.max() + 1, psi.shape[1]))
    np.add.at(sums, HOSP, psi)
    cluster = np.sqrt(NH / (NH - 1) * (sums**2).sum(0)) / N
    for k, a, b in zip(keys, iid, cluster):
        put(case, f"{k}|se_ij", 0.0 if a < 1e-10 else a)                # identically zero, up to the differencing
        put(case, f"{k}|se_ij_cluster", 0.0 if a < 1e-10 else b)
    return dict(zip(keys, iid))


def put_bootstrap(case, keys, theta, w, seed):
    for suffix, cluster in (("se_bootstrap", False), ("se_bootstrap_cluster", True)):
        rng = np.random.default_rng(seed)
        out = []
        for _ in range(REPLICATES):
            e = rng.exponential(size=HOSP.max() + 1)[HOSP] if cluster else rng.exponential(size=N)
            out.append(theta(w * e))
        for k, v in zip(keys, np.std(np.array(out), axis=0, ddof=1)):
            put(case, f"{k}|{suffix}", v)


# ------------------------------------------------------------------------------------------------ 0 the data
put("data", "unweighted|n", N)
put("data", "unweighted|n_index", R.sum())
put("data", "unweighted|mean_Y_index", Y[I1].mean())
put("data", "unweighted|mean_Y_reference", Y[I0].mean())
put("data", "unweighted|mean_K", K.mean())
put("data", "unweighted|mean_G", G.mean())
put("data", "unweighted|sum_weight", W.sum())
put("data", "unweighted|hospitals", NH)
put("data", "unweighted|sum_hospital_id", HOSP.sum())
assert R.sum() == 680 and list(np.bincount(H)) == [389, 514, 486, 611]

# ------------------------------------------------------------------------------------------------ 1 probit
for wn, w in WEIGHTS.items():
    for gn, x, r, names in (("reference", X, I0, NAMES), ("index", X, I1, NAMES), ("pooled", XR, np.arange(N), NAMES_R)):
        b = fit("probit", x[r], Y[r], w[r])
        ve = np.linalg.inv(expected_information("probit", x[r], w[r], b))
        vo = np.linalg.inv(score_and_information("probit", x[r], Y[r], w[r], b)[1])
        ll = loglik("probit", x[r], Y[r], w[r], b)
        if wn == "unweighted":
            f = sm.Probit(Y[r], x[r]).fit(method="newton", tol=1e-14, maxiter=100, disp=0)
            assert np.abs(f.params - b).max() < 1e-10 and np.abs(f.bse - np.sqrt(np.diag(vo))).max() < 1e-9 and abs(f.llf - ll) < 1e-9
        g = sm.GLM(Y[r], x[r], sm.families.Binomial(sm.families.links.Probit()), freq_weights=w[r]).fit(tol=1e-14, maxiter=200)
        assert np.abs(g.params - b).max() < 1e-7 and np.abs(g.bse - np.sqrt(np.diag(ve))).max() < 1e-7
        for j, t in enumerate(names):
            put("probit", f"{wn}|{gn}|{t}|coefficient", b[j])
            put("probit", f"{wn}|{gn}|{t}|se_expected", math.sqrt(ve[j, j]))
            put("probit", f"{wn}|{gn}|{t}|se_observed", math.sqrt(vo[j, j]))
        put("probit", f"{wn}|{gn}|loglik", ll)

# ------------------------------------------------------------------------------------------------ 2 nonlinear Oaxaca-Blinder
OUTCOME = {"logit": Y, "probit": Y, "poisson": K, "gaussian": G}


def coefficients(family, which, w, start=None):
    """b* on the columns of X; `start` holds starting values by fit and is never written to after the first call."""
    y, s = OUTCOME[family], start or {}
    if which == "reference":
        return fit(family, X[I0], y[I0], w[I0], s.get("reference"))
    if which == "index":
        return fit(family, X[I1], y[I1], w[I1], s.get("index"))
    if which == "pooled":
        return np.delete(fit(family, XR, y, w, s.get("pooled_r")), 1)
    if which == "neumark":
        return fit(family, X, y, w, s.get("neumark"))
    p = 0.5 if which == "reimers" else (w * R).sum() / w.sum()
    return p * coefficients(family, "index", w, s) + (1 - p) * coefficients(family, "reference", w, s)


def starts(family, w):
    y = OUTCOME[family]
    return {
        "reference": fit(family, X[I0], y[I0], w[I0]),
        "index": fit(family, X[I1], y[I1], w[I1]),
        "pooled_r": fit(family, XR, y, w),
        "neumark": fit(family, X, y, w),
    }


def yun(b, e, w):
    d = (w[I1] @ X[I1] / w[I1].sum() - w[I0] @ X[I0] / w[I0].sum()) * b
    return [e * d[c].sum() / d[1:].sum() for c in BLOCK_COLS.values()]


def ob(family, b, w):
    """explained, unexplained, unexplained_index, unexplained_reference, then Yun's parts for C, S, B, H."""
    y = OUTCOME[family]
    m1, m0 = mean(w, I1, F(family, X[I1] @ b)), mean(w, I0, F(family, X[I0] @ b))
    u1, u0 = mean(w, I1, y[I1]) - m1, m0 - mean(w, I0, y[I0])
    return np.array([m1 - m0, u1 + u0, u1, u0] + yun(b, m1 - m0, w))


OB_KEYS = ["explained", "unexplained", "unexplained_index", "unexplained_reference"] + [f"yun|{k}" for k in BLOCK_COLS]
for wn, w in WEIGHTS.items():
    for family in ("logit", "probit", "poisson"):
        y, st = OUTCOME[family], starts(family, w)
        if family != "probit":
            fam = sm.families.Binomial() if family == "logit" else sm.families.Poisson()
            for x, r, b in ((X, I0, st["reference"]), (X, I1, st["index"]), (XR, np.arange(N), st["pooled_r"])):
                assert np.abs(sm.GLM(y[r], x[r], fam, freq_weights=w[r]).fit(tol=1e-14, maxiter=200).params - b).max() < 1e-8
        gap = mean(w, I1, y[I1]) - mean(w, I0, y[I0])
        put("ob", f"{wn}|{family}|gap", gap)
        for which in ("reference", "index", "pooled", "neumark", "cotton", "reimers"):
            v = ob(family, coefficients(family, which, w, st), w)
            for k, t in zip(OB_KEYS, v):
                if not k.startswith("yun") or which in ("reference", "index", "pooled"):
                    put("ob", f"{wn}|{family}|{which}|{k}", t)
            assert abs(v[0] + v[1] - gap) < 1e-12
        b0, b1 = st["reference"], st["index"]
        e = {(r, k): mean(w, i, F(family, X[i] @ b)) for r, i in ((0, I0), (1, I1)) for k, b in ((0, b0), (1, b1))}
        put("ob", f"{wn}|{family}|misfit_reference", mean(w, I0, y[I0]) - e[0, 0])
        put("ob", f"{wn}|{family}|misfit_index", mean(w, I1, y[I1]) - e[1, 1])
        for view, end, cf in (("reference", e[1, 0] - e[0, 0], e[0, 1] - e[0, 0]), ("index", e[1, 1] - e[0, 1], e[1, 1] - e[1, 0])):
            put("ob", f"{wn}|{family}|threefold_{view}|endowments", end)
            put("ob", f"{wn}|{family}|threefold_{view}|coefficients", cf)
            put("ob", f"{wn}|{family}|threefold_{view}|interaction", gap - end - cf)


# ------------------------------------------------------------------------------------------------ 3 Gelbach
def wls(x, y, w):
    return np.linalg.solve((x * w[:, None]).T @ x, x.T @ (w[:, None] * y if y.ndim == 2 else w * y))


GELBACH_KEYS = ["short", "long", "total"] + [f"column|{k}" for k in MED] + [f"block|{k}" for k in MED_COLS]


def gelbach(w):
    short, long, gamma = wls(Z, G, w), wls(np.column_stack([Z, M]), G, w), wls(Z, M, w)[1]
    d = gamma * long[3:]
    return np.array([short[1], long[1], d.sum(), *d, *(d[c].sum() for c in MED_COLS.values())])


for wn, w in WEIGHTS.items():
    v = gelbach(w)
    assert abs(v[0] - v[1] - v[2]) < 1e-12
    for k, t in zip(GELBACH_KEYS, v):
        put("gelbach", f"{wn}|{k}", t)
    xl = np.column_stack([Z, M])
    b, gamma = wls(xl, G, w), wls(Z, M, w)[1]
    s2 = (w * (G - xl @ b) ** 2).sum() / (N - xl.shape[1])
    vb = s2 * np.linalg.inv((xl * w[:, None]).T @ xl)
    zz = np.linalg.inv((Z * w[:, None]).T @ Z)
    for k, c in [*MED_COLS.items(), ("total", [0, 1, 2, 3, 4])]:
        j = [3 + t for t in c]
        part = M[:, c] @ b[j]
        aux = (w * (part - Z @ wls(Z, part, w)) ** 2).sum() / (N - Z.shape[1]) * zz[1, 1]
        put("gelbach", f"{wn}|{'total' if k == 'total' else 'block|' + k}|se_classical", math.sqrt(gamma[c] @ vb[np.ix_(j, j)] @ gamma[c] + aux))

# ------------------------------------------------------------------------------------------------ 4 KHB
KHB_KEYS = ["reduced", "full", "difference", "naive", "rescaling", "ape_factor", "ape|reduced", "ape|full", "ape|difference"]
KHB_KEYS += [f"column|{k}" for k in MED] + [f"block|{k}" for k in MED_COLS] + [f"ape|block|{k}" for k in MED_COLS]


def khb(family, w, start=(None, None)):
    b, nv, gamma = fit(family, XR, Y, w, start[0]), fit(family, Z, Y, w, start[1]), wls(Z, M, w)[1]
    d = gamma * b[3:]
    red, f = b[1] + d.sum(), (w * dF(family, XR @ b)).sum() / w.sum()
    blocks = [d[c].sum() for c in MED_COLS.values()]
    return np.array([red, b[1], d.sum(), nv[1], red / nv[1], f, f * red, f * b[1], f * d.sum(), *d, *blocks, *(f * t for t in blocks)])


for wn, w in WEIGHTS.items():
    for family in ("logit", "probit"):
        b, gam = fit(family, XR, Y, w), wls(Z, M, w)
        res = M - Z @ gam
        v = khb(family, w)
        xr = np.column_stack([Z, res])
        br = fit(family, xr, Y, w)
        assert abs(br[1] - v[0]) < 1e-10 and abs(loglik(family, xr, Y, w, br) - loglik(family, XR, Y, w, b)) < 1e-8
        if (wn, family) == ("unweighted", "logit"):
            assert np.abs(v[[1, 0, 3, 2]] - [0.206437802299, 0.778789912578, 0.715949553211, 0.572352110279]).max() < 1e-11
        for k, t in zip(KHB_KEYS, v):
            put("khb", f"{wn}|{family}|{k}", t)
        put("khb", f"{wn}|{family}|loglik", loglik(family, XR, Y, w, b))
        vb = np.linalg.inv(expected_information(family, XR, w, b))
        gamma, c = gam[1], np.r_[0, 1, 0, gam[1]]
        zrr = np.linalg.inv((Z * w[:, None]).T @ Z)[1, 1]
        vg = (res * w[:, None]).T @ res / (N - Z.shape[1]) * zrr
        put("khb", f"{wn}|{family}|full|se_classical", math.sqrt(vb[1, 1]))
        put("khb", f"{wn}|{family}|reduced|se_classical", math.sqrt(c @ vb @ c))
        put("khb", f"{wn}|{family}|difference|se_classical", math.sqrt(gamma @ vb[3:, 3:] @ gamma + b[3:] @ vg @ b[3:]))


# ------------------------------------------------------------------------------------------------ 5 Fairlie, exact
def couple(i0, i1, w0, w1):
    """Two weighted distributions, in the order given, coupled by rank: (reference row, index row, mass), masses summing to 1."""
    c0, c1 = np.cumsum(w0 * w1.sum()), np.cumsum(w1 * w0.sum())      # exact for whole weights
    top = max(c0[-1], c1[-1])
    t = np.sort(np.concatenate([[0.0], c0[:-1], c1[:-1], [top]]))
    m, mid = np.diff(t), (t[:-1] + t[1:]) / 2
    keep = m > 0
    m, mid = m[keep], mid[keep]
    a = np.minimum(np.searchsorted(c0, mid, side="right"), len(i0) - 1)
    b = np.minimum(np.searchsorted(c1, mid, side="right"), len(i1) - 1)
    return i0[a], i1[b], m / top


PLAYERS = "CSBH"
FAIRLIE_KEYS = ["total"] + [f"shapley|{k}" for k in PLAYERS] + [f"sequential|{k}" for k in PLAYERS]


def fairlie(family, which, w, start=None):
    b = coefficients(family, which, w, start)
    eta = X @ b
    o0, o1 = I0[np.argsort(eta[I0], kind="stable")], I1[np.argsort(eta[I1], kind="stable")]
    a, c, m = couple(o0, o1, w[o0], w[o1])
    part = {k: X[:, j] @ b[j] for k, j in BLOCK_COLS.items()}
    ref, ind = {k: part[k][a] for k in PLAYERS}, {k: part[k][c] for k in PLAYERS}
    v = {}
    for n_in in range(5):
        for t in itertools.combinations(PLAYERS, n_in):
            v[frozenset(t)] = (m * F(family, b[0] + sum(ind[k] if k in t else ref[k] for k in PLAYERS))).sum()
    shap = []
    for k in PLAYERS:
        rest, s = [q for q in PLAYERS if q != k], 0.0
        for n_in in range(4):
            for t in itertools.combinations(rest, n_in):
                s += math.factorial(n_in) * math.factorial(3 - n_in) / 24 * (v[frozenset(t) | {k}] - v[frozenset(t)])
        shap.append(s)
    seq = [v[frozenset(PLAYERS[: j + 1])] - v[frozenset(PLAYERS[:j])] for j in range(4)]
    return np.array([v[frozenset(PLAYERS)] - v[frozenset()], *shap, *seq])


for wn, w in WEIGHTS.items():
    for family, which in (("logit", "reference"), ("logit", "index"), ("logit", "pooled"), ("poisson", "reference")):
        v = fairlie(family, which, w)
        for k, t in zip(FAIRLIE_KEYS, v):
            put("fairlie", f"{wn}|{family}|{which}|{k}", t)
        assert abs(v[0] - ob(family, coefficients(family, which, w), w)[0]) < 1e-12
        if (wn, family, which) == ("unweighted", "logit", "reference"):
            assert np.abs(v[1:5] - [0.0027454874752798, 0.0473611670521420, 0.0377422401904232, 0.0217691775185166]).max() < 1e-13


# ------------------------------------------------------------------------------------------------ 6 rank and replace
NEED = {"C": [2], "C+B": [2, 4]}    # columns of XR


def rank_and_replace(family, need, w, combined, start=None, start_pi=None):
    """counterfactual, unexplained, allowable"""
    y, j = OUTCOME[family], NEED[need]
    b = fit(family, XR, y, w, start)
    eta, s, wi = XR @ b, XR[:, j] @ b[j], w
    if combined:
        x = np.column_stack([ONE, XR[:, j]])
        pi = expit(x @ fit("logit", x, R, w, start_pi))
        wi = w * (1 - pi) / pi
    o0, o1 = I0[np.argsort(s[I0], kind="stable")], I1[np.argsort(s[I1], kind="stable")]
    a, c, m = couple(o0, o1, w[o0], wi[o1])
    cf = (m * F(family, eta[c] - s[c] + s[a])).sum()
    return np.array([cf, cf - mean(w, I0, y[I0]), mean(w, I1, y[I1]) - cf])


RR_KEYS = ["counterfactual", "unexplained", "allowable"]
for wn, w in WEIGHTS.items():
    for family in ("logit", "gaussian"):
        for need in NEED:
            for variant in ("plain", "combined"):
                for k, t in zip(RR_KEYS, rank_and_replace(family, need, w, variant == "combined")):
                    put("rank_and_replace", f"{wn}|{family}|{need}|{variant}|{k}", t)

# ------------------------------------------------------------------------------------------------ 7 with and without, probit, g-computation
WW_KEYS = ["a_full", "a_none", "delta_full", "delta_none"]


def with_and_without(w, start=(None, None)):
    xc = X[:, :2]
    full = mean(w, I1, ndtr(X[I1] @ fit("probit", X[I0], Y[I0], w[I0], start[0])))
    none = mean(w, I1, ndtr(xc[I1] @ fit("probit", xc[I0], Y[I0], w[I0], start[1])))
    y1 = mean(w, I1, Y[I1])
    return np.array([full, none, y1 - full, y1 - none])


for wn, w in WEIGHTS.items():
    for k, t in zip(WW_KEYS, with_and_without(w)):
        put("with_and_without", f"{wn}|probit|gcomp|{k}", t)
save()

# ------------------------------------------------------------------------------------------------ standard errors
for wn, w in WEIGHTS.items():
    for family, which in (("logit", "reference"), ("probit", "reference"), ("poisson", "pooled"), ("logit", "cotton")):
        st = starts(family, w)
        keys = [f"{wn}|{family}|{which}|{k}" for k in OB_KEYS]
        keep = len(keys) if which != "cotton" else 4
        se = put_ij("ob", keys[:keep], lambda v: ob(family, coefficients(family, which, v, st), v)[:keep], w)
        if (wn, family, which) == ("unweighted", "logit", "reference"):
            assert abs(se[keys[2]] - 0.0268882009) < 1e-8          # METHODS T23: delta(full)
    put_ij("gelbach", [f"{wn}|{k}" for k in GELBACH_KEYS], gelbach, w)
    for family in ("logit", "probit"):
        st = (fit(family, XR, Y, w), fit(family, Z, Y, w))
        put_ij("khb", [f"{wn}|{family}|{k}" for k in KHB_KEYS], lambda v: khb(family, v, st), w)
    st = (fit("probit", X[I0], Y[I0], w[I0]), fit("probit", X[I0][:, :2], Y[I0], w[I0]))
    put_ij("with_and_without", [f"{wn}|probit|gcomp|{k}" for k in WW_KEYS], lambda v: with_and_without(v, st), w)
    save()
for wn, w in WEIGHTS.items():
    st = starts("logit", w)
    put_bootstrap("fairlie", [f"{wn}|logit|reference|{k}" for k in FAIRLIE_KEYS], lambda v: fairlie("logit", "reference", v, st), w, 1)
    b = fit("logit", XR, Y, w)
    bp = fit("logit", np.column_stack([ONE, C]), R, w)
    for variant in ("plain", "combined"):
        put_bootstrap(
            "rank_and_replace",
            [f"{wn}|logit|C|{variant}|{k}" for k in RR_KEYS],
            lambda v: rank_and_replace("logit", "C", v, variant == "combined", b, bp),
            w,
            2,
        )
save()
