"""Known answers for the hospital method with weights and other outcomes than the golden data have: dense indicators, no arrow.

    python3 tests/known/make_hospitals.py        (numpy 2.4.6; writes hospitals_data.csv and hospitals.csv beside itself)

Formulas of METHODS 5.5(a)-(d), written out: penalised fits by Newton's method on explicit indicators of hospitals; leverages are the
diagonal of the weighted hat matrix; what is borrowed moves by the derivative of the mean through all coefficients.
"""
import csv
import os
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
LAMBDA = 0.04
expit = lambda t: 1 / (1 + np.exp(-t))
FAMILY = {
    "gaussian": (lambda e: e, lambda e: np.ones_like(e)),
    "binomial": (expit, lambda e: expit(e) * (1 - expit(e))),
    "poisson": (np.exp, np.exp),
}


def data(n=700, hospitals=14):
    rng = np.random.default_rng(20261125)
    rows = []
    effect = rng.normal(0, 0.5, hospitals)
    for _ in range(n):
        r = int(rng.random() < 0.4)
        age = round(60 + 10 * rng.normal() - 2 * r, 3)
        lab = round(rng.normal() + 0.3 * r, 3)
        h = min(int(hospitals * rng.random() ** (1 / (1 + 0.6 * r))), hospitals - 1)
        # Hospital 2 has no index units, hospital 5 no reference units.
        h = 3 if (h == 2 and r == 1) or (h == 5 and r == 0) else h
        eta = -0.8 + 0.02 * (age - 60) + 0.4 * lab + effect[h] + r * (0.2 + 0.1 * lab)
        rows.append((r, age, lab, h, round(eta + rng.normal(), 4), int(rng.random() < expit(eta)), int(rng.poisson(np.exp(eta))), 1 + int(3 * rng.random())))
    return rows


def newton(y, Z, w, family, penalty):
    """Maximises the weighted log-likelihood less penalty/2 b^2; returns coefficients and the inverse information."""
    mean, slope = FAMILY[family]
    b = np.zeros(Z.shape[1])
    for _ in range(200):
        e = Z @ b
        g = Z.T @ (w * (y - mean(e))) - penalty * b
        J = (Z * (w * slope(e))[:, None]).T @ Z + np.diag(penalty)
        step = np.linalg.solve(J, g)
        if family != "gaussian":
            step = step * min(1, 2 / np.abs(step).max())
        b = b + step
        if np.abs(step).max() < 1e-13:
            break
    e = Z @ b
    return b, np.linalg.inv((Z * (w * slope(e))[:, None]).T @ Z + np.diag(penalty))


def plain(y, X, w, family):
    return newton(y, X, w, family, np.zeros(X.shape[1]))[0]


