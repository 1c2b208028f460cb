"""Logistic regression by scikit-learn where it is there, else by SciPy, its strength chosen by 5-fold cross-validation on train: a reference that shares no code.

Usage: python3 logistic_reference.py FOLDER    (train.f32, train.i32, val.f32, val.i32, shape.json as defaults.ts writes them)
"""
import json, sys
import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

folder = sys.argv[1]
shape = json.load(open(f"{folder}/shape.json"))
F, K = shape["width"], shape["classes"]


def read(split):
    X = np.fromfile(f"{folder}/{split}.f32", "<f4").reshape(-1, F).astype(np.float64)
    return X, np.fromfile(f"{folder}/{split}.i32", "<i4")


def fit(X, y, C, start=None):
    n = len(y)
    Y = np.eye(K)[y]

    def objective(w):
        W, b = w[: K * F].reshape(K, F), w[K * F :]
        Z = X @ W.T + b
        norm = logsumexp(Z, axis=1, keepdims=True)
        G = np.exp(Z - norm) - Y
        value = (norm.sum() - (Z * Y).sum()) + (W**2).sum() / (2 * C)
        return value / n, np.concatenate([((G.T @ X) + W / C).ravel(), G.sum(0)]) / n

    start = np.zeros(K * F + K) if start is None else start
    return minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x


def accuracy(w, X, y):
    return float(np.mean((X @ w[: K * F].reshape(K, F).T + w[K * F :]).argmax(1) == y))


X, y = read("train")
V, v = read("val")
mean, std = X.mean(0), X.std(0)
std[std < 1e-8] = np.inf
X, V = (X - mean) / std, (V - mean) / std
try:
    from sklearn.linear_model import LogisticRegressionCV

    model = LogisticRegressionCV(Cs=10, cv=5, max_iter=300).fit(X, y)
    print(json.dumps({"accuracy": float(model.score(V, v)), "C": float(np.ravel(model.C_)[0]), "by": "scikit-learn"}))
    sys.exit()
except ImportError:
    pass
order = np.random.default_rng(0).permutation(len(y))
fold = np.empty(len(y), int)
for k in range(K):
    mine = [i for i in order if y[i] == k]
    fold[mine] = np.arange(len(mine)) % 5
best, chosen = -1, None
for C in 10.0 ** np.arange(-4, 2.1, 1):
    score = np.mean([accuracy(fit(X[fold != f], y[fold != f], C), X[fold == f], y[fold == f]) for f in range(5)])
    if score > best:
        best, chosen = score, C
print(json.dumps({"accuracy": accuracy(fit(X, y, chosen), V, v), "C": chosen, "crossValidation": best, "by": "SciPy"}))
