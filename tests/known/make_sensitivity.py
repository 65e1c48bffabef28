"""Sensitivity figures on the LCG data, by numpy alone, independent of the Rust code.

Run: python make_sensitivity.py        (no arguments; writes sensitivity.csv beside itself, prints nothing)

gap = index (R=1) - reference (R=0). C is the allowable, S, B, H (dummies H1..H3, base 0) are the blocks; weights W are 1 or 1 + floor(3 u2).
  ipw|K|a, se_ij, se_ij_cluster   sum_{R=0} w odds Y / sum_{R=0} w odds, odds = pi/(1-pi) of the logit of R on C and the blocks of K; errors by the
                                  infinitesimal jackknife: psi_i = n d a/d log w_i by central differences, everything fitted again (40 hospitals)
  trim|a|...                      units with pi (C, S, B, H) outside [a, 1-a] left out, then plug-in logit in R=0: n, gap, residual, explained (all blocks)
  park|block|...                  Park, Kang, Lee & Ma (2023): M the block's column, or x_k'b_k of OLS Y ~ R + C + S + B + H; alpha: M ~ R + C; gamma: coefficient
                                  of M for R=1 in Y ~ R + M + R:M + C + other blocks, s.e. of lm; reduction alpha gamma, remaining (Y ~ R + C) - reduction;
                                  se_reduction by the infinitesimal jackknife with M held fixed; rv by bisection of the adjusted reduction itself
  ovb|block|r2_group, r2_outcome  R2 of residuals on residuals (Frisch-Waugh), block by block
"""
import os

for _v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_v] = "1"

import pathlib

import numpy as np

rows = []


def put(key, value):
    rows.append((key, float(value)))


def lcg(seed, n):
    x, out = seed, []
    for _ in range(n):
        x = (6364136223846793005 * x + 1442695040888963407) % 2**64
        out.append((x >> 11) / 2**53)
    return np.array(out)


def expit(e):
    return 1 / (1 + np.exp(-e))


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
frac = U[:, 1] * 7919 + U[:, 4]
HOSP = np.floor(40 * (frac - np.floor(frac))).astype(int)
ONE = np.ones(N)
BLOCKS = {"S": S[:, None], "B": B[:, None], "H": Hd}


def design(blocks):
    return np.column_stack([ONE, C] + [BLOCKS[b] for b in blocks])


def logit(x, y, w, start=None):
    b = np.zeros(x.shape[1]) if start is None else start.copy()
    for _ in range(60):
        m = expit(x @ b)
        step = np.linalg.solve(x.T @ (x * (w * m * (1 - m))[:, None]), x.T @ (w * (y - m)))
        b += step
        if np.max(np.abs(step)) < 1e-14:
            return b
    if np.max(np.abs(step)) < 1e-11:
        return b
    raise RuntimeError("no convergence")


def ols(x, y, w):
    xtx = x.T @ (x * w[:, None])
    return np.linalg.solve(xtx, x.T @ (w * y)), xtx


def jackknife(estimate, w):
    """Errors by the infinitesimal jackknife: independent, and by hospital."""
    psi, h = np.zeros(N), 1e-4
    for i in range(N):
        up, down = w.copy(), w.copy()
        up[i] *= 1 + h
        down[i] *= 1 - h
        psi[i] = N * (estimate(up) - estimate(down)) / (2 * h)
    sums = np.bincount(HOSP, weights=psi, minlength=40)
    return np.sqrt(np.sum(psi**2)) / N, np.sqrt(40 / 39 * np.sum(sums**2)) / N


