"""Equalised blocks and a binary treatment on the LCG data, and exact truths of a discrete population, by numpy, independent of the Rust code.

Run: python make_interventions.py        (no arguments; writes interventions.csv and interventions_gend.csv beside itself; about five minutes)

gap = index (R=1) - reference (R=0), 2,000 rows. C is the allowable, S, B, H (dummies H1..H3, base 0) are the blocks, T the treatment. Keys are
weights|outcome|method|...|row; weights `unweighted` or `weighted` (1 + floor(3 u2)), outcome binomial (Y), poisson (K), gaussian (G).
Last word: none for the estimate, or
  se, se_cluster     infinitesimal jackknife: psi_i = n d theta / d log w_i by complex steps through every fit (two Newton steps from the solution,
                     where one is exact to first order), sqrt(sum psi^2)/n and sqrt(G/(G-1) sum_h (sum_{i in h} psi_i)^2)/n, 40 hospitals h
Donors (estimates only): all pairs in a double loop over strata; fifths of C in both groups together, H as it is.
interventions_gend.csv: cells of the population GEN-D (METHODS 8.1), and its truths by summation over cells.
"""
import itertools
import math
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
rows = []


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
lin = -1.2 + 0.5 * C + 0.4 * S + 0.7 * B + 0.2 * R
expit = lambda x: 1 / (1 + np.exp(-x))
Y = (U[:, 5] < expit(lin + np.array([-0.4, -0.1, 0.2, 0.5])[H])).astype(float)
K = np.floor(2.5 * U[:, 5] * np.exp(lin))
G = lin + 3 * U[:, 5]
W = 1.0 + np.floor(3 * U[:, 2])
frac = U[:, 1] * 7919 + U[:, 4]
HOSP = np.floor(40 * (frac - np.floor(frac))).astype(int)
pick = 104729 * U[:, 1] + 31 * U[:, 4]
T = (pick - np.floor(pick) < expit(-0.2 + 0.5 * C - 0.4 * S + 0.6 * (H == 3) - 0.3 * R)).astype(float)
one = np.ones(N)
COLS = {"C": [C], "S": [S], "B": [B], "H": list(Hd.T)}
OUTCOME = {"binomial": Y, "poisson": K, "gaussian": G}


def X(*names):
    return np.column_stack([one] + [c for n in names for c in COLS[n]])


MEAN = {"binomial": expit, "poisson": np.exp, "gaussian": lambda e: e}
SLOPE = {"binomial": lambda e: expit(e) * (1 - expit(e)), "poisson": np.exp, "gaussian": lambda e: np.ones_like(e)}


class Fits:
    """Fits in the order in which they are asked for; with complex weights from the solutions with real ones."""

    def __init__(self):
        self.known, self.at = [], None

    def start(self, perturbed):
        self.at = 0 if perturbed else None
        if not perturbed:
            self.known = []

    def __call__(self, x, y, w, family):
        def newton(b):
            eta = x @ b
            s = x.T @ (w * (y - MEAN[family](eta)))
            return b + np.linalg.solve((x * (w * SLOPE[family](eta))[:, None]).T @ x, s)

        if self.at is None:
            b = np.zeros(x.shape[1])
            for _ in range(60):
                new = newton(b)
                done = np.max(np.abs(new - b)) < 1e-13 * (1 + np.max(np.abs(new)))
                b = new
                if done:
                    break
            self.known.append(newton(b))
            return self.known[-1]
        b = self.known[self.at].astype(complex)
        self.at += 1
        return newton(newton(b))


def wmean(v, w):
    return (w * v).sum() / w.sum()


def cross_mean(fit, y, w, family, given, dr):
    """a(A)"""
    x = X("C", *given)
    eta = x @ fit(x, y, w * (1 - R), family)
    mu = MEAN[family](eta)
    out = wmean(mu, w * R)
    if dr:
        odds = np.exp(x @ fit(x, R, w, "binomial"))
        out = out + wmean(y - mu, w * (1 - R) * odds)
    return out


def equalised(fit, y, w, family, moved, given, dr):
    """b(T | A)"""
    xa, xb = X("C", *given), X("C", *given, *moved)
    mu = MEAN[family](xb @ fit(xb, y, w * R, family))
    eta = MEAN[family](xa @ fit(xa, mu, w * (1 - R), family))
    out = wmean(eta, w * R)
    if dr:
        g = np.exp(xa @ fit(xa, R, w, "binomial"))
        p = np.exp(xb @ fit(xb, R, w, "binomial"))
        out = out + wmean(mu - eta, w * (1 - R) * g) + wmean(y - mu, w * R * g / p)
    return out


def family_b(y, family, moved, given, dr):
    def f(fit, w):
        m1, m0 = wmean(y, w * R), wmean(y, w * (1 - R))
        a, b = cross_mean(fit, y, w, family, given, dr), equalised(fit, y, w, family, moved, given, dr)
        return {"gap": m1 - m0, "allowable": a - m0, "explained": m1 - b, "unexplained": b - a}

    return f


