"""What tests fit scikit-learn's estimators on."""

import warnings

import numpy as np

from arrays import uniform

ROWS = 40
X = uniform(1, (ROWS, 5)) * [1, 3, 9, 0.1, 100] + [0, 5, -2, 1, 50]
LABELS = np.arange(ROWS) % 3
TWO = LABELS == 1
TARGETS = np.stack([X[:, 0] * 3 + X[:, 1], X[:, 2] * 50 + 700], axis=1)


def fitted(estimator, x=X, y=LABELS):
    names = estimator.get_params()
    fixed = {name: 3 for name in names if name.endswith("max_iter")}
    fixed |= {name: 1 for name in names if name.endswith("random_state")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that so few do not converge
        return estimator.set_params(**fixed).fit(x, y)