def method(R, C, X, h, y, w, family):
    """C: allowables; X: allowables and the blocks given; both without intercept."""
    mean, slope = FAMILY[family]
    n, G = len(y), h.max() + 1
    one = np.ones((n, 1))
    C, X = np.hstack([one, C]), np.hstack([one, X])
    H = np.eye(G)[h]
    I, N = R == 1, R == 0
    r = R.astype(float)
    wr = w * r / (w * r).sum()
    norm = lambda v: v / v.sum()
    out, P = {}, {}

    def one_step(M):
        odds = np.exp(M @ plain(r, M, w, "binomial"))
        mu = mean(M @ plain(y[N], M[N], w[N], family))
        wg = norm(w * N * odds)
        a = wr @ mu + wg @ (y - mu)
        return a, wr * (mu - a) + wg * (y - mu), odds, wg

    none, P["none"], _, wgC = one_step(C)
    a, P["mean_patients"], og, wg = one_step(X)
    zeros = np.zeros(X.shape[1])
    Zp = np.hstack([X, H])
    pi = np.exp(Zp @ newton(r, Zp, w, "binomial", np.r_[zeros, np.full(G, LAMBDA)])[0])
    Z = np.hstack([X * N[:, None], X * I[:, None], H])
    pen = np.r_[zeros, zeros, np.full(G, LAMBDA)]
    b, inv = newton(y, Z, w, family, pen)
    e = Z @ b
    hat = w * slope(e) * np.einsum("ij,jk,ik->i", Z, inv, Z)
    Z0 = np.hstack([X, 0 * X, H])
    Z1 = np.hstack([0 * X, X, H])
    m0, m1 = mean(Z0 @ b), mean(Z1 @ b)
    wp = norm(w * N * pi)
    wo = norm(w * I * og / pi)
    aH = wr @ m0 + wp @ (y - m0)
    eta = mean(X @ plain(m1[N], X[N], w[N], family))
    bH = wr @ eta + wg @ (m1 - eta) + wo @ (y - m1)
    inflate = 1 / np.sqrt(1 - hat)
    n0, n1 = np.bincount(h[N], minlength=G), np.bincount(h[I], minlength=G)
    score = w * (y - mean(e)) * inflate
    borrowed = lambda v, D, lacks: Z @ (inv @ (D.T @ (v * slope(D @ b) * lacks[h]))) * score
    Y1, Y0 = wr @ y, norm(w * N) @ y
    P["mean_index"] = wr * (y - Y1)
    P["reference"] = norm(w * N) * (y - Y0)
    P["mean_patients_and_hospital"] = wr * (m0 - aH) + wp * (y - m0) * inflate + borrowed(wr, Z0, n0 == 0)
    P["mean_elsewhere"] = wr * (eta - bH) + wg * (m1 - eta) + wo * (y - m1) * inflate + borrowed(wg, Z1, n1 == 0)
    out.update(mean_index=Y1, reference=Y0, none=none, mean_patients=a, mean_patients_and_hospital=aH, mean_elsewhere=bH)
    for name, plus, minus in [
        ("where_they_go|A", "mean_patients_and_hospital", "mean_patients"),
        ("how_they_fare_there|A", "mean_index", "mean_patients_and_hospital"),
        ("where_they_go|B", "mean_index", "mean_elsewhere"),
        ("how_they_fare_there|B", "mean_elsewhere", "mean_patients"),
        ("gap", "mean_index", "reference"),
        ("allowable", "none", "reference"),
        ("patients", "mean_patients", "none"),
    ]:
        out[name], P[name] = out[plus] - out[minus], P[plus] - P[minus]

    # Standardised hospital risk: the reference group's own fit with indicators.
    Zr = np.hstack([X, H])
    bs, invs = newton(y[N], Zr[N], w[N], family, np.r_[zeros, np.full(G, LAMBDA)])
    lin = X @ bs[: X.shape[1]]
    at = lin[:, None] + bs[X.shape[1] :][None, :]
    v = wr @ mean(at)
    vh = v[h]
    smooth = mean(C @ plain(vh[N], C[N], w[N], family))
    s = wr @ (vh - smooth) - wgC @ (vh - smooth)
    D = np.bincount(h, wr, minlength=G) - np.bincount(h, wgC, minlength=G)
    V = slope(at)
    gradient = np.r_[X.T @ (wr * (V @ D)), (wr @ V) * D]
    es = Zr @ bs
    hats = w * slope(es) * np.einsum("ij,jk,ik->i", Zr, invs, Zr)
    psi = wr * (vh - smooth - s + (mean(at) - v) @ D) - wgC * (vh - smooth)
    psi = psi + N * (Zr @ (invs @ gradient)) * w * (y - mean(es)) / np.sqrt(1 - np.where(N, hats, 0))
    out["standardised_risk"], P["standardised_risk"] = s, psi
    se = {k: np.sqrt((p**2).sum()) for k, p in P.items()}

    # Kitagawa, raw and of residuals of the reference patient model.
    def kitagawa(v):
        total = lambda g: np.bincount(h, w * g * v, minlength=G)
        count = lambda g: np.bincount(h, w * g, minlength=G)
        W0, W1 = count(N), count(I)
        with np.errstate(invalid="ignore"):
            m0, m1 = total(N) / W0, total(I) / W1
        m0, m1 = np.where(W0 > 0, m0, m1), np.where(W1 > 0, m1, m0)
        s0, s1 = W0 / W0.sum(), W1 / W1.sum()
        return ((s1 - s0) * (m1 + m0) / 2).sum(), ((m1 - m0) * (s1 + s0) / 2).sum()

    out["kitagawa_between"], out["kitagawa_within"] = kitagawa(y)
    out["kitagawa_between_adjusted"], out["kitagawa_within_adjusted"] = kitagawa(y - mean(X @ plain(y[N], X[N], w[N], family)))
    # Context: weighted least squares of y on the group and its hospital mean.
    rb = np.bincount(h, w * r, minlength=G) / np.bincount(h, w, minlength=G)
    M = np.column_stack([np.ones(n), r, rb[h]])
    beta = np.linalg.solve((M * w[:, None]).T @ M, M.T @ (w * y))
    var = lambda x: np.average((x - np.average(x, weights=w)) ** 2, weights=w)
    lam = var(rb[h]) / var(r)
    out.update(contextual_within=beta[1], contextual_slope_between=beta[1] + beta[2], contextual_lambda=lam, contextual_between=lam * beta[2])
    return out, se


def main():
    rows = data()
    with open(os.path.join(HERE, "hospitals_data.csv"), "w") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["group", "age", "lab", "hospital", "gaussian", "binomial", "poisson", "weight"])
        out.writerows(rows)
    a = np.array(rows, float)
    with open(os.path.join(HERE, "hospitals.csv"), "w") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["family", "weighted", "key", "value", "std_error"])
        for k, family in enumerate(["gaussian", "binomial", "poisson"]):
            for weighted in [0, 1]:
                w = a[:, 7] if weighted else np.ones(len(a))
                value, se = method(a[:, 0].astype(int), a[:, 1:2] / 10, np.column_stack([a[:, 1] / 10, a[:, 2]]), a[:, 3].astype(int), a[:, 4 + k], w, family)
                for key, v in value.items():
                    out.writerow([family, weighted, key, repr(float(v)), repr(float(se[key])) if key in se else ""])


if __name__ == "__main__":
    main()
