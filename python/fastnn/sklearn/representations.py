"""Representations: the outputs of a layer as a transformer of a pipeline."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted, validate_data

from fastnn.arguments import integer
from fastnn.arrays import Array
from fastnn.models.sequential import Sequential
from fastnn.sklearn.data import outputs_of
from fastnn.strict import suggesting


class Representations(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer that returns what a layer of a network computes of each row.

    model: a Sequential, which is used as it is; or an estimator of fastnn.sklearn, of which fit() trains a copy. A
        FrozenEstimator of scikit-learn around a fitted one is used as it is.
    layer: the layer's index, default -2, the last hidden one; or its name.

    A network that begins with a FeatureSpace, as RealMLP's do, takes frames with text and gaps.
    After fit(), ``model_`` is the network up to that layer. It shares the layers of a Sequential.
    fit() raises ValueError for another model or layer.

    >>> from fastnn.layers import Dense
    >>> from fastnn.models import Sequential
    >>> model = Sequential([Dense(3, "relu", input_shape=(2,)), Dense(1)])
    >>> Representations(model).fit_transform(np.zeros((5, 2))).shape
    (5, 3)
    """

    @suggesting
    def __init__(self, model: Any, layer: int | str = -2) -> None:
        self.model, self.layer = model, layer

    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> Self:  # noqa: N803
        """Train a copy of an estimator on X and y; of a Sequential, only check the features. Return self.

        >>> from fastnn.sklearn import MLPRegressor
        >>> step = Representations(MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs"))
        >>> step.fit([[0.0], [1.0]], [0.0, 1.0]).transform([[0.5]]).shape
        (1, 4)
        """
        model: Any = None
        if isinstance(self.model, Sequential):
            validate_data(self, X, accept_sparse="csr", skip_check_array=self.model.feature_space is not None)
            model = self.model
        elif hasattr(self.model, "fit"):
            validate_data(self, X, accept_sparse="csr", skip_check_array=True)
            self.estimator_ = clone(self.model).fit(X, y, **fit_params)
            model = getattr(self.estimator_, "model_", None)
        if not isinstance(model, Sequential):
            raise ValueError(
                "expected model to be a Sequential or an estimator of fastnn.sklearn, such as MLPClassifier; "
                f"received {self.model!r:.60}"
            )
        space = [] if model.feature_space is None else [model.feature_space]
        self.model_ = Sequential([*space, *model.layers[: self._index(model) + 1]], dtype=model.dtype)
        if not space and self.model_.built and self.model_.input_shape[1] != self.n_features_in_:
            raise ValueError(
                f"expected {self.model_.input_shape[1]} features, the model's inputs; received {self.n_features_in_}"
            )
        self._n_features_out = self.model_.output_shape[1]
        return self

    def _index(self, model: Sequential) -> int:
        layers = model.layers
        if isinstance(self.layer, str):
            model.get_layer(self.layer)  # ValueError for an unknown name
            return [each.name for each in layers].index(self.layer)
        index = integer("layer", self.layer, least=-len(layers))
        if index >= len(layers):
            raise ValueError(f"expected layer to be below {len(layers)}, the model's layers; received layer={index}")
        return index % len(layers)

    @suggesting
    def transform(self, X: Any) -> Array:  # noqa: N803
        """Return the layer's outputs (rows, units). X may be sparse.

        >>> from fastnn.layers import Dense
        >>> step = Representations(Sequential([Dense(3, input_shape=(2,))]), layer=0).fit([[0.0, 0.0]])
        >>> step.transform([[1.0, 2.0]]).shape, step.get_feature_names_out().tolist()
        ((1, 3), ['representations0', 'representations1', 'representations2'])
        """
        check_is_fitted(self)
        if self.model_.feature_space is None:
            return outputs_of(self.model_, validate_data(self, X, accept_sparse="csr", reset=False))
        validate_data(self, X, skip_check_array=True, reset=False)
        as_table = getattr(getattr(self, "estimator_", None), "_table", None)  # of RealMLP: names columns of arrays
        return self.model_.predict(X if as_table is None else as_table(X, reset=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