def product(y, moved, given):
    kept = [n for n in "SBH" if n not in moved and n not in given]
    m = np.column_stack([c for n in moved for c in COLS[n]])

    def f(fit, w):
        gap = wmean(y, w * R) - wmean(y, w * (1 - R))
        z = np.column_stack([X("C", *given), R])
        total = fit(z, y, w, "gaussian")[-1]
        long = np.column_stack([X("C", *given, *kept), R, m, m * R[:, None]])
        b = fit(long, y, w, "gaussian")
        k = m.shape[1]
        red = sum(fit(z, m[:, j], w, "gaussian")[-1] * (b[-2 * k + j] + b[-k + j]) for j in range(k))
        return {"gap": gap, "allowable": gap - total, "explained": red, "unexplained": total - red}

    return f


def cdgd(y, family, given):
    """given: None, or names beside C"""

    def f(fit, w):
        x = np.column_stack([X("C", "S", "B", "H"), R])
        p = expit(x @ fit(x, T, w, "binomial"))
        pot = []
        for t, has in ((0, 1 - T), (1, T)):
            mu = MEAN[family](x @ fit(x, y, w * has, family))
            u = has / (p if t else 1 - p)
            pot.append(u / wmean(u, w) * (y - mu) + mu)
        grp = {"a": w * (1 - R), "b": w * R}
        psi = {(t, g): wmean(pot[t], grp[g]) for t in (0, 1) for g in "ab"}
        tb = {g: wmean(T, grp[g]) for g in "ab"}
        gap = wmean(y, grp["b"]) - wmean(y, grp["a"])
        base = psi[0, "b"] - psi[0, "a"]
        eff = {g: psi[1, g] - psi[0, g] for g in "ab"}
        out = {"gap": gap, "baseline": base}
        if given is None:
            out["prevalence"] = eff["b"] * (tb["b"] - tb["a"])
            out["effect"] = (eff["b"] - eff["a"]) * tb["a"]
            out["selection"] = gap - base - out["prevalence"] - out["effect"]
            return out
        q = X("C", *given)
        d = pot[1] - pot[0]
        tau = {g: q @ fit(q, d, grp[g], "gaussian") for g in "ab"}
        pr = {g: expit(q @ fit(q, T, grp[g], "binomial")) for g in "ab"}
        odds = np.exp(q @ fit(q, R, w, "binomial"))

        def delta(g1, g2, g3):
            to = {("a", "b"): odds, ("b", "a"): 1 / odds}
            r1, r2 = to.get((g1, g3), one), to.get((g2, g3), one)
            return (
                wmean(tau[g1] * pr[g2], grp[g3])
                + wmean((d - tau[g1]) * pr[g2], grp[g1] * r1)
                + wmean((T - pr[g2]) * tau[g1], grp[g2] * r2)
            )

        out["prevalence"] = delta("b", "b", "b") - delta("b", "a", "b")
        out["effect"] = delta("b", "a", "a") - delta("a", "a", "a")
        out["q_distribution"] = delta("b", "a", "b") - delta("b", "a", "a")
        out["selection"] = gap - base - out["prevalence"] - out["effect"] - out["q_distribution"]
        return out

    return f


def with_errors(key, f, w):
    fit = Fits()
    fit.start(False)
    value = f(fit, w)
    psi = {k: np.zeros(N) for k in value}
    h = 1e-30
    for i in range(N):
        wi = w.astype(complex)
        wi[i] += 1j * h * w[i]
        fit.start(True)
        for k, v in f(fit, wi).items():
            psi[k][i] = N * v.imag / h
    for k, v in value.items():
        rows.append((f"{key}|{k}", v))
        rows.append((f"{key}|{k}|se", math.sqrt((psi[k] ** 2).sum()) / N))
        sums = np.bincount(HOSP, psi[k], minlength=40)
        rows.append((f"{key}|{k}|se_cluster", math.sqrt(40 / 39 * (sums**2).sum()) / N))


def donors(y, w, family, moved, given):
    """theta(M, L, A) by a double loop"""
    order = np.argsort(C, kind="stable")
    below = np.cumsum(w[order])
    cuts = [C[order][np.argmax(below >= below[-1] * k / 5)] for k in (1, 2, 3, 4)]
    kind = sum((C > c).astype(int) for c in cuts)
    if "H" in given:
        kind = kind * 4 + H
    fit = Fits()
    fit.start(False)
    x = X("C", "S", "B", "H")
    where = {"S": [2], "B": [3], "H": [4, 5, 6]}
    cols = [j for n in moved for j in where[n]]
    b = fit(x, y, w * R, family)
    total = 0.0
    for i in np.flatnonzero(R == 1):
        who = np.flatnonzero((R == 0) & (kind == kind[i]))
        assert len(who) >= 10
        z = np.repeat(x[i : i + 1], len(who), axis=0)
        z[:, cols] = x[who][:, cols]
        total += w[i] * wmean(MEAN[family](z @ b), w[who])
    m1, m0 = wmean(y, w * R), wmean(y, w * (1 - R))
    theta, a = total / (w * R).sum(), cross_mean(fit, y, w, family, given, False)
    return {"gap": m1 - m0, "allowable": a - m0, "explained": m1 - theta, "unexplained": theta - a}


