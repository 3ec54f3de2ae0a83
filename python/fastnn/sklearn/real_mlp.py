"""RealMLPClassifier and RealMLPRegressor: networks that are good on tables without any tuning."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets

from fastnn.arguments import fraction
from fastnn.arrays import Array
from fastnn.layers.normalization import Affine
from fastnn.models.checks import check_spread
from fastnn.models.real_mlp import REGRESSION, Task, classification
from fastnn.models.sequential import Sequential
from fastnn.sklearn.real_mlp_estimator import RealMLP
from fastnn.strict import suggesting


class RealMLPClassifier(ClassifierMixin, RealMLP):  # type: ignore[misc]  # scikit-learn has no type hints
    """A network for tables that needs no tuning: RealMLP-TD-S, for classes.

    Numbers are scaled robustly and clipped smoothly ("float_robust" of fastnn.FeatureSpace), text is one-hot, gaps are
    filled and marked. Behind a learned scale for each column come SELU layers, trained by Adam with the learning rates
    of CosLog4. The weights of the epoch that was best on held-out rows are kept.

    hidden_layer_sizes: units of the hidden layers. max_iter: epochs. batch_size: at most, batches are equally long.
    learning_rate_init: the highest rate; default None, 0.04. label_smoothing: of the crossentropy, default 0.1.
    validation_fraction: of the rows, held out and drawn for each member anew, stratified if each class has 2 rows.
    n_members: networks whose probabilities are averaged; they are trained side by side on all CPUs. Default 1.
    random_state: as everywhere in scikit-learn; a number repeats fit() to the last bit, on any computer.
    verbose: whether to print a line for each epoch.

    ``models_`` are the members, Sequentials that take the raw table; ``model_`` is the first. loss_curve_ and
    validation_scores_ are the first member's: an epoch's loss, and the accuracy on its held-out rows.
    Source: D. Holzmüller and others, "Better by Default", 2024 (arXiv 2407.04491).
    Raises ValueError for parameters and data that cannot be used, when fit() begins.

    >>> from fastnn.sklearn import RealMLPClassifier
    >>> x, y = [[20, "Rome"], [30, "Oslo"], [40, "Rome"], [50, "Oslo"]] * 5, ["no", "yes"] * 10
    >>> RealMLPClassifier(max_iter=20, random_state=0).fit(x, y).predict([[35, "Rome"], [None, "Oslo"]]).tolist()
    ['no', 'yes']
    """

    @suggesting
    def __init__(
        self,
        hidden_layer_sizes: Any = (256, 256, 256),
        *,
        max_iter: int = 256,
        batch_size: int = 256,
        learning_rate_init: float | None = None,
        label_smoothing: float = 0.1,
        validation_fraction: float = 0.2,
        n_members: int = 1,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.label_smoothing = label_smoothing
        self.validation_fraction = validation_fraction
        self.n_members = n_members
        self.random_state = random_state
        self.verbose = verbose

    @suggesting
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Train on a table X, an array or a frame, and the class of each row; return the estimator.

        >>> RealMLPClassifier(max_iter=5).fit([[0.0], [1.0]], [0, 1]).classes_.tolist()
        [0, 1]
        """
        table, y, weights = self._validated(X, y, sample_weight)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"expected at least 2 classes in y; received 1 class, {self.classes_[0]!r:.60}")
        return self._train(table, np.eye(len(self.classes_), dtype="float32")[numbers], weights)

    @suggesting
    def predict_proba(self, X: Any) -> Array:  # noqa: N803
        """Return the probabilities (rows, classes), the mean over the members.

        >>> RealMLPClassifier(max_iter=5).fit([[0.0], [1.0]], [0, 1]).predict_proba([[1.0]]).shape
        (1, 2)
        """
        return self._outputs(X)

    @suggesting
    def predict(self, X: Any) -> Array:  # noqa: N803
        """Return the class of each row.

        >>> classifier = RealMLPClassifier(max_iter=5, random_state=0).fit([[0.0], [1.0]] * 9, ["a", "b"] * 9)
        >>> classifier.predict([[1.0]]).tolist()
        ['b']
        """
        places = self._outputs(X).argmax(axis=1)
        chosen: Array = self.classes_[places]
        return chosen

    def _task(self) -> Task:
        return classification(fraction("label_smoothing", self.label_smoothing, below_1=True))

    def _finished(self, model: Sequential) -> Sequential:
        model.classes = self.classes_.tolist()
        return model

    def _stratified(self, y: Array) -> Array | None:
        labels: Array = y.argmax(axis=1)
        return labels


class RealMLPRegressor(RegressorMixin, RealMLP):  # type: ignore[misc]  # scikit-learn has no type hints
    """A network for tables that needs no tuning: RealMLP-TD-S, for numbers, one or several for each row.

    As RealMLPClassifier, with Mish in place of SELU, a learning rate of at most 0.07 and standardized targets, whose
    mean squared error is minimized. ``model_`` ends in an Affine that gives the targets' own units; validation_scores_
    are negative errors of the standardized targets.
    Raises ValueError for parameters and data that cannot be used, when fit() begins.

    >>> from fastnn.sklearn import RealMLPRegressor
    >>> x = np.linspace(-1, 1, 100)[:, np.newaxis]
    >>> regressor = RealMLPRegressor(max_iter=64, random_state=0).fit(x, x[:, 0] ** 2)
    >>> bool(0.2 < regressor.predict([[0.5]])[0] < 0.3)
    True
    """

    @suggesting
    def __init__(
        self,
        hidden_layer_sizes: Any = (256, 256, 256),
        *,
        max_iter: int = 256,
        batch_size: int = 256,
        learning_rate_init: float | None = None,
        validation_fraction: float = 0.2,
        n_members: int = 1,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.validation_fraction = validation_fraction
        self.n_members = n_members
        self.random_state = random_state
        self.verbose = verbose

    @suggesting
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Train on a table X, an array or a frame, and targets y (rows,) or (rows, targets); return the estimator.

        >>> RealMLPRegressor(max_iter=5).fit([[0.0], [1.0]], [0.0, 1.0]).n_iter_
        5
        """
        table, y, weights = self._validated(X, y, sample_weight)
        self._is_vector, y = y.ndim == 1, y.reshape(len(y), -1)
        # Rounded, the deviation of equal targets would not be 0.
        self._mean, spread = y.mean(axis=0), np.where(y.min(axis=0) == y.max(axis=0), 0.0, y.std(axis=0))
        for each in zip(self._mean.tolist(), spread.tolist(), strict=True):
            check_spread(*each)
        self._spread = np.where(spread > 0, spread, 1.0)
        return self._train(table, ((y - self._mean) / self._spread).astype("float32"), weights)

    @suggesting
    def predict(self, X: Any) -> Array:  # noqa: N803
        """Return the prediction of each row, (rows,) or (rows, targets) as y was.

        >>> RealMLPRegressor(max_iter=5).fit([[0.0], [1.0]], [0.0, 1.0]).predict([[1.0], [2.0]]).shape
        (2,)
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if self._is_vector else outputs

    def _task(self) -> Task:
        return REGRESSION

    def _finished(self, model: Sequential) -> Sequential:
        units = Affine(trainable=False)
        assert model.feature_space is not None
        finished = Sequential([model.feature_space, *model.layers, units])
        units.set_weights([self._spread, self._mean])
        return finished
