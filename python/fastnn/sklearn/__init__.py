"""Estimators of scikit-learn: its neural networks, trained by fastnn, and representations as a step of a pipeline.

>>> from fastnn.sklearn import MLPClassifier
>>> classifier = MLPClassifier((8,), solver="lbfgs", random_state=0).fit([[0.0], [1.0], [2.0]], ["no", "yes", "yes"])
>>> classifier.predict([[0.0], [2.0]]).tolist()
['no', 'yes']
"""

try:
    from sklearn.utils.validation import validate_data as _validate_data  # noqa: F401  # of scikit-learn 1.6
except ImportError:
    raise ImportError("fastnn.sklearn needs scikit-learn 1.6 or later: pip install scikit-learn") from None

from fastnn.sklearn.classifier import MLPClassifier
from fastnn.sklearn.real_mlp import RealMLPClassifier, RealMLPRegressor
from fastnn.sklearn.regressor import MLPRegressor
from fastnn.sklearn.representations import Representations

__all__ = ["MLPClassifier", "MLPRegressor", "RealMLPClassifier", "RealMLPRegressor", "Representations"]


def __dir__() -> list[str]:
    return __all__
