"""MLPClassifier."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import check_array, validate_data

from fastnn.arrays import Array
from fastnn.models.sequential import Sequential
from fastnn.sklearn import network
from fastnn.sklearn.data import dense
from fastnn.sklearn.estimator import MLP
from fastnn.sklearn.fitted import adopt
from fastnn.sklearn.network import Objective
from fastnn.strict import suggesting


class MLPClassifier(ClassifierMixin, MLP):  # type: ignore[misc]  # scikit-learn has no type hints
    """A dense network that chooses classes: scikit-learn's MLPClassifier, trained by fastnn.

    The parameters from hidden_layer_sizes to max_fun, their defaults, and the attributes are scikit-learn's. Beyond it:

    activation, dropout: one value for all hidden layers, or a list with one for each. Activations are scikit-learn's
        or any of fastnn.layers.Activation. dropout is the share of units, default 0.
    batch_normalization: whether a BatchNormalization follows each hidden layer, before its activation; default False.
    loss: "log_loss" (default), or a loss of fastnn.losses, such as "squared_hinge" or CategoricalFocalCrossentropy().
    output_activation: default None, "softmax" for several classes, "logistic" for two, and for labels that a row may
        have together.
    class_weight: {class: weight}, "balanced", or for labels a list of such; default None, 1 for each.
    callbacks: of fastnn.callbacks, or a list of them.

    ``model_`` is the trained Sequential. `coefs_` and `intercepts_` are its kernels and biases. float32 rows make a
    network of float32, others one of float64. partial_fit() and warm_start keep the optimizer's state.
    Raises ValueError for parameters and data that cannot be used, when fit() begins.

    >>> from fastnn.sklearn import MLPClassifier
    >>> x, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["even", "odd", "odd", "even"]
    >>> classifier = MLPClassifier((8,), "tanh", solver="lbfgs", random_state=0).fit(x, y)
    >>> classifier.predict(x).tolist()
    ['even', 'odd', 'odd', 'even']
    """

    @suggesting
    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: Any = "log_loss",
        output_activation: Any = None,
        dropout: Any = 0.0,
        batch_normalization: bool = False,
        class_weight: Any = None,
        callbacks: Any = None,
    ) -> None:
        self._store(locals())

    @suggesting
    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: Any = None) -> Self:  # noqa: N803
        """Train the network on rows X and classes y (rows,), or labels (rows, labels) of 0 and 1; return self.

        X: an array, frame or sparse matrix (rows, features); a sparse one becomes dense. sample_weight: (rows,).
        eval_set: (X, y) or (X, y, sample_weight), whose loss ``model_.history`` has as "val_loss" of each epoch.
            early_stopping scores them instead of a share of the rows.
        With warm_start the network and its optimizer go on; scikit-learn begins with another optimizer.

        >>> MLPClassifier((4,), max_iter=5, tol=1.0, n_iter_no_change=1).fit([[0.0], [1.0]], [0, 1]).n_iter_
        3
        """
        return self._fit(X, y, sample_weight, eval_set, incremental=False)

    @available_if(MLP._has_batches)  # type: ignore[untyped-decorator]
    @suggesting
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:  # noqa: N803
        """Train for one epoch on these rows, and keep the optimizer's state; return self.

        classes: all classes, needed by the first call if y may lack some. Not with solver="lbfgs".

        >>> classifier = MLPClassifier((4,)).partial_fit([[0.0]], ["no"], classes=["no", "yes"])
        >>> classifier.partial_fit([[1.0]], ["yes"]).t_
        2
        """
        if not hasattr(self, "model_"):
            if classes is None:
                raise ValueError("expected classes, all of them, in the first call of partial_fit; received none")
            self._set_classes(y if type_of_target(y).startswith("multilabel") else classes)
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(
                f"expected classes to be those of the first call, {self.classes_.tolist()}; received "
                f"classes={list(classes)!r:.200}"
            )
        return self._fit(X, y, sample_weight, None, incremental=True)

    def _set_classes(self, y: Any) -> None:
        is_multilabel = type_of_target(y).startswith("multilabel")
        if is_multilabel:
            self.classes_ = np.arange((y if hasattr(y, "shape") else np.asarray(y)).shape[1])
        else:
            self.classes_ = unique_labels(y)
        several = is_multilabel or len(self.classes_) > 2
        self.n_outputs_ = len(self.classes_) if several else 1
        self._is_multilabel = is_multilabel
        default = "logistic" if is_multilabel or not several else "softmax"
        self.out_activation_ = default if self.output_activation is None else self.output_activation

    def _validated(self, x: Any, y: Any, reset: bool, incremental: bool) -> tuple[Any, Any]:
        x, y = validate_data(
            self, x, y, accept_sparse="csr", multi_output=True, dtype=(np.float64, np.float32), reset=reset
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        if reset and not incremental:
            self._set_classes(y)
        return x, self._encoded(y)

    def _encoded(self, y: Any) -> Array:
        y = check_array(y, ensure_2d=False, dtype=None, accept_sparse=True)
        if type_of_target(y).startswith("multilabel") != self._is_multilabel:
            raise ValueError(
                f"expected {'labels (rows, labels)' if self._is_multilabel else 'classes (rows,)'}, as in the first "
                f"fit; received shape {y.shape}"
            )
        if self._is_multilabel:
            y = dense(y)
            if y.shape[1] != len(self.classes_):
                raise ValueError(f"expected {len(self.classes_)} labels for each row; received shape {y.shape}")
            labels: Array = (y != 0).astype(np.uint8)
            return labels
        y = column_or_1d(y)
        order = np.argsort(self.classes_)  # those of from_model() have any order
        places: Array = np.searchsorted(self.classes_, y, sorter=order)
        places = order[np.minimum(places, len(order) - 1)].astype(np.int64)
        unknown = self.classes_[places] != y
        if unknown.any():
            raise ValueError(
                f"expected y of the classes {self.classes_.tolist()}, those of the first fit; received "
                f"{y[unknown].tolist()[0]!r}: for other classes, fit without warm_start"
            )
        return places

    def _row_weights(self, y: Any, sample_weight: Any) -> Any:
        if self.class_weight is None:
            return sample_weight
        weights = compute_sample_weight(self.class_weight, dense(y))
        if (weights < 0).any():
            raise ValueError(f"expected class_weight to be at least 0; received {self.class_weight!r:.100}")
        return weights if sample_weight is None else weights * sample_weight

    def _objective(self) -> Objective:
        return network.of_classes(self.loss, self.n_outputs_, self.model_.layers[-1].activation)

    def _targets(self, y: Array, loss: Any) -> Array:
        if loss._targets == "labels" or y.ndim == 2 or self.n_outputs_ == 1:
            return y
        return np.eye(self.n_outputs_, dtype=np.uint8)[y]

    def _stratified(self, y: Array) -> Array | None:
        return y if self.n_outputs_ == 1 else None  # as in scikit-learn, whose y is one-hot otherwise

    def _score_of(self, y: Array, outputs: Array, weights: Array | None) -> float:
        chosen = self._numbers(outputs) == y
        return float(np.average(chosen.all(axis=1) if chosen.ndim == 2 else chosen, weights=weights))

    def _numbers(self, outputs: Array) -> Array:
        """Return the number of each row's class, or 0 and 1 for each of its labels."""
        if self._is_multilabel:
            return (outputs > 0.5).astype(np.int64)
        if outputs.shape[1] == 1:
            # Losses like hinge take the classes as -1 and 1.
            has_signs = self.out_activation_ != "logistic" and self._objective().loss._targets == "signs"
            return (outputs[:, 0] > (0.0 if has_signs else 0.5)).astype(np.int64)
        numbers: Array = outputs.argmax(axis=1)
        return numbers

    @suggesting
    def predict(self, X: Any) -> Array:  # noqa: N803
        """Return the class (rows,) of each row, or its labels (rows, labels).

        >>> MLPClassifier((4,), solver="lbfgs").fit([[0.0], [1.0]], ["no", "yes"]).predict([[1.0]]).tolist()
        ['yes']
        """
        numbers = self._numbers(self._outputs(X))
        if self._is_multilabel:
            return numbers
        chosen: Array = self.classes_[np.minimum(numbers, len(self.classes_) - 1)]
        return chosen

    def _has_probabilities(self) -> bool:
        activation = getattr(self, "out_activation_", self.output_activation)
        if activation not in (None, "softmax", "logistic", "sigmoid"):
            raise AttributeError(
                f"expected output_activation 'softmax' or 'logistic' for probabilities; received {activation!r}"
            )
        return True

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    @suggesting
    def predict_proba(self, X: Any) -> Array:  # noqa: N803
        """Return the probabilities (rows, classes), or those of labels (rows, labels).

        >>> MLPClassifier((4,), solver="lbfgs").fit([[0.0], [1.0]], ["no", "yes"]).predict_proba([[1.0]]).shape
        (1, 2)
        """
        outputs = self._outputs(X)
        if outputs.shape[1] > 1 or self._is_multilabel:
            return outputs
        return np.ones_like(outputs) if len(self.classes_) == 1 else np.hstack([1 - outputs, outputs])

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    @suggesting
    def predict_log_proba(self, X: Any) -> Array:  # noqa: N803
        """Return the logarithms of predict_proba(X).

        >>> MLPClassifier((4,), solver="lbfgs").fit([[0.0], [1.0]], ["no", "yes"]).predict_log_proba([[1.0]]).shape
        (1, 2)
        """
        with np.errstate(divide="ignore"):
            logarithms: Array = np.log(self.predict_proba(X))
        return logarithms

    @classmethod
    @suggesting
    def from_model(cls, sequential: Sequential, classes: Any = None) -> Self:
        """Return a fitted estimator whose ``model_`` is the given model, with its weights.

        sequential: a model with the last activation "softmax", or "sigmoid" of one unit for two classes, of several
            for labels. classes: default the model's, else 0, 1, ….
        Raises ValueError for another model, and for a wrong number of classes.

        >>> from fastnn.layers import Dense
        >>> model = Sequential([Dense(2, "softmax", input_shape=(3,))])
        >>> MLPClassifier.from_model(model, classes=["no", "yes"]).predict(np.zeros((1, 3))).tolist()
        ['no']
        """
        estimator = adopt(cls(), sequential)
        units, last = estimator.n_outputs_, sequential.layers[-1].activation
        if last not in ("softmax", "sigmoid") or (last == "softmax" and units == 1):
            raise ValueError(
                "expected a last activation 'softmax' of several units, or 'sigmoid'; received "
                f"'{last}' of {units}; for other outputs use MLPRegressor"
            )
        estimator._is_multilabel = last == "sigmoid" and units > 1
        expected = max(units, 2)
        given = sequential.classes if classes is None else classes
        estimator.classes_ = np.arange(expected) if given is None else np.asarray(given)
        if estimator.classes_.shape != (expected,):
            raise ValueError(f"expected {expected} classes, for {units} outputs; received classes={given!r}")
        return estimator

    def _name_model(self) -> None:
        super()._name_model()
        if not self._is_multilabel:
            with suppress(ValueError):  # one class alone, or classes that a file cannot hold
                self.model_.classes = self.classes_.tolist()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
