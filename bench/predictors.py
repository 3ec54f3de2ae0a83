"""The methods that accuracy.py compares: each library's estimator at its defaults, one thread, seeded.

`PREDICTORS[name].make(x, has_classes, seed)` returns an unfitted estimator for a frame x. What a user of defaults adds
is added: text is one-hot for all but RealMLP, which takes it as it is; networks and linear models get standardized
columns, and networks of numbers standardized targets too, without which some do not learn at all.
"""

from collections.abc import Callable
from typing import NamedTuple

MEMBERS = 3  # of the ensemble
OWN, ENSEMBLE = "RealMLP", f"RealMLP × {MEMBERS}"


class Predictor(NamedTuple):
    """A method, and the package that it needs."""

    package: str
    make: Callable


def _one_hot(x):
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OneHotEncoder

    text = x.select_dtypes(exclude="number").columns
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), text), remainder="passthrough"
    )


def _encoded(x, estimator):
    from sklearn.pipeline import make_pipeline

    return make_pipeline(_one_hot(x), estimator)


def _standardized(x, estimator):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(_one_hot(x), StandardScaler(), estimator)


def _network(x, has_classes, module, seed):
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    if has_classes:
        return _standardized(x, module.MLPClassifier(random_state=seed))
    regressor = module.MLPRegressor(random_state=seed)
    return _standardized(x, TransformedTargetRegressor(regressor, transformer=StandardScaler()))


def _real_mlp(members, x, has_classes, seed):
    from fastnn.sklearn import RealMLPClassifier, RealMLPRegressor

    return (RealMLPClassifier if has_classes else RealMLPRegressor)(n_members=members, random_state=seed)


def _fastnn(x, has_classes, seed):
    import fastnn.sklearn

    return _network(x, has_classes, fastnn.sklearn, seed)


def _scikit_learn(x, has_classes, seed):
    import sklearn.neural_network

    return _network(x, has_classes, sklearn.neural_network, seed)


def _lightgbm(x, has_classes, seed):
    import lightgbm

    kind = lightgbm.LGBMClassifier if has_classes else lightgbm.LGBMRegressor
    return _encoded(x, kind(random_state=seed, n_jobs=1, verbosity=-1))


def _xgboost(x, has_classes, seed):
    import xgboost

    return _encoded(x, (xgboost.XGBClassifier if has_classes else xgboost.XGBRegressor)(random_state=seed, n_jobs=1))


def _forest(x, has_classes, seed):
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    return _encoded(x, (RandomForestClassifier if has_classes else RandomForestRegressor)(random_state=seed))


def _linear(x, has_classes, seed):
    from sklearn.linear_model import LogisticRegression, Ridge

    return _standardized(x, LogisticRegression(random_state=seed) if has_classes else Ridge(random_state=seed))


PREDICTORS = {
    OWN: Predictor("fastnn", lambda *given: _real_mlp(1, *given)),
    ENSEMBLE: Predictor("fastnn", lambda *given: _real_mlp(MEMBERS, *given)),
    "fastnn MLP": Predictor("fastnn", _fastnn),
    "scikit-learn MLP": Predictor("sklearn", _scikit_learn),
    "LightGBM": Predictor("lightgbm", _lightgbm),
    "XGBoost": Predictor("xgboost", _xgboost),
    "random forest": Predictor("sklearn", _forest),
    "linear": Predictor("sklearn", _linear),
}