def gend(sc):
    """The joint distribution of R, C, S, B, H and P(Y = 1) by cell."""
    pc = [[0.5, 0.5], [0.55, 0.45]]
    ps = [[[0.55, 0.30, 0.15], [0.50, 0.30, 0.20]], [[0.25, 0.35, 0.40], [0.20, 0.35, 0.45]]]
    soft = lambda v: np.exp(v) / np.exp(v).sum()
    cells = []
    for r, c, s, b, h in itertools.product(range(2), range(2), range(3), range(3), range(4)):
        pb = soft(np.array([0, -0.3 + 0.5 * c + 0.35 * s + 0.25 * r, -0.9 + 0.7 * c + 1.3 * 0.35 * s + 1.2 * 0.25 * r]))[b]
        ph = soft(np.array([0.2, 0, 0, -0.2]) + np.array([-0.5, -0.2, 0.2, 0.6]) * (0.5 * s + 0.8 * r) + np.array([0.1, 0, 0, -0.1]) * b)[h]
        e = -3 + 0.6 * c + 0.25 * s + 0.5 * b + (-0.5, -0.2, 0.3, 0.8)[h]
        e += 0.15 * r if sc == "base" else 0.1 * r + 0.35 * r * (h >= 2) + 0.1 * r * s
        cells.append((r, c, s, b, h, (0.3 if r else 0.7) * pc[r][c] * ps[r][c][s] * pb * ph, expit(e)))
    return cells


def truths(cells):
    a = np.array(cells)
    r, w, ey = a[:, 0], a[:, 5], a[:, 6]
    at = {"C": 1, "S": 2, "B": 3, "H": 4}

    def cell_mean(v, names, wt):
        key = np.array([int("".join(str(int(row[at[n]])) for n in names) or 0, 10) for row in a])
        return (np.bincount(key, wt * v) / np.where(np.bincount(key, wt) > 0, np.bincount(key, wt), 1))[key]

    w1, w0 = w * (r == 1), w * (r == 0)
    out = {"mean_index": wmean(ey, w1), "mean_reference": wmean(ey, w0)}
    for k in range(1, 4):
        for moved in itertools.combinations("SBH", k):
            mu = cell_mean(ey, ("C",) + moved, w1)
            out["b|" + "".join(moved)] = wmean(cell_mean(mu, ("C",), w0), w1)
    out["a|"] = wmean(cell_mean(ey, ("C",), w0), w1)
    out["a|SB"] = wmean(cell_mean(ey, ("C", "S", "B"), w0), w1)
    mu = cell_mean(ey, ("C", "S", "B", "H"), w1)
    out["b|H given SB"] = wmean(cell_mean(mu, ("C", "S", "B"), w0), w1)
    # Plecko & Bareinboim, x0 = reference.
    full, conf = mu, cell_mean(ey, ("C",), w1)
    out["DE"] = wmean(full, w0) - out["mean_reference"]
    out["IE"] = wmean(full, w0) - wmean(conf, w0)
    out["SE"] = wmean(conf, w0) - out["mean_index"]
    return out


for name, w in (("unweighted", one.copy()), ("weighted", W)):
    for family, y in OUTCOME.items():
        for moved, given in ((("H",), ("S", "B")), (("B",), ()), (("S", "B"), ("H",))):
            tag = f"{''.join(moved)} given {''.join(given)}"
            for dr in (True, False):
                with_errors(f"{name}|{family}|{'dr' if dr else 'gcomp'}|{tag}", family_b(y, family, moved, given, dr), w)
            if family == "gaussian":
                with_errors(f"{name}|{family}|product|{tag}", product(y, moved, given), w)
        for moved, given in ((("B",), ()), (("S", "B"), ("H",)), (("H",), ())):
            for k, v in donors(y, w, family, moved, given).items():
                rows.append((f"{name}|{family}|donors|{''.join(moved)} given {''.join(given)}|{k}", v))
        for given in (None, (), ("S",)):
            with_errors(f"{name}|{family}|cdgd|{'all' if given is None else 'given ' + ''.join(given)}", cdgd(y, family, given), w)

with open(HERE / "interventions.csv", "w", newline="\n") as f:
    f.write(f"# numpy {np.__version__}\nkey,value\n")
    f.writelines(f"{k},{float(v)!r}\n" for k, v in rows)
with open(HERE / "interventions_gend.csv", "w", newline="\n") as f:
    f.write(f"# numpy {np.__version__}\nscenario,key,value\n")
    for sc in ("base", "interaction"):
        cells = gend(sc)
        f.writelines(f"{sc},{k},{float(v)!r}\n" for k, v in truths(cells).items())
        f.writelines(f"{sc},cell {r}{c}{s}{b}{h},{float(p)!r} {float(ey)!r}\n" for r, c, s, b, h, p, ey in cells)