for name, W in (("unweighted", ONE.copy()), ("weighted", 1.0 + np.floor(3 * U[:, 2]))):
    for blocks in ("", "S", "SBH"):
        x = design(blocks)
        fit = logit(x, R, W)

        def a(w):
            g = logit(x, R, w, fit)
            o = w * (1 - R) * np.exp(x @ g)
            return np.sum(o * Y) / np.sum(o)

        put(f"{name}|ipw|{blocks or 'none'}|a", a(W))
        se, clustered = jackknife(a, W)
        put(f"{name}|ipw|{blocks or 'none'}|se_ij", se)
        put(f"{name}|ipw|{blocks or 'none'}|se_ij_cluster", clustered)

    p = expit(design("SBH") @ logit(design("SBH"), R, W))
    for cut in (0.05, 0.1, 0.2):
        keep = (p >= cut) & (p <= 1 - cut)
        w = W * keep
        m1, m0 = np.sum(w * R * Y) / np.sum(w * R), np.sum(w * (1 - R) * Y) / np.sum(w * (1 - R))

        def plug_in(blocks):
            x = design(blocks)
            return np.sum(w * R * expit(x @ logit(x, Y, w * (1 - R)))) / np.sum(w * R)

        put(f"{name}|trim|{cut}|n_reference", np.sum(keep & (R == 0)))
        put(f"{name}|trim|{cut}|n_index", np.sum(keep & (R == 1)))
        put(f"{name}|trim|{cut}|gap", m1 - m0)
        put(f"{name}|trim|{cut}|unexplained", m1 - plug_in("SBH"))
        put(f"{name}|trim|{cut}|explained", plug_in("SBH") - plug_in(""))

    long = np.column_stack([ONE, R, C, S, B, Hd])
    beta, _ = ols(long, Y, W)
    at = {"S": [3], "B": [4], "H": [5, 6, 7]}
    for block in "SBH":
        M = BLOCKS[block][:, 0] if block != "H" else Hd @ beta[at["H"]]
        others = np.column_stack([BLOCKS[b] for b in "SBH" if b != block])
        base = np.column_stack([ONE, R, C])
        full = np.column_stack([ONE, R, M, R * M, C, others])

        def parts(w):
            (alpha, _), (g, _), (total, _) = ols(base, M, w), ols(full, Y, w), ols(base, Y, w)
            return alpha[1], g[2] + g[3], total[1]

        alpha, gamma, total = parts(W)
        g, xtx = ols(full, Y, W)
        df = N - full.shape[1]
        v = np.linalg.inv(xtx) * np.sum(W * (Y - full @ g) ** 2) / df
        se_gamma = np.sqrt(v[2, 2] + 2 * v[2, 3] + v[3, 3])
        b, btb = ols(base, M, W)
        se_alpha = np.sqrt(np.linalg.inv(btb)[1, 1] * np.sum(W * (M - base @ b) ** 2) / (N - 3))
        reduction = alpha * gamma
        put(f"{name}|park|{block}|reduction", reduction)
        put(f"{name}|park|{block}|remaining", total - reduction)
        put(f"{name}|park|{block}|se_reduction", jackknife(lambda w: parts(w)[0] * parts(w)[1], W)[0])

        def left(ry, rm):
            return abs(reduction) - abs(alpha) * se_gamma * np.sqrt(ry * rm * df / (1 - rm))

        def limit(r):
            sg = se_gamma * np.sqrt((1 - r) / (1 - r) * df / (df - 1))
            moved = abs(gamma) - se_gamma * np.sqrt(r * r * df / (1 - r))
            return left(r, r) - 1.959963984540054 * np.sqrt(alpha**2 * sg**2 + moved**2 * se_alpha**2)

        def root(f):
            low, high = 0.0, 1 - 1e-12
            if f(0.0) <= 0:
                return 0.0
            for _ in range(200):
                mid = (low + high) / 2
                low, high = (mid, high) if f(mid) > 0 else (low, mid)
            return low

        put(f"{name}|park|{block}|rv", root(lambda r: left(r, r)))
        put(f"{name}|park|{block}|rv_of_limit", root(limit))
        put(f"{name}|park|{block}|against 0.1 0.2", np.sign(reduction) * left(0.1, 0.2))

        z = np.column_stack([ONE, C, others])
        z_r = np.column_stack([z, R])

        def residual(x, y):
            return y - x @ ols(x, y, W)[0]

        def share(z, y):
            ry, rx = residual(z, y), np.column_stack([residual(z, BLOCKS[block][:, k]) for k in range(BLOCKS[block].shape[1])])
            return 1 - np.sum(W * residual(rx, ry) ** 2) / np.sum(W * ry**2)

        put(f"{name}|ovb|{block}|r2_group", share(z, R))
        put(f"{name}|ovb|{block}|r2_outcome", share(z_r, Y))

with open(pathlib.Path(__file__).resolve().parent / "sensitivity.csv", "w", newline="\n") as f:
    f.write(f"# numpy {np.__version__}\nkey,value\n")
    for key, value in rows:
        f.write(f"{key},{value!r}\n")
