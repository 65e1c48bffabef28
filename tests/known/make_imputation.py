"""Logits without, and multinomial logits with pseudo-observations (White, Daniel & Royston 2010), by Newton's method in numpy:
tests/known/imputation.csv.

Two predictors of 90 rows; columns: x1, x2 (mean 0, standard deviation 1), two (0/1), three (0..2, level 2 perfectly predicted by x1). The
last rows hold, for each outcome, coefficients and the diagonal of the inverse information. Written with numpy 2.
"""
import numpy as np

rng = np.random.default_rng(5)
n = 90
x = rng.normal(size=(n, 2))
x = (x - x.mean(0)) / x.std(0)
u = rng.uniform(size=n)
two = (u < 1 / (1 + np.exp(-(0.3 + x[:, 0] - 0.5 * x[:, 1])))).astype(int)
three = np.where(x[:, 0] > 0.9, 2, (rng.uniform(size=n) < 0.4).astype(int))


def fit(code, k, pseudo):
    p = x.shape[1]
    rows, y, w = [np.r_[1.0, r] for r in x], list(code), [1.0] * n
    for j in range(p if pseudo else 0):
        for side in (0.5, -0.5):
            for level in range(k):
                row = np.zeros(p + 1)
                row[0], row[1 + j] = 1.0, side
                rows.append(row)
                y.append(level)
                w.append((p + 1) / (2 * p * k))
    X, y, w = np.array(rows), np.array(y), np.array(w)
    beta = np.zeros((k - 1, p + 1))
    for _ in range(200):
        eta = np.c_[np.zeros(len(X)), X @ beta.T]
        pi = np.exp(eta - eta.max(1, keepdims=True))
        pi /= pi.sum(1, keepdims=True)
        score = np.concatenate([X.T @ (w * ((y == a + 1) - pi[:, a + 1])) for a in range(k - 1)])
        info = np.block([[X.T @ (X * (w * pi[:, a + 1] * ((a == b) - pi[:, b + 1]))[:, None]) for b in range(k - 1)] for a in range(k - 1)])
        step = np.linalg.solve(info, score)
        beta += step.reshape(beta.shape)
        if np.abs(step).max() < 1e-13:
            break
    return beta.ravel(), np.diag(np.linalg.inv(info))


with open("imputation.csv", "w") as f:
    f.write("x1,x2,two,three\n")
    for i in range(n):
        f.write(f"{float(x[i, 0])!r},{float(x[i, 1])!r},{two[i]},{three[i]}\n")
    for name, code, k, pseudo in (("two plain", two, 2, False), ("two", two, 2, True), ("three", three, 3, True)):
        for what, values in zip(("beta", "variance"), fit(code, k, pseudo)):
            f.write(f"{name} {what}," + ",".join(repr(float(v)) for v in values) + "\n")
