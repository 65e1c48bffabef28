"""Generalised linear models on the LCG data of tests/it/lcg.rs, by statsmodels. Run: python make_statsmodels_glm.py > statsmodels_glm.csv"""
import numpy as np
import statsmodels
import statsmodels.api as sm


def lcg(seed, n):
    x, out = seed, []
    for _ in range(n):
        x = (6364136223846793005 * x + 1442695040888963407) % 2**64
        out.append((x >> 11) / 2**53)
    return np.array(out)


n = 2000
u = lcg(20240601, 6 * n).reshape(n, 6)
r = (u[:, 0] < 0.35).astype(float)
c = 2 * u[:, 1] - 1
s = 2 * u[:, 2] - 1 + 0.6 * r
b = 2 * u[:, 3] - 1 + 0.4 * s + 0.3 * c
eta = -1.2 + 0.5 * c + 0.4 * s + 0.7 * b + 0.2 * r
exposure = 1.0 + np.floor(4 * u[:, 4])
count = np.floor(2.5 * u[:, 5] * exposure * np.exp(eta))
value = eta + 3 * u[:, 5]
binary = (u[:, 5] < 1 / (1 + np.exp(-eta))).astype(float)
weight = 1.0 + np.floor(3 * u[:, 2])
x = np.column_stack([np.ones(n), r, c, s, b])
names = ["(intercept)", "(group)", "C", "S", "B"]
fits = {
    "poisson": sm.GLM(count, x, sm.families.Poisson(), exposure=exposure),
    "poisson.weighted": sm.GLM(count, x, sm.families.Poisson(), exposure=exposure, freq_weights=weight),
    "gaussian": sm.GLM(value, x, sm.families.Gaussian()),
    "binomial.weighted": sm.GLM(binary, x, sm.families.Binomial(), freq_weights=weight),
}
print(f"# statsmodels {statsmodels.__version__}")
print("model,term,coefficient,std_error,loglik")
for name, model in fits.items():
    f = model.fit(tol=1e-14, maxiter=200)
    for t, beta, se in zip(names, f.params, f.bse):
        print(f"{name},{t},{beta:.15g},{se:.15g},{f.llf:.15g}")
