"""Mechanism-switch means by a second implementation (numpy only): writes mechanisms.csv.

Data: the linear congruential generator of METHODS 9 (2,000 rows), blocks S, B, H in causal order, allowable C; unweighted, and
with weights 1, 2, 3, 1, 2, 3, ... The definitions are those of METHODS 5.1: a logit with main effects for the outcome in each group, fractional
logits with restricted cubic splines (4 df, knots at weighted quantiles) and C x S, C x B products below it, group logits with main effects.
The all-switched mean is the doubly robust mean of the reference group standardised over C alone (METHODS 3.2)."""
import csv, itertools, math, pathlib
import numpy as np


def lcg():
    x, rows = 20240601, []
    def u():
        nonlocal x
        x = (6364136223846793005 * x + 1442695040888963407) % 2**64
        return (x >> 11) / 2**53
    for _ in range(2000):
        v = [u() for _ in range(6)]
        r = int(v[0] < .35); c = 2*v[1] - 1; s = 2*v[2] - 1 + .6*r; b = 2*v[3] - 1 + .4*s + .3*c
        h = int(math.floor(min(4*v[4] + r*v[2], 3.999)))
        y = int(v[5] < 1/(1 + math.exp(-(-1.2 + .5*c + .4*s + .7*b + (-.4, -.1, .2, .5)[h] + .2*r))))
        rows.append((r, c, s, b, h, y))
    return np.array(rows, float)


expit = lambda t: 1/(1 + np.exp(-t))


def logit(x, y, w):
    beta = np.zeros(x.shape[1])
    scale = np.maximum(abs(x).max(0), 1e-9)                  # conditioning only
    z = x / scale
    for _ in range(100):
        mu = expit(z @ beta)
        step = np.linalg.solve((z * (w*mu*(1 - mu))[:, None]).T @ z, z.T @ (w*(y - mu)))
        beta += step
        if abs(step).max() < 1e-10:
            return beta / scale                               # Newton's last step squares the error
    raise RuntimeError('no convergence')


def knots(v, w):
    order = np.argsort(v, kind='stable')
    cum = np.cumsum(w[order])
    return [v[order][np.searchsorted(cum, p * w.sum(), side='left')] for p in (.05, .275, .5, .725, .95)]


def curve(v, w):
    t = knots(v, w); k = len(t)
    cube = lambda a: np.maximum(v - a, 0)**3
    return [(cube(t[j]) - cube(t[k-2])*(t[k-1] - t[j])/(t[k-1] - t[k-2]) + cube(t[k-1])*(t[k-2] - t[j])/(t[k-1] - t[k-2]))/(t[k-1] - t[0])**2
            for j in range(k - 2)]


def vertices(d, w):
    r, c, s, b, h, y = d.T
    n = len(y); one = np.ones(n)
    dummies = [(h == l).astype(float) for l in (1, 2, 3)]
    plain = [[one, c], [one, c, s], [one, c, s, b], [one, c, s, b, *dummies]]
    rich = [[one, c, *curve(c, w)], [one, c, s, *curve(c, w), *curve(s, w), c*s],
            [one, c, s, b, *curve(c, w), *curve(s, w), *curve(b, w), c*s, c*b]]
    plain = [np.array(p).T for p in plain]; rich = [np.array(p).T for p in rich]
    o = [np.exp(-(x @ logit(x, r, w))) for x in plain]
    fit = lambda x, v, g: expit(x @ logit(x[r == g], v[r == g], w[r == g]))
    out = {}
    for law in itertools.product((1, 0), repeat=4):          # groups of S, B, H, Y
        nu = [None]*5; nu[4] = y
        nu[3] = fit(plain[3], y, law[3])
        for l in (2, 1, 0):
            nu[l] = fit(rich[l], nu[l + 1], law[l])
        plug = (w*r*nu[0]).sum()/(w*r).sum(); step = plug
        rho = one.copy()
        for k in range(4):
            omega = rho if law[k] else rho/o[k]
            weight = w*(r == law[k])*omega
            step += (weight*(nu[k + 1] - nu[k])).sum()/weight.sum()
            if not law[k] and k < 3:
                rho = rho*o[k + 1]/o[k]
        out[law] = (step, plug)
    x = plain[0]; mu = fit(x, y, 0); plug = (w*r*mu).sum()/(w*r).sum()
    odds = w*(1 - r)/o[0]
    out[(0, 0, 0, 0)] = (plug + (odds*(y - mu)).sum()/odds.sum(), plug)
    return out


def main():
    d = lcg()
    with open(pathlib.Path(__file__).with_name('mechanisms.csv'), 'w', newline='') as f:
        f.write('weighted,switched,one_step,plug_in\n')
        for weighted in (0, 1):
            w = 1.0 + np.arange(len(d)) % 3 if weighted else np.ones(len(d))
            for law, (step, plug) in vertices(d, w).items():
                f.write('%d,%d,%r,%r\n' % (weighted, sum((1 - g) << k for k, g in enumerate(law)), float(step), float(plug)))


main()
